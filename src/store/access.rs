//! The store's interface: everything that may block runs on a blocking thread, never on a worker of the
//! runtime.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{Semaphore, broadcast};

use super::directory::{Disk, OpenDirectory};
use super::disk::DiskStore;
use super::history::{ItemWindow, Order};
use super::memory::MemoryStore;
use super::purge::Purge;
use super::shared::Shared;
use super::writer::{QUEUE_MAX, Writer};
use super::{
    HistoryItem, KeptItem, ListedEntry, OpenError, Space, StoreLimits, StoreOptions, StoreStatus,
    StoredEntry,
};
use crate::causes::chain;

/// Reads, and writes, that run at the same time; more wait.
const AT_ONCE_MAX: usize = 32;

/// Bodies that may be open at the same time to be read in pieces.
const OPEN_MAX: usize = 512;

/// The store; cheap to clone. One made by [`Store::memory`] keeps states and history only, until the process
/// ends.
///
/// A write that returned true has been committed: it survives the death of the process, though not
/// of the machine, which may take the last seconds with it. One that returned false was dropped.
#[derive(Debug, Clone)]
pub struct Store(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    kind: Backend,
    reads: Arc<Semaphore>,
    writes: Arc<Semaphore>,
    pub(super) open: Arc<Semaphore>,
}

#[derive(Debug)]
enum Backend {
    Disk(DiskStore),
    Memory(Box<MemoryStore>),
}

/// How long opening waits while another process has the directory, and how often it tries: a process that was
/// forked just before the directory was closed holds the lock until its exec.
const LOCK_FOR: Duration = Duration::from_millis(500);
const LOCK_EVERY: Duration = Duration::from_millis(10);

impl Store {
    /// Opens the directory; creates it where there is none. Reads and syncs a few files.
    ///
    /// # Errors
    /// When another process has it open, or when it can't be used.
    pub fn open(options: StoreOptions) -> Result<Self, OpenError> {
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
        Self::start(shared, Some(OpenDirectory::new(disk, connection)))
    }

    /// Opens the directory; where that fails, logs it, runs from memory and goes on trying.
    ///
    /// # Errors
    /// When the thread that writes can't be started, or when a later version of Feedwright made the
    /// directory: from memory, items that it knows would be new, and be archived again.
    pub fn open_or_retry(options: StoreOptions) -> Result<Self, OpenError> {
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
        Self::of(Backend::Memory(Box::new(MemoryStore::new())))
    }

    fn start(shared: Arc<Shared>, open: Option<OpenDirectory>) -> Result<Self, OpenError> {
        let (queue, jobs) = sync_channel(QUEUE_MAX);
        let writer = Writer::new(Arc::clone(&shared), open);
        std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || writer.run(&jobs))
            .map_err(OpenError::Thread)?;
        Ok(Self::of(Backend::Disk(DiskStore { shared, queue })))
    }

    fn of(kind: Backend) -> Self {
        Self(Arc::new(Inner {
            kind,
            reads: Arc::new(Semaphore::new(AT_ONCE_MAX)),
            writes: Arc::new(Semaphore::new(AT_ONCE_MAX)),
            open: Arc::new(Semaphore::new(OPEN_MAX)),
        }))
    }

    /// Stores a body with its metadata, replacing any other of this key.
    pub async fn put(&self, space: Space, key: &str, meta: Vec<u8>, body: Vec<Bytes>) -> bool {
        let key = key.to_owned();
        self.write(move |core| core.put(space, &key, meta, &body))
            .await
    }

    /// Replaces the metadata of a body, and sets [`StoredEntry::stored_at`]. False where there is no such body.
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

    /// Subscribes to purges, so that copies in memory can be removed as well. A subscriber that lags should treat
    /// everything as purged.
    #[must_use]
    pub fn purges(&self) -> broadcast::Receiver<Purge> {
        match &self.0.kind {
            Backend::Disk(core) => core.shared.purges.subscribe(),
            Backend::Memory(memory) => memory.purges.subscribe(),
        }
    }

    /// A body and its meta.
    pub async fn get(&self, space: Space, key: &str) -> Option<StoredEntry> {
        let key = key.to_owned();
        self.read(move |core| core.get(space, &key)).await
    }

    /// The meta of a body; the entry's own body is empty.
    pub async fn get_meta(&self, space: Space, key: &str) -> Option<StoredEntry> {
        let key = key.to_owned();
        self.read(move |core| core.get_meta(space, &key)).await
    }

    /// Notes that a body was used, for instance from memory: the least recently used are evicted first.
    pub fn touch(&self, space: Space, key: &str) {
        if let Backend::Disk(core) = &self.0.kind {
            core.shared.touch(space, key);
        }
    }

    /// Up to `count` bodies of a space whose key starts with `prefix` and sorts after `after`, in the order of
    /// keys.
    pub async fn list(
        &self,
        space: Space,
        prefix: &str,
        after: Option<&str>,
        count: usize,
    ) -> Vec<ListedEntry> {
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        self.read(move |core| core.list(space, (&prefix, after.as_deref()), count))
            .await
    }

    /// Sets a small value; `None` removes it. It can be read at once and is on disk after
    /// [`StoreOptions::flush_every`]. False when it is too large, or too many wait.
    pub fn set_state(&self, space: Space, key: &str, value: Option<Vec<u8>>) -> bool {
        match &self.0.kind {
            Backend::Disk(core) => core.set_state(space, key, value),
            Backend::Memory(memory) => memory.states.set(space, key, value),
        }
    }

    /// A small value.
    pub async fn state(&self, space: Space, key: &str) -> Option<Vec<u8>> {
        if let Backend::Memory(memory) = &self.0.kind {
            return memory.states.get(space, key).flatten();
        }
        let key = key.to_owned();
        self.read(move |core| core.state(space, &key)).await
    }

    /// Every small value of a space.
    pub async fn states(&self, space: Space) -> BTreeMap<String, Vec<u8>> {
        if let Backend::Memory(memory) = &self.0.kind {
            let mut all = BTreeMap::new();
            memory.states.cover(space, &mut all);
            return all;
        }
        self.read(move |core| core.states(space)).await
    }

    /// Records items of a feed in one transaction, oldest first, and keeps the newest `keep`. A known guid keeps
    /// its place and its first-seen time, and gets the new bytes.
    pub async fn record_items(&self, feed: &str, items: Vec<HistoryItem>, keep: usize) -> bool {
        self.record(feed, (items, Order::Seen), keep).await
    }

    /// Like [`record_items`](Self::record_items), but known items get new places as well, in the given order,
    /// after all other items.
    pub async fn record_items_anew(
        &self,
        feed: &str,
        items: Vec<HistoryItem>,
        keep: usize,
    ) -> bool {
        self.record(feed, (items, Order::Given), keep).await
    }

    async fn record(&self, feed: &str, items: (Vec<HistoryItem>, Order), keep: usize) -> bool {
        if let Backend::Memory(memory) = &self.0.kind {
            return memory.record_items(feed, &items, keep);
        }
        let feed = feed.to_owned();
        self.write(move |core| core.record_items(&feed, items, keep))
            .await
    }

    /// The newest `count` items of a feed, newest first.
    pub async fn newest_items(&self, feed: &str, count: usize) -> Vec<KeptItem> {
        self.items(feed, ItemWindow::newest(count, usize::MAX))
            .await
    }

    /// The items of a feed within a window.
    pub async fn items(&self, feed: &str, window: ItemWindow) -> Vec<KeptItem> {
        if let Backend::Memory(memory) = &self.0.kind {
            return memory.items(feed, &window);
        }
        let feed = feed.to_owned();
        self.read(move |core| core.items(&feed, &window)).await
    }

    /// The oldest and the newest place that a feed has items at.
    pub async fn places(&self, feed: &str) -> Option<(u64, u64)> {
        if let Backend::Memory(memory) = &self.0.kind {
            return memory.places(feed);
        }
        let feed = feed.to_owned();
        self.read(move |core| core.places(&feed)).await
    }

    /// Bytes of a feed's items, and of all feeds' items.
    pub async fn history_bytes(&self, feed: &str) -> (u64, u64) {
        if let Backend::Memory(memory) = &self.0.kind {
            return memory.history_bytes(feed);
        }
        let feed = feed.to_owned();
        self.read(move |core| core.history_bytes(&feed)).await
    }

    /// Forgets the items of a feed.
    pub async fn forget_items(&self, feed: &str) -> bool {
        if let Backend::Memory(memory) = &self.0.kind {
            return memory.forget_items(feed);
        }
        let feed = feed.to_owned();
        self.write(move |core| core.forget_items(&feed)).await
    }

    /// Sets other limits.
    pub fn set_limits(&self, limits: StoreLimits) {
        match &self.0.kind {
            Backend::Disk(core) => core.shared.set_limits(limits),
            Backend::Memory(memory) => memory.limit(limits.history),
        }
    }

    /// Whether there is a directory; without one bodies are not kept at all.
    #[must_use]
    pub fn is_persistent(&self) -> bool {
        matches!(self.0.kind, Backend::Disk(_))
    }

    /// The state of the store and its counters.
    #[must_use]
    pub fn status(&self) -> StoreStatus {
        match &self.0.kind {
            Backend::Disk(core) => core.status(),
            Backend::Memory(memory) => memory.status(),
        }
    }

    /// Reads and writes that run at present.
    #[must_use]
    pub fn under_way(&self) -> usize {
        let busy = |places: &Semaphore| AT_ONCE_MAX - places.available_permits();
        busy(&self.0.reads) + busy(&self.0.writes)
    }

    #[cfg(test)]
    pub(super) fn shared(&self) -> Option<&Shared> {
        match &self.0.kind {
            Backend::Disk(core) => Some(&core.shared),
            Backend::Memory(_) => None,
        }
    }

    /// Writes waiting states and times of use. False when that failed.
    pub async fn flush(&self) -> bool {
        self.write(DiskStore::flush).await
    }

    /// Flushes and closes the directory. Afterwards reads miss and writes are dropped.
    pub async fn close(&self) {
        self.write(DiskStore::close).await;
    }

    pub(super) async fn read<T: Default + Send + 'static>(
        &self,
        work: impl FnOnce(&DiskStore) -> T + Send + 'static,
    ) -> T {
        self.on_thread(&self.0.reads, work).await
    }

    async fn write<T: Default + Send + 'static>(
        &self,
        work: impl FnOnce(&DiskStore) -> T + Send + 'static,
    ) -> T {
        self.on_thread(&self.0.writes, work).await
    }

    /// Runs `work` on a blocking thread, to its end even when the caller is dropped.
    async fn on_thread<T: Default + Send + 'static>(
        &self,
        places: &Arc<Semaphore>,
        work: impl FnOnce(&DiskStore) -> T + Send + 'static,
    ) -> T {
        if matches!(self.0.kind, Backend::Memory(_)) {
            return T::default();
        }
        let place = Arc::clone(places).acquire_owned().await;
        let store = self.clone();
        let working = tokio::task::spawn_blocking(move || {
            // Held until the work has ended.
            let _place = place;
            match &store.0.kind {
                Backend::Disk(core) => work(core),
                Backend::Memory(_) => T::default(),
            }
        });
        working.await.unwrap_or_default()
    }
}
