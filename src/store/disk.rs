//! The store on disk, blocking: what [`Store`](super::Store) does, for threads that may wait.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::SystemTime;

use bytes::Bytes;
use rusqlite::Connection;

use super::bodies::{Bodies, BodyLookup, Used};
use super::change::{Body, Change, Job, Put};
use super::clock::of_ms;
use super::directory::Disk;
use super::error::Error;
use super::files::Files;
use super::history::{self, HistoryItem, ItemWindow, KeptItem, Order};
use super::history_totals;
use super::pieces::Pieces;
use super::purge::Purge;
use super::shared::Shared;
use super::states;
use super::{
    BODY_BYTES_MAX, KEY_BYTES_MAX, ListedEntry, META_BYTES_MAX, STATE_BYTES_MAX, Space,
    StoreStatus, StoredEntry, record,
};

/// The store on disk. Its methods block.
#[derive(Debug)]
pub(super) struct DiskStore {
    pub(super) shared: Arc<Shared>,
    pub(super) queue: SyncSender<Job>,
}

impl DiskStore {
    pub(super) fn put(&self, space: Space, key: &str, meta: Vec<u8>, body: &[Bytes]) -> bool {
        let shared = &*self.shared;
        let bytes: usize = body.iter().map(Bytes::len).sum();
        let fits = key.len() <= KEY_BYTES_MAX
            && meta.len() <= META_BYTES_MAX
            && bytes <= BODY_BYTES_MAX
            && bytes as u64 <= shared.limits().disk_bytes / 4;
        if !fits {
            // The body on disk is outdated all the same.
            shared.health.count_dropped();
            self.remove(space, key);
            return false;
        }
        let drop_it = || {
            shared.outdated.add(space, key);
            shared.health.count_dropped();
            false
        };
        let Some(disk) = shared.disk().filter(|_| !shared.health.is_tripped()) else {
            return drop_it();
        };
        match prepare(&disk.bodies.files, shared.options.inline_bytes_max, body) {
            Ok((coded, body)) => self.change(Change::Put(Box::new(Put {
                space,
                key: key.to_owned(),
                meta,
                coding: coded.coding,
                stored_bytes: coded.stored_bytes as u64,
                body_bytes: coded.body_bytes as u64,
                body_sum: coded.sum,
                body: Some(body),
            }))),
            Err(error) => {
                shared.health.trip(error.to_string(), bytes);
                drop_it()
            }
        }
    }

    pub(super) fn set_meta(&self, space: Space, key: &str, meta: Vec<u8>) -> bool {
        if meta.len() > META_BYTES_MAX {
            return false;
        }
        let key = key.to_owned();
        self.change(Change::SetMeta { space, key, meta })
    }

    pub(super) fn remove(&self, space: Space, key: &str) -> bool {
        let key = key.to_owned();
        self.change(Change::Remove { space, key })
    }

    pub(super) fn purge(&self, purge: Purge) -> u64 {
        self.count_changed(Change::Purge(purge))
    }

    pub(super) fn get(&self, space: Space, key: &str) -> Option<StoredEntry> {
        self.look(space, key, |bodies| bodies.get(space, key))
    }

    pub(super) fn get_meta(&self, space: Space, key: &str) -> Option<StoredEntry> {
        self.look(space, key, |bodies| bodies.get_meta(space, key))
    }

    pub(super) fn open_body(
        &self,
        space: Space,
        key: &str,
        (range, digest): (Range<usize>, u128),
    ) -> Option<Pieces> {
        let disk = self.shared.disk()?;
        if self.shared.outdated.contains(space, key) {
            return None;
        }
        let mut pieces = self.checked(disk.bodies.open(space, key))??;
        // The body may have been replaced, or be damaged.
        let is_it = pieces.digest_of(range) == Some(digest);
        is_it.then_some(pieces)
    }

    pub(super) fn list(
        &self,
        space: Space,
        range: (&str, Option<&str>),
        count: usize,
    ) -> Vec<ListedEntry> {
        let Some(disk) = self.shared.disk() else {
            return Vec::new();
        };
        let found = self.checked(disk.bodies.list(space, range, count));
        let mut list = Vec::new();
        for (key, listed) in found.unwrap_or_default() {
            if self.shared.outdated.contains(space, &key) {
                continue;
            }
            match listed {
                Some(listed) => list.push(listed),
                None => {
                    self.shared.health.count_bad(space.name(), &key);
                    self.change_soon(Change::Remove { space, key });
                }
            }
        }
        list
    }

    pub(super) fn set_state(&self, space: Space, key: &str, value: Option<Vec<u8>>) -> bool {
        let fits = key.len() <= KEY_BYTES_MAX
            && value
                .as_ref()
                .is_none_or(|value| value.len() <= STATE_BYTES_MAX);
        let is_set = fits && self.shared.states.set(space, key, value);
        if !is_set {
            self.shared.health.count_dropped();
        }
        is_set
    }

    pub(super) fn state(&self, space: Space, key: &str) -> Option<Vec<u8>> {
        if let Some(value) = self.shared.states.get(space, key) {
            return value;
        }
        let disk = self.shared.disk()?;
        let read = self.query(&disk, |view| states::read(view, space, key))?;
        match read {
            Ok(value) => value,
            Err(record::Bad) => {
                self.discard_state(space, key);
                None
            }
        }
    }

    pub(super) fn states(&self, space: Space) -> BTreeMap<String, Vec<u8>> {
        let mut all = BTreeMap::new();
        if let Some(disk) = self.shared.disk()
            && let Some((read, bad)) = self.query(&disk, |view| states::read_all(view, space))
        {
            all = read;
            // A key with a waiting change was counted before.
            bad.iter()
                .filter(|key| self.shared.states.get(space, key).is_none())
                .for_each(|key| self.discard_state(space, key));
        }
        self.shared.states.cover(space, &mut all);
        all
    }

    pub(super) fn record_items(
        &self,
        feed: &str,
        (items, order): (Vec<HistoryItem>, Order),
        keep: usize,
    ) -> bool {
        let fits = |item: &HistoryItem| {
            item.guid.len() <= KEY_BYTES_MAX && item.bytes.len() <= history::ITEM_BYTES_MAX
        };
        if feed.len() > KEY_BYTES_MAX || items.len() > history::ITEMS_MAX {
            self.shared.health.count_dropped();
            return false;
        }
        let (items, other): (Vec<_>, Vec<_>) = items.into_iter().partition(fits);
        other
            .iter()
            .for_each(|_| self.shared.health.count_dropped());
        let feed = feed.to_owned();
        self.change(Change::Record {
            feed,
            items,
            order,
            keep,
        })
    }

    pub(super) fn items(&self, feed: &str, window: &ItemWindow) -> Vec<KeptItem> {
        let Some(disk) = self.shared.disk() else {
            return Vec::new();
        };
        let found = self.query(&disk, |view| history::select(view, feed, window));
        let (items, bad) = found.unwrap_or_default();
        if !bad.is_empty() {
            bad.iter()
                .for_each(|_| self.shared.health.count_bad("history", feed));
            self.change_soon(Change::DiscardItems(bad));
        }
        items
    }

    pub(super) fn places(&self, feed: &str) -> Option<(u64, u64)> {
        let disk = self.shared.disk()?;
        self.query(&disk, |view| history::places(view, feed))?
    }

    pub(super) fn history_bytes(&self, feed: &str) -> (u64, u64) {
        let Some(disk) = self.shared.disk() else {
            return (0, 0);
        };
        self.query(&disk, |view| history_totals::both(view, feed))
            .unwrap_or_default()
    }

    pub(super) fn forget_items(&self, feed: &str) -> bool {
        let feed = feed.to_owned();
        self.change(Change::Forget { feed })
    }

    pub(super) fn flush(&self) -> bool {
        self.change(Change::Flush)
    }

    pub(super) fn close(&self) {
        self.change(Change::Close);
    }

    pub(super) fn status(&self) -> StoreStatus {
        let health = &self.shared.health;
        let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        StoreStatus {
            is_persistent: true,
            degraded: health.tripped().map(|(reason, _)| reason),
            entries: read(&health.entries),
            disk_bytes: health.weight(),
            taken: health.taken(),
            items_refused: read(&health.items_refused),
            items_gone: read(&health.items_evicted),
            bad: read(&health.bad),
            dropped: read(&health.dropped),
            evicted: read(&health.evicted),
        }
    }

    /// Queues a change and waits for it; whether it changed anything.
    fn change(&self, change: Change) -> bool {
        self.count_changed(change) > 0
    }

    /// Queues a change and waits for it; the number of records that it changed.
    fn count_changed(&self, change: Change) -> u64 {
        let (reply, answer) = sync_channel(1);
        let job = Job {
            change,
            reply: Some(reply),
        };
        match self.queue.send(job) {
            Ok(()) => answer.recv().unwrap_or(0),
            Err(unsent) => {
                let reason = "the thread that writes has ended by an internal error";
                self.shared.health.trip(reason.into(), 0);
                self.shared.drop_change(&unsent.0.change);
                0
            }
        }
    }

    /// Queues a change without waiting; it is lost when the queue is full.
    fn change_soon(&self, change: Change) {
        let reply = None;
        self.queue.try_send(Job { change, reply }).ok();
    }

    /// Looks up a body; one that doesn't verify is deleted and counted.
    fn look(
        &self,
        space: Space,
        key: &str,
        look: impl FnOnce(&Bodies) -> Result<BodyLookup<Used<StoredEntry>>, Error>,
    ) -> Option<StoredEntry> {
        let disk = self.shared.disk()?;
        if self.shared.outdated.contains(space, key) {
            return None;
        }
        match self.checked(look(&disk.bodies))? {
            BodyLookup::Absent => None,
            BodyLookup::Found((entry, used_at_ms)) => {
                // Feeds are touched when a client reads them; a look-up of our own is no use.
                if space != Space::Feeds {
                    self.note_use(space, key, used_at_ms);
                }
                Some(entry)
            }
            BodyLookup::Bad(id) => {
                self.shared.health.count_bad(space.name(), key);
                self.change_soon(Change::Discard(id));
                None
            }
        }
    }

    /// Queries the database; an error trips the store and returns `None`.
    fn query<T>(
        &self,
        disk: &Disk,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Option<T> {
        self.checked(disk.bodies.readers.with(work).map_err(Error::from))
    }

    fn checked<T>(&self, read: Result<T, Error>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(refused) => {
                self.shared.health.trip(refused.to_string(), 0);
                if refused.is_damage() {
                    self.change_soon(Change::StartAnew);
                }
                None
            }
        }
    }

    fn note_use(&self, space: Space, key: &str, used_at_ms: i64) {
        let age = super::age(of_ms(used_at_ms), SystemTime::now());
        if age.is_none_or(|age| age >= self.shared.options.touch_after) {
            self.shared.touch(space, key);
        }
    }

    fn discard_state(&self, space: Space, key: &str) {
        self.shared.health.count_bad(space.name(), key);
        self.shared.states.set(space, key, None);
    }
}

/// Encodes a body and, where it is large, writes it to a temporary file.
fn prepare(
    files: &Files,
    inline_bytes_max: usize,
    body: &[Bytes],
) -> io::Result<(record::EncodedBody, Body)> {
    let coded = record::encode(body)?;
    let body = if coded.stored_bytes > inline_bytes_max {
        Body::File(files.write(&coded.pieces)?)
    } else {
        Body::Inline(coded.pieces.concat().into())
    };
    Ok((coded, body))
}
