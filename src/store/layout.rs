//! The names of files and folders in the data directory.

use std::fs;
use std::path::{Path, PathBuf};

pub(super) const DATABASE: &str = "store.db";
pub(super) const LOCK: &str = "lock";
pub(super) const BODIES: &str = "bodies";
pub(super) const TEMPORARY: &str = "temp";
/// The key that signs our own URLs.
pub const SIGNING_KEY: &str = "signing.key";
/// The number of the last folder below `bodies`; the first is 0.
pub(super) const SHARDS: u8 = u8::MAX;

/// The folders below the data directory.
pub(super) fn folders(directory: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let bodies = directory.join(BODIES);
    let shards = (0..=SHARDS).map({
        let bodies = bodies.clone();
        move |shard| bodies.join(format!("{shard:02x}"))
    });
    [directory.join(TEMPORARY), bodies]
        .into_iter()
        .chain(shards)
}

/// Up to `count` names in a directory.
pub(super) fn names(directory: &Path, count: usize) -> impl Iterator<Item = String> + use<> {
    let entries = fs::read_dir(directory).into_iter().flatten().take(count);
    entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok())
}

/// Whether a file of this name in the directory belongs to the store: the lock, the key, or a file of the
/// database.
pub(super) fn is_ours(name: &str) -> bool {
    name == LOCK || name == SIGNING_KEY || name.starts_with(DATABASE)
}
