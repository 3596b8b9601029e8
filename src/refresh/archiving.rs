//! What the archive gets of feeds: each copy that readers may see, whether one asks for it or not.
//!
//! What upstream confirms is no news: its copy was handed over when it was made.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;
use url::Url;

use super::{Feed, Refresher};
use crate::archive::{Archivist, Document, Drawer, Settled};
use crate::config::FeedSettings;

/// What the archive has of a feed; `None` where it is not archived.
pub(super) fn drawer(settings: &FeedSettings) -> Option<Arc<Drawer>> {
    settings.archive.clone().map(|options| {
        let name = Arc::from(settings.name.as_str());
        Arc::new(Drawer::new(name, options, settings.upstream.clone()))
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
    ) -> Option<Document> {
        self.drawer.is_some().then(|| Document {
            url: Arc::new(url.clone()),
            body: body.to_vec(),
            awaited: awaited.into(),
        })
    }

    /// Whether it is fetched when it is due: a reader asked lately, or its items are archived.
    pub(super) fn is_kept_up(&self, now_ms: u64) -> bool {
        self.drawer.is_some() || self.track.is_active(now_ms, self.settings.active_for)
    }
}

impl Refresher {
    /// Hands a document to the archive.
    pub(super) fn archive(&self, feed: &Feed, document: Option<Document>) -> Settled {
        offer(&self.archivist, feed, document)
    }

    /// Has the archive complete: what an earlier process stored of the feeds is taken in, feeds that
    /// were never fetched are due, and what can't be written is tried again, for ever.
    pub async fn look_after_archive(self: &Arc<Self>, feeds: &[Arc<Feed>]) -> Infallible {
        let archived = feeds.iter().filter(|feed| feed.drawer.is_some());
        for feed in archived.clone() {
            self.restore(feed).await;
            if feed.track.due_at_ms().is_none() {
                feed.track.plan(Some(self.now_ms(Instant::now())));
            }
            self.serve_articles(feed);
        }
        let drawers: Vec<_> = archived.filter_map(|feed| feed.drawer.clone()).collect();
        self.archivist.look_after(&drawers).await
    }
}

/// The same as [`Refresher::archive`].
pub(super) fn offer(
    archivist: &Arc<Archivist>,
    feed: &Feed,
    document: Option<Document>,
) -> Settled {
    match (&feed.drawer, document) {
        (Some(drawer), Some(document)) => archivist.offer(drawer, document),
        _ => Settled::already(),
    }
}
