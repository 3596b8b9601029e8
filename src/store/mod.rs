//! The data directory: bodies from upstream with their metadata, small states, and the items of feeds.
//!
//! SQLite holds everything that is looked up by key; bodies above some ten kilobytes lie in files beside the
//! database. One thread writes, in batches; readers have connections of their own.
//!
//! Invariants. A read returns what was written under that key, or nothing: every record is bound to its key and
//! checksummed, every length is bounded, and a record that doesn't verify is deleted and counted. A write that
//! fails never leaves an older value to be read while the process runs. No error of the disk reaches a caller:
//! reads miss, writes are dropped, and [`Store::status`] says so.

mod access;
mod apply;
mod bodies;
mod change;
mod clock;
mod directory;
mod disk;
mod error;
mod files;
mod health;
mod history;
mod history_totals;
mod inspection;
pub mod key;
mod layout;
mod memory;
mod outdated;
mod permissions;
mod pieces;
mod purge;
mod readers;
mod record;
mod recovery;
mod requests;
mod schema;
mod shared;
mod states;
mod totals;
mod transaction;
mod upkeep;
mod writer;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

pub use access::Store;
pub use clock::age;
pub use directory::OpenError;
pub use error::Error;
pub use history::{HistoryItem, ITEM_BYTES_MAX, ITEMS_MAX, ItemWindow, KeptItem};
pub use inspection::{Inspected, Inspection};
pub use pieces::StoredBody;
pub use purge::{Purge, PurgeKey};
pub use record::PIECE_BYTES;
pub use totals::{Gauge, Totals, WhenFull};

use crate::shares::{Share, Shares, Taken};

/// The most bytes of a key.
pub const KEY_BYTES_MAX: usize = 8 << 10;
/// The most bytes of a body's metadata.
pub const META_BYTES_MAX: usize = 1 << 20;
/// The most bytes of one body, uncompressed.
pub const BODY_BYTES_MAX: usize = 256 << 20;
/// The most bytes of one state.
pub const STATE_BYTES_MAX: usize = 64 << 10;

/// A kind of record. Each space has keys of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Space {
    /// Feeds by name.
    Feeds,
    /// Mirrored resources.
    Mirror,
    /// Images by address.
    Images,
    /// Full texts by address.
    Articles,
    /// Upstream hosts by name.
    Hosts,
}

impl Space {
    /// Every space.
    pub const ALL: [Self; 5] = [
        Self::Feeds,
        Self::Mirror,
        Self::Images,
        Self::Articles,
        Self::Hosts,
    ];

    /// Its name on the command line and in logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Feeds => "feeds",
            Self::Mirror => "mirror",
            Self::Images => "images",
            Self::Articles => "articles",
            Self::Hosts => "hosts",
        }
    }

    /// The share of the disk that it counts against.
    #[must_use]
    pub fn share(self) -> Share {
        match self {
            Self::Feeds | Self::Hosts => Share::Feeds,
            Self::Articles => Share::Articles,
            Self::Images => Share::Images,
            Self::Mirror => Share::Mirrors,
        }
    }

    fn of_id(id: i64) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|space| i64::from(space.id()) == id)
    }

    /// Its number on disk; never reused.
    fn id(self) -> u8 {
        match self {
            Self::Feeds => 1,
            Self::Mirror => 2,
            Self::Images => 3,
            Self::Articles => 4,
            Self::Hosts => 5,
        }
    }
}

/// Where the store is, its limits and its intervals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreOptions {
    /// The directory; created if it isn't there.
    pub path: PathBuf,
    /// Limits of what it may take.
    pub limits: StoreLimits,
    /// The most bytes of a compressed body that is stored in the database; a larger one gets a file.
    pub inline_bytes_max: usize,
    /// How often states and times of use are written.
    pub flush_every: Duration,
    /// How often a store that can't write probes the disk.
    pub probe_every: Duration,
    /// A read updates the time of use when that on disk is older than this.
    pub touch_after: Duration,
}

impl StoreOptions {
    /// A store at `path` with the usual limits.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            limits: StoreLimits::default(),
            inline_bytes_max: 32 << 10,
            flush_every: Duration::from_secs(5),
            probe_every: Duration::from_secs(10),
            touch_after: Duration::from_secs(600),
        }
    }
}

/// Limits of the store; they may change while it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreLimits {
    /// The most bytes of bodies on disk.
    pub disk_bytes: u64,
    /// The reserved share of each kind. Bodies of a kind above its share are evicted first, the least recently
    /// used before others.
    pub shares: Shares,
    /// The most bytes of feeds' items.
    pub history: Totals,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self {
            disk_bytes: 2 << 30,
            shares: Shares::default(),
            history: Totals::default(),
        }
    }
}

/// A stored body with its metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// The metadata that the caller gave.
    pub meta: Vec<u8>,
    /// The body, in pieces.
    pub body: Vec<Bytes>,
    /// The body's length, also where only the metadata was read.
    pub body_bytes: u64,
    /// Whether [`Store::open_body`] can read it in pieces.
    pub reads_in_pieces: bool,
    /// When the body was put or its metadata set, by this machine's clock then; see [`age`].
    pub stored_at: SystemTime,
}

/// A stored body in a list: everything but the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedEntry {
    /// Its key.
    pub key: String,
    /// The metadata that the caller gave.
    pub meta: Vec<u8>,
    /// The body's length.
    pub body_bytes: u64,
    /// Its bytes on disk.
    pub disk_bytes: u64,
    /// As in [`StoredEntry::stored_at`].
    pub stored_at: SystemTime,
    /// When it was last used, give or take [`StoreOptions::touch_after`].
    pub used_at: SystemTime,
}

/// The state of the store and its counters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreStatus {
    /// Whether there is a directory; without one everything ends with the process.
    pub is_persistent: bool,
    /// Why nothing can be written at present.
    pub degraded: Option<String>,
    /// Bodies on disk.
    pub entries: u64,
    /// Their bytes.
    pub disk_bytes: u64,
    /// The same by share.
    pub taken: Taken,
    /// Items that were not recorded because a total was reached, since the start.
    pub items_refused: u64,
    /// Items that were removed for newer ones, since the start.
    pub items_gone: u64,
    /// Records that did not verify and were deleted, since the start.
    pub bad: u64,
    /// Writes that were dropped, since the start.
    pub dropped: u64,
    /// Bodies that were evicted, since the start.
    pub evicted: u64,
}
