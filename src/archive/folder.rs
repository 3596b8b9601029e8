//! The archive's directory.
//!
//! Invariants: a file is whole or not there; only one thread of the process writes at a time. What a
//! killed process leaves behind is one temporary file, which the next write takes over.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What of the archive is ours, below its directory; no item's path starts with a dot.
const OWN: &str = ".index";
/// Where files are written before they get their names.
const NEXT: &str = "next.tmp";
/// The same in a directory that lies on another disk.
const NEXT_BESIDE: &str = ".feedwright.tmp";

/// The archive's directory.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    writing: Mutex<()>,
}

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Nothing,
    /// The very bytes that were to be written.
    Same,
    Other,
}

impl Folder {
    /// The archive at `root`, which is made when something is written.
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            writing: Mutex::default(),
        }
    }

    /// The right to write.
    pub(super) fn lock(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file of ours.
    pub(super) fn own(&self, name: &str) -> PathBuf {
        self.root.join(OWN).join(name)
    }

    /// Makes the directory of our files.
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
    pub(super) fn holds(&self, path: &str, bytes: &[u8]) -> io::Result<Holds> {
        let path = self.root.join(path);
        let found = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Holds::Nothing),
            found => found?,
        };
        if !found.is_file() || found.len() != bytes.len() as u64 {
            return Ok(Holds::Other);
        }
        let mut content = Vec::with_capacity(bytes.len());
        let limit = bytes.len() as u64 + 1;
        File::open(&path)?.take(limit).read_to_end(&mut content)?;
        Ok(if content == bytes {
            Holds::Same
        } else {
            Holds::Other
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
