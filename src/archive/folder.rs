//! The archive's directory: reading, writing and removing files below it.
//!
//! Invariants: a file is whole or not there; only one thread of the process writes at a time. A killed process
//! leaves one temporary file at most, which the next write replaces.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// The folder of the indexes; no item's path starts with a dot.
const OWN: &str = ".index";
/// The temporary file, in the folder of the indexes.
const NEXT: &str = "next.tmp";
/// The temporary file in a directory that lies on another disk.
const NEXT_BESIDE: &str = ".feedwright.tmp";

/// The archive's directory.
#[derive(Debug)]
pub(super) struct ArchiveFolder {
    root: PathBuf,
    writing: Mutex<()>,
}

/// What lies at a path, compared with bytes that are to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileMatch {
    Nothing,
    /// The same bytes.
    Same,
    Other,
}

impl ArchiveFolder {
    /// The archive at `root`, which is made when something is written.
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            writing: Mutex::default(),
        }
    }

    /// Locks the archive for writing.
    pub(super) fn lock(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The path of a file in the folder of the indexes.
    pub(super) fn own(&self, name: &str) -> PathBuf {
        self.root.join(OWN).join(name)
    }

    /// Makes the folder of the indexes.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn prepare(&self) -> io::Result<()> {
        fs::create_dir_all(self.root.join(OWN))
    }

    /// What lies at `path`, compared with `bytes`.
    ///
    /// # Errors
    /// When it can't be told.
    pub(super) fn holds(&self, path: &str, bytes: &[u8]) -> io::Result<FileMatch> {
        let path = self.root.join(path);
        let found = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(FileMatch::Nothing),
            found => found?,
        };
        if !found.is_file() || found.len() != bytes.len() as u64 {
            return Ok(FileMatch::Other);
        }
        let mut content = Vec::with_capacity(bytes.len());
        let limit = bytes.len() as u64 + 1;
        File::open(&path)?.take(limit).read_to_end(&mut content)?;
        Ok(if content == bytes {
            FileMatch::Same
        } else {
            FileMatch::Other
        })
    }

    /// Lets `bytes` be the file at `path`, over whatever is there; on disk but for its name, see
    /// [`sync`](Self::sync).
    ///
    /// # Errors
    /// When the disk is full or refuses; what was there is there then.
    pub(super) fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let target = self.root.join(path);
        let parent = target.parent().unwrap_or(&self.root);
        fs::create_dir_all(parent)?;
        let next = self.own(NEXT);
        match write_over(&next, &target, bytes) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                fs::remove_file(&next)?;
                write_over(&parent.join(NEXT_BESIDE), &target, bytes)
            }
            written => written,
        }
    }

    /// Bytes of a file below; 0 where there is none.
    pub(super) fn bytes_of(&self, path: &str) -> u64 {
        let found = self.inside(path).map(fs::symlink_metadata);
        let found = found.and_then(Result::ok).filter(Metadata::is_file);
        found.map_or(0, |found| found.len())
    }

    /// Bytes of the files in a folder below, but for folders in it.
    pub(super) fn bytes_in(&self, path: &str) -> u64 {
        let entries = self.inside(path).and_then(|path| fs::read_dir(path).ok());
        let found = entries.into_iter().flatten();
        let metadata = found.filter_map(|entry| entry.ok()?.metadata().ok());
        metadata
            .filter(Metadata::is_file)
            .map(|found| found.len())
            .sum()
    }

    /// Whether there is such a folder below.
    pub(super) fn is_folder(&self, path: &str) -> bool {
        let found = self.inside(path).map(fs::symlink_metadata);
        found.is_some_and(|found| found.is_ok_and(|found| found.is_dir()))
    }

    /// When a file below was written.
    pub(super) fn modified_at(&self, path: &str) -> Option<SystemTime> {
        fs::symlink_metadata(self.inside(path)?)
            .ok()?
            .modified()
            .ok()
    }

    /// Removes a file below, and the folders above it that are empty then; the bytes that it had, none
    /// where it was not there.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn remove(&self, path: &str) -> io::Result<u64> {
        let Some(file) = self.inside(path) else {
            return Ok(0);
        };
        let bytes = self.bytes_of(path);
        match fs::remove_file(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            removed => removed?,
        }
        let above = file
            .ancestors()
            .skip(1)
            .take_while(|folder| *folder != self.root);
        for folder in above {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(bytes)
    }

    /// Removes the files in a folder below, and the folder when it is empty then; their bytes.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn remove_files_in(&self, path: &str) -> io::Result<u64> {
        let Some(folder) = self.inside(path).filter(|_| self.is_folder(path)) else {
            return Ok(0);
        };
        let mut bytes = 0;
        for entry in fs::read_dir(folder)? {
            if let Some(name) = entry?.file_name().to_str() {
                let file = format!("{path}/{name}");
                if !self.is_folder(&file) {
                    bytes += self.remove(&file)?;
                }
            }
        }
        Ok(bytes)
    }

    /// Where a path leads; `None` where that is not below.
    fn inside(&self, path: &str) -> Option<PathBuf> {
        // SECURITY: who can write to an index must not have other files removed.
        let mut parts = Path::new(path).components();
        let is_inside = parts.all(|part| matches!(part, Component::Normal(_)));
        (is_inside && !path.is_empty()).then(|| self.root.join(path))
    }

    /// Syncs the directories that these files lie in, and those above.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn sync<'a>(&self, paths: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
        let mut directories: BTreeSet<&Path> = BTreeSet::new();
        for path in paths {
            directories.extend(Path::new(path).ancestors().skip(1));
        }
        for directory in directories.into_iter().rev() {
            File::open(self.root.join(directory))?.sync_all()?;
        }
        Ok(())
    }
}

fn write_over(next: &Path, target: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(next)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_data());
    drop(file);
    let placed = written.and_then(|()| fs::rename(next, target));
    if placed.is_err() {
        // On a full disk its bytes are needed.
        fs::remove_file(next).ok();
    }
    placed
}
