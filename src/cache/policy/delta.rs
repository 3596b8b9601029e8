//! Delta seconds (RFC 9111 §1.2.2).

use std::time::Duration;

use super::list::unquote;

/// The longest time that a number of seconds stands for: 68 years.
pub const DELTA_MAX: Duration = Duration::from_secs(1 << 31);

/// Reads seconds, also in a quoted string.
pub(super) fn delta_seconds(value: &str) -> Option<Duration> {
    let bare = unquote(value);
    seconds(bare.as_deref().unwrap_or(value))
}

/// Reads digits as seconds, at most [`DELTA_MAX`].
pub(super) fn seconds(digits: &str) -> Option<Duration> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = digits.parse().unwrap_or(u64::MAX);
    Some(Duration::from_secs(seconds).min(DELTA_MAX))
}
