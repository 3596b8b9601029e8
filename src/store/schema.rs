//! The database: its tables, and how connections are opened.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::is_damage;
use super::history_totals;

/// `Fwst`: marks the database as ours.
const APPLICATION_ID: i32 = 0x4677_7374;
/// The version of the tables. A later one is refused.
///
/// Version 2 has the same tables as 1 with what [`ADDED`] says. In it, items of a feed that share a guid
/// have names of their own: a program that knows version 1 only would take them for one again.
const VERSION: i32 = 2;
/// The oldest version that can be read; it is upgraded when it is opened for writing.
const VERSION_MIN: i32 = 1;

/// `entry` has one row per body and stays small, so that looking through all of it is quick;
/// `body` has the bytes of those that are in no file; `request` is how another process asks the one
/// that writes to remove something.
const TABLES: &str = "
CREATE TABLE entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    space INTEGER NOT NULL,
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    coding INTEGER NOT NULL,
    is_file INTEGER NOT NULL,
    stored_bytes INTEGER NOT NULL,
    body_bytes INTEGER NOT NULL,
    stored_at_ms INTEGER NOT NULL,
    used_at_ms INTEGER NOT NULL,
    weight INTEGER NOT NULL,
    body_sum BLOB NOT NULL,
    sum BLOB NOT NULL,
    meta BLOB NOT NULL,
    UNIQUE (space, key)
) STRICT;
CREATE TABLE body (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
CREATE TABLE state (
    space INTEGER NOT NULL,
    key TEXT NOT NULL,
    sum BLOB NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (space, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE history (
    feed TEXT NOT NULL,
    guid TEXT NOT NULL,
    place INTEGER NOT NULL,
    first_seen_ms INTEGER NOT NULL,
    coding INTEGER NOT NULL,
    item_bytes INTEGER NOT NULL,
    sum BLOB NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (feed, guid)
) STRICT;
CREATE INDEX history_by_place ON history (feed, place);
CREATE TABLE request (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    space INTEGER,
    key TEXT,
    is_prefix INTEGER NOT NULL,
    stored_before_ms INTEGER,
    with_items INTEGER NOT NULL,
    removed INTEGER
) STRICT;
";

/// What later versions added: a database of an earlier one gets it when it is opened to be written, and
/// an earlier one does without. `history_total` has the bytes of each feed's items, `history_gone` what
/// of the items that a feed still has had to go for newer ones. What waits for the archive is in
/// `history` under names with a space, and counts for no feed.
const ADDED: &str = "
DROP INDEX IF EXISTS entry_by_use;
CREATE INDEX IF NOT EXISTS entry_by_space ON entry (space, used_at_ms, weight);
CREATE INDEX IF NOT EXISTS history_by_age ON history (first_seen_ms, place) WHERE instr(feed, ' ') = 0;
CREATE TABLE IF NOT EXISTS history_total (
    feed TEXT PRIMARY KEY,
    bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS history_gone (
    feed TEXT NOT NULL,
    guid BLOB NOT NULL,
    PRIMARY KEY (feed, guid)
) STRICT, WITHOUT ROWID;
";

/// Settings of every connection. WAL with NORMAL keeps committed transactions through any crash of the process; a
/// power failure may lose the last ones.
const EVERY_CONNECTION: &str = "
PRAGMA busy_timeout = 5000;
PRAGMA trusted_schema = OFF;
PRAGMA cell_size_check = ON;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -4096;
";
const WRITER: &str = "
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA journal_size_limit = 4194304;
";

/// Prepared statements that the writing connection caches; more than there are.
const STATEMENTS_MAX: usize = 64;

/// Why the database can't be used as it is.
#[derive(Debug)]
pub(super) enum SchemaError {
    /// It is damaged, or no database of ours.
    Damaged,
    /// A later version of the program made it.
    Newer(i32),
    /// Anything else.
    Other(rusqlite::Error),
}

impl From<rusqlite::Error> for SchemaError {
    fn from(error: rusqlite::Error) -> Self {
        if is_damage(&error) {
            Self::Damaged
        } else {
            Self::Other(error)
        }
    }
}

/// Opens the writing connection, and creates or upgrades the tables. True when the database is new.
pub(super) fn open_writer(path: &Path) -> Result<(Connection, bool), SchemaError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | common();
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.execute_batch(EVERY_CONNECTION)?;
    connection.execute_batch(WRITER)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    let is_new = prepare(&mut connection)?;
    Ok((connection, is_new))
}

/// Opens a connection that only reads.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | common();
    let connection = Connection::open_with_flags(path, flags)?;
    connection.execute_batch(EVERY_CONNECTION)?;
    Ok(connection)
}

/// Opens a connection that inserts requests for the process that writes.
pub(super) fn open_asking(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | common();
    let connection = Connection::open_with_flags(path, flags)?;
    connection.execute_batch(EVERY_CONNECTION)?;
    Ok(connection)
}

/// The same tables in memory.
pub(super) fn open_memory() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(TABLES)?;
    connection.execute_batch(ADDED)?;
    Ok(connection)
}

fn common() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_EXRESCODE
}

/// Checks that the tables are of a version that can be read.
pub(super) fn check(connection: &Connection) -> Result<(), SchemaError> {
    match marks(connection)? {
        (APPLICATION_ID, VERSION_MIN..=VERSION) => Ok(()),
        (APPLICATION_ID, version) if version > VERSION => Err(SchemaError::Newer(version)),
        _ => Err(SchemaError::Damaged),
    }
}

fn marks(connection: &Connection) -> rusqlite::Result<(i32, i32)> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get(0));
    Ok((pragma("application_id")?, pragma("user_version")?))
}

/// Creates or upgrades the tables, in one transaction. Returns whether the database is new.
fn prepare(connection: &mut Connection) -> Result<bool, SchemaError> {
    let (application, version) = marks(connection)?;
    let is_new = (application, version) == (0, 0) && is_empty(connection)?;
    if !is_new {
        check(connection)?;
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if is_new {
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    let is_counted = has_table(&transaction, "history_total")?;
    transaction.execute_batch(ADDED)?;
    if !is_counted && !is_new {
        history_totals::count_all(&transaction)?;
    }
    if version != VERSION {
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    if !is_new && version != VERSION {
        tracing::info!(
            from = version,
            to = VERSION,
            "the data directory of an earlier version was carried over"
        );
    }
    Ok(is_new)
}

fn has_table(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    connection.prepare(sql)?.exists([name])
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT count(*) FROM sqlite_schema";
    connection.query_row(sql, [], |row| Ok(row.get::<_, i64>(0)? == 0))
}
