//! What of a feed outlives the process: upstream's body with all that was said about it. The copy is
//! made of it again, by the rules of the day, when somebody asks.
//!
//! Invariants: a body is stored when it has become a copy, never before; what readers were told about
//! a copy (its tag, its date) holds for as long as its bytes are the same.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::time::Instant;

use super::history::{self, Kept};
use super::persisted::{Said, Source};
use super::remake::Remade;
use super::{Feed, Refresher, archiving, full_text, remake};
use crate::archive::Settled;
use crate::cache::FeedCopy;
use crate::fulltext::Library;
use crate::inflight::Inflight;
use crate::rewrite::Additions;
use crate::store::{Purge, Space, Store, StoredEntry};

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
