//! Reads the dates that feeds carry: RFC 822 and its many misspellings, RFC 3339, W3CDTF, epoch numbers.
//!
//! Month and weekday names are English, a date without a zone is UTC, a weekday is not held against
//! the date. Invariant: a date that no calendar has (31 February) is no date; nothing is rounded into one.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

/// The longest text that is looked at; no real date comes near.
const DATE_BYTES_MAX: usize = 64;

/// The months by their full names; any beginning of three letters or more means the month.
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The weekdays by their full names, found like months.
const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// The zone names of RFC 822 §5.1, in hours from UTC.
const ZONES: [(&str, i64); 12] = [
    ("gmt", 0),
    ("utc", 0),
    ("ut", 0),
    ("z", 0),
    ("est", -5),
    ("edt", -4),
    ("cst", -6),
    ("cdt", -5),
    ("mst", -7),
    ("mdt", -6),
    ("pst", -8),
    ("pdt", -7),
];

/// Reads a date as feeds write them; `None` when it is none, or longer than 64 bytes.
#[must_use]
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.is_empty() || text.len() > DATE_BYTES_MAX {
        return None;
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() != 4 {
        return parse_epoch(text);
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let ends = matches!(text.as_bytes().get(digits), None | Some(b'-' | b'/'));
    if digits == 4 && ends {
        parse_iso(text)
    } else {
        parse_words(text)
    }
}

/// Seconds in ten digits, milliseconds in thirteen; other lengths are too ambiguous to be believed.
fn parse_epoch(text: &str) -> Option<Timestamp> {
    let number: i64 = text.parse().ok()?;
    match text.len() {
        10 => Timestamp::from_second(number).ok(),
        13 => Timestamp::from_millisecond(number).ok(),
        _ => None,
    }
}

/// A date in the making: what the words have told so far.
#[derive(Default)]
struct Parts {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    clock: Option<Clock>,
    /// Seconds east of UTC.
    offset: Option<i64>,
    afternoon: Option<bool>,
}

/// A time of day.
#[derive(Clone, Copy)]
struct Clock {
    hour: i8,
    minute: i8,
    second: i8,
    nanosecond: i32,
}

impl Parts {
    /// The moment, if there is one: the calendar decides about 31 February.
    fn finish(self) -> Option<Timestamp> {
        let mut clock = self.clock.unwrap_or(Clock {
            hour: 0,
            minute: 0,
            second: 0,
            nanosecond: 0,
        });
        if let Some(afternoon) = self.afternoon {
            if !(1..=12).contains(&clock.hour) {
                return None;
            }
            clock.hour = clock.hour % 12 + if afternoon { 12 } else { 0 };
        }
        // A leap second has no name in Unix time; it is the second before.
        let second = clock.second.min(59);
        let local = DateTime::new(
            self.year?,
            self.month?,
            self.day?,
            clock.hour,
            clock.minute,
            second,
            clock.nanosecond,
        )
        .ok()?;
        let moment = Offset::UTC.to_timestamp(local).ok()?;
        moment
            .checked_sub(SignedDuration::from_secs(self.offset.unwrap_or(0)))
            .ok()
    }
}

/// RFC 3339, ISO 8601 and W3CDTF: `2003`, `2003-12`, `2003-12-31`, `2003-12-31T10:14:55.5-08:00`.
fn parse_iso(text: &str) -> Option<Timestamp> {
    let end = text
        .find(|c: char| c == 'T' || c == 't' || c.is_whitespace())
        .unwrap_or(text.len());
    let (date, rest) = text.split_at(end);
    let mut fields = date.split(['-', '/']);
    let mut field = |digits: usize| match fields.next() {
        Some(text) if text.len() == digits => number(text),
        Some(_) => None,
        None => Some(1),
    };
    let mut parts = Parts {
        year: field(4),
        month: field(2).and_then(|month| month.try_into().ok()),
        day: field(2).and_then(|day| day.try_into().ok()),
        ..Parts::default()
    };
    if fields.next().is_some() {
        return None;
    }
    let time = rest.trim_start_matches(['T', 't']).trim_start();
    if !rest.is_empty() {
        let zone = read_clock(time, &mut parts)?.trim();
        if !zone.is_empty() {
            parts.offset = Some(read_zone(zone)?);
        }
    }
    parts.finish()
}

/// RFC 822 and everything that looks like it: words in nearly any order.
fn parse_words(text: &str) -> Option<Timestamp> {
    let mut parts = Parts::default();
    let words = text.split(|c: char| c.is_whitespace() || c == ',');
    for word in words.filter(|word| !word.is_empty()) {
        let is_rfc_850 = word.starts_with(|c: char| c.is_ascii_digit())
            && word.contains(|c: char| c.is_ascii_alphabetic())
            && !word.contains(':');
        if is_rfc_850 && word.contains('-') {
            for piece in word.split('-') {
                read_word(piece, &mut parts)?;
            }
        } else {
            read_word(word, &mut parts)?;
        }
    }
    parts.finish()
}

/// Takes one word in; `None` when it means nothing, or something that was said before.
fn read_word(word: &str, parts: &mut Parts) -> Option<()> {
    // A comment of RFC 822, mostly the name of the zone again: `-0500 (EST)`.
    if word.starts_with('(') && word.ends_with(')') {
        return Some(());
    }
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        return if word.contains(':') {
            let rest = read_clock(word, parts)?;
            if rest.is_empty() {
                Some(())
            } else {
                read_word(rest, parts)
            }
        } else {
            read_number(word, parts)
        };
    }
    let bare = word.trim_end_matches('.');
    if let Some(month) = position(&MONTHS, bare) {
        return set(&mut parts.month, i8::try_from(month + 1).ok()?);
    }
    if position(&WEEKDAYS, bare).is_some() {
        return Some(());
    }
    if bare.eq_ignore_ascii_case("am") || bare.eq_ignore_ascii_case("pm") {
        return set(&mut parts.afternoon, bare.eq_ignore_ascii_case("pm"));
    }
    let offset = read_zone(word)?;
    // `GMT +0100` says its zone in two words; the second one counts.
    if parts.offset == Some(0) {
        parts.offset = None;
    }
    set(&mut parts.offset, offset)
}

/// A day (`5`, `05`, `5th`) or a year (`2020`, `20` behind a day, `120` for 2020 as RFC 2822 §4.3 has it).
fn read_number(word: &str, parts: &mut Parts) -> Option<()> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let (figures, suffix) = word.split_at(digits);
    let value = number(figures)?;
    let is_ordinal = matches!(suffix, "st" | "nd" | "rd" | "th");
    match (digits, is_ordinal || suffix.is_empty(), parts.day) {
        (1 | 2, true, None) => set(&mut parts.day, value.try_into().ok()?),
        (2, _, Some(_)) if suffix.is_empty() && value < 50 => set(&mut parts.year, 2000 + value),
        (2 | 3, _, Some(_)) if suffix.is_empty() => set(&mut parts.year, 1900 + value),
        (4, _, _) if suffix.is_empty() => set(&mut parts.year, value),
        _ => None,
    }
}

/// Reads `10:14`, `10:14:55` or `10:14:55.5` and returns what stands behind it.
fn read_clock<'a>(text: &'a str, parts: &mut Parts) -> Option<&'a str> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.')
        .unwrap_or(text.len());
    let (time, rest) = text.split_at(end);
    let (whole, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut fields = whole.split(':').map(|field| match field.len() {
        1 | 2 => number(field).and_then(|value| i8::try_from(value).ok()),
        _ => None,
    });
    let clock = Clock {
        hour: fields.next()??,
        minute: fields.next()??,
        second: fields.next().unwrap_or(Some(0))?,
        nanosecond: read_fraction(fraction)?,
    };
    if fields.next().is_some() || clock.second > 60 {
        return None;
    }
    set(&mut parts.clock, clock)?;
    Some(rest)
}

/// Nanoseconds from the digits behind the point; digits beyond nanoseconds are cut.
fn read_fraction(digits: &str) -> Option<i32> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let places = digits.bytes().chain(std::iter::repeat(b'0')).take(9);
    Some(places.fold(0, |value, byte| value * 10 + i32::from(byte - b'0')))
}

/// Seconds east of UTC for `Z`, `EST`, `+0100`, `-08:00`, `GMT+8` or a military letter.
fn read_zone(word: &str) -> Option<i64> {
    let letters = word.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (name, shift) = word.split_at(letters);
    let hours = if name.is_empty() {
        None
    } else {
        let known = ZONES
            .iter()
            .find(|(zone, _)| zone.eq_ignore_ascii_case(name));
        // RFC 2822 §4.3: nobody used the military letters the right way round, they mean nothing.
        Some(
            known
                .map(|(_, hours)| *hours)
                .or((letters == 1).then_some(0))?,
        )
    };
    match (hours, shift.is_empty()) {
        (Some(hours), true) => Some(hours * 3600),
        (None | Some(0), false) => read_offset(shift),
        _ => None,
    }
}

/// Seconds east of UTC for `+0100`, `+01:00`, `+01` or `+1`.
fn read_offset(text: &str) -> Option<i64> {
    let (sign, figures) = match text.split_at_checked(1)? {
        ("+", figures) => (1, figures),
        ("-", figures) => (-1, figures),
        _ => return None,
    };
    let (hours, minutes) = match (figures.split_once(':'), figures.len()) {
        (Some(pair), _) => pair,
        (None, 4) => figures.split_at_checked(2)?,
        (None, 1 | 2) => (figures, "0"),
        _ => return None,
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    Some(sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60))
}

/// The name that `word` is, or begins with at least three letters.
fn position(names: &[&str], word: &str) -> Option<usize> {
    let is_beginning = |name: &str| {
        name.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    (word.len() >= 3)
        .then(|| names.iter().position(|name| is_beginning(name)))
        .flatten()
}

/// Digits only: `str::parse` would take a sign.
fn number(text: &str) -> Option<i16> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten()
}

/// Fills a place that must be empty.
fn set<T>(place: &mut Option<T>, value: T) -> Option<()> {
    match place.replace(value) {
        None => Some(()),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests;
