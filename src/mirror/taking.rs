//! What is done with the origin's answer: confirmed, recorded while it is played, or handed on.

use std::sync::Arc;

use http::Method;
use tokio::time::Instant;

use super::fetching::{Came, Delivery, Ended, Fetching, PASS_FOR, Places, is_failure};
use super::reply::Source;
use super::resource::{Resource, Variant, terms};
use super::{Error, fields, keyed};
use crate::cache::policy::{self, Selection};
use crate::cache::{Form, Recorder};
use crate::inflight::{Denied, PLAYED_WAIT_MAX, WAIT_MAX};
use crate::upstream::{Passed, PassedBody};

impl Fetching {
    /// 304 to our validators: the response that it is about gets its fields and is fresh again.
    pub(super) async fn confirm(&mut self, came: &Came) -> Option<Ended> {
        let kept = self.kept.clone()?;
        // What is left to do is ours.
        self.interest.complete();
        let asked = &self.question.seen;
        let news = fields::response(&came.passed.headers, &self.question.mirror.settings);
        let may_be_confirmed = |variant: &&Arc<Variant>| variant.may_be_confirmed();
        let known = || kept.variants.iter().filter(may_be_confirmed);
        let is_only_one = known().count() == 1;
        let matching = kept.select(asked).filter(may_be_confirmed);
        let tells = |variant: &&Arc<Variant>| policy::selects(&news, &variant.headers, is_only_one);
        let old = matching
            .filter(|variant| tells(variant) || !news.contains_key(http::header::ETAG))
            .or_else(|| known().find(tells))?;
        let headers = policy::updated(&old.headers, &fields::owned(&news));
        let mut new = old.updated(headers, came.times);
        let is_same_selection = matching.is_some_and(|matching| Arc::ptr_eq(matching, old));
        if !is_same_selection {
            new.selection = Selection::of(&new.headers, asked, keyed::names(asked))?;
        }
        let new = Arc::new(new);
        let resource = self.keep(|known| {
            let replaced = is_same_selection
                .then(|| known.replacing(old, &new))
                .flatten();
            Some(replaced.unwrap_or_else(|| known.with(Arc::clone(&new), asked)))
        });
        self.publish(&resource.clone().unwrap_or(kept));
        self.deliver_recorded(&new);
        self.save(resource.as_deref(), is_same_selection).await;
        Some(Ended::of(&new))
    }

    /// A response of its own: kept if that may be, or handed to the one who asked.
    pub(super) async fn take(
        &mut self,
        came: Came,
        place: &mut Option<Places>,
    ) -> Result<Ended, Error> {
        let question = Arc::clone(&self.question);
        let asked = &question.seen;
        let Came {
            mut passed, times, ..
        } = came;
        let settings = &question.mirror.settings;
        let ours = fields::response(&passed.headers, settings);
        let request = (&Method::GET, asked);
        let storable = policy::storable(request, (passed.status, &ours), &question.mirror.options);
        let selection = Selection::of(&ours, asked, keyed::names(asked));
        let budget = self.mirrors.client.budget();
        let bytes_max = budget
            .body_bytes_max()
            .min(settings.object_bytes_max as u64);
        let declared = passed.body.declared_bytes();
        let is_too_large = declared.is_some_and(|bytes| bytes > bytes_max);
        let (headers, selection) = match (storable, selection) {
            (Ok(headers), Some(selection)) if !is_too_large => (headers, selection),
            (storable, _) => {
                let why = storable
                    .err()
                    .map_or("too-large", policy::NotStored::reason);
                // It is read by the one who asked, when this here has ended.
                passed.body.hold(place.take());
                self.pass(passed, why).await?;
                return Ok(Ended::Alone);
            }
        };
        self.unstored = (headers.len() < ours.len()).then(|| fields::owned(&ours));
        let headers = fields::owned(&headers);
        let recorder = Recorder::new(settings.object_bytes_max);
        self.interest.begin(recorder.recording(), declared);
        let variant = Arc::new(Variant {
            status: passed.status,
            requested_at: times.0,
            terms: terms(passed.status, &headers, times),
            headers,
            selection,
            content: Form::Growing(recorder.recording()),
        });
        self.record(variant, recorder, passed.body).await
    }

    /// A response that is not kept. What was kept for such requests is outdated, unless the server
    /// only failed.
    async fn pass(&mut self, mut passed: Passed, why: &'static str) -> Result<(), Error> {
        let grant = self
            .mirrors
            .room_to_pass(&passed.body, self.question.holder)
            .await?;
        passed.body.hold(grant);
        let outdates = !is_failure(passed.status)
            && !matches!(passed.status.as_u16(), 206 | 304 | 412 | 416)
            && self.question.may_share(true);
        self.interest.complete();
        if let Some(production) = &self.production {
            production.publish_error(Arc::new(Error::Unshared));
        }
        self.deliver(|| Delivery::Passed(Box::new(passed), Some(why)));
        let kept = self.kept.as_deref();
        let asked = &self.question.seen;
        if outdates && kept.is_some_and(|kept| kept.select(asked).is_some()) {
            let left = self.keep(|known| known.without(asked));
            self.save(left.as_deref(), false).await;
        }
        Ok(())
    }

    /// Records the body. Readers play it from the start, or, where something stale may be served, when it
    /// is whole.
    async fn record(
        &mut self,
        variant: Arc<Variant>,
        mut recorder: Recorder,
        mut body: PassedBody,
    ) -> Result<Ended, Error> {
        let question = Arc::clone(&self.question);
        let asked = &question.seen;
        let budget = self.mirrors.client.budget().clone();
        let granted = budget.begin(body.declared_bytes(), question.holder).await;
        let mut grant = granted.map_err(|_| Error::Busy)?;
        let growing = self.kept.as_deref().cloned().unwrap_or_default();
        let growing = Arc::new(growing.with(Arc::clone(&variant), asked));
        let mut wait_max = WAIT_MAX;
        if self.stale_if_error().is_none() {
            self.show(&growing, &variant);
            wait_max = PLAYED_WAIT_MAX;
        }
        let mut is_outgrown = false;
        while let Some(piece) = body.chunk().await? {
            self.interest.receive(piece.len());
            if !is_outgrown {
                let bytes = recorder.bytes() + piece.len();
                match grant.cover(bytes as u64, wait_max).await {
                    Ok(()) if recorder.append(piece.clone()).is_ok() => continue,
                    Err(Denied::Busy) => return Err(Error::Busy),
                    Ok(()) | Err(Denied::TooLarge(_)) => {}
                }
                is_outgrown = true;
                self.show(&growing, &variant);
                self.let_others_go();
            }
            if recorder.pass_on(piece).await.is_err() {
                return Ok(Ended::Alone);
            }
            grant.shrink(recorder.held_bytes() as u64);
        }
        self.interest.complete();
        if is_outgrown {
            recorder.end();
            return Ok(Ended::Alone);
        }
        let body = recorder.finish();
        grant.settle(body.len() as u64);
        // Also while it is saved: it may be gone from the cache by then.
        let grant = Arc::new(grant);
        body.hold(&grant);
        let whole = Arc::new(Variant {
            content: Form::Whole(body),
            ..(*variant).clone()
        });
        let resource = self.keep(|known| Some(known.with(Arc::clone(&whole), asked)));
        let shown = resource.clone();
        self.publish(&shown.unwrap_or(growing));
        self.deliver_recorded(&whole);
        self.save(resource.as_deref(), false).await;
        drop(grant);
        Ok(Ended::of(&whole))
    }

    /// Shows a growing response to all who wait.
    fn show(&mut self, growing: &Arc<Resource>, variant: &Arc<Variant>) {
        self.publish(growing);
        self.deliver_recorded(variant);
    }

    /// Who comes from now on finds no start any more, and asks alone.
    fn let_others_go(&self) {
        if let Some(production) = &self.production {
            production.publish_error(Arc::new(Error::Unshared));
            production.release(Some(Instant::now() + PASS_FOR));
        }
    }

    /// Delivers a recorded response to the one who asked, with all the fields that came.
    fn deliver_recorded(&mut self, variant: &Arc<Variant>) {
        let source = Source::of(variant);
        let variant = match self.unstored.take() {
            Some(headers) => Arc::new(Variant {
                headers,
                ..(**variant).clone()
            }),
            None => Arc::clone(variant),
        };
        self.deliver(|| Delivery::Kept {
            variant,
            source,
            is_stored: true,
            is_from_store: false,
        });
    }
}
