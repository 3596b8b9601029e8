//! Items that fell out of a feed: each fetch records the items it brought, and what the feed no longer
//! has stands behind its own.
//!
//! Invariants: whatever goes wrong here leaves the feed as it is without kept items; no reader waits
//! for anything to be recorded; which items are added depends on the document and on what was
//! recorded before it, so that it is the same after a restart.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use tokio_util::task::TaskTracker;

use super::Feed;
use super::arrived::Arrived;
use super::page;
use super::persisted::Said;
use super::shell::Shell;
use crate::feed::raw_item::RawItem;
use crate::rewrite::identity::{self, Parts};
use crate::rewrite::{Additions, Origin, reading};
use crate::store::{
    HistoryItem, ITEM_BYTES_MAX, ITEMS_MAX, ItemWindow, KeptItem, Store, StoredEntry,
};

/// Bytes of kept items that are read for one document; older ones are left out of it.
const READ_BYTES_MAX: usize = 32 << 20;
/// Items that the store keeps of a feed beyond what is served, so that none of those goes before its
/// time.
const KEPT_BESIDES: usize = 100;

/// What a document has to do with what is kept of its feed.
#[derive(Debug)]
pub(super) struct Kept {
    /// What fell out of the feed.
    pub(super) additions: Additions,
    /// What is to be recorded, older ones first.
    news: Vec<HistoryItem>,
    /// How many items the store keeps.
    keep: usize,
    /// The newest place of an item that fell out of the feed.
    newest_gone: Option<u64>,
    shell: Option<Shell>,
}

/// Compares a document with what is kept of its feed; `None` where nothing is, or where it can't be
/// done.
pub(super) async fn compare(
    store: &Store,
    feed: &Feed,
    arrived: &Arrived,
    document: &[Bytes],
) -> Option<Kept> {
    if !feed.keeps_items() {
        return None;
    }
    let (document, repairs) = (document.to_vec(), feed.rules.options().repair);
    let origin = arrived.origin();
    let reading = tokio::task::spawn_blocking(move || {
        reading::read(document.iter().map(Bytes::as_ref), &origin, repairs)
    });
    let mut reading = match reading.await {
        Ok(reading) if !reading.is_overfull => reading,
        Ok(_) => {
            leave_out(feed, "the feed has too many items");
            return None;
        }
        Err(error) => {
            leave_out(feed, &error.to_string());
            return None;
        }
    };
    let keep_items = feed.settings.keep_items;
    let shell = reading.shell.take().map(|text| Shell::new(text, arrived));
    // One that fell out is looked for also where none is served, for the pages behind the feed.
    let count = keep_items.max(1).saturating_add(reading.items.len());
    let window = ItemWindow::newest(count, READ_BYTES_MAX);
    let stored = store.items(&feed.key, window).await;
    let sorting = tokio::task::spawn_blocking(move || sort_out(reading.items, &stored, keep_items));
    let mut kept = match sorting.await {
        Ok(kept) => kept,
        Err(error) => {
            leave_out(feed, &error.to_string());
            return None;
        }
    };
    if let Some(newest_gone) = kept.newest_gone.filter(|_| shell.is_some()) {
        kept.additions.paging = page::behind(store, feed, newest_gone).await;
    }
    if feed.settings.archive.is_some() {
        kept.keep = ITEMS_MAX;
    }
    kept.shell = shell;
    Some(kept)
}

/// Compares a document that has streamed to a reader; without it, it was too large to be kept.
pub(super) async fn compare_streamed(
    store: &Store,
    feed: &Feed,
    arrived: &Arrived,
    document: Option<&[Bytes]>,
) -> Option<Kept> {
    if document.is_none() && feed.keeps_items() {
        leave_out(feed, "the document is too large to be compared");
    }
    compare(store, feed, arrived, document?).await
}

/// What is added to a document.
pub(super) fn additions(kept: &Option<Kept>) -> Additions {
    kept.as_ref()
        .map(|kept| kept.additions.clone())
        .unwrap_or_default()
}

/// Takes over what a document brought that has become a copy; its items are recorded in a task.
pub(super) fn take_over(store: &Store, tasks: &TaskTracker, feed: &Arc<Feed>, kept: Kept) {
    let Kept {
        news, keep, shell, ..
    } = kept;
    feed.set_shell(shell);
    let (store, feed) = (store.clone(), Arc::clone(feed));
    tasks.spawn(async move { record(&store, &feed, news, keep).await });
}

async fn record(store: &Store, feed: &Feed, news: Vec<HistoryItem>, keep: usize) {
    let count = news.len();
    if count > 0 && !store.record_items(&feed.key, news, keep).await {
        tracing::warn!(
            target: "feedwright::fetch",
            items = count,
            feed.name = feed.settings.name.as_str(),
            "items could not be recorded; the next fetch tries again"
        );
    }
}

/// Where a stored body of a feed came from; `None` when that can't be read.
#[must_use]
pub fn stored_origin(entry: &StoredEntry) -> Option<Origin> {
    let said: Said = serde_json::from_slice(&entry.meta).ok()?;
    Some(said.arrived().origin())
}

/// Says that a feed is served without its kept items.
pub(super) fn leave_out(feed: &Feed, reason: &str) {
    tracing::warn!(
        target: "feedwright::fetch",
        reason,
        feed.name = feed.settings.name.as_str(),
        "kept items are left out"
    );
}

/// Gives items that share a guid the names under which they are kept. An item that was alone with its
/// guid, or was kept by a version that told none apart, goes by its mere guid.
fn recognise(items: &mut [RawItem], stored: &[KeptItem]) {
    let known: HashMap<&str, &KeptItem> = stored
        .iter()
        .map(|kept| (kept.guid.as_str(), kept))
        .collect();
    let named = stored.iter().filter_map(|kept| identity::split(&kept.guid));
    let mut shared: HashSet<String> = named.map(|(guid, _)| guid.to_owned()).collect();
    let named = items.iter().filter_map(|item| identity::split(&item.id));
    shared.extend(named.map(|(guid, _)| guid.to_owned()));
    if shared.is_empty() {
        return;
    }
    let mut alone: HashMap<String, Option<Parts>> = HashMap::new();
    let mut taken = HashSet::new();
    for item in items {
        let guid = identity::split(&item.id).map_or(item.id.as_str(), |(guid, _)| guid);
        if !shared.contains(guid) {
            continue;
        }
        let parts = reading::parts_of(item);
        let kept_alone = alone.entry(guid.to_owned()).or_insert_with(|| {
            let kept = known.get(guid)?;
            let raw = RawItem::from_bytes(kept.guid.clone(), &kept.bytes)?;
            Some(reading::parts_of(&raw))
        });
        let is_alone = kept_alone
            .as_ref()
            .is_some_and(|kept| kept.are_same(&parts, &item.id));
        let names = parts.names(guid);
        let is_free = |name: &str| !taken.contains(name);
        let mut kept = names
            .iter()
            .filter(|name| known.contains_key(name.as_str()));
        let name = kept
            .find(|name| is_free(name))
            .map(String::as_str)
            .or((is_alone && is_free(guid)).then_some(guid))
            .or((item.id != guid && is_free(&item.id)).then_some(&item.id))
            .or_else(|| names.iter().map(String::as_str).find(|name| is_free(name)));
        let name = name.unwrap_or(&item.id).to_owned();
        taken.insert(name.clone());
        item.id = name;
    }
}

/// What of `stored`, newest first, a document with these items lacks, and what of it is new.
fn sort_out(mut items: Vec<RawItem>, stored: &[KeptItem], keep_items: usize) -> Kept {
    recognise(&mut items, stored);
    let here: HashSet<&str> = items.iter().map(|item| item.id.as_str()).collect();
    let gone = stored
        .iter()
        .filter(|kept| !here.contains(kept.guid.as_str()));
    let newest_gone = gone.clone().map(|kept| kept.place).max();
    let gone = gone.filter_map(|kept| RawItem::from_bytes(kept.guid.clone(), &kept.bytes));
    let additions = Additions {
        items: gone.take(keep_items.saturating_sub(items.len())).collect(),
        paging: None,
    };
    let known: HashMap<&str, &[u8]> = stored
        .iter()
        .map(|kept| (kept.guid.as_str(), kept.bytes.as_slice()))
        .collect();
    // The newest stand first in a feed.
    let news = items.iter().rev().filter_map(|item| {
        let bytes = item.to_bytes();
        let is_known = known.get(item.id.as_str()) == Some(&bytes.as_slice());
        // What is broken must not be in a document that is whole.
        let may_be_kept = bytes.len() <= ITEM_BYTES_MAX && !is_known && item.is_well_formed();
        may_be_kept.then(|| HistoryItem {
            guid: item.id.clone(),
            bytes: bytes.into(),
        })
    });
    Kept {
        additions,
        news: news.collect(),
        keep: keep_items.max(items.len()) + KEPT_BESIDES,
        newest_gone,
        shell: None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::feed::Format;

    fn item(id: &str, text: &str) -> RawItem {
        RawItem {
            id: id.into(),
            format: Format::Rss,
            text: text.into(),
            declarations: Vec::new(),
            base: None,
        }
    }

    fn stored(place: u64, item: &RawItem) -> KeptItem {
        KeptItem {
            guid: item.id.clone(),
            bytes: item.to_bytes(),
            place,
            first_seen: SystemTime::UNIX_EPOCH,
        }
    }

    fn ids(items: &[RawItem]) -> Vec<&str> {
        items.iter().map(|item| item.id.as_str()).collect()
    }

    #[test]
    fn what_is_gone_is_added_and_what_is_new_is_recorded() {
        let (a, b, c) = (
            item("a", "<item/>"),
            item("b", "<item/>"),
            item("c", "<item/>"),
        );
        let before = [stored(3, &c), stored(2, &b), stored(1, &a)];
        let changed = item("b", "<item>new</item>");
        let new = item("d", "<item/>");
        let broken = item("e", "<item>");
        let kept = sort_out(vec![broken, new.clone(), changed.clone()], &before, 10);
        assert_eq!(ids(&kept.additions.items), ["c", "a"]);
        assert_eq!(kept.newest_gone, Some(3));
        let news: Vec<_> = kept.news.iter().map(|news| news.guid.as_str()).collect();
        assert_eq!(news, ["b", "d"]);
        assert_eq!(kept.news[0].bytes, changed.to_bytes());
        // Once they are recorded, the same items are added and nothing is new.
        let after = [
            stored(4, &new),
            stored(3, &c),
            stored(2, &changed),
            stored(1, &a),
        ];
        let again = sort_out(vec![new, changed], &after, 10);
        assert_eq!(ids(&again.additions.items), ["c", "a"]);
        assert!(again.news.is_empty());
    }

    /// The items of a document of RSS, of each guid, link and title.
    fn read(items: &[[&str; 3]]) -> Vec<RawItem> {
        let items: String = (items.iter())
            .map(|[guid, link, title]| {
                format!("<item><guid>{guid}</guid><link>{link}</link><title>{title}</title></item>")
            })
            .collect();
        let document = format!("<rss><channel>{items}</channel></rss>");
        let origin = Origin {
            url: "https://example.org/feed".parse().unwrap(),
            charset: None,
        };
        reading::read([document.as_bytes()], &origin, true).items
    }

    #[test]
    fn items_that_share_a_guid_are_each_recorded_and_each_fall_out() {
        let mut stored: Vec<KeptItem> = Vec::new();
        let mut next = 1;
        let mut fetch = |items: &[[&str; 3]]| {
            let kept = sort_out(read(items), &stored, 10);
            for news in &kept.news {
                let bytes = news.bytes.to_vec();
                match stored.iter_mut().find(|kept| kept.guid == news.guid) {
                    Some(kept) => kept.bytes = bytes,
                    None => {
                        let guid = news.guid.clone();
                        let first_seen = SystemTime::UNIX_EPOCH;
                        stored.insert(
                            0,
                            KeptItem {
                                guid,
                                bytes,
                                place: next,
                                first_seen,
                            },
                        );
                        next += 1;
                    }
                }
            }
            let titles = kept.additions.items.iter().map(|item| {
                let start = item.text.find("<title>").unwrap() + 7;
                item.text[start..item.text.find("</title>").unwrap()].to_owned()
            });
            (titles.collect::<Vec<_>>().join(" "), stored.len())
        };
        let [a, b, c, d] = [
            ["g", "1", "a"],
            ["g", "2", "b"],
            ["g", "3", "c"],
            ["g", "4", "d"],
        ];
        // Alone, as a version that told none apart may have kept it.
        assert_eq!(fetch(&[a]), (String::new(), 1));
        assert_eq!(fetch(&[c, b, a]), (String::new(), 3));
        assert_eq!(fetch(&[c, b, a]), (String::new(), 3));
        // A changed title is a change.
        assert_eq!(fetch(&[["g", "3", "c2"], b]), ("a".into(), 3));
        assert_eq!(fetch(&[d]), ("c2 b a".into(), 4));
        assert_eq!(fetch(&[["h", "5", "e"]]), ("d c2 b a".into(), 5));
        assert_eq!(fetch(&[d, a]), ("e c2 b".into(), 5));
    }

    #[test]
    fn so_many_and_no_more() {
        let old: Vec<_> = (0..20).map(|n| item(&n.to_string(), "<item/>")).collect();
        let before: Vec<_> = old
            .iter()
            .enumerate()
            .map(|(n, item)| stored(n as u64 + 1, item))
            .rev()
            .collect();
        for (here, keep_items, added) in [(2, 5, 3), (5, 5, 0), (9, 5, 0), (0, 5, 5)] {
            let here: Vec<_> = (0..here)
                .map(|n| item(&format!("new {n}"), "<item/>"))
                .collect();
            let kept = sort_out(here.clone(), &before, keep_items);
            assert_eq!(kept.additions.items.len(), added);
            assert!(
                ids(&kept.additions.items)
                    .iter()
                    .zip(["19", "18", "17", "16", "15"])
                    .all(|(id, expected)| *id == expected)
            );
            assert_eq!(kept.keep, keep_items.max(here.len()) + KEPT_BESIDES);
        }
    }
}
