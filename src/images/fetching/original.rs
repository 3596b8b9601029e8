//! An image as its server has it: fetched once, checked, recorded while it is handed on.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::time::Instant;
use url::Url;
use xxhash_rust::xxh3::Xxh3;

use super::keep;
use super::stored::stored_key;
use super::{ImageError, Imager, REMEMBERED_MAX};
use crate::cache::{
    Answer, Body, Interest, Kept, Policy, Production, ProductionError, Recorder, Recording, Timed,
    Times,
};
use crate::images::format::{ImageFormat, Start};
use crate::images::processing::ProcessingError;
use crate::inflight::{Grant, Holder, Inflight};
use crate::shares::Share;
use crate::store::Space;
use crate::upstream::hosts::{FetchSlot, Urgency};
use crate::upstream::{FetchError, Fetched, Found, Upstream, Validators};

/// Bytes that an image takes besides its own: validators, bookkeeping.
const OVERHEAD_BYTES: usize = 1 << 10;
/// How long a request waits for an image that it could have stale.
const SERVE_STALE_AFTER: Duration = Duration::from_secs(2);
/// A file longer than this is recorded for those who ask now, and kept for nobody.
const STORE_BYTES_MAX: usize = 32 << 20;

/// An image as it came.
#[derive(Debug, Clone)]
pub struct Original {
    /// What its first bytes say it is.
    pub kind: ImageFormat,
    /// Its bytes.
    pub content: OriginalBody,
    /// Of its bytes; `None` while they come.
    pub digest: Option<u128>,
    /// What upstream said of its age.
    pub last_modified: Option<HeaderValue>,
    /// Where it has moved for good.
    pub canonical: Option<Url>,
    /// How long it lasts.
    pub times: Times,
    pub(super) validators: Validators,
}

/// Bytes that are there, or come.
#[derive(Debug, Clone)]
pub enum OriginalBody {
    /// All of them.
    Whole(Body),
    /// Those so far.
    Growing(Arc<Recording>),
}

impl Kept for Original {
    fn weight_bytes(&self) -> usize {
        let bytes = match &self.content {
            OriginalBody::Whole(body) => body.len(),
            OriginalBody::Growing(_) => 0,
        };
        bytes + OVERHEAD_BYTES
    }

    fn share(_: &str) -> Share {
        Share::Images
    }

    fn bodies(&self) -> Vec<Body> {
        match &self.content {
            OriginalBody::Whole(body) => vec![body.clone()],
            OriginalBody::Growing(_) => Vec::new(),
        }
    }
}

impl Original {
    /// All of its bytes, in one piece, and what that takes of the budget.
    ///
    /// # Errors
    /// When its transfer breaks off, or too much is under way.
    pub(super) async fn whole(
        &self,
        (budget, holder): (&Inflight, Holder),
        wait_max: Duration,
    ) -> Result<(Bytes, Option<Grant>), ImageError> {
        let body = match &self.content {
            OriginalBody::Whole(body) => body.clone(),
            OriginalBody::Growing(recording) => {
                recording.whole().await.map_err(|_| ImageError::Broken)?
            }
        };
        match body.pieces() {
            [piece] => Ok((piece.clone(), None)),
            pieces => {
                let bytes = body.len() as u64;
                let grant = budget.reserve_within(bytes, holder, wait_max).await;
                let grant = grant.map_err(|_| FetchError::Crowded)?;
                Ok((pieces.concat().into(), Some(grant)))
            }
        }
    }
}

impl Timed for Original {
    fn times(&self) -> &Times {
        &self.times
    }

    fn is_whole(&self) -> bool {
        self.digest.is_some()
    }
}

impl Imager {
    /// The image at a URL, which may still be coming.
    ///
    /// # Errors
    /// Why there is none, not even a stale one.
    pub async fn original(
        self: &Arc<Self>,
        url: &Url,
        holder: Holder,
    ) -> Answer<ImageError, Original> {
        let key: Arc<str> = stored_key(url).into();
        let policy = Policy {
            serve_stale_after: Some(SERVE_STALE_AFTER),
        };
        let produce = |production, stale| {
            let (imager, url) = (Arc::clone(self), url.clone());
            self.tasks
                .spawn(async move { imager.bring((&url, holder), production, stale).await });
        };
        self.originals.get(&key, policy, produce).await
    }

    /// Takes it from the store, or from upstream.
    async fn bring(
        &self,
        (url, holder): (&Url, Holder),
        production: Production<ImageError, Original>,
        known: Option<Arc<Original>>,
    ) {
        let stored = self.stored(url, holder);
        let Some((production, known)) = production.restore(known, stored).await else {
            return;
        };
        let interest = Interest::default();
        let fetching = self.fetch((url, holder), (&production, &interest), known.as_deref());
        let fetched = production.run_while_wanted(&interest, fetching).await;
        match fetched {
            Ok(original) => {
                production.complete(Arc::new(original));
            }
            Err(error) => {
                if !error.is_abandoned() {
                    tracing::info!(image.host = url.host_str(), reason = error.reason(), error = %error, "no image");
                }
                let until = Instant::now() + error.remembered_for();
                production.fail(Arc::new(error), until);
            }
        }
    }

    async fn fetch(
        &self,
        (url, holder): (&Url, Holder),
        readers: (&Production<ImageError, Original>, &Interest),
        had: Option<&Original>,
    ) -> Result<Original, ImageError> {
        let validators = had.map(|had| had.validators.clone()).unwrap_or_default();
        let (answer, _place) = self.ask((url, holder), &validators).await?;
        match (answer, had) {
            (Fetched::Found(found), _) => self.record(url, *found, readers, had).await,
            (Fetched::NotModified(news), Some(had)) => {
                let fresh_for = keep::fresh_for(&news.headers, &self.options);
                let original = Original {
                    times: keep::times(fresh_for, &self.options),
                    validators: news.validators,
                    ..had.clone()
                };
                let note = self.note(&original);
                self.store
                    .set_meta(Space::Images, &stored_key(url), note)
                    .await;
                Ok(original)
            }
            (Fetched::NotModified(_), None) => Err(ImageError::Broken),
        }
    }

    /// Asks a host by its rule; one that forbids it is asked once more as if by a page of its own,
    /// and what helped is remembered.
    async fn ask(
        &self,
        (url, holder): (&Url, Holder),
        validators: &Validators,
    ) -> Result<(Fetched, FetchSlot), FetchError> {
        let client = self.client.on_behalf_of(holder);
        let rule = self.rule(url);
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut upstream = Upstream {
            url: url.clone(),
            user_agent: rule.as_ref().and_then(|rule| rule.user_agent.clone()),
            headers: rule
                .as_ref()
                .map(|rule| rule.headers.clone())
                .unwrap_or_default(),
            cookies: None,
            proxy: rule.as_ref().and_then(|rule| rule.proxy.clone()),
            allow_private: self.options.allow_private.clone(),
        };
        let known = rule.as_ref().map_or_else(
            || self.referers().get(&host).cloned(),
            |rule| rule.referer.clone(),
        );
        let is_told = rule.as_ref().is_some_and(|rule| rule.referer.is_some());
        upstream
            .headers
            .extend(known.clone().map(|referer| (header::REFERER, referer)));
        // A name that nobody answers for must not hold a place.
        client.prepare(&upstream).await?;
        let place = self.hosts.enter(url, Urgency::Reader).await?;
        let mut slot = FetchSlot::new(place, Urgency::Reader);
        let fetching = client.fetch_through(&upstream, validators, &mut slot);
        let answer = fetching.await;
        let is_forbidden = matches!(&answer, Err(FetchError::Status { status, .. }) if *status == StatusCode::FORBIDDEN);
        if !is_forbidden || known.is_some() || is_told {
            return Ok((answer?, slot));
        }
        let Ok(own) = HeaderValue::from_str(&format!("{}/", url.origin().ascii_serialization()))
        else {
            return Ok((answer?, slot));
        };
        upstream.headers.push((header::REFERER, own.clone()));
        let fetching = client.fetch_through(&upstream, validators, &mut slot);
        let again = fetching.await;
        if again.is_ok() {
            let mut referers = self.referers();
            if referers.len() >= REMEMBERED_MAX {
                referers.clear();
            }
            referers.insert(host, own);
        }
        Ok((again?, slot))
    }

    fn referers(
        &self,
    ) -> std::sync::MutexGuard<'_, std::collections::HashMap<String, HeaderValue>> {
        self.referers
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Records what comes. As soon as its start shows what it is, those who wait may play it, unless
    /// there is something better to serve should it break off.
    async fn record(
        &self,
        url: &Url,
        found: Found,
        (production, interest): (&Production<ImageError, Original>, &Interest),
        had: Option<&Original>,
    ) -> Result<Original, ImageError> {
        let bytes_max = self.originals.options().recording_bytes_max;
        let is_shown = had.is_none();
        let mut recorder = Recorder::new(bytes_max);
        let mut digest = Xxh3::new();
        let mut start = Start::default();
        let mut growing: Option<Original> = None;
        let Found {
            validators,
            headers,
            moved_to,
            mut body,
            ..
        } = found;
        interest.begin(recorder.recording(), body.declared_bytes());
        if is_shown {
            body.let_outgrow();
        }
        loop {
            let chunk = body.chunk().await?;
            if let Some(chunk) = &chunk {
                digest.update(chunk);
                interest.receive(chunk.len());
                start.extend(chunk);
                if body.has_outgrown() && growing.is_some() {
                    return self
                        .pass_on((body, chunk.clone()), recorder, production)
                        .await;
                }
                recorder
                    .append(chunk.clone())
                    .map_err(|_| ImageError::TooLarge(bytes_max as u64))?;
            }
            if let Some(kind) = start.kind(chunk.is_none()) {
                let original = Original {
                    kind: kind.ok_or(ProcessingError::Invalid)?,
                    content: OriginalBody::Growing(recorder.recording()),
                    digest: None,
                    last_modified: last_modified(&headers),
                    canonical: moved_to.clone(),
                    times: keep::times(keep::fresh_for(&headers, &self.options), &self.options),
                    validators: validators.clone(),
                };
                if chunk.is_some() && is_shown {
                    production.publish(Arc::new(original.clone()));
                    body.set_played();
                }
                growing = Some(original);
            }
            if chunk.is_none() {
                break;
            }
        }
        interest.complete();
        let original = growing.ok_or(ProcessingError::Invalid)?;
        let whole = recorder.finish();
        if let Some(grant) = body.into_grant() {
            whole.hold(&Arc::new(grant));
        }
        Ok(self
            .complete(url, original, digest.digest128(), whole)
            .await)
    }

    /// An original that is there to its end, and in the store if it may be.
    async fn complete(&self, url: &Url, original: Original, digest: u128, whole: Body) -> Original {
        let original = Original {
            digest: Some(digest),
            content: OriginalBody::Whole(whole.clone()),
            ..original
        };
        if whole.len() <= STORE_BYTES_MAX && !original.times.fresh_for.is_zero() {
            self.put(url, (&original, digest), &whole).await;
        }
        original
    }
}

/// What upstream says, where it is a date.
fn last_modified(headers: &HeaderMap) -> Option<HeaderValue> {
    let text = headers.get(header::LAST_MODIFIED)?.to_str().ok()?;
    let date = httpdate::parse_http_date(text).ok()?;
    HeaderValue::from_str(&httpdate::fmt_http_date(date)).ok()
}
