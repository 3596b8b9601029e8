//! What is remembered of a feed besides its copy: when it was read, when it is due, how its
//! fetches went.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use url::Url;

use super::{Error, retry};
use crate::cache::ProductionError;
use crate::rewrite::Hints;

/// No time: never, or not before something else happens.
const NEVER: u64 = u64::MAX;

/// A reader's asking is remembered when what is remembered is older by this.
const READ_SAVED_AFTER_MS: u64 = 3_600_000;
/// The store is told of it more often.
const READ_TOLD_AFTER_MS: u64 = 60_000;

/// A feed's past and its next fetch. Times are milliseconds on the refresher's clock.
#[derive(Debug)]
pub struct Track {
    /// When a reader asked last. Written by each request, so it is no more than an atomic.
    read_at_ms: AtomicU64,
    /// When the next fetch is due.
    due_at_ms: AtomicU64,
    /// When a reader had asked last as it is remembered.
    saved_read_at_ms: AtomicU64,
    /// When a reader had asked last as the store was told.
    told_read_at_ms: AtomicU64,
    /// Whether there is more to remember than that.
    has_changed: AtomicBool,
    past: Mutex<Past>,
}

impl Default for Track {
    fn default() -> Self {
        Self {
            read_at_ms: AtomicU64::new(NEVER),
            due_at_ms: AtomicU64::new(NEVER),
            saved_read_at_ms: AtomicU64::new(NEVER),
            told_read_at_ms: AtomicU64::new(NEVER),
            has_changed: AtomicBool::new(false),
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
    pub error: Option<&'static str>,
    /// Where the publisher says that the feed moved to for good.
    pub moved_to: Option<Url>,
    /// Whether the last document lacked nothing but the last end tags.
    pub(super) is_unclosed: bool,
    /// The last interval, before it was spread.
    pub(super) interval: Option<Duration>,
    /// When the feed came with its body last.
    pub(super) loaded_at_ms: Option<u64>,
    /// How long HTTP said that the feed stays fresh.
    pub(super) stated: Option<Duration>,
    /// What the feed says about when to come back.
    pub(super) hints: Hints,
}

impl Track {
    /// A reader asked. To the second, so that requests for one feed don't all write to the same
    /// place.
    pub fn note_read(&self, now_ms: u64) {
        let before = self.read_at_ms.load(Ordering::Relaxed);
        if before == NEVER || now_ms.saturating_sub(before) >= 1_000 {
            self.read_at_ms.store(now_ms, Ordering::Relaxed);
        }
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

    /// Goes on where the track of another configuration of the feed was; at the same address it has
    /// that one's past. What was under way or stopped there is due here.
    pub(super) fn succeed(&self, before: &Self, is_same_address: bool) {
        let read_at_ms = before.read_at_ms.load(Ordering::Relaxed);
        self.read_at_ms.store(read_at_ms, Ordering::Relaxed);
        self.plan(Some(0));
        if is_same_address {
            self.plan(before.due_at_ms().or(Some(0)));
            let past = before.past();
            *self.lock() = past;
        }
        self.note_change();
    }

    /// When a reader asked last.
    pub(super) fn read_at_ms(&self) -> Option<u64> {
        Some(self.read_at_ms.load(Ordering::Relaxed)).filter(|read_at| *read_at != NEVER)
    }

    /// Whether a reader asked well after the last time that this said so: the store keeps longest what was
    /// read last.
    pub(super) fn take_read(&self) -> bool {
        let Some(read_at_ms) = self.read_at_ms() else {
            return false;
        };
        let told_at_ms = self.told_read_at_ms.load(Ordering::Relaxed);
        let is_news =
            told_at_ms == NEVER || read_at_ms.saturating_sub(told_at_ms) >= READ_TOLD_AFTER_MS;
        if is_news {
            self.told_read_at_ms.store(read_at_ms, Ordering::Relaxed);
        }
        is_news
    }

    /// A fetch ended and the next is planned: there is something to remember.
    pub(super) fn note_change(&self) {
        self.has_changed.store(true, Ordering::Relaxed);
    }

    /// Whether there is something to remember that was not there at the last call; that a reader
    /// asked is remembered now and then.
    pub(super) fn take_changed(&self) -> bool {
        let has_changed = self.has_changed.swap(false, Ordering::Relaxed);
        let Some(read_at_ms) = self.read_at_ms() else {
            return has_changed;
        };
        let saved_at_ms = self.saved_read_at_ms.load(Ordering::Relaxed);
        let is_old =
            saved_at_ms == NEVER || read_at_ms.saturating_sub(saved_at_ms) >= READ_SAVED_AFTER_MS;
        if has_changed || is_old {
            self.saved_read_at_ms.store(read_at_ms, Ordering::Relaxed);
        }
        has_changed || is_old
    }

    /// The feed came with its body.
    pub(super) fn note_loaded(&self, now_ms: u64) {
        self.lock().loaded_at_ms = Some(now_ms);
    }

    /// A fetch ended: `lacks_ends` where its document lacked nothing but the last end tags.
    pub(super) fn note_end(&self, lacks_ends: bool) {
        self.lock().is_unclosed = lacks_ends;
    }

    /// A fetch brought the feed, from where upstream says that it moved to if it does.
    pub(super) fn note_success(&self, moved_to: Option<&Url>) {
        let mut past = self.lock();
        past.moved_to = moved_to.cloned();
        past.error = None;
        past.failures = 0;
    }

    /// A fetch failed. Says how many did in a row.
    pub(super) fn note_failure(&self, error: &Error) -> u32 {
        let mut past = self.lock();
        past.error = Some(error.reason());
        let count = u32::from(retry::counts(error));
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
