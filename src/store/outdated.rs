//! Keys whose newer value could not be written: what the disk has under them is not read any more, and is
//! deleted as soon as the disk allows.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Space;

/// With more keys than these a whole space counts as outdated; never another space: however much readers ask for
/// while the disk is full, the feeds on it stay.
const KEYS_MAX: usize = 4_000;
/// The same for feeds; there are no more.
const FEEDS_MAX: usize = 10_000;

/// Outdated keys by space; at most one more than [`keys_max`].
pub(super) type Keys = HashMap<Space, HashSet<String>>;

/// The keys that are outdated on disk.
#[derive(Debug, Default)]
pub(super) struct OutdatedKeys {
    is_any: AtomicBool,
    keys: Mutex<Keys>,
}

impl OutdatedKeys {
    pub(super) fn add(&self, space: Space, key: &str) {
        let mut keys = self.lock();
        if !is_whole(&keys, space) {
            keys.entry(space).or_default().insert(key.to_owned());
        }
        self.is_any.store(true, Ordering::Release);
    }

    pub(super) fn is_any(&self) -> bool {
        self.is_any.load(Ordering::Acquire)
    }

    /// The disk has the newest value of this key again.
    pub(super) fn remove(&self, space: Space, key: &str) {
        if !self.is_any() {
            return;
        }
        let mut keys = self.lock();
        if !is_whole(&keys, space) {
            keys.entry(space).or_default().remove(key);
        }
    }

    pub(super) fn contains(&self, space: Space, key: &str) -> bool {
        // Asked on every hit, and false unless the disk refused writes.
        if !self.is_any() {
            return false;
        }
        let keys = self.lock();
        let has_key = |keys: &HashSet<String>| keys.contains(key);
        is_whole(&keys, space) || keys.get(&space).is_some_and(has_key)
    }

    /// Hands the keys to `delete`, and forgets them when that succeeds.
    pub(super) fn settle<E>(&self, delete: impl FnOnce(&Keys) -> Result<(), E>) -> Result<(), E> {
        let mut keys = self.lock();
        delete(&keys)?;
        keys.clear();
        self.is_any.store(false, Ordering::Release);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether so many keys of a space are outdated that all of it is.
pub(super) fn is_whole(keys: &Keys, space: Space) -> bool {
    let keys_max = match space {
        Space::Feeds => FEEDS_MAX,
        _ => KEYS_MAX,
    };
    keys.get(&space).is_some_and(|keys| keys.len() > keys_max)
}
