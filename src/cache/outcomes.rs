//! What is in flight by key, and what came of it lately: failures, and keys whose requests each fetch
//! for themselves.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::in_flight::InFlight;

/// Outcomes beyond which those that no longer count are swept out; more when that leaves more.
const SWEEP_AT: usize = 1 << 10;
/// Failures and marks that are remembered at most: without them requests only try again.
const REMEMBERED_MAX: usize = 64 << 10;

/// How long it is remembered that a key was dropped: exchanges that take longer and are not shared
/// may bring back what was outdated.
const DROPPED_FOR: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub(super) enum Outcome<E, C> {
    InFlight(Arc<InFlight<E, C>>),
    Failed(Arc<E>, Instant),
    Pass(Instant),
}

impl<E, C> Outcome<E, C> {
    fn counts(&self, now: Instant) -> bool {
        match self {
            Self::InFlight(_) => true,
            Self::Failed(_, until) | Self::Pass(until) => now < *until,
        }
    }
}

/// Outcomes by key, bounded: what is in flight by the requests that are served at once, the rest by
/// [`REMEMBERED_MAX`].
#[derive(Debug)]
pub(super) struct Outcomes<E, C> {
    by_key: HashMap<Arc<str>, Outcome<E, C>>,
    sweep_at: usize,
    /// When keys were dropped, for exchanges that began before.
    dropped: HashMap<Arc<str>, Instant>,
    sweep_dropped_at: usize,
}

impl<E, C> Default for Outcomes<E, C> {
    fn default() -> Self {
        Self {
            by_key: HashMap::new(),
            sweep_at: SWEEP_AT,
            dropped: HashMap::new(),
            sweep_dropped_at: SWEEP_AT,
        }
    }
}

impl<E, C> Outcomes<E, C> {
    /// What counts for a key now.
    pub(super) fn get(&self, key: &Arc<str>, now: Instant) -> Option<&Outcome<E, C>> {
        self.by_key.get(key).filter(|outcome| outcome.counts(now))
    }

    /// Whether it is what is in flight for the key.
    pub(super) fn is_in_flight(&self, key: &Arc<str>, it: &Arc<InFlight<E, C>>) -> bool {
        matches!(self.by_key.get(key), Some(Outcome::InFlight(known)) if Arc::ptr_eq(known, it))
    }

    pub(super) fn set(&mut self, key: &Arc<str>, outcome: Outcome<E, C>) {
        if self.by_key.len() >= self.sweep_at {
            self.sweep(Instant::now());
        }
        self.by_key.insert(Arc::clone(key), outcome);
    }

    pub(super) fn remove(&mut self, key: &Arc<str>) {
        self.by_key.remove(key);
    }

    /// Notes that what was known of a key is outdated.
    pub(super) fn drop_key(&mut self, key: &Arc<str>, now: Instant) {
        self.by_key.remove(key);
        if self.dropped.len() >= self.sweep_dropped_at {
            self.dropped.retain(|_, at| now - *at < DROPPED_FOR);
            if self.dropped.len() >= REMEMBERED_MAX {
                self.dropped.clear();
            }
            self.sweep_dropped_at = (self.dropped.len() * 2).clamp(SWEEP_AT, REMEMBERED_MAX);
        }
        self.dropped.insert(Arc::clone(key), now);
    }

    /// Whether a key was dropped after `since`.
    pub(super) fn was_dropped(&self, key: &Arc<str>, since: Instant) -> bool {
        self.dropped.get(key).is_some_and(|at| *at > since)
    }

    fn sweep(&mut self, now: Instant) {
        self.by_key.retain(|_, outcome| outcome.counts(now));
        if self.by_key.len() > REMEMBERED_MAX {
            self.by_key
                .retain(|_, outcome| matches!(outcome, Outcome::InFlight(_)));
        }
        self.sweep_at = (self.by_key.len() * 2).max(SWEEP_AT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_no_longer_counts_is_swept_out() {
        let mut outcomes: Outcomes<(), ()> = Outcomes::default();
        let now = Instant::now();
        let key = |n: usize| Arc::<str>::from(format!("m {n}"));
        outcomes.set(&key(0), Outcome::InFlight(Arc::default()));
        for n in 1..10 * SWEEP_AT {
            outcomes.set(&key(n), Outcome::Pass(now + Duration::from_secs(1)));
            tokio::time::advance(Duration::from_millis(10)).await;
        }
        assert!(outcomes.by_key.len() <= 2 * SWEEP_AT);
        assert!(outcomes.get(&key(0), Instant::now()).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
        let mut outcomes: Outcomes<(), ()> = Outcomes::default();
        let until = Instant::now() + Duration::from_secs(3600);
        for n in 0..3 * REMEMBERED_MAX {
            let key = Arc::<str>::from(format!("m {n}"));
            outcomes.set(&key, Outcome::Failed(Arc::new(()), until));
        }
        assert!(outcomes.by_key.len() <= 2 * REMEMBERED_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn what_began_before_a_key_was_dropped_is_told_so() {
        let mut outcomes: Outcomes<(), ()> = Outcomes::default();
        let key = Arc::<str>::from("m a");
        let before = Instant::now();
        tokio::time::advance(Duration::from_millis(1)).await;
        outcomes.drop_key(&key, Instant::now());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(outcomes.was_dropped(&key, before));
        assert!(!outcomes.was_dropped(&key, Instant::now()));
        assert!(!outcomes.was_dropped(&Arc::from("m b"), before));
        for n in 0..2 * REMEMBERED_MAX {
            outcomes.drop_key(&Arc::from(format!("m {n}")), Instant::now());
        }
        assert!(outcomes.dropped.len() <= REMEMBERED_MAX);
    }
}
