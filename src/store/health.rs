//! Whether the store writes, why not, and what it counts.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// At most one line of a kind in this time.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// How the store fares.
#[derive(Debug, Default)]
pub(super) struct Health {
    is_tripped: AtomicBool,
    trip: Mutex<Option<Trip>>,
    trips: Quiet,
    recoveries: Quiet,
    bad_records: Quiet,
    pub(super) entries: AtomicU64,
    pub(super) weight: AtomicU64,
    pub(super) bad: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) evicted: AtomicU64,
}

#[derive(Debug, Clone)]
struct Trip {
    reason: String,
    /// What was to be written when the disk refused.
    wanted_bytes: usize,
}

impl Health {
    /// Nothing is written from now on, for this reason; `wanted_bytes` were to be written.
    pub(super) fn trip(&self, reason: String, wanted_bytes: usize) {
        let mut trip = self.trip.lock().unwrap_or_else(PoisonError::into_inner);
        if trip.is_none() {
            self.trips.say(|unsaid| {
                tracing::error!(reason, unsaid, "the store is off: running from memory");
            });
        }
        *trip = Some(Trip {
            reason,
            wanted_bytes,
        });
        self.is_tripped.store(true, Ordering::Release);
    }

    /// Writing works again.
    pub(super) fn recover(&self) {
        *self.trip.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.is_tripped.store(false, Ordering::Release);
        self.recoveries.say(|unsaid| {
            tracing::info!(unsaid, "the store is back");
        });
    }

    pub(super) fn is_tripped(&self) -> bool {
        self.is_tripped.load(Ordering::Acquire)
    }

    /// Why nothing is written, and how much could not be.
    pub(super) fn tripped(&self) -> Option<(String, usize)> {
        let trip = self.trip.lock().unwrap_or_else(PoisonError::into_inner);
        let trip = trip.as_ref()?;
        Some((trip.reason.clone(), trip.wanted_bytes))
    }

    /// A record did not verify.
    pub(super) fn count_bad(&self, space: &str, key: &str) {
        self.bad.fetch_add(1, Ordering::Relaxed);
        self.bad_records.say(|unsaid| {
            tracing::warn!(
                space,
                key,
                unsaid,
                "a stored record is damaged and is deleted"
            );
        });
    }

    pub(super) fn count_dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Bodies and their bytes changed by this much.
    pub(super) fn weigh(&self, entries: i64, weight: i64) {
        let add = |counter: &AtomicU64, change: i64| {
            let next = |now: u64| Some(now.saturating_add_signed(change));
            counter
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
                .ok();
        };
        add(&self.entries, entries);
        add(&self.weight, weight);
    }
}

/// Lines of one kind, so many at most.
#[derive(Debug, Default)]
struct Quiet {
    said_at: Mutex<Option<Instant>>,
    unsaid: AtomicU64,
}

impl Quiet {
    /// Says it, with how often it was not said since the last time, unless that was just now.
    fn say(&self, line: impl FnOnce(u64)) {
        let now = Instant::now();
        let mut said_at = self.said_at.lock().unwrap_or_else(PoisonError::into_inner);
        if said_at.is_some_and(|at| now.duration_since(at) < LOG_EVERY) {
            self.unsaid.fetch_add(1, Ordering::Relaxed);
            return;
        }
        *said_at = Some(now);
        line(self.unsaid.swap(0, Ordering::Relaxed));
    }
}
