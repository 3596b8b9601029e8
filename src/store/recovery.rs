//! Copies what can still be read of a damaged database into a new one. Bodies can be fetched again; the items of
//! feeds can't.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::{history_totals, schema};

/// The longest time that it may delay a start.
const TIME_MAX: Duration = Duration::from_secs(5);
/// The tables, the irreplaceable ones first.
const TABLES: [&str; 4] = ["history", "state", "entry", "body"];
/// Tables are read from both ends, since a damaged page ends a scan.
const ORDERS: [&str; 2] = ["ASC", "DESC"];

/// Copies rows from a damaged database into a new one; returns their number. Records are verified when they are
/// read later.
pub(super) fn recover(damaged: &Path, new: &mut Connection) -> rusqlite::Result<usize> {
    let old = schema::open_reader(damaged)?;
    let deadline = Instant::now() + TIME_MAX;
    let transaction = new.transaction()?;
    let mut count = 0;
    for table in TABLES {
        for order in ORDERS {
            // A table may be lost altogether, or end anywhere.
            count += copy(&old, &transaction, (table, order), deadline).unwrap_or(0);
        }
    }
    history_totals::count_all(&transaction)?;
    transaction.commit()?;
    Ok(count)
}

fn copy(
    old: &Connection,
    new: &Connection,
    (table, order): (&str, &str),
    deadline: Instant,
) -> rusqlite::Result<usize> {
    let key = if table == "state" { "space" } else { "rowid" };
    let mut select = old.prepare(&format!("SELECT * FROM {table} ORDER BY {key} {order}"))?;
    let columns = select.column_count();
    let places = vec!["?"; columns].join(", ");
    let mut insert = new.prepare(&format!("INSERT OR IGNORE INTO {table} VALUES ({places})"))?;
    let mut rows = select.query([])?;
    let mut count = 0;
    while let Ok(Some(row)) = rows.next() {
        let values: Result<Vec<Value>, _> = (0..columns).map(|column| row.get(column)).collect();
        if let Ok(values) = values {
            // What no longer fits the table's types is damaged, too.
            count += insert.execute(params_from_iter(values)).unwrap_or(0);
        }
        if Instant::now() >= deadline {
            break;
        }
    }
    Ok(count)
}
