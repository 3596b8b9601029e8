//! The production of one value: fetching or making it, from the look-up that began it to its
//! completion. Requests that wait for the value always get an outcome: a production that panics, or is
//! dropped before its completion, fails with an internal error.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::time::Instant;

use super::copy::FeedCopy;
use super::entries::{Cache, Found};
use super::error::ProductionError;
use super::in_flight::{InFlight, Outcome};
use super::interest::Interest;
use super::shelf::Kept;
use super::times::Freshness;

/// What there is for a key.
#[derive(Debug)]
pub enum Lookup<E: ProductionError, C: Kept = FeedCopy> {
    /// A fresh value.
    Fresh(Arc<C>),
    /// It is in flight; perhaps there is a stale value meanwhile.
    InFlight(Arc<InFlight<E, C>>, Option<Arc<C>>),
    /// The last production failed and it is too early for another; perhaps there is a stale value.
    Failed(Arc<E>, Option<Arc<C>>),
    /// The caller has to produce it; perhaps there is a stale value.
    Absent(Production<E, C>, Option<Arc<C>>),
}

impl<E: ProductionError, C: Kept> Cache<E, C> {
    /// What there is for `key`, by what `judge` makes of the cached value. [`Lookup::Absent`] is given to
    /// one caller only, until its production has ended.
    pub fn look(
        self: &Arc<Self>,
        key: &Arc<str>,
        now: Instant,
        judge: impl Fn(&C) -> Freshness,
    ) -> Lookup<E, C> {
        let found = self.find_with(key, now, judge, |shelf| shelf.get(key));
        self.lookup_of(key, found)
    }

    /// The same, for nobody who counts as a reader of the value.
    pub(super) fn look_unread(
        self: &Arc<Self>,
        key: &Arc<str>,
        now: Instant,
        judge: impl Fn(&C) -> Freshness,
    ) -> Lookup<E, C> {
        let found = self.find_with(key, now, judge, |shelf| shelf.peek(key));
        self.lookup_of(key, found)
    }

    fn lookup_of(self: &Arc<Self>, key: &Arc<str>, found: Found<E, C>) -> Lookup<E, C> {
        match found {
            Found::Fresh(value) => Lookup::Fresh(value),
            Found::InFlight(in_flight, stale) => Lookup::InFlight(in_flight, stale),
            Found::Failed(error, stale) => Lookup::Failed(error, stale),
            Found::Absent(in_flight, stale) => {
                let cache = Arc::clone(self);
                Lookup::Absent(Production::new(cache, Arc::clone(key), in_flight), stale)
            }
        }
    }
}

/// The right and the duty to produce the value of a key: [`Cache`] gives it to one caller at a time.
#[derive(Debug)]
pub struct Production<E: ProductionError, C: Kept> {
    cache: Arc<Cache<E, C>>,
    key: Arc<str>,
    in_flight: Arc<InFlight<E, C>>,
    began: Instant,
    is_complete: bool,
}

/// Does `work` until it ends, panics, or `lost` says that nobody wants it any more.
///
/// # Errors
/// Those of `work`, [`ProductionError::internal`] and [`ProductionError::abandoned`].
pub fn run<T, E: ProductionError>(
    work: impl Future<Output = Result<T, E>>,
    lost: impl Future<Output = ()>,
) -> impl Future<Output = Result<T, E>> {
    // Boxed: whoever waits for it would be as large, and whoever waits for them.
    let work = Box::pin(AssertUnwindSafe(work).catch_unwind());
    async move {
        tokio::select! {
            outcome = work => outcome.unwrap_or_else(|_| Err(E::internal())),
            () = lost => Err(E::abandoned()),
        }
    }
}

impl<E: ProductionError, C: Kept> Production<E, C> {
    fn new(cache: Arc<Cache<E, C>>, key: Arc<str>, in_flight: Arc<InFlight<E, C>>) -> Self {
        Self {
            cache,
            key,
            in_flight,
            began: Instant::now(),
            is_complete: false,
        }
    }

    /// The key of the value.
    #[must_use]
    pub fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// What requests wait for.
    #[must_use]
    pub fn in_flight(&self) -> &Arc<InFlight<E, C>> {
        &self.in_flight
    }

    /// Upstream is asked from now on: what was purged before does not concern the answer.
    pub fn restart(&mut self) {
        self.began = Instant::now();
    }

    /// Does the work, which a panic ends with an error.
    ///
    /// # Errors
    /// Those of `work`, and [`ProductionError::internal`].
    pub fn run<T>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> impl Future<Output = Result<T, E>> {
        run(work, std::future::pending())
    }

    /// The same, given up when no request waits for the value any more.
    ///
    /// # Errors
    /// Those of [`Production::run`], and [`ProductionError::abandoned`].
    pub fn run_while_wanted<T>(
        &self,
        interest: &Interest,
        work: impl Future<Output = Result<T, E>>,
    ) -> impl Future<Output = Result<T, E>> {
        run(work, interest.lost(Some(&*self.in_flight), None))
    }

    /// Shows waiting requests a value that still grows.
    pub fn publish(&self, growing: Arc<C>) {
        self.in_flight.publish(Ok(growing));
    }

    /// Shows them a stale value that may be served meanwhile.
    pub fn offer_stale(&self, value: Arc<C>) {
        self.in_flight.offer_stale(value);
    }

    /// Tells them that the answer is not for them.
    pub fn publish_error(&self, error: Arc<E>) {
        self.in_flight.publish(Err(error));
    }

    /// Lets requests that come from now on begin anew; up to `pass_until` each fetches for itself.
    pub fn release(&self, pass_until: Option<Instant>) {
        self.cache.end(&self.key, &self.in_flight, pass_until);
    }

    /// The same, once it has published its outcome.
    pub fn end(mut self, pass_until: Option<Instant>) {
        self.is_complete = true;
        self.release(pass_until);
    }

    /// Ends it with a whole value, which is kept unless the key was purged meanwhile; whether it is.
    pub fn complete(mut self, value: Arc<C>) -> bool {
        self.is_complete = true;
        let is_kept = self
            .cache
            .complete(&self.key, (&self.in_flight, self.began), &value);
        self.in_flight.publish(Ok(value));
        is_kept
    }

    /// The same with a fresh value from the store.
    pub fn complete_stored(mut self, value: Arc<C>) {
        self.is_complete = true;
        self.cache
            .complete(&self.key, (&self.in_flight, self.began), &value);
        self.in_flight.publish_stored(value);
    }

    /// Ends it with an outcome for those who wait, of which nothing is kept or remembered.
    pub fn complete_unkept(mut self, outcome: Outcome<E, C>) {
        self.end_with(outcome);
    }

    /// Ends it with an error: no other production begins before `until`. Waiting requests get `stale`
    /// where there is such a value, which is in memory then.
    pub fn fail(mut self, error: Arc<E>, until: Instant, stale: Option<Arc<C>>) {
        self.is_complete = true;
        let known = (&self.in_flight, self.began);
        self.cache
            .fail(&self.key, known, (&error, until), stale.as_ref());
        if let Some(stale) = stale {
            self.in_flight.offer_stale(stale);
        }
        self.in_flight.publish(Err(error));
    }

    fn end_with(&mut self, outcome: Outcome<E, C>) {
        self.is_complete = true;
        self.cache.end(&self.key, &self.in_flight, None);
        self.in_flight.publish(outcome);
    }
}

impl<E: ProductionError, C: Kept> Drop for Production<E, C> {
    fn drop(&mut self) {
        if !self.is_complete {
            self.end_with(Err(Arc::new(E::internal())));
        }
    }
}
