//! What of a feed outlives the process: upstream's body with all that was said about it. The copy is
//! made of it again, by the rules of the day, when somebody asks.
//!
//! Invariants: a body is stored when it has become a copy, never before; what readers were told about
//! a copy (its tag, its date) holds for as long as its bytes are the same.

mod texts;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, header};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use url::Url;

use super::fetching::Arrived;
use super::history::{self, Kept};
use super::remake::Remade;
use super::{Feed, Refresher, archiving, full_text, remake};
use crate::archive::Settled;
use crate::cache::FeedCopy;
use crate::fulltext::Library;
use crate::inflight::{Grant, Inflight};
use crate::rewrite::Additions;
use crate::store::{self, Purge, Space, Store, StoredEntry};
use crate::upstream::Validators;
pub(super) use texts::{hex, of_ms};
use texts::{millis, of_text, to_ms, to_text};

/// Header fields that say nothing about the document, or that are for one receiver only.
const UNSTORED: [HeaderName; 4] = [
    header::SET_COOKIE,
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::TRAILER,
];

/// What of a feed is on disk.
#[derive(Debug, Default)]
pub(super) struct Persisted {
    said: Mutex<Option<Said>>,
    /// Whether there is nothing to be found.
    is_absent: AtomicBool,
    /// Held while it is read or written.
    busy: tokio::sync::Mutex<()>,
}

impl Persisted {
    fn said(&self) -> MutexGuard<'_, Option<Said>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a fetch leaves to be stored.
pub(super) enum Source {
    /// Upstream's body, as it came.
    Body {
        url: Url,
        headers: HeaderMap,
        /// `None` where it is too much to be stored.
        body: Option<Vec<Bytes>>,
        /// What it takes of the budget of what is under way.
        held: Option<Arc<Grant>>,
        /// Digest of what was made of it.
        output: u128,
    },
    /// The body was confirmed with these header fields.
    Confirmed { headers: HeaderMap },
}

/// What was said about a body, as it stands beside it. Texts of header fields have one character for
/// each byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    /// The address that the configuration names; another one is another feed.
    pub(super) asked: Url,
    /// The address after redirects.
    pub(super) url: Url,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    /// When upstream last said that this is its content.
    pub(super) fetched_at_ms: u64,
    pub(super) fresh_for_ms: u64,
    /// The tag and the date that readers were told, and the digest of the bytes they were told for.
    pub(super) tag: Option<String>,
    pub(super) modified_at_ms: u64,
    pub(super) output: String,
    /// The digest of the body.
    pub(super) digest: String,
}

impl Said {
    /// About a body that came from `url`, with nothing said yet.
    fn new(feed: &Feed, url: Url, output: u128) -> Self {
        Self {
            asked: feed.settings.upstream.url.clone(),
            url,
            etag: None,
            last_modified: None,
            headers: Vec::new(),
            fetched_at_ms: 0,
            fresh_for_ms: 0,
            tag: None,
            modified_at_ms: 0,
            output: hex(output),
            digest: String::new(),
        }
    }

    /// Takes in what is said about the body now (RFC 9111 §3.2).
    fn update(&mut self, copy: &FeedCopy, headers: &HeaderMap, now: SystemTime) {
        let told = |name: &HeaderName| !UNSTORED.contains(name);
        for name in headers.keys().filter(|name| told(name)) {
            self.headers.retain(|(known, _)| known != name.as_str());
            for value in headers.get_all(name) {
                self.headers.push((name.to_string(), to_text(value)));
            }
        }
        self.etag = copy.validators.etag.as_ref().map(to_text);
        self.last_modified = copy.validators.last_modified.as_ref().map(to_text);
        self.fetched_at_ms = to_ms(now - copy.times.fetched_at.elapsed());
        self.fresh_for_ms = millis(copy.times.fresh_for);
        self.tag = copy.head.tag.as_ref().map(|tag| tag.opaque.clone());
        self.modified_at_ms = to_ms(copy.head.modified_at);
        self.digest = copy.digest.map(hex).unwrap_or_default();
    }

    /// Upstream's validators, byte for byte.
    pub(super) fn validators(&self) -> Validators {
        let value = |text: &Option<String>| text.as_deref().and_then(of_text);
        Validators {
            etag: value(&self.etag),
            last_modified: value(&self.last_modified),
        }
    }

    /// What came, as far as a copy is made of it.
    pub(super) fn arrived(&self) -> Arrived {
        let field = |(name, text): &(String, String)| {
            let name = HeaderName::try_from(name.as_str()).ok()?;
            Some((name, of_text(text)?))
        };
        Arrived {
            url: self.url.clone(),
            validators: self.validators(),
            headers: self.headers.iter().filter_map(field).collect(),
            is_framed: true,
        }
    }

    /// `Content-Type`, as it came.
    pub(super) fn content_type(&self) -> Option<&str> {
        let is_it = |(name, _): &&(String, String)| name == header::CONTENT_TYPE.as_str();
        self.headers.iter().find(is_it).map(|(_, text)| &**text)
    }

    /// When the body was fetched, and how long it is fresh, on this process's clock. One whose time
    /// lies in the future has just become stale: nothing is known about its age.
    pub(super) fn times(&self, feed: &Feed, now: SystemTime) -> (Instant, Duration) {
        let fresh_for = Duration::from_millis(self.fresh_for_ms);
        // The configuration may allow less by now.
        let fresh_for = fresh_for.min(feed.settings.refresh_max);
        let age = store::age(of_ms(self.fetched_at_ms), now).unwrap_or(fresh_for);
        let fetched_at = Instant::now().checked_sub(age);
        match fetched_at {
            Some(fetched_at) => (fetched_at, fresh_for),
            None => (Instant::now(), Duration::ZERO),
        }
    }
}

impl Refresher {
    /// The copy of a feed that is not in memory, made of what is stored; `None` when there is
    /// nothing. Many may ask at the same time, and leave: it is made once.
    pub async fn restore(&self, feed: &Arc<Feed>) -> Option<Arc<FeedCopy>> {
        if !self.store.is_persistent() || feed.persisted.is_absent.load(Ordering::Relaxed) {
            return None;
        }
        let (feed, store) = (Arc::clone(feed), self.store.clone());
        let (cache, library) = (Arc::clone(&self.cache), Arc::clone(&self.library));
        let limits = (
            cache.options().recording_bytes_max,
            self.client.budget().clone(),
        );
        let wall_clock = self.wall_clock;
        let (begun, tasks) = (Instant::now(), self.tasks.clone());
        let archiver = self.archiver.clone();
        let restoring = self.tasks.spawn(async move {
            let _busy = feed.persisted.busy.lock().await;
            if let Some(copy) = cache.peek(&feed.key) {
                return Some(copy);
            }
            // Whoever had it before found nothing.
            if feed.persisted.is_absent.load(Ordering::Relaxed) {
                return None;
            }
            let read = store.get_within((Space::Feeds, &feed.key), &limits.1, None);
            // There is one, and no room for it now.
            let Ok(entry) = read.await else { return None };
            let known =
                entry.and_then(|(entry, held)| Some((said_of(&feed, &entry)?, entry, held)));
            let remade = match known {
                Some((said, entry, _held)) => {
                    let body = entry.body;
                    let kept = recall(&store, &library, &feed, (&said, &body)).await;
                    let document = (body, history::additions(&kept));
                    let remade = on_thread(&feed, said, document, limits, wall_clock()).await;
                    // The process may have ended before it recorded them.
                    if let Some(kept) = kept.filter(|_| remade.is_some()) {
                        history::take_over(&store, &tasks, &feed, kept);
                    }
                    remade
                }
                None => None,
            };
            let Some((said, remade)) = remade else {
                feed.persisted.is_absent.store(true, Ordering::Relaxed);
                return None;
            };
            *feed.persisted.said() = Some(said);
            let copy = Arc::new(remade.copy);
            if feed.is_retired.load(Ordering::Acquire) {
                return Some(copy);
            }
            // The process may have ended before its items were written.
            archiving::offer(&archiver, &feed, remade.document);
            // What a fetch brought meanwhile is newer.
            cache.revise(&feed.key, (None, begun), |newer| {
                Some(newer.unwrap_or(copy))
            })
        });
        restoring.await.unwrap_or_default()
    }

    /// Drops from memory what was purged from the store; what is still there comes back from it.
    pub fn forget_purged(&self, purge: &Purge) {
        // Pages of its archive go with a feed.
        let name = |key: &'_ str| key.split('/').next().unwrap_or_default().to_owned();
        let is_meant = |key: &str| purge.holds(Space::Feeds, &name(key), UNIX_EPOCH);
        self.cache.drop_where(is_meant);
    }

    /// Forgets the articles of a feed that were purged from the store.
    pub fn forget_purged_articles(&self, feed: &Feed, purge: &Purge) {
        if let Some(full) = &feed.full_text {
            self.library.forget_purged(&full.shelf, purge);
        }
    }

    /// Stores what a fetch brought, in a task of its own.
    /// When its archive is settled: what was seen before is either there or still in the store.
    pub(super) fn save(
        &self,
        feed: &Arc<Feed>,
        (copy, source): (Arc<FeedCopy>, Source),
        archived: Settled,
    ) {
        if !self.store.is_persistent() {
            return;
        }
        let (feed, store, now) = (Arc::clone(feed), self.store.clone(), (self.wall_clock)());
        self.tasks.spawn(async move {
            archived.wait().await;
            let _busy = feed.persisted.busy.lock().await;
            let known = feed.persisted.said().clone();
            let (said, body, _held) = match source {
                Source::Body {
                    url,
                    headers,
                    body,
                    held,
                    output,
                } => {
                    let mut said = Said::new(&feed, url, output);
                    said.update(&copy, &headers, now);
                    let Some(body) = body else {
                        // What is there is out of date.
                        store.remove(Space::Feeds, &feed.key).await;
                        *feed.persisted.said() = None;
                        return;
                    };
                    (said, Some(body), held)
                }
                Source::Confirmed { headers } => {
                    // Nothing was stored, or is by now.
                    let Some(mut said) = known.clone() else {
                        return;
                    };
                    said.update(&copy, &headers, now);
                    (said, None, None)
                }
            };
            let Ok(meta) = serde_json::to_vec(&said) else {
                return;
            };
            // Articles may have come meanwhile: what was made of the same body differs.
            let is_same = body.is_none() || known.is_some_and(|known| known.digest == said.digest);
            let mut is_stored =
                is_same && store.set_meta(Space::Feeds, &feed.key, meta.clone()).await;
            if let Some(body) = body.filter(|_| !is_stored) {
                is_stored = store.put(Space::Feeds, &feed.key, meta, body).await;
            }
            feed.persisted
                .is_absent
                .store(!is_stored, Ordering::Relaxed);
            *feed.persisted.said() = is_stored.then_some(said);
        });
    }
}

/// What was said about a stored body; `None` where it is that of another URL, and so of another feed.
fn said_of(feed: &Feed, entry: &StoredEntry) -> Option<Said> {
    let said: Said = serde_json::from_slice(&entry.meta).ok()?;
    (said.asked == feed.settings.upstream.url).then_some(said)
}

/// Has at hand what is stored of the items of a stored body, and of their articles, before its copy
/// is made.
async fn recall(
    store: &Store,
    library: &Library,
    feed: &Feed,
    (said, body): (&Said, &[Bytes]),
) -> Option<Kept> {
    if !feed.adds_content() {
        return None;
    }
    let arrived = said.arrived();
    let kept = history::compare(store, feed, &arrived, body).await;
    let document = (body, &history::additions(&kept));
    full_text::recall(library, feed, &arrived, document).await;
    kept
}

/// Makes the copy, on a thread that may take its time.
async fn on_thread(
    feed: &Arc<Feed>,
    said: Said,
    (body, additions): (Vec<Bytes>, Additions),
    limits: (usize, Inflight),
    now: SystemTime,
) -> Option<(Said, Remade)> {
    let feed = Arc::clone(feed);
    let making = tokio::task::spawn_blocking(move || {
        let has_additions = !additions.is_empty();
        let make = |additions| {
            let document = (body.as_slice(), additions);
            remake::copy(&feed, &said, document, &limits, now)
        };
        let remade = match make(additions) {
            None if has_additions => {
                history::leave_out(&feed, "the copy can't be made with them");
                make(Additions::default())?
            }
            remade => remade?,
        };
        Some((said, remade))
    });
    making.await.ok().flatten()
}
