//! HTTP dates (RFC 9110 §5.6.7): the three forms, and nothing near them.
//!
//! Why so strict: a date that is almost one is an `Expires` that is in the past (RFC 9111 §5.3).
//! Only letters' case is forgiven, which some servers get wrong and nobody can misread.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

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
/// A year of two digits means the past when it would be more than this ahead.
const AHEAD_YEARS_MAX: u64 = 50;

/// Reads an HTTP date. `now` decides the century of a year of two digits.
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
    moment(
        (
            digits(&date[7..])?,
            month(&date[3..6])?,
            digits(&date[..2])?,
        ),
        clock,
    )
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
    let this_year = year_of(now);
    let short = digits(&date[7..])?;
    let mut year = this_year - this_year % 100 + short;
    if year > this_year + AHEAD_YEARS_MAX {
        year -= 100;
    }
    moment((year, month(&date[3..6])?, digits(&date[..2])?), clock)
}

/// `Sun Nov  6 08:49:37 1994`.
fn asctime(text: &str) -> Option<SystemTime> {
    if text.len() != 24 || [3, 7, 10, 19].iter().any(|at| text.as_bytes()[*at] != b' ') {
        return None;
    }
    let day = text[8..10].strip_prefix(' ').unwrap_or(&text[8..10]);
    let known = DAYS.contains(&&text[..3]);
    let day = digits(day).filter(|_| known)?;
    moment(
        (digits(&text[20..])?, month(&text[4..7])?, day),
        &text[11..19],
    )
}

fn month(name: &str) -> Option<u64> {
    let index = MONTHS.iter().position(|month| *month == name)?;
    Some(index as u64 + 1)
}

fn digits(text: &str) -> Option<u64> {
    let all = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

fn moment((year, month, day): (u64, u64, u64), clock: &str) -> Option<SystemTime> {
    let bytes = clock.as_bytes();
    if bytes.len() != 8 || bytes[2] != b':' || bytes[5] != b':' {
        return None;
    }
    let (hour, minute, second) = (
        digits(&clock[..2])?,
        digits(&clock[3..5])?,
        digits(&clock[6..])?,
    );
    // 60 is a leap second.
    if hour > 23 || minute > 59 || second > 60 || day == 0 || day > days_in(year, month) {
        return None;
    }
    let days = days_since_epoch(year, month, day);
    let seconds = hour * 3_600 + minute * 60 + second;
    // Nothing on the web is older than the epoch: it is as old as can be.
    let since = u64::try_from(days).map_or(0, |days| days * 86_400 + seconds);
    UNIX_EPOCH.checked_add(Duration::from_secs(since))
}

fn days_in(year: u64, month: u64) -> u64 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar; the year begins in March.
fn days_since_epoch(year: u64, month: u64, day: u64) -> i64 {
    let year = if month <= 2 {
        year as i64 - 1
    } else {
        year as i64
    };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month as i64 + 9) % 12) + 2) / 5 + day as i64 - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn year_of(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let days = since.as_secs() / 86_400;
    // Within a year of the truth, which the century does not mind.
    1970 + days * 400 / 146_097
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
