//! Takes in feeds as their readers see them, and has their items written.
//!
//! Invariants: a caller never waits for a disk; one snapshot of a feed is worked on at a time; what can't be
//! written waits in memory and in the store, and is tried again.

mod indexes;
mod with_images;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use super::feed::{FeedQueue, FeedState};
use super::folder::ArchiveFolder;
use super::health::{ArchiveHealth, ArchiveStatus};
use super::images::{ImageFetcher, OwnImageUrls};
use super::usage::Usage;
use super::writing::WriteOutcome;
use super::{ArchiveLimits, ArchivedFeed, FeedSnapshot, waiting};
use crate::inflight::Inflight;
use crate::rewrite::entry::Entry;
use crate::store::{Store, Totals};
use crate::upstream::hosts::Hosts;
use crate::upstream::{self, Lookup, UpstreamClientError};

/// The most snapshots of all feeds that wait to be taken in.
const DOCUMENTS_MAX: usize = 1_000;
/// How often waiting items are tried again.
const RETRY_EVERY: Duration = Duration::from_secs(30);
/// How long [`Settled::wait`] waits.
const SETTLE_MAX: Duration = Duration::from_secs(60);

/// A feed that is worked on, with its state.
type Work<'a> = (&'a ArchivedFeed, &'a FeedState);

/// Writes the items of feeds as files.
#[derive(Debug)]
pub struct Archiver {
    folder: Arc<ArchiveFolder>,
    usage: Arc<Usage>,
    store: Store,
    images: ImageFetcher,
    tasks: TaskTracker,
    health: ArchiveHealth,
    states: Mutex<HashMap<Arc<str>, Arc<FeedState>>>,
    documents: AtomicUsize,
    wall_clock: fn() -> SystemTime,
}

/// Completes when a snapshot was taken in: all its items are written, or wait in the store.
#[derive(Debug)]
pub struct Settled(Option<oneshot::Receiver<()>>);

impl Settled {
    /// One that is complete.
    #[must_use]
    pub fn already() -> Self {
        Self(None)
    }

    /// Waits for it, for a minute at most.
    pub async fn wait(self) {
        if let Some(done) = self.0 {
            tokio::time::timeout(SETTLE_MAX, done).await.ok();
        }
    }
}

/// The settings of an [`Archiver`].
#[derive(Clone)]
pub struct ArchiverSettings {
    /// The archive's directory and limits.
    pub limits: ArchiveLimits,
    /// Options of the client that fetches images.
    pub fetch: upstream::FetchOptions,
    /// Resolves names.
    pub lookup: Lookup,
    /// The budget of bytes under way.
    pub inflight: Inflight,
    /// URLs of our own image proxy.
    pub own: OwnImageUrls,
}

/// Parts of the service that an [`Archiver`] uses.
#[derive(Debug, Clone)]
pub struct ArchiverShared {
    /// Keeps waiting items across restarts.
    pub store: Store,
    /// Back-off and pace per host.
    pub hosts: Arc<Hosts>,
    /// Tracks its tasks.
    pub tasks: TaskTracker,
    /// The wall clock.
    pub wall_clock: fn() -> SystemTime,
}

impl Archiver {
    /// An archiver for the directory of the settings; nothing is written yet.
    ///
    /// # Errors
    /// When the HTTP client can't be built.
    pub fn new(
        setting: ArchiverSettings,
        shared: ArchiverShared,
    ) -> Result<Self, UpstreamClientError> {
        let folder = Arc::new(ArchiveFolder::new(setting.limits.directory.clone()));
        Ok(Self {
            usage: Arc::new(Usage::new(Arc::clone(&folder), setting.limits.totals)),
            folder,
            images: ImageFetcher::new(setting, shared.hosts)?,
            states: Mutex::default(),
            store: shared.store,
            tasks: shared.tasks,
            health: ArchiveHealth::default(),
            documents: AtomicUsize::new(0),
            wall_clock: shared.wall_clock,
        })
    }

    /// The state of the archive and its counters.
    #[must_use]
    pub fn status(&self) -> ArchiveStatus {
        self.health.status(self.usage.counts())
    }

    /// Sets other totals.
    pub fn set_totals(&self, totals: Totals) {
        self.usage.set_totals(totals);
    }

    /// Whether no snapshot is being taken in.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.documents.load(Ordering::Relaxed) == 0
    }

    /// Takes in a snapshot of a feed, in a task.
    pub fn offer(self: &Arc<Self>, feed: &Arc<ArchivedFeed>, document: FeedSnapshot) -> Settled {
        let waiting = self.documents.fetch_add(1, Ordering::Relaxed);
        let (archiver, feed) = (Arc::clone(self), Arc::clone(feed));
        if waiting >= DOCUMENTS_MAX {
            self.documents.fetch_sub(1, Ordering::Relaxed);
            tracing::error!(target: "feedwright::archive", documents = waiting, feed.name = &*feed.name, "too many feeds wait for the archive");
            return Settled::already();
        }
        let (done, settled) = oneshot::channel();
        let state = self.state(&feed.name);
        self.tasks.spawn(async move {
            let mut queue = state.queue.lock().await;
            let work = (&*feed, &*state);
            archiver.take_in(work, &mut queue, document).await;
            drop(queue);
            archiver.documents.fetch_sub(1, Ordering::Relaxed);
            archiver.start_images(&feed);
            drop(done);
        });
        Settled(Some(settled))
    }

    /// Writes waiting items again and again, for ever.
    pub async fn look_after(self: &Arc<Self>, feeds: &[Arc<ArchivedFeed>]) -> Infallible {
        loop {
            for feed in feeds {
                let (archiver, feed) = (Arc::clone(self), Arc::clone(feed));
                // In a task: this one may end with the configuration.
                let trying = self.tasks.spawn(async move {
                    let state = archiver.state(&feed.name);
                    let mut queue = state.queue.lock().await;
                    let work = (&*feed, &*state);
                    archiver.restore(work, &mut queue).await;
                    if state.has_waiting.load(Ordering::Relaxed) && !feed.options.images {
                        archiver.keep(work, &mut queue, Vec::new()).await;
                    }
                    drop(queue);
                    archiver.start_images(&feed);
                });
                trying.await.ok();
            }
            self.note_gone().await;
            tokio::time::sleep(RETRY_EVERY).await;
        }
    }

    /// The state of a feed's archive.
    fn state(&self, feed: &Arc<str>) -> Arc<FeedState> {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(states.entry(Arc::clone(feed)).or_default())
    }

    /// Reads the waiting items that an earlier process stored, once.
    async fn restore(&self, (feed, state): Work<'_>, queue: &mut FeedQueue) {
        // A store that can't be read now may be later.
        if !queue.is_restored && self.store.status().degraded.is_none() {
            queue.is_restored = true;
            let left = waiting::load(&self.store, &feed.name).await;
            queue.is_saved |= !left.is_empty();
            queue.add(left);
            let has_waiting = !queue.waiting.is_empty();
            state.has_waiting.store(has_waiting, Ordering::Relaxed);
        }
    }

    async fn take_in(&self, work: Work<'_>, queue: &mut FeedQueue, document: FeedSnapshot) {
        let (feed, _) = work;
        self.restore(work, queue).await;
        let digest = document.digest();
        if queue.last_digest == Some(digest) {
            return;
        }
        let awaited = Arc::clone(&document.awaited);
        let reading = tokio::task::spawn_blocking(move || document.entries());
        let Ok(entries) = reading.await else {
            tracing::error!(target: "feedwright::archive", outcome = "internal-error", feed.name = &*feed.name, "archive: an internal error");
            return;
        };
        self.compact(feed, queue, &entries).await;
        let ready = queue.sort(entries, &awaited);
        let is_all = self.keep(work, queue, ready).await;
        // Items that found no room are tried again with the same snapshot.
        queue.last_digest = is_all.then_some(digest);
    }

    /// Writes the waiting items and `ready`; items with images are left to the task that fetches those. Returns
    /// whether there was room for everything.
    async fn keep(&self, work: Work<'_>, queue: &mut FeedQueue, ready: Vec<Entry>) -> bool {
        let (feed, _) = work;
        let mut entries = std::mem::take(&mut queue.waiting);
        entries.extend(ready);
        let now_ms = self.now_ms();
        let waits = feed.options.images;
        let by = (&*feed.name, &feed.options);
        let working = self.with_writer(by, queue, move |writer| match writer {
            Ok(writer) => {
                let fresh = writer.fresh(entries);
                match waits {
                    true => WriteOutcome::of_failed(writer.in_order(fresh, now_ms), None),
                    false => writer.write_all(fresh, now_ms),
                }
            }
            Err(error) => WriteOutcome::of_failed(entries, Some(error)),
        });
        let outcome = working
            .await
            .unwrap_or_else(|error| WriteOutcome::of_failed(Vec::new(), Some(error)));
        let is_whole =
            (outcome.error.is_none() || !outcome.failed.is_empty()) && outcome.refused == 0;
        self.conclude(work, queue, outcome).await && is_whole
    }

    /// Counts what was written, and lets the rest wait. Returns whether there was room for it.
    async fn conclude(
        &self,
        (feed, state): Work<'_>,
        queue: &mut FeedQueue,
        outcome: WriteOutcome,
    ) -> bool {
        self.count(&outcome);
        let WriteOutcome {
            items,
            changes,
            failed,
            error,
            refused: _,
        } = outcome;
        if items + changes > 0 {
            tracing::info!(target: "feedwright::archive", items, changes, feed.name = &*feed.name, "items kept");
        }
        let dropped = queue.add(failed);
        self.health.count_dropped(&feed.name, dropped);
        let has_waiting = !queue.waiting.is_empty();
        state.has_waiting.store(has_waiting, Ordering::Relaxed);
        match error {
            Some(error) => {
                // The index may be gone, or on a disk that was mounted again.
                queue.writer = None;
                let reason = error.to_string();
                self.health.trip(&feed.name, reason, queue.waiting.len());
            }
            None if queue.waiting.is_empty() => self.health.recover(&feed.name),
            None => {}
        }
        if !queue.waiting.is_empty() {
            waiting::save(&self.store, &feed.name, &queue.waiting).await;
            queue.is_saved = true;
        } else if queue.is_saved {
            waiting::clear(&self.store, &feed.name).await;
            queue.is_saved = false;
        }
        dropped == 0
    }

    fn count(&self, outcome: &WriteOutcome) {
        let (items, changes) = (&self.health.items, &self.health.changes);
        items.fetch_add(outcome.items, Ordering::Relaxed);
        changes.fetch_add(outcome.changes, Ordering::Relaxed);
    }

    fn now_ms(&self) -> i64 {
        let since = (self.wall_clock)().duration_since(UNIX_EPOCH);
        i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
    }
}
