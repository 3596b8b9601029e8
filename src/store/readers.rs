//! Reading connections, and reading rows of bodies.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::clock::of_ms;
use super::record::{Coding, EntryHeader, Sum, VERSION};
use super::{ListedEntry, Space, schema};

/// The most connections that are kept open.
const IDLE_MAX: usize = 4;

/// A pool of reading connections.
#[derive(Debug)]
pub(super) struct Readers {
    database: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(database: PathBuf) -> Self {
        Self {
            database,
            idle: Mutex::default(),
        }
    }

    /// Runs `work` in one read transaction. After an error the connection is not used again.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let idle = self.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => schema::open_reader(&self.database)?,
        };
        let view = connection.unchecked_transaction()?;
        let outcome = work(&view)?;
        view.finish()?;
        let mut idle = self.lock();
        if idle.len() < IDLE_MAX {
            idle.push(connection);
        }
        Ok(outcome)
    }

    /// Closes the idle connections.
    pub(super) fn close(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A row of `entry`, not verified.
#[derive(Debug)]
pub(super) struct EntryRow {
    pub(super) id: i64,
    version: i64,
    coding: i64,
    pub(super) is_file: bool,
    stored_bytes: i64,
    body_bytes: i64,
    pub(super) stored_at_ms: i64,
    pub(super) used_at_ms: i64,
    pub(super) weight: i64,
    pub(super) body_sum: Sum,
    sum: Sum,
    pub(super) meta: Vec<u8>,
}

/// The coding and lengths of a body, from a verified row.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyShape {
    pub(super) coding: Coding,
    pub(super) stored_bytes: usize,
    pub(super) body_bytes: usize,
}

/// The columns of [`EntryRow`], in its order.
const COLUMNS: &str = "id, version, coding, is_file, stored_bytes, body_bytes, stored_at_ms, \
                       used_at_ms, weight, body_sum, sum, meta";

impl EntryRow {
    /// A column that can't be read gets a value that doesn't verify.
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            version: row.get(1).unwrap_or_default(),
            coding: row.get(2).unwrap_or_default(),
            is_file: row.get(3).unwrap_or(true),
            stored_bytes: row.get(4).unwrap_or_default(),
            body_bytes: row.get(5).unwrap_or_default(),
            stored_at_ms: row.get(6).unwrap_or_default(),
            used_at_ms: row.get(7).unwrap_or_default(),
            weight: row.get(8).unwrap_or_default(),
            body_sum: row.get(9).unwrap_or_default(),
            sum: row.get(10).unwrap_or_default(),
            meta: row.get(11).unwrap_or_default(),
        })
    }

    /// The coding and lengths of the body; `None` when the row was not written under this key.
    pub(super) fn verify(&self, space: Space, key: &str) -> Option<BodyShape> {
        let shape = BodyShape {
            coding: Coding::of_id(self.coding)?,
            stored_bytes: usize::try_from(self.stored_bytes).ok()?,
            body_bytes: usize::try_from(self.body_bytes).ok()?,
        };
        let bound = self.bound(space, key, shape, &self.meta);
        (self.version == i64::from(VERSION) && bound.sum() == self.sum).then_some(shape)
    }

    /// The checksummed header of the row, with this metadata.
    pub(super) fn bound<'a>(
        &self,
        space: Space,
        key: &'a str,
        shape: BodyShape,
        meta: &'a [u8],
    ) -> EntryHeader<'a> {
        EntryHeader {
            space,
            key,
            meta,
            coding: shape.coding,
            stored_bytes: shape.stored_bytes as u64,
            body_bytes: shape.body_bytes as u64,
            body_sum: self.body_sum,
            stored_at_ms: self.stored_at_ms,
        }
    }
}

/// The row of a key.
pub(super) fn find(
    connection: &Connection,
    space: Space,
    key: &str,
) -> rusqlite::Result<Option<EntryRow>> {
    let sql = format!("SELECT {COLUMNS} FROM entry WHERE space = ?1 AND key = ?2");
    connection
        .prepare_cached(&sql)?
        .query_row(params![space.id(), key], EntryRow::of)
        .optional()
}

/// The stored bytes of a body that is in the database.
pub(super) fn inline(connection: &Connection, id: i64) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT bytes FROM body WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()
}

/// Up to `count` rows whose key starts with `prefix` and sorts after `after`, in order; `None` for each that
/// doesn't verify.
pub(super) fn list(
    connection: &Connection,
    space: Space,
    (prefix, after): (&str, Option<&str>),
    count: usize,
) -> rusqlite::Result<Vec<(String, Option<ListedEntry>)>> {
    let sql = format!(
        "SELECT {COLUMNS}, key FROM entry WHERE space = ?1 AND key >= ?2 AND (?3 IS NULL OR key > ?3) \
         ORDER BY key LIMIT ?4"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![space.id(), prefix, after, count as i64])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let Ok(key) = row.get::<_, String>(12) else {
            continue;
        };
        if !key.starts_with(prefix) {
            break;
        }
        let found = EntryRow::of(row).ok();
        let listed = found.and_then(|found| listed(found, space, &key));
        list.push((key, listed));
    }
    Ok(list)
}

fn listed(found: EntryRow, space: Space, key: &str) -> Option<ListedEntry> {
    let shape = found.verify(space, key)?;
    Some(ListedEntry {
        key: key.to_owned(),
        body_bytes: shape.body_bytes as u64,
        disk_bytes: found.weight.unsigned_abs(),
        stored_at: of_ms(found.stored_at_ms),
        used_at: of_ms(found.used_at_ms),
        meta: found.meta,
    })
}
