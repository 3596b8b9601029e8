//! Why a feed could not be brought up to date.

use http::StatusCode;

use crate::cache::{Broken, ProductionError, TooLarge};
use crate::feed::splitter::NotAFeed;
use crate::upstream::FetchError;

/// Why there is no new copy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Upstream could not be fetched.
    #[error("the feed could not be fetched")]
    Fetch(#[from] FetchError),
    /// What came is no feed.
    #[error("what came is no feed: {0}")]
    NotAFeed(NotAFeed),
    /// The document's root was not closed.
    #[error("the document ends before its root is closed")]
    Truncated,
    /// Nothing but the last end tags was missing: a publisher who does so again never writes them.
    #[error("the document lacks the end tags of its root")]
    Unclosed,
    /// The rewritten feed is larger than a recording may be.
    #[error("the rewritten feed is too large")]
    TooLarge(#[from] TooLarge),
    /// The rules would add more to the feed than they may.
    #[error("image URLs, header and footer would add too much to the feed")]
    Outgrown,
    /// The recording that a reader waited for broke off.
    #[error("the feed broke off while it was recorded")]
    Broken(#[from] Broken),
    /// The feed has no item, and the copy at hand has some.
    #[error("the feed came without items")]
    NoItems,
    /// Upstream confirmed a copy that is no longer there.
    #[error("upstream confirmed a copy that we no longer hold")]
    NothingToConfirm,
    /// A page of the archive lacks the feed's own document, which it would be made from.
    #[error("the feed's own document is not there")]
    NoDocument,
    /// The task that fetched panicked.
    #[error("the fetch ended by an internal error in Feedwright")]
    Panicked,
}

impl ProductionError for Error {
    fn internal() -> Self {
        Self::Panicked
    }

    /// A feed is fetched to its end whoever waits.
    fn abandoned() -> Self {
        Self::Panicked
    }

    fn is_abandoned(&self) -> bool {
        false
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Fetch(FetchError::Status { status, .. }) if *status == StatusCode::GONE => "gone",
            Self::Fetch(error) => error.reason(),
            Self::NotAFeed(_) => "not-a-feed",
            Self::Truncated | Self::Unclosed => "truncated",
            Self::TooLarge(_) | Self::Outgrown => "too-large",
            Self::Broken(_) => "cut",
            Self::NoItems => "no-items",
            Self::NothingToConfirm => "nothing-to-confirm",
            Self::NoDocument => "no-document",
            Self::Panicked => "internal-error",
        }
    }

    fn was_asked(&self) -> bool {
        match self {
            Self::Fetch(error) => error.was_asked(),
            _ => true,
        }
    }

    fn upstream_status(&self) -> Option<StatusCode> {
        match self {
            Self::Fetch(FetchError::Status { status, .. } | FetchError::Challenge { status }) => {
                Some(*status)
            }
            _ => None,
        }
    }
}
