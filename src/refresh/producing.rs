//! A feed's copy, produced for readers or when it is due: from the store, or by a fetch that has its place
//! at the host and here; and what is kept, remembered and planned of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::news::News;
use super::refresher::Production;
use super::{Error, Feed, Refresher, history, news, retry};
use crate::cache::{self, Answer, FeedCopy, Policy};
use crate::upstream::FetchError;
use crate::upstream::hosts::{self, FetchSlot, Urgency};

/// What a fetch begins with.
pub(super) enum Entered {
    /// A place at the host, and whether a stale copy is there.
    Fetch(FetchSlot, bool),
    /// A copy from the store, fresh for so long, which needs no fetch.
    Stored(Arc<FeedCopy>, Duration),
}

/// What there is of a feed before a fetch.
pub(super) enum Stored {
    Fresh(Arc<FeedCopy>, Duration),
    Stale,
    Nothing,
}

impl Refresher {
    /// The copy of a feed for a reader: fresh, fetched, or stale while upstream is slow or fails.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn get(self: &Arc<Self>, feed: &Arc<Feed>) -> Answer<Error, FeedCopy> {
        let policy = Policy {
            serve_stale_after: Some(feed.settings.serve_stale_after),
        };
        let produce = |production, stale: Option<Arc<FeedCopy>>| {
            self.start(Arc::clone(feed), production, stale.is_some());
        };
        match self.cache.get(&feed.key, policy, produce).await {
            // It may have left the memory, or nobody has looked into the store yet.
            Err((error, status)) => cache::stale_or(error, self.restore(feed).await, status),
            answer => answer,
        }
    }

    /// Fetches `feed` in a task. With a stale copy at hand, or in the store, the new one is recorded to
    /// its end first; without, readers play it while it grows. A stored copy that is fresh is served
    /// without a fetch.
    fn start(self: &Arc<Self>, feed: Arc<Feed>, production: Production, has_stale: bool) {
        feed.track.plan(None);
        let Ok(waiting) = Arc::clone(&self.queue).try_acquire_owned() else {
            let crowded = Error::Fetch(FetchError::Crowded);
            return self.conclude(&feed, production, Err(crowded), Instant::now());
        };
        let refresher = Arc::clone(self);
        self.tasks.spawn(async move {
            let entering = refresher.enter(&feed, &production, has_stale, waiting);
            let entered = cache::run(entering).await;
            refresher.carry(feed, production, entered).await;
        });
    }

    /// A production to its end, once it has a place at the host, or needs none.
    pub(super) async fn carry(
        self: Arc<Self>,
        feed: Arc<Feed>,
        production: Production,
        entered: Result<Entered, Error>,
    ) {
        match entered {
            Ok(Entered::Fetch(slot, has_stale)) => {
                self.bring(feed, production, has_stale, slot).await;
            }
            Ok(Entered::Stored(copy, _)) if feed.is_retired.load(Ordering::Acquire) => {
                production.complete_unkept(Ok(copy));
            }
            Ok(Entered::Stored(copy, remaining)) => {
                production.complete_stored(copy);
                let due = Instant::now() + remaining;
                feed.track.plan(Some(self.now_ms(due) + 1));
                // The stored articles may not all have been read in time.
                self.serve_articles(&feed);
            }
            Err(error) => self.conclude(&feed, production, Err(error), Instant::now()),
        }
    }

    /// The store, then the place at the host, held in line by `waiting`.
    async fn enter(
        &self,
        feed: &Arc<Feed>,
        production: &Production,
        has_stale: bool,
        waiting: OwnedSemaphorePermit,
    ) -> Result<Entered, Error> {
        let has_stale = match self.look_in_store(feed, production, has_stale).await {
            Stored::Fresh(copy, remaining) => return Ok(Entered::Stored(copy, remaining)),
            Stored::Stale => true,
            Stored::Nothing => false,
        };
        let urgency = match has_stale {
            true => Urgency::Background,
            false => Urgency::Reader,
        };
        let place = self.hosts.enter(&feed.settings.upstream.url, urgency).await;
        drop(waiting);
        Ok(Entered::Fetch(FetchSlot::new(place?, urgency), has_stale))
    }

    /// What there is besides what comes: in memory, where `has_stale` says so, or in the store.
    pub(super) async fn look_in_store(
        &self,
        feed: &Arc<Feed>,
        production: &Production,
        has_stale: bool,
    ) -> Stored {
        if has_stale {
            return Stored::Stale;
        }
        let Some(copy) = self.restore(feed).await else {
            return Stored::Nothing;
        };
        let now = Instant::now();
        match copy.times.remaining(now) {
            Some(remaining) => Stored::Fresh(copy, remaining),
            None => {
                if copy.times.may_be_served_stale(now) {
                    production.offer_stale(copy);
                }
                Stored::Stale
            }
        }
    }

    /// One fetch, from its place at the host to what is told about it.
    async fn bring(
        self: Arc<Self>,
        feed: Arc<Feed>,
        mut production: Production,
        has_stale: bool,
        mut slot: FetchSlot,
    ) {
        let started = Instant::now();
        production.restart();
        // First: names that nobody answers for would take all places.
        let prepared = self.client.prepare(&feed.settings.upstream).await;
        let place = self.fetches.acquire().await;
        let early = (!has_stale).then_some(&production);
        let fetching = async {
            prepared?;
            self.fetch(&feed, early, &mut slot).await
        };
        let outcome = cache::run(fetching).await;
        slot.conclude(match &outcome {
            Ok(_) => Some(hosts::HostOutcome::Answered),
            Err(error) => retry::verdict(error),
        });
        self.conclude(&feed, production, outcome, started);
        drop(place);
        self.serve_articles(&feed);
    }

    /// Keeps what a fetch brought, or remembers why it brought nothing, and plans the next.
    fn conclude(
        &self,
        feed: &Arc<Feed>,
        production: Production,
        outcome: Result<News, Error>,
        started: Instant,
    ) {
        let now = Instant::now();
        news::log(feed, started, outcome.as_ref());
        if let Some(lacks_ends) = news::lacks_ends(outcome.as_ref()) {
            feed.track.note_end(lacks_ends);
        }
        if feed.is_retired.load(Ordering::Acquire) {
            // Those who waited for it have asked for that feed; nobody else will.
            return production.complete_unkept(outcome.map(|news| news.copy).map_err(Arc::new));
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
                if let Some(kept) = news.kept {
                    history::take_over(&self.store, &self.tasks, feed, kept);
                }
                if production.complete(Arc::clone(&copy)) {
                    let archived = self.archive(feed, news.document);
                    self.save(feed, (copy, news.source), archived);
                }
            }
            Err(error) => {
                let until = now + self.pause(feed, &error, now);
                plan((!retry::is_gone(&error)).then_some(until));
                production.fail(Arc::new(error), until);
            }
        }
    }
}
