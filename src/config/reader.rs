//! Walks a parsed TOML document by the keys there are, and notes what is wrong on the way.
//!
//! Invariant: the keys that are asked for are the keys that are known. What is left over when a
//! table was read is unknown and refused; there is no second list that could drift.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::environment::Environment;
use super::error::{Place, SettingError, Spot};
use super::masking::names_a_secret;
use super::raw::Raw;
use super::suggest::{new_name, suggest};

/// A value and where it was written.
#[derive(Debug, Clone)]
pub(super) struct Written<T> {
    pub(super) value: T,
    pub(super) spot: Spot,
}

impl<T> Written<T> {
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Written<U> {
        Written {
            value: change(self.value),
            spot: self.spot,
        }
    }
}

/// Everything that is collected while the document is read.
pub(super) struct Reader {
    pub(super) problems: Vec<SettingError>,
    pub(super) environment: Environment,
    /// Parts of the text that must not be shown.
    pub(super) masked: Vec<Range<usize>>,
}

impl Reader {
    /// Masks every value inside `value`.
    pub(super) fn mask(&mut self, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) => table.values().for_each(|value| self.mask(value)),
            DeValue::Array(array) => array.iter().for_each(|value| self.mask(value)),
            _ => self.masked.push(value.span()),
        }
    }
}

/// One table while it is read.
pub(super) struct Table<'r, 'd> {
    pub(super) reader: &'r mut Reader,
    entries: Option<&'d DeTable<'d>>,
    spot: Spot,
    asked: Vec<&'static str>,
}

impl<'d> Table<'_, 'd> {
    /// Reads the document with `read`.
    pub(super) fn read_root<T>(
        reader: &mut Reader,
        entries: &'d DeTable<'d>,
        read: impl FnOnce(&mut Table<'_, 'd>) -> T,
    ) -> T {
        let spot = Spot {
            path: String::new(),
            feed: None,
            place: Place::Whole,
        };
        let mut root = Table {
            reader,
            entries: Some(entries),
            spot,
            asked: Vec::new(),
        };
        let result = read(&mut root);
        root.refuse_unknown();
        result
    }

    /// A key's value as `parse` understands it; `None` when it isn't written or is no good, which
    /// is noted. A variable goes before the file.
    pub(super) fn value<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&Raw<'d>) -> Result<T, String>,
    ) -> Option<Written<T>> {
        self.asked.push(key);
        let spot = self.spot_of(key, Place::Whole);
        let (raw, place) = match self.reader.environment.overriding(&spot.path) {
            Some((name, value)) => (
                Raw::Variable(value.clone()),
                Place::Variable(name, Some(value)),
            ),
            None => {
                let value = self.written(key)?;
                (Raw::Value(value), Place::File(value.span()))
            }
        };
        let spot = Spot { place, ..spot };
        match parse(&raw) {
            Ok(value) => Some(Written { value, spot }),
            Err(reason) => {
                self.refuse(spot, reason);
                None
            }
        }
    }

    /// Like [`value`](Self::value) for a key that must be written.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&Raw<'d>) -> Result<T, String>,
    ) -> Option<Written<T>> {
        if self.written(key).is_none() {
            self.refuse_here(format!("`{key}` is missing"));
        }
        self.value(key, parse)
    }

    /// The table `[key]`, read by `read`; read over nothing where it isn't written.
    pub(super) fn table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Table<'_, 'd>) -> T,
    ) -> T {
        let found = self.value(key, |raw| {
            raw.table()
                .ok_or_else(|| raw.mismatch(&format!("a table, written `[{key}]`")))
        });
        match found {
            Some(found) => self.child(Some(found.value), found.spot, read),
            None => self.child(None, self.spot_of(key, Place::Whole), read),
        }
    }

    /// The entries of `[key]` under names of the user's choice: `read` gets the table, the entry's
    /// name and its value.
    pub(super) fn entries<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Self, Written<&'d str>, &'d Spanned<DeValue<'d>>) -> Option<T>,
    ) -> Option<Written<Vec<T>>> {
        let found = self.value(key, |raw| {
            raw.table().ok_or_else(|| raw.mismatch("a table of names"))
        })?;
        let mut list = Vec::new();
        for (name, value) in found.value {
            let spot = Spot {
                path: format!("{}.{}", found.spot.path, name.get_ref()),
                place: Place::File(name.span()),
                ..found.spot.clone()
            };
            let name = Written {
                value: name.get_ref().as_ref(),
                spot,
            };
            list.extend(read(self, name, value));
        }
        Some(Written {
            value: list,
            spot: found.spot,
        })
    }

    /// The tables `[key.NAME]`, each read by `read`.
    pub(super) fn named_tables<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&'d str, &mut Table<'_, 'd>) -> T,
    ) -> Vec<T> {
        let found = self.entries(key, |table, name, value| {
            if let Some(entries) = value.get_ref().as_table() {
                let read = |table: &mut Table<'_, 'd>| read(name.value, table);
                return Some(table.child(Some(entries), name.spot, read));
            }
            let form = format!("a table, written `[{key}.{}]`", name.value);
            table.refuse(name.spot, Raw::Value(value).mismatch(&form));
            None
        });
        found.map(|found| found.value).unwrap_or_default()
    }

    /// The tables `[[key]]`, each read by `read`.
    pub(super) fn tables<T>(
        &mut self,
        key: &'static str,
        count_max: usize,
        read: impl FnMut(&mut Table<'_, 'd>) -> T,
    ) -> Vec<T> {
        let form = format!("a list of tables, each written `[[{key}]]`");
        let found = self.list_of_tables(key, (count_max, &form), read);
        found.map(|found| found.value).unwrap_or_default()
    }

    /// A list of tables, `key = [{ … }, { … }]`, each read by `read`.
    pub(super) fn list_of_tables<T>(
        &mut self,
        key: &'static str,
        (count_max, form): (usize, &str),
        mut read: impl FnMut(&mut Table<'_, 'd>) -> T,
    ) -> Option<Written<Vec<T>>> {
        let found = self.value(key, |raw| raw.array().ok_or_else(|| raw.mismatch(form)))?;
        let mut list = Vec::new();
        for (index, value) in found.value.iter().enumerate() {
            let spot = Spot {
                path: format!("{}[{index}]", found.spot.path),
                place: Place::File(value.span()),
                ..found.spot.clone()
            };
            match value.get_ref().as_table() {
                _ if index == count_max => {
                    self.refuse(spot, format!("there can be no more than {count_max}"));
                    break;
                }
                Some(entries) => list.push(self.child(Some(entries), spot, &mut read)),
                None => self.refuse(spot, Raw::Value(value).mismatch(form)),
            }
        }
        Some(Written {
            value: list,
            spot: found.spot,
        })
    }

    /// A key that is a switch, or a table that switches it on and says more: what `read` makes of the
    /// table, `usual` without one, and nothing when it is off. `form` says what may be written.
    pub(super) fn switch_or_table<T>(
        &mut self,
        key: &'static str,
        form: &'static str,
        usual: T,
        read: impl FnOnce(&mut Table<'_, 'd>) -> T,
    ) -> Option<Written<Option<T>>> {
        let found = self.value(key, |raw| {
            let switch = match raw {
                Raw::Variable(text) => text.parse().ok(),
                Raw::Value(value) => value.get_ref().as_bool(),
            };
            match (switch, raw.table()) {
                (Some(switch), _) => Ok((switch, None)),
                (None, Some(entries)) => Ok((true, Some(entries))),
                (None, None) => Err(raw.mismatch(form)),
            }
        })?;
        let (is_on, entries) = found.value;
        let value = match entries {
            Some(entries) => self.child(Some(entries), found.spot.clone(), read),
            None => usual,
        };
        Some(Written {
            value: is_on.then_some(value),
            spot: found.spot,
        })
    }

    /// Reads a table inside this one, and refuses what it has that nobody asked for.
    pub(super) fn child<T>(
        &mut self,
        entries: Option<&'d DeTable<'d>>,
        spot: Spot,
        read: impl FnOnce(&mut Table<'_, 'd>) -> T,
    ) -> T {
        let mut child = Table {
            reader: self.reader,
            entries,
            spot,
            asked: Vec::new(),
        };
        let result = read(&mut child);
        child.refuse_unknown();
        result
    }

    /// From here on every problem in this table names the feed, as far as it has a name.
    pub(super) fn name_feed(&mut self) {
        let name = self
            .written("name")
            .and_then(|name| name.get_ref().as_str());
        self.spot.feed = name.map(String::from);
    }

    /// The value of a key in the file, unread.
    pub(super) fn written(&self, key: &str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.entries?.get(key)
    }

    /// Whether nothing at all is written in this table.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_none_or(DeTable::is_empty)
    }

    /// Notes a problem.
    pub(super) fn refuse(&mut self, spot: Spot, reason: impl Into<String>) {
        self.reader.problems.push(SettingError::new(spot, reason));
    }

    /// Notes a problem with this table as a whole.
    pub(super) fn refuse_here(&mut self, reason: impl Into<String>) {
        self.refuse(self.spot.clone(), reason);
    }

    fn spot_of(&self, key: &str, place: Place) -> Spot {
        let dot = if self.spot.path.is_empty() { "" } else { "." };
        Spot {
            path: format!("{}{dot}{key}", self.spot.path),
            feed: self.spot.feed.clone(),
            place,
        }
    }

    fn refuse_unknown(mut self) {
        for (key, value) in self.entries.into_iter().flatten() {
            if self.asked.contains(&key.get_ref().as_ref()) {
                continue;
            }
            // SECURITY: `cookie = "…"` is a near miss; its value is as secret as the right key's.
            if names_a_secret(key.get_ref()) {
                self.reader.mask(value);
            }
            let spot = self.spot_of(key.get_ref(), Place::File(key.span()));
            let problem = match new_name(&self.spot.path, key.get_ref(), &self.asked) {
                Some(new) => SettingError::new(spot, format!("`{}` is now `{new}`", key.get_ref())),
                None => {
                    let help = suggest(key.get_ref(), &self.asked, "known keys here");
                    SettingError::new(spot, "there is no such key").with_help(help)
                }
            };
            self.reader.problems.push(problem);
        }
        self.asked.clear();
    }
}
