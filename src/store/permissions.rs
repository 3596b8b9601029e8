//! Permissions of the data directory: files are 0600 and folders 0700, whatever the umask says and whoever created
//! them.
//!
//! Invariant: no permission is ever added to an existing file; links are not followed.

use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::layout;

/// The mode of our files.
pub(super) const FILE: u32 = 0o600;
/// The mode of our folders.
pub(super) const FOLDER: u32 = 0o700;
/// The most names in the directory that are checked.
const NAMES_MAX: usize = 10_000;
/// The sticky bit, on folders that many users share, such as `/tmp`.
const STICKY: u32 = 0o1000;

/// Removes permissions that an earlier version, a umask or an operator gave others, and logs it once. The files of
/// bodies are checked folder by folder later.
pub(super) fn tighten(directory: &Path) {
    let mut tightened: Vec<PathBuf> = Vec::new();
    let mut refused: Option<(PathBuf, io::Error)> = None;
    // The directory first: after that nobody else can replace anything in it by a link.
    let folders = layout::folders(directory);
    let named = layout::names(directory, NAMES_MAX).filter(|name| layout::is_ours(name));
    let ours = std::iter::once(directory.to_owned())
        .chain(folders)
        .chain(named.map(|name| directory.join(name)));
    for path in ours {
        match tighten_one(&path) {
            Ok(true) => tightened.push(path),
            Ok(false) => {}
            Err(error) => {
                refused.get_or_insert((path, error));
            }
        }
    }
    if let Some(first) = tightened.first() {
        tracing::warn!(
            count = tightened.len(),
            first = %first.display(),
            "others could read the store's files: now its owner alone can"
        );
    }
    if let Some((path, error)) = refused {
        tracing::warn!(path = %path.display(), %error, "others may be able to read the store's files");
    }
}

/// Removes others' permissions from one file or folder; returns whether there were any. Anything else is left.
pub(super) fn tighten_one(path: &Path) -> io::Result<bool> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        found => found?,
    };
    let Some(mode) = excessive(&found) else {
        return Ok(false);
    };
    // SECURITY: `[store] path = "/tmp"`, run by root, must not shut everybody else out of it.
    if found.mode() & STICKY != 0 || found.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other(
            "it belongs to others as well; give the store a directory of its own",
        ));
    }
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    Ok(true)
}

/// The mode that a file or folder should have; `None` where it has no excessive permissions.
fn excessive(found: &Metadata) -> Option<u32> {
    let most = match (found.is_dir(), found.is_file()) {
        (true, _) => FOLDER,
        (_, true) => FILE,
        _ => return None,
    };
    let mode = found.mode() & 0o777;
    (mode & !most != 0).then_some(mode & most)
}

/// Sets the mode of a new file, where the umask removed owner permissions.
pub(super) fn own(file: &File) -> io::Result<()> {
    if file.metadata()?.mode() & 0o777 == FILE {
        return Ok(());
    }
    file.set_permissions(Permissions::from_mode(FILE))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::{Space, Store, StoreOptions, key};
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o777
    }

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    /// Every file and folder below, itself included.
    fn below(path: &Path) -> Vec<PathBuf> {
        let mut found = vec![path.to_owned()];
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            match fs::symlink_metadata(&path).unwrap().is_dir() {
                true => found.extend(below(&path)),
                false => found.push(path),
            }
        }
        found
    }

    #[tokio::test]
    async fn an_existing_store_is_tightened_at_the_start_and_never_widened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let options = StoreOptions {
            inline_bytes_max: 10,
            ..StoreOptions::at(&path)
        };
        let store = Store::open(options.clone()).unwrap();
        for n in 0..3 {
            let body = vec![format!("{n} a body in a file of its own").into()];
            assert!(
                store
                    .put(Space::Feeds, &n.to_string(), Vec::new(), body)
                    .await
            );
        }
        key::load_or_create(&path).unwrap();
        // While it is open there are a log and shared memory beside the database.
        for path in below(&path) {
            let expected = if path.is_dir() { FOLDER } else { FILE };
            assert_eq!(mode(&path), expected, "{}", path.display());
        }
        store.close().await;

        let other = folder.path().join("other");
        fs::write(&other, "not ours").unwrap();
        set(&other, 0o644);
        symlink(&other, path.join("store.db.damaged")).unwrap();
        fs::write(path.join("notes.txt"), "the operator's").unwrap();
        for path in below(&path) {
            match fs::symlink_metadata(&path).unwrap().is_symlink() {
                true => {}
                false => set(&path, if path.is_dir() { 0o755 } else { 0o664 }),
            }
        }
        set(&path.join("lock"), 0o400);
        let store = Store::open(options).unwrap();
        let files = path.join("bodies");
        let is_tight = || below(&files).iter().all(|path| mode(path) & 0o077 == 0);
        super::super::tests::until("all bodies were looked at", is_tight).await;
        for name in ["", "bodies", "temp"] {
            assert_eq!(mode(&path.join(name)), FOLDER, "{name}");
        }
        for name in ["store.db", "signing.key"] {
            assert_eq!(mode(&path.join(name)), FILE, "{name}");
        }
        assert_eq!(mode(&path.join("notes.txt")), 0o664);
        assert_eq!((mode(&other), mode(&path.join("lock"))), (0o644, 0o400));
        assert!(store.get(Space::Feeds, "1").await.is_some());
        store.close().await;
    }

    #[test]
    fn what_others_own_as_well_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let shared = folder.path().join("shared");
        fs::create_dir(&shared).unwrap();
        set(&shared, 0o1777);
        assert!(tighten_one(&shared).is_err());
        assert_eq!(mode(&shared), 0o777);
        assert!(!tighten_one(&shared.join("nothing")).unwrap());
    }
}
