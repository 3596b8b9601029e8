//! The key that signs our own URLs: generated once, and stored in the data directory.
//!
//! Invariants: the file is whole or not there, and only its owner may read it; it is never overwritten; processes
//! that generate one at the same time all use the same.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::permissions;
use crate::secret::Secret;

pub use super::layout::SIGNING_KEY as FILE;

const KEY_BYTES: usize = 32;
/// Bytes of the file that are read: digits, and white space at their end.
const FILE_BYTES_MAX: u64 = 1 << 10;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file is there, and can't be read.
    #[error("the key in {} can't be read", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file holds something else.
    #[error(
        "{} holds no key: expected {} hexadecimal digits; put the key back, or remove the file \
         if every address that was signed may become void",
        .path.display(), KEY_BYTES * 2
    )]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// A new key can't be kept.
    #[error("a key can't be kept in {} (`[store] path`)", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The system has no randomness.
    #[error("the system gives no random bytes for a key: {0}")]
    Random(getrandom::Error),
}

/// The key kept in the data directory `folder`; makes both when they are not there.
///
/// # Errors
/// When the file holds no key, or can't be read or written.
pub fn load_or_create(folder: &Path) -> Result<Secret, KeyError> {
    let path = folder.join(FILE);
    if let Some(key) = load(&path)? {
        return Ok(key);
    }
    let bytes = random::<KEY_BYTES>()?;
    keep(folder, &path, &bytes).map_err(|source| KeyError::Write {
        path: path.clone(),
        source,
    })?;
    // What is there now counts: another process may have been quicker.
    load(&path)?.ok_or(KeyError::Malformed { path })
}

/// A key that is kept nowhere.
///
/// # Errors
/// When the system has no randomness.
pub fn make() -> Result<Secret, KeyError> {
    Ok(random::<KEY_BYTES>()?.to_vec().into())
}

fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(KeyError::Random)?;
    Ok(bytes)
}

/// The key in a file; `None` when there is no file.
fn load(path: &Path) -> Result<Option<Secret>, KeyError> {
    let mut text = String::new();
    let read =
        File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text));
    match read {
        Ok(_) => {}
        // Below what is no directory there is no file either.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => text.clear(),
        Err(source) => {
            let path = path.to_owned();
            return Err(KeyError::Read { path, source });
        }
    }
    let digits = text.trim_ascii();
    let key = Secret::parse_hex(digits).filter(|_| digits.len() == KEY_BYTES * 2);
    match key {
        Some(key) => Ok(Some(key)),
        None => Err(KeyError::Malformed {
            path: path.to_owned(),
        }),
    }
}

/// Writes a new key beside its place, whole and on the disk, then lets it take that place unless
/// there is one already.
fn keep(folder: &Path, path: &Path, key: &[u8]) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(permissions::FOLDER)
        .create(folder)?;
    let suffix = random::<8>().map_err(io::Error::other)?;
    let beside = folder.join(format!(".{FILE}.{}", hex(&suffix)));
    let kept = write_whole(&beside, key).and_then(|()| place(&beside, path));
    // After a link the key has two names, after a rename this one is gone.
    fs::remove_file(&beside).ok();
    kept?;
    File::open(folder)?.sync_all()
}

fn write_whole(path: &Path, key: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(permissions::FILE)
        .open(path)?;
    permissions::own(&file)?;
    writeln!(file, "{}", hex(key))?;
    file.sync_all()
}

/// Gives the file at `beside` the name `path`, unless another file has it.
fn place(beside: &Path, path: &Path) -> io::Result<()> {
    // A rename would take the place of a key that another process has put there meanwhile.
    match fs::hard_link(beside, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // Some file systems know no links; there the last of several starts at once wins.
        Err(_) => fs::rename(beside, path),
        done => done,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Barrier;

    #[test]
    fn made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("a/b");
        let key = load_or_create(&data).unwrap();
        assert_eq!(load_or_create(&data).unwrap(), key);
        let path = data.join(FILE);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1);
        let text = fs::read_to_string(path).unwrap();
        assert_eq!(Secret::parse_hex(text.trim_ascii()), Some(key.clone()));
        assert_ne!(make().unwrap(), key);
    }

    #[test]
    fn starts_at_once_end_with_one_key() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let barrier = Barrier::new(8);
            let start = || {
                barrier.wait();
                load_or_create(folder.path()).unwrap()
            };
            let keys: Vec<Secret> = std::thread::scope(|scope| {
                let starts: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
                starts
                    .into_iter()
                    .map(|start| start.join().unwrap())
                    .collect()
            });
            assert!(keys.iter().all(|key| *key == keys[0]));
            assert_eq!(load_or_create(folder.path()).unwrap(), keys[0]);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn what_is_no_key_is_left_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        for text in [
            "",
            "abc",
            &"0".repeat(63),
            &"0".repeat(66),
            &"x".repeat(64),
            "\u{fffd}",
        ] {
            fs::write(&path, text).unwrap();
            let error = load_or_create(folder.path()).unwrap_err();
            assert!(matches!(error, KeyError::Malformed { .. }), "{text}");
            assert!(error.to_string().contains("signing.key"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        fs::write(&path, [0xff; 64]).unwrap();
        assert!(load_or_create(folder.path()).is_err());
        fs::write(&path, "ab".repeat(32) + "\r\n").unwrap();
        assert!(load_or_create(folder.path()).is_ok());
    }

    #[test]
    fn a_place_that_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        let error = load_or_create(&file).unwrap_err();
        assert!(error.to_string().contains("file/signing.key"), "{error}");
    }
}
