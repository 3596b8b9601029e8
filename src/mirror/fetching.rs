//! One exchange with the origin for GET, in a task of its own: asked with our conditions; what comes
//! of it for those who wait.
//!
//! Invariants: what broke off is never kept; a response that may be served stale is not replaced before
//! its successor is whole, nor by an error of the server.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, Method, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};
use tokio::time::Instant;

use super::judging::{freshness, stale_if_error};
use super::mirrors::Production;
use super::question::Question;
use super::reply::Source;
use super::resource::{Resource, Variant};
use super::saved::{self, ToSave};
use super::{Error, Mirrors, keyed};
use crate::cache::policy::{self, Asked};
use crate::cache::{self, Freshness, Interest, ProductionError, StoredAt};
use crate::causes::chain;
use crate::store::Space;
use crate::upstream::{Outgoing, Passed};

/// How long the origin is not asked again after it failed, where something stale is served.
const RETRY_PAUSE: Duration = Duration::from_secs(5);
/// How long requests for a URL whose answers can't be shared each ask for themselves (hit-for-pass).
pub(super) const PASS_FOR: Duration = Duration::from_secs(10);

/// What the one who asked gets.
pub(super) enum Delivery {
    /// A response that is kept, or would be if it weren't too large.
    Kept {
        variant: Arc<Variant>,
        source: Option<Source>,
        is_stored: bool,
        /// It was on disk, and fresh: the origin was not asked.
        is_from_store: bool,
    },
    /// A response that is not kept, and why.
    Passed(Box<Passed>, Option<&'static str>),
    /// None, and what there was before.
    Failed(Arc<Error>, Option<Arc<Resource>>),
}

/// The exchange.
pub(super) struct Fetching {
    pub(super) mirrors: Arc<Mirrors>,
    pub(super) question: Arc<Question>,
    /// What is kept before.
    pub(super) kept: Option<Arc<Resource>>,
    /// For whoever waits besides the one who asked; `None` where nobody may.
    pub(super) production: Option<Production>,
    pub(super) deliver: Option<oneshot::Sender<Delivery>>,
    /// Whether the one who asked still waits.
    pub(super) asker: watch::Sender<()>,
    /// Whether it goes on though nobody waits: a copy was served meanwhile.
    pub(super) is_background: bool,
    pub(super) interest: Arc<Interest>,
    /// The fields that came, where some of them are for the one who asked and not stored.
    pub(super) unstored: Option<HeaderMap>,
}

/// A place among the exchanges with one origin, and with all.
pub(super) type Places = [OwnedSemaphorePermit; 2];

/// What came, and when.
pub(super) struct Came {
    pub(super) passed: Passed,
    pub(super) times: (SystemTime, SystemTime),
    pub(super) asked: Asked,
}

impl Fetching {
    /// From the first step to the last.
    pub(super) async fn run(mut self) {
        let started = Instant::now();
        let interest = Arc::clone(&self.interest);
        let in_flight = self
            .production
            .as_ref()
            .map(|one| Arc::clone(one.in_flight()));
        let asker = self.asker.clone();
        let is_background = self.is_background;
        let lost = async {
            match is_background {
                true => std::future::pending().await,
                false => interest.lost(in_flight.as_deref(), Some(&asker)).await,
            }
        };
        let outcome = cache::run_unless_lost(self.exchange(), lost)
            .await
            .map_err(Arc::new);
        self.log(started, &outcome);
        let ended = match outcome {
            Ok(ended) => ended,
            Err(error) => return self.fail(error),
        };
        if let Some(production) = self.production.take() {
            production.end(match ended {
                Ended::Shared => None,
                Ended::Alone => Some(Instant::now() + PASS_FOR),
            });
        }
    }

    async fn exchange(&mut self) -> Result<Ended, Error> {
        let mirrors = Arc::clone(&self.mirrors);
        if self.production.is_some() && self.kept.is_none() {
            self.kept = mirrors.kept_or_restored(&self.question, None).await;
            if let Some(ended) = self.deliver_restored() {
                return Ok(ended);
            }
        }
        let mut place = Some(mirrors.place(&self.question).await?);
        let came = self.ask(true).await?;
        let status = came.passed.status;
        if is_failure(status) && self.stale_if_error().is_some() {
            return Err(Error::Status(status));
        }
        if status == StatusCode::NOT_MODIFIED && came.asked == Asked::Conditionally {
            if let Some(ended) = self.confirm(&came).await {
                return Ok(ended);
            }
            // It confirmed something that we don't have.
            let came = self.ask(false).await?;
            return self.take(came, &mut place).await;
        }
        self.take(came, &mut place).await
    }

    /// What was on disk and is fresh needs no exchange.
    fn deliver_restored(&mut self) -> Option<Ended> {
        let kept = self.kept.clone()?;
        let now = self.mirrors.clock.now();
        if freshness(&self.question, &kept, now) != Freshness::Fresh {
            return None;
        }
        let variant = Arc::clone(kept.select(&self.question.seen)?);
        self.publish(&kept);
        self.deliver(|| Delivery::Kept {
            source: Source::of(&variant),
            variant: Arc::clone(&variant),
            is_stored: true,
            is_from_store: true,
        });
        Some(Ended::Shared)
    }

    /// Sends the request, with our validators or without any.
    async fn ask(&self, conditionally: bool) -> Result<Came, Error> {
        let question = &self.question;
        let settings = &question.mirror.settings;
        let mut headers = keyed::sent(&question.seen);
        let kept = self.kept.as_deref().filter(|_| conditionally);
        let asked = match kept {
            Some(kept) if !policy::has_unsafe_conditions(&headers) => {
                let may_be_confirmed = |variant: &&Arc<Variant>| variant.may_be_confirmed();
                let matching = kept.select(&question.seen).filter(may_be_confirmed);
                let others = kept.variants.iter().filter(may_be_confirmed);
                let others = others.map(|variant| &variant.headers);
                policy::conditional(&mut headers, matching.map(|v| &v.headers), others)
            }
            _ => Asked::Unconditionally,
        };
        // What others wait for is the whole.
        if self.production.is_some() && asked == Asked::Unconditionally {
            policy::unconditional(&mut headers);
        }
        let requested_at = self.mirrors.clock.now();
        let outgoing = Outgoing {
            method: Method::GET,
            url: question.url.clone(),
            headers,
            body: None,
            total_timeout: settings.total_timeout,
            body_bytes_max: settings.body_bytes_max,
        };
        let passed = self
            .mirrors
            .client
            .pass(&settings.upstream, outgoing)
            .await?;
        Ok(Came {
            passed,
            times: (requested_at, self.mirrors.clock.now()),
            asked,
        })
    }

    fn fail(&mut self, error: Arc<Error>) {
        // What one client may not ask for, others may; that nobody waited says nothing of the origin.
        let is_clients = matches!(*error, Error::Queries);
        let is_failure = !error.is_abandoned();
        let is_served_stale = is_failure && self.stale_if_error().is_some();
        if let Some(production) = self.production.take() {
            match is_served_stale && !is_clients {
                true => {
                    let until = Instant::now() + RETRY_PAUSE;
                    production.fail(Arc::clone(&error), until);
                }
                false => production.complete_unkept(Err(match is_clients {
                    true => Arc::new(Error::Unshared),
                    false => Arc::clone(&error),
                })),
            }
        }
        let kept = self.kept.clone();
        self.deliver(|| Delivery::Failed(error, kept));
    }

    pub(super) fn stale_if_error(&self) -> Option<Arc<Variant>> {
        let now = self.mirrors.clock.now();
        stale_if_error(&self.question, self.kept.as_deref(), now)
    }

    pub(super) fn publish(&self, resource: &Arc<Resource>) {
        if let Some(production) = &self.production {
            production.publish(Arc::clone(resource));
        }
    }

    /// Delivers once; what comes later is for nobody.
    pub(super) fn deliver(&mut self, delivery: impl FnOnce() -> Delivery) {
        if let Some(deliver) = self.deliver.take() {
            deliver.send(delivery()).ok();
        }
    }

    /// Changes what is kept in memory.
    pub(super) fn keep(
        &self,
        change: impl FnOnce(&Resource) -> Option<Resource>,
    ) -> Option<Arc<Resource>> {
        let in_flight = self.production.as_ref().map(Production::in_flight);
        let by = (in_flight, self.question.began);
        self.mirrors.cache.revise(&self.question.key, by, |known| {
            let known = known.unwrap_or_default();
            change(&known).map(Arc::new)
        })
    }

    /// Changes what outlives the process in the same way.
    pub(super) async fn save(&self, resource: Option<&Resource>, is_same_body: bool) {
        self.mirrors
            .save(&self.question, resource, is_same_body)
            .await;
    }

    fn log(&self, started: Instant, outcome: &Result<Ended, Arc<Error>>) {
        let duration_ms = started.elapsed().as_secs_f64() * 1e3;
        let name = self.question.mirror.settings.name.as_str();
        let path = self.question.url.path();
        match outcome {
            Ok(_) => tracing::debug!(
                target: "feedwright::fetch",
                outcome = "done",
                mirror.name = name,
                path,
                duration_ms,
                "exchange"
            ),
            // As often as a client asks: it is told.
            Err(error) if matches!(**error, Error::Queries) => tracing::debug!(
                target: "feedwright::fetch",
                outcome = error.reason(),
                mirror.name = name,
                path,
                "not asked"
            ),
            Err(error) if error.is_abandoned() => tracing::debug!(
                target: "feedwright::fetch",
                outcome = "abandoned",
                mirror.name = name,
                path,
                duration_ms,
                "exchange"
            ),
            Err(error) => tracing::warn!(
                target: "feedwright::fetch",
                outcome = error.reason(),
                mirror.name = name,
                path,
                error = chain(error),
                duration_ms,
                "exchange"
            ),
        }
    }
}

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Others may use what came.
    Shared,
    /// Each request has to ask for itself.
    Alone,
}

impl Ended {
    /// Whether requests that come next can be answered from a response.
    pub(super) fn of(variant: &Variant) -> Self {
        let terms = &variant.terms;
        let is_of_use = !terms.lifetime.is_zero() || !terms.stale_while_revalidate.is_zero();
        match is_of_use && !terms.always_validate {
            true => Self::Shared,
            false => Self::Alone,
        }
    }
}

impl Mirrors {
    /// Puts a resource on disk, or takes it away. `is_same_body`: only what is said about it changed.
    pub(super) async fn save(
        &self,
        question: &Question,
        resource: Option<&Resource>,
        is_same_body: bool,
    ) {
        let key = &question.key;
        let Some(ToSave {
            meta,
            pieces,
            bodies,
        }) = resource.and_then(saved::save)
        else {
            self.store.remove(Space::Mirror, key).await;
            return;
        };
        let is_set = is_same_body && self.store.set_meta(Space::Mirror, key, meta.clone()).await;
        if !is_set && self.store.put(Space::Mirror, key, meta, pieces).await {
            for (body, start, digest) in bodies {
                body.set_stored(self.stored_at(key, start, digest));
            }
        }
        // It may have been outdated while it was written.
        if self.cache.was_dropped(key, question.began) {
            self.store.remove(Space::Mirror, key).await;
        }
    }
}

impl Mirrors {
    /// Where a body of a resource is in the store.
    pub(super) fn stored_at(&self, key: &Arc<str>, start: usize, digest: u128) -> StoredAt {
        StoredAt {
            store: self.store.clone(),
            space: Space::Mirror,
            key: Arc::clone(key),
            start,
            digest,
        }
    }
}

/// Answers that are errors of the server, for which something stale may be served (RFC 5861 §4).
pub(super) fn is_failure(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502 | 503 | 504)
}
