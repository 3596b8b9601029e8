//! Fetches the articles of feeds, stores their pages, and extracts the articles.
//!
//! Invariants: no request waits for this; an article is fetched once, and again only after a failure,
//! with growing pauses; every fetch takes its host's slot from [`Hosts`]; a failure leaves the item
//! unchanged.

mod outcome;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;
use url::Url;

use super::FullTextLimits;
use super::articles::{ArticleState, FeedArticles, FetchGuard, page_url};
use super::extractor::Extractor;
use super::fetch::{ArticleError, FetchedArticle, PageFetcher};
use super::recipe::Recipe;
use super::record::{self, ArticleRecord, Failure, StoredPage};
use super::sites::Sites;
use crate::causes::chain;
use crate::store::{Purge, Space, Store};
use crate::upstream::UpstreamClient;
use crate::upstream::hosts::Hosts;

/// How often a task that waits for its next attempt checks whether its feed is still configured.
const CHECK_INTERVAL: Duration = Duration::from_secs(60);
/// How long fetched articles wait for others before they are shown together.
const BATCH_FOR: Duration = Duration::from_secs(2);
/// Articles that are loaded or extracted at the same time.
const LOADS_MAX: usize = 4;

/// Fetches and stores articles.
#[derive(Debug)]
pub struct Library {
    store: Store,
    pages: PageFetcher,
    extractor: Extractor,
    sites: Sites,
    limits: FullTextLimits,
}

impl Library {
    /// A library that keeps its pages in `store`.
    #[must_use]
    pub fn new(
        store: Store,
        (client, hosts): (UpstreamClient, Arc<Hosts>),
        extractor: Extractor,
        limits: FullTextLimits,
    ) -> Self {
        Self {
            store,
            pages: PageFetcher::new(client, hosts, &limits, extractor.clone()),
            extractor,
            sites: Sites::new(limits.site_rules.clone()),
            limits,
        }
    }

    /// Drops the articles that were purged from the store: they are fetched again with the next
    /// document that links to them.
    pub fn forget_purged(&self, articles: &FeedArticles, purge: &Purge) {
        articles.forget(|link| purge.holds(Space::Articles, &key(articles, link), UNIX_EPOCH));
    }

    /// Loads the articles of `links` whose pages are stored. Those not loaded within `wait` come
    /// later, like those that have to be fetched.
    pub async fn load(&self, articles: &FeedArticles, links: &[String], wait: Duration) {
        let mut wanted: Vec<Arc<str>> = Vec::new();
        for link in links {
            if wanted.len() == self.limits.items_max {
                break;
            }
            if page_url(link).is_some() && !wanted.iter().any(|known| **known == **link) {
                wanted.push(Arc::from(link.as_str()));
            }
        }
        let new = articles.keep_only(&wanted, Instant::now());
        let loading = self.load_all(articles, new);
        tokio::time::timeout(wait, loading).await.ok();
    }

    async fn load_all(&self, articles: &FeedArticles, new: Vec<Arc<str>>) {
        let mut new = new.into_iter();
        let mut loading = FuturesUnordered::new();
        loop {
            while loading.len() < LOADS_MAX
                && let Some(link) = new.next()
            {
                loading.push(self.take_stored(articles, link));
            }
            if loading.next().await.is_none() {
                return;
            }
        }
    }

    async fn take_stored(&self, articles: &FeedArticles, link: Arc<str>) {
        if let Some(state) = self.stored(articles, &link).await {
            articles.put(&link, state);
        }
    }

    /// The state of an article by what is stored.
    async fn stored(&self, articles: &FeedArticles, link: &Arc<str>) -> Option<ArticleState> {
        let key = key(articles, link);
        match self.kept(&key).await {
            Some(kept) if kept.is_partial => return None,
            Some(kept) => return Some(self.make(articles, link, &kept.pages).await),
            None => {}
        }
        let state = self.store.state(Space::Articles, &key).await?;
        let failure: Failure = serde_json::from_slice(&state).ok()?;
        let since = Instant::now();
        // With other cookies or headers it may succeed at once.
        (failure.terms == self.terms(articles)).then_some(ArticleState::Failed { failure, since })
    }

    async fn kept(&self, key: &str) -> Option<ArticleRecord> {
        let entry = self.store.get(Space::Articles, key).await?;
        record::decode(&entry.meta, &entry.body)
    }

    /// Extracts an article from stored pages.
    async fn make(
        &self,
        articles: &FeedArticles,
        link: &Arc<str>,
        pages: &[StoredPage],
    ) -> ArticleState {
        let recipe = self.recipe(articles, pages.first().map(|page| &page.url));
        match self.extractor.article(pages, &recipe).await {
            Ok(article) => self.concluded(articles, link, article).await,
            Err(problem) => self.postponed(articles, link, problem),
        }
    }

    /// Fetches the missing articles in a task; `show` is called when some have arrived. One task per
    /// feed fetches at a time.
    pub fn serve(
        self: &Arc<Self>,
        articles: &Arc<FeedArticles>,
        show: impl Fn() + Send + Sync + 'static,
    ) {
        let (due, next) = articles.due(now_s());
        if due.is_empty() && next.is_none() {
            return;
        }
        let Some(guard) = articles.try_begin() else {
            return;
        };
        let library = Arc::clone(self);
        #[expect(
            clippy::disallowed_methods,
            reason = "it may sleep for hours, and the store is never left half written"
        )]
        tokio::spawn(async move { library.fetch_due(&guard, &show).await });
    }

    async fn fetch_due(&self, guard: &FetchGuard, show: &(impl Fn() + Sync)) {
        let FetchGuard(articles) = guard;
        loop {
            let (due, next) = articles.due(now_s());
            if due.is_empty() {
                let Some(next) = next else { return };
                let pause = Duration::from_secs(next.saturating_sub(now_s()).max(1));
                tokio::select! {
                    () = tokio::time::sleep(pause.min(CHECK_INTERVAL)) => {}
                    () = articles.changed.notified() => {}
                }
                // The feed is no longer configured.
                if Arc::strong_count(articles) == 1 {
                    return;
                }
                continue;
            }
            self.fetch_all(articles, due, show).await;
        }
    }

    /// Fetches all that is due, and shows what has arrived at the latest after [`BATCH_FOR`].
    async fn fetch_all(
        &self,
        articles: &FeedArticles,
        due: Vec<Arc<str>>,
        show: &(impl Fn() + Sync),
    ) {
        let mut due = due.into_iter();
        let mut coming = FuturesUnordered::new();
        let mut show_at: Option<Instant> = None;
        loop {
            // Few at a time, so that the feed's own fetch need not queue behind them all at its host.
            while coming.len() < self.limits.fetches_max
                && let Some(link) = due.next()
            {
                coming.push(self.obtain(articles, link));
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
                        show_at.get_or_insert_with(|| Instant::now() + BATCH_FOR);
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

    /// Loads an article from the store, or fetches it. Returns whether its state may have changed.
    async fn obtain(&self, articles: &FeedArticles, link: Arc<str>) -> bool {
        let Some(url) = page_url(&link) else {
            return false;
        };
        let state = match self.kept(&key(articles, &link)).await {
            Some(kept) if !kept.is_partial => self.make(articles, &link, &kept.pages).await,
            kept => {
                let gathered = kept.map(|kept| kept.pages).unwrap_or_default();
                self.fetch(articles, &link, url, gathered).await
            }
        };
        articles.put(&link, state);
        true
    }

    async fn fetch(
        &self,
        articles: &FeedArticles,
        link: &Arc<str>,
        url: Url,
        mut gathered: Vec<StoredPage>,
    ) -> ArticleState {
        let started = Instant::now();
        let recipe = self.recipe(articles, Some(&url));
        let was_empty = gathered.is_empty();
        let outcome = self
            .pages
            .fetch(articles, url, &recipe, &mut gathered)
            .await;
        let duration_ms = started.elapsed().as_millis();
        let key = key(articles, link);
        match outcome {
            Ok(FetchedArticle { pages, article }) => {
                let bytes: usize = pages.iter().map(|page| page.bytes.len()).sum();
                tracing::info!(
                    feed.name = &*articles.feed,
                    url = &**link,
                    pages = pages.len(),
                    bytes,
                    duration_ms,
                    "article fetched"
                );
                self.store_pages(&key, &pages, false).await;
                self.store.set_state(Space::Articles, &key, None);
                self.concluded(articles, link, article).await
            }
            Err(ArticleError::NoWorker(problem)) => {
                self.store_pages(&key, &gathered, true).await;
                self.postponed(articles, link, problem)
            }
            Err(failed) => {
                if !was_empty {
                    self.store.remove(Space::Articles, &key).await;
                }
                let (since, before) = articles.attempts(link);
                let failure = self.failure(articles, &failed, before + 1);
                tracing::warn!(
                    feed.name = &*articles.feed,
                    url = &**link,
                    reason = failed.reason(),
                    problem = chain(&failed),
                    attempts = failure.attempts,
                    is_final = failure.is_final(),
                    duration_ms,
                    "article not fetched"
                );
                self.remember(&key, &failure);
                ArticleState::Failed { failure, since }
            }
        }
    }

    async fn store_pages(&self, key: &str, pages: &[StoredPage], is_partial: bool) {
        if let Some((meta, body)) = record::encode(pages, is_partial) {
            self.store.put(Space::Articles, key, meta, body).await;
        }
    }

    fn recipe(&self, articles: &FeedArticles, url: Option<&Url>) -> Arc<Recipe> {
        let host = url.and_then(Url::host_str).unwrap_or_default();
        let site = self.sites.recipe(host);
        // Selectors were validated with the configuration.
        articles.options.recipe(&site).map_or(site, Arc::new)
    }
}

fn key(articles: &FeedArticles, link: &str) -> String {
    record::key(&articles.feed, link)
}

fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
