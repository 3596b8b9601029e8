//! What an answer says of a copy, and what of a copy is asked.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use crate::cache::policy::{self, Received};
use crate::cache::{FeedCopy, Times};
use crate::refresh::Feed;
use crate::refresh::freshness::Finding;
use crate::upstream::Validators;

/// After so long of "not modified" a feed is fetched once without conditions.
const CONDITIONAL_FOR_MS: u64 = 7 * 86_400_000;

/// How long HTTP says that what has just come stays fresh. What it says about storing, or about
/// asking first, is not for us: a feed's readers all get the same, and it is asked for when it is
/// due.
pub(super) fn stated_by_http(
    status: StatusCode,
    headers: &HeaderMap,
    received_at: SystemTime,
) -> Option<Duration> {
    let response = Received {
        status,
        headers,
        requested_at: received_at,
        received_at,
    };
    let terms = policy::terms(response, None);
    terms
        .is_explicit
        .then(|| terms.remaining(received_at).unwrap_or_default())
}

/// What makes the request conditional. Once a week nothing does, for the sake of servers whose
/// validators never change although the feed does.
pub(super) fn conditions(feed: &Feed, known: Option<&FeedCopy>, now_ms: u64) -> Validators {
    let loaded_at_ms = feed.track.past().loaded_at_ms;
    let is_old =
        loaded_at_ms.is_some_and(|at_ms| now_ms.saturating_sub(at_ms) >= CONDITIONAL_FOR_MS);
    known
        .filter(|_| !is_old)
        .map(|known| known.validators.clone())
        .unwrap_or_default()
}

/// The times of what comes now.
pub(super) fn times(feed: &Feed, fresh_for: Duration) -> Times {
    Times {
        fetched_at: Instant::now(),
        fresh_for,
        stale_if_error: feed.settings.stale_if_error,
    }
}

/// What a body of this digest is to a copy at hand.
pub(super) fn compare(known: Option<&FeedCopy>, digest: u128) -> Finding {
    match known.map(|known| known.digest == Some(digest)) {
        None => Finding::First,
        Some(false) => Finding::New,
        Some(true) => Finding::Same,
    }
}
