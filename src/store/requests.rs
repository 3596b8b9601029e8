//! Purge requests of another process: it inserts a row, and the process that has the directory carries it out, so
//! that copies in memory are removed as well.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, params};

use super::clock::of_ms;
use super::directory::OpenDirectory;
use super::error::Error;
use super::purge::{Purge, PurgeKey};
use super::shared::Shared;
use super::transaction::in_transaction;
use super::{Space, schema};

/// How often the requesting process checks for the answer.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Asks the process that has the directory to purge. Returns the number of bodies that it removed, or `None` when
/// it did not answer in time.
pub(super) fn ask(
    database: &Path,
    purge: &Purge,
    patience: Duration,
) -> rusqlite::Result<Option<u64>> {
    let connection = schema::open_asking(database)?;
    let (space, key, before) = purge.columns();
    let is_prefix = purge.key.as_ref().is_some_and(PurgeKey::is_prefix);
    connection.execute(
        "INSERT INTO request (space, key, is_prefix, stored_before_ms, with_items) \
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![space, key, is_prefix, before, purge.with_items],
    )?;
    let id = connection.last_insert_rowid();
    let begun = Instant::now();
    let mut answer = None;
    while answer.is_none() && begun.elapsed() < patience {
        std::thread::sleep(LOOK_EVERY);
        let sql = "SELECT removed FROM request WHERE id = ?1";
        let removed: Option<Option<i64>> = connection
            .query_row(sql, [id], |row| row.get(0))
            .optional()?;
        answer = removed.flatten().map(i64::unsigned_abs);
    }
    connection.execute("DELETE FROM request WHERE id = ?1", [id])?;
    Ok(answer)
}

/// Carries out the requests of other processes since the last check.
pub(super) fn answer_requests(shared: &Shared, open: &mut OpenDirectory) -> Result<(), Error> {
    let version = open
        .connection
        .pragma_query_value(None, "data_version", |row| row.get(0))?;
    if open.data_version == Some(version) {
        return Ok(());
    }
    let is_first = open.data_version.is_none();
    let files = &open.disk.bodies.files;
    let asked = in_transaction(shared, &mut open.connection, files, |target| {
        if is_first {
            // Answers that nobody took.
            let sql = "DELETE FROM request WHERE removed IS NOT NULL";
            target.connection.execute(sql, [])?;
        }
        let asked = unanswered(target.connection)?;
        for (id, purge) in &asked {
            let removed = target.purge(purge)?;
            target.connection.execute(
                "UPDATE request SET removed = ?2 WHERE id = ?1",
                params![id, removed.cast_signed()],
            )?;
        }
        Ok(asked)
    })?;
    asked.iter().for_each(|(_, purge)| shared.tell(purge));
    open.data_version = Some(version);
    Ok(())
}

fn unanswered(connection: &Connection) -> rusqlite::Result<Vec<(i64, Purge)>> {
    let sql = "SELECT id, space, key, is_prefix, stored_before_ms, with_items FROM request \
               WHERE removed IS NULL ORDER BY id";
    let mut select = connection.prepare_cached(sql)?;
    let asked = select.query_map([], |row| {
        let space: Option<i64> = row.get(1)?;
        let key: Option<String> = row.get(2)?;
        let key = match row.get(3)? {
            true => key.map(PurgeKey::StartsWith),
            false => key.map(PurgeKey::Is),
        };
        let before: Option<i64> = row.get(4)?;
        let purge = Purge {
            space: space.and_then(Space::of_id),
            key,
            stored_before: before.map(of_ms),
            with_items: row.get(5)?,
        };
        // A space that this version doesn't know is empty.
        Ok((space.is_none() || purge.space.is_some()).then_some((row.get(0)?, purge)))
    })?;
    asked.filter_map(Result::transpose).collect()
}
