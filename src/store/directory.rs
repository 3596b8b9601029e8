//! Opens the data directory: its lock, the database and the files. One process has it at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use rustix::fs::OFlags;

use super::bodies::Bodies;
use super::files::{self, Files};
use super::layout::{DATABASE, LOCK};
use super::permissions;
use super::readers::Readers;
use super::recovery::recover;
use super::schema::{self, SchemaError};

/// The suffix of a damaged database's name.
const DAMAGED: &str = ".damaged";
/// Suffixes of the files that SQLite keeps.
const COMPANIONS: [&str; 3] = ["", "-wal", "-shm"];
/// The most bytes of the process id in the lock file.
const PID_BYTES_MAX: u64 = 20;

/// Why a store can't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it open.
    #[error("{} is in use by another process{}", path.display(), by.map_or_else(String::new, |by| format!(" ({by})")))]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The id of the process, if the lock file has one.
        by: Option<u32>,
    },
    /// The directory, or something in it, can't be created or used.
    #[error("{} can't be used", path.display())]
    Unusable {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A later version of Feedwright made it.
    #[error("{} was made by a later version of Feedwright (its version is {version}): start that one, or name another directory", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// The version of its tables.
        version: i32,
    },
    /// The database.
    #[error("the database {} can't be opened", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// There is none.
    #[error("there is no store: {} is not there; a service that runs makes it", .0.display())]
    Absent(PathBuf),
    /// It is no database of ours, or damaged.
    #[error("the database {} is damaged, or none of Feedwright's", .0.display())]
    Damaged(PathBuf),
    /// The thread that writes.
    #[error("the thread that writes can't be started")]
    Thread(#[source] io::Error),
}

/// The open, locked directory. Dropping it releases the lock.
#[derive(Debug)]
pub(super) struct Disk {
    pub(super) path: PathBuf,
    pub(super) bodies: Bodies,
    lock: File,
}

impl Disk {
    /// Opens and locks the directory; creates it where there is none.
    ///
    /// # Errors
    /// When another process has it, or when it can't be used.
    pub(super) fn open(path: &Path) -> Result<(Self, Connection), OpenError> {
        let path = make(path).map_err(unusable(path))?;
        let lock = lock(&path)?;
        permissions::tighten(&path);
        let files = Files::open(&path).map_err(unusable(&path))?;
        let connection = open_database(&path)?;
        warn_about_remote(&path);
        let disk = Self {
            bodies: Bodies {
                readers: Readers::new(path.join(DATABASE)),
                files,
            },
            path,
            lock,
        };
        Ok((disk, connection))
    }

    /// Whether the directory is still the one that was opened. Writes to one that was removed or replaced would
    /// be lost.
    pub(super) fn is_in_place(&self) -> bool {
        let opened = self.lock.metadata();
        let named = fs::symlink_metadata(self.path.join(LOCK));
        match (opened, named) {
            (Ok(opened), Ok(named)) => (opened.dev(), opened.ino()) == (named.dev(), named.ino()),
            _ => false,
        }
    }
}

/// The open directory with the connection that writes.
pub(super) struct OpenDirectory {
    pub(super) disk: Arc<Disk>,
    pub(super) connection: Connection,
    /// SQLite's `data_version` at the last look; another one means that another process has written.
    pub(super) data_version: Option<i64>,
}

impl OpenDirectory {
    pub(super) fn new(disk: Arc<Disk>, connection: Connection) -> Self {
        Self {
            disk,
            connection,
            data_version: None,
        }
    }
}

/// The path of the database of a directory that another process may have open.
pub(super) fn existing(directory: &Path) -> Result<PathBuf, OpenError> {
    let database = directory.join(DATABASE);
    match fs::canonicalize(directory) {
        Ok(path) if path.join(DATABASE).exists() => {
            let database = path.join(DATABASE);
            check_is_file(&database)?;
            Ok(database)
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unusable(directory)(error)),
        _ => Err(OpenError::Absent(database)),
    }
}

fn unusable(path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    |source| OpenError::Unusable { path, source }
}

/// Creates the directory, and returns its canonical path: SQLite refuses symbolic links, which systemd's state
/// directories are.
fn make(path: &Path) -> io::Result<PathBuf> {
    if let Some(parent) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        fs::create_dir_all(parent)?;
    }
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            files::make_directory(path)?;
            fs::canonicalize(path)
        }
        found => found,
    }
}

/// Locks the directory; the system releases the lock when the process ends.
fn lock(directory: &Path) -> Result<File, OpenError> {
    let path = directory.join(LOCK);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(permissions::FILE)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(&path)
        .map_err(unusable(&path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            file.take(PID_BYTES_MAX).read_to_string(&mut text).ok();
            let by = text.trim().parse().ok();
            let path = directory.to_owned();
            return Err(OpenError::InUse { path, by });
        }
        Err(TryLockError::Error(source)) => return Err(OpenError::Unusable { path, source }),
    }
    // For people only: an error here, such as a full disk, is no reason not to start.
    let number = format!("{}\n", std::process::id());
    file.rewind()
        .and_then(|()| file.write_all(number.as_bytes()))
        .and_then(|()| file.set_len(number.len() as u64))
        .ok();
    Ok(file)
}

/// Opens the database; a damaged one is put aside and a new one is created.
fn open_database(directory: &Path) -> Result<Connection, OpenError> {
    let path = directory.join(DATABASE);
    for companion in COMPANIONS {
        check_is_file(&with_ending(&path, companion))?;
    }
    let mut was_damaged = false;
    loop {
        make_database(&path).map_err(unusable(&path))?;
        match schema::open_writer(&path) {
            Ok((connection, is_new)) => return Ok(fill(&path, connection, is_new)),
            Err(SchemaError::Newer(version)) => return Err(OpenError::Newer { path, version }),
            Err(SchemaError::Damaged) if !was_damaged => {
                put_aside(directory).map_err(unusable(&path))?;
                was_damaged = true;
            }
            Err(SchemaError::Damaged) => return Err(OpenError::Damaged(path)),
            Err(SchemaError::Other(source)) => return Err(OpenError::Database { path, source }),
        }
    }
}

/// Creates an empty file for the database where there is none: SQLite would follow the umask. SQLite's other files
/// get the permissions of the database.
fn make_database(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let made = options
        .write(true)
        .create_new(true)
        .mode(permissions::FILE)
        .open(path);
    match made {
        Ok(file) => permissions::own(&file),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Copies what can be read of a damaged database into a new one.
fn fill(path: &Path, mut connection: Connection, is_new: bool) -> Connection {
    let damaged = with_ending(path, DAMAGED);
    if is_new && damaged.exists() {
        match recover(&damaged, &mut connection) {
            Ok(rows) => tracing::warn!(rows, "read what could be read of the damaged database"),
            Err(error) => tracing::warn!(%error, "nothing can be read of the damaged database"),
        }
    }
    connection
}

/// Renames a damaged database to `store.db.damaged`, replacing an earlier one.
pub(super) fn put_aside(directory: &Path) -> io::Result<()> {
    let path = directory.join(DATABASE);
    tracing::error!(
        database = %path.display(),
        aside = %with_ending(&path, DAMAGED).display(),
        "the store's database is damaged; it is put aside and a new one is begun"
    );
    for companion in COMPANIONS {
        let (from, to) = (
            with_ending(&path, companion),
            with_ending(&path, &format!("{DAMAGED}{companion}")),
        );
        match fs::rename(from, to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn check_is_file(path: &Path) -> Result<(), OpenError> {
    let source = match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => return Ok(()),
        Ok(_) => io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => error,
    };
    Err(unusable(path)(source))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Warns about a remote file system: locks and shared memory don't work between machines.
#[cfg(target_os = "linux")]
fn warn_about_remote(directory: &Path) {
    let remote = match rustix::fs::statfs(directory).map(|found| found.f_type as u32) {
        Ok(0x6969) => "NFS",
        Ok(0x6573_5546) => "FUSE",
        Ok(0xff53_4d42 | 0xfe53_4d42 | 0x517b) => "SMB",
        Ok(0x0102_1997) => "9P",
        _ => return,
    };
    tracing::warn!(
        path = %directory.display(),
        filesystem = remote,
        "the store lies on a remote file system, where two machines may write to it at the same time and \
         spoil it; put store.path on a local disk"
    );
}

#[cfg(not(target_os = "linux"))]
fn warn_about_remote(_: &Path) {}
