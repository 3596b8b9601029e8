//! How long a cached value is fresh, and how long it may be served stale. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// What a cached value is good for, for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It answers the request.
    Fresh,
    /// Upstream has to be asked; it may help with that, or be served when upstream fails.
    Stale,
    /// It is as if not there.
    Unusable,
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

/// A value that is fresh for a time, whoever asks.
pub trait Timed {
    /// How long it lasts.
    fn times(&self) -> &Times;

    /// Whether all of it is there, so that it is cached.
    fn is_whole(&self) -> bool {
        true
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
