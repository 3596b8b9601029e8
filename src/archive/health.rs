//! Whether the archive is written, why not, and what it counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How the archive fares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// The first of the feeds that can't be written at present, and why.
    pub degraded: Option<(String, String)>,
    /// Items that wait until they can be written.
    pub waiting: u64,
    /// Items that were kept for the first time, since the start.
    pub items: u64,
    /// Further versions of items, since the start.
    pub changes: u64,
    /// Images that were kept, since the start.
    pub images: u64,
    /// Images that could not be had and stay links, since the start.
    pub images_missing: u64,
    /// Attempts that failed to write something, since the start.
    pub failures: u64,
    /// Items that were not written since a total was reached, since the start; those that their feed still
    /// has when there is room come back with it.
    pub refused: u64,
    /// Items that had to go for newer ones, since the start.
    pub gone: u64,
    /// Items that were too many to wait, since the start; those that their feed still has come back
    /// with it.
    pub dropped: u64,
}

/// The same while it changes.
#[derive(Debug, Default)]
pub(super) struct Health {
    troubles: Mutex<BTreeMap<String, Trouble>>,
    pub(super) items: AtomicU64,
    pub(super) changes: AtomicU64,
    pub(super) images: AtomicU64,
    pub(super) images_missing: AtomicU64,
    failures: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Debug)]
struct Trouble {
    reason: String,
    waiting: u64,
}

impl Health {
    /// A feed's items can't be written, for this reason; so many wait.
    pub(super) fn trip(&self, feed: &str, reason: String, waiting: usize) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let waiting = waiting as u64;
        let trouble = Trouble { reason, waiting };
        let mut troubles = self.lock();
        // Once for an outage, not for each attempt.
        if !troubles.contains_key(feed) {
            let reason = trouble.reason.as_str();
            tracing::error!(target: "feedwright::archive", reason, waiting, feed.name = feed, "the archive can't be written: items wait");
        }
        troubles.insert(feed.to_owned(), trouble);
    }

    /// A feed's items are written again.
    pub(super) fn recover(&self, feed: &str) {
        if self.lock().remove(feed).is_some() {
            tracing::info!(target: "feedwright::archive", outcome = "recovered", feed.name = feed, "the archive is written again");
        }
    }

    /// So many items of a feed can't even wait.
    pub(super) fn count_dropped(&self, feed: &str, items: usize) {
        if items > 0 {
            self.dropped.fetch_add(items as u64, Ordering::Relaxed);
            tracing::error!(target: "feedwright::archive", items, feed.name = feed, "more items than can wait for the archive");
        }
    }

    pub(super) fn status(&self, (refused, gone): (u64, u64)) -> Status {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let troubles = self.lock();
        let first = troubles.iter().next();
        Status {
            degraded: first.map(|(feed, trouble)| (feed.clone(), trouble.reason.clone())),
            waiting: troubles.values().map(|trouble| trouble.waiting).sum(),
            items: count(&self.items),
            changes: count(&self.changes),
            images: count(&self.images),
            images_missing: count(&self.images_missing),
            failures: count(&self.failures),
            dropped: count(&self.dropped),
            refused,
            gone,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Trouble>> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
