//! Pages of a feed's archive (RFC 5005 §4): the items that were kept, so many to a page, in the shell of
//! the feed's last document.
//!
//! Invariant: the items of a page are a matter of their places, which are never given again. A page
//! is named by the place of its newest item, so that no page ever gets another item: the one that is
//! not full yet is another page when it is.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use tokio::time::Instant;
use xxhash_rust::xxh3::xxh3_128;

use super::fetching::{self, Arrived};
use super::{Feed, Production, Refresher, Trouble, full_text, media_type, remake, tag};
use crate::cache::{self, FeedCopy, Forms, Head, Policy, Recorder, Times};
use crate::feed::raw_item::RawItem;
use crate::fulltext::FeedArticles;
use crate::rewrite::article::{Answer, Articles};
use crate::rewrite::{Additions, Paging};
use crate::store::{ItemWindow, KeptItem, Store};
use crate::upstream::Validators;

/// Items of a page.
const ITEMS: u64 = 50;
/// Bytes of a page's items, before the rules come to them; older ones of that page are left out.
const BYTES_MAX: usize = 16 << 20;
/// Pages that are made at the same time; more wait for a place.
pub(super) const AT_ONCE_MAX: usize = 4;
/// How long a page that was made is taken as it is.
const FRESH_FOR: Duration = Duration::from_secs(600);

/// A document without its items.
#[derive(Debug)]
pub(super) struct Shell {
    arrived: Arrived,
    text: Bytes,
}

impl Shell {
    /// The rest of a document, in UTF-8.
    pub(super) fn new(text: String, arrived: &Arrived) -> Self {
        let essence = arrived
            .content_type()
            .and_then(|value| value.split(';').next());
        let content_type = format!("{}; charset=utf-8", essence.unwrap_or("text/xml"));
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::try_from(content_type) {
            headers.insert(header::CONTENT_TYPE, value);
        }
        Self {
            arrived: Arrived {
                url: arrived.url.clone(),
                validators: Validators::default(),
                headers,
                is_framed: true,
            },
            text: text.into(),
        }
    }
}

impl Feed {
    pub(super) fn set_shell(&self, shell: Option<Shell>) {
        let mut place = self.shell.lock().unwrap_or_else(PoisonError::into_inner);
        *place = shell.map(Arc::new);
    }

    /// Whether the feed's document is known, which pages take their envelope from.
    #[must_use]
    pub fn has_document(&self) -> bool {
        self.shell().is_some()
    }

    fn shell(&self) -> Option<Arc<Shell>> {
        let place = self.shell.lock().unwrap_or_else(PoisonError::into_inner);
        place.clone()
    }
}

/// A page that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The place of its newest item, which names it.
    place: u64,
    older: Option<u64>,
    newer: Option<u64>,
    /// Whether it is full, or the newest: one that others lead to.
    is_linked: bool,
}

impl Page {
    /// The page of this place, where items stand at the places from the first to the last; `None`
    /// when it is not all there any more, or not yet.
    fn find(place: u64, (first, last): (u64, u64)) -> Option<Self> {
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
fn first_of(place: u64) -> u64 {
    place.saturating_sub(1) / ITEMS * ITEMS + 1
}

fn address(feed: &Feed, place: u64) -> String {
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

impl Refresher {
    /// The page of this place, or the newest one; `None` when there is none.
    pub async fn find_page(&self, feed: &Feed, place: Option<u64>) -> Option<Page> {
        if !feed.keeps_items() {
            return None;
        }
        let (first, last) = self.store.places(&feed.key).await?;
        Page::find(place.unwrap_or(last), (first, last))
    }

    /// A page's copy: cached, or made now.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn get_page(
        self: &Arc<Self>,
        feed: &Arc<Feed>,
        page: Page,
    ) -> cache::Answer<Trouble, FeedCopy> {
        let produce = |production, _| self.start_page(feed, page, production);
        let restore = || std::future::ready(None);
        let key = page.key(feed);
        self.cache
            .get(&key, Policy::default(), restore, produce)
            .await
    }

    fn start_page(self: &Arc<Self>, feed: &Arc<Feed>, page: Page, production: Production) {
        let (refresher, feed) = (Arc::clone(self), Arc::clone(feed));
        self.tasks.spawn(async move {
            let made = production.run(refresher.make_page(&feed, page)).await;
            let is_kept = page.is_linked && !feed.is_retired.load(Ordering::Acquire);
            match made {
                // Each place makes a page: not all of them are worth keeping.
                Ok(copy) if is_kept => {
                    production.complete(Arc::new(copy));
                }
                made => production.complete_unkept(made.map(Arc::new).map_err(Arc::new)),
            }
        });
    }

    async fn make_page(&self, feed: &Arc<Feed>, page: Page) -> Result<FeedCopy, Trouble> {
        let _place = self.pages.acquire().await;
        let shell = feed.shell().ok_or(Trouble::NoDocument)?;
        let window = ItemWindow {
            from: first_of(page.place),
            to: page.place,
            newest_first: true,
            count: ITEMS as usize,
            bytes_max: BYTES_MAX,
        };
        let items = self.store.items(&feed.key, window).await;
        let additions = Additions {
            items: items.iter().filter_map(raw).collect(),
            paging: Some(Paging {
                page: Some(page.address(feed)),
                older: page.older.map(|older| address(feed, older)),
                newer: page.newer.map(|newer| address(feed, newer)),
            }),
        };
        let articles = self.articles_of(feed, &shell, &additions).await;
        let known = self.cache.peek(&page.key(feed));
        let recording_bytes_max = self.cache.options().recording_bytes_max;
        // Bounded by how many are made at once: it counts, and waits for nobody.
        let bytes: usize = items.iter().map(|item| item.bytes.len()).sum();
        let mut charge = self.client.budget().force(2 * bytes as u64);
        let (feed, now) = (Arc::clone(feed), (self.wall_clock)());
        let making = tokio::task::spawn_blocking(move || {
            let origin = shell.arrived.origin();
            let mut rewriter = remake::rewriter(&feed, origin, additions, articles);
            let mut out = String::new();
            rewriter.push(&shell.text, &mut out);
            let ending = rewriter.finish(&mut out);
            fetching::judge(&ending, rewriter.is_outgrown())?;
            let format = rewriter.format().ok_or(Trouble::NoDocument)?;
            let content_type = media_type::content_type(shell.arrived.content_type(), format);
            let digest = xxh3_128(out.as_bytes());
            let opaque = tag::make(&[&digest.to_be_bytes()], &feed.rules);
            let head = Head::new(&content_type, Some(opaque), now);
            let head = match &known {
                Some(known) if known.digest == Some(digest) => known.head.clone(),
                _ => head,
            };
            let mut recorder = Recorder::new(recording_bytes_max);
            let forms = Forms::growing(recorder.recording(), charge.budget());
            recorder.append(out.into())?;
            let body = recorder.finish();
            charge.settle(body.len() as u64);
            body.hold(&Arc::new(charge));
            forms.complete(body);
            Ok(FeedCopy {
                head,
                forms: Arc::new(forms),
                validators: Validators::default(),
                digest: Some(digest),
                items: items.len(),
                missing_articles: 0,
                times: Times {
                    fetched_at: Instant::now(),
                    fresh_for: FRESH_FOR,
                    stale_if_error: Duration::ZERO,
                },
            })
        });
        making.await.unwrap_or(Err(Trouble::Panicked))
    }

    /// The articles of a page's items, as far as they are stored: those of old items are not fetched.
    async fn articles_of(
        &self,
        feed: &Feed,
        shell: &Shell,
        additions: &Additions,
    ) -> Option<Articles> {
        let options = feed.settings.full_text.clone()?;
        let upstream = feed.settings.upstream.clone();
        let shelf = Arc::new(FeedArticles::new(Arc::clone(&feed.key), options, upstream));
        let document = (std::slice::from_ref(&shell.text), additions);
        let links = full_text::links_of(feed, &shell.arrived, document);
        self.library.load(&shelf, &links, full_text::LOAD_FOR).await;
        Some(Articles::new(move |link| match shelf.answer(link) {
            Answer::Article(article) => Answer::Article(article),
            _ => Answer::None,
        }))
    }
}

fn raw(kept: &KeptItem) -> Option<RawItem> {
    RawItem::from_bytes(kept.guid.clone(), &kept.bytes)
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
