//! One archived feed: its options, and its items that wait to be written.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use url::Url;
use xxhash_rust::xxh3::Xxh3;

use super::ArchiveOptions;
use super::digest::digests;
use super::duplicates;
use super::writing::ItemWriter;
use crate::rewrite::entry::{self, Entry};
use crate::upstream::Upstream;

/// The most items of one feed that wait to be written.
const WAITING_MAX: usize = 20_000;
/// The most bytes of their HTML.
const WAITING_BYTES_MAX: usize = 256 << 20;

/// A feed that is archived, and how.
#[derive(Debug)]
pub struct ArchivedFeed {
    /// The feed's name.
    pub(super) name: Arc<str>,
    pub(super) options: ArchiveOptions,
    /// How the feed is fetched: its images are fetched the same way, without its cookies and headers.
    pub(super) upstream: Upstream,
}

/// The state of one feed's archive. It outlives a reload of the configuration.
#[derive(Debug, Default)]
pub(super) struct FeedState {
    pub(super) queue: tokio::sync::Mutex<FeedQueue>,
    /// Whether items wait that a later attempt may write.
    pub(super) has_waiting: AtomicBool,
    /// Whether a task writes waiting items with their images.
    pub(super) is_fetching_images: AtomicBool,
}

/// Items of a feed that are not written yet. Whoever holds the lock works on the feed alone.
#[derive(Debug, Default)]
pub(super) struct FeedQueue {
    /// `None` until the index was opened, and after an error.
    pub(super) writer: Option<ItemWriter>,
    /// Items whose full text is still awaited, by the digest of their identity.
    pub(super) awaiting: HashMap<u128, Entry>,
    /// Items to be written.
    pub(super) waiting: Vec<Entry>,
    /// Whether the items that an earlier process stored were read.
    pub(super) is_restored: bool,
    /// Whether the store holds waiting items.
    pub(super) is_saved: bool,
    /// The digest of the last snapshot that was taken in completely.
    pub(super) last_digest: Option<u128>,
}

/// A feed as its readers see it at one time.
#[derive(Debug, Clone)]
pub struct FeedSnapshot {
    /// Where it came from.
    pub url: Arc<Url>,
    /// Its body, in UTF-8.
    pub body: Vec<Bytes>,
    /// The links of the items whose full text is still awaited.
    pub awaited: Arc<[String]>,
}

impl ArchivedFeed {
    /// The feed of this name.
    #[must_use]
    pub fn new(name: Arc<str>, options: ArchiveOptions, upstream: Upstream) -> Self {
        Self {
            name,
            options,
            upstream,
        }
    }
}

impl FeedSnapshot {
    /// A digest of the body and the awaited links.
    pub(super) fn digest(&self) -> u128 {
        let mut digest = Xxh3::new();
        self.body.iter().for_each(|piece| digest.update(piece));
        for link in self.awaited.iter() {
            digest.update(link.as_bytes());
            digest.update(&[0]);
        }
        digest.digest128()
    }

    /// Its items; those that share an identity are told apart.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let body = self.body.concat();
        let text = String::from_utf8_lossy(&body);
        let mut entries = entry::entries(&text, Url::clone(&self.url));
        duplicates::tell_apart(&mut entries);
        entries
    }
}

impl FeedQueue {
    /// Sorts the items of a snapshot: returns those that can be written now, and holds those whose full text is
    /// awaited.
    pub(super) fn sort(&mut self, entries: Vec<Entry>, awaited: &[String]) -> Vec<Entry> {
        let awaited: HashSet<&str> = awaited.iter().map(String::as_str).collect();
        let mut awaiting = HashMap::new();
        let mut ready = Vec::new();
        for entry in entries {
            let (id, _) = digests(&entry);
            self.awaiting.remove(&id);
            if awaited.contains(entry.link.as_str()) {
                awaiting.insert(id, entry);
            } else {
                ready.push(entry);
            }
        }
        // An item that fell out of the feed is written as it is.
        ready.extend(self.awaiting.drain().map(|(_, entry)| entry));
        self.awaiting = awaiting;
        ready
    }

    /// Adds items to be written, each version once. Returns the number of items that there was no room for.
    pub(super) fn add(&mut self, entries: Vec<Entry>) -> usize {
        let mut known: HashSet<_> = self.waiting.iter().map(digests).collect();
        let mut bytes: usize = self.waiting.iter().map(|entry| entry.html.len()).sum();
        let mut dropped = 0;
        for entry in entries {
            if !known.insert(digests(&entry)) {
                continue;
            }
            bytes += entry.html.len();
            if self.waiting.len() >= WAITING_MAX || bytes > WAITING_BYTES_MAX {
                bytes -= entry.html.len();
                dropped += 1;
            } else {
                self.waiting.push(entry);
            }
        }
        dropped
    }
}
