//! Digests of items: the index and the names of files have them in place of identities and contents. Pure.

use xxhash_rust::xxh3::xxh3_128;

use super::render::jsonl;
use crate::rewrite::entry::Entry;

/// The digests of an item's identity and of everything that is kept of it.
pub(super) fn digests(entry: &Entry) -> (u128, u128) {
    let whole = jsonl::render(entry, "");
    (digest(&entry.identity()), xxh3_128(whole.as_bytes()))
}

/// The digest of an identity.
pub(super) fn digest(identity: &str) -> u128 {
    xxh3_128(identity.as_bytes())
}

/// The digest of an identity as it is in the names of files.
pub(super) fn short(id: u128) -> String {
    format!("{:016x}", (id >> 64) as u64)
}
