//! Refreshing without a reader who waits: feeds that were read lately are fetched when they are
//! due.
//!
//! The due times are the queue: as long as it is bounded by the number of feeds, and in order of
//! time. A fetch starts when its host has a place for it, so that many feeds of one host keep no
//! others waiting, and when there are not too many such fetches.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Feed, Refresher};
use crate::cache::Lookup;
use crate::upstream::hosts::{Passage, Turn, Urgency};

/// How often due feeds are looked for.
pub(super) const TICK: Duration = Duration::from_secs(1);

impl Refresher {
    /// Starts what is due now. Called again and again, each [`TICK`].
    pub(super) fn start_due(self: &Arc<Self>, feeds: &[Arc<Feed>], now: Instant) {
        let now_ms = self.now_ms(now);
        let due = |feed: &Arc<Feed>| feed.track.due_at_ms().filter(|due_at| *due_at <= now_ms);
        let mut waiting: Vec<_> = feeds
            .iter()
            .filter_map(|feed| Some((due(feed)?, feed)))
            .filter(|(_, feed)| feed.track.is_active(now_ms, feed.settings.active_for))
            .collect();
        waiting.sort_unstable_by_key(|(due_at, _)| *due_at);
        for (_, feed) in waiting {
            let Ok(place) = Arc::clone(&self.background).try_acquire_owned() else {
                return;
            };
            match self.hosts.try_enter(&feed.settings.upstream.url, now) {
                Turn::Now(at_host) => {
                    let passage = Passage::new(at_host, Urgency::Background);
                    if let Lookup::Fetch(flight, stale) = self.cache.lookup(&feed.key, now) {
                        feed.track.plan(None);
                        let refresher = Arc::clone(self);
                        let feed = Arc::clone(feed);
                        self.tasks.spawn(async move {
                            refresher
                                .bring(&feed, &flight, stale.is_some(), passage)
                                .await;
                            refresher.serve_articles(&feed);
                            drop(place);
                        });
                    }
                }
                // After the hold they don't come all at once: one probes the host, and the others
                // are spaced.
                Turn::Held(until) => feed.track.plan(Some(self.now_ms(until))),
                Turn::Later => {}
            }
        }
    }
}
