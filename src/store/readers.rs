//! Connections that read, while the one that writes writes.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::clock::of_ms;
use super::record::{Bound, Coding, Sum, VERSION};
use super::{Listed, Space, schema};

/// Connections that are kept open.
const IDLE_MAX: usize = 4;

/// The connections of one database.
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

    /// Does `work` on a connection within one view of the database. After an error the connection
    /// is not used again.
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

    /// Closes what is open and not in use.
    pub(super) fn close(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A row of `entry`, as it was found.
#[derive(Debug)]
pub(super) struct Found {
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

/// What a row says about its body, once the row verified.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) coding: Coding,
    pub(super) stored_bytes: usize,
    pub(super) body_bytes: usize,
}

/// The columns of [`Found`], in its order.
const COLUMNS: &str = "id, version, coding, is_file, stored_bytes, body_bytes, stored_at_ms, \
                       used_at_ms, weight, body_sum, sum, meta";

impl Found {
    /// A column that can't be read becomes one that doesn't verify.
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

    /// The shape of the body; `None` when the row isn't what was written under this key.
    pub(super) fn verify(&self, space: Space, key: &str) -> Option<Shape> {
        let shape = Shape {
            coding: Coding::of_id(self.coding)?,
            stored_bytes: usize::try_from(self.stored_bytes).ok()?,
            body_bytes: usize::try_from(self.body_bytes).ok()?,
        };
        let bound = self.bound(space, key, shape, &self.meta);
        (self.version == i64::from(VERSION) && bound.sum() == self.sum).then_some(shape)
    }

    /// What the row's checksum is over, with this meta.
    pub(super) fn bound<'a>(
        &self,
        space: Space,
        key: &'a str,
        shape: Shape,
        meta: &'a [u8],
    ) -> Bound<'a> {
        Bound {
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
) -> rusqlite::Result<Option<Found>> {
    let sql = format!("SELECT {COLUMNS} FROM entry WHERE space = ?1 AND key = ?2");
    connection
        .prepare_cached(&sql)?
        .query_row(params![space.id(), key], Found::of)
        .optional()
}

/// The bytes of a body that is in the database.
pub(super) fn inline(connection: &Connection, id: i64) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT bytes FROM body WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()
}

/// Up to `count` rows whose key starts with `prefix` and comes after `after`, in order; `None` for
/// each that doesn't verify.
pub(super) fn list(
    connection: &Connection,
    space: Space,
    (prefix, after): (&str, Option<&str>),
    count: usize,
) -> rusqlite::Result<Vec<(String, Option<Listed>)>> {
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
        let found = Found::of(row).ok();
        let listed = found.and_then(|found| listed(found, space, &key));
        list.push((key, listed));
    }
    Ok(list)
}

fn listed(found: Found, space: Space, key: &str) -> Option<Listed> {
    let shape = found.verify(space, key)?;
    Some(Listed {
        key: key.to_owned(),
        body_bytes: shape.body_bytes as u64,
        disk_bytes: found.weight.unsigned_abs(),
        stored_at: of_ms(found.stored_at_ms),
        used_at: of_ms(found.used_at_ms),
        meta: found.meta,
    })
}
