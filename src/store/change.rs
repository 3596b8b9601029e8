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

/// A change of the store.
#[derive(Debug)]
pub(super) enum Change {
    /// Stores a body, replacing any other of this key.
    Put(Box<Put>),
    /// Replaces the metadata of a body.
    SetMeta {
        space: Space,
        key: String,
        meta: Vec<u8>,
    },
    /// Removes a body.
    Remove { space: Space, key: String },
    /// Removes what a purge covers.
    Purge(Purge),
    /// Deletes this record, which did not verify.
    Discard(i64),
    /// Records items of a feed and keeps the newest `keep`.
    Record {
        feed: String,
        items: Vec<HistoryItem>,
        order: Order,
        keep: usize,
    },
    /// Removes a feed's items.
    Forget { feed: String },
    /// Deletes the rows of items that did not verify.
    DiscardItems(Vec<i64>),
    /// Writes waiting states and times of use.
    Flush,
    /// Flushes and closes the directory.
    Close,
    /// Puts the damaged database aside and starts a new one.
    StartAnew,
}

impl Change {
    /// The key whose body on disk is outdated if the change is not made.
    pub(super) fn supersedes(&self) -> Option<(Space, &str)> {
        match self {
            Self::Put(put) => Some((put.space, &put.key)),
            Self::SetMeta { space, key, .. } | Self::Remove { space, key } => Some((*space, key)),
            _ => None,
        }
    }

    /// The key whose body on disk is the newest, or gone, once the change is made.
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

/// A body to be stored.
#[derive(Debug)]
pub(super) struct Put {
    pub(super) space: Space,
    pub(super) key: String,
    pub(super) meta: Vec<u8>,
    pub(super) coding: Coding,
    pub(super) stored_bytes: u64,
    pub(super) body_bytes: u64,
    pub(super) body_sum: Sum,
    /// Taken when the change is applied.
    pub(super) body: Option<Body>,
}

/// Where the bytes of a new body are.
#[derive(Debug)]
pub(super) enum Body {
    /// In memory, for the database.
    Inline(Bytes),
    /// In a temporary file.
    File(Temporary),
}
