//! What outlives the process: upstream bodies with what was said about them, small states, and the
//! history of feeds, in one directory.
//!
//! SQLite holds everything that is asked by key; bodies above some ten kilobytes lie in files of
//! their own beside it. One thread writes, in batches; readers have connections of their own.
//!
//! Invariants. What is read back is what was written under that key, or nothing: every record is
//! bound to its key and checksummed, every length is bounded by what is there, and a record that
//! doesn't verify is deleted and counted. A write that can't be stored never leaves an older value
//! to be read in its place while the process runs. No error of the disk reaches a caller: reads miss
//! and writes are dropped, and [`Store::status`] says so.

mod access;
mod apply;
mod blocking;
mod change;
mod clock;
mod directory;
mod error;
mod files;
mod health;
mod history;
mod history_totals;
mod inspection;
pub mod key;
mod layout;
mod library;
mod memory;
mod permissions;
mod pieces;
mod purge;
mod readers;
mod record;
mod requests;
mod salvage;
mod schema;
mod shared;
mod states;
mod superseded;
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
pub use history::{HistoryItem, ITEM_BYTES_MAX, ITEMS_MAX, KeptItem, Window};
pub use inspection::{Inspection, Seen};
pub use pieces::StoredBody;
pub use purge::{Key, Purge};
pub use record::PIECE_BYTES;
pub use totals::{Gauge, Totals, WhenFull};

use crate::shares::{Share, Shares, Taken};

/// Bytes of a key.
pub const KEY_BYTES_MAX: usize = 8 << 10;
/// Bytes of what is said about a body.
pub const META_BYTES_MAX: usize = 1 << 20;
/// Bytes of one body, as it is handed in.
pub const BODY_BYTES_MAX: usize = 256 << 20;
/// Bytes of one state.
pub const STATE_BYTES_MAX: usize = 64 << 10;

/// What kind of thing is stored. Keys of one space mean nothing in another.
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

    /// What it is called on the command line and in logs.
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

    /// Whose share of the disk it counts against.
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

    /// The number that stands for it on disk; never given to another one.
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

/// Where the store is, and its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The directory; made if it isn't there.
    pub path: PathBuf,
    /// How much it may take.
    pub limits: Limits,
    /// Bytes of a body, compressed, that is kept within the database.
    pub inline_bytes_max: usize,
    /// How long states and times of use wait to be written together.
    pub flush_every: Duration,
    /// How often a store that can't write tries again.
    pub probe_every: Duration,
    /// A time of use is written when the one on disk is older than this.
    pub touch_after: Duration,
}

impl Options {
    /// A store at `path` with the usual limits.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            limits: Limits::default(),
            inline_bytes_max: 32 << 10,
            flush_every: Duration::from_secs(5),
            probe_every: Duration::from_secs(10),
            touch_after: Duration::from_secs(600),
        }
    }
}

/// How much a store may take; may change while it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that bodies may take on disk.
    pub disk_bytes: u64,
    /// The parts of them that are reserved. Who takes more gives way first, and within a space the
    /// least recently used.
    pub shares: Shares,
    /// The most that is kept of feeds' items.
    pub history: Totals,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            disk_bytes: 2 << 30,
            shares: Shares::default(),
            history: Totals::default(),
        }
    }
}

/// A stored body and what was said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What the caller handed in beside the body.
    pub meta: Vec<u8>,
    /// The body, in pieces.
    pub body: Vec<Bytes>,
    /// The body's length, also where only what is said about it was asked for.
    pub body_bytes: u64,
    /// Whether [`Store::open_body`] can read it in pieces.
    pub reads_in_pieces: bool,
    /// When it was put, or its meta set, by this machine's clock then; see [`age`].
    pub stored_at: SystemTime,
}

/// What is known about a stored body without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// What the caller handed in beside the body.
    pub meta: Vec<u8>,
    /// The body's length.
    pub body_bytes: u64,
    /// What it takes on disk.
    pub disk_bytes: u64,
    /// As in [`Entry::stored_at`].
    pub stored_at: SystemTime,
    /// When it was last asked for, give or take [`Options::touch_after`].
    pub used_at: SystemTime,
}

/// How the store is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether there is a directory at all; without one everything is gone with the process.
    pub is_persistent: bool,
    /// Why nothing is written to the directory at present.
    pub degraded: Option<String>,
    /// Bodies on disk.
    pub entries: u64,
    /// What they take there, in bytes.
    pub disk_bytes: u64,
    /// The same by whose share it counts against.
    pub taken: Taken,
    /// Items that were not recorded, since a total was reached, since the start.
    pub items_refused: u64,
    /// Items that had to go for newer ones, since the start.
    pub items_gone: u64,
    /// Records that did not verify and were deleted, since the start.
    pub bad: u64,
    /// Writes that were dropped, since the start.
    pub dropped: u64,
    /// Bodies that had to go for newer ones, since the start.
    pub evicted: u64,
}
