//! What an operator wants removed from the store.

use std::time::SystemTime;

use super::Space;
use super::clock::to_ms;

/// A purge: removes the bodies that match all of these conditions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purge {
    /// Only what is in this space.
    pub space: Option<Space>,
    /// Only what has this key, or one that starts with it.
    pub key: Option<PurgeKey>,
    /// Only what was stored before this.
    pub stored_before: Option<SystemTime>,
    /// The items of feeds as well, whatever `stored_before` says.
    pub with_items: bool,
}

/// A key, or a prefix of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PurgeKey {
    /// This one.
    Is(String),
    /// Those that start with this.
    StartsWith(String),
}

impl PurgeKey {
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
    /// Whether it covers a body of this space and key that was stored then.
    #[must_use]
    pub fn holds(&self, space: Space, key: &str, stored_at: SystemTime) -> bool {
        self.space.is_none_or(|only| only == space)
            && self.key.as_ref().is_none_or(|only| only.holds(key))
            && self.stored_before.is_none_or(|time| stored_at < time)
    }

    /// The space's number, the key, and the time in milliseconds, as columns of the database.
    pub(super) fn columns(&self) -> (Option<u8>, Option<&str>, Option<i64>) {
        let before = self.stored_before.map(|time| to_ms(time).cast_signed());
        (
            self.space.map(Space::id),
            self.key.as_ref().map(PurgeKey::text),
            before,
        )
    }
}
