//! What the archive gets of feeds: each copy that readers may see, whether one asks for it or not.
//!
//! What upstream confirms is no news: its copy was handed over when it was made.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;
use url::Url;

use super::{Feed, Refresher};
use crate::archive::{ArchivedFeed, Archiver, FeedSnapshot, Settled};
use crate::config::FeedSettings;

/// What the archive has of a feed; `None` where it is not archived.
pub(super) fn archived_feed(settings: &FeedSettings) -> Option<Arc<ArchivedFeed>> {
    settings.archive.clone().map(|options| {
        let name = Arc::from(settings.name.as_str());
        Arc::new(ArchivedFeed::new(name, options, settings.upstream.clone()))
    })
}

impl Feed {
    /// What the archive gets of a document that came from `url` and became `body`; `None` where the
    /// feed is not archived.
    pub(super) fn document(
        &self,
        url: &Url,
        awaited: Vec<String>,
        body: &[Bytes],
    ) -> Option<FeedSnapshot> {
        self.archived.is_some().then(|| FeedSnapshot {
            url: Arc::new(url.clone()),
            body: body.to_vec(),
            awaited: awaited.into(),
        })
    }

    /// Whether it is fetched when it is due: a reader asked lately, or its items are archived.
    pub(super) fn is_kept_up(&self, now_ms: u64) -> bool {
        self.archived.is_some() || self.track.is_active(now_ms, self.settings.active_for)
    }
}

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
