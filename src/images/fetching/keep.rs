//! What is noted beside an image in the store, and how long images last.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::ImageProxyOptions;
use crate::cache::Times;
use crate::cache::policy::{Directives, Listed, Received, terms};
use crate::store;
use crate::upstream::Validators;

/// The least and the most that a server can make us keep an image without asking: addresses of
/// images hardly ever get other content, and servers seldom say how long.
const FRESH_MIN: Duration = Duration::from_secs(60 * 60);
const FRESH_MAX: Duration = Duration::from_secs(30 * 86_400);
/// A kept time when nothing may be kept: long enough for what is under way.
const NOTHING: Duration = Duration::from_secs(0);

/// What is noted beside an original.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OriginalNote {
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    pub(super) fresh_s: u64,
    pub(super) canonical: Option<String>,
}

/// What is noted beside an image that was made.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct VariantNote {
    pub(super) media_type: String,
    pub(super) extension: String,
    /// Of the original it was made from.
    pub(super) source: String,
    pub(super) fresh_s: u64,
    pub(super) last_modified: Option<String>,
    pub(super) canonical: Option<String>,
}

/// How long an answer with these header fields lasts; zero for what may not be kept.
pub(super) fn fresh_for(headers: &HeaderMap, options: &ImageProxyOptions) -> Duration {
    let directives = Directives::of_response(headers);
    if directives.no_store || directives.private != Listed::No {
        return NOTHING;
    }
    let now = SystemTime::now();
    let received = Received {
        status: StatusCode::OK,
        headers,
        requested_at: now,
        received_at: now,
    };
    let terms = terms(received, None);
    let stated = terms.lifetime.saturating_sub(terms.initial_age);
    match terms.is_explicit {
        true => stated.clamp(FRESH_MIN, FRESH_MAX),
        false => options.fresh_for,
    }
}

/// Times from now on.
pub(super) fn times(fresh_for: Duration, options: &ImageProxyOptions) -> Times {
    let stale_if_error = if fresh_for.is_zero() {
        NOTHING
    } else {
        options.stale_if_error
    };
    Times {
        fetched_at: Instant::now(),
        fresh_for,
        stale_if_error,
    }
}

/// The times of something that was stored then.
pub(super) fn times_since(
    stored_at: SystemTime,
    fresh_s: u64,
    options: &ImageProxyOptions,
) -> Times {
    let age = store::age(stored_at, SystemTime::now());
    let fresh_for = Duration::from_secs(fresh_s);
    let fetched_at = age.and_then(|age| Instant::now().checked_sub(age));
    Times {
        fetched_at: fetched_at.unwrap_or_else(Instant::now),
        // What can't be dated is stale.
        fresh_for: if fetched_at.is_some() {
            fresh_for
        } else {
            NOTHING
        },
        stale_if_error: options.stale_if_error,
    }
}

pub(super) fn validators(note: &OriginalNote) -> Validators {
    let value = |text: &Option<String>| {
        text.as_ref()
            .and_then(|text| HeaderValue::from_str(text).ok())
    };
    Validators {
        etag: value(&note.etag),
        last_modified: value(&note.last_modified),
    }
}

pub(super) fn text(value: Option<&HeaderValue>) -> Option<String> {
    value
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}
