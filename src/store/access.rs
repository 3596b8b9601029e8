//! The store as the rest of the program sees it: what may wait for the disk waits on a thread of its
//! own, so that no worker of the runtime does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{Semaphore, broadcast};

use super::blocking::Core;
use super::directory::{Disk, Open};
use super::history::{Order, Window};
use super::memory::Memory;
use super::purge::Purge;
use super::shared::Shared;
use super::writer::{QUEUE_MAX, Writer};
use super::{Entry, HistoryItem, KeptItem, Limits, Listed, OpenError, Options, Space, Status};
use crate::causes::chain;

/// Reads, and writes, that wait for the disk at the same time; more wait for a place.
const AT_ONCE_MAX: usize = 32;

/// Bodies that are open to be read in pieces.
const OPEN_MAX: usize = 512;

/// What outlives the process; cheap to clone. Made by [`Store::memory`] it keeps states and history
/// only, and everything is gone with it.
///
/// A write that returned true has been committed: it survives the death of the process, though not
/// of the machine, which may take the last seconds with it. One that returned false was dropped.
#[derive(Debug, Clone)]
pub struct Store(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    kind: Kind,
    reads: Arc<Semaphore>,
    writes: Arc<Semaphore>,
    pub(super) open: Arc<Semaphore>,
}

#[derive(Debug)]
enum Kind {
    Disk(Core),
    Memory(Box<Memory>),
}

/// How long somebody else may have the directory, and how often it is tried: whoever let it go may have
/// started a process just now, which holds the lock until its program begins.
const LOCK_FOR: Duration = Duration::from_millis(500);
const LOCK_EVERY: Duration = Duration::from_millis(10);

impl Store {
    /// Opens the directory, and makes it where there is none. Reads and syncs a few files.
    ///
    /// # Errors
    /// When another process has it open, or when it can't be used.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        let until = Instant::now() + LOCK_FOR;
        let (disk, connection) = loop {
            match Disk::open(&options.path) {
                Err(OpenError::InUse { .. }) if Instant::now() < until => {
                    std::thread::sleep(LOCK_EVERY);
                }
                opened => break opened?,
            }
        };
        let shared = Arc::new(Shared::new(options));
        let database = |source| OpenError::Database {
            path: disk.path.clone(),
            source,
        };
        shared.take_stock(&connection).map_err(database)?;
        let disk = Arc::new(disk);
        shared.set_disk(Some(Arc::clone(&disk)));
        Self::start(shared, Some(Open::new(disk, connection)))
    }

    /// Opens the directory; where that fails, says so in the log, runs from memory and goes on trying.
    ///
    /// # Errors
    /// When the thread that writes can't be started, or when a later version of Feedwright made the
    /// directory: from memory, items that it knows would be new, and be archived again.
    pub fn open_or_retry(options: Options) -> Result<Self, OpenError> {
        match Self::open(options.clone()) {
            Err(error @ (OpenError::Thread(_) | OpenError::Newer { .. })) => Err(error),
            Err(error) => {
                let shared = Arc::new(Shared::new(options));
                shared.health.trip(chain(&error), 0);
                Self::start(shared, None)
            }
            Ok(store) => Ok(store),
        }
    }

    /// A store without a directory: bodies are not kept, states and history until the end of the
    /// process.
    #[must_use]
    pub fn memory() -> Self {
        Self::of(Kind::Memory(Box::new(Memory::new())))
    }

    fn start(shared: Arc<Shared>, open: Option<Open>) -> Result<Self, OpenError> {
        let (queue, jobs) = sync_channel(QUEUE_MAX);
        let writer = Writer::new(Arc::clone(&shared), open);
        std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || writer.run(&jobs))
            .map_err(OpenError::Thread)?;
        Ok(Self::of(Kind::Disk(Core { shared, queue })))
    }

    fn of(kind: Kind) -> Self {
        Self(Arc::new(Inner {
            kind,
            reads: Arc::new(Semaphore::new(AT_ONCE_MAX)),
            writes: Arc::new(Semaphore::new(AT_ONCE_MAX)),
            open: Arc::new(Semaphore::new(OPEN_MAX)),
        }))
    }

    /// Stores a body and what is to be known about it, in the place of any other of this key.
    pub async fn put(&self, space: Space, key: &str, meta: Vec<u8>, body: Vec<Bytes>) -> bool {
        let key = key.to_owned();
        self.write(move |core| core.put(space, &key, meta, &body))
            .await
    }

    /// Puts another meta in the place of a body's, and counts as a new [`Entry::stored_at`]. False
    /// where there is no such body.
    pub async fn set_meta(&self, space: Space, key: &str, meta: Vec<u8>) -> bool {
        let key = key.to_owned();
        self.write(move |core| core.set_meta(space, &key, meta))
            .await
    }

    /// Removes a body. False where there was none.
    pub async fn remove(&self, space: Space, key: &str) -> bool {
        let key = key.to_owned();
        self.write(move |core| core.remove(space, &key)).await
    }

    /// Removes bodies; how many.
    pub async fn purge(&self, purge: Purge) -> u64 {
        self.write(move |core| core.purge(purge)).await
    }

    /// What is purged from now on, so that copies in memory go as well. A listener that fell behind
    /// should take everything for purged.
    #[must_use]
    pub fn purges(&self) -> broadcast::Receiver<Purge> {
        match &self.0.kind {
            Kind::Disk(core) => core.shared.purges.subscribe(),
            Kind::Memory(memory) => memory.purges.subscribe(),
        }
    }

    /// A body and its meta.
    pub async fn get(&self, space: Space, key: &str) -> Option<Entry> {
        let key = key.to_owned();
        self.read(move |core| core.get(space, &key)).await
    }

    /// The meta of a body; the entry's own body is empty.
    pub async fn get_meta(&self, space: Space, key: &str) -> Option<Entry> {
        let key = key.to_owned();
        self.read(move |core| core.get_meta(space, &key)).await
    }

    /// Notes that a body was used, for instance from memory: the least recently used go first.
    pub fn touch(&self, space: Space, key: &str) {
        if let Kind::Disk(core) = &self.0.kind {
            core.shared.touch(space, key);
        }
    }

    /// Up to `count` bodies of a space whose key starts with `prefix`, in the order of their keys,
    /// from the first one behind `after` on.
    pub async fn list(
        &self,
        space: Space,
        prefix: &str,
        after: Option<&str>,
        count: usize,
    ) -> Vec<Listed> {
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        self.read(move |core| core.list(space, (&prefix, after.as_deref()), count))
            .await
    }

    /// Sets a small value; `None` removes it. It can be read at once and is on disk some seconds
    /// later. False when it is too large, or too many wait.
    pub fn set_state(&self, space: Space, key: &str, value: Option<Vec<u8>>) -> bool {
        match &self.0.kind {
            Kind::Disk(core) => core.set_state(space, key, value),
            Kind::Memory(memory) => memory.states.set(space, key, value),
        }
    }

    /// A small value.
    pub async fn state(&self, space: Space, key: &str) -> Option<Vec<u8>> {
        if let Kind::Memory(memory) = &self.0.kind {
            return memory.states.get(space, key).flatten();
        }
        let key = key.to_owned();
        self.read(move |core| core.state(space, &key)).await
    }

    /// Every small value of a space.
    pub async fn states(&self, space: Space) -> BTreeMap<String, Vec<u8>> {
        if let Kind::Memory(memory) = &self.0.kind {
            let mut all = BTreeMap::new();
            memory.states.cover(space, &mut all);
            return all;
        }
        self.read(move |core| core.states(space)).await
    }

    /// Records items of a feed in one transaction, older ones first, and keeps the newest `keep`. An
    /// item that is known by its guid keeps its place and its time of first sight, and gets these
    /// bytes.
    pub async fn record_items(&self, feed: &str, items: Vec<HistoryItem>, keep: usize) -> bool {
        self.record(feed, (items, Order::Seen), keep).await
    }

    /// The same, but that an item that is known gets a new place as well, behind all that are not
    /// among these: what was recorded before is put in order with what was not.
    pub async fn record_items_anew(
        &self,
        feed: &str,
        items: Vec<HistoryItem>,
        keep: usize,
    ) -> bool {
        self.record(feed, (items, Order::Given), keep).await
    }

    async fn record(&self, feed: &str, items: (Vec<HistoryItem>, Order), keep: usize) -> bool {
        if let Kind::Memory(memory) = &self.0.kind {
            return memory.record_items(feed, &items, keep);
        }
        let feed = feed.to_owned();
        self.write(move |core| core.record_items(&feed, items, keep))
            .await
    }

    /// The newest `count` items of a feed, newest first.
    pub async fn newest_items(&self, feed: &str, count: usize) -> Vec<KeptItem> {
        self.items(feed, Window::newest(count, usize::MAX)).await
    }

    /// The items of a feed that a window shows.
    pub async fn items(&self, feed: &str, window: Window) -> Vec<KeptItem> {
        if let Kind::Memory(memory) = &self.0.kind {
            return memory.items(feed, &window);
        }
        let feed = feed.to_owned();
        self.read(move |core| core.items(&feed, &window)).await
    }

    /// The oldest and the newest place that a feed has items at.
    pub async fn places(&self, feed: &str) -> Option<(u64, u64)> {
        if let Kind::Memory(memory) = &self.0.kind {
            return memory.places(feed);
        }
        let feed = feed.to_owned();
        self.read(move |core| core.places(&feed)).await
    }

    /// The bytes that the items of a feed take, and those of all feeds.
    pub async fn history_bytes(&self, feed: &str) -> (u64, u64) {
        if let Kind::Memory(memory) = &self.0.kind {
            return memory.history_bytes(feed);
        }
        let feed = feed.to_owned();
        self.read(move |core| core.history_bytes(&feed)).await
    }

    /// Forgets the items of a feed.
    pub async fn forget_items(&self, feed: &str) -> bool {
        if let Kind::Memory(memory) = &self.0.kind {
            return memory.forget_items(feed);
        }
        let feed = feed.to_owned();
        self.write(move |core| core.forget_items(&feed)).await
    }

    /// Goes by other limits from now on.
    pub fn set_limits(&self, limits: Limits) {
        match &self.0.kind {
            Kind::Disk(core) => core.shared.set_limits(limits),
            Kind::Memory(memory) => memory.limit(limits.history),
        }
    }

    /// Whether there is a directory; without one bodies are not kept at all.
    #[must_use]
    pub fn is_persistent(&self) -> bool {
        matches!(self.0.kind, Kind::Disk(_))
    }

    /// How the store is.
    #[must_use]
    pub fn status(&self) -> Status {
        match &self.0.kind {
            Kind::Disk(core) => core.status(),
            Kind::Memory(memory) => memory.status(),
        }
    }

    /// Reads and writes that callers wait for.
    #[must_use]
    pub fn under_way(&self) -> usize {
        let busy = |places: &Semaphore| AT_ONCE_MAX - places.available_permits();
        busy(&self.0.reads) + busy(&self.0.writes)
    }

    #[cfg(test)]
    pub(super) fn shared(&self) -> Option<&Shared> {
        match &self.0.kind {
            Kind::Disk(core) => Some(&core.shared),
            Kind::Memory(_) => None,
        }
    }

    /// Writes what waits to be written. False when that could not be done.
    pub async fn flush(&self) -> bool {
        self.write(Core::flush).await
    }

    /// Writes what waits to be written and lets the directory go. Afterwards reads miss and writes
    /// are dropped.
    pub async fn close(&self) {
        self.write(Core::close).await;
    }

    pub(super) async fn read<T: Default + Send + 'static>(
        &self,
        work: impl FnOnce(&Core) -> T + Send + 'static,
    ) -> T {
        self.on_thread(&self.0.reads, work).await
    }

    async fn write<T: Default + Send + 'static>(
        &self,
        work: impl FnOnce(&Core) -> T + Send + 'static,
    ) -> T {
        self.on_thread(&self.0.writes, work).await
    }

    /// Does `work` on a thread that may wait, also when the caller goes away meanwhile.
    async fn on_thread<T: Default + Send + 'static>(
        &self,
        places: &Arc<Semaphore>,
        work: impl FnOnce(&Core) -> T + Send + 'static,
    ) -> T {
        if matches!(self.0.kind, Kind::Memory(_)) {
            return T::default();
        }
        let place = Arc::clone(places).acquire_owned().await;
        let store = self.clone();
        let working = tokio::task::spawn_blocking(move || {
            // Held to the end of the work, whatever becomes of the caller.
            let _place = place;
            match &store.0.kind {
                Kind::Disk(core) => work(core),
                Kind::Memory(_) => T::default(),
            }
        });
        working.await.unwrap_or_default()
    }
}
