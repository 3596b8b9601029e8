//! Feeds with full texts: the articles that their items lead to are asked for before the document
//! goes through the rules, and when one comes the copy is made again from the body at hand.
//!
//! Invariant: an article that is not there keeps nobody waiting; what is made again never replaces a
//! copy of a later body.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::arrived::Arrived;
use super::{Feed, remake};
use crate::fulltext::{FeedArticles, Library};
use crate::rewrite::article::{Answer, Articles};
use crate::rewrite::{Additions, FeedRewriter};

/// Bytes of a feed's body that is kept to make its copy again; a larger feed shows new articles
/// when it is fetched the next time.
const BODY_BYTES_MAX: usize = 8 << 20;
/// How long a feed waits for its stored articles to be read.
pub(super) const LOAD_FOR: Duration = Duration::from_secs(5);
/// Addresses of items in one document.
const LINKS_MAX: usize = 5_000;

/// What a feed with full texts has besides.
#[derive(Debug)]
pub(super) struct FullText {
    pub(super) shelf: Arc<FeedArticles>,
    /// The last document, as it came.
    last: Mutex<Option<Arc<Document>>>,
}

/// A feed as it came.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) arrived: Arrived,
    pub(super) pieces: Vec<Bytes>,
    pub(super) additions: Additions,
}

impl FullText {
    pub(super) fn new(shelf: FeedArticles) -> Self {
        Self {
            shelf: Arc::new(shelf),
            last: Mutex::default(),
        }
    }

    /// The rewriter's way to the articles.
    pub(super) fn articles(&self) -> Articles {
        let shelf = Arc::clone(&self.shelf);
        Articles::new(move |link| shelf.answer(link))
    }

    pub(super) fn last(&self) -> Option<Arc<Document>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone()
    }

    fn keep(&self, document: Option<Document>) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = document.map(Arc::new);
    }
}

/// Has what is stored of the articles of a document at hand, and the document itself to be made
/// again when more come.
pub(super) async fn recall(
    library: &Library,
    feed: &Feed,
    arrived: &Arrived,
    (pieces, additions): (&[Bytes], &Additions),
) {
    let Some(full) = &feed.full_text else { return };
    let links = links_of(feed, arrived, (pieces, additions));
    library.load(&full.shelf, &links, LOAD_FOR).await;
    remember(feed, arrived, (pieces, additions));
}

/// Has a document at hand to be made again when there are more articles.
pub(super) fn remember(
    feed: &Feed,
    arrived: &Arrived,
    (pieces, additions): (&[Bytes], &Additions),
) {
    let Some(full) = &feed.full_text else { return };
    let bytes: usize = pieces.iter().map(Bytes::len).sum();
    full.keep((bytes <= BODY_BYTES_MAX).then(|| Document {
        arrived: arrived.clone(),
        pieces: pieces.to_vec(),
        additions: additions.clone(),
    }));
}

/// The addresses that the items of a document lead to, in its order.
pub(super) fn links_of(
    feed: &Feed,
    arrived: &Arrived,
    (pieces, additions): (&[Bytes], &Additions),
) -> Vec<String> {
    let mut links = Links::new(feed, arrived, additions.clone());
    pieces.iter().for_each(|piece| links.read(piece));
    links.finish();
    links.beyond(0).unwrap_or_default()
}

/// Reads where the items of a document lead to, as it comes.
pub(super) struct Links {
    rewriter: FeedRewriter,
    out: String,
    found: Arc<Mutex<Vec<String>>>,
}

impl Links {
    fn new(feed: &Feed, arrived: &Arrived, additions: Additions) -> Self {
        let found: Arc<Mutex<Vec<String>>> = Arc::default();
        let links = Arc::clone(&found);
        let articles = Articles::new(move |link| {
            let mut links = links.lock().unwrap_or_else(PoisonError::into_inner);
            if links.len() < LINKS_MAX {
                links.push(link.to_owned());
            }
            Answer::Hold
        });
        Self {
            rewriter: remake::rewriter(feed, arrived.origin(), additions, Some(articles)),
            out: String::new(),
            found,
        }
    }

    fn read(&mut self, piece: &[u8]) {
        self.rewriter.push(piece, &mut self.out);
        self.out.clear();
    }

    /// All that were found, where they are more than so many.
    fn beyond(&self, known: usize) -> Option<Vec<String>> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        (found.len() > known).then(|| found.clone())
    }

    /// The document has ended: what was held back until then is read.
    fn finish(&mut self) {
        self.rewriter.finish(&mut self.out);
    }
}

/// Has the stored articles of a document at hand that streams to a reader, a chunk ahead of the rules.
pub(super) struct LookAhead<'a> {
    library: &'a Library,
    full: &'a FullText,
    links: Links,
    /// How many links were looked for.
    count: usize,
    until: Instant,
}

impl<'a> LookAhead<'a> {
    /// `None` where the feed has no full texts.
    pub(super) fn new(library: &'a Library, feed: &'a Feed, arrived: &Arrived) -> Option<Self> {
        Some(Self {
            library,
            full: feed.full_text.as_ref()?,
            links: Links::new(feed, arrived, Additions::default()),
            count: 0,
            until: Instant::now() + LOAD_FOR,
        })
    }

    /// Reads the next chunk.
    pub(super) async fn read(&mut self, chunk: &[u8]) {
        self.links.read(chunk);
        self.load().await;
    }

    /// Reads what is left.
    pub(super) async fn finish(&mut self) {
        self.links.finish();
        self.load().await;
    }

    async fn load(&mut self) {
        if let Some(links) = self.links.beyond(self.count) {
            self.count = links.len();
            let left = self.until.saturating_duration_since(Instant::now());
            self.library.load(&self.full.shelf, &links, left).await;
        }
    }
}
