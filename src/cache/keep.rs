//! What is kept and what is under way: lookup, flights, failures.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::copy::FeedCopy;
use super::flight::Flight;
use super::forms::Forms;
use super::outcomes::{Outcome, Outcomes};
use super::shelf::{Kept, Shelf};

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

/// What a kept value is good for, for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It answers the request.
    Fresh,
    /// Upstream has to be asked; it may help with that, or stand in.
    Stale,
    /// It is as if not there.
    Useless,
}

/// What there is for a key.
#[derive(Debug)]
pub enum Lookup<E, C = FeedCopy> {
    /// Something that is fresh.
    Fresh(Arc<C>),
    /// A fetch is under way; perhaps there is something stale meanwhile.
    Running(Arc<Flight<E, C>>, Option<Arc<C>>),
    /// The last fetch failed and it is too early for another; perhaps there is something stale.
    Failed(Arc<E>, Option<Arc<C>>),
    /// Whoever gets this has to fetch and to land the flight; perhaps there is something stale.
    Fetch(Arc<Flight<E, C>>, Option<Arc<C>>),
}

/// Values of one kind by key, with at most one flight per key. `E` is why a fetch failed.
#[derive(Debug)]
pub struct Cache<E, C = FeedCopy> {
    options: Options,
    shelf: Shelf,
    outcomes: Mutex<Outcomes<E, C>>,
    started_at: Instant,
}

impl<E, C: Kept> Cache<E, C> {
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

    /// What there is for `key`, by what `judge` makes of the kept value. Something fresh costs no
    /// lock of ours; [`Lookup::Fetch`] is given to one caller only, until the flight has ended.
    pub fn look(
        &self,
        key: &Arc<str>,
        now: Instant,
        judge: impl Fn(&C) -> Standing,
    ) -> Lookup<E, C> {
        self.look_with(key, now, judge, |shelf| shelf.get(key))
    }

    fn look_with(
        &self,
        key: &Arc<str>,
        now: Instant,
        judge: impl Fn(&C) -> Standing,
        had: impl Fn(&Shelf) -> Option<Arc<C>>,
    ) -> Lookup<E, C> {
        let found = |value: Option<Arc<C>>| {
            let standing = value.as_deref().map_or(Standing::Useless, &judge);
            (standing, value.filter(|_| standing != Standing::Useless))
        };
        if let (Standing::Fresh, Some(fresh)) = found(had(&self.shelf)) {
            return Lookup::Fresh(fresh);
        }
        let mut outcomes = self.outcomes();
        // Read again under the lock: a flight may have ended in between.
        let stale = match found(had(&self.shelf)) {
            (Standing::Fresh, Some(fresh)) => return Lookup::Fresh(fresh),
            (_, stale) => stale,
        };
        match outcomes.get(key, now) {
            Some(Outcome::Running(flight)) => Lookup::Running(Arc::clone(flight), stale),
            Some(Outcome::Failed(error, _)) => Lookup::Failed(Arc::clone(error), stale),
            Some(Outcome::Alone(_)) | None => {
                let flight = Arc::new(Flight::default());
                outcomes.set(key, Outcome::Running(Arc::clone(&flight)));
                Lookup::Fetch(flight, stale)
            }
        }
    }

    /// Whether what upstream answers for `key` could not be shared lately, so that each request
    /// should fetch for itself, without a flight.
    #[must_use]
    pub fn is_alone(&self, key: &Arc<str>, now: Instant) -> bool {
        matches!(self.outcomes().get(key, now), Some(Outcome::Alone(_)))
    }

    /// Whether a fetch of `key` is under way, or failed so lately that it is too early for another.
    #[must_use]
    pub fn is_settled(&self, key: &Arc<str>, now: Instant) -> bool {
        let outcomes = self.outcomes();
        matches!(
            outcomes.get(key, now),
            Some(Outcome::Running(_) | Outcome::Failed(..))
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

    /// The flight of `key` ended with something whole.
    pub fn keep(&self, key: &Arc<str>, value: Arc<C>) {
        let mut outcomes = self.outcomes();
        self.shelf.insert(key, value);
        outcomes.remove(key);
    }

    /// The same, unless the key was dropped after `begun`: what was purged while it was asked for does
    /// not come back. False then.
    pub fn keep_since(&self, begun: Instant, key: &Arc<str>, value: Arc<C>) -> bool {
        let mut outcomes = self.outcomes();
        if outcomes.was_dropped(key, begun) {
            return false;
        }
        self.shelf.insert(key, value);
        outcomes.remove(key);
        true
    }

    /// Puts what `change` makes of the kept value in its place; `None` takes it away. No other
    /// change of the key comes in between. What began before the key was dropped changes nothing:
    /// `since` is when, and `flight` the one that brought it, if it was one. What is there now, if
    /// something changed.
    pub fn revise(
        &self,
        key: &Arc<str>,
        (flight, since): (Option<&Arc<Flight<E, C>>>, Instant),
        change: impl FnOnce(Option<Arc<C>>) -> Option<Arc<C>>,
    ) -> Option<Arc<C>> {
        let outcomes = self.outcomes();
        let is_outdated = flight.is_some_and(|flight| !outcomes.is_running(key, flight));
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

    /// The flight of `key` failed: no other starts before `until`. What is kept stays.
    pub fn fail(&self, key: &Arc<str>, error: Arc<E>, until: Instant) {
        self.outcomes().set(key, Outcome::Failed(error, until));
    }

    /// The flight ended. Where its answer could not be shared, requests of the next time, up to
    /// `alone_until`, wait for no other's. A flight that no longer runs says nothing.
    pub fn end(&self, key: &Arc<str>, flight: &Arc<Flight<E, C>>, alone_until: Option<Instant>) {
        let mut outcomes = self.outcomes();
        if !outcomes.is_running(key, flight) {
            return;
        }
        match alone_until {
            Some(until) => outcomes.set(key, Outcome::Alone(until)),
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

impl<E> Cache<E> {
    /// What there is for a feed, for a reader.
    pub fn lookup(&self, key: &Arc<str>, now: Instant) -> Lookup<E> {
        self.look(key, now, |copy| standing(copy, now))
    }

    /// The same where no reader asks: it does not count as read.
    pub fn lookup_unread(&self, key: &Arc<str>, now: Instant) -> Lookup<E> {
        let judge = |copy: &FeedCopy| standing(copy, now);
        self.look_with(key, now, judge, |shelf| shelf.peek(key))
    }

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
    /// if it still has these forms. Under the lock that [`Cache::keep`] takes, so that no older copy
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

fn standing(copy: &FeedCopy, now: Instant) -> Standing {
    match copy.times.remaining(now) {
        Some(_) => Standing::Fresh,
        None if copy.times.may_stand_in(now) => Standing::Stale,
        None => Standing::Useless,
    }
}
