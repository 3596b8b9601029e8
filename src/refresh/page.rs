//! Pages of a feed's archive (RFC 5005 §4): the items that were kept, so many to a page, in the shell of
//! the feed's last document.
//!
//! Invariant: the items of a page are a matter of their places, which are never given again. A page
//! is named by the place of its newest item, so that no page ever gets another item: the one that is
//! not full yet is another page when it is.

use std::sync::Arc;

use super::Feed;
use crate::rewrite::Paging;
use crate::store::Store;

/// Items of a page.
pub(super) const ITEMS: u64 = 50;
/// A page that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The place of its newest item, which names it.
    pub(super) place: u64,
    pub(super) older: Option<u64>,
    pub(super) newer: Option<u64>,
    /// Whether it is full, or the newest: one that others lead to.
    pub(super) is_linked: bool,
}

impl Page {
    /// The page of this place, where items stand at the places from the first to the last; `None`
    /// when it is not all there any more, or not yet.
    pub(super) fn find(place: u64, (first, last): (u64, u64)) -> Option<Self> {
        let is_there = |place: u64| (1..=last).contains(&place) && first_of(place) >= first;
        let page = Self {
            place,
            older: first_of(place).checked_sub(1),
            newer: place
                .is_multiple_of(ITEMS)
                .then(|| place.saturating_add(ITEMS)),
            is_linked: place.is_multiple_of(ITEMS) || place == last,
        };
        is_there(place).then(|| Self {
            older: page.older.filter(|older| is_there(*older)),
            newer: page.newer.filter(|newer| is_there(*newer)),
            ..page
        })
    }

    /// Whether nothing about it changes any more but what its publisher, or the operator, changes
    /// about old items.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.newer.is_some()
    }

    /// The key of its copy.
    #[must_use]
    pub fn key(&self, feed: &Feed) -> Arc<str> {
        Arc::from(format!("{}/archive/{}", feed.key, self.place))
    }

    /// Its address.
    #[must_use]
    pub fn address(&self, feed: &Feed) -> String {
        address(feed, self.place)
    }
}

/// The place of the oldest item of a page; places count from 1.
pub(super) fn first_of(place: u64) -> u64 {
    place.saturating_sub(1) / ITEMS * ITEMS + 1
}

pub(super) fn address(feed: &Feed, place: u64) -> String {
    format!("{}/archive/{place}", feed.rules.options().self_url)
}

/// Where a feed's own document stands, of whose items the one at `newest_gone` is the newest that fell
/// out. `None` where the envelope stays as it is, or the page is not there.
pub(super) async fn behind(store: &Store, feed: &Feed, newest_gone: u64) -> Option<Paging> {
    if feed.rules.options().keep_envelope {
        return None;
    }
    let places = store.places(&feed.key).await?;
    let page = Page::find(newest_gone, places)?;
    Some(Paging {
        older: Some(page.address(feed)),
        ..Paging::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_found_by_their_newest_item() {
        let find = |place, places| Page::find(place, places).map(|page| (page.older, page.newer));
        for (place, places, expected) in [
            (1, (1, 1), Some((None, None))),
            (0, (1, 1), None),
            (2, (1, 1), None),
            (50, (1, 50), Some((None, None))),
            (50, (1, 99), Some((None, None))),
            (50, (1, 100), Some((None, Some(100)))),
            (70, (1, 100), Some((Some(50), None))),
            (100, (1, 120), Some((Some(50), None))),
            (120, (1, 120), Some((Some(100), None))),
            // What was given up takes its page with it.
            (50, (2, 120), None),
            (100, (2, 120), Some((None, None))),
            (100, (51, 150), Some((None, Some(150)))),
            (u64::MAX, (1, 120), None),
        ] {
            assert_eq!(find(place, places), expected, "{place} of {places:?}");
        }
    }
}
