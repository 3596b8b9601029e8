//! What waits to be written, in the store, so that it outlives the process.

use super::digest::digests;
use super::render::jsonl;
use crate::rewrite::entry::Entry;
use crate::store::{HistoryItem, ITEM_BYTES_MAX, ITEMS_MAX, Store, Window};

/// The digests that each name starts with; what tells an item apart follows.
const DIGESTS_BYTES: usize = 64;
/// Bytes that are taken up at once.
const BYTES_MAX: usize = 256 << 20;

/// Keeps what waits for a feed's archive; what is too large waits in memory only.
pub(super) async fn put(store: &Store, feed: &str, entries: &[Entry]) {
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
        store.record_items(&key(feed), items.to_vec(), count).await;
    }
}

/// What an earlier process left.
pub(super) async fn take(store: &Store, feed: &str) -> Vec<Entry> {
    if !store.is_persistent() {
        return Vec::new();
    }
    let window = Window {
        newest_first: false,
        ..Window::newest(2 * ITEMS_MAX, BYTES_MAX)
    };
    let kept = store.items(&key(feed), window).await;
    let entries = kept.iter().filter_map(|item| {
        let text = str::from_utf8(&item.bytes).ok()?;
        let mut entry = jsonl::parse_line(1, text).ok()?;
        let apart = item.guid.get(DIGESTS_BYTES..).unwrap_or_default();
        apart.clone_into(&mut entry.apart);
        Some(entry)
    });
    entries.collect()
}

/// Nothing waits any more.
pub(super) async fn clear(store: &Store, feed: &str) {
    store.forget_items(&key(feed)).await;
}

/// Where it is: no feed has such a name.
fn key(feed: &str) -> String {
    format!("archive of {feed}")
}
