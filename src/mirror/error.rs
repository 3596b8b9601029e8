//! Why a mirrored resource can't be answered.

use http::StatusCode;

use crate::cache::ProductionError;
use crate::upstream::FetchError;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The mirror passes other methods on; which, as `Allow` says it.
    #[error("the mirror does not pass this method on")]
    Method(String),
    /// A browser asks for a service worker, which would be one of our host.
    #[error("service workers are refused: the mirror is not trusted")]
    ServiceWorker,
    /// The path would lead out of the mirror.
    #[error("the path leads out of the mirror")]
    BadPath,
    /// The address is longer than can be kept.
    #[error("the address is too long")]
    TooLong,
    /// The address has a query, and the mirror takes none.
    #[error("this mirror takes no query (`?…`)")]
    Query,
    /// The client has asked for more distinct queries within a minute than it may.
    #[error("too many different queries within a minute")]
    Queries,
    /// The request passed here before.
    #[error("the request came back to where it was")]
    Loop,
    /// The reader takes only what is kept, and nothing is.
    #[error("nothing is kept, and the reader takes nothing else")]
    OnlyIfCached,
    /// More requests wait for origins than may.
    #[error("too many requests wait for origins")]
    Busy,
    /// The reader's body is larger than allowed.
    #[error("the reader's body is larger than {0} bytes")]
    BodyTooLarge(u64),
    /// The reader's body did not come.
    #[error("the reader's body broke off, or came too slowly")]
    BodyBroken,
    /// The origin could not be reached, or its answer not be read.
    #[error("the origin could not be fetched from")]
    Fetch(#[from] FetchError),
    /// The origin failed, and there is something older.
    #[error("the origin answered {0}")]
    Status(StatusCode),
    /// What another request that we waited for came to.
    #[error(transparent)]
    Shared(std::sync::Arc<Error>),
    /// The origin's answer can't be shared: whoever waited for it has to ask alone.
    #[error("the answer can't be shared")]
    Unshared,
    /// The body broke off while it was recorded.
    #[error("the body broke off while it was recorded")]
    Broken,
    /// Nobody waited for it any more.
    #[error("nobody waited for the answer any more")]
    Abandoned,
    /// The task that fetched panicked.
    #[error("the fetch ended by an internal error in Feedwright")]
    Panicked,
}

impl ProductionError for Error {
    fn internal() -> Self {
        Self::Panicked
    }

    fn abandoned() -> Self {
        Self::Abandoned
    }

    fn is_abandoned(&self) -> bool {
        matches!(self, Self::Abandoned)
    }

    fn was_asked(&self) -> bool {
        match self {
            Self::Fetch(error) => error.was_asked(),
            Self::Shared(error) => error.was_asked(),
            Self::Status(_) | Self::Unshared | Self::Broken => true,
            _ => false,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Method(_) => "method",
            Self::ServiceWorker => "service-worker",
            Self::BadPath => "path",
            Self::TooLong => "too-long",
            Self::Query => "query",
            Self::Queries => "queries",
            Self::Loop => "loop",
            Self::OnlyIfCached => "only-if-cached",
            Self::Busy => "busy",
            Self::BodyTooLarge(_) => "body-too-large",
            Self::BodyBroken => "body-broken",
            Self::Fetch(error) => error.reason(),
            Self::Status(_) => "status",
            Self::Shared(error) => error.reason(),
            Self::Unshared => "unshared",
            Self::Broken => "cut",
            Self::Abandoned => "abandoned",
            Self::Panicked => "internal-error",
        }
    }

    fn upstream_status(&self) -> Option<StatusCode> {
        match self {
            Self::Status(status) => Some(*status),
            Self::Shared(error) => error.upstream_status(),
            _ => None,
        }
    }
}
