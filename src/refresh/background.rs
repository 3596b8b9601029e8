//! Refreshing without a reader who waits: feeds that were read lately, or are archived, are
//! fetched when they are due.
//!
//! The due times are the queue: as long as it is bounded by the number of feeds, and in order of
//! time. A fetch starts when its host has a place for it, so that many feeds of one host keep no
//! others waiting, and when there are not too many such fetches.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::producing::{Entered, Stored};
use super::refresher::Production;
use super::{Error, Feed, Refresher, retry};
use crate::cache;
use crate::upstream::hosts::{FetchSlot, HostSlot, SlotAttempt, Urgency};

/// How often due feeds are looked for.
const TICK: Duration = Duration::from_secs(1);
/// Feeds whose names lead nowhere that are given up in one [`TICK`].
const DEAD_AT_ONCE_MAX: usize = 256;

impl Refresher {
    /// Fetches feeds that were read lately when they are due, until `stopping` is set, and remembers
    /// what comes of it.
    pub async fn keep_fresh(
        self: &Arc<Self>,
        feeds: &[Arc<Feed>],
        stopping: &AtomicBool,
    ) -> Infallible {
        loop {
            tokio::time::sleep(TICK).await;
            if !stopping.load(Ordering::Relaxed) {
                self.start_due(feeds, Instant::now());
            }
            self.remember(feeds, Instant::now());
        }
    }

    /// Starts what is due now. Called again and again, each [`TICK`].
    pub(super) fn start_due(self: &Arc<Self>, feeds: &[Arc<Feed>], now: Instant) {
        let now_ms = self.now_ms(now);
        let due = |feed: &Arc<Feed>| feed.track.due_at_ms().filter(|due_at| *due_at <= now_ms);
        let mut waiting: Vec<_> = feeds
            .iter()
            .filter_map(|feed| Some((due(feed)?, feed)))
            .filter(|(_, feed)| feed.is_kept_up(now_ms))
            .collect();
        waiting.sort_unstable_by_key(|(due_at, _)| *due_at);
        let mut dead = 0;
        for (_, feed) in waiting {
            if !self.may_bring(feed, now) {
                continue;
            }
            // A name that nobody answers for takes no place from others: it is waited for before, and
            // the failure needs none.
            let place = match self.client.prepare(&feed.settings.upstream).now_or_never() {
                None => continue,
                Some(Err(_)) if dead == DEAD_AT_ONCE_MAX => continue,
                Some(Err(_)) => {
                    dead += 1;
                    None
                }
                Some(Ok(())) => match Arc::clone(&self.background).try_acquire_owned() {
                    Ok(place) => Some(place),
                    Err(_) => return,
                },
            };
            match self.hosts.try_enter(&feed.settings.upstream.url, now) {
                SlotAttempt::Acquired(at_host) => {
                    if let Some((production, stale)) = self.cache.begin_unread(&feed.key, now) {
                        let feed = (Arc::clone(feed), stale.is_some());
                        self.bring_behind(feed, production, at_host, place);
                    }
                }
                // After the hold they don't come all at once: one probes the host, and the others
                // are spaced.
                SlotAttempt::BackingOff(until) => feed.track.plan(Some(self.now_ms(until))),
                SlotAttempt::Busy => {}
            }
        }
    }

    /// Fetches a feed that no reader waits for; `at_host` and `place` are held to the end.
    fn bring_behind(
        self: &Arc<Self>,
        (feed, has_stale): (Arc<Feed>, bool),
        production: Production,
        at_host: HostSlot,
        place: Option<OwnedSemaphorePermit>,
    ) {
        feed.track.plan(None);
        let refresher = Arc::clone(self);
        self.tasks.spawn(async move {
            let entering = async {
                // It may be stored and fresh, where an earlier process was killed before it had noted so.
                let stored = refresher.look_in_store(&feed, &production, has_stale).await;
                let slot = FetchSlot::new(at_host, Urgency::Background);
                Ok(match stored {
                    Stored::Fresh(copy, remaining) => Entered::Stored(copy, remaining),
                    Stored::Stale => Entered::Fetch(slot, true),
                    Stored::Nothing => Entered::Fetch(slot, false),
                })
            };
            let entered = cache::run(entering).await;
            refresher.carry(feed, production, entered).await;
            drop(place);
        });
    }

    /// Whether there is something to fetch. Whoever takes a turn at a host without using it keeps the
    /// host's other feeds waiting, second after second.
    fn may_bring(&self, feed: &Feed, now: Instant) -> bool {
        match self
            .cache
            .peek(&feed.key)
            .map(|copy| copy.times.remaining(now))
        {
            // A copy that was restored may be good for longer than what was planned.
            Some(Some(rest)) => {
                feed.track.plan(Some(self.now_ms(now + rest) + 1));
                false
            }
            _ => !self.cache.is_settled(&feed.key, now),
        }
    }

    /// How long to wait after a failure.
    pub(super) fn pause(&self, feed: &Feed, error: &Error, now: Instant) -> Duration {
        let terms = retry::Terms {
            first: feed.settings.retry_after_error,
            most: feed.settings.refresh_max,
        };
        let failures = feed.track.note_failure(error);
        retry::pause(error, failures, terms, now, self.jitter.fraction())
    }
}
