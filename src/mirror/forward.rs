//! Requests that no cache answers: HEAD for what is not fresh, and methods that change something.

use std::sync::Arc;

use http::header::{CONTENT_LENGTH, IF_RANGE, RANGE};
use http::{Method, StatusCode};
use url::Url;

use super::judging::stale_if_error;
use super::lookup::why;
use super::question::{self, Question};
use super::reply::{self, Reply};
use super::resource::Resource;
use super::{Error, Mirrors, Upload, fields, keyed};
use crate::cache::policy::{self, CacheStatus, Forwarded, HeadEffect};
use crate::store::Space;
use crate::upstream::{Outgoing, Passed};

impl Mirrors {
    /// The answer to HEAD.
    pub(super) async fn head(self: &Arc<Self>, question: &Arc<Question>) -> Result<Reply, Error> {
        let kept = self.cache.find(&question.key);
        let kept = self.kept_or_restored(question, kept).await;
        if let Some(reply) = self.from_kept(question, kept.as_deref())? {
            return Ok(reply);
        }
        if question.takes_only_kept() {
            return Err(Error::OnlyIfCached);
        }
        let requested_at = self.clock.now();
        let came = self.exchange(question, Upload::none()).await;
        let passed = match came {
            Ok(passed) => passed,
            Err(error) => {
                let now = self.clock.now();
                return match stale_if_error(question, kept.as_deref(), now) {
                    Some(variant) => self.stale(question, &variant, &error),
                    None => Err(error),
                };
            }
        };
        if let Some(kept) = &kept
            && passed.status == StatusCode::OK
        {
            let times = (requested_at, self.clock.now());
            self.learn_from_head(question, kept, &passed, times).await;
        }
        let status = CacheStatus {
            forwarded: Some(why(question, kept.as_deref())),
            ..CacheStatus::default()
        };
        Ok(reply::of_passed(question, passed, status))
    }

    /// What HEAD says is true of the kept response to GET as well, or shows that it is outdated
    /// (RFC 9111 §4.3.5).
    async fn learn_from_head(
        &self,
        question: &Question,
        kept: &Arc<Resource>,
        passed: &Passed,
        times: (std::time::SystemTime, std::time::SystemTime),
    ) {
        let asked = &question.seen;
        let Some(old) = kept.select(asked) else {
            return;
        };
        let news = fields::response(&passed.headers, &question.mirror.settings);
        match policy::head_effect(&old.headers, &news, old.bytes()) {
            HeadEffect::Update => {
                let news = fields::owned(&news);
                let new = Arc::new(old.updated(policy::updated(&old.headers, &news), times));
                // Another response may have taken its place meanwhile: that one is newer.
                let resource = self
                    .cache
                    .revise(&question.key, (None, question.began), |known| {
                        let known = known?;
                        Some(known.replacing(old, &new).map_or(known, Arc::new))
                    });
                self.save(question, resource.as_deref(), true).await;
            }
            HeadEffect::Invalidate => {
                let left = self
                    .cache
                    .revise(&question.key, (None, question.began), |known| {
                        known?.without(asked).map(Arc::new)
                    });
                self.save(question, left.as_deref(), false).await;
            }
        }
    }

    /// Passes a request on whose method is not answered from a cache, and drops what it outdated.
    pub(super) async fn pass(
        self: &Arc<Self>,
        question: &Question,
        body: Upload,
    ) -> Result<Reply, Error> {
        let passed = self.exchange(question, body).await?;
        let method = &question.head.method;
        let outdated = policy::invalidated(method, &question.url, passed.status, &passed.headers);
        for url in outdated {
            self.forget(question, &url).await;
        }
        let status = CacheStatus {
            forwarded: Some(Forwarded::Method),
            ..CacheStatus::default()
        };
        Ok(reply::of_passed(question, passed, status))
    }

    async fn forget(&self, question: &Question, url: &Url) {
        let key = question::key(&question.mirror, url);
        self.cache.drop_key(&key);
        self.store.remove(Space::Mirror, &key).await;
    }

    async fn exchange(&self, question: &Question, body: Upload) -> Result<Passed, Error> {
        let settings = &question.mirror.settings;
        let place = self.place(question).await?;
        let mut headers = keyed::sent(&question.seen);
        // Ranges are for GET (RFC 9110 §14.2): some servers answer HEAD with a part all the same.
        if question.head.method == Method::HEAD {
            headers.remove(RANGE);
            headers.remove(IF_RANGE);
        }
        let (body, verdict) = body.within(settings.request_bytes_max, self.least_rate);
        let mut upload = None;
        if body.is_some() {
            fields::with_body(question.headers(), &mut headers);
            let declared = headers
                .get(CONTENT_LENGTH)
                .and_then(|n| n.to_str().ok()?.parse().ok());
            if declared.is_some_and(|bytes: u64| bytes > settings.request_bytes_max) {
                return Err(Error::BodyTooLarge(settings.request_bytes_max));
            }
            upload = Some(self.room_to_upload(declared, question.holder).await?);
        }
        let outgoing = Outgoing {
            method: question.head.method.clone(),
            url: question.url.clone(),
            headers,
            body,
            total_timeout: settings.total_timeout,
            body_bytes_max: settings.body_bytes_max,
        };
        let came = self.client.pass(&settings.upstream, outgoing).await;
        drop(upload);
        let mut passed = came.map_err(|error| {
            let of_the_reader = verdict.error(settings.request_bytes_max);
            of_the_reader.unwrap_or(Error::Fetch(error))
        })?;
        let grant = self.room_to_pass(&passed.body, question.holder).await?;
        passed.body.hold(grant);
        passed.body.hold(place);
        Ok(passed)
    }
}
