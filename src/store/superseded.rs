//! Keys whose newer value could not be written: what lies on disk under them is not read any more,
//! and is deleted as soon as the disk allows.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Space;

/// With more keys of a space than these everything in it is taken for superseded; not what other
/// spaces have: however much readers ask for while the disk is full, the feeds on it stay.
const KEYS_MAX: usize = 4_000;
/// Of feeds there are no more.
const FEEDS_MAX: usize = 10_000;

/// What on disk is out of date.
#[derive(Debug, Default)]
pub(super) struct Superseded {
    is_any: AtomicBool,
    keys: Mutex<Keys>,
}

#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) some: HashSet<(Space, String)>,
    /// Spaces of which there were too many to remember.
    pub(super) whole: HashSet<Space>,
    counts: HashMap<Space, usize>,
}

impl Superseded {
    pub(super) fn add(&self, space: Space, key: &str) {
        let mut keys = self.lock();
        let keys_max = match space {
            Space::Feeds => FEEDS_MAX,
            _ => KEYS_MAX,
        };
        if keys.counts.get(&space).copied().unwrap_or(0) >= keys_max {
            keys.whole.insert(space);
        } else if keys.some.insert((space, key.to_owned())) {
            *keys.counts.entry(space).or_default() += 1;
        }
        self.is_any.store(true, Ordering::Release);
    }

    /// Whether anything is.
    pub(super) fn is_any(&self) -> bool {
        self.is_any.load(Ordering::Acquire)
    }

    /// A newer value lies on disk under this key now.
    pub(super) fn forget(&self, space: Space, key: &str) {
        if !self.is_any() {
            return;
        }
        let mut keys = self.lock();
        if keys.some.remove(&(space, key.to_owned())) {
            *keys.counts.entry(space).or_default() -= 1;
        }
    }

    /// Whether what lies on disk under this key is out of date.
    pub(super) fn hides(&self, space: Space, key: &str) -> bool {
        // Read on every hit; it is false but for bad times.
        if !self.is_any() {
            return false;
        }
        let keys = self.lock();
        keys.whole.contains(&space) || keys.some.contains(&(space, key.to_owned()))
    }

    /// Hands the keys to `delete`; when that went well, they are forgotten.
    pub(super) fn settle<E>(&self, delete: impl FnOnce(&Keys) -> Result<(), E>) -> Result<(), E> {
        let mut keys = self.lock();
        delete(&keys)?;
        *keys = Keys::default();
        self.is_any.store(false, Ordering::Release);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
