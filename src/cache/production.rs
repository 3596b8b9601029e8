//! The production of one value: fetching or making it, from the look-up that began it to its
//! completion. Requests that wait for the value always get an outcome: a production that panics, or is
//! dropped before its completion, fails with an internal error.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::time::Instant;

use super::entries::{Cache, Lookup};
use super::error::ProductionError;
use super::in_flight::{InFlight, Outcome};
use super::interest::Interest;
use super::shelf::Kept;
use super::times::{Freshness, Timed};

impl<E: ProductionError, C: Kept> Cache<E, C> {
    /// What there is for `key`, by what `judge` makes of the cached value. [`Lookup::Absent`] is given to
    /// one caller only, until its production has ended.
    pub fn look(
        self: &Arc<Self>,
        key: &Arc<str>,
        now: Instant,
        judge: impl Fn(&C) -> Freshness,
    ) -> Lookup<E, C, Production<E, C>> {
        let begin = |in_flight| Production::new(Arc::clone(self), Arc::clone(key), in_flight);
        self.find_with((key, now), judge, |shelf| shelf.get(key), begin)
    }

    /// The same, for nobody who counts as a reader of the value.
    pub(super) fn look_unread(
        self: &Arc<Self>,
        key: &Arc<str>,
        now: Instant,
        judge: impl Fn(&C) -> Freshness,
    ) -> Lookup<E, C, Production<E, C>> {
        let begin = |in_flight| Production::new(Arc::clone(self), Arc::clone(key), in_flight);
        self.find_with((key, now), judge, |shelf| shelf.peek(key), begin)
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

/// Does `work`, which a panic ends with an error.
///
/// # Errors
/// Those of `work`, and [`ProductionError::internal`].
pub fn run<T, E: ProductionError>(
    work: impl Future<Output = Result<T, E>>,
) -> impl Future<Output = Result<T, E>> {
    // Boxed: whoever waits for it would be as large, and whoever waits for them.
    let work = Box::pin(AssertUnwindSafe(work).catch_unwind());
    async move { work.await.unwrap_or_else(|_| Err(E::internal())) }
}

/// The same, given up when `lost` says that nobody wants it any more.
///
/// # Errors
/// Those of [`run`], and [`ProductionError::abandoned`].
pub async fn run_unless_lost<T, E: ProductionError>(
    work: impl Future<Output = Result<T, E>>,
    lost: impl Future<Output = ()>,
) -> Result<T, E> {
    tokio::select! {
        outcome = run(work) => outcome,
        () = lost => Err(E::abandoned()),
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

    /// Does the work, given up when no request waits for the value any more.
    ///
    /// # Errors
    /// Those of [`run_unless_lost`].
    pub fn run_while_wanted<T>(
        &self,
        interest: &Interest,
        work: impl Future<Output = Result<T, E>>,
    ) -> impl Future<Output = Result<T, E>> {
        run_unless_lost(work, interest.lost(Some(&*self.in_flight), None))
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

    /// Ends it with an error: no other production begins before `until`.
    pub fn fail(mut self, error: Arc<E>, until: Instant) {
        self.is_complete = true;
        self.cache.fail(&self.key, &self.in_flight, (&error, until));
        self.in_flight.publish(Err(error));
    }

    fn end_with(&mut self, outcome: Outcome<E, C>) {
        self.is_complete = true;
        self.cache.end(&self.key, &self.in_flight, None);
        self.in_flight.publish(outcome);
    }
}

impl<E: ProductionError, C: Kept + Timed> Production<E, C> {
    /// Looks for a value in the store, where there is `known` none in memory. `None`: it is fresh, and has
    /// completed the production. Else what there is; a stale one is in memory then, and requests may get it.
    pub async fn restore(
        self,
        known: Option<Arc<C>>,
        stored: impl Future<Output = Option<C>>,
    ) -> Option<(Self, Option<Arc<C>>)> {
        let known = match known {
            Some(known) => Some(known),
            None => stored.await.map(Arc::new),
        };
        let now = Instant::now();
        match known {
            Some(stored) if stored.times().remaining(now).is_some() => {
                self.complete_stored(stored);
                None
            }
            Some(stale) if stale.times().may_be_served_stale(now) => {
                let by = (Some(&self.in_flight), self.began);
                let put = |known: Option<Arc<C>>| known.or_else(|| Some(Arc::clone(&stale)));
                self.cache.revise(&self.key, by, put);
                self.offer_stale(Arc::clone(&stale));
                Some((self, Some(stale)))
            }
            unusable => Some((self, unusable)),
        }
    }
}

impl<E: ProductionError, C: Kept> Drop for Production<E, C> {
    fn drop(&mut self) {
        if !self.is_complete {
            self.end_with(Err(Arc::new(E::internal())));
        }
    }
}
