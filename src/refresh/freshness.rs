//! How long a copy of a feed stays fresh. Pure: `now` and chance are parameters.
//!
//! What the publisher says counts from `refresh_min` to `refresh_max`, and never is a feed read
//! sooner than its publisher says. From there on, what the fetches find moves the interval: it
//! becomes shorter when there is something new, and longer when there is not.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::rewrite::Hints;

/// What an interval is divided by when the feed had something new.
const QUICKER: f64 = 1.5;
/// What it is multiplied with when it had not. Both together settle where a little more than every
/// third fetch finds something.
const SLOWER: f64 = 1.25;
/// How much longer than what was configured, or than what the publisher says, an interval becomes.
const STRETCH_MAX: u32 = 4;
/// Intervals are spread by up to a fifth of them, upwards: never is a feed read sooner.
const SPREAD: f64 = 0.2;
/// Feeds whose `skipHours` end are fetched again within this time after them.
const SPREAD_AFTER_SKIP: Duration = Duration::from_secs(600);

const HOUR_S: u64 = 3_600;
const HOURS: u64 = 24;
const DAYS: u64 = 7;
/// 1970 began on a Thursday; days of the week count from Monday.
const EPOCH_WEEKDAY: u64 = 3;

/// What an operator allows: `min` ≤ `refresh` ≤ `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    /// For a feed about which nothing is known.
    pub(super) refresh: Duration,
    /// The shortest.
    pub(super) min: Duration,
    /// The longest.
    pub(super) max: Duration,
}

/// What a fetch found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// There is nothing to compare it with.
    First,
    /// Something new.
    New,
    /// What we had.
    Same,
}

/// How long the publisher asks not to be polled: the longest that HTTP (`http`) or the feed names.
/// Zero is as if nothing was said: "always ask" is what many servers say about every page.
pub(super) fn stated(http: Option<Duration>, hints: &Hints, bounds: &Bounds) -> Option<Duration> {
    if hints.is_expired {
        return Some(bounds.max);
    }
    http.max(hints.interval())
        .filter(|stated| !stated.is_zero())
}

/// The next interval, after `last` and what the fetch at its end found.
pub(super) fn interval(
    stated: Option<Duration>,
    last: Option<Duration>,
    finding: Finding,
    bounds: &Bounds,
) -> Duration {
    let (base, least) = match stated {
        Some(stated) => {
            let stated = stated.clamp(bounds.min, bounds.max);
            (stated, stated)
        }
        None => (bounds.refresh, bounds.min),
    };
    let most = base.saturating_mul(STRETCH_MAX).min(bounds.max);
    let last = last.unwrap_or(base);
    let next = match finding {
        Finding::First => last,
        Finding::New => last.div_f64(QUICKER),
        Finding::Same => last.mul_f64(SLOWER),
    };
    next.clamp(least, most.max(least))
}

/// How long a copy that came at `now` is fresh: the interval, spread, moved out of the hours and
/// days that the feed wants skipped.
pub(super) fn fresh_for(
    interval: Duration,
    hints: &Hints,
    bounds: &Bounds,
    now: SystemTime,
    fraction: f64,
) -> Duration {
    let spread = |whole: Duration| whole.mul_f64(1.0 + SPREAD * fraction);
    let due = spread(interval);
    let skip = left_out(now + due, hints);
    let due = match skip.is_zero() {
        true => due,
        false => due + skip + SPREAD_AFTER_SKIP.mul_f64(fraction),
    };
    due.min(spread(bounds.max))
}

/// How long from `at` to the next hour that the feed does not want skipped. Who skips all hours or
/// all days skips none.
fn left_out(at: SystemTime, hints: &Hints) -> Duration {
    let at_s = at
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (all_hours, all_days) = ((1 << HOURS) - 1, (1 << DAYS) - 1);
    let hours = Some(hints.skip_hours).filter(|bits| *bits != all_hours);
    let days = Some(hints.skip_days).filter(|bits| *bits != all_days);
    let (hours, days) = (hours.unwrap_or(0), days.unwrap_or(0));
    let is_skipped = |hour: u64| {
        let day = (hour / HOURS + EPOCH_WEEKDAY) % DAYS;
        hours & (1 << (hour % HOURS)) != 0 || days & (1 << day) != 0
    };
    let first = at_s / HOUR_S;
    let allowed = (first..=first + HOURS * DAYS).find(|hour| !is_skipped(*hour));
    match allowed {
        Some(hour) if hour > first => Duration::from_secs(hour * HOUR_S - at_s),
        _ => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        refresh: minutes(60),
        min: minutes(15),
        max: minutes(24 * 60),
    };

    const fn minutes(count: u64) -> Duration {
        Duration::from_secs(60 * count)
    }

    #[test]
    fn what_is_stated_is_the_longest() {
        let hints = |ttl: Option<u64>| Hints {
            ttl: ttl.map(minutes),
            ..Hints::default()
        };
        for (http, ttl, expected) in [
            (None, None, None),
            (Some(5), None, Some(5)),
            (None, Some(60), Some(60)),
            (Some(5), Some(60), Some(60)),
            (Some(120), Some(60), Some(120)),
            (Some(0), None, None),
            (Some(0), Some(60), Some(60)),
        ] {
            let stated = stated(http.map(minutes), &hints(ttl), &BOUNDS);
            assert_eq!(stated, expected.map(minutes), "{http:?} {ttl:?}");
        }
        let expired = Hints {
            is_expired: true,
            ..Hints::default()
        };
        assert_eq!(
            stated(Some(minutes(5)), &expired, &BOUNDS),
            Some(BOUNDS.max)
        );
    }

    #[test]
    fn intervals() {
        use Finding::{First, New, Same};
        for (stated, last, finding, expected) in [
            // Nobody says anything: what is configured, then what is found.
            (None, None, First, 60),
            (None, Some(60), Same, 75),
            (None, Some(60), New, 40),
            (None, Some(20), New, 15),
            (None, Some(15), New, 15),
            (None, Some(200), Same, 240),
            (None, Some(240), Same, 240),
            // The publisher's word is the least, within bounds.
            (Some(30), None, First, 30),
            (Some(5), None, First, 15),
            (Some(30), Some(30), New, 30),
            (Some(30), Some(30), Same, 37),
            (Some(30), Some(110), Same, 120),
            (Some(90 * 24 * 60), None, First, 24 * 60),
            (Some(20 * 60), Some(20 * 60), Same, 24 * 60),
            // It changed its mind.
            (Some(180), Some(15), New, 180),
            (Some(15), Some(24 * 60), Same, 60),
        ] {
            let next = interval(stated.map(minutes), last.map(minutes), finding, &BOUNDS);
            assert_eq!(
                next.as_secs() / 60,
                expected,
                "{stated:?} {last:?} {finding:?}"
            );
        }
    }

    #[test]
    fn a_feed_settles_where_every_third_fetch_finds_something() {
        // Something new every five hours, seen at the first fetch after it.
        let bounds = Bounds {
            max: minutes(7 * 24 * 60),
            ..BOUNDS
        };
        let (mut at, mut last, mut seen, mut fetches, mut found) = (0, None, 0, 0, 0);
        while at < 365 * 24 * 60 {
            let finding = if at / 300 > seen {
                Finding::New
            } else {
                Finding::Same
            };
            seen = at / 300;
            fetches += 1;
            found += usize::from(finding == Finding::New);
            let next = interval(None, last, finding, &bounds);
            last = Some(next);
            at += next.as_secs() / 60;
        }
        let share = f64::from(found as u32) / f64::from(fetches);
        assert!((0.3..0.45).contains(&share), "{found} of {fetches}");
    }

    #[test]
    fn copies_stay_fresh_for_the_interval_and_a_little_longer() {
        let hints = Hints::default();
        for (fraction, expected) in [(0.0, 3_600), (0.5, 3_960), (1.0, 4_320)] {
            let fresh = fresh_for(minutes(60), &hints, &BOUNDS, UNIX_EPOCH, fraction);
            assert_eq!(fresh.as_secs(), expected, "{fraction}");
        }
    }

    #[test]
    fn skipped_hours_and_days_are_waited_out() {
        let hours = |list: &[u32]| list.iter().fold(0, |bits, hour| bits | 1 << hour);
        let check = |date: &str, skip_hours: u32, skip_days: u8, expected_m: u64| {
            let now = httpdate::parse_http_date(date).unwrap();
            let hints = Hints {
                skip_hours,
                skip_days,
                ..Hints::default()
            };
            let bounds = Bounds {
                max: minutes(3 * 24 * 60),
                ..BOUNDS
            };
            let fresh = fresh_for(minutes(60), &hints, &bounds, now, 0.0);
            assert_eq!(fresh, minutes(expected_m), "{date} {hints:?}");
        };
        // 2026-10-02 is a Friday.
        check("Fri, 02 Oct 2026 08:30:00 GMT", 0, 0, 60);
        check("Fri, 02 Oct 2026 08:30:00 GMT", hours(&[8]), 0, 60);
        check("Fri, 02 Oct 2026 08:30:00 GMT", hours(&[9]), 0, 90);
        check("Fri, 02 Oct 2026 08:30:00 GMT", hours(&[9, 10]), 0, 150);
        check("Fri, 02 Oct 2026 22:30:00 GMT", hours(&[23, 0, 1]), 0, 210);
        // Saturday and Sunday.
        check(
            "Fri, 02 Oct 2026 23:30:00 GMT",
            0,
            1 << 5 | 1 << 6,
            30 + 2 * 24 * 60,
        );
        check("Fri, 02 Oct 2026 08:30:00 GMT", 0, 1 << 5 | 1 << 6, 60);
        // All of it is nonsense.
        check("Fri, 02 Oct 2026 08:30:00 GMT", (1 << 24) - 1, 0, 60);
        check("Fri, 02 Oct 2026 08:30:00 GMT", 0, (1 << 7) - 1, 60);
        // Six days: no longer than the most.
        check("Fri, 02 Oct 2026 23:30:00 GMT", 0, 0b110_1111, 3 * 24 * 60);
    }

    #[test]
    fn the_longest_interval_holds_for_what_is_skipped_too() {
        let hints = Hints {
            skip_days: 0b111_1110,
            ..Hints::default()
        };
        let monday = httpdate::parse_http_date("Mon, 05 Oct 2026 23:30:00 GMT").unwrap();
        let fresh = fresh_for(minutes(60), &hints, &BOUNDS, monday, 0.0);
        assert_eq!(fresh, BOUNDS.max);
    }
}
