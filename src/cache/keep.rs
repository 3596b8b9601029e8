//! What is kept and what is under way: lookup, flights, failures.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moka::policy::EvictionPolicy;
use tokio::time::Instant;

use super::copy::FeedCopy;
use super::flight::Flight;
use super::forms::Forms;

/// moka weighs in `u32`; in KiB that covers 4 TiB.
const WEIGHT_UNIT_BYTES: usize = 1 << 10;

/// Limits of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Bytes that all copies may take together.
    pub memory_bytes: u64,
    /// Bytes of one body, rewritten and not compressed.
    pub recording_bytes_max: usize,
    /// A form other than gzip that nobody asked for this long is dropped.
    pub form_idle: Duration,
    /// How often forms are looked after; a copy younger than this is not compressed yet.
    pub tidy_every: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            memory_bytes: 256 << 20,
            recording_bytes_max: 64 << 20,
            form_idle: Duration::from_secs(60),
            tidy_every: Duration::from_secs(5),
        }
    }
}

/// What there is for a key.
#[derive(Debug)]
pub enum Lookup<E> {
    /// A copy that is fresh.
    Fresh(Arc<FeedCopy>),
    /// A fetch is under way; perhaps there is a stale copy meanwhile.
    Running(Arc<Flight<E>>, Option<Arc<FeedCopy>>),
    /// The last fetch failed and it is too early for another; perhaps there is a stale copy.
    Failed(Arc<E>, Option<Arc<FeedCopy>>),
    /// Whoever gets this has to fetch and to land the flight; perhaps there is a stale copy.
    Fetch(Arc<Flight<E>>, Option<Arc<FeedCopy>>),
}

#[derive(Debug)]
enum Outcome<E> {
    Running(Arc<Flight<E>>),
    Failed(Arc<E>, Instant),
}

/// Copies by key, bounded in bytes, with at most one flight per key. `E` is why a fetch failed.
#[derive(Debug)]
pub struct Cache<E> {
    options: Options,
    copies: moka::sync::Cache<Arc<str>, Arc<FeedCopy>>,
    /// Flights and failures; as many as there are keys, which the configuration bounds.
    outcomes: Mutex<HashMap<Arc<str>, Outcome<E>>>,
    started_at: Instant,
}

impl<E> Cache<E> {
    /// An empty cache.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let copies = moka::sync::Cache::builder()
            .eviction_policy(EvictionPolicy::lru())
            .max_capacity(options.memory_bytes / WEIGHT_UNIT_BYTES as u64)
            .weigher(|_: &Arc<str>, copy: &Arc<FeedCopy>| {
                u32::try_from(copy.weight_bytes().div_ceil(WEIGHT_UNIT_BYTES)).unwrap_or(u32::MAX)
            })
            .build();
        Self {
            options,
            copies,
            outcomes: Mutex::default(),
            started_at: Instant::now(),
        }
    }

    /// The limits.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Seconds since the cache was made: the clock of [`super::Forms`].
    #[must_use]
    pub fn now_s(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.started_at).as_secs()
    }

    /// What there is for `key`. A fresh copy costs no lock of ours; [`Lookup::Fetch`] is given to
    /// one caller only, until the flight has ended.
    pub fn lookup(&self, key: &Arc<str>, now: Instant) -> Lookup<E> {
        if let Some(fresh) = self
            .copies
            .get(key)
            .filter(|copy| copy.times.remaining(now).is_some())
        {
            return Lookup::Fresh(fresh);
        }
        let mut outcomes = self.outcomes();
        // Read again under the lock: a flight may have ended in between.
        let copy = self.copies.get(key);
        if let Some(fresh) = copy
            .as_ref()
            .filter(|copy| copy.times.remaining(now).is_some())
        {
            return Lookup::Fresh(Arc::clone(fresh));
        }
        let stale = copy.filter(|copy| copy.times.may_stand_in(now));
        match outcomes.get(key) {
            Some(Outcome::Running(flight)) => Lookup::Running(Arc::clone(flight), stale),
            Some(Outcome::Failed(error, until)) if now < *until => {
                Lookup::Failed(Arc::clone(error), stale)
            }
            _ => {
                let flight = Arc::new(Flight::default());
                outcomes.insert(Arc::clone(key), Outcome::Running(Arc::clone(&flight)));
                Lookup::Fetch(flight, stale)
            }
        }
    }

    /// The copy of `key`, however old.
    #[must_use]
    pub fn peek(&self, key: &Arc<str>) -> Option<Arc<FeedCopy>> {
        self.copies.get(key)
    }

    /// The flight of `key` ended with a whole copy.
    pub fn keep(&self, key: &Arc<str>, copy: Arc<FeedCopy>) {
        let mut outcomes = self.outcomes();
        self.copies.insert(Arc::clone(key), copy);
        outcomes.remove(key);
    }

    /// The flight of `key` failed: no other starts before `until`. The copy stays.
    pub fn fail(&self, key: &Arc<str>, error: Arc<E>, until: Instant) {
        self.outcomes()
            .insert(Arc::clone(key), Outcome::Failed(error, until));
    }

    /// Looks after the forms of every copy that was kept before `now` less the tidying interval.
    pub async fn tidy(&self, now: Instant) {
        let idle_since_s = self
            .now_s(now)
            .saturating_sub(self.options.form_idle.as_secs());
        let settled = |copy: &FeedCopy| {
            now.saturating_duration_since(copy.times.fetched_at) >= self.options.tidy_every
        };
        for (key, copy) in &self.copies {
            if !settled(&copy) {
                continue;
            }
            match copy.forms.tidy(idle_since_s).await {
                Ok(true) => self.weigh_again(&key, &copy.forms),
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(feed.name = %key, %error, "compressing a copy failed")
                }
            }
        }
    }

    /// moka weighs on insert: puts what there is for `key` in once more, if it still has these
    /// forms. Under the lock that [`Cache::keep`] takes, so that no older copy comes back.
    fn weigh_again(&self, key: &Arc<str>, forms: &Arc<Forms>) {
        let _kept_out = self.outcomes();
        if let Some(copy) = self
            .copies
            .get(key)
            .filter(|copy| Arc::ptr_eq(&copy.forms, forms))
        {
            self.copies.insert(Arc::clone(key), copy);
        }
    }

    fn outcomes(&self) -> MutexGuard<'_, HashMap<Arc<str>, Outcome<E>>> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
