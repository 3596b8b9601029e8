//! Whether the store can be written, why not, and its counters.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::history_totals::Recorded;
use super::totals::{Gauge, Totals};
use crate::shares::{Share, Taken};

/// The shortest time between two log lines of a kind.
const LOG_EVERY: Duration = Duration::from_secs(60);
/// The same for a condition that may last for days.
const HOUR: Duration = Duration::from_secs(3_600);

/// The state of the store and its counters.
#[derive(Debug, Default)]
pub(super) struct Health {
    is_tripped: AtomicBool,
    trip: Mutex<Option<Trip>>,
    trips: LogLimit,
    recoveries: LogLimit,
    bad_records: LogLimit,
    feeds_gone: LogLimit,
    items_gone: LogLimit,
    gauge: Gauge,
    pub(super) items_refused: AtomicU64,
    pub(super) items_evicted: AtomicU64,
    pub(super) entries: AtomicU64,
    weights: [AtomicU64; Share::COUNT],
    pub(super) bad: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) evicted: AtomicU64,
}

#[derive(Debug, Clone)]
struct Trip {
    reason: String,
    /// Bytes that were to be written when the disk refused.
    wanted_bytes: usize,
}

impl Health {
    /// Stops writing for this reason; `wanted_bytes` were to be written.
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

    /// Starts writing again.
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

    /// Why nothing is written, and how many bytes were to be written.
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

    /// Bytes of bodies by share.
    pub(super) fn taken(&self) -> Taken {
        std::array::from_fn(|index| self.weights[index].load(Ordering::Relaxed))
    }

    /// Bytes of all bodies.
    pub(super) fn weight(&self) -> u64 {
        self.taken().iter().sum()
    }

    /// Sets the number of bodies and their bytes by share.
    pub(super) fn take_stock(&self, entries: u64, taken: &Taken) {
        self.entries.store(entries, Ordering::Relaxed);
        for (weight, taken) in self.weights.iter().zip(taken) {
            weight.store(*taken, Ordering::Relaxed);
        }
    }

    /// Warns that copies of feeds were evicted.
    pub(super) fn warn_of_feeds(&self, copies: u64, share_percent: u8) {
        self.feeds_gone.say_every(HOUR, |unsaid| {
            tracing::warn!(
                copies,
                share_percent,
                unsaid,
                "feeds take more of the disk than their share: copies that were not read for the longest time go"
            );
        });
    }

    /// Counts and logs the outcome of recording a feed's items.
    pub(super) fn note_items(&self, feed: &str, recorded: &Recorded, totals: &Totals) {
        let Recorded {
            refused,
            gone,
            feed_bytes,
            bytes,
        } = *recorded;
        self.items_refused.fetch_add(refused, Ordering::Relaxed);
        self.items_evicted.fetch_add(gone, Ordering::Relaxed);
        if refused > 0 {
            self.items_gone.say(|unsaid| {
                tracing::warn!(
                    items = refused,
                    unsaid,
                    feed.name = feed,
                    "history: full, new items are not kept"
                );
            });
        }
        self.gauge
            .look_at("history", bytes, (feed, feed_bytes), totals);
    }

    /// Adds changes in the number of bodies and their bytes.
    pub(super) fn weigh(&self, entries: i64, weights: &[i64; Share::COUNT]) {
        let add = |counter: &AtomicU64, change: i64| {
            let next = |now: u64| Some(now.saturating_add_signed(change));
            counter
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
                .ok();
        };
        add(&self.entries, entries);
        for (counter, change) in self.weights.iter().zip(weights) {
            add(counter, *change);
        }
    }
}

/// Limits the rate of log lines of a kind.
#[derive(Debug, Default)]
struct LogLimit {
    said_at: Mutex<Option<Instant>>,
    unsaid: AtomicU64,
}

impl LogLimit {
    /// Calls `line` with the number of lines left out since the last one, unless that was just now.
    fn say(&self, line: impl FnOnce(u64)) {
        self.say_every(LOG_EVERY, line);
    }

    fn say_every(&self, time: Duration, line: impl FnOnce(u64)) {
        let now = Instant::now();
        let mut said_at = self.said_at.lock().unwrap_or_else(PoisonError::into_inner);
        if said_at.is_some_and(|at| now.duration_since(at) < time) {
            self.unsaid.fetch_add(1, Ordering::Relaxed);
            return;
        }
        *said_at = Some(now);
        line(self.unsaid.swap(0, Ordering::Relaxed));
    }
}
