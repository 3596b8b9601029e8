//! Names of feeds and mirrors.

use std::fmt::{self, Display, Formatter};

/// Characters of a feed's name.
const FEED_NAME_CHARS_MAX: usize = 64;

/// A feed's name: `[a-z0-9][a-z0-9._-]{0,63}`, so that a path needs no escape for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FeedName(String);

/// Why a feed's name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a feed's name has 1 to {FEED_NAME_CHARS_MAX} characters of `a-z`, `0-9`, `.`, `_` and `-`, and starts with a letter or digit"
)]
pub struct FeedNameError;

impl FeedName {
    /// Checks a name.
    ///
    /// # Errors
    /// When it is empty, too long, or has other characters than lower case letters, digits, `.`,
    /// `_` and `-`, or doesn't start with a letter or digit.
    pub fn parse(name: &str) -> Result<Self, FeedNameError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let allowed = |byte: u8| plain(byte) || matches!(byte, b'.' | b'_' | b'-');
        let fits = name.len() <= FEED_NAME_CHARS_MAX
            && name.bytes().next().is_some_and(plain)
            && name.bytes().all(allowed);
        if fits {
            Ok(Self(name.into()))
        } else {
            Err(FeedNameError)
        }
    }

    /// The name as it is written in a path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for FeedName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
