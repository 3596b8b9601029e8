//! Brings one feed up to date: fetch, rewrite, record. Runs in a task of its own, so that a reader
//! who leaves cancels nothing.
//!
//! Invariants: a document that is cut, or that is no feed, never replaces a copy and never ends a
//! reply cleanly; what can become an error is decided before the first byte.

mod fetching;
mod media_type;
mod news;
mod tag;
mod trouble;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::cache::{self, Cache, Encoders, Flight, Shelf};
use crate::config::FeedSettings;
use crate::rewrite::{RuleError, Rules};
use crate::upstream::Client;

pub use trouble::Trouble;

/// A configured feed, ready to be fetched and rewritten.
#[derive(Debug)]
pub struct Feed {
    /// The key of its copies.
    pub key: Arc<str>,
    /// What was configured.
    pub settings: FeedSettings,
    rules: Arc<Rules>,
}

impl Feed {
    /// Parses the rules of a configured feed.
    ///
    /// # Errors
    /// When a rule can't be parsed; validated settings hold none of these.
    pub fn new(settings: FeedSettings) -> Result<Self, RuleError> {
        let rules = Arc::new(Rules::new(settings.rules.clone())?);
        Ok(Self {
            key: Arc::from(settings.name.as_str()),
            rules,
            settings,
        })
    }
}

/// What refreshing needs.
#[derive(Debug)]
pub struct Refresher {
    /// Where copies are kept.
    pub cache: Cache<Trouble>,
    /// What makes forms of copies.
    pub encoders: Encoders,
    /// Carries fetches and encoders.
    pub tasks: TaskTracker,
    client: Client,
    fetches: Semaphore,
}

impl Refresher {
    /// Fetches at the same time; more wait for a place.
    pub const FETCHES_AT_ONCE_MAX: usize = 256;

    /// A refresher with nothing cached.
    #[must_use]
    pub fn new(client: Client, shelf: Shelf, options: cache::Options) -> Self {
        let tasks = TaskTracker::new();
        Self {
            cache: Cache::new(shelf, options),
            encoders: Encoders::new(tasks.clone()),
            fetches: Semaphore::new(Self::FETCHES_AT_ONCE_MAX),
            tasks,
            client,
        }
    }

    /// Fetches `feed` in a task and lands `flight`. With a stale copy at hand the new one is
    /// recorded to its end first; without, readers play it while it grows.
    pub fn start(self: &Arc<Self>, feed: Arc<Feed>, flight: Arc<Flight<Trouble>>, has_stale: bool) {
        let refresher = Arc::clone(self);
        self.tasks.spawn(async move {
            let _place = refresher.fetches.acquire().await;
            let started = Instant::now();
            let fetching = refresher.fetch(&feed, (!has_stale).then_some(&*flight));
            let outcome = AssertUnwindSafe(fetching).catch_unwind().await;
            let outcome = outcome.unwrap_or(Err(Trouble::Panicked)).map_err(Arc::new);
            match &outcome {
                Ok(news) => {
                    refresher.cache.keep(&feed.key, Arc::clone(&news.copy));
                    flight.land(Ok(Arc::clone(&news.copy)));
                }
                Err(trouble) => {
                    let pause = trouble.retry_after().unwrap_or_default();
                    let until = Instant::now() + pause.max(feed.settings.retry_after_error);
                    refresher.cache.fail(&feed.key, Arc::clone(trouble), until);
                    flight.land(Err(Arc::clone(trouble)));
                }
            }
            news::log(&feed, started, outcome.as_ref());
        });
    }
}
