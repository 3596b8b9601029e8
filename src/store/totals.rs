//! Totals of what grows without end, history and archive, and what happens when one is reached.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// The log warns once at this percentage of a total, and again after it was below the other.
const WARN_PERCENT: u64 = 90;
const CALM_PERCENT: u64 = 85;

/// The most bytes of all feeds, and of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// The most bytes of all feeds; 0 for no limit.
    pub bytes_max: u64,
    /// The most bytes of one feed; 0 for no limit.
    pub feed_bytes_max: u64,
    /// What happens to new items at a total.
    pub when_full: WhenFull,
}

/// What happens to a new item when a total is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// It is refused.
    #[default]
    Refuse,
    /// The oldest items are removed for it.
    Oldest,
}

impl Totals {
    /// Whether there is no limit.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.bytes_max == 0 && self.feed_bytes_max == 0
    }

    /// Whether a feed takes more than its total.
    #[must_use]
    pub fn is_over_feed(&self, feed_bytes: u64) -> bool {
        self.feed_bytes_max > 0 && feed_bytes > self.feed_bytes_max
    }

    /// Whether all feeds take more than the total.
    #[must_use]
    pub fn is_over_all(&self, bytes: u64) -> bool {
        self.bytes_max > 0 && bytes > self.bytes_max
    }

    /// Whether an item is larger than a total.
    #[must_use]
    pub fn is_too_large(&self, item_bytes: u64) -> bool {
        self.is_over_feed(item_bytes) || self.is_over_all(item_bytes)
    }
}

/// Totals that are nearly reached, so that each is logged once.
#[derive(Debug, Default)]
pub struct Gauge(Mutex<HashSet<String>>);

/// The level of one total.
#[derive(Debug, Clone, Copy)]
struct Level<'a> {
    /// "history" or "archive".
    of: &'static str,
    /// The feed, for a feed's own total; empty for the total of all.
    feed: &'a str,
    /// Bytes taken.
    bytes: u64,
    /// The total; 0 for none.
    bytes_max: u64,
}

impl Gauge {
    /// Checks both totals after a write: `bytes` of all feeds, and those of `feed`.
    pub fn look_at(
        &self,
        of: &'static str,
        bytes: u64,
        (feed, feed_bytes): (&str, u64),
        totals: &Totals,
    ) {
        let levels = [
            ("", bytes, totals.bytes_max),
            (feed, feed_bytes, totals.feed_bytes_max),
        ];
        for (feed, bytes, bytes_max) in levels {
            self.look(Level {
                of,
                feed,
                bytes,
                bytes_max,
            });
        }
    }

    /// Checks a total, and logs it where it is nearly reached. Returns whether it did.
    fn look(&self, level: Level<'_>) -> bool {
        let Level {
            of,
            feed,
            bytes,
            bytes_max,
        } = level;
        let percent = match bytes_max {
            0 => 0,
            max => u128::from(bytes) * 100 / u128::from(max),
        };
        let mut warned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if percent < u128::from(CALM_PERCENT) {
            warned.remove(feed);
            return false;
        }
        if percent < u128::from(WARN_PERCENT) || !warned.insert(feed.to_owned()) {
            return false;
        }
        let feed = (!feed.is_empty()).then_some(feed);
        tracing::warn!(feed.name = feed, bytes, bytes_max, "{of}: nearly full");
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_that_is_nearly_reached_is_told_once() {
        let gauge = Gauge::default();
        let look = |feed, bytes, bytes_max| {
            let of = "history";
            gauge.look(Level {
                of,
                feed,
                bytes,
                bytes_max,
            })
        };
        for (feed, bytes, bytes_max, says) in [
            ("", 0, 0, false),
            ("", u64::MAX, 0, false),
            ("", 899, 1_000, false),
            ("", 900, 1_000, true),
            ("", 1_000, 1_000, false),
            ("", 890, 1_000, false),
            ("", 900, 1_000, false),
            ("news", 95, 100, true),
            ("", 800, 1_000, false),
            ("", u64::MAX, u64::MAX, true),
        ] {
            assert_eq!(
                look(feed, bytes, bytes_max),
                says,
                "{feed} {bytes} of {bytes_max}"
            );
        }
    }

    #[test]
    fn no_total_is_never_reached() {
        let none = Totals::default();
        assert!(none.is_none() && !none.is_too_large(u64::MAX));
        let some = Totals {
            bytes_max: 10,
            feed_bytes_max: 5,
            ..none
        };
        assert!(!some.is_over_feed(5) && some.is_over_feed(6) && !some.is_over_all(10));
        assert!(some.is_too_large(6) && !some.is_too_large(5));
    }
}
