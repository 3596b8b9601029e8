//! What an operator wants removed.

use std::time::SystemTime;

use rusqlite::params;

use super::apply::{Refused, Target};
use super::clock::to_ms;
use super::{Space, history};

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
    fn holds(&self, key: &str) -> bool {
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

/// Removes it; how many bodies there were.
pub(super) fn carry_out(target: &mut Target<'_>, purge: &Purge) -> Result<u64, Refused> {
    let (space, key, before) = purge.columns();
    // Keys are compared by bytes, so that those that start with a text come one after the other.
    let sql = "SELECT id, key FROM entry WHERE (?1 IS NULL OR space = ?1) \
               AND (?2 IS NULL OR key >= ?2) AND (?3 IS NULL OR stored_at_ms < ?3)";
    let mut select = target.connection.prepare_cached(sql)?;
    let mut rows = select.query(params![space, key, before])?;
    let mut ids = Vec::new();
    while let Some(row) = rows.next()? {
        let is_meant = match &purge.key {
            Some(only) => row.get::<_, String>(1).is_ok_and(|key| only.holds(&key)),
            None => true,
        };
        if is_meant {
            ids.push(row.get(0)?);
        }
    }
    drop(rows);
    drop(select);
    let mut count = 0;
    for id in ids {
        count += u64::from(target.discard(id)?);
    }
    if purge.with_items && purge.space.is_none_or(|space| space == Space::Feeds) {
        for feed in history::feeds(target.connection)? {
            if purge.key.as_ref().is_none_or(|only| only.holds(&feed)) {
                history::forget(target.connection, &feed)?;
            }
        }
    }
    Ok(count)
}
