//! What is remembered of a feed besides its copy: when it was read, when it is due, how its
//! fetches went.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use super::{Trouble, retry};
use crate::rewrite::Hints;

/// No time: never, or not before something else happens.
const NEVER: u64 = u64::MAX;

/// A feed's past and its next fetch. Times are milliseconds on the refresher's clock.
#[derive(Debug)]
pub struct Track {
    /// When a reader asked last. Written by each request, so it is no more than an atomic.
    read_at_ms: AtomicU64,
    /// When the next fetch is due.
    due_at_ms: AtomicU64,
    past: Mutex<Past>,
}

impl Default for Track {
    fn default() -> Self {
        Self {
            read_at_ms: AtomicU64::new(NEVER),
            due_at_ms: AtomicU64::new(NEVER),
            past: Mutex::default(),
        }
    }
}

/// How a feed's fetches went.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// Failures in a row.
    pub failures: u32,
    /// Why the last fetch failed, where it did.
    pub trouble: Option<&'static str>,
    /// Where the publisher says that the feed moved to for good.
    pub moved_to: Option<Url>,
    /// The last interval, before it was spread.
    pub(super) interval: Option<Duration>,
    /// When the feed came with its body last.
    pub(super) loaded_at: Option<Instant>,
    /// What the feed says about when to come back.
    pub(super) hints: Hints,
}

impl Track {
    /// A reader asked.
    pub fn note_read(&self, now_ms: u64) {
        self.read_at_ms.store(now_ms, Ordering::Relaxed);
    }

    /// How its fetches went.
    #[must_use]
    pub fn past(&self) -> Past {
        self.lock().clone()
    }

    /// When the next fetch is due; `None` while one is under way, or when none is planned.
    #[must_use]
    pub fn due_at_ms(&self) -> Option<u64> {
        Some(self.due_at_ms.load(Ordering::Relaxed)).filter(|due| *due != NEVER)
    }

    /// The next fetch is due then, or no longer planned.
    pub(super) fn plan(&self, due_at_ms: Option<u64>) {
        self.due_at_ms
            .store(due_at_ms.unwrap_or(NEVER), Ordering::Relaxed);
    }

    /// Whether a reader asked within `active_for`.
    pub(super) fn is_active(&self, now_ms: u64, active_for: Duration) -> bool {
        let read_at_ms = self.read_at_ms.load(Ordering::Relaxed);
        read_at_ms != NEVER
            && u128::from(now_ms.saturating_sub(read_at_ms)) < active_for.as_millis()
    }

    /// The feed came with its body.
    pub(super) fn note_loaded(&self, now: Instant) {
        self.lock().loaded_at = Some(now);
    }

    /// A fetch brought the feed, from where upstream says that it moved to if it does.
    pub(super) fn note_success(&self, moved_to: Option<&Url>) {
        let mut past = self.lock();
        past.moved_to = moved_to.cloned();
        past.trouble = None;
        past.failures = 0;
    }

    /// A fetch failed. Says how many did in a row.
    pub(super) fn note_failure(&self, trouble: &Trouble) -> u32 {
        let mut past = self.lock();
        past.trouble = Some(trouble.reason());
        let count = u32::from(retry::counts(trouble));
        past.failures = past.failures.saturating_add(count);
        past.failures
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_active_for_a_time_after_it_was_read() {
        let track = Track::default();
        let hour = Duration::from_secs(3_600);
        assert!(!track.is_active(0, hour));
        track.note_read(1_000);
        for (now_ms, active_for, expected) in [
            (1_000, hour, true),
            (3_600_999, hour, true),
            (3_601_000, hour, false),
            (1_000, Duration::ZERO, false),
            (u64::MAX - 1, hour, false),
        ] {
            assert_eq!(track.is_active(now_ms, active_for), expected, "{now_ms}");
        }
    }
}
