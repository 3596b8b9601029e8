//! Brings feeds up to date: fetch, rewrite, record. Each fetch runs in a task of its own, so that a
//! reader who leaves cancels nothing.
//!
//! Invariants: a document that is cut, or that is no feed, never replaces a copy and never ends a
//! reply cleanly; what can become an error is decided before the first byte; no host is asked more
//! often, or by more fetches at once, than [`hosts`] allows.

mod archiving;
mod background;
mod fetching;
mod freshness;
mod full_text;
mod history;
mod intake;
mod media_type;
mod memory;
mod news;
mod options;
mod page;
mod persist;
mod pieces;
mod producing;
mod remake;
mod retry;
mod tag;
mod track;
mod trouble;

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::archive::{self, ArchivedFeed, Archiver};
use crate::cache::{self, Cache, Encoders, FeedCopy};
use crate::config::FeedSettings;
use crate::fulltext::{Extractor, FeedArticles, Library};
use crate::rewrite::{RuleError, Rules};
use crate::store::Store;
use crate::upstream::hosts::Hosts;
use crate::upstream::{Jitter, UpstreamClient, UpstreamClientError};

use freshness::Bounds;
use full_text::FullText;
pub use history::stored_origin;
use news::News;
pub use options::Options;
pub use page::Page;
use page::Shell;
use persist::Persisted;
pub use track::{Past, Track};
pub use trouble::Trouble;

/// How far back what is remembered from earlier processes goes: further than any `active_for`.
const PAST_MAX: Duration = Duration::from_secs(400 * 86_400);

/// A configured feed, ready to be fetched and rewritten.
#[derive(Debug)]
pub struct Feed {
    /// The key of its copies.
    pub key: Arc<str>,
    /// What was configured.
    pub settings: FeedSettings,
    /// Its past and its next fetch.
    pub track: Track,
    /// Whether another feed of its name, or none, has taken its place.
    is_retired: AtomicBool,
    persisted: Persisted,
    rules: Arc<Rules>,
    full_text: Option<FullText>,
    /// The last document without its items.
    shell: Mutex<Option<Arc<Shell>>>,
    archived: Option<Arc<ArchivedFeed>>,
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
            track: Track::default(),
            is_retired: AtomicBool::new(false),
            persisted: Persisted::default(),
            full_text: settings.full_text.clone().map(|options| {
                let name = Arc::from(settings.name.as_str());
                FullText::new(FeedArticles::new(name, options, settings.upstream.clone()))
            }),
            shell: Mutex::default(),
            archived: archiving::archived_feed(&settings),
            rules,
            settings,
        })
    }

    /// Whether its copies hold more than the documents they are made of: articles, or kept items.
    fn adds_content(&self) -> bool {
        self.full_text.is_some() || self.keeps_items()
    }

    /// Whether items that fall out of it are kept, and there are pages of them.
    #[must_use]
    pub fn keeps_items(&self) -> bool {
        self.settings.keep_items > 0 || self.settings.archive.is_some()
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            refresh: self.settings.refresh,
            min: self.settings.refresh_min,
            max: self.settings.refresh_max,
        }
    }
}

/// A copy that is being fetched.
type Production = cache::Production<Trouble, FeedCopy>;

/// What refreshing needs.
#[derive(Debug)]
pub struct Refresher {
    /// Where copies are kept.
    pub cache: Arc<Cache<Trouble>>,
    /// What makes forms of copies.
    pub encoders: Encoders,
    /// Carries fetches and encoders.
    pub tasks: TaskTracker,
    /// How the publishers' hosts are treated.
    pub hosts: Arc<Hosts>,
    /// What keeps items as files.
    pub archiver: Arc<Archiver>,
    client: UpstreamClient,
    store: Store,
    library: Arc<Library>,
    jitter: Jitter,
    /// Places of fetches.
    fetches: Semaphore,
    /// Places to wait for one in.
    queue: Arc<Semaphore>,
    /// Places of fetches that no reader waits for.
    background: Arc<Semaphore>,
    /// Places of pages that are made.
    pages: Semaphore,
    started_at: Instant,
    wall_clock: fn() -> SystemTime,
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
        options: &Options,
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
            pages: Semaphore::new(page::AT_ONCE_MAX),
            started_at: Instant::now(),
            wall_clock: options.wall_clock,
            archiver: Arc::new(Archiver::new(archive, shared)?),
            tasks,
            client,
            store,
        })
    }

    /// The clock of [`Track`]: milliseconds that began well before the refresher was made.
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

    /// Fetches feeds that were read lately when they are due, until `stopping` is set, and remembers
    /// what comes of it.
    pub async fn keep_fresh(
        self: &Arc<Self>,
        feeds: &[Arc<Feed>],
        stopping: &AtomicBool,
    ) -> Infallible {
        loop {
            tokio::time::sleep(background::TICK).await;
            if !stopping.load(Ordering::Relaxed) {
                self.start_due(feeds, Instant::now());
            }
            self.remember(feeds, Instant::now());
        }
    }
}
