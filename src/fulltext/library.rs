//! Fetches the articles of feeds, keeps their pages, and makes articles of them.
//!
//! Invariants: nothing here is on a reader's way; an article is fetched once, and again only after a
//! failure, later each time; each host gives the place that [`Hosts`] has for it; what fails leaves
//! the item as it is.

mod settling;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;
use url::Url;

use super::Limits;
use super::extractor::Extractor;
use super::fetch::{Failed, Pages, Whole};
use super::recipe::Recipe;
use super::record::{self, Failure, Kept, Stored};
use super::shelf::{Book, Service, Shelf, page_address};
use super::sites::Sites;
use crate::causes::chain;
use crate::store::{Purge, Space, Store};
use crate::upstream::UpstreamClient;
use crate::upstream::hosts::Hosts;

/// How often a task that waits for its next try looks whether it is still wanted.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How long articles that have come wait for more before they are shown.
const GATHER_FOR: Duration = Duration::from_secs(2);
/// Articles that are loaded or made at the same time.
const LOADS_MAX: usize = 4;

/// What fetches and keeps articles.
#[derive(Debug)]
pub struct Library {
    store: Store,
    pages: Pages,
    extractor: Extractor,
    sites: Sites,
    limits: Limits,
}

impl Library {
    /// A library that keeps its pages in `store`.
    #[must_use]
    pub fn new(
        store: Store,
        (client, hosts): (UpstreamClient, Arc<Hosts>),
        extractor: Extractor,
        limits: Limits,
    ) -> Self {
        Self {
            store,
            pages: Pages::new(client, hosts, &limits, extractor.clone()),
            extractor,
            sites: Sites::new(limits.site_rules.clone()),
            limits,
        }
    }

    /// Forgets the articles that were purged from the store: they are asked for again with the next
    /// document that leads to them.
    pub fn forget_purged(&self, shelf: &Shelf, purge: &Purge) {
        shelf.forget(|link| purge.holds(Space::Articles, &key(shelf, link), UNIX_EPOCH));
    }

    /// Makes the articles that `links` lead to the shelf's, as far as their pages are stored. What takes
    /// longer than `wait` comes later, like what has to be fetched.
    pub async fn load(&self, shelf: &Shelf, links: &[String], wait: Duration) {
        let mut wanted: Vec<Arc<str>> = Vec::new();
        for link in links {
            if wanted.len() == self.limits.items_max {
                break;
            }
            if page_address(link).is_some() && !wanted.iter().any(|known| **known == **link) {
                wanted.push(Arc::from(link.as_str()));
            }
        }
        let new = shelf.keep_only(&wanted, Instant::now());
        let loading = self.load_all(shelf, new);
        tokio::time::timeout(wait, loading).await.ok();
    }

    async fn load_all(&self, shelf: &Shelf, new: Vec<Arc<str>>) {
        let mut new = new.into_iter();
        let mut loading = FuturesUnordered::new();
        loop {
            while loading.len() < LOADS_MAX
                && let Some(link) = new.next()
            {
                loading.push(self.take_stored(shelf, link));
            }
            if loading.next().await.is_none() {
                return;
            }
        }
    }

    async fn take_stored(&self, shelf: &Shelf, link: Arc<str>) {
        if let Some(book) = self.stored(shelf, &link).await {
            shelf.put(&link, book);
        }
    }

    /// What is stored of an article.
    async fn stored(&self, shelf: &Shelf, link: &Arc<str>) -> Option<Book> {
        let key = key(shelf, link);
        match self.kept(&key).await {
            Some(kept) if kept.is_partial => return None,
            Some(kept) => return Some(self.make(shelf, link, &kept.pages).await),
            None => {}
        }
        let state = self.store.state(Space::Articles, &key).await?;
        let failure: Failure = serde_json::from_slice(&state).ok()?;
        let since = Instant::now();
        // With other cookies or rules it may work at once.
        (failure.terms == self.terms(shelf)).then_some(Book::Failed { failure, since })
    }

    async fn kept(&self, key: &str) -> Option<Kept> {
        let entry = self.store.get(Space::Articles, key).await?;
        record::decode(&entry.meta, &entry.body)
    }

    /// Makes an article of stored pages.
    async fn make(&self, shelf: &Shelf, link: &Arc<str>, pages: &[Stored]) -> Book {
        let recipe = self.recipe(shelf, pages.first().map(|page| &page.url));
        match self.extractor.article(pages, &recipe).await {
            Ok(article) => self.settle(shelf, link, article).await,
            Err(problem) => self.put_off(shelf, link, problem),
        }
    }

    /// Fetches what the shelf lacks, in a task; `show` is called when some has come. Only one task
    /// fetches for a shelf.
    pub fn serve(self: &Arc<Self>, shelf: &Arc<Shelf>, show: impl Fn() + Send + Sync + 'static) {
        let (due, next) = shelf.due(now_s());
        if due.is_empty() && next.is_none() {
            return;
        }
        let Some(service) = shelf.try_serve() else {
            return;
        };
        let library = Arc::clone(self);
        #[expect(
            clippy::disallowed_methods,
            reason = "it may sleep for hours, and the store is never left half written"
        )]
        tokio::spawn(async move { library.fetch_due(&service, &show).await });
    }

    async fn fetch_due(&self, service: &Service, show: &(impl Fn() + Sync)) {
        let Service(shelf) = service;
        loop {
            let (due, next) = shelf.due(now_s());
            if due.is_empty() {
                let Some(next) = next else { return };
                let pause = Duration::from_secs(next.saturating_sub(now_s()).max(1));
                tokio::select! {
                    () = tokio::time::sleep(pause.min(LOOK_EVERY)) => {}
                    () = shelf.changed.notified() => {}
                }
                // Nobody else has this feed any more.
                if Arc::strong_count(shelf) == 1 {
                    return;
                }
                continue;
            }
            self.fetch_all(shelf, due, show).await;
        }
    }

    /// Fetches what is due; what has come is shown at the latest after [`GATHER_FOR`].
    async fn fetch_all(&self, shelf: &Shelf, due: Vec<Arc<str>>, show: &(impl Fn() + Sync)) {
        let mut due = due.into_iter();
        let mut coming = FuturesUnordered::new();
        let mut show_at: Option<Instant> = None;
        loop {
            // No more at once, or a feed's own fetch would wait behind them all at its host.
            while coming.len() < self.limits.fetches_max
                && let Some(link) = due.next()
            {
                coming.push(self.bring(shelf, link));
            }
            let gathered = async {
                match show_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                came = coming.next() => match came {
                    Some(true) => {
                        show_at.get_or_insert_with(|| Instant::now() + GATHER_FOR);
                    }
                    Some(false) => {}
                    None => break,
                },
                () = gathered => {
                    show();
                    show_at = None;
                }
            }
        }
        if show_at.is_some() {
            show();
        }
    }

    /// Brings one article: reads what is stored of it, else fetches it. Whether something is different
    /// now.
    async fn bring(&self, shelf: &Shelf, link: Arc<str>) -> bool {
        let Some(url) = page_address(&link) else {
            return false;
        };
        let book = match self.kept(&key(shelf, &link)).await {
            Some(kept) if !kept.is_partial => self.make(shelf, &link, &kept.pages).await,
            kept => {
                let gathered = kept.map(|kept| kept.pages).unwrap_or_default();
                self.fetch(shelf, &link, url, gathered).await
            }
        };
        shelf.put(&link, book);
        true
    }

    async fn fetch(
        &self,
        shelf: &Shelf,
        link: &Arc<str>,
        url: Url,
        mut gathered: Vec<Stored>,
    ) -> Book {
        let started = Instant::now();
        let recipe = self.recipe(shelf, Some(&url));
        let was_empty = gathered.is_empty();
        let outcome = self.pages.fetch(shelf, url, &recipe, &mut gathered).await;
        let duration_ms = started.elapsed().as_millis();
        let key = key(shelf, link);
        match outcome {
            Ok(Whole { pages, article }) => {
                let bytes: usize = pages.iter().map(|page| page.bytes.len()).sum();
                tracing::info!(
                    feed.name = &*shelf.feed,
                    url = &**link,
                    pages = pages.len(),
                    bytes,
                    duration_ms,
                    "article fetched"
                );
                self.store_pages(&key, &pages, false).await;
                self.store.set_state(Space::Articles, &key, None);
                self.settle(shelf, link, article).await
            }
            Err(Failed::NoWorker(problem)) => {
                self.store_pages(&key, &gathered, true).await;
                self.put_off(shelf, link, problem)
            }
            Err(failed) => {
                if !was_empty {
                    self.store.remove(Space::Articles, &key).await;
                }
                let (since, before) = shelf.past(link);
                let failure = self.failure(shelf, &failed, before + 1);
                tracing::warn!(
                    feed.name = &*shelf.feed,
                    url = &**link,
                    reason = failed.reason(),
                    problem = chain(&failed),
                    attempts = failure.attempts,
                    is_final = failure.is_final(),
                    duration_ms,
                    "article not fetched"
                );
                self.remember(&key, &failure);
                Book::Failed { failure, since }
            }
        }
    }

    async fn store_pages(&self, key: &str, pages: &[Stored], is_partial: bool) {
        if let Some((meta, body)) = record::encode(pages, is_partial) {
            self.store.put(Space::Articles, key, meta, body).await;
        }
    }

    fn recipe(&self, shelf: &Shelf, url: Option<&Url>) -> Arc<Recipe> {
        let host = url.and_then(Url::host_str).unwrap_or_default();
        let site = self.sites.recipe(host);
        // Validated options hold no selector that is none.
        shelf.options.recipe(&site).map_or(site, Arc::new)
    }
}

fn key(shelf: &Shelf, link: &str) -> String {
    record::key(&shelf.feed, link)
}

fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
