//! Bodies in files of their own: `bodies/3f/1087`, named by the id of their record.
//!
//! A file is written as a temporary file, synced and renamed, so that it is whole or not there. Two records never
//! share a file: one upstream's bytes can't be served for another's.
//!
//! Invariant: only regular files are opened; symbolic links are not followed.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rustix::fs::OFlags;

use super::layout::{BODIES, SHARDS, TEMPORARY};
use super::permissions;
use super::record::PIECE_BYTES;

/// The most left-over temporary files that one start removes.
const LEFTOVERS_MAX: usize = 10_000;

/// The files of a store.
#[derive(Debug)]
pub(super) struct Files {
    directory: PathBuf,
    /// The number of the next temporary file.
    written: AtomicU64,
}

/// A synced temporary file; removed when dropped before it is placed.
#[derive(Debug)]
pub(super) struct Temporary {
    path: PathBuf,
    is_placed: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_placed {
            fs::remove_file(&self.path).ok();
        }
    }
}

impl Files {
    /// The files below `directory`, for reading.
    pub(super) fn at(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            written: AtomicU64::new(0),
        }
    }

    /// The files below `directory`, for reading and writing. Removes temporary files of an earlier process.
    ///
    /// # Errors
    /// When the directories can't be made, or something else has their names.
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        let files = Self::at(directory);
        for name in [BODIES, TEMPORARY] {
            make_directory(&directory.join(name))?;
        }
        for shard in 0..=SHARDS {
            // A symbolic link would be followed.
            let path = files.shard(shard);
            if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_dir()) {
                remove(&path);
            }
        }
        for entry in fs::read_dir(directory.join(TEMPORARY))?.take(LEFTOVERS_MAX) {
            remove(&entry?.path());
        }
        Ok(files)
    }

    /// Writes and syncs a temporary file for [`Files::place`].
    ///
    /// # Errors
    /// When the disk is full or refuses; nothing is left behind then.
    pub(super) fn write(&self, pieces: &[Bytes]) -> io::Result<Temporary> {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let temporary = Temporary {
            path: self.directory.join(TEMPORARY).join(number.to_string()),
            is_placed: false,
        };
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(permissions::FILE)
            .open(&temporary.path)?;
        permissions::own(&file)?;
        pieces.iter().try_for_each(|piece| file.write_all(piece))?;
        file.sync_data()?;
        Ok(temporary)
    }

    /// Renames a temporary file to the place of record `id`, replacing whatever is there.
    ///
    /// # Errors
    /// When the disk is full or refuses.
    pub(super) fn place(&self, mut temporary: Temporary, id: i64) -> io::Result<()> {
        let place = self.place_of(id);
        if let Err(error) = fs::rename(&temporary.path, &place) {
            // The shard's directory is missing, or something else has its name or the file's.
            let shard = self.shard(shard_of(id));
            make_directory(&shard).or_else(|_| {
                remove(&shard);
                make_directory(&shard)
            })?;
            if error.kind() != io::ErrorKind::NotFound {
                remove(&place);
            }
            fs::rename(&temporary.path, &place)?;
        }
        temporary.is_placed = true;
        Ok(())
    }

    /// Syncs the directories that hold these records' files.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn sync_places(&self, ids: &[i64]) -> io::Result<()> {
        let shards: BTreeSet<u8> = ids.iter().map(|id| shard_of(*id)).collect();
        for shard in shards {
            File::open(self.shard(shard))?.sync_all()?;
        }
        Ok(())
    }

    /// The bytes of the file of record `id`, in pieces; `None` when it isn't a regular file of this
    /// length.
    ///
    /// # Errors
    /// When it can't be opened or read; [`io::ErrorKind::NotFound`] when there is none.
    pub(super) fn read(&self, id: i64, bytes: usize) -> io::Result<Option<Vec<Bytes>>> {
        let Some(mut file) = self.open_file(id, bytes)? else {
            return Ok(None);
        };
        let mut pieces = Vec::with_capacity(bytes.div_ceil(PIECE_BYTES));
        let mut left = bytes;
        while left > 0 {
            let mut piece = vec![0; left.min(PIECE_BYTES)];
            match file.read_exact(&mut piece) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                Err(error) => return Err(error),
            }
            left -= piece.len();
            pieces.push(piece.into());
        }
        Ok(Some(pieces))
    }

    /// The file of record `id`, opened; `None` when it isn't a regular file of this length.
    ///
    /// # Errors
    /// When it can't be opened; [`io::ErrorKind::NotFound`] when there is none.
    pub(super) fn open_file(&self, id: i64, bytes: usize) -> io::Result<Option<File>> {
        // SECURITY: a FIFO would block the reader for ever, a symbolic link lead elsewhere.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(self.place_of(id));
        let file = match opened {
            Ok(file) => file,
            Err(error) if is_link(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let found = file.metadata()?;
        let is_it = found.is_file() && found.len() == bytes as u64;
        Ok(is_it.then_some(file))
    }

    /// Removes the file of record `id`, whatever it is.
    pub(super) fn remove(&self, id: i64) {
        remove(&self.place_of(id));
    }

    /// The ids of the files in one directory. Files with other names are removed.
    ///
    /// # Errors
    /// When the directory can't be read.
    pub(super) fn records_in(&self, shard: u8) -> io::Result<Vec<i64>> {
        let mut ids = Vec::new();
        let path = self.shard(shard);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => {
                remove(&path);
                return Ok(ids);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(ids),
            Err(error) => return Err(error),
        }
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let id = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            match id.filter(|id| shard_of(*id) == shard) {
                Some(id) => {
                    // The folders are closed to others already; failures were logged at the start.
                    permissions::tighten_one(&entry.path()).ok();
                    ids.push(id);
                }
                None => remove(&entry.path()),
            }
        }
        Ok(ids)
    }

    fn place_of(&self, id: i64) -> PathBuf {
        self.shard(shard_of(id)).join(id.to_string())
    }

    fn shard(&self, shard: u8) -> PathBuf {
        self.directory.join(BODIES).join(format!("{shard:02x}"))
    }
}

fn shard_of(id: i64) -> u8 {
    id.to_le_bytes()[0]
}

/// Creates a directory that its owner alone can read, unless it exists.
///
/// # Errors
/// When it can't be made, or something else has its name.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(permissions::FOLDER).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if fs::symlink_metadata(path)?.is_dir() {
                Ok(())
            } else {
                let reason = format!("{} is no directory", path.display());
                Err(io::Error::new(io::ErrorKind::NotADirectory, reason))
            }
        }
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(permissions::FOLDER)),
        Err(error) => Err(error),
    }
}

fn is_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// Removes a file or folder without following links. Errors are ignored.
fn remove(path: &Path) {
    if fs::remove_file(path).is_err() {
        fs::remove_dir_all(path).ok();
    }
}
