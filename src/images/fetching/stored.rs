//! What becomes of an original besides being handed out: it is put into the store and comes back from
//! there, or is passed on where it is too large to be held.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::timeout;
use url::Url;
use xxhash_rust::xxh3::Xxh3;

use super::keep::{self, OriginalNote};
use super::{ImageError, Imager, Original, OriginalBody};
use crate::cache::{Body, Production, Recorder, StoredAt};
use crate::images::format::{ImageFormat, PROLOGUE_BYTES_MAX};
use crate::inflight::{Holder, WAIT_MAX};
use crate::store::Space;
use crate::upstream;

impl Imager {
    /// What an earlier process, or this one before, put into the store.
    pub(super) async fn stored(&self, url: &Url, holder: Holder) -> Option<Original> {
        let key = stored_key(url);
        let budget = self.client.budget();
        let (entry, grant) = self
            .store
            .get_within((Space::Images, &key), budget, holder)
            .await
            .ok()??;
        let note: OriginalNote = serde_json::from_slice(&entry.meta).ok()?;
        let mut digest = Xxh3::new();
        entry.body.iter().for_each(|piece| digest.update(piece));
        let digest = digest.digest128();
        let body = Body::new(entry.body);
        body.hold(&Arc::new(grant));
        if entry.reads_in_pieces {
            body.set_stored(self.stored_at(key, digest));
        }
        let validators = keep::validators(&note);
        Some(Original {
            kind: kind_of(body.pieces())?,
            content: OriginalBody::Whole(body),
            digest: Some(digest),
            last_modified: validators.last_modified.clone(),
            canonical: note
                .canonical
                .as_deref()
                .and_then(|url| Url::parse(url).ok()),
            times: keep::times_since(entry.stored_at, note.fresh_s, &self.options),
            validators,
        })
    }

    /// Passes on what is larger than may be held, to those who play it by now. It is kept for nobody:
    /// who comes later asks for it anew.
    pub(super) async fn pass_on(
        &self,
        (mut body, first): (upstream::Body, Bytes),
        mut recorder: Recorder,
        production: &Production<ImageError, Original>,
    ) -> Result<Original, ImageError> {
        production.release(None);
        // Those who wait are woken by now, and have yet to take their places.
        timeout(WAIT_MAX, recorder.joined()).await.ok();
        let mut next = Some(first);
        while let Some(chunk) = next {
            if recorder.pass_on(chunk).await.is_err() {
                return Err(ImageError::PassedOn);
            }
            body.shrink(recorder.held_bytes() as u64);
            next = body.chunk().await?;
        }
        recorder.end();
        Err(ImageError::PassedOn)
    }

    /// Puts a whole original into the store, from which slow readers read it.
    pub(super) async fn put(&self, url: &Url, (original, digest): (&Original, u128), whole: &Body) {
        let (key, note) = (stored_key(url), self.note(original));
        let pieces = whole.pieces().to_vec();
        if self.store.put(Space::Images, &key, note, pieces).await {
            whole.set_stored(self.stored_at(key, digest));
        }
    }

    pub(super) fn stored_at(&self, key: String, digest: u128) -> StoredAt {
        StoredAt {
            store: self.store.clone(),
            space: Space::Images,
            key: key.into(),
            start: 0,
            digest,
        }
    }

    pub(super) fn note(&self, original: &Original) -> Vec<u8> {
        let note = OriginalNote {
            etag: keep::text(original.validators.etag.as_ref()),
            last_modified: keep::text(original.validators.last_modified.as_ref()),
            fresh_s: original.times.fresh_for.as_secs(),
            canonical: original.canonical.as_ref().map(Url::to_string),
        };
        serde_json::to_vec(&note).unwrap_or_default()
    }
}

/// The key of an image, in memory and in the store.
pub(super) fn stored_key(url: &Url) -> String {
    format!("original {url}")
}

/// What an image is by its start, which may lie in several pieces.
fn kind_of(pieces: &[Bytes]) -> Option<ImageFormat> {
    let first = pieces.first()?;
    if first.len() >= PROLOGUE_BYTES_MAX || pieces.len() == 1 {
        return ImageFormat::of(first);
    }
    let start = pieces.iter().flat_map(|piece| piece.iter().copied());
    ImageFormat::of(&start.take(PROLOGUE_BYTES_MAX).collect::<Vec<u8>>())
}
