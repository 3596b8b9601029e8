//! One copy of a feed: what was made of one upstream answer, and until when it is good.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::HeaderValue;
use tokio::time::Instant;

use super::body::Body;
use super::entries::Freshness;
use super::forms::Forms;
use super::request::Timed;
use super::shelf::Kept;
use crate::shares::Share;
use crate::upstream::Validators;

/// Bytes that a copy weighs besides its forms: head, validators, bookkeeping.
const OVERHEAD_BYTES: usize = 2 << 10;

/// What a reader is told about a copy besides its body, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// `Content-Type`, with the charset.
    pub content_type: HeaderValue,
    /// `None` while the body that the tag would be made from is still on its way.
    pub tag: Option<Tag>,
    /// When this content was first seen.
    pub modified_at: SystemTime,
    /// The same as `Last-Modified`, to the second.
    pub last_modified: HeaderValue,
}

/// An entity tag (RFC 9110 §8.8.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The opaque part, without quotes.
    pub opaque: String,
    /// For the identity form.
    pub strong: HeaderValue,
    /// For the coded forms, which are equivalent to it but not the same bytes.
    pub weak: HeaderValue,
}

impl Head {
    /// The head of content that is first seen at `now`.
    #[must_use]
    pub fn new(content_type: &str, opaque: Option<String>, now: SystemTime) -> Self {
        Self {
            content_type: value(content_type),
            tag: opaque.map(Tag::new),
            modified_at: now,
            last_modified: value(&httpdate::fmt_http_date(now)),
        }
    }
}

impl Tag {
    /// A tag with this opaque part.
    #[must_use]
    pub fn new(opaque: String) -> Self {
        let strong = format!("\"{opaque}\"");
        Self {
            strong: value(&strong),
            weak: value(&format!("W/{strong}")),
            opaque,
        }
    }
}

/// Text of ours as a header value: printable, so that it is one.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// When a copy was fetched, and how long it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// When upstream last said that this is its content.
    pub fetched_at: Instant,
    /// How long it is fresh from then.
    pub fresh_for: Duration,
    /// How long beyond that it may be served while upstream fails (RFC 5861 §4).
    pub stale_if_error: Duration,
}

impl Times {
    /// How long the copy stays fresh; `None` when it is stale.
    #[must_use]
    pub fn remaining(&self, now: Instant) -> Option<Duration> {
        let age = now.saturating_duration_since(self.fetched_at);
        self.fresh_for
            .checked_sub(age)
            .filter(|rest| !rest.is_zero())
    }

    /// Seconds since the copy went stale; 0 when it is fresh.
    #[must_use]
    pub fn stale_s(&self, now: Instant) -> u64 {
        let age = now.saturating_duration_since(self.fetched_at);
        age.saturating_sub(self.fresh_for).as_secs()
    }

    /// `ttl` of `Cache-Status` (RFC 9211 §2.5) in seconds: below zero since it went stale.
    #[must_use]
    pub fn ttl_s(&self, now: Instant) -> i64 {
        let seconds = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
        match self.remaining(now) {
            Some(remaining) => seconds(remaining.as_secs()),
            None => -seconds(self.stale_s(now)),
        }
    }

    /// What it is good for at `now`.
    #[must_use]
    pub fn freshness(&self, now: Instant) -> Freshness {
        match self.remaining(now) {
            Some(_) => Freshness::Fresh,
            None if self.may_be_served_stale(now) => Freshness::Stale,
            None => Freshness::Unusable,
        }
    }

    /// Whether it may be served although upstream fails.
    #[must_use]
    pub fn may_be_served_stale(&self, now: Instant) -> bool {
        let age = now.saturating_duration_since(self.fetched_at);
        age <= self.fresh_for.saturating_add(self.stale_if_error)
    }
}

/// A copy: immutable but for the forms of its body.
#[derive(Debug, Clone)]
pub struct FeedCopy {
    /// What a reader is told.
    pub head: Head,
    /// The body.
    pub forms: Arc<Forms>,
    /// Upstream's validators, verbatim.
    pub validators: Validators,
    /// Digest of upstream's body; `None` while it grows.
    pub digest: Option<u128>,
    /// Items in it; 0 while it grows.
    pub items: usize,
    /// Full texts that are still to come; for readers the copy lasts only a short while then.
    pub missing_articles: usize,
    /// How long it lasts.
    pub times: Times,
}

impl Kept for FeedCopy {
    fn weight_bytes(&self) -> usize {
        self.forms.bytes() + OVERHEAD_BYTES
    }

    /// A feed's name holds no slash; a page of its items has one in its key.
    fn share(key: &str) -> Share {
        match key.contains('/') {
            true => Share::Articles,
            false => Share::Feeds,
        }
    }

    fn bodies(&self) -> Vec<Body> {
        self.forms.bodies()
    }
}

impl Timed for FeedCopy {
    fn times(&self) -> &Times {
        &self.times
    }

    fn is_whole(&self) -> bool {
        self.digest.is_some()
    }
}

impl FeedCopy {
    /// The same copy, confirmed by upstream (RFC 9111 §4.3.4).
    #[must_use]
    pub fn confirmed(&self, validators: Validators, times: Times) -> Self {
        Self {
            validators,
            times,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_copy_is_fresh_then_stale_then_gone() {
        let fetched_at = Instant::now();
        let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
        let times = Times {
            fetched_at,
            fresh_for: minute,
            stale_if_error: hour,
        };
        for (after_s, remaining_s, stale_s, is_served_stale) in [
            (0, Some(60), 0, true),
            (59, Some(1), 0, true),
            (60, None, 0, true),
            (61, None, 1, true),
            (3660, None, 3600, true),
            (3661, None, 3601, false),
        ] {
            let now = fetched_at + Duration::from_secs(after_s);
            assert_eq!(
                times.remaining(now).map(|rest| rest.as_secs()),
                remaining_s,
                "{after_s}"
            );
            assert_eq!(times.stale_s(now), stale_s, "{after_s}");
            assert_eq!(times.may_be_served_stale(now), is_served_stale, "{after_s}");
        }
    }
}
