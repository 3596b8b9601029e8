//! Header fields, digests and times as they are in what is said about a stored body.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderValue;

/// A header field's value as text, a character for each byte.
pub(in crate::refresh) fn to_text(value: &HeaderValue) -> String {
    value.as_bytes().iter().copied().map(char::from).collect()
}

/// The way back.
pub(in crate::refresh) fn of_text(text: &str) -> Option<HeaderValue> {
    let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
    HeaderValue::from_bytes(&bytes.ok()?).ok()
}

/// A digest as it is in [`Said`].
pub(in crate::refresh) fn hex(digest: u128) -> String {
    format!("{digest:032x}")
}

pub(in crate::refresh) fn of_ms(ms: u64) -> SystemTime {
    UNIX_EPOCH
        .checked_add(Duration::from_millis(ms))
        .unwrap_or(UNIX_EPOCH)
}

pub(in crate::refresh) fn to_ms(time: SystemTime) -> u64 {
    millis(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

pub(in crate::refresh) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validators_come_back_byte_for_byte() {
        for bytes in [
            &b"\"abc\""[..],
            b"W/\"a b\"",
            b"unquoted",
            b"\"\xe4\xf6\xfc\xff\"",
            b"",
        ] {
            let value = HeaderValue::from_bytes(bytes).unwrap();
            assert_eq!(of_text(&to_text(&value)), Some(value));
        }
        assert_eq!(of_text("\u{100}"), None);
    }
}
