//! Copies of an item's images, beside its file.
//!
//! Invariants: each image is fetched like any untrusted URL, through the guard and within its host's limits; one
//! that can't be fetched, or is no image, stays a link; no file is written that can run scripts.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt;
use http::HeaderValue;
use tokio::time::{Instant, timeout_at};
use url::Url;
use xxhash_rust::xxh3::xxh3_64;

use super::folder::ArchiveFolder;
use super::image_path::{folder_of, relative};
use super::usage::{Usage, WriteRequest};
use super::{ArchiveLimits, ArchivedFeed, ArchiverSettings};
use crate::images::format::ImageFormat;
use crate::images::signed_url::SigningKeys;
use crate::inflight::Grant;
use crate::rewrite::entry::{self, Entry};
use crate::upstream::hosts::{FetchSlot, HostOutcome, Hosts, Urgency};
use crate::upstream::{
    self, FetchError, Fetched, RequestOptions, Upstream, UpstreamClient, UpstreamClientError,
    Validators,
};

/// The `Accept` header: images only.
const ACCEPT: HeaderValue =
    HeaderValue::from_static("image/avif,image/webp,image/*;q=0.8,*/*;q=0.1");
/// Images are compressed already.
const ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("gzip, identity;q=0.9");
/// Images of one item that are fetched at the same time.
const FETCHES_MAX: usize = 4;
/// How long one item's images may take; what has not come by then stays a link.
const ITEM_TIMEOUT: Duration = Duration::from_secs(180);
/// Bytes of one item's images.
const ITEM_BYTES_MAX: usize = 256 << 20;
/// Fetches images and writes them beside the files of items.
#[derive(Debug)]
pub(super) struct ImageFetcher {
    client: UpstreamClient,
    hosts: Arc<Hosts>,
    own: OwnImageUrls,
    limits: ArchiveLimits,
}

/// How to read URLs of our own image proxy: their sources are fetched instead.
#[derive(Debug, Clone)]
pub struct OwnImageUrls {
    /// The keys that they are signed with.
    pub keys: SigningKeys,
    /// Where they start.
    pub public_url: String,
}

/// An item's HTML that shows the saved images, and what was saved.
#[derive(Debug, Default)]
pub(super) struct SavedImages {
    pub(super) html: String,
    /// The files that were written.
    pub(super) files: Vec<String>,
    pub(super) images: u64,
    pub(super) missing: u64,
}

/// Where an item's images are saved.
#[derive(Debug, Clone, Copy)]
pub(super) struct ImageTarget<'a> {
    pub(super) folder: &'a Arc<ArchiveFolder>,
    pub(super) usage: &'a Arc<Usage>,
    /// The item's file.
    pub(super) path: &'a str,
    pub(super) id: u128,
}

impl ImageFetcher {
    /// A fetcher with these limits.
    ///
    /// # Errors
    /// When the HTTP client can't be built.
    pub(super) fn new(
        setting: ArchiverSettings,
        hosts: Arc<Hosts>,
    ) -> Result<Self, UpstreamClientError> {
        let ArchiverSettings {
            limits,
            fetch,
            lookup,
            inflight,
            own,
        } = setting;
        let bytes_max = limits.image_bytes_max as u64;
        let options = upstream::FetchOptions {
            body_bytes_max: bytes_max,
            decoded_bytes_max: bytes_max,
            request: RequestOptions {
                accept: ACCEPT,
                accept_encoding: ACCEPT_ENCODING,
                via: None,
                sends_referer: true,
                trusts_urls: false,
            },
            ..fetch
        };
        Ok(Self {
            client: UpstreamClient::new(options, lookup)?.within(&inflight),
            hosts,
            own,
            limits,
        })
    }

    /// Saves an item's images beside its file. An image that there is no room for stays a link.
    ///
    /// # Errors
    /// When the disk is full or refuses.
    pub(super) async fn save_beside(
        &self,
        feed: &ArchivedFeed,
        at: ImageTarget<'_>,
        entry: &Entry,
    ) -> io::Result<SavedImages> {
        let path = at.path;
        let base = Url::parse(&entry.link).ok();
        let mut wanted: Vec<(String, Url)> = Vec::new();
        let _unchanged = entry::images(&entry.html, &mut |address| {
            let url = Url::parse(address.trim());
            let url = url.or_else(|error| base.as_ref().ok_or(error)?.join(address.trim()));
            let is_new = wanted.iter().all(|(known, _)| known != address);
            if let Some(url) = url.ok().filter(|url| is_new && is_web(url)) {
                wanted.push((address.to_owned(), url));
            }
            None
        });
        let beyond = wanted.len().saturating_sub(self.limits.images_max);
        wanted.truncate(self.limits.images_max);
        let deadline = Instant::now() + ITEM_TIMEOUT;
        let room = AtomicUsize::new(ITEM_BYTES_MAX);
        let one = |(address, url): (String, Url)| {
            let (room, upstream) = (&room, &feed.upstream);
            async move {
                let fetching = timeout_at(deadline, self.fetch(upstream, url, room));
                let Some((kind, bytes, held)) = fetching.await.ok().flatten() else {
                    return Ok(None);
                };
                let name = format!("{:016x}.{}", xxh3_64(address.as_bytes()), kind.extension());
                let file = format!("{}/{name}", folder_of(path));
                let (folder, usage) = (Arc::clone(at.folder), Arc::clone(at.usage));
                let (feed, id, reserve) = (Arc::clone(&feed.name), at.id, entry.html.len() as u64);
                let writing = tokio::task::spawn_blocking(move || {
                    let wanted = WriteRequest {
                        feed: &feed,
                        id,
                        bytes: bytes.len() as u64,
                        replaced: folder.bytes_of(&file),
                        reserve,
                    };
                    let is_written = write(&folder, &usage, wanted, (&file, &bytes))?;
                    drop((bytes, held));
                    Ok::<_, io::Error>(is_written.then_some(file))
                });
                let file = writing.await.map_err(io::Error::other)??;
                Ok::<_, io::Error>(file.map(|file| (address, name, file)))
            }
        };
        let mut coming =
            futures_util::stream::iter(wanted.into_iter().map(one)).buffered(FETCHES_MAX);
        let mut here: HashMap<String, String> = HashMap::new();
        let mut saved = SavedImages {
            missing: beyond as u64,
            ..SavedImages::default()
        };
        while let Some(came) = coming.next().await {
            match came? {
                Some((address, name, file)) => {
                    saved.images += 1;
                    saved.files.push(file);
                    here.insert(address, relative(path, &name));
                }
                None => saved.missing += 1,
            }
        }
        saved.html = entry::images(&entry.html, &mut |address| here.get(address).cloned());
        Ok(saved)
    }

    /// An image's bytes; `None` where they can't be fetched, are too many, or are no image.
    async fn fetch(
        &self,
        upstream: &Upstream,
        url: Url,
        room: &AtomicUsize,
    ) -> Option<FetchedImage> {
        let url = self.own.source_of(&url).unwrap_or(url);
        let place = self.hosts.enter(&url, Urgency::Background).await.ok()?;
        let mut slot = FetchSlot::new(place, Urgency::Background);
        let upstream = Upstream {
            url: url.clone(),
            headers: Vec::new(),
            cookies: None,
            ..upstream.clone()
        };
        let outcome = self.fetch_through(&upstream, room, &mut slot).await;
        slot.conclude(verdict(&outcome));
        match outcome {
            Ok(image) => image,
            Err(error) => {
                tracing::debug!(target: "feedwright::archive", url = %url, reason = error.reason(), "image not kept");
                None
            }
        }
    }

    async fn fetch_through(
        &self,
        upstream: &Upstream,
        room: &AtomicUsize,
        slot: &mut FetchSlot,
    ) -> Result<Option<FetchedImage>, FetchError> {
        let none = Validators::default();
        let fetched = self.client.fetch_through(upstream, &none, slot).await?;
        let Fetched::Found(mut found) = fetched else {
            return Ok(None);
        };
        let mut bytes = BytesMut::new();
        while let Some(chunk) = found.body.chunk().await? {
            let take = |room: usize| room.checked_sub(chunk.len());
            let has_room = room
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                .is_ok();
            if !has_room {
                return Ok(None);
            }
            bytes.extend_from_slice(&chunk);
        }
        let kind = ImageFormat::of(&bytes).filter(|kind| kind.is_inert());
        let held = found.body.into_grant();
        Ok(kind.map(|kind| (kind, bytes, held)))
    }
}

/// An image with its part of the budget of bytes under way.
type FetchedImage = (ImageFormat, BytesMut, Option<Grant>);

/// Writes an image's file; false where the totals leave no room for it.
fn write(
    folder: &ArchiveFolder,
    usage: &Usage,
    wanted: WriteRequest<'_>,
    (file, bytes): (&str, &[u8]),
) -> io::Result<bool> {
    if !usage.admit(wanted)? {
        usage.note_refused(wanted.feed);
        return Ok(false);
    }
    let _writing = folder.lock();
    let written = folder.write(file, bytes);
    written.inspect_err(|_| usage.undo(wanted))?;
    Ok(true)
}

/// What the outcome of a fetch says about its host, for back-off.
fn verdict<T>(outcome: &Result<T, FetchError>) -> Option<HostOutcome> {
    match outcome {
        Ok(_) | Err(FetchError::TooLarge { .. } | FetchError::Challenge { .. }) => {
            Some(HostOutcome::Answered)
        }
        Err(FetchError::Status {
            status,
            retry_after,
        }) => Some(match status.as_u16() {
            429 | 503 => HostOutcome::Overloaded(*retry_after),
            500.. => HostOutcome::Failed,
            _ => HostOutcome::Answered,
        }),
        Err(FetchError::Refused(_) | FetchError::Crowded | FetchError::BackingOff { .. }) => None,
        Err(_) => Some(HostOutcome::Failed),
    }
}

impl OwnImageUrls {
    /// The image behind a URL of our own image proxy.
    fn source_of(&self, url: &Url) -> Option<Url> {
        let rest = url.as_str().strip_prefix(&self.public_url)?;
        let address = rest.strip_prefix("/image/")?;
        self.keys.verify(address).ok().map(|signed| signed.url)
    }
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}
