//! The articles of one feed that its newest document links to, in memory.
//!
//! Invariant: nothing but the articles of the newest items is here; the store has the others.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use url::Url;

use super::FullTextOptions;
use super::record::Failure;
use crate::rewrite::article::{Answer, Article};
use crate::upstream::Upstream;

/// How long an item waits for its article at most.
const HOLD_FOR: Duration = Duration::from_secs(3_600);
/// Bytes of a link.
const LINK_BYTES_MAX: usize = 4 << 10;

/// The articles of one feed.
#[derive(Debug)]
pub struct FeedArticles {
    /// The feed's name.
    pub(super) feed: Arc<str>,
    pub(super) options: FullTextOptions,
    /// How the feed itself is fetched; its URL, cookies and headers are not used for articles.
    pub(super) upstream: Upstream,
    states: Mutex<HashMap<Arc<str>, ArticleState>>,
    is_fetching: AtomicBool,
    /// Notified when an article may have become due.
    pub(super) changed: Notify,
}

/// The right to fetch the articles of a feed, given back on drop.
#[derive(Debug)]
pub(super) struct FetchGuard(pub(super) Arc<FeedArticles>);

impl Drop for FetchGuard {
    fn drop(&mut self) {
        self.0.is_fetching.store(false, Ordering::Release);
    }
}

/// The state of one article.
#[derive(Debug, Clone)]
pub(super) enum ArticleState {
    /// It can be shown.
    Ready(Arc<Article>),
    /// Its page was read, and has no article.
    Empty,
    /// It is to be fetched.
    Wanted { since: Instant },
    /// It could not be fetched.
    Failed { failure: Failure, since: Instant },
}

impl FeedArticles {
    /// No articles yet, for the feed of this name.
    #[must_use]
    pub fn new(feed: Arc<str>, options: FullTextOptions, upstream: Upstream) -> Self {
        Self {
            feed,
            options,
            upstream,
            states: Mutex::default(),
            is_fetching: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    /// What an item with this link gets.
    #[must_use]
    pub fn answer(&self, link: &str) -> Answer {
        let states = self.lock();
        let waits = |since: &Instant| self.options.hold && since.elapsed() < HOLD_FOR;
        match states.get(link) {
            Some(ArticleState::Ready(article)) => Answer::Article(Arc::clone(article)),
            Some(ArticleState::Wanted { since }) if waits(since) => Answer::Hold,
            Some(ArticleState::Failed { failure, .. }) if failure.is_final() => Answer::None,
            Some(ArticleState::Failed { failure, since })
                if waits(since) && failure.attempts < 2 =>
            {
                Answer::Hold
            }
            Some(ArticleState::Wanted { .. } | ArticleState::Failed { .. }) => Answer::Missing,
            Some(ArticleState::Empty) | None => Answer::None,
        }
    }

    /// Sets the state of an article, unless it was dropped meanwhile.
    pub(super) fn put(&self, link: &Arc<str>, state: ArticleState) {
        let mut states = self.lock();
        if let Some(place) = states.get_mut(link) {
            *place = state;
        }
    }

    /// Drops the articles whose links match.
    pub(super) fn forget(&self, is_meant: impl Fn(&Arc<str>) -> bool) {
        self.lock().retain(|link, _| !is_meant(link));
    }

    /// Drops all articles but those of `links`; returns the links that are new.
    pub(super) fn keep_only(&self, links: &[Arc<str>], now: Instant) -> Vec<Arc<str>> {
        let mut states = self.lock();
        states.retain(|link, _| links.contains(link));
        let mut new = Vec::new();
        for link in links {
            if !states.contains_key(link) {
                states.insert(Arc::clone(link), ArticleState::Wanted { since: now });
                new.push(Arc::clone(link));
            }
        }
        new
    }

    /// The links whose articles are due at `now_s`, in seconds since 1970; and when the next one is.
    pub(super) fn due(&self, now_s: u64) -> (Vec<Arc<str>>, Option<u64>) {
        let states = self.lock();
        let mut due = Vec::new();
        let mut next: Option<u64> = None;
        for (link, state) in states.iter() {
            match state {
                ArticleState::Wanted { .. } => due.push(Arc::clone(link)),
                ArticleState::Failed { failure, .. } if failure.is_final() => {}
                ArticleState::Failed { failure, .. } if failure.retry_at <= now_s => {
                    due.push(Arc::clone(link));
                }
                ArticleState::Failed { failure, .. } => {
                    next = Some(next.map_or(failure.retry_at, |next| next.min(failure.retry_at)));
                }
                ArticleState::Ready(_) | ArticleState::Empty => {}
            }
        }
        due.sort();
        (due, next)
    }

    /// When an article was first wanted, and the attempts since.
    pub(super) fn attempts(&self, link: &str) -> (Instant, u32) {
        match self.lock().get(link) {
            Some(ArticleState::Failed { failure, since }) => (*since, failure.attempts),
            Some(ArticleState::Wanted { since }) => (*since, 0),
            _ => (Instant::now(), 0),
        }
    }

    /// How many articles are ready, and how many are still to be fetched.
    #[must_use]
    pub fn count(&self) -> (usize, usize) {
        let states = self.lock();
        let here = states
            .values()
            .filter(|state| matches!(state, ArticleState::Ready(_)));
        let coming = states.values().filter(|state| match state {
            ArticleState::Wanted { .. } => true,
            ArticleState::Failed { failure, .. } => !failure.is_final(),
            _ => false,
        });
        (here.count(), coming.count())
    }

    /// Takes the right to fetch; `None` while another task has it, which is then notified.
    pub(super) fn try_begin(self: &Arc<Self>) -> Option<FetchGuard> {
        if self.is_fetching.swap(true, Ordering::AcqRel) {
            self.changed.notify_one();
            return None;
        }
        Some(FetchGuard(Arc::clone(self)))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, ArticleState>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failure {
    /// Whether it is not tried again.
    pub(super) fn is_final(&self) -> bool {
        self.retry_at == u64::MAX
    }
}

/// The URL of an item's article, if it may be fetched.
pub(super) fn page_url(link: &str) -> Option<Url> {
    if link.len() > LINK_BYTES_MAX {
        return None;
    }
    let mut url = Url::parse(link.trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    url.set_fragment(None);
    // SECURITY: a user name and password that a publisher wrote are not sent.
    let is_bare = url.set_username("").is_ok() && url.set_password(None).is_ok();
    is_bare.then_some(url)
}
