//! What a fetch brought, and the line that says so.

use std::sync::Arc;

use tokio::time::Instant;
use url::Url;

use super::history::Kept;
use super::persisted::Source;
use super::{Error, Feed, retry};
use crate::archive::FeedSnapshot;
use crate::cache::FeedCopy;
use crate::cache::ProductionError;
use crate::causes::chain;
use crate::feed::splitter::Ending;

/// What a fetch brought.
pub(super) struct News {
    pub(super) copy: Arc<FeedCopy>,
    /// How the document ended; `None` when upstream confirmed the copy.
    pub(super) ending: Option<Ending>,
    /// The rewritten feed's length; 0 when upstream confirmed the copy.
    pub(super) bytes: usize,
    /// Where upstream says the feed moved to for good. It is told, never acted upon.
    pub(super) moved_to: Option<Url>,
    /// What is to be stored of it.
    pub(super) source: Source,
    /// What its items are to what is kept of the feed.
    pub(super) kept: Option<Kept>,
    /// What the archive gets; nothing when upstream confirmed the copy.
    pub(super) document: Option<FeedSnapshot>,
}

/// Whether a document lacked nothing but the last end tags; `None` where none came, nor could have.
pub(super) fn lacks_ends(outcome: Result<&News, &Error>) -> Option<bool> {
    match outcome {
        Ok(news) => Some(news.ending.as_ref()?.missing_ends.is_some()),
        Err(error) => error
            .was_asked()
            .then_some(matches!(error, Error::Unclosed)),
    }
}

/// One line per fetch; a failure with its whole chain.
pub(super) fn log(feed: &Feed, started: Instant, outcome: Result<&News, &Error>) {
    let duration_ms = started.elapsed().as_secs_f64() * 1e3;
    let name = feed.settings.name.as_str();
    match outcome {
        Ok(News {
            copy,
            ending,
            bytes,
            moved_to,
            ..
        }) => {
            let skipped = ending
                .iter()
                .flat_map(|ending| &ending.skips)
                .map(|(_, count)| count);
            tracing::info!(
                target: "feedwright::fetch",
                outcome = if ending.is_some() { "recorded" } else { "confirmed" },
                feed.name = name,
                items = copy.items,
                skipped = skipped.sum::<usize>(),
                bytes,
                moved_to = moved_to.as_ref().map(Url::as_str),
                duration_ms,
                "fetch"
            );
            if let Some(ends) = ending.as_ref().and_then(|one| one.missing_ends.as_deref()) {
                tracing::info!(
                    target: "feedwright::fetch",
                    ends,
                    feed.name = name,
                    "the document lacks its last end tags, as the one before; they are written"
                );
            }
            if moved_to.is_some() && *moved_to != feed.track.past().moved_to {
                tracing::warn!(
                    target: "feedwright::fetch",
                    moved_to = moved_to.as_ref().map(Url::as_str),
                    feed.name = name,
                    advice = "write the new url into the configuration",
                    "the feed moved for good"
                );
            }
        }
        // The host's own line says why, once for all its feeds.
        Err(error) if !retry::counts(error) => tracing::debug!(
            target: "feedwright::fetch",
            outcome = error.reason(),
            feed.name = name,
            "fetch"
        ),
        Err(error) => tracing::warn!(
            target: "feedwright::fetch",
            outcome = error.reason(),
            feed.name = name,
            error = chain(error),
            duration_ms,
            "fetch"
        ),
    }
}
