//! What the archive gets of feeds: each copy that readers may see, whether one asks for it or not.
//!
//! What upstream confirms is no news: its copy was handed over when it was made.

use std::convert::Infallible;
use std::sync::Arc;

use tokio::time::Instant;

use super::{Feed, Refresher};
use crate::archive::{Archiver, FeedSnapshot, Settled};

impl Refresher {
    /// Hands a document to the archive.
    pub(super) fn archive(&self, feed: &Feed, document: Option<FeedSnapshot>) -> Settled {
        offer(&self.archiver, feed, document)
    }

    /// Has the archive complete: what an earlier process stored of the feeds is taken in, feeds that
    /// were never fetched are due, and what can't be written is tried again, for ever.
    pub async fn look_after_archive(self: &Arc<Self>, feeds: &[Arc<Feed>]) -> Infallible {
        let archived = feeds.iter().filter(|feed| feed.archived.is_some());
        for feed in archived.clone() {
            self.restore(feed).await;
            if feed.track.due_at_ms().is_none() {
                feed.track.plan(Some(self.now_ms(Instant::now())));
            }
            self.serve_articles(feed);
        }
        let archived: Vec<_> = archived.filter_map(|feed| feed.archived.clone()).collect();
        self.archiver.look_after(&archived).await
    }
}

/// The same as [`Refresher::archive`].
pub(super) fn offer(
    archiver: &Arc<Archiver>,
    feed: &Feed,
    document: Option<FeedSnapshot>,
) -> Settled {
    match (&feed.archived, document) {
        (Some(archived), Some(document)) => archiver.offer(archived, document),
        _ => Settled::already(),
    }
}
