//! What an operator wants removed.

use std::time::SystemTime;

use super::Space;
use super::clock::to_ms;

/// What is to be removed: everything that all of this holds for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purge {
    /// Only what is in this space.
    pub space: Option<Space>,
    /// Only what has this key, or one that starts with it.
    pub key: Option<Key>,
    /// Only what was stored before this.
    pub stored_before: Option<SystemTime>,
    /// The items of feeds as well; they have no time.
    pub with_items: bool,
}

/// Which keys are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// This one.
    Is(String),
    /// Those that start so.
    StartsWith(String),
}

impl Key {
    pub(super) fn holds(&self, key: &str) -> bool {
        match self {
            Self::Is(one) => key == one,
            Self::StartsWith(start) => key.starts_with(start.as_str()),
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Is(text) | Self::StartsWith(text) => text,
        }
    }

    pub(super) fn is_prefix(&self) -> bool {
        matches!(self, Self::StartsWith(_))
    }
}

impl Purge {
    /// Whether a body of this space and key, stored then, is to be removed.
    #[must_use]
    pub fn holds(&self, space: Space, key: &str, stored_at: SystemTime) -> bool {
        self.space.is_none_or(|only| only == space)
            && self.key.as_ref().is_none_or(|only| only.holds(key))
            && self.stored_before.is_none_or(|time| stored_at < time)
    }

    /// The space's number, the key, and the time in milliseconds, as they stand in the database.
    pub(super) fn columns(&self) -> (Option<u8>, Option<&str>, Option<i64>) {
        let before = self.stored_before.map(|time| to_ms(time).cast_signed());
        (
            self.space.map(Space::id),
            self.key.as_ref().map(Key::text),
            before,
        )
    }
}
