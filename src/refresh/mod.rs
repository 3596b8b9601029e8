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
mod remake;
mod retry;
mod tag;
mod track;
mod trouble;

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::archive::{self, ArchivedFeed, Archiver};
use crate::cache::{self, Cache, Encoders, Flight};
use crate::config::FeedSettings;
use crate::fulltext::{Extractor, FeedArticles, Library};
use crate::rewrite::{RuleError, Rules};
use crate::store::Store;
use crate::upstream::hosts::{self, FetchSlot, Hosts, Urgency};
use crate::upstream::{FetchError, Jitter, UpstreamClient, UpstreamClientError};

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

    /// Fetches `feed` in a task and lands `flight`. With a stale copy at hand, or in the store, the new
    /// one is recorded to its end first; without, readers play it while it grows. A stored copy that
    /// is fresh is landed without a fetch.
    pub fn start(self: &Arc<Self>, feed: Arc<Feed>, flight: Arc<Flight<Trouble>>, has_stale: bool) {
        feed.track.plan(None);
        let Ok(waiting) = Arc::clone(&self.queue).try_acquire_owned() else {
            let crowded = Trouble::Fetch(FetchError::Crowded);
            return self.conclude(&feed, &flight, Err(crowded), Instant::now());
        };
        let (refresher, known) = (Arc::clone(self), (Arc::clone(&feed), Arc::clone(&flight)));
        let entering = async move {
            refresher
                .enter(&known.0, &known.1, has_stale, waiting)
                .await
        };
        self.tasks
            .spawn(Arc::clone(self).carry(feed, flight, entering));
    }

    /// A flight to its end. An internal error on the way is a failure like any other.
    async fn carry(
        self: Arc<Self>,
        feed: Arc<Feed>,
        flight: Arc<Flight<Trouble>>,
        entering: impl Future<Output = Option<(FetchSlot, bool)>>,
    ) {
        match AssertUnwindSafe(entering).catch_unwind().await {
            Ok(Some((slot, has_stale))) => self.bring(feed, flight, has_stale, slot).await,
            // The stored articles may not all have been read in time.
            Ok(None) => self.serve_articles(&feed),
            Err(_) => {
                let panicked = Err(Trouble::Panicked);
                self.conclude(&feed, &flight, panicked, Instant::now());
            }
        }
    }

    /// The store, then the place at the host, held in line by `waiting`. `None`: it has landed already.
    async fn enter(
        &self,
        feed: &Arc<Feed>,
        flight: &Arc<Flight<Trouble>>,
        has_stale: bool,
        waiting: OwnedSemaphorePermit,
    ) -> Option<(FetchSlot, bool)> {
        let has_stale = self.look_in_store(feed, flight, has_stale).await?;
        let urgency = match has_stale {
            true => Urgency::Background,
            false => Urgency::Reader,
        };
        let entered = self.hosts.enter(&feed.settings.upstream.url, urgency).await;
        drop(waiting);
        match entered {
            Ok(place) => Some((FetchSlot::new(place, urgency), has_stale)),
            Err(error) => {
                self.conclude(feed, flight, Err(error.into()), Instant::now());
                None
            }
        }
    }

    /// Whether there is a stale copy, here or in the store; `None` when the flight has landed with a
    /// stored one that is fresh.
    async fn look_in_store(
        &self,
        feed: &Arc<Feed>,
        flight: &Arc<Flight<Trouble>>,
        has_stale: bool,
    ) -> Option<bool> {
        if has_stale {
            return Some(true);
        }
        match self.land_restored(feed, flight).await {
            Some(stored) if stored.times.remaining(Instant::now()).is_some() => None,
            stored => Some(stored.is_some()),
        }
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

    /// One fetch, from its place at the host to what is told about it.
    async fn bring(
        self: Arc<Self>,
        feed: Arc<Feed>,
        flight: Arc<Flight<Trouble>>,
        has_stale: bool,
        mut slot: FetchSlot,
    ) {
        let started = Instant::now();
        // First: names that nobody answers for would take all places.
        let prepared = self.client.prepare(&feed.settings.upstream).await;
        let place = self.fetches.acquire().await;
        let early = (!has_stale).then_some(&*flight);
        let fetching = async {
            prepared?;
            self.fetch(&feed, early, &mut slot).await
        };
        let outcome = AssertUnwindSafe(fetching).catch_unwind().await;
        let outcome = outcome.unwrap_or(Err(Trouble::Panicked));
        slot.conclude(match &outcome {
            Ok(_) => Some(hosts::HostOutcome::Answered),
            Err(trouble) => retry::verdict(trouble),
        });
        self.conclude(&feed, &flight, outcome, started);
        drop(place);
        self.serve_articles(&feed);
    }

    /// Keeps what a fetch brought, or remembers why it brought nothing, and plans the next.
    fn conclude(
        &self,
        feed: &Arc<Feed>,
        flight: &Arc<Flight<Trouble>>,
        outcome: Result<News, Trouble>,
        started: Instant,
    ) {
        let now = Instant::now();
        news::log(feed, started, outcome.as_ref());
        if let Some(lacks_ends) = news::lacks_ends(outcome.as_ref()) {
            feed.track.note_end(lacks_ends);
        }
        if feed.is_retired.load(Ordering::Acquire) {
            // Those who waited for it have asked for that feed; nobody else will.
            self.cache.end(&feed.key, flight, None);
            return flight.land(outcome.map(|news| news.copy).map_err(Arc::new));
        }
        // The next fetch is planned first: nothing that goes wrong below leaves a feed without one. A
        // millisecond later, since the clock's are whole ones.
        let plan = |due: Option<Instant>| {
            feed.track.plan(due.map(|due| self.now_ms(due) + 1));
            feed.track.note_change();
        };
        match outcome {
            Ok(news) => {
                let copy = news.copy;
                feed.track.note_success(news.moved_to.as_ref());
                plan(Some(now + copy.times.remaining(now).unwrap_or_default()));
                let is_kept = self.cache.keep_since(started, &feed.key, Arc::clone(&copy));
                if let Some(kept) = news.kept {
                    history::take_over(&self.store, &self.tasks, feed, kept);
                }
                flight.land(Ok(Arc::clone(&copy)));
                if is_kept {
                    let archived = self.archive(feed, news.document);
                    self.save(feed, (copy, news.source), archived);
                }
            }
            Err(trouble) => {
                let until = now + self.pause(feed, &trouble, now);
                plan((!retry::is_gone(&trouble)).then_some(until));
                let trouble = Arc::new(trouble);
                self.cache.fail(&feed.key, Arc::clone(&trouble), until);
                flight.land(Err(trouble));
            }
        }
    }
}
