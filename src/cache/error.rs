//! Errors of productions, as far as the cache has to know them, and of recordings.

use std::error::Error;

use http::StatusCode;

/// Why a value could not be produced, as far as the cache has to know.
pub trait ProductionError: Error + Send + Sync + Sized + 'static {
    /// The error of a production that panicked or was dropped.
    fn internal() -> Self;

    /// The error of a production that no request waited for any more.
    fn abandoned() -> Self;

    /// Whether it is [`ProductionError::abandoned`]: who comes then begins anew.
    fn is_abandoned(&self) -> bool;

    /// One stable word, for `Cache-Status`.
    fn reason(&self) -> &'static str;

    /// The status that upstream answered with, where that is the error.
    fn upstream_status(&self) -> Option<StatusCode>;

    /// Whether upstream was asked at all.
    fn was_asked(&self) -> bool;
}

/// The writer of a recording went away before its end, or the body was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the recording broke off")]
pub struct Broken;
