//! When a feed that could not be brought up to date is tried again, and what its failure says
//! about the host. Pure: chance is a parameter.

use std::time::Duration;

use tokio::time::Instant;

use super::Error;
use crate::upstream::FetchError;
use crate::upstream::hosts::HostOutcome;

/// The first retry after a name could not be looked up, unless the configured one is shorter.
const NAME_PAUSE: Duration = Duration::from_secs(30);
/// What passes by itself is tried at least this often.
const PASSING_PAUSE_MAX: Duration = Duration::from_secs(3_600);
/// When there is no room for a fetch, this is how long the next attempt waits, and up to as much
/// again.
const CROWDED_PAUSE: Duration = Duration::from_secs(1);
/// A feed that is gone for good (410) is not asked for again while the process lives.
const GONE_PAUSE: Duration = Duration::from_secs(10 * 365 * 86_400);
/// Doublings after which a pause grows no more, so that the arithmetic can't overflow.
const DOUBLINGS_MAX: u32 = 30;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// The name could not be looked up.
    Name,
    /// The server can't be reached, or fails: that passes.
    Passing,
    /// The server answers, and its answer is no feed: that may stay so.
    Lasting,
    /// The feed is gone for good.
    Gone,
    /// Not the feed's fault: the host is backed off from until then.
    Held(Instant),
    /// Not the feed's fault: there was no room for the fetch.
    Crowded,
}

fn class(error: &Error) -> Class {
    match error {
        Error::Fetch(error) => match error {
            FetchError::Resolve(_) => Class::Name,
            FetchError::BackingOff { until } => Class::Held(*until),
            FetchError::Crowded => Class::Crowded,
            FetchError::Status { status, .. } if status.as_u16() == 410 => Class::Gone,
            FetchError::Status { status, .. }
                if status.is_client_error() && !matches!(status.as_u16(), 408 | 425 | 429) =>
            {
                Class::Lasting
            }
            FetchError::Refused(_)
            | FetchError::Redirect { .. }
            | FetchError::Challenge { .. }
            | FetchError::Settings(_) => Class::Lasting,
            FetchError::TooLarge { .. } | FetchError::Coding(_) => Class::Lasting,
            _ => Class::Passing,
        },
        Error::NotAFeed(_) | Error::NoItems | Error::TooLarge(_) | Error::Outgrown => {
            Class::Lasting
        }
        _ => Class::Passing,
    }
}

/// Whether the failure is the feed's, so that it counts in a row of them.
pub(super) fn counts(error: &Error) -> bool {
    !matches!(class(error), Class::Held(_) | Class::Crowded)
}

/// Whether the publisher said that the feed is gone for good.
pub(super) fn is_gone(error: &Error) -> bool {
    class(error) == Class::Gone
}

/// How failures of one feed are followed up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// The pause after the first failure.
    pub(super) first: Duration,
    /// The longest pause.
    pub(super) most: Duration,
}

/// How long after `now` the next fetch is tried, when this was the `failures`th in a row (from 1).
/// The first pause is as configured; each further one is twice as long, less up to half by chance.
pub(super) fn pause(
    error: &Error,
    failures: u32,
    terms: Terms,
    now: Instant,
    fraction: f64,
) -> Duration {
    let (first, most) = match class(error) {
        Class::Gone => return GONE_PAUSE,
        Class::Held(until) => {
            return until.saturating_duration_since(now) + CROWDED_PAUSE.mul_f64(fraction);
        }
        Class::Crowded => return CROWDED_PAUSE.mul_f64(1.0 + fraction),
        Class::Name => (terms.first.min(NAME_PAUSE), PASSING_PAUSE_MAX),
        Class::Passing => (terms.first, PASSING_PAUSE_MAX),
        Class::Lasting => (terms.first, terms.most),
    };
    if failures <= 1 {
        return first;
    }
    let doubled = first.saturating_mul(1 << (failures - 1).min(DOUBLINGS_MAX));
    let pause = doubled.min(most.min(terms.most)).max(first);
    first.max(pause.mul_f64(1.0 - fraction / 2.0))
}

/// What a failure says about the host that the fetch ended at; `None`: nothing.
pub(super) fn verdict(error: &Error) -> Option<HostOutcome> {
    let Error::Fetch(error) = error else {
        return match error {
            Error::Panicked | Error::Broken(_) => None,
            _ => Some(HostOutcome::Answered),
        };
    };
    Some(match error {
        FetchError::Status {
            status,
            retry_after,
        } => match status.as_u16() {
            429 => HostOutcome::Overloaded(*retry_after),
            500.. if retry_after.is_some_and(|wait| !wait.is_zero()) => {
                HostOutcome::Overloaded(*retry_after)
            }
            500.. => HostOutcome::Failed,
            _ => HostOutcome::Answered,
        },
        FetchError::Resolve(_)
        | FetchError::Connect(_)
        | FetchError::Tls(_)
        | FetchError::Timeout { .. }
        | FetchError::Cut(_)
        | FetchError::Protocol(_) => HostOutcome::Failed,
        FetchError::Redirect { .. }
        | FetchError::Challenge { .. }
        | FetchError::TooLarge { .. }
        | FetchError::Coding(_)
        | FetchError::Unasked => HostOutcome::Answered,
        FetchError::Refused(_)
        | FetchError::BackingOff { .. }
        | FetchError::Crowded
        | FetchError::Settings(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::splitter::NotAFeed;
    use crate::upstream::Phase;
    use http::StatusCode;

    fn status(code: u16, retry_after_s: Option<u64>) -> Error {
        Error::Fetch(FetchError::Status {
            status: StatusCode::from_u16(code).unwrap(),
            retry_after: retry_after_s.map(Duration::from_secs),
        })
    }

    fn dns() -> Error {
        Error::Fetch(FetchError::Resolve("no such name".into()))
    }

    fn timeout() -> Error {
        let phase = Phase::FirstByte;
        Error::Fetch(FetchError::Timeout { phase })
    }

    #[test]
    fn pauses_by_class_and_failures_in_a_row() {
        let terms = Terms {
            first: Duration::from_secs(60),
            most: Duration::from_secs(86_400),
        };
        let now = Instant::now();
        for (error, failures, fraction, expected_s) in [
            (dns(), 1, 0.9, 30),
            (dns(), 2, 0.0, 60),
            (dns(), 2, 1.0, 30),
            (dns(), 99, 0.0, 3_600),
            (timeout(), 1, 0.9, 60),
            (timeout(), 2, 0.0, 120),
            (timeout(), 2, 0.5, 90),
            (timeout(), 4, 0.0, 480),
            (timeout(), u32::MAX, 0.0, 3_600),
            (status(500, None), 99, 0.0, 3_600),
            (status(408, None), 99, 0.0, 3_600),
            (status(404, None), 1, 0.0, 60),
            (status(404, None), 7, 0.0, 3_840),
            (status(404, None), 99, 0.0, 86_400),
            (status(404, None), 99, 1.0, 43_200),
            (Error::NotAFeed(NotAFeed::Html), 1, 0.0, 60),
            (Error::NotAFeed(NotAFeed::Html), 99, 0.0, 86_400),
            (Error::Truncated, 99, 0.0, 3_600),
            (status(410, None), 1, 0.0, GONE_PAUSE.as_secs()),
            (Error::Fetch(FetchError::Crowded), 9, 0.0, 1),
            (
                Error::Fetch(FetchError::BackingOff {
                    until: now + Duration::from_secs(77),
                }),
                9,
                0.0,
                77,
            ),
        ] {
            let pause = pause(&error, failures, terms, now, fraction);
            assert_eq!(pause.as_secs(), expected_s, "{error:?} {failures}");
        }
    }

    #[test]
    fn what_is_configured_bounds_all_pauses() {
        let (first, most) = (Duration::from_secs(1), Duration::from_secs(600));
        let terms = Terms { first, most };
        for error in [dns(), timeout(), status(404, None)] {
            let pause = |failures| pause(&error, failures, terms, Instant::now(), 0.0);
            assert_eq!((pause(1), pause(99)), (first, most), "{error:?}");
        }
    }

    #[test]
    fn what_failures_say_about_the_host() {
        use HostOutcome::{Answered, Failed, Overloaded};
        let minute = Some(Duration::from_secs(60));
        for (error, expected) in [
            (status(429, Some(60)), Some(Overloaded(minute))),
            (status(429, None), Some(Overloaded(None))),
            (status(503, Some(60)), Some(Overloaded(minute))),
            (status(503, Some(0)), Some(Failed)),
            (status(503, None), Some(Failed)),
            (status(500, None), Some(Failed)),
            (status(404, Some(60)), Some(Answered)),
            (status(403, None), Some(Answered)),
            (dns(), Some(Failed)),
            (timeout(), Some(Failed)),
            (Error::Truncated, Some(Answered)),
            (Error::NotAFeed(NotAFeed::Empty), Some(Answered)),
            (Error::Fetch(FetchError::Crowded), None),
            (Error::Panicked, None),
        ] {
            assert_eq!(verdict(&error), expected, "{error:?}");
        }
    }
}
