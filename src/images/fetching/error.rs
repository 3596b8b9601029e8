//! Why there is no image.

use std::time::Duration;

use http::StatusCode;

use crate::cache::ProductionError;
use crate::images::processing::ProcessingError;
use crate::upstream::FetchError;

/// How long a failure is remembered that may be over soon.
const BRIEFLY: Duration = Duration::from_secs(5);
/// How long one is that is likely to stay.
const LONGER: Duration = Duration::from_secs(60);
/// How long a name is not looked up again.
const NAME: Duration = Duration::from_secs(30);

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The request has no URL.
    #[error("the request names no image")]
    NoUrl,
    /// What it names can't be read as one.
    #[error("the URL can't be parsed")]
    BadUrl,
    /// It is not a well-formed image URL of ours.
    #[error("the image URL is malformed")]
    Malformed,
    /// Nobody signed it.
    #[error("images of this host need a signature")]
    NotSigned,
    /// Somebody else did.
    #[error("the signature is wrong")]
    WrongSignature,
    /// It leads back to us.
    #[error("the request leads back here")]
    Loop,
    /// It could not be fetched.
    #[error("the image could not be fetched")]
    Fetch(#[from] FetchError),
    /// Its transfer ended early.
    #[error("the transfer of the image ended early")]
    Broken,
    /// It is larger than allowed.
    #[error("the image has more than {0} bytes")]
    TooLarge(u64),
    /// It can't be made.
    #[error("the image can't be made")]
    Pixels(#[from] ProcessingError),
    /// It is larger than is held here: it is passed on to those who asked first.
    #[error("the image is passed on, and its start is gone")]
    PassedOn,
    /// It took too long.
    #[error("the image was not made within {0:?}")]
    Late(Duration),
    /// Too many images are being worked on.
    #[error("no memory came free for the image within {0:?}")]
    Busy(Duration),
    /// It takes more memory than there may be for all images.
    #[error("the image takes more memory than it may")]
    Memory,
    /// What worked on it ended.
    #[error("the work on the image ended in a crash")]
    Crashed,
    /// There is nothing to work on it.
    #[error("no worker can be started for the image")]
    NoWorker,
    /// Nobody waited for it any more.
    #[error("nobody waited for the image any more")]
    Abandoned,
    /// The work was given up: an internal error.
    #[error("work on the image was given up")]
    GivenUp,
}

impl ProductionError for ImageError {
    fn internal() -> Self {
        Self::GivenUp
    }

    fn abandoned() -> Self {
        Self::Abandoned
    }

    fn is_abandoned(&self) -> bool {
        matches!(self, Self::Abandoned)
    }

    fn upstream_status(&self) -> Option<StatusCode> {
        match self {
            Self::Fetch(FetchError::Status { status, .. } | FetchError::Challenge { status }) => {
                Some(*status)
            }
            _ => None,
        }
    }

    fn was_asked(&self) -> bool {
        match self {
            Self::Fetch(error) => error.was_asked(),
            _ => true,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NoUrl | Self::BadUrl | Self::Malformed => "address",
            Self::NotSigned | Self::WrongSignature => "signature",
            Self::Loop => "loop",
            Self::Fetch(error) => error.reason(),
            Self::Broken => "cut",
            Self::TooLarge(_) => "too-large",
            Self::Pixels(ProcessingError::Invalid) => "type",
            Self::Pixels(ProcessingError::Unreadable) => "unreadable",
            Self::Pixels(ProcessingError::Late) | Self::Late(_) => "late",
            Self::Pixels(ProcessingError::Saver(_) | ProcessingError::Unsupported(_)) => {
                "unsupported"
            }
            Self::Pixels(_) => "limit",
            Self::Memory => "memory",
            Self::Crashed => "crashed",
            Self::NoWorker => "no-worker",
            Self::Busy(_) | Self::PassedOn => "busy",
            Self::Abandoned => "abandoned",
            Self::GivenUp => "given-up",
        }
    }
}

impl ImageError {
    /// How long no other attempt is made.
    #[must_use]
    pub fn remembered_for(&self) -> Duration {
        match self {
            Self::Fetch(FetchError::Status { status, .. }) if status.is_server_error() => {
                Duration::ZERO
            }
            Self::Fetch(FetchError::Status { .. } | FetchError::Refused(_)) => LONGER,
            Self::Fetch(FetchError::Resolve(_)) => NAME,
            Self::Fetch(FetchError::TooLarge { .. } | FetchError::Redirect { .. })
            | Self::TooLarge(_) => LONGER,
            // They would fail again, and cost as much.
            Self::Pixels(_) | Self::Memory | Self::Crashed | Self::Late(_) => LONGER,
            Self::Fetch(FetchError::Crowded)
            | Self::Busy(_)
            | Self::PassedOn
            | Self::NoWorker
            | Self::Abandoned
            | Self::GivenUp => Duration::ZERO,
            _ => BRIEFLY,
        }
    }
}
