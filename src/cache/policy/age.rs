//! How old a response is when it arrives (RFC 9111 §4.2.3, §5.1).

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{AGE, DATE};

use super::date::parse_http_date;
use super::delta::{DELTA_MAX, seconds};
use super::list::{members, text};

/// The corrected initial age: the larger of what `Date` and what `Age` with the time on the way say.
#[must_use]
pub fn initial_age(
    headers: &HeaderMap,
    requested_at: SystemTime,
    received_at: SystemTime,
) -> Duration {
    // Dates have whole seconds: half of one is no age yet.
    let apparent = date_of(headers, received_at).map_or(Duration::ZERO, |date| {
        Duration::from_secs(since(received_at, date).as_secs())
    });
    let delay = since(received_at, requested_at);
    let corrected = age_value(headers).saturating_add(delay);
    apparent.max(corrected).min(DELTA_MAX)
}

/// `Date`, where it is there once and is one.
pub(super) fn date_of(headers: &HeaderMap, now: SystemTime) -> Option<SystemTime> {
    let mut lines = headers.get_all(DATE).iter();
    let date = parse_http_date(&text(lines.next()?), now)?;
    lines.next().is_none().then_some(date)
}

/// `later - earlier`, zero where it isn't later.
pub(super) fn since(later: SystemTime, earlier: SystemTime) -> Duration {
    later.duration_since(earlier).unwrap_or_default()
}

/// `Age`: the first of its values; what is no number of seconds is ignored (§5.1).
fn age_value(headers: &HeaderMap) -> Duration {
    let first = headers.get(AGE).map(text);
    let member = first.as_deref().and_then(|line| members(line).next());
    member.and_then(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;
    use std::time::UNIX_EPOCH;

    #[test]
    fn ages_saturate() {
        let received = UNIX_EPOCH + Duration::from_secs(784_111_777);
        let check = |fields: &[(HeaderName, &str)], delay_s: u64, expected_s: u64| {
            let fields = fields.iter().map(|(n, v)| (n.clone(), v.parse().unwrap()));
            let headers: HeaderMap = fields.collect();
            let requested = received - Duration::from_secs(delay_s);
            let age = initial_age(&headers, requested, received).as_secs();
            assert_eq!(age, expected_s, "{headers:?}");
        };
        let on_time = (DATE, "Sun, 06 Nov 1994 08:49:37 GMT");
        check(&[], 0, 0);
        check(&[], 3, 3);
        check(std::slice::from_ref(&on_time), 0, 0);
        check(&[on_time.clone(), (AGE, "7200")], 3, 7203);
        check(&[(DATE, "Sun, 06 Nov 1994 06:49:37 GMT")], 0, 7200);
        check(
            &[(DATE, "Sun, 06 Nov 1994 06:49:37 GMT"), (AGE, "9000")],
            0,
            9000,
        );
        check(&[(DATE, "Sun, 06 Nov 2094 06:49:37 GMT")], 2, 2);
        check(&[(DATE, "foo")], 0, 0);
        check(&[(DATE, "Sun, 06 Nov 1974 08:49:37 GMT"), on_time], 0, 0);
        check(&[(AGE, "abc")], 0, 0);
        check(&[(AGE, "-7200")], 0, 0);
        check(&[(AGE, "7200.0")], 0, 0);
        check(&[(AGE, "7200;foo=bar")], 0, 0);
        check(&[(AGE, "2147483647")], 0, 2_147_483_647);
        check(&[(AGE, "2147483648")], 9, 2_147_483_648);
        check(&[(AGE, "999999999999999999999999")], 9, 2_147_483_648);
        check(&[(AGE, "7200, 0")], 0, 7200);
        check(&[(AGE, "0, 7200")], 0, 0);
        check(&[(AGE, "7200"), (AGE, "0")], 0, 7200);
        check(&[(AGE, "0"), (AGE, "7200")], 0, 0);
    }

    #[test]
    fn a_clock_that_ran_backwards_makes_no_age() {
        let received = UNIX_EPOCH + Duration::from_secs(100);
        let later = received + Duration::from_secs(50);
        assert_eq!(
            initial_age(&HeaderMap::new(), later, received),
            Duration::ZERO
        );
    }
}
