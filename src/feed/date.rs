//! Reads the dates that feeds carry: RFC 822 and its many misspellings, RFC 3339, W3CDTF, epoch numbers,
//! and dates in words of other languages.
//!
//! A date without a zone is UTC, a weekday is not held against the date: it only tells months apart that
//! share a name. Invariant: a date that no calendar has (31 February) is no date; nothing is rounded into
//! one.

mod names;
mod numerals;
mod zones;

use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use names::Meaning;
pub(crate) use names::WEEKDAYS;

/// The longest text that is looked at; no real date comes near.
const DATE_BYTES_MAX: usize = 128;
/// A date has no more names of months and weekdays than this.
const NAMES_MAX: usize = 4;

/// Words that say nothing in dates: `3 de febrero de 2026 at 10:14`.
const FILLERS: &[&str] = &[
    "de", "del", "of", "the", "at", "at\u{fa}", "um", "uhr", "kl", "klo", "den", "om", "г", "г.",
    "года", "року", "à",
];

/// Reads a date as feeds write them; `None` when it is none, or longer than 128 bytes.
#[must_use]
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.is_empty() || text.len() > DATE_BYTES_MAX {
        return None;
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) && !matches!(text.len(), 4 | 8) {
        return parse_epoch(text);
    }
    if let Some(spelled) = numerals::spelled(text) {
        return parse_words(&spelled);
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let ends = matches!(text.as_bytes().get(digits), None | Some(b'-' | b'/'));
    if digits == 4 && ends {
        parse_iso(text)
    } else if digits == 8 && matches!(text.as_bytes().get(digits), None | Some(b'T' | b't')) {
        parse_basic(text)
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
    /// The names of months and weekdays that were read.
    names: Vec<Meaning>,
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
    /// Whether a name may be the month or weekday that is still to come.
    fn lacks(&self, name: Meaning) -> bool {
        let has_month = self.names.iter().any(|one| one.months != 0);
        name.months != 0 && !has_month
    }

    /// The moment, if there is one: the calendar decides about 31 February.
    fn finish(mut self) -> Option<Timestamp> {
        if !self.names.is_empty() {
            if self.month.is_some() {
                return None;
            }
            self.month = Some(self.named_month()?);
        }
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
        // The end of a day (ISO 8601).
        let is_midnight = clock.hour == 24 && clock.minute == 0 && clock.second == 0;
        if is_midnight {
            clock.hour = 0;
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
        let day = if is_midnight { 24 } else { 0 };
        let shift =
            SignedDuration::from_hours(day) - SignedDuration::from_secs(self.offset.unwrap_or(0));
        moment.checked_add(shift).ok()
    }

    /// The month among the names: each other name is a weekday. Of several months with one name it is
    /// that in which the day falls on the weekday.
    fn named_month(&self) -> Option<i8> {
        let mut found = Vec::new();
        for (index, name) in self.names.iter().enumerate() {
            let others = || {
                self.names
                    .iter()
                    .enumerate()
                    .filter(|(other, _)| *other != index)
            };
            if others().any(|(_, other)| other.weekdays == 0) {
                continue;
            }
            let months = (1..=12).filter(|month| name.months >> (month - 1) & 1 == 1);
            let weekdays = others().fold(u8::MAX, |days, (_, other)| days & other.weekdays);
            found.extend(months.map(|month| (month, weekdays)));
        }
        if let [(month, _)] = found[..] {
            return Some(month);
        }
        let falls_on = |(month, weekdays): (i8, u8)| {
            let date = Date::new(self.year?, month, self.day?).ok()?;
            let day = date.weekday().to_monday_zero_offset();
            (weekdays != u8::MAX && weekdays >> day & 1 == 1).then_some(month)
        };
        let mut meant = found.into_iter().filter_map(falls_on);
        let month = meant.next()?;
        meant.all(|other| other == month).then_some(month)
    }
}

/// RFC 3339, ISO 8601 and W3CDTF: `2003`, `2003-12`, `2003-12-31`, `2003-12-31T10:14:55.5-08:00`.
fn parse_iso(text: &str) -> Option<Timestamp> {
    let end = text
        .find(|c: char| c == 'T' || c == 't' || c.is_whitespace())
        .unwrap_or(text.len());
    let (date, rest) = text.split_at(end);
    let mut fields = date.split(['-', '/']);
    let mut parts = Parts {
        year: fields
            .next()
            .filter(|year| year.len() == 4)
            .and_then(number),
        ..Parts::default()
    };
    let field = |text: Option<&str>| match text {
        Some(text) if matches!(text.len(), 1 | 2) => number(text),
        Some(_) => None,
        None => Some(1),
    };
    // Hungarian dates have a name here.
    let word = date
        .split('-')
        .nth(1)
        .filter(|word| word.starts_with(char::is_alphabetic));
    if let Some(meaning) = word.and_then(names::read) {
        parts.names.push(meaning);
        fields.next();
    } else {
        parts.month = field(fields.next()).and_then(|month| month.try_into().ok());
    }
    parts.day = field(fields.next()).and_then(|day| day.try_into().ok());
    if fields.next().is_some() || parts.year.is_none() {
        return None;
    }
    let mut time = rest.trim_start_matches(['T', 't']).trim_start();
    if let Some((afternoon, behind)) = numerals::half_of_day(time) {
        parts.afternoon = Some(afternoon);
        parts.offset = Some(numerals::KOREA_SECONDS);
        time = behind.trim_start();
    }
    if !rest.is_empty() {
        let zone = read_clock(time, &mut parts)?.trim();
        if !zone.is_empty() {
            parts.offset = Some(read_zone(zone)?);
        }
    }
    parts.finish()
}

/// ISO 8601's basic format: `20260203T040506Z`.
fn parse_basic(text: &str) -> Option<Timestamp> {
    let part = |range: std::ops::Range<usize>| text.get(range);
    let mut spread = format!("{}-{}-{}", part(0..4)?, part(4..6)?, part(6..8)?);
    let time = text.get(8..).unwrap_or_default();
    let digits = time.bytes().skip(1).take_while(u8::is_ascii_digit).count();
    match digits {
        _ if time.is_empty() => {}
        4 | 6 => {
            spread.push_str(&format!("T{}:{}", time.get(1..3)?, time.get(3..5)?));
            if digits == 6 {
                spread.push_str(&format!(":{}", time.get(5..7)?));
            }
            spread.push_str(time.get(1 + digits..)?);
        }
        _ => return None,
    }
    parse_iso(&spread)
}

/// RFC 822 and everything that looks like it: words in nearly any order.
fn parse_words(text: &str) -> Option<Timestamp> {
    let mut parts = Parts::default();
    let words = text.split(|c: char| c.is_whitespace() || c == ',');
    for word in words.filter(|word| !word.is_empty()) {
        let is_rfc_850 = word.starts_with(|c: char| c.is_ascii_digit())
            && word.contains(char::is_alphabetic)
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
    let is_half = |half: &str| bare.replace('.', "").eq_ignore_ascii_case(half);
    if is_half("am") || is_half("pm") {
        return set(&mut parts.afternoon, is_half("pm"));
    }
    let is_filler = FILLERS.iter().any(|filler| *filler == word.to_lowercase());
    if is_filler && (!parts.names.is_empty() || parts.day.is_some()) {
        return Some(());
    }
    // What ends a date with a time is its zone, whatever it means elsewhere: `MET`, `SAST`, `МСК`.
    let is_zone = parts.clock.is_some() && word.len() > 1 && zones::minutes(word).is_some();
    let name = names::read(bare).filter(|name| !is_zone || parts.lacks(*name));
    if let Some(name) = name {
        parts.names.push(name);
        return (parts.names.len() <= NAMES_MAX).then_some(());
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
    let is_ordinal = matches!(suffix, "st" | "nd" | "rd" | "th" | "." | "er" | "º" | "°");
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

/// Seconds east of UTC for `Z`, `EST`, `+0100`, `-08:00`, `GMT+8` or `Europe/Berlin`.
fn read_zone(word: &str) -> Option<i64> {
    let shift_at = word
        .find(['+', '-'])
        .filter(|&at| word[at + 1..].starts_with(|next: char| next.is_ascii_digit()));
    let (name, shift) = word.split_at(shift_at.unwrap_or(word.len()));
    let minutes = match name {
        "" => None,
        name => Some(zones::minutes(name)?),
    };
    match (minutes, shift.is_empty()) {
        (Some(minutes), true) => Some(minutes * 60),
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
