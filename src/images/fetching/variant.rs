//! An image as it was asked for: made once from the original, whoever asks.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use tokio::time::Instant;
use url::Url;
use xxhash_rust::xxh3::xxh3_128;

use super::keep::{self, VariantNote};
use super::{ImageError, ImageRequest, Imager, Original};
use crate::cache::{self, Answer, Body, Interest, Kept, Policy, Production, Timed, Times};
use crate::images::format::ImageFormat;
use crate::images::processing::ProcessingError;
use crate::images::processing::job::{self, ProcessingRequest};
use crate::shares::Share;
use crate::store::Space;
use crate::workers::{WorkerError, WorkerJob, WorkerKind};

const OVERHEAD_BYTES: usize = 1 << 10;
/// Media types and endings of what is made.
const MADE: [(&str, &str); 7] = [
    ("image/jpeg", "jpg"),
    ("image/png", "png"),
    ("image/webp", "webp"),
    ("image/gif", "gif"),
    ("image/tiff", "tiff"),
    ("image/avif", "avif"),
    ("application/json", "json"),
];

/// An image as it was asked for.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Its bytes, in one piece.
    pub body: Body,
    /// Its media type.
    pub media_type: &'static str,
    /// The ending of its file's name.
    pub extension: &'static str,
    /// Of its bytes.
    pub digest: u128,
    /// What upstream said of the original's age.
    pub last_modified: Option<HeaderValue>,
    /// Where the original has moved for good.
    pub canonical: Option<Url>,
    /// How long it lasts.
    pub times: Times,
    /// The digest of the original.
    source: u128,
}

impl Kept for Variant {
    fn weight_bytes(&self) -> usize {
        self.body.len() + OVERHEAD_BYTES
    }

    fn bodies(&self) -> Vec<Body> {
        vec![self.body.clone()]
    }

    fn share(_: &str) -> Share {
        Share::Images
    }
}

impl Timed for Variant {
    fn times(&self) -> &Times {
        &self.times
    }
}

impl Variant {
    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.body.pieces().first().map_or(&[], |piece| piece)
    }

    /// The same, now that the original is known to be as it was.
    fn confirmed(&self, original: &Original) -> Self {
        Self {
            times: original.times,
            ..self.clone()
        }
    }
}

impl Imager {
    /// An image as it is asked for.
    ///
    /// # Errors
    /// Why there is none, not even a stale one.
    pub async fn variant(self: &Arc<Self>, wanted: &ImageRequest) -> Answer<ImageError, Variant> {
        let key = format!(
            "variant {} {} {}",
            wanted.text,
            wanted.accepted.key(),
            wanted.url
        );
        let produce = |production, stale| {
            let (imager, wanted) = (Arc::clone(self), wanted.clone());
            self.tasks
                .spawn(async move { imager.produce(&wanted, production, stale).await });
        };
        self.variants
            .get(&key.into(), Policy::default(), produce)
            .await
    }

    async fn produce(
        self: &Arc<Self>,
        wanted: &ImageRequest,
        production: Production<ImageError, Variant>,
        known: Option<Arc<Variant>>,
    ) {
        let key = Arc::clone(production.key());
        let stored = self.stored_variant(&key);
        let Some((production, known)) = production.restore(known, stored).await else {
            return;
        };
        let renewing = async { Ok(self.renew(wanted, &production, known.as_deref()).await) };
        let made = cache::run(renewing).await;
        let made = made.map_err(Arc::new).flatten();
        match made {
            Ok(variant) => {
                production.complete(Arc::new(variant));
            }
            Err(error) => {
                let until = Instant::now() + error.remembered_for();
                production.fail(error, until);
            }
        }
    }

    /// Makes it, unless it would be made of the same again.
    async fn renew(
        self: &Arc<Self>,
        wanted: &ImageRequest,
        production: &Production<ImageError, Variant>,
        had: Option<&Variant>,
    ) -> Result<Variant, Arc<ImageError>> {
        let (key, interest) = (production.key(), Interest::default());
        // Others are worked on meanwhile: this is part of waiting for one's turn.
        let patience = self.options.work_timeout;
        let fetching = async {
            let original = self.original(&wanted.url, wanted.holder).await;
            let (original, _) = original.map_err(|(error, _)| error)?;
            let budget = self.client.budget();
            let whole = original.whole((budget, wanted.holder), patience).await;
            Ok::<_, Arc<ImageError>>((original, whole.map_err(Arc::new)?))
        };
        let (original, (bytes, _held)) = tokio::select! {
            fetched = fetching => fetched?,
            () = interest.lost(Some(&**production.in_flight()), None) => return Err(Arc::new(ImageError::Abandoned)),
        };
        let source = original.digest.unwrap_or_else(|| xxh3_128(&bytes));
        if let Some(had) = had.filter(|had| had.source == source) {
            let variant = had.confirmed(&original);
            self.store
                .set_meta(Space::Images, key, note(&variant))
                .await;
            return Ok(variant);
        }
        let (bytes, media_type, extension) =
            match self.work(wanted, original.kind, bytes.clone()).await {
                Err(ImageError::Pixels(ProcessingError::Unsupported(_)))
                    if original.kind == ImageFormat::Avif && wanted.transform.only_shrinks() =>
                {
                    (
                        bytes,
                        ImageFormat::Avif.media_type(),
                        ImageFormat::Avif.extension(),
                    )
                }
                made => made.map_err(Arc::new)?,
            };
        let variant = Variant {
            digest: xxh3_128(&bytes),
            body: Body::new(vec![bytes]).within(self.client.budget()),
            media_type,
            extension,
            last_modified: original.last_modified.clone(),
            canonical: original.canonical.clone(),
            times: original.times,
            source,
        };
        if !variant.times.fresh_for.is_zero() {
            let body = variant.body.pieces().to_vec();
            self.store
                .put(Space::Images, key, note(&variant), body)
                .await;
        }
        Ok(variant)
    }

    /// Has a worker make it; what it makes for this image alone stays out of this process.
    async fn work(
        &self,
        wanted: &ImageRequest,
        kind: ImageFormat,
        bytes: Bytes,
    ) -> Result<(Bytes, &'static str, &'static str), ImageError> {
        let patience = self.options.work_timeout;
        let request = ProcessingRequest {
            transform: wanted.transform.clone(),
            accepted: wanted.accepted,
            quality: self.options.quality,
            limits: self.options.limits,
        };
        let job = WorkerJob {
            kind: match kind {
                ImageFormat::Svg => WorkerKind::Svg,
                _ => WorkerKind::Image,
            },
            grant_bytes: job::FIRST_GRANT_BYTES,
            deadline: Instant::now() + patience,
            work_max: None,
            head: request.to_bytes(),
            body: vec![bytes],
            subject: wanted.url.to_string(),
        };
        let answer = self.workers.run(job).await.map_err(|error| match error {
            WorkerError::Late => ImageError::Late(patience),
            WorkerError::Busy => ImageError::Busy(patience),
            WorkerError::Memory => ImageError::Memory,
            WorkerError::Crashed => ImageError::Crashed,
            WorkerError::Unavailable => ImageError::NoWorker,
        })?;
        let made = job::read(&answer.head, answer.body).ok_or(ImageError::Crashed)??;
        // What an encoder kept in reserve would be held as long as the image is, and counted by nobody.
        let bytes = made.bytes.into_boxed_slice();
        Ok((bytes.into(), made.media_type, made.extension))
    }

    async fn stored_variant(&self, key: &Arc<str>) -> Option<Variant> {
        let budget = self.client.budget();
        let stored = self.store.get_within((Space::Images, key), budget, None);
        let (entry, grant) = stored.await.ok()??;
        let note: VariantNote = serde_json::from_slice(&entry.meta).ok()?;
        let made = MADE.iter().find(|(media_type, extension)| {
            *media_type == note.media_type && *extension == note.extension
        });
        let (media_type, extension) = made?;
        let bytes: Bytes = match &entry.body[..] {
            [piece] => piece.clone(),
            pieces => pieces.concat().into(),
        };
        let body = Body::new(vec![bytes.clone()]);
        body.hold(&Arc::new(grant));
        Some(Variant {
            digest: xxh3_128(&bytes),
            body,
            media_type,
            extension,
            last_modified: note
                .last_modified
                .as_deref()
                .and_then(|text| HeaderValue::from_str(text).ok()),
            canonical: note
                .canonical
                .as_deref()
                .and_then(|url| Url::parse(url).ok()),
            times: keep::times_since(entry.stored_at, note.fresh_s, &self.options),
            source: u128::from_str_radix(&note.source, 16).ok()?,
        })
    }
}

fn note(variant: &Variant) -> Vec<u8> {
    let note = VariantNote {
        media_type: variant.media_type.to_owned(),
        extension: variant.extension.to_owned(),
        source: format!("{:032x}", variant.source),
        fresh_s: remaining(variant).as_secs(),
        last_modified: keep::text(variant.last_modified.as_ref()),
        canonical: variant.canonical.as_ref().map(Url::to_string),
    };
    serde_json::to_vec(&note).unwrap_or_default()
}

/// How long it stays fresh: it is stored later than its original was fetched.
fn remaining(variant: &Variant) -> Duration {
    variant.times.remaining(Instant::now()).unwrap_or_default()
}
