//! One request for a cached value: look-up, single flight, stale values, failures.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::entries::{Cache, Lookup};
use super::error::ProductionError;
use super::in_flight::{InFlight, Waited};
use super::policy::{CacheStatus, Forwarded};
use super::production::Production;
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
    /// own and returns; it is given the stale value that there is in memory.
    ///
    /// # Errors
    /// Why there is no value.
    pub async fn get(
        self: &Arc<Self>,
        key: &Arc<str>,
        policy: Policy,
        produce: impl Fn(Production<E, C>, Option<Arc<C>>),
    ) -> Answer<E, C> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let answer = self.get_once(key, policy, &produce).await;
            match answer {
                Err((error, _)) if error.is_abandoned() && attempts < ATTEMPTS_MAX => {}
                answer => return answer,
            }
        }
    }

    async fn get_once(
        self: &Arc<Self>,
        key: &Arc<str>,
        policy: Policy,
        produce: &impl Fn(Production<E, C>, Option<Arc<C>>),
    ) -> Answer<E, C> {
        let now = Instant::now();
        let (in_flight, stale, is_collapsed) =
            match self.look(key, now, |value| value.times().freshness(now)) {
                Lookup::Fresh(value) => return Ok((value, CacheStatus::default())),
                Lookup::Failed(error, stale) => {
                    return stale_or(error, stale, CacheStatus::default());
                }
                Lookup::InFlight(in_flight, stale) => (in_flight, stale, true),
                Lookup::Absent(production, stale) => {
                    let in_flight = Arc::clone(production.in_flight());
                    produce(production, stale.clone());
                    (in_flight, stale, false)
                }
            };
        let deadline = policy.serve_stale_after.map(|after| now + after);
        wait(&in_flight, stale, (deadline, is_collapsed)).await
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

async fn wait<E: ProductionError, C: Kept + Timed>(
    in_flight: &InFlight<E, C>,
    stale: Option<Arc<C>>,
    (deadline, collapsed): (Option<Instant>, bool),
) -> Answer<E, C> {
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
            stale_or(error, stale, status)
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

/// The stale value where it may be served, or the error.
pub fn stale_or<E: ProductionError, C: Timed>(
    error: Arc<E>,
    stale: Option<Arc<C>>,
    mut status: CacheStatus,
) -> Answer<E, C> {
    let now = Instant::now();
    match stale.map(|stale| (stale.times().freshness(now), stale)) {
        // What is fresh after all needs no excuse.
        Some((Freshness::Fresh, value)) => Ok((value, CacheStatus::default())),
        Some((Freshness::Stale, stale)) => {
            status.detail = Some(error.reason());
            Ok((stale, status))
        }
        Some((Freshness::Unusable, _)) | None => {
            status.detail = Some(error.reason());
            Err((error, status))
        }
    }
}

#[cfg(test)]
mod tests;
