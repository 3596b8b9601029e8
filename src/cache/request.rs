//! One request for a cached value: look-up, single flight, stale values, failures.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::entries::Cache;
use super::error::ProductionError;
use super::in_flight::{InFlight, Waited};
use super::policy::{CacheStatus, Forwarded};
use super::production::{Lookup, Production};
use super::shelf::Kept;
use super::times::{Freshness, Timed};

/// Times that a request begins anew that came just when a production was given up.
const ATTEMPTS_MAX: usize = 3;

/// How requests for a value are served.
#[derive(Debug, Clone, Copy, Default)]
pub struct Policy {
    /// How long a request waits for a new value before it gets a stale one; `None`: to the end.
    pub serve_stale_after: Option<Duration>,
}

/// A value and how it came about, or why there is none, not even a stale one.
pub type Answer<E, C> = Result<(Arc<C>, CacheStatus), (Arc<E>, CacheStatus)>;

/// A production, and the stale value that there is in memory.
pub type Begun<E, C> = (Production<E, C>, Option<Arc<C>>);

impl<E: ProductionError, C: Kept + Timed> Cache<E, C> {
    /// The value of `key`: a fresh one at once; else one that is produced for all who ask meanwhile, or
    /// a stale one while that takes long or when it fails. `produce` begins a production in a task of its
    /// own and returns; it is given the stale value that there is in memory. `restore` reads a value
    /// from the store, for when there is nothing in memory to serve after a failure.
    ///
    /// # Errors
    /// Why there is no value.
    pub async fn get<R: Future<Output = Option<Arc<C>>>>(
        self: &Arc<Self>,
        key: &Arc<str>,
        policy: Policy,
        restore: impl Fn() -> R,
        produce: impl Fn(Production<E, C>, Option<Arc<C>>),
    ) -> Answer<E, C> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let answer = self.get_once(key, policy, &restore, &produce).await;
            match answer {
                Err((error, _)) if error.is_abandoned() && attempts < ATTEMPTS_MAX => {}
                answer => return answer,
            }
        }
    }

    async fn get_once<R: Future<Output = Option<Arc<C>>>>(
        self: &Arc<Self>,
        key: &Arc<str>,
        policy: Policy,
        restore: &impl Fn() -> R,
        produce: &impl Fn(Production<E, C>, Option<Arc<C>>),
    ) -> Answer<E, C> {
        let now = Instant::now();
        let (in_flight, stale, is_collapsed) = match self.look_timed(key, now) {
            Lookup::Fresh(value) => return Ok((value, CacheStatus::default())),
            Lookup::Failed(error, stale) => {
                return stale_or(error, stale, CacheStatus::default(), restore).await;
            }
            Lookup::InFlight(in_flight, stale) => (in_flight, stale, true),
            Lookup::Absent(production, stale) => {
                let in_flight = Arc::clone(production.in_flight());
                produce(production, stale.clone());
                (in_flight, stale, false)
            }
        };
        let deadline = policy.serve_stale_after.map(|after| now + after);
        wait(&in_flight, stale, (deadline, is_collapsed), restore).await
    }

    fn look_timed(self: &Arc<Self>, key: &Arc<str>, now: Instant) -> Lookup<E, C> {
        self.look(key, now, |value| value.times().freshness(now))
    }

    /// A production of `key`, for nobody who waits; `None` where there is something fresh, it is in flight,
    /// or failed lately. With the stale value that there is.
    pub fn begin_unread(self: &Arc<Self>, key: &Arc<str>, now: Instant) -> Option<Begun<E, C>> {
        match self.look_unread(key, now, |value| value.times().freshness(now)) {
            Lookup::Absent(production, stale) => Some((production, stale)),
            _ => None,
        }
    }
}

async fn wait<E, C, R>(
    in_flight: &InFlight<E, C>,
    stale: Option<Arc<C>>,
    (deadline, collapsed): (Option<Instant>, bool),
    restore: &impl Fn() -> R,
) -> Answer<E, C>
where
    E: ProductionError,
    C: Kept + Timed,
    R: Future<Output = Option<Arc<C>>>,
{
    let Waited {
        outcome,
        is_stored,
        stale,
    } = in_flight.outcome_or_stale(stale, deadline).await;
    let mut status = CacheStatus {
        forwarded: Some(match stale {
            Some(_) => Forwarded::Stale,
            None => Forwarded::UriMiss,
        }),
        collapsed,
        ..CacheStatus::default()
    };
    match (outcome, stale) {
        (Some(Ok(value)), _) if is_stored => Ok((value, CacheStatus::default())),
        (Some(Ok(value)), _) => {
            status.stored = value.is_whole();
            Ok((value, status))
        }
        (Some(Err(error)), stale) => {
            match error.was_asked() {
                true => {
                    let answered = error.upstream_status();
                    status.forwarded_status = answered.map(|status| status.as_u16());
                }
                false => status = CacheStatus::default(),
            }
            stale_or(error, stale, status, restore).await
        }
        (None, Some(stale)) => {
            in_flight.keep_going();
            let status = CacheStatus {
                detail: Some("slow"),
                ..CacheStatus::default()
            };
            Ok((stale, status))
        }
        (None, None) => Err((Arc::new(E::internal()), status)),
    }
}

/// The stale value, or one from the store, or the error.
async fn stale_or<E, C, R>(
    error: Arc<E>,
    stale: Option<Arc<C>>,
    mut status: CacheStatus,
    restore: &impl Fn() -> R,
) -> Answer<E, C>
where
    E: ProductionError,
    C: Kept + Timed,
    R: Future<Output = Option<Arc<C>>>,
{
    let stale = match stale {
        Some(stale) => Some(stale),
        None => restore().await,
    };
    let now = Instant::now();
    let stale = stale.filter(|stale| stale.times().freshness(now) != Freshness::Unusable);
    // What is fresh after all needs no excuse.
    if let Some(value) = &stale
        && value.times().remaining(now).is_some()
    {
        return Ok((Arc::clone(value), CacheStatus::default()));
    }
    status.detail = Some(error.reason());
    match stale {
        Some(stale) => Ok((stale, status)),
        None => Err((error, status)),
    }
}

#[cfg(test)]
mod tests;
