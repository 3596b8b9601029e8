//! Items that wait to be written, kept in the store so that they outlive the process.

use super::digest::digests;
use super::render::jsonl;
use crate::rewrite::entry::Entry;
use crate::store::{HistoryItem, ITEM_BYTES_MAX, ITEMS_MAX, ItemWindow, KeptItem, Store};

/// Bytes of the two digests that a stored name starts with; the part that tells duplicates apart follows.
const DIGESTS_BYTES: usize = 64;
/// Bytes of waiting items that are read at a start.
const BYTES_MAX: usize = 256 << 20;

/// Stores the items that wait; one that is too large for the store waits in memory only.
pub(super) async fn save(store: &Store, feed: &str, entries: &[Entry]) {
    if !store.is_persistent() {
        return;
    }
    let items = entries.iter().map(|entry| {
        let (id, sum) = digests(entry);
        HistoryItem {
            guid: format!("{id:032x}{sum:032x}{}", entry.apart),
            bytes: jsonl::render(entry, feed).into(),
        }
    });
    let items: Vec<_> = items
        .filter(|item| item.bytes.len() <= ITEM_BYTES_MAX)
        .collect();
    for items in items.chunks(ITEMS_MAX) {
        let count = entries.len().max(ITEMS_MAX);
        store
            .record_items(&waiting_name(feed), items.to_vec(), count)
            .await;
    }
}

/// The items that an earlier process stored.
pub(super) async fn load(store: &Store, feed: &str) -> Vec<Entry> {
    if !store.is_persistent() {
        return Vec::new();
    }
    let window = ItemWindow {
        newest_first: false,
        ..ItemWindow::newest(2 * ITEMS_MAX, BYTES_MAX)
    };
    let kept = store.items(&waiting_name(feed), window).await;
    kept.iter().filter_map(waiting_item).collect()
}

/// Removes the stored items of a feed.
pub(super) async fn clear(store: &Store, feed: &str) {
    store.forget_items(&waiting_name(feed)).await;
}

/// The name that the waiting items of a feed are stored under; no feed has a space in its name.
#[must_use]
pub fn waiting_name(feed: &str) -> String {
    format!("archive of {feed}")
}

/// A waiting item, as it is stored under [`waiting_name`]; `None` where it can't be read.
#[must_use]
pub fn waiting_item(kept: &KeptItem) -> Option<Entry> {
    let text = str::from_utf8(&kept.bytes).ok()?;
    let mut entry = jsonl::parse_line(1, text).ok()?;
    let apart = kept.guid.get(DIGESTS_BYTES..).unwrap_or_default();
    apart.clone_into(&mut entry.apart);
    Some(entry)
}
