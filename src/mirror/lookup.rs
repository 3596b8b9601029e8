//! GET and HEAD: from what is cached where that may be, from the origin otherwise, by one fetch for all
//! who may share its answer.

use std::sync::Arc;

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::fetching::{Delivery, Fetching};
use super::judging::{freshness, stale_if_error, usable};
use super::mirrors::Production;
use super::question::Question;
use super::reply::{self, Reply, Source};
use super::resource::{Resource, Variant};
use super::{Error, Mirrors, saved};
use crate::cache::policy::{CacheStatus, Forwarded, Reuse};
use crate::cache::{Body, Freshness, InFlight, Lookup, ProductionError};
use crate::store::Space;

impl Mirrors {
    /// The answer to GET.
    pub(super) async fn get(self: &Arc<Self>, question: &Arc<Question>) -> Result<Reply, Error> {
        let mut kept = self.cache.find(&question.key);
        if let Some(reply) = self.from_kept(question, kept.as_deref())? {
            return Ok(reply);
        }
        if !question.may_share(kept.is_some()) || question.takes_only_kept() {
            kept = self.kept_or_restored(question, kept).await;
            if let Some(reply) = self.from_kept(question, kept.as_deref())? {
                return Ok(reply);
            }
            if question.takes_only_kept() {
                return Err(Error::OnlyIfCached);
            }
            if !question.may_share(kept.is_some()) {
                return self.fetch(question, kept, None).await;
            }
        }
        let now = Instant::now();
        if self.cache.is_pass(&question.key, now) {
            return self.fetch(question, kept, None).await;
        }
        let wall = self.clock.now();
        let judge = |kept: &Resource| freshness(question, kept, wall);
        match self.cache.look(&question.key, now, judge) {
            Lookup::Fresh(kept) => match self.from_kept(question, Some(&kept))? {
                Some(reply) => Ok(reply),
                None => self.fetch(question, Some(kept), None).await,
            },
            Lookup::InFlight(in_flight, kept) => self.wait(question, &in_flight, kept).await,
            Lookup::Failed(error, kept) => match stale_if_error(question, kept.as_deref(), wall) {
                Some(variant) => self.stale(question, &variant, &error),
                None => self.fetch(question, kept, None).await,
            },
            Lookup::Absent(production, kept) => self.fetch(question, kept, Some(production)).await,
        }
    }

    /// The answer from what is kept, if that may be used as it is.
    pub(super) fn from_kept(
        self: &Arc<Self>,
        question: &Arc<Question>,
        kept: Option<&Resource>,
    ) -> Result<Option<Reply>, Error> {
        let now = self.clock.now();
        let Some((variant, reuse)) = kept.and_then(|kept| usable(question, kept, now)) else {
            return Ok(None);
        };
        match reuse {
            Reuse::Validate => return Ok(None),
            Reuse::WhileRevalidate => self.refresh(question),
            Reuse::Fresh | Reuse::Stale => {}
        }
        let status = CacheStatus {
            ttl_s: Some(reply::ttl_s(&variant, now)),
            detail: (reuse == Reuse::WhileRevalidate).then_some("revalidating"),
            ..CacheStatus::default()
        };
        let source = Source::of(&variant);
        reply::of_variant(question, (&variant, source), status, now).map(Some)
    }

    /// Starts a refresh in the background, unless one is under way.
    fn refresh(self: &Arc<Self>, question: &Arc<Question>) {
        let now = Instant::now();
        if !question.may_share(true) || self.cache.is_pass(&question.key, now) {
            return;
        }
        let judge = |_: &Resource| Freshness::Stale;
        if let Lookup::Absent(production, kept) = self.cache.look(&question.key, now, judge) {
            let (deliver, _nobody_waits) = oneshot::channel();
            self.start(question, kept, Some(production), (deliver, None));
        }
    }

    /// Waits for another request's fetch, and asks alone where its answer is not for this one.
    async fn wait(
        self: &Arc<Self>,
        question: &Arc<Question>,
        in_flight: &InFlight<Error, Resource>,
        kept: Option<Arc<Resource>>,
    ) -> Result<Reply, Error> {
        match in_flight.outcome().await {
            Ok(resource) => {
                let now = self.clock.now();
                let found = usable(question, &resource, now);
                let Some((variant, Reuse::Fresh | Reuse::Stale)) = found else {
                    let whole = resource.whole().map(Arc::new);
                    return self.fetch(question, whole, None).await;
                };
                let Some(source) = Source::of(&variant) else {
                    return self.fetch(question, kept, None).await;
                };
                let status = CacheStatus {
                    forwarded: Some(why(question, kept.as_deref())),
                    ttl_s: Some(reply::ttl_s(&variant, now)),
                    collapsed: true,
                    ..CacheStatus::default()
                };
                reply::of_variant(question, (&variant, Some(source)), status, now)
            }
            Err(error) if matches!(*error, Error::Unshared | Error::Abandoned) => {
                self.fetch(question, kept, None).await
            }
            Err(error) => match stale_if_error(question, kept.as_deref(), self.clock.now()) {
                Some(variant) => self.stale(question, &variant, &error),
                None => Err(Error::Shared(error)),
            },
        }
    }

    /// Asks the origin, for all who wait for `production` or for itself alone.
    async fn fetch(
        self: &Arc<Self>,
        question: &Arc<Question>,
        kept: Option<Arc<Resource>>,
        production: Option<Production>,
    ) -> Result<Reply, Error> {
        let (deliver, delivered) = oneshot::channel();
        let (asker, _waiting) = watch::channel(());
        self.start(question, kept.clone(), production, (deliver, Some(asker)));
        let Ok(delivery) = delivered.await else {
            return Err(Error::Panicked);
        };
        let now = self.clock.now();
        match delivery {
            Delivery::Kept {
                variant,
                source,
                is_stored,
                is_from_store,
            } => {
                let status = CacheStatus {
                    forwarded: (!is_from_store).then(|| why(question, kept.as_deref())),
                    stored: is_stored,
                    ttl_s: Some(reply::ttl_s(&variant, now)),
                    ..CacheStatus::default()
                };
                reply::of_variant(question, (&variant, source), status, now)
            }
            Delivery::Passed(passed, not_stored) => {
                let status = CacheStatus {
                    forwarded: Some(why(question, kept.as_deref())),
                    detail: not_stored,
                    ..CacheStatus::default()
                };
                Ok(reply::of_passed(question, *passed, status))
            }
            Delivery::Failed(error, kept) => match stale_if_error(question, kept.as_deref(), now) {
                Some(variant) => self.stale(question, &variant, &error),
                None => Err(Error::Shared(error)),
            },
        }
    }

    fn start(
        self: &Arc<Self>,
        question: &Arc<Question>,
        kept: Option<Arc<Resource>>,
        production: Option<Production>,
        (deliver, asker): (oneshot::Sender<Delivery>, Option<watch::Sender<()>>),
    ) {
        let fetching = Fetching {
            mirrors: Arc::clone(self),
            question: Arc::clone(question),
            kept,
            production,
            deliver: Some(deliver),
            is_background: asker.is_none(),
            asker: asker.unwrap_or_default(),
            interest: Arc::default(),
            unstored: None,
        };
        self.tasks.spawn(fetching.run());
    }

    /// The answer by a kept response while the origin fails.
    pub(super) fn stale(
        &self,
        question: &Question,
        variant: &Arc<Variant>,
        error: &Error,
    ) -> Result<Reply, Error> {
        let now = self.clock.now();
        let status = CacheStatus {
            ttl_s: Some(reply::ttl_s(variant, now)),
            forwarded_status: error.upstream_status().map(|status| status.as_u16()),
            detail: Some(error.reason()),
            ..CacheStatus::default()
        };
        reply::of_variant(question, (variant, Source::of(variant)), status, now)
    }

    /// What is in memory, or else what outlived it, which is in memory then.
    pub(super) async fn kept_or_restored(
        &self,
        question: &Question,
        kept: Option<Arc<Resource>>,
    ) -> Option<Arc<Resource>> {
        if kept.is_some() {
            return kept;
        }
        let of = (Space::Mirror, &*question.key);
        let budget = self.client.budget();
        let read = self.store.get_within(of, budget, question.holder).await;
        let (entry, grant) = read.ok()??;
        let grant = Arc::new(grant);
        let place = |body: &Body, start: usize, digest: u128| {
            body.hold(&grant);
            if entry.reads_in_pieces {
                body.set_stored(self.stored_at(&question.key, start, digest));
            }
        };
        let restored = saved::restore(&entry.meta, &entry.body, self.clock.now(), place)?;
        let restored = Arc::new(restored);
        self.cache
            .revise(&question.key, (None, question.began), |known| {
                Some(known.unwrap_or(restored))
            })
    }
}

/// Why a request goes on to the origin.
pub(super) fn why(question: &Question, kept: Option<&Resource>) -> Forwarded {
    match kept {
        None => Forwarded::UriMiss,
        Some(kept) if kept.select(&question.seen).is_none() => Forwarded::VaryMiss,
        Some(_) => Forwarded::Stale,
    }
}
