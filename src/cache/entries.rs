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
pub struct Options {
    /// Bytes that everything kept may take together.
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

/// What there is for a key, of a cache that knows no productions.
pub(super) enum Found<E, C> {
    Fresh(Arc<C>),
    InFlight(Arc<InFlight<E, C>>, Option<Arc<C>>),
    Failed(Arc<E>, Option<Arc<C>>),
    /// It is in flight from now on, as the caller's.
    Absent(Arc<InFlight<E, C>>, Option<Arc<C>>),
}

/// Values of one kind by key, each produced by at most one task at a time. `E` is why that failed.
#[derive(Debug)]
pub struct Cache<E, C = FeedCopy> {
    options: Options,
    shelf: Shelf,
    outcomes: Mutex<Outcomes<E, C>>,
    started_at: Instant,
}

impl<E: ProductionError, C: Kept> Cache<E, C> {
    /// A cache of one kind of value on a shelf that others may use as well.
    #[must_use]
    pub fn new(shelf: Shelf, options: Options) -> Self {
        Self {
            options,
            shelf,
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

    /// What there is for `key`, by what `judge` makes of the value that `read` finds. A fresh value costs
    /// no lock of ours; [`Found::Absent`] is given to one caller only.
    pub(super) fn find_with(
        &self,
        key: &Arc<str>,
        now: Instant,
        judge: impl Fn(&C) -> Freshness,
        read: impl Fn(&Shelf) -> Option<Arc<C>>,
    ) -> Found<E, C> {
        let find = |value: Option<Arc<C>>| {
            let freshness = value.as_deref().map_or(Freshness::Unusable, &judge);
            (
                freshness,
                value.filter(|_| freshness != Freshness::Unusable),
            )
        };
        if let (Freshness::Fresh, Some(fresh)) = find(read(&self.shelf)) {
            return Found::Fresh(fresh);
        }
        let mut outcomes = self.outcomes();
        // Read again under the lock: a production may have ended in between.
        let stale = match find(read(&self.shelf)) {
            (Freshness::Fresh, Some(fresh)) => return Found::Fresh(fresh),
            (_, stale) => stale,
        };
        match outcomes.get(key, now) {
            Some(Outcome::InFlight(in_flight)) => Found::InFlight(Arc::clone(in_flight), stale),
            Some(Outcome::Failed(error, _)) => Found::Failed(Arc::clone(error), stale),
            Some(Outcome::Pass(_)) | None => {
                let in_flight = Arc::new(InFlight::default());
                outcomes.set(key, Outcome::InFlight(Arc::clone(&in_flight)));
                Found::Absent(in_flight, stale)
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

    /// Puts a value in the place of another that was not produced by [`Production`](super::Production): unless the key was
    /// dropped after `began`, false then.
    pub fn keep_since(&self, began: Instant, key: &Arc<str>, value: Arc<C>) -> bool {
        let outcomes = self.outcomes();
        if outcomes.was_dropped(key, began) {
            return false;
        }
        self.shelf.insert(key, value);
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

    /// A production of `key` failed: no other begins before `until`. What is cached stays; where nothing
    /// is, `stale` is put there.
    pub(super) fn fail(
        &self,
        key: &Arc<str>,
        (in_flight, began): (&Arc<InFlight<E, C>>, Instant),
        (error, until): (&Arc<E>, Instant),
        stale: Option<&Arc<C>>,
    ) {
        let mut outcomes = self.outcomes();
        if !outcomes.is_in_flight(key, in_flight) {
            return;
        }
        outcomes.set(key, Outcome::Failed(Arc::clone(error), until));
        if let Some(stale) = stale.filter(|_| !outcomes.was_dropped(key, began))
            && self.shelf.peek::<C>(key).is_none()
        {
            self.shelf.insert(key, Arc::clone(stale));
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
