//! Small values that change often: kept in memory and written together at intervals.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};

use super::Space;
use super::error::is_bad_value;
use super::record::{Bad, Sum, bind};

/// The most values that wait to be written.
const WAITING_MAX: usize = 100_000;
/// Marks these records in their checksums.
const TABLE: u8 = 2;

/// A value; `None` when it is to be removed.
type Value = Option<Vec<u8>>;

/// Values that are newer than those on disk; without a disk, all values.
#[derive(Debug, Default)]
pub(super) struct States {
    waiting: Mutex<BTreeMap<(Space, String), (u64, Value)>>,
}

/// Values to be written, each with its change counter.
pub(super) type Batch = Vec<((Space, String), (u64, Value))>;

impl States {
    /// Sets or removes a value. False when too many wait.
    pub(super) fn set(&self, space: Space, key: &str, value: Value) -> bool {
        let mut waiting = self.lock();
        let key = (space, key.to_owned());
        let change = waiting.get(&key).map_or(0, |(change, _)| change + 1);
        if waiting.len() >= WAITING_MAX && !waiting.contains_key(&key) {
            return false;
        }
        waiting.insert(key, (change, value));
        true
    }

    /// The waiting value; `Some(None)` when the key is to be removed.
    pub(super) fn get(&self, space: Space, key: &str) -> Option<Value> {
        let waiting = self.lock();
        let (_, value) = waiting.get(&(space, key.to_owned()))?;
        Some(value.clone())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Applies waiting values to those that were read from disk.
    pub(super) fn cover(&self, space: Space, read: &mut BTreeMap<String, Vec<u8>>) {
        for ((of, key), (_, value)) in self.lock().iter() {
            if *of != space {
                continue;
            }
            match value {
                Some(value) => read.insert(key.clone(), value.clone()),
                None => read.remove(key),
            };
        }
    }

    /// A copy of the waiting values, for [`write`] and then [`States::written`].
    pub(super) fn batch(&self) -> Batch {
        let waiting = self.lock();
        let copy = |(key, value): (&(Space, String), &(u64, Value))| (key.clone(), value.clone());
        waiting.iter().map(copy).collect()
    }

    /// Removes written values, unless they changed meanwhile.
    pub(super) fn written(&self, batch: &Batch) {
        let mut waiting = self.lock();
        for (key, (change, _)) in batch {
            if waiting.get(key).is_some_and(|(now, _)| now == change) {
                waiting.remove(key);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Space, String), (u64, Value)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a batch.
pub(super) fn write(connection: &Connection, batch: &Batch) -> rusqlite::Result<()> {
    let mut set = connection.prepare_cached(
        "INSERT OR REPLACE INTO state (space, key, sum, value) VALUES (?1, ?2, ?3, ?4)",
    )?;
    let mut remove =
        connection.prepare_cached("DELETE FROM state WHERE space = ?1 AND key = ?2")?;
    for ((space, key), (_, value)) in batch {
        match value {
            Some(value) => set.execute(params![space.id(), key, sum(*space, key, value), value])?,
            None => remove.execute(params![space.id(), key])?,
        };
    }
    Ok(())
}

/// The value on disk.
pub(super) fn read(
    connection: &Connection,
    space: Space,
    key: &str,
) -> rusqlite::Result<Result<Option<Vec<u8>>, Bad>> {
    let sql = "SELECT sum, value FROM state WHERE space = ?1 AND key = ?2";
    let found = connection
        .prepare_cached(sql)?
        .query_row(params![space.id(), key], |row| {
            Ok((row.get::<_, Sum>(0)?, row.get::<_, Vec<u8>>(1)?))
        })
        .optional();
    match found {
        Ok(Some((known, value))) if known == sum(space, key, &value) => Ok(Ok(Some(value))),
        Ok(None) => Ok(Ok(None)),
        Ok(Some(_)) => Ok(Err(Bad)),
        Err(error) if is_bad_value(&error) => Ok(Err(Bad)),
        Err(error) => Err(error),
    }
}

/// Values by key, and the keys of those that don't verify.
type All = (BTreeMap<String, Vec<u8>>, Vec<String>);

/// Every value of a space, and the keys of those that don't verify.
pub(super) fn read_all(connection: &Connection, space: Space) -> rusqlite::Result<All> {
    let sql = "SELECT key, sum, value FROM state WHERE space = ?1 ORDER BY key";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![space.id()])?;
    let (mut all, mut bad) = (BTreeMap::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let Ok(key) = row.get::<_, String>(0) else {
            continue;
        };
        match (row.get::<_, Sum>(1), row.get::<_, Vec<u8>>(2)) {
            (Ok(known), Ok(value)) if known == sum(space, &key, &value) => {
                all.insert(key, value);
            }
            _ => bad.push(key),
        }
    }
    Ok((all, bad))
}

fn sum(space: Space, key: &str, value: &[u8]) -> Sum {
    bind(TABLE, [&[space.id()], key.as_bytes()], value)
}
