//! Values that carry units: durations (`1h30m`) and sizes (`256MiB`).
//!
//! Invariant: a number without a unit is refused, so that no reader of a file has to guess.

use std::time::Duration;

/// Units of a duration, the largest first, in milliseconds.
const DURATIONS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Units of a size, the largest first, in bytes.
const SIZES: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1_000),
    ("B", 1),
];

/// The form of a duration, for error messages.
pub(super) const DURATION_FORM: &str =
    "a number with a unit: `ms`, `s`, `m`, `h` or `d`, such as `30s` or `1h30m`";

/// The form of a size, for error messages.
pub(super) const SIZE_FORM: &str = "a number with a unit: `B`, `KB`, `KiB`, `MB`, `MiB`, `GB`, `GiB`, `TB` or `TiB`, such as `16MiB`";

/// Reads `500ms`, `30s`, `5m`, `2h`, `7d`, `1h30m`: units from large to small, each once.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let mut rest = text;
    let mut milliseconds = 0u64;
    let mut unit_before = None;
    loop {
        let (number, unit, after) = split_number(rest);
        if number.is_empty() {
            return Err(format!("a duration is {DURATION_FORM}"));
        }
        if unit.is_empty() {
            return Err(format!(
                "`{number}` has no unit; a duration is {DURATION_FORM}"
            ));
        }
        let Some(index) = DURATIONS.iter().position(|(name, _)| *name == unit) else {
            return Err(format!(
                "`{unit}` is no unit; a duration is {DURATION_FORM}"
            ));
        };
        if unit_before.is_some_and(|before| before >= index) {
            return Err("units go from large to small, each at most once".into());
        }
        milliseconds = number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(DURATIONS[index].1))
            .and_then(|part| part.checked_add(milliseconds))
            .ok_or("the duration is too large")?;
        if after.is_empty() {
            return Ok(Duration::from_millis(milliseconds));
        }
        unit_before = Some(index);
        rest = after;
    }
}

/// Reads `512B`, `64KiB`, `10MB`: one whole number and one unit.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let (number, unit, after) = split_number(text);
    if number.is_empty() || !after.is_empty() {
        return Err(format!("a size is {SIZE_FORM}"));
    }
    if unit.is_empty() {
        return Err(format!("`{number}` has no unit; a size is {SIZE_FORM}"));
    }
    let Some((_, bytes)) = SIZES.iter().find(|(name, _)| *name == unit) else {
        return Err(format!("`{unit}` is no unit; a size is {SIZE_FORM}"));
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(*bytes))
        .ok_or_else(|| "the size is too large".into())
}

/// Writes a duration so that [`parse_duration`] reads it back (whole milliseconds).
pub(super) fn format_duration(duration: Duration) -> String {
    let mut rest = duration.as_millis();
    let mut text = String::new();
    for (unit, milliseconds) in DURATIONS {
        let number = rest / u128::from(milliseconds);
        rest %= u128::from(milliseconds);
        if number > 0 {
            text.push_str(&format!("{number}{unit}"));
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}

/// Writes a size in the largest unit that divides it, so that [`parse_size`] reads it back.
pub(super) fn format_size(bytes: u64) -> String {
    SIZES
        .iter()
        .find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit))
        .map_or_else(
            || format!("{bytes}B"),
            |(name, unit)| format!("{}{name}", bytes / unit),
        )
}

/// The regular expression of a duration; it matches the empty text, too.
pub(super) fn duration_pattern() -> String {
    let parts = DURATIONS.map(|(unit, _)| format!("([0-9]+{unit})?"));
    format!("^{}$", parts.concat())
}

/// The regular expression of a size.
pub(super) fn size_pattern() -> String {
    format!("^[0-9]+({})$", SIZES.map(|(unit, _)| unit).join("|"))
}

/// Digits, then letters, then what is left.
fn split_number(text: &str) -> (&str, &str, &str) {
    let digits = text.find(|c: char| !c.is_ascii_digit());
    let (number, rest) = text.split_at(digits.unwrap_or(text.len()));
    let letters = rest.find(|c: char| c.is_ascii_digit());
    let (unit, after) = rest.split_at(letters.unwrap_or(rest.len()));
    (number, unit, after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations() {
        let check = |text: &str, expected: Result<u64, &str>| {
            match (parse_duration(text), expected) {
                (Ok(duration), Ok(ms)) => assert_eq!(duration.as_millis(), u128::from(ms)),
                (Err(reason), Err(part)) => assert!(reason.contains(part), "{text}: {reason}"),
                (got, _) => panic!("{text}: {got:?}"),
            };
        };
        check("500ms", Ok(500));
        check("30s", Ok(30_000));
        check("1h30m", Ok(5_400_000));
        check("7d", Ok(604_800_000));
        check("0s", Ok(0));
        check("1m1ms", Ok(60_001));
        check("30", Err("`30` has no unit"));
        check("1h30", Err("`30` has no unit"));
        check("", Err("a number with a unit"));
        check("m", Err("a number with a unit"));
        check("-5m", Err("a number with a unit"));
        check("1.5h", Err("`.` is no unit"));
        check("5 m", Err("` m` is no unit"));
        check("5min", Err("`min` is no unit"));
        check("5m5m", Err("large to small"));
        check("5m1h", Err("large to small"));
        check("99999999999999999999s", Err("too large"));
        check("300000000000000d", Err("too large"));
    }

    #[test]
    fn sizes() {
        let check = |text: &str, expected: Result<u64, &str>| {
            match (parse_size(text), expected) {
                (Ok(size), Ok(bytes)) => assert_eq!(size, bytes, "{text}"),
                (Err(reason), Err(part)) => assert!(reason.contains(part), "{text}: {reason}"),
                (got, _) => panic!("{text}: {got:?}"),
            };
        };
        check("512B", Ok(512));
        check("64KiB", Ok(65_536));
        check("10MB", Ok(10_000_000));
        check("1GiB", Ok(1 << 30));
        check("0B", Ok(0));
        check("64", Err("`64` has no unit"));
        check("64kib", Err("`kib` is no unit"));
        check("1GiB2MiB", Err("a size is"));
        check("GiB", Err("a size is"));
        check("99999999999999TiB", Err("too large"));
    }

    proptest! {
        #[test]
        fn a_written_duration_reads_back(ms in 0u64..1 << 50) {
            let duration = Duration::from_millis(ms);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }

        #[test]
        fn a_written_size_reads_back(bytes: u64) {
            prop_assert_eq!(parse_size(&format_size(bytes)), Ok(bytes));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = parse_duration(&text);
            let _ = parse_size(&text);
        }
    }
}
