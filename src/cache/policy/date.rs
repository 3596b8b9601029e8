//! HTTP dates (RFC 9110 §5.6.7): exactly the three forms, in any letter case.
//!
//! Why exactly: an invalid `Expires` means a time in the past (RFC 9111 §5.3). The crate `httpdate`
//! refuses what servers send and caches accept: other letter case, a wrong weekday, leap seconds,
//! years before 1970; and it knows no `now` for the century of a two-digit year.

use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const LONG_DAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];
/// A two-digit year that would be more than this many years ahead is in the past.
const AHEAD_YEARS_MAX: i16 = 50;

/// Reads an HTTP date. `now` decides the century of a two-digit year.
#[must_use]
pub fn parse_http_date(text: &str, now: SystemTime) -> Option<SystemTime> {
    let text = text.trim_matches([' ', '\t']).to_ascii_lowercase();
    if !text.is_ascii() {
        return None;
    }
    imf(&text)
        .or_else(|| rfc850(&text, now))
        .or_else(|| asctime(&text))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
fn imf(text: &str) -> Option<SystemTime> {
    let (day, rest) = text.split_once(", ")?;
    let rest = rest.strip_suffix(" gmt").filter(|_| DAYS.contains(&day))?;
    let (date, clock) = (rest.get(..11)?, rest.get(11..)?.strip_prefix(' ')?);
    if date.as_bytes()[2] != b' ' || date.as_bytes()[6] != b' ' {
        return None;
    }
    let (day, year) = (digits(&date[..2])?, digits(&date[7..])?);
    moment(year, &date[3..6], day, clock)
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`.
fn rfc850(text: &str, now: SystemTime) -> Option<SystemTime> {
    let (day, rest) = text.split_once(", ")?;
    let rest = rest
        .strip_suffix(" gmt")
        .filter(|_| LONG_DAYS.contains(&day))?;
    let (date, clock) = (rest.get(..9)?, rest.get(9..)?.strip_prefix(' ')?);
    if date.as_bytes()[2] != b'-' || date.as_bytes()[6] != b'-' {
        return None;
    }
    let this_year = year_of(now)?;
    let mut year = this_year - this_year % 100 + digits::<i16>(&date[7..])?;
    if year > this_year + AHEAD_YEARS_MAX {
        year -= 100;
    }
    moment(year, &date[3..6], digits(&date[..2])?, clock)
}

/// `Sun Nov  6 08:49:37 1994`.
fn asctime(text: &str) -> Option<SystemTime> {
    if text.len() != 24 || [3, 7, 10, 19].iter().any(|at| text.as_bytes()[*at] != b' ') {
        return None;
    }
    let day = text[8..10].strip_prefix(' ').unwrap_or(&text[8..10]);
    let known = DAYS.contains(&&text[..3]);
    let day = digits(day).filter(|_| known)?;
    moment(digits(&text[20..])?, &text[4..7], day, &text[11..19])
}

/// The moment of a date with the name of its month, and a clock time in UTC.
fn moment(year: i16, month: &str, day: i8, clock: &str) -> Option<SystemTime> {
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let date = Date::new(year, month.try_into().ok()?, day).ok()?;
    let bytes = clock.as_bytes();
    if bytes.len() != 8 || bytes[2] != b':' || bytes[5] != b':' {
        return None;
    }
    let hour = digits::<i64>(&clock[..2]).filter(|hour| *hour < 24)?;
    let minute = digits::<i64>(&clock[3..5]).filter(|minute| *minute < 60)?;
    // 60 is a leap second.
    let second = digits::<i64>(&clock[6..]).filter(|second| *second <= 60)?;
    let midnight = date.duration_since(Date::constant(1970, 1, 1)).as_secs();
    let seconds = midnight + hour * 3_600 + minute * 60 + second;
    // No resource is older than the epoch; an earlier date counts as that.
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds.try_into().unwrap_or_default()))
}

fn digits<T: FromStr>(text: &str) -> Option<T> {
    let all = text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

fn year_of(time: SystemTime) -> Option<i16> {
    let time = Timestamp::try_from(time).ok()?;
    Some(Offset::UTC.to_datetime(time).year())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_and_nothing_else() {
        let now = UNIX_EPOCH + Duration::from_secs(1_785_000_000);
        let check = |text: &str, expected: Option<u64>| {
            let read = parse_http_date(text, now)
                .map(|time| time.duration_since(UNIX_EPOCH).unwrap().as_secs());
            assert_eq!(read, expected, "{text}");
        };
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777));
        check("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777));
        check("Sun Nov  6 08:49:37 1994", Some(784_111_777));
        check("SUN, 06 NOV 1994 08:49:37 gmt", Some(784_111_777));
        check(" Thu, 01 Jan 1970 00:00:00 GMT ", Some(0));
        check("Fri, 01 Jan 1960 00:00:00 GMT", Some(0));
        check("Thu, 29 Feb 2024 00:00:00 GMT", Some(1_709_164_800));
        check("Thursday, 18-Aug-50 02:01:18 GMT", Some(2_544_400_878));
        check("Sunday, 18-Aug-96 02:01:18 GMT", Some(840_333_678));
        check("Tue, 19 Jan 2038 14:14:08 GMT", Some(2_147_523_248));
        check("Sun, 21 Nov 2286 04:46:39 GMT", Some(10_000_039_599));
        check("Fri, 31 Dec 9999 23:59:60 GMT", Some(253_402_300_800));
        for refused in [
            "",
            "0",
            "-1",
            "Thu, 18 Aug 2050 02:01:18 UTC",
            "Thu, 18 Aug 2050 02:01:18 AEST",
            "Thu, 18 Aug 2050 02:01:18",
            "Thu, 18 Aug 50 02:01:18 GMT",
            "Thu 18 Aug 2050 02:01:18 GMT",
            "Thu, 18  Aug  2050 02:01:18 GMT",
            "Thu, 18-Aug-2050 02:01:18 GMT",
            "Thu, 18 Aug 2050 02.01.18 GMT",
            "Thu, 18 Aug 2050 2:01:18 GMT",
            "Thu, 18 Aug 2050 +2:01:18 GMT",
            "Wed, 30 Feb 2022 00:00:00 GMT",
            "Thu, 00 Jan 1970 00:00:00 GMT",
            "Thu, 01 Jan 1970 24:00:00 GMT",
            "Day, 01 Jan 1970 00:00:00 GMT",
            "Thu, 01 Jän 1970 00:00:00 GMT",
        ] {
            check(refused, None);
        }
    }
}
