//! Cached values by key: look-up, what is in flight, remembered failures.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::copy::FeedCopy;
use super::error::ProductionError;
use super::forms::Forms;
use super::in_flight::InFlight;
use super::outcomes::{Outcome, Outcomes};
use super::shelf::{Kept, Shelf};
use super::times::Freshness;

/// Limits of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheOptions {
    /// Bytes that everything kept may take together.
    pub memory_bytes: u64,
    /// Bytes of one body, rewritten and not compressed.
    pub recording_bytes_max: usize,
    /// A form other than gzip that nobody asked for this long is dropped.
    pub form_idle: Duration,
    /// How often forms are looked after; a copy younger than this is not compressed yet.
    pub tidy_every: Duration,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            memory_bytes: 256 << 20,
            recording_bytes_max: 64 << 20,
            form_idle: Duration::from_secs(60),
            tidy_every: Duration::from_secs(5),
        }
    }
}

/// What there is for a key. `A` is what an absent value is produced by.
#[derive(Debug)]
pub enum Lookup<E, C, A> {
    /// A fresh value.
    Fresh(Arc<C>),
    /// It is in flight; perhaps there is a stale value meanwhile.
    InFlight(Arc<InFlight<E, C>>, Option<Arc<C>>),
    /// The last production failed and it is too early for another; perhaps there is a stale value.
    Failed(Arc<E>, Option<Arc<C>>),
    /// The caller has to produce it; perhaps there is a stale value.
    Absent(A, Option<Arc<C>>),
}

/// Values of one kind by key, each produced by at most one task at a time. `E` is why that failed.
#[derive(Debug)]
pub struct Cache<E, C = FeedCopy> {
    options: CacheOptions,
    shelf: Shelf,
    outcomes: Mutex<Outcomes<E, C>>,
    started_at: Instant,
}

impl<E: ProductionError, C: Kept> Cache<E, C> {
    /// A cache of one kind of value on a shelf that others may use as well.
    #[must_use]
    pub fn new(shelf: Shelf, options: CacheOptions) -> Self {
        Self {
            options,
            shelf,
            outcomes: Mutex::default(),
            started_at: Instant::now(),
        }
    }

    /// The limits.
    #[must_use]
    pub fn options(&self) -> &CacheOptions {
        &self.options
    }

    /// Seconds since the cache was made: the clock of [`super::Forms`].
    #[must_use]
    pub fn now_s(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.started_at).as_secs()
    }

    /// What there is for `key`, by what `judge` makes of the value that `read` finds. A fresh value costs
    /// no lock of ours; [`Lookup::Absent`] is given to one caller only, with what `begin` makes of it.
    pub(super) fn find_with<A>(
        &self,
        (key, now): (&Arc<str>, Instant),
        judge: impl Fn(&C) -> Freshness,
        read: impl Fn(&Shelf) -> Option<Arc<C>>,
        begin: impl FnOnce(Arc<InFlight<E, C>>) -> A,
    ) -> Lookup<E, C, A> {
        let find = |value: Option<Arc<C>>| {
            let freshness = value.as_deref().map_or(Freshness::Unusable, &judge);
            (
                freshness,
                value.filter(|_| freshness != Freshness::Unusable),
            )
        };
        if let (Freshness::Fresh, Some(fresh)) = find(read(&self.shelf)) {
            return Lookup::Fresh(fresh);
        }
        let mut outcomes = self.outcomes();
        // Read again under the lock: a production may have ended in between.
        let stale = match find(read(&self.shelf)) {
            (Freshness::Fresh, Some(fresh)) => return Lookup::Fresh(fresh),
            (_, stale) => stale,
        };
        match outcomes.get(key, now) {
            Some(Outcome::InFlight(in_flight)) => Lookup::InFlight(Arc::clone(in_flight), stale),
            Some(Outcome::Failed(error, _)) => Lookup::Failed(Arc::clone(error), stale),
            Some(Outcome::Pass(_)) | None => {
                let in_flight = Arc::new(InFlight::default());
                outcomes.set(key, Outcome::InFlight(Arc::clone(&in_flight)));
                Lookup::Absent(begin(in_flight), stale)
            }
        }
    }

    /// Whether what upstream answers for `key` could not be shared lately, so that each request should
    /// fetch for itself (hit-for-pass).
    #[must_use]
    pub fn is_pass(&self, key: &Arc<str>, now: Instant) -> bool {
        matches!(self.outcomes().get(key, now), Some(Outcome::Pass(_)))
    }

    /// Whether `key` is in flight, or failed so lately that it is too early for another production.
    #[must_use]
    pub fn is_settled(&self, key: &Arc<str>, now: Instant) -> bool {
        let outcomes = self.outcomes();
        matches!(
            outcomes.get(key, now),
            Some(Outcome::InFlight(_) | Outcome::Failed(..))
        )
    }

    /// What is kept for `key`, however old.
    #[must_use]
    pub fn peek(&self, key: &Arc<str>) -> Option<Arc<C>> {
        self.shelf.peek(key)
    }

    /// The same, for a reader.
    #[must_use]
    pub fn find(&self, key: &Arc<str>) -> Option<Arc<C>> {
        self.shelf.get(key)
    }

    /// A production of `key` ended with a whole value. False where the key was dropped after `began`:
    /// what was purged while upstream was asked does not come back.
    pub(super) fn complete(
        &self,
        key: &Arc<str>,
        (in_flight, began): (&Arc<InFlight<E, C>>, Instant),
        value: &Arc<C>,
    ) -> bool {
        let mut outcomes = self.outcomes();
        if outcomes.was_dropped(key, began) {
            return false;
        }
        self.shelf.insert(key, Arc::clone(value));
        if outcomes.is_in_flight(key, in_flight) {
            outcomes.remove(key);
        }
        true
    }

    /// Puts what `change` makes of the kept value in its place; `None` takes it away. No other
    /// change of the key comes in between. What began before the key was dropped changes nothing:
    /// `since` is when, and `by` what is in flight that brought it, if it was that. What is there now, if
    /// something changed.
    pub fn revise(
        &self,
        key: &Arc<str>,
        (by, since): (Option<&Arc<InFlight<E, C>>>, Instant),
        change: impl FnOnce(Option<Arc<C>>) -> Option<Arc<C>>,
    ) -> Option<Arc<C>> {
        let outcomes = self.outcomes();
        let is_outdated = by.is_some_and(|by| !outcomes.is_in_flight(key, by));
        if is_outdated || outcomes.was_dropped(key, since) {
            return None;
        }
        let value = change(self.shelf.peek(key));
        match &value {
            Some(value) => self.shelf.insert(key, Arc::clone(value)),
            None => self.shelf.remove::<C>(key),
        }
        value
    }

    /// A production of `key` failed: no other begins before `until`. What is cached stays.
    pub(super) fn fail(
        &self,
        key: &Arc<str>,
        in_flight: &Arc<InFlight<E, C>>,
        (error, until): (&Arc<E>, Instant),
    ) {
        let mut outcomes = self.outcomes();
        if outcomes.is_in_flight(key, in_flight) {
            outcomes.set(key, Outcome::Failed(Arc::clone(error), until));
        }
    }

    /// It ended. Where its answer could not be shared, requests up to `pass_until` fetch for themselves.
    pub(super) fn end(
        &self,
        key: &Arc<str>,
        in_flight: &Arc<InFlight<E, C>>,
        pass_until: Option<Instant>,
    ) {
        let mut outcomes = self.outcomes();
        if !outcomes.is_in_flight(key, in_flight) {
            return;
        }
        match pass_until {
            Some(until) => outcomes.set(key, Outcome::Pass(until)),
            None => outcomes.remove(key),
        }
    }

    /// Whether `key` was dropped after `since`.
    #[must_use]
    pub fn was_dropped(&self, key: &Arc<str>, since: Instant) -> bool {
        self.outcomes().was_dropped(key, since)
    }

    /// Drops what is kept for `key`; what is under way will keep nothing.
    pub fn drop_key(&self, key: &Arc<str>) {
        let mut outcomes = self.outcomes();
        self.shelf.remove::<C>(key);
        outcomes.drop_key(key, Instant::now());
    }

    /// The same for every key that this is true of.
    pub fn drop_where(&self, is_meant: impl Fn(&str) -> bool) {
        for (key, _) in self.shelf.all::<C>() {
            if is_meant(&key) {
                self.drop_key(&key);
            }
        }
    }

    fn outcomes(&self) -> MutexGuard<'_, Outcomes<E, C>> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: ProductionError> Cache<E> {
    /// Looks after the forms of every copy that was kept before `now` less the tidying interval.
    pub async fn tidy(&self, now: Instant) {
        let idle_since_s = self
            .now_s(now)
            .saturating_sub(self.options.form_idle.as_secs());
        let settled = |copy: &FeedCopy| {
            now.saturating_duration_since(copy.times.fetched_at) >= self.options.tidy_every
        };
        for (key, copy) in self.shelf.all::<FeedCopy>() {
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

    /// Values are weighed when they are put there: does so once more with what there is for `key`,
    /// if it still has these forms. Under the lock that completing takes, so that no older copy
    /// comes back.
    fn weigh_again(&self, key: &Arc<str>, forms: &Arc<Forms>) {
        let _kept_out = self.outcomes();
        if let Some(copy) = self
            .shelf
            .peek::<FeedCopy>(key)
            .filter(|copy| Arc::ptr_eq(&copy.forms, forms))
        {
            self.shelf.insert(key, copy);
        }
    }
}
