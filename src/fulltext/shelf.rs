//! The articles of one feed, as far as its last document names them.
//!
//! Invariant: what is here is what the newest items lead to, and nothing else; the store keeps the
//! rest.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use url::Url;

use super::Options;
use super::record::Failure;
use crate::rewrite::article::{Answer, Article};
use crate::upstream::Upstream;

/// How long an item waits for its article at most.
const HOLD_FOR: Duration = Duration::from_secs(3_600);
/// Bytes of an address.
const LINK_BYTES_MAX: usize = 4 << 10;

/// The articles of one feed.
#[derive(Debug)]
pub struct Shelf {
    /// The feed's name.
    pub(super) feed: Arc<str>,
    pub(super) options: Options,
    /// How the feed itself is fetched; its address, cookies and headers are not for articles.
    pub(super) upstream: Upstream,
    books: Mutex<HashMap<Arc<str>, Book>>,
    is_served: AtomicBool,
    /// Something may be due that was not before.
    pub(super) changed: Notify,
}

/// The right to fetch for a feed, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Service(pub(super) Arc<Shelf>);

impl Drop for Service {
    fn drop(&mut self) {
        self.0.is_served.store(false, Ordering::Release);
    }
}

/// What is known of an article.
#[derive(Debug, Clone)]
pub(super) enum Book {
    /// It is there.
    Here(Arc<Article>),
    /// Its page is there, and no article on it.
    Blank,
    /// It is to be fetched.
    Wanted { since: Instant },
    /// It could not be fetched.
    Failed { failure: Failure, since: Instant },
}

impl Shelf {
    /// An empty shelf for the feed of this name.
    #[must_use]
    pub fn new(feed: Arc<str>, options: Options, upstream: Upstream) -> Self {
        Self {
            feed,
            options,
            upstream,
            books: Mutex::default(),
            is_served: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    /// What an item that leads to `link` gets.
    #[must_use]
    pub fn answer(&self, link: &str) -> Answer {
        let books = self.lock();
        let waits = |since: &Instant| self.options.hold && since.elapsed() < HOLD_FOR;
        match books.get(link) {
            Some(Book::Here(article)) => Answer::Article(Arc::clone(article)),
            Some(Book::Wanted { since }) if waits(since) => Answer::Hold,
            Some(Book::Failed { failure, .. }) if failure.is_final() => Answer::None,
            Some(Book::Failed { failure, since }) if waits(since) && failure.attempts < 2 => {
                Answer::Hold
            }
            Some(Book::Wanted { .. } | Book::Failed { .. }) => Answer::Missing,
            Some(Book::Blank) | None => Answer::None,
        }
    }

    /// Notes what is known of an article.
    pub(super) fn put(&self, link: &Arc<str>, book: Book) {
        let mut books = self.lock();
        if let Some(place) = books.get_mut(link) {
            *place = book;
        }
    }

    /// Forgets what is known of the links that this is true of.
    pub(super) fn forget(&self, is_meant: impl Fn(&Arc<str>) -> bool) {
        self.lock().retain(|link, _| !is_meant(link));
    }

    /// Makes `links` the ones that count; those that are new here.
    pub(super) fn keep_only(&self, links: &[Arc<str>], now: Instant) -> Vec<Arc<str>> {
        let mut books = self.lock();
        books.retain(|link, _| links.contains(link));
        let mut new = Vec::new();
        for link in links {
            if !books.contains_key(link) {
                books.insert(Arc::clone(link), Book::Wanted { since: now });
                new.push(Arc::clone(link));
            }
        }
        new
    }

    /// The links whose articles are to be fetched at `now_s`, in seconds since 1970; and when the
    /// next one is.
    pub(super) fn due(&self, now_s: u64) -> (Vec<Arc<str>>, Option<u64>) {
        let books = self.lock();
        let mut due = Vec::new();
        let mut next: Option<u64> = None;
        for (link, book) in books.iter() {
            match book {
                Book::Wanted { .. } => due.push(Arc::clone(link)),
                Book::Failed { failure, .. } if failure.is_final() => {}
                Book::Failed { failure, .. } if failure.retry_at <= now_s => {
                    due.push(Arc::clone(link));
                }
                Book::Failed { failure, .. } => {
                    next = Some(next.map_or(failure.retry_at, |next| next.min(failure.retry_at)));
                }
                Book::Here(_) | Book::Blank => {}
            }
        }
        due.sort();
        (due, next)
    }

    /// When an article was first wanted, and how often it was tried.
    pub(super) fn past(&self, link: &str) -> (Instant, u32) {
        match self.lock().get(link) {
            Some(Book::Failed { failure, since }) => (*since, failure.attempts),
            Some(Book::Wanted { since }) => (*since, 0),
            _ => (Instant::now(), 0),
        }
    }

    /// How many articles there are, and how many are still to come.
    #[must_use]
    pub fn count(&self) -> (usize, usize) {
        let books = self.lock();
        let here = books.values().filter(|book| matches!(book, Book::Here(_)));
        let coming = books.values().filter(|book| match book {
            Book::Wanted { .. } => true,
            Book::Failed { failure, .. } => !failure.is_final(),
            _ => false,
        });
        (here.count(), coming.count())
    }

    /// Takes the right to fetch for this feed; `None` while somebody has it, who is told then.
    pub(super) fn try_serve(self: &Arc<Self>) -> Option<Service> {
        if self.is_served.swap(true, Ordering::AcqRel) {
            self.changed.notify_one();
            return None;
        }
        Some(Service(Arc::clone(self)))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Book>> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failure {
    /// Whether it is not tried again.
    pub(super) fn is_final(&self) -> bool {
        self.retry_at == u64::MAX
    }
}

/// The address that an item leads to, if its article may be fetched.
pub(super) fn page_address(link: &str) -> Option<Url> {
    if link.len() > LINK_BYTES_MAX {
        return None;
    }
    let mut url = Url::parse(link.trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    url.set_fragment(None);
    // A name and password that a publisher wrote are nobody's to send.
    let is_bare = url.set_username("").is_ok() && url.set_password(None).is_ok();
    is_bare.then_some(url)
}
