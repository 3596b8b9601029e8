//! What refreshing feeds needs, and its limits.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::Feed;
use super::error::Error;
use super::options::RefreshOptions;
use crate::archive::{self, Archiver};
use crate::cache::{self, Cache, Encoders, FeedCopy};
use crate::fulltext::{Extractor, Library};
use crate::store::Store;
use crate::upstream::hosts::Hosts;
use crate::upstream::{Jitter, UpstreamClient, UpstreamClientError};

/// How far back what is remembered from earlier processes goes: further than any `active_for`.
const PAST_MAX: Duration = Duration::from_secs(400 * 86_400);
/// Archive pages that are made at the same time; more wait for a place.
const PAGES_AT_ONCE_MAX: usize = 4;

/// A copy that is being fetched.
pub(super) type Production = cache::Production<Error, FeedCopy>;

/// What refreshing needs.
#[derive(Debug)]
pub struct Refresher {
    /// Where copies are kept.
    pub cache: Arc<Cache<Error>>,
    /// What makes forms of copies.
    pub encoders: Encoders,
    /// Carries fetches and encoders.
    pub tasks: TaskTracker,
    /// How the publishers' hosts are treated.
    pub hosts: Arc<Hosts>,
    /// What keeps items as files.
    pub archiver: Arc<Archiver>,
    pub(super) client: UpstreamClient,
    pub(super) store: Store,
    pub(super) library: Arc<Library>,
    pub(super) jitter: Jitter,
    /// Places of fetches.
    pub(super) fetches: Semaphore,
    /// Places to wait for one in.
    pub(super) queue: Arc<Semaphore>,
    /// Places of fetches that no reader waits for.
    pub(super) background: Arc<Semaphore>,
    /// Places of pages that are made.
    pub(super) pages: Semaphore,
    pub(super) started_at: Instant,
    pub(super) wall_clock: fn() -> SystemTime,
}

impl Refresher {
    /// Fetches at the same time; more wait for a place.
    pub const FETCHES_AT_ONCE_MAX: usize = 256;
    /// Fetches that wait for a place, at a host or here; more are turned away.
    pub const FETCHES_WAITING_MAX: usize = 1_000;

    /// A refresher with nothing cached; `store` is where it remembers what it must.
    ///
    /// # Errors
    /// When the archive's HTTP client can't be built.
    pub fn new(
        (client, archive): (UpstreamClient, archive::ArchiverSettings),
        shelf: cache::Shelf,
        store: Store,
        options: &RefreshOptions,
    ) -> Result<Self, UpstreamClientError> {
        let tasks = TaskTracker::new();
        let hosts = Arc::new(Hosts::new(options.hosts, Jitter::random()));
        let limits = options.full_text.clone();
        let fetching = (client.clone(), Arc::clone(&hosts));
        let extractor = Extractor::new(options.workers.clone());
        let library = Library::new(store.clone(), fetching, extractor, limits);
        let shared = archive::ArchiverShared {
            store: store.clone(),
            hosts: Arc::clone(&hosts),
            tasks: tasks.clone(),
            wall_clock: options.wall_clock,
        };
        Ok(Self {
            cache: Arc::new(Cache::new(shelf, options.cache)),
            encoders: Encoders::new(tasks.clone()),
            hosts,
            library: Arc::new(library),
            jitter: Jitter::random(),
            fetches: Semaphore::new(Self::FETCHES_AT_ONCE_MAX),
            queue: Arc::new(Semaphore::new(Self::FETCHES_WAITING_MAX)),
            background: Arc::new(Semaphore::new(options.background_fetches_max)),
            pages: Semaphore::new(PAGES_AT_ONCE_MAX),
            started_at: Instant::now(),
            wall_clock: options.wall_clock,
            archiver: Arc::new(Archiver::new(archive, shared)?),
            tasks,
            client,
            store,
        })
    }

    /// The clock of [`Track`](super::Track): milliseconds that began well before the refresher was made.
    #[must_use]
    pub fn now_ms(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.started_at) + PAST_MAX;
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    /// Begins a feed that takes the place of another of its name: whoever read that reads this.
    pub fn succeed(&self, feed: &Feed, before: &Feed) {
        let is_same = feed.settings.upstream.url == before.settings.upstream.url;
        feed.track.succeed(&before.track, is_same);
    }

    /// Ends a feed whose place another has taken, or none: nothing that was made by its rules is
    /// served any more, and what is under way for it is kept by nobody.
    pub fn retire(&self, feed: &Feed) {
        feed.is_retired.store(true, Ordering::Release);
        self.cache.drop_key(&feed.key);
        let pages = format!("{}/", feed.key);
        self.cache.drop_where(|key| key.starts_with(&pages));
    }
}
