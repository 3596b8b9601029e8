//! A change of the store, as it is queued for the thread that writes.

use std::sync::mpsc::SyncSender;

use bytes::Bytes;

use super::Space;
use super::files::Temporary;
use super::history::{HistoryItem, Order};
use super::purge::Purge;
use super::record::{Coding, Sum};

/// A queued change. `reply` gets the number of records that it changed, or nothing when it was dropped.
pub(super) struct Job {
    pub(super) change: Change,
    pub(super) reply: Option<SyncSender<u64>>,
}

/// One change.
#[derive(Debug)]
pub(super) enum Change {
    /// Puts a body in the place of any other of this key.
    Put(Box<Put>),
    /// Puts another meta in the place of a body's.
    SetMeta {
        space: Space,
        key: String,
        meta: Vec<u8>,
    },
    /// Removes a body.
    Remove { space: Space, key: String },
    /// Removes what this says.
    Purge(Purge),
    /// Removes the body of this record, which did not verify.
    Discard(i64),
    /// Records items of a feed and keeps the newest so many.
    Record {
        feed: String,
        items: Vec<HistoryItem>,
        order: Order,
        keep: usize,
    },
    /// Forgets a feed's items.
    Forget { feed: String },
    /// Removes items that did not verify.
    DiscardItems(Vec<i64>),
    /// Writes whatever waits to be written together.
    Flush,
    /// The same, and closes the directory.
    Close,
    /// Somebody found the database damaged.
    StartAnew,
}

impl Change {
    /// The body that the change would have replaced.
    pub(super) fn supersedes(&self) -> Option<(Space, &str)> {
        match self {
            Self::Put(put) => Some((put.space, &put.key)),
            Self::SetMeta { space, key, .. } | Self::Remove { space, key } => Some((*space, key)),
            _ => None,
        }
    }

    /// The body whose newest version lies on disk, or is gone, once the change is made.
    pub(super) fn renews(&self) -> Option<(Space, &str)> {
        match self {
            Self::SetMeta { .. } => None,
            _ => self.supersedes(),
        }
    }

    /// Bytes that the change writes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Put(put) => put.meta.len() + put.stored_bytes as usize,
            Self::SetMeta { meta, .. } => meta.len(),
            Self::Record { items, .. } => items.iter().map(|item| item.bytes.len()).sum(),
            _ => 0,
        }
    }
}

/// A body to be put.
#[derive(Debug)]
pub(super) struct Put {
    pub(super) space: Space,
    pub(super) key: String,
    pub(super) meta: Vec<u8>,
    pub(super) coding: Coding,
    pub(super) stored_bytes: u64,
    pub(super) body_bytes: u64,
    pub(super) body_sum: Sum,
    /// Taken when it is applied.
    pub(super) body: Option<Body>,
}

/// Where a body is.
#[derive(Debug)]
pub(super) enum Body {
    /// Here, to be put into the database.
    Inline(Bytes),
    /// In a file that waits for its place.
    File(Temporary),
}
