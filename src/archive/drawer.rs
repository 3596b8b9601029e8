//! How one feed's items are kept, and what of them is still to be written.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use url::Url;
use xxhash_rust::xxh3::Xxh3;

use super::Options;
use super::apart;
use super::digest::digests;
use super::writing::Writer;
use crate::rewrite::entry::{self, Entry};
use crate::upstream::Upstream;

/// Items of one feed that wait to be written.
const LEFT_MAX: usize = 20_000;
/// The bytes of their texts.
const LEFT_BYTES_MAX: usize = 256 << 20;

/// How one feed's items are kept.
#[derive(Debug)]
pub struct Drawer {
    /// The feed's name.
    pub(super) feed: Arc<str>,
    pub(super) options: Options,
    /// How the feed is fetched, for its images' sake; its cookies and headers are not for them.
    pub(super) upstream: Upstream,
}

/// What is known of one feed's items, whatever is configured by now.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) turn: tokio::sync::Mutex<Turn>,
    /// Whether something is left that a later attempt may write.
    pub(super) has_left: AtomicBool,
    /// Whether a task brings images.
    pub(super) is_served: AtomicBool,
}

/// What one at a time works with.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// `None` until it was opened.
    pub(super) writer: Option<Writer>,
    /// Items whose article is still to come, by their identity.
    pub(super) held: HashMap<u128, Entry>,
    /// Items that are to be written.
    pub(super) left: Vec<Entry>,
    /// Whether what an earlier process left was taken up.
    pub(super) is_recalled: bool,
    /// Whether the store has what is left.
    pub(super) is_stashed: bool,
    /// The document that was taken in last.
    pub(super) last: Option<u128>,
}

/// A feed as its readers see it.
#[derive(Debug, Clone)]
pub struct Document {
    /// Where it came from.
    pub url: Arc<Url>,
    /// Its body, in UTF-8.
    pub body: Vec<Bytes>,
    /// The addresses of the items whose article is still to come.
    pub awaited: Arc<[String]>,
}

impl Drawer {
    /// A drawer for the feed of this name.
    #[must_use]
    pub fn new(feed: Arc<str>, options: Options, upstream: Upstream) -> Self {
        Self {
            feed,
            options,
            upstream,
        }
    }
}

impl Document {
    /// Of all that is kept of it.
    pub(super) fn digest(&self) -> u128 {
        let mut digest = Xxh3::new();
        self.body.iter().for_each(|piece| digest.update(piece));
        for link in self.awaited.iter() {
            digest.update(link.as_bytes());
            digest.update(&[0]);
        }
        digest.digest128()
    }

    /// Its items.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let body = self.body.concat();
        let text = String::from_utf8_lossy(&body);
        let mut entries = entry::entries(&text, Url::clone(&self.url));
        apart::tell(&mut entries);
        entries
    }
}

impl Turn {
    /// Takes in the items of a document; those that can be written now.
    pub(super) fn sort(&mut self, entries: Vec<Entry>, awaited: &[String]) -> Vec<Entry> {
        let awaited: HashSet<&str> = awaited.iter().map(String::as_str).collect();
        let mut held = HashMap::new();
        let mut ready = Vec::new();
        for entry in entries {
            let (id, _) = digests(&entry);
            self.held.remove(&id);
            if awaited.contains(entry.link.as_str()) {
                held.insert(id, entry);
            } else {
                ready.push(entry);
            }
        }
        // What the feed has no more gets no article.
        ready.extend(self.held.drain().map(|(_, entry)| entry));
        self.held = held;
        ready
    }

    /// Adds what is to be written, each item once; how much there is no room for.
    pub(super) fn leave(&mut self, entries: Vec<Entry>) -> usize {
        let mut known: HashSet<_> = self.left.iter().map(digests).collect();
        let mut bytes: usize = self.left.iter().map(|entry| entry.html.len()).sum();
        let mut dropped = 0;
        for entry in entries {
            if !known.insert(digests(&entry)) {
                continue;
            }
            bytes += entry.html.len();
            if self.left.len() >= LEFT_MAX || bytes > LEFT_BYTES_MAX {
                bytes -= entry.html.len();
                dropped += 1;
            } else {
                self.left.push(entry);
            }
        }
        dropped
    }
}
