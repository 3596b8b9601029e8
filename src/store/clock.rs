//! Wall-clock times that are kept, and how far they are believed.
//!
//! Within a process ages come from the monotonic clock. What is read back was stamped by a clock that
//! may have jumped since, or had jumped then.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Stamps this far ahead of the clock are taken for "just now".
const SKEW: Duration = Duration::from_secs(60);

/// How long before `now` something was stamped. `None` when the stamp lies in the future: the clock
/// jumped, and nothing is known about the age. Take it for stale then, not for gone: neither may a
/// jump make everything expire, nor anything last for ever.
#[must_use]
pub fn age(stamp: SystemTime, now: SystemTime) -> Option<Duration> {
    match now.duration_since(stamp) {
        Ok(age) => Some(age),
        Err(ahead) if ahead.duration() <= SKEW => Some(Duration::ZERO),
        Err(_) => None,
    }
}

/// Milliseconds since 1970; zero before.
pub(super) fn to_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The time that [`to_ms`] wrote; what no clock shows becomes the last time that one does.
pub(super) fn of_ms(ms: i64) -> SystemTime {
    let since = Duration::from_millis(u64::try_from(ms).unwrap_or(0));
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
}

/// Times of use: they tell what was used before what, so they never go back, whatever the wall
/// clock does. Where it doesn't jump they are its time.
#[derive(Debug, Default)]
pub(super) struct UseClock(AtomicU64);

/// A time of use that no clock should show (year 9999); one read back beyond it is a mistake.
const LATEST_MS: u64 = 253_402_300_800_000;

impl UseClock {
    /// Goes on after what is on disk.
    pub(super) fn resume_after(&self, last_ms: i64) {
        let last_ms = u64::try_from(last_ms).unwrap_or(0);
        if last_ms < LATEST_MS {
            self.0.fetch_max(last_ms, Ordering::Relaxed);
        }
    }

    /// The next time of use, in milliseconds, larger than any before.
    pub(super) fn next_ms(&self, now: SystemTime) -> i64 {
        let now_ms = to_ms(now).min(LATEST_MS);
        let next = |last: u64| Some(now_ms.max(last + 1));
        let last = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .unwrap_or_default();
        i64::try_from(now_ms.max(last + 1)).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_known_unless_the_stamp_lies_ahead() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let check = |stamp_s: u64, expected: Option<u64>| {
            let stamp = UNIX_EPOCH + Duration::from_secs(stamp_s);
            assert_eq!(age(stamp, now), expected.map(Duration::from_secs));
        };
        check(1_000_000_000, Some(0));
        check(999_999_990, Some(10));
        check(1_000_000_030, Some(0));
        check(1_000_000_061, None);
        check(1_031_536_000, None);
        check(0, Some(1_000_000_000));
    }

    #[test]
    fn times_of_use_never_go_back() {
        let clock = UseClock::default();
        let year = Duration::from_secs(365 * 86_400);
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let times = [now, now + year, now, now - year, now].map(|time| clock.next_ms(time));
        assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
        assert_eq!(times[0], 1_700_000_000_000);
        clock.resume_after(i64::MAX);
        clock.resume_after(-1);
        assert!(clock.next_ms(now) < times[4] + 10);
    }

    #[test]
    fn no_number_on_disk_breaks_a_time() {
        for ms in [i64::MIN, -1, 0, 1_700_000_000_000, i64::MAX] {
            let back = of_ms(ms);
            assert!(back >= UNIX_EPOCH, "{ms}");
        }
    }
}
