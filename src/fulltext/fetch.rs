//! Fetches the pages of one article.
//!
//! Invariants: every page goes through the guard, like any other fetch; the fetch of a page that is too
//! large, or no HTML, ends as soon as that is seen; cookies go only to the hosts in the configuration.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue, StatusCode};
use tokio::sync::Semaphore;
use url::Url;

use super::FullTextLimits;
use super::articles::FeedArticles;
use super::extract::{self, Findings, NoArticle};
use super::extractor::{Extractor, NoWorker};
use super::recipe::Recipe;
use super::record::StoredPage;
use crate::rewrite::article::Article;
use crate::upstream::guard::Refusal;
use crate::upstream::hosts::{FetchSlot, HostOutcome, Hosts, Urgency};
use crate::upstream::{FetchError, Fetched, Upstream, UpstreamClient, Validators};

/// Why an article could not be fetched.
#[derive(Debug, thiserror::Error)]
pub(super) enum ArticleError {
    #[error("the page could not be fetched")]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Page(#[from] NoArticle),
    #[error("the page has more than {0} bytes")]
    TooLarge(usize),
    #[error("the page could not be read yet")]
    NoWorker(#[from] NoWorker),
}

impl ArticleError {
    /// One stable word for logs.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Fetch(error) => error.reason(),
            Self::Page(problem) => problem.reason(),
            Self::TooLarge(_) => "too-large",
            Self::NoWorker(problem) => problem.reason(),
        }
    }

    /// Whether another attempt is useless.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::Fetch(FetchError::Refused(_) | FetchError::TooLarge { .. }) => true,
            Self::Fetch(FetchError::Status { status, .. }) => *status == StatusCode::GONE,
            Self::Fetch(_) | Self::Page(NoArticle::Wall(_)) | Self::NoWorker(_) => false,
            Self::Page(_) | Self::TooLarge(_) => true,
        }
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Fetch(FetchError::Status { retry_after, .. }) => *retry_after,
            _ => None,
        }
    }
}

/// Fetches the pages of articles.
#[derive(Debug)]
pub(super) struct PageFetcher {
    client: UpstreamClient,
    hosts: Arc<Hosts>,
    /// Slots of all feeds together.
    slots: Semaphore,
    pages_max: usize,
    page_bytes_max: usize,
    extractor: Extractor,
}

/// An article with its pages.
#[derive(Debug)]
pub(super) struct FetchedArticle {
    pub(super) pages: Vec<StoredPage>,
    pub(super) article: Result<Article, NoArticle>,
}

impl PageFetcher {
    pub(super) fn new(
        client: UpstreamClient,
        hosts: Arc<Hosts>,
        limits: &FullTextLimits,
        extractor: Extractor,
    ) -> Self {
        Self {
            client,
            hosts,
            slots: Semaphore::new(limits.fetches_max),
            pages_max: limits.pages_max,
            page_bytes_max: limits.page_bytes_max,
            extractor,
        }
    }

    /// Fetches the article at `url` with its pages, in order. Pages in `gathered` are not fetched
    /// again; those that are fetched are added to it.
    pub(super) async fn fetch(
        &self,
        articles: &FeedArticles,
        url: Url,
        recipe: &Recipe,
        gathered: &mut Vec<StoredPage>,
    ) -> Result<FetchedArticle, ArticleError> {
        let (mut first, mut findings) = self.read(articles, &url, recipe, gathered).await?;
        if let Some(single) = &findings.single_page {
            (first, findings) = self.read(articles, single, recipe, gathered).await?;
        }
        let mut pages = vec![first];
        let mut found = vec![findings.article];
        let mut next = findings.next_page;
        while pages.len() < self.pages_max {
            let is_new = |next: &Url| {
                pages
                    .iter()
                    .all(|page| page.url != *next && page.asked != *next)
            };
            let Some(url) = next.filter(is_new) else {
                break;
            };
            // A failure here fails the article: its beginning must not be stored as the whole.
            let (page, findings) = self.read(articles, &url, recipe, gathered).await?;
            // The same text under ever new URLs would never end.
            let is_known = |known| extract::show_the_same(known, &findings.article);
            if found.iter().any(is_known) {
                break;
            }
            pages.push(page);
            found.push(findings.article);
            next = findings.next_page;
        }
        let article = extract::join(found);
        Ok(FetchedArticle { pages, article })
    }

    /// Gets a page, and what the extractor finds on it.
    async fn read(
        &self,
        articles: &FeedArticles,
        url: &Url,
        recipe: &Recipe,
        gathered: &mut Vec<StoredPage>,
    ) -> Result<(StoredPage, Findings), ArticleError> {
        let asked = upstream(articles, url, recipe).url;
        let page = match gathered.iter().find(|page| page.asked == asked) {
            Some(page) => page.clone(),
            None => {
                let page = self.page(articles, url, recipe).await?;
                gathered.push(page.clone());
                page
            }
        };
        let findings = self.extractor.look(&page, recipe).await?;
        match findings.article {
            // A wall is not stored: the article behind it would never be fetched.
            Ok((_, Some(wall))) => Err(NoArticle::Wall(wall).into()),
            Err(problem @ (NoArticle::NotAPage(_) | NoArticle::TooComplex)) => Err(problem.into()),
            _ => Ok((page, findings)),
        }
    }

    async fn page(
        &self,
        articles: &FeedArticles,
        url: &Url,
        recipe: &Recipe,
    ) -> Result<StoredPage, ArticleError> {
        let upstream = upstream(articles, url, recipe);
        // A name that does not resolve must not hold a slot.
        self.client.prepare(&upstream).await?;
        let host_slot = self.hosts.enter(url, Urgency::Background).await?;
        let _permit = self.slots.acquire().await;
        let mut slot = FetchSlot::new(host_slot, Urgency::Background);
        let outcome = self.page_through(&upstream, &mut slot).await;
        slot.conclude(host_outcome(&outcome));
        outcome
    }

    async fn page_through(
        &self,
        upstream: &Upstream,
        slot: &mut FetchSlot,
    ) -> Result<StoredPage, ArticleError> {
        let fetched = self
            .client
            .fetch_through(upstream, &Validators::default(), slot)
            .await?;
        let Fetched::Found(mut found) = fetched else {
            return Err(NoArticle::Nothing.into());
        };
        let content_type = found.content_type().map(str::to_owned);
        let mut bytes = BytesMut::new();
        let mut is_judged = false;
        while let Some(chunk) = found.body.chunk().await? {
            if bytes.len() + chunk.len() > self.page_bytes_max {
                return Err(ArticleError::TooLarge(self.page_bytes_max));
            }
            bytes.extend_from_slice(&chunk);
            // Decides early whether it is HTML at all.
            if !is_judged && bytes.len() >= 4 << 10 {
                is_judged = true;
                extract::decode(&bytes, content_type.as_deref())?;
            }
        }
        Ok(StoredPage {
            asked: upstream.url.clone(),
            url: found.url,
            content_type,
            bytes: Bytes::from(bytes),
            held: found.body.into_grant().map(Arc::new),
        })
    }
}

/// The request for a page. SECURITY: cookies and secret header fields never go over plain HTTP, even
/// where a publisher's link says so, unless the operator fetches the feed from the same host over
/// plain HTTP.
fn upstream(articles: &FeedArticles, url: &Url, recipe: &Recipe) -> Upstream {
    let feed = &articles.upstream.url;
    let is_open = feed.scheme() == "http" && feed.host() == url.host();
    let is_trusted = articles.options.is_trusted(url);
    let mut upstream = Upstream {
        url: url.clone(),
        headers: Vec::new(),
        cookies: None,
        ..articles.upstream.clone()
    };
    if is_trusted && articles.options.has_secrets() && !is_open {
        secure(&mut upstream.url);
    }
    let may_carry = is_open || upstream.url.scheme() == "https";
    for (name, value) in &recipe.headers {
        let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value))
        else {
            continue;
        };
        match name.as_str() {
            "user-agent" => upstream.user_agent = value.to_str().ok().map(str::to_owned),
            "cookie" if may_carry => upstream.cookies = Some(value),
            "referer" | "accept" | "accept-language" => upstream.headers.push((name, value)),
            _ => {}
        }
    }
    if is_trusted && may_carry {
        upstream
            .headers
            .extend(articles.options.headers.iter().cloned());
        upstream.cookies = articles.options.cookies.clone().or(upstream.cookies);
    }
    upstream
}

/// Changes `http` to `https` in a URL without a port.
fn secure(url: &mut Url) {
    if url.scheme() == "http" && url.port().is_none() {
        // This fails for non-special schemes only.
        let _ = url.set_scheme("https");
    }
}

/// What a fetch says about the health of its host.
fn host_outcome(outcome: &Result<StoredPage, ArticleError>) -> Option<HostOutcome> {
    match outcome {
        Ok(_)
        | Err(
            ArticleError::Page(_)
            | ArticleError::TooLarge(_)
            | ArticleError::Fetch(FetchError::Challenge { .. }),
        ) => Some(HostOutcome::Answered),
        Err(ArticleError::Fetch(FetchError::Status {
            status,
            retry_after,
        })) => match status.as_u16() {
            429 | 503 => Some(HostOutcome::Overloaded(*retry_after)),
            500.. => Some(HostOutcome::Failed),
            _ => Some(HostOutcome::Answered),
        },
        Err(ArticleError::Fetch(FetchError::Refused(Refusal::Unknown))) => {
            Some(HostOutcome::Failed)
        }
        Err(ArticleError::Fetch(
            FetchError::Refused(_) | FetchError::Crowded | FetchError::BackingOff { .. },
        )) => None,
        Err(ArticleError::NoWorker(_)) => None,
        Err(ArticleError::Fetch(_)) => Some(HostOutcome::Failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fulltext::FullTextOptions;
    use http::header::AUTHORIZATION;

    /// The address that is asked, and whether it gets what only trusted hosts may have.
    fn asked(feed: &str, page: &str) -> (String, bool) {
        let options = FullTextOptions {
            hosts: vec!["a.example".into(), "b.example".into()],
            cookies: Some(HeaderValue::from_static("session=1")),
            headers: vec![(AUTHORIZATION, HeaderValue::from_static("Bearer 1"))],
            ..FullTextOptions::default()
        };
        let of_the_feed = Upstream {
            url: feed.parse().unwrap(),
            user_agent: None,
            headers: vec![(AUTHORIZATION, HeaderValue::from_static("Bearer 2"))],
            cookies: Some(HeaderValue::from_static("feed=1")),
            proxy: None,
            allow_private: Vec::new(),
        };
        let articles = FeedArticles::new("news".into(), options, of_the_feed);
        let upstream = upstream(&articles, &page.parse().unwrap(), &Recipe::default());
        assert_eq!(upstream.cookies.is_some(), !upstream.headers.is_empty());
        (upstream.url.into(), upstream.cookies.is_some())
    }

    #[test]
    fn secrets_go_over_https_unless_the_feed_does_not() {
        let check = |feed: &str, page: &str, address: &str, has_secrets: bool| {
            assert_eq!(asked(feed, page), (address.into(), has_secrets), "{feed}");
        };
        let feed = "https://a.example/f";
        check(feed, "https://a.example/1", "https://a.example/1", true);
        check(feed, "http://a.example/1", "https://a.example/1", true);
        check(
            feed,
            "http://a.example:81/1",
            "http://a.example:81/1",
            false,
        );
        check(feed, "https://c.example/1", "https://c.example/1", false);
        let feed = "http://a.example/f";
        check(feed, "http://a.example/1", "http://a.example/1", true);
        check(feed, "https://a.example/1", "https://a.example/1", true);
        check(feed, "http://b.example/1", "https://b.example/1", true);
        check(
            feed,
            "http://b.example:81/1",
            "http://b.example:81/1",
            false,
        );
        check(feed, "http://c.example/1", "http://c.example/1", false);
    }
}
