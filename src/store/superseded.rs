//! Keys whose newer value could not be written: what lies on disk under them is not read any more,
//! and is deleted as soon as the disk allows.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Space;

/// With more keys than these everything is taken for superseded.
const KEYS_MAX: usize = 10_000;

/// What on disk is out of date.
#[derive(Debug, Default)]
pub(super) struct Superseded {
    is_any: AtomicBool,
    keys: Mutex<Keys>,
}

#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) some: HashSet<(Space, String)>,
    /// There were too many to remember.
    pub(super) all: bool,
}

impl Superseded {
    pub(super) fn add(&self, space: Space, key: &str) {
        let mut keys = self.lock();
        if keys.some.len() >= KEYS_MAX {
            keys.all = true;
        } else {
            keys.some.insert((space, key.to_owned()));
        }
        self.is_any.store(true, Ordering::Release);
    }

    /// Whether what lies on disk under this key is out of date.
    pub(super) fn hides(&self, space: Space, key: &str) -> bool {
        // Read on every hit; it is false but for bad times.
        if !self.is_any.load(Ordering::Acquire) {
            return false;
        }
        let keys = self.lock();
        keys.all || keys.some.contains(&(space, key.to_owned()))
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
