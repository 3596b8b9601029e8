//! Stored wall-clock times, and ages computed from them.
//!
//! The clock may have jumped between the stamp and now.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A stamp up to this far in the future counts as now.
const SKEW: Duration = Duration::from_secs(60);

/// The age of a stamp. `None` when it lies in the future: the clock jumped and the age is unknown. Treat the
/// record as stale then, not as expired: a jump must neither expire everything nor keep anything for ever.
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

/// The time that [`to_ms`] wrote; 1970 for a number out of range.
pub(super) fn of_ms(ms: i64) -> SystemTime {
    let since = Duration::from_millis(u64::try_from(ms).unwrap_or(0));
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
}

/// Times of use, strictly increasing whatever the wall clock does, since they order what is evicted first. While
/// the clock doesn't jump they are its time.
#[derive(Debug, Default)]
pub(super) struct UseClock(AtomicU64);

/// The latest valid time of use (year 9999); a later one on disk is ignored.
const LATEST_MS: u64 = 253_402_300_800_000;

impl UseClock {
    /// Continues after the latest time on disk.
    pub(super) fn resume_after(&self, last_ms: i64) {
        let last_ms = u64::try_from(last_ms).unwrap_or(0);
        if last_ms < LATEST_MS {
            self.0.fetch_max(last_ms, Ordering::Relaxed);
        }
    }

    /// The next time of use in milliseconds, larger than any before.
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
