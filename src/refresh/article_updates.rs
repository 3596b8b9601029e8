//! The articles of feeds with full texts: fetched in the background; when one comes, the feed's copy is made
//! again of the document at hand.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::fetching::Recorded;
use super::intake::Incoming;
use super::{Feed, Refresher, tag};

impl Refresher {
    /// Fetches the articles that the feed still lacks, in the background.
    pub(super) fn serve_articles(self: &Arc<Self>, feed: &Arc<Feed>) {
        let Some(full) = &feed.full_text else {
            return;
        };
        let (refresher, feed) = (Arc::clone(self), Arc::clone(feed));
        self.library.serve(&full.shelf, move || {
            let (refresher, feed) = (Arc::clone(&refresher), Arc::clone(&feed));
            let tasks = refresher.tasks.clone();
            tasks.spawn(async move { refresher.make_again(&feed).await });
        });
    }

    /// Makes the copy again from the body at hand, now that there are more articles.
    async fn make_again(&self, feed: &Feed) {
        let Some(full) = &feed.full_text else { return };
        let (Some(document), Some(known)) = (full.last(), self.cache.peek(&feed.key)) else {
            return;
        };
        let begun = Instant::now();
        let pieces = (document.pieces.as_slice(), None);
        let additions = document.additions.clone();
        let source = Incoming::whole(pieces, additions, self.client.budget());
        let Ok(recorded) = self
            .record_from(feed, &document.arrived, source, None)
            .await
        else {
            return;
        };
        let Recorded {
            mut copy,
            digest,
            document: archived,
            ..
        } = recorded;
        // What was fetched meanwhile is newer.
        let is_last = full
            .last()
            .is_some_and(|last| Arc::ptr_eq(&last, &document));
        let Some(now) = self.cache.peek(&feed.key).filter(|_| is_last) else {
            return;
        };
        copy.times = now.times;
        copy.validators = now.validators.clone();
        let copy = tag::settle(copy, Some(&known), digest, &feed.rules);
        let (here, coming) = full.shelf.count();
        tracing::info!(
            target: "feedwright::fetch",
            outcome = "articles",
            feed.name = feed.settings.name.as_str(),
            articles = here,
            coming,
            "copy made again"
        );
        if feed.is_retired.load(Ordering::Acquire) {
            return;
        }
        let copy = Some(Arc::new(copy));
        let kept = self.cache.revise(&feed.key, (None, begun), |_| copy);
        if kept.is_some() {
            self.archive(feed, archived);
        }
    }
}
