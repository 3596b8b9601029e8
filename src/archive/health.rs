//! Whether the archive can be written, why not, and its counters.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The state of the archive and its counters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArchiveStatus {
    /// The first of the feeds that can't be written at present, and why.
    pub degraded: Option<(String, String)>,
    /// Items that wait until they can be written.
    pub waiting: u64,
    /// Items that were written for the first time, since the start.
    pub items: u64,
    /// Further versions of items, since the start.
    pub changes: u64,
    /// Images that were saved, since the start.
    pub images: u64,
    /// Images that could not be fetched and stay links, since the start.
    pub images_missing: u64,
    /// Attempts that failed to write something, since the start.
    pub failures: u64,
    /// Items that were not written because a total was reached, since the start. Those that their feed still has
    /// when there is room are written then.
    pub refused: u64,
    /// Items that were removed for newer ones, since the start.
    pub gone: u64,
    /// Items that were too many to wait, since the start. Those that their feed still has are written later.
    pub dropped: u64,
}

/// The counters and outages behind [`ArchiveStatus`].
#[derive(Debug, Default)]
pub(super) struct ArchiveHealth {
    outages: Mutex<BTreeMap<String, Outage>>,
    pub(super) items: AtomicU64,
    pub(super) changes: AtomicU64,
    pub(super) images: AtomicU64,
    pub(super) images_missing: AtomicU64,
    failures: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Debug)]
struct Outage {
    reason: String,
    waiting: u64,
}

impl ArchiveHealth {
    /// A feed's items can't be written, for this reason; `waiting` items wait.
    pub(super) fn trip(&self, feed: &str, reason: String, waiting: usize) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let waiting = waiting as u64;
        let outage = Outage { reason, waiting };
        let mut outages = self.lock();
        // Once for an outage, not for each attempt.
        if !outages.contains_key(feed) {
            let reason = outage.reason.as_str();
            tracing::error!(target: "feedwright::archive", reason, waiting, feed.name = feed, "the archive can't be written: items wait");
        }
        outages.insert(feed.to_owned(), outage);
    }

    /// A feed's items are written again.
    pub(super) fn recover(&self, feed: &str) {
        if self.lock().remove(feed).is_some() {
            tracing::info!(target: "feedwright::archive", outcome = "recovered", feed.name = feed, "the archive is written again");
        }
    }

    /// Counts and logs items of a feed that there was no room for among those that wait.
    pub(super) fn count_dropped(&self, feed: &str, items: usize) {
        if items > 0 {
            self.dropped.fetch_add(items as u64, Ordering::Relaxed);
            tracing::error!(target: "feedwright::archive", items, feed.name = feed, "more items than can wait for the archive");
        }
    }

    pub(super) fn status(&self, (refused, gone): (u64, u64)) -> ArchiveStatus {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let outages = self.lock();
        let first = outages.iter().next();
        ArchiveStatus {
            degraded: first.map(|(feed, outage)| (feed.clone(), outage.reason.clone())),
            waiting: outages.values().map(|outage| outage.waiting).sum(),
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

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Outage>> {
        self.outages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
