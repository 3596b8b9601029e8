//! Takes in what readers are shown of a feed, and has its items written.
//!
//! Invariants: taking in never waits for a disk; one document of a feed at a time is worked on; what
//! can't be written waits in memory and in the store, and is tried again.

mod indexes;
mod with_images;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use super::drawer::{Contents, Turn};
use super::folder::Folder;
use super::health::{Health, Status};
use super::images::{OwnAddresses, Porter};
use super::tally::Tally;
use super::writing::Outcome;
use super::{Document, Drawer, Limits, stash};
use crate::inflight::Inflight;
use crate::rewrite::entry::Entry;
use crate::store::{Store, Totals};
use crate::upstream::hosts::Hosts;
use crate::upstream::{self, ClientError, Lookup};

/// Documents of all feeds that wait to be taken in.
const DOCUMENTS_MAX: usize = 1_000;
/// How often what could not be written is tried again.
const RETRY_EVERY: Duration = Duration::from_secs(30);
/// How long a document is waited for before the next one takes its place in the store.
const SETTLE_MAX: Duration = Duration::from_secs(60);

/// One feed that is worked on.
type Work<'a> = (&'a Drawer, &'a Contents);

/// What keeps items as files.
#[derive(Debug)]
pub struct Archivist {
    folder: Arc<Folder>,
    tally: Arc<Tally>,
    store: Store,
    porter: Porter,
    tasks: TaskTracker,
    health: Health,
    contents: Mutex<HashMap<Arc<str>, Arc<Contents>>>,
    documents: AtomicUsize,
    wall_clock: fn() -> SystemTime,
}

/// Says when a document was taken in: all its items are written, or wait in the store.
#[derive(Debug)]
pub struct Settled(Option<oneshot::Receiver<()>>);

impl Settled {
    /// Nothing is to be waited for.
    #[must_use]
    pub fn already() -> Self {
        Self(None)
    }

    /// Waits for it, a minute at most.
    pub async fn wait(self) {
        if let Some(done) = self.0 {
            tokio::time::timeout(SETTLE_MAX, done).await.ok();
        }
    }
}

/// What an [`Archivist`] goes by.
#[derive(Clone)]
pub struct Setting {
    /// Where the archive is, and its limits.
    pub limits: Limits,
    /// Limits of every fetch.
    pub fetch: upstream::Options,
    /// Resolves names.
    pub lookup: Lookup,
    /// The budget of what is under way.
    pub inflight: Inflight,
    /// Our own images.
    pub own: OwnAddresses,
}

/// What an [`Archivist`] shares with the rest of the service.
#[derive(Debug, Clone)]
pub struct Shared {
    /// Where what waits outlives the process.
    pub store: Store,
    /// How the hosts of images are treated.
    pub hosts: Arc<Hosts>,
    /// What carries its tasks.
    pub tasks: TaskTracker,
    /// Says what time it is.
    pub wall_clock: fn() -> SystemTime,
}

impl Archivist {
    /// One that writes to the directory of `limits`; nothing is written yet.
    ///
    /// # Errors
    /// When the HTTP client can't be built.
    pub fn new(setting: Setting, shared: Shared) -> Result<Self, ClientError> {
        let folder = Arc::new(Folder::new(setting.limits.directory.clone()));
        Ok(Self {
            tally: Arc::new(Tally::new(Arc::clone(&folder), setting.limits.totals)),
            folder,
            porter: Porter::new(setting, shared.hosts)?,
            contents: Mutex::default(),
            store: shared.store,
            tasks: shared.tasks,
            health: Health::default(),
            documents: AtomicUsize::new(0),
            wall_clock: shared.wall_clock,
        })
    }

    /// How the archive fares.
    #[must_use]
    pub fn status(&self) -> Status {
        self.health.status(self.tally.counts())
    }

    /// Goes by other totals from now on.
    pub fn set_totals(&self, totals: Totals) {
        self.tally.set_totals(totals);
    }

    /// Whether nothing is under way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.documents.load(Ordering::Relaxed) == 0
    }

    /// Takes in a document, in a task of its own.
    pub fn offer(self: &Arc<Self>, drawer: &Arc<Drawer>, document: Document) -> Settled {
        let waiting = self.documents.fetch_add(1, Ordering::Relaxed);
        let (archivist, drawer) = (Arc::clone(self), Arc::clone(drawer));
        if waiting >= DOCUMENTS_MAX {
            self.documents.fetch_sub(1, Ordering::Relaxed);
            tracing::error!(target: "feedwright::archive", documents = waiting, feed.name = &*drawer.feed, "too many feeds wait for the archive");
            return Settled::already();
        }
        let (done, settled) = oneshot::channel();
        let contents = self.contents(&drawer.feed);
        self.tasks.spawn(async move {
            let mut turn = contents.turn.lock().await;
            let work = (&*drawer, &*contents);
            archivist.take_in(work, &mut turn, document).await;
            drop(turn);
            archivist.documents.fetch_sub(1, Ordering::Relaxed);
            archivist.serve_images(&drawer);
            drop(done);
        });
        Settled(Some(settled))
    }

    /// Tries what is left again and again, for ever.
    pub async fn look_after(self: &Arc<Self>, drawers: &[Arc<Drawer>]) -> Infallible {
        loop {
            for drawer in drawers {
                let (archivist, drawer) = (Arc::clone(self), Arc::clone(drawer));
                // In a task: this one may end with the configuration.
                let trying = self.tasks.spawn(async move {
                    let contents = archivist.contents(&drawer.feed);
                    let mut turn = contents.turn.lock().await;
                    let work = (&*drawer, &*contents);
                    archivist.recall(work, &mut turn).await;
                    if contents.has_left.load(Ordering::Relaxed) && !drawer.options.images {
                        archivist.keep(work, &mut turn, Vec::new()).await;
                    }
                    drop(turn);
                    archivist.serve_images(&drawer);
                });
                trying.await.ok();
            }
            self.note_gone().await;
            tokio::time::sleep(RETRY_EVERY).await;
        }
    }

    /// What is known of a feed's items.
    fn contents(&self, feed: &Arc<str>) -> Arc<Contents> {
        let mut contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(contents.entry(Arc::clone(feed)).or_default())
    }

    /// Takes up what an earlier process left.
    async fn recall(&self, (drawer, contents): Work<'_>, turn: &mut Turn) {
        // A store that can't be read now may be later.
        if !turn.is_recalled && self.store.status().degraded.is_none() {
            turn.is_recalled = true;
            let left = stash::take(&self.store, &drawer.feed).await;
            turn.is_stashed |= !left.is_empty();
            turn.leave(left);
            let has_left = !turn.left.is_empty();
            contents.has_left.store(has_left, Ordering::Relaxed);
        }
    }

    async fn take_in(&self, work: Work<'_>, turn: &mut Turn, document: Document) {
        let (drawer, _) = work;
        self.recall(work, turn).await;
        let digest = document.digest();
        if turn.last == Some(digest) {
            return;
        }
        let awaited = Arc::clone(&document.awaited);
        let reading = tokio::task::spawn_blocking(move || document.entries());
        let Ok(entries) = reading.await else {
            tracing::error!(target: "feedwright::archive", outcome = "internal-error", feed.name = &*drawer.feed, "archive: an internal error");
            return;
        };
        self.compact(drawer, turn, &entries).await;
        let ready = turn.sort(entries, &awaited);
        let is_all = self.keep(work, turn, ready).await;
        // What found no room comes back with the same document.
        turn.last = is_all.then_some(digest);
    }

    /// Writes what is left and what is ready; with images, leaves it to the task that brings them.
    /// Whether there was room for everything.
    async fn keep(&self, work: Work<'_>, turn: &mut Turn, ready: Vec<Entry>) -> bool {
        let (drawer, _) = work;
        let mut entries = std::mem::take(&mut turn.left);
        entries.extend(ready);
        let now_ms = self.now_ms();
        let waits = drawer.options.images;
        let by = (&*drawer.feed, &drawer.options);
        let working = self.with_writer(by, turn, move |writer| match writer {
            Ok(writer) => {
                let fresh = writer.fresh(entries);
                match waits {
                    true => Outcome::of_failed(writer.in_order(fresh, now_ms), None),
                    false => writer.write_all(fresh, now_ms),
                }
            }
            Err(error) => Outcome::of_failed(entries, Some(error)),
        });
        let outcome = working
            .await
            .unwrap_or_else(|error| Outcome::of_failed(Vec::new(), Some(error)));
        let is_whole =
            (outcome.error.is_none() || !outcome.failed.is_empty()) && outcome.refused == 0;
        self.conclude(work, turn, outcome).await && is_whole
    }

    /// Counts what was written, and sees to it that the rest waits. Whether there was room for it.
    async fn conclude(
        &self,
        (drawer, contents): Work<'_>,
        turn: &mut Turn,
        outcome: Outcome,
    ) -> bool {
        self.count(&outcome);
        let Outcome {
            items,
            changes,
            failed,
            error,
            refused: _,
        } = outcome;
        if items + changes > 0 {
            tracing::info!(target: "feedwright::archive", items, changes, feed.name = &*drawer.feed, "items kept");
        }
        let dropped = turn.leave(failed);
        self.health.count_dropped(&drawer.feed, dropped);
        let has_left = !turn.left.is_empty();
        contents.has_left.store(has_left, Ordering::Relaxed);
        match error {
            Some(error) => {
                // Its index may be gone, or on a disk that was mounted anew.
                turn.writer = None;
                let reason = error.to_string();
                self.health.trip(&drawer.feed, reason, turn.left.len());
            }
            None if turn.left.is_empty() => self.health.recover(&drawer.feed),
            None => {}
        }
        if !turn.left.is_empty() {
            stash::put(&self.store, &drawer.feed, &turn.left).await;
            turn.is_stashed = true;
        } else if turn.is_stashed {
            stash::clear(&self.store, &drawer.feed).await;
            turn.is_stashed = false;
        }
        dropped == 0
    }

    fn count(&self, outcome: &Outcome) {
        let (items, changes) = (&self.health.items, &self.health.changes);
        items.fetch_add(outcome.items, Ordering::Relaxed);
        changes.fetch_add(outcome.changes, Ordering::Relaxed);
    }

    fn now_ms(&self) -> i64 {
        let since = (self.wall_clock)().duration_since(UNIX_EPOCH);
        i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
    }
}
