//! What can go wrong with a fetch.
//!
//! Invariant: `Display` says what we know; the cause is in `source()` and nowhere else, and neither
//! holds a URL, which may hold a secret.

use super::CodingError;
use super::guard::Refusal;
use http::StatusCode;
use rustix::io::Errno;
use std::error::Error;
use std::io;
use std::time::Duration;
use tokio::time::Instant;

/// The cause of an error, from a library below.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Why a fetch, or the reading of its body, failed.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The address policy forbids it. No connection was made to the refused place.
    #[error("the address policy refuses it")]
    Refused(#[source] Refusal),
    /// The name has no usable address.
    #[error("the name could not be resolved")]
    Resolve(#[source] Cause),
    /// No connection.
    #[error("the connection failed")]
    Connect(#[source] Cause),
    /// No secure connection.
    #[error("the TLS handshake failed")]
    Tls(#[source] Cause),
    /// It took too long.
    #[error("timed out: {phase}")]
    Timeout {
        /// What took too long.
        phase: Phase,
    },
    /// A redirect that cannot be followed.
    #[error("the redirect is not followed: {problem}")]
    Redirect {
        /// What is wrong with it.
        problem: RedirectProblem,
    },
    /// An answer other than 200, or 304 to a conditional request.
    #[error("upstream answered {status}")]
    Status {
        /// The status code.
        status: StatusCode,
        /// How long upstream asks us to stay away; at most a day.
        retry_after: Option<Duration>,
    },
    /// A page that wants to be shown that there is a browser.
    #[error("upstream answered {status} with a challenge for browsers")]
    Challenge {
        /// The status code.
        status: StatusCode,
    },
    /// The body is larger than allowed.
    #[error("the body is too large: more than {limit}")]
    TooLarge {
        /// The limit that was passed.
        limit: Limit,
    },
    /// The content coding cannot be undone.
    #[error("the body cannot be decoded")]
    Coding(#[source] CodingError),
    /// The connection ended before the response did.
    #[error("the transfer ended early")]
    Cut(#[source] Cause),
    /// What came is not HTTP as we accept it.
    #[error("upstream broke the protocol")]
    Protocol(#[source] Cause),
    /// 304 although the request was not conditional.
    #[error("upstream confirmed a copy that nobody asked about")]
    Unasked,
    /// The host is backed off from: it asked us to wait, or it keeps failing.
    #[error("backing off from the host")]
    BackingOff {
        /// Nothing is fetched from it before this.
        until: Instant,
    },
    /// No capacity here: too many fetches wait for the host, or too many bytes are in flight.
    #[error("too much is in flight")]
    Crowded,
    /// The upstream's settings cannot be turned into a request.
    #[error("the upstream's settings are unusable")]
    Settings(#[source] Cause),
}

/// What took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// DNS, TCP and TLS.
    Connect,
    /// The response's head.
    FirstByte,
    /// The next chunk of the body.
    Idle,
    /// The body came, but too slowly.
    Rate,
    /// The fetch as a whole.
    Total,
}

/// A limit on the size of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Bytes on the wire.
    Wire(u64),
    /// Bytes after decoding.
    Decoded(u64),
    /// Decoded bytes per byte on the wire.
    Ratio(u32),
    /// Bytes that one body may take of the budget of bytes in flight.
    InFlight(u64),
}

/// Why a redirect is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedirectProblem {
    /// No `Location`.
    #[error("it names no location")]
    NoLocation,
    /// A `Location` that is no URL.
    #[error("its location is no URL")]
    BadLocation,
    /// It leads to where it stands.
    #[error("it leads to itself")]
    Itself,
    /// It leads back to where we were.
    #[error("it leads in a circle")]
    Loop,
    /// One more than allowed.
    #[error("there were {0} before it")]
    TooMany(u32),
}

impl FetchError {
    /// Whether upstream was asked at all.
    #[must_use]
    pub fn was_asked(&self) -> bool {
        !matches!(
            self,
            Self::BackingOff { .. } | Self::Crowded | Self::Refused(_)
        )
    }

    /// One stable word for logs, metrics and the `detail` of `Cache-Status`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Resolve(_) => "dns",
            Self::Connect(_) => "connect",
            Self::Tls(_) => "tls",
            Self::Timeout { .. } => "timeout",
            Self::Redirect { .. } => "redirect",
            Self::Status { .. } => "status",
            Self::Challenge { .. } => "challenge",
            Self::TooLarge { .. } => "too-large",
            Self::Coding(_) => "coding",
            Self::Cut(_) => "cut",
            Self::Protocol(_) => "protocol",
            Self::Unasked => "protocol",
            Self::BackingOff { .. } => "backoff",
            Self::Crowded => "busy",
            Self::Settings(_) => "settings",
        }
    }

    /// What went wrong before a response's head was there.
    pub(super) fn before_head(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if let Some(refusal) = find::<Refusal>(&error) {
            return Self::Refused(refusal.clone());
        }
        if error.is_connect() && error.is_timeout() {
            return Self::Timeout {
                phase: Phase::Connect,
            };
        }
        if find::<rustls::Error>(&error).is_some() {
            return Self::Tls(error.into());
        }
        // Ours, not the server's: it must not be held against it.
        if find::<io::Error>(&error).is_some_and(is_shortage) {
            return Self::Crowded;
        }
        if error.is_dns() {
            return Self::Resolve(error.into());
        }
        if error.is_connect() {
            return Self::Connect(error.into());
        }
        if error.is_builder() {
            return Self::Settings(error.into());
        }
        let is_cut = find::<hyper::Error>(&error)
            .is_some_and(|cause| cause.is_incomplete_message() || cause.is_canceled())
            || find::<io::Error>(&error).is_some_and(|cause| is_disconnect(cause.kind()));
        if is_cut {
            Self::Cut(error.into())
        } else {
            Self::Protocol(error.into())
        }
    }

    /// What went wrong between the response's head and its end.
    pub(super) fn in_body(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let is_malformed = find::<hyper::Error>(&error).is_some_and(hyper::Error::is_parse)
            || find::<io::Error>(&error).is_some_and(|cause| is_malformed(cause.kind()));
        if is_malformed {
            Self::Protocol(error.into())
        } else {
            Self::Cut(error.into())
        }
    }

    pub(super) fn protocol(what: &'static str) -> Self {
        Self::Protocol(what.into())
    }
}

impl From<Refusal> for FetchError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A body whose coded stream is incomplete was cut, whatever HTTP says about it.
impl From<CodingError> for FetchError {
    fn from(error: CodingError) -> Self {
        match error {
            CodingError::Truncated => Self::Cut(error.into()),
            _ => Self::Coding(error),
        }
    }
}

impl From<RedirectProblem> for FetchError {
    fn from(problem: RedirectProblem) -> Self {
        Self::Redirect { problem }
    }
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::FirstByte => "waiting for the response",
            Self::Idle => "waiting for more of the body",
            Self::Rate => "the body comes too slowly",
            Self::Total => "the fetch as a whole",
        })
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Wire(bytes) => write!(f, "{bytes} bytes on the wire"),
            Self::Decoded(bytes) => write!(f, "{bytes} bytes decoded"),
            Self::InFlight(bytes) => {
                write!(f, "{bytes} bytes, half of the budget of bytes in flight")
            }
            Self::Ratio(ratio) => write!(f, "{ratio} decoded bytes per byte on the wire"),
        }
    }
}

fn is_disconnect(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
    )
}

/// Whether there was no file descriptor left, for this process or on this machine.
fn is_shortage(error: &io::Error) -> bool {
    [Errno::MFILE, Errno::NFILE]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// How hyper reports chunk framing that it cannot read.
fn is_malformed(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
    )
}

/// Searches an error and its causes. An `io::Error` hides what it wraps from `source()`.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(|outer| outer.get_ref());
        if let Some(found) = wrapped.and_then(|inner| find::<E>(inner)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}
