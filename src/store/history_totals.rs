//! Disk usage of feeds' items, and removal of the oldest ones where a total is reached.
//!
//! Each feed's bytes are stored beside its items, in the same transaction, so that they are right after a crash;
//! after a start they are counted again, feed by feed.
//!
//! Invariants: the item that is being recorded is never removed; a removed item doesn't come back while its feed
//! still has it, or old items would replace newer ones at each fetch.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use xxhash_rust::xxh3::xxh3_128;

use super::error::Error;
use super::totals::{Totals, WhenFull};

/// Bytes of a row besides its texts and its item.
const ROW_BYTES: usize = 128;
/// The bytes of a row, in SQL.
const WEIGHT: &str = "length(bytes) + octet_length(guid) + octet_length(feed) + 128";

/// The outcome of recording items of a feed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Recorded {
    /// Items that a total left no room for.
    pub(super) refused: u64,
    /// Items, of any feed, that were removed for newer ones.
    pub(super) gone: u64,
    /// Bytes of the feed's items now.
    pub(super) feed_bytes: u64,
    /// Bytes of all feeds' items now.
    pub(super) bytes: u64,
}

/// Keeps the account of a feed's bytes while its items are recorded.
pub(super) struct Account<'a> {
    connection: &'a Connection,
    feed: &'a str,
    totals: Totals,
    recorded: Recorded,
    /// Digests of the guids of the feed's items that were removed for newer ones.
    gone: HashSet<[u8; 16]>,
}

impl<'a> Account<'a> {
    /// Opens the account of a feed. Items that wait for the archive don't count.
    pub(super) fn open(
        connection: &'a Connection,
        feed: &'a str,
        totals: Totals,
    ) -> rusqlite::Result<Self> {
        let totals = match is_counted(feed) {
            true => totals,
            false => Totals::default(),
        };
        let bytes = match totals.bytes_max {
            0 => 0,
            _ => all_bytes(connection)?,
        };
        let recorded = Recorded {
            feed_bytes: feed_bytes(connection, feed)?,
            bytes,
            ..Recorded::default()
        };
        let gone = connection
            .prepare_cached("SELECT guid FROM history_gone WHERE feed = ?1")?
            .query_map([feed], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(Self {
            connection,
            feed,
            totals,
            recorded,
            gone,
        })
    }

    /// Whether an item of this weight may be recorded, replacing one that weighed `before`. Makes room for it where
    /// older items are removed for newer ones. It counts as recorded then.
    pub(super) fn admit(
        &mut self,
        guid: &str,
        weight: u64,
        before: Option<u64>,
    ) -> rusqlite::Result<bool> {
        let old = before.unwrap_or(0);
        let grown = |bytes: u64| (bytes + weight).saturating_sub(old);
        let fits = |recorded: &Recorded, totals: &Totals| {
            !totals.is_over_feed(grown(recorded.feed_bytes))
                && !totals.is_over_all(grown(recorded.bytes))
        };
        // An item that shrinks is always admitted.
        let may_stay = weight <= old || fits(&self.recorded, &self.totals);
        match self.totals.when_full {
            WhenFull::Oldest if before.is_none() && self.gone.contains(&digest(guid)) => {
                return Ok(false);
            }
            WhenFull::Oldest if !may_stay && !self.totals.is_too_large(weight) => {
                while self.totals.is_over_feed(grown(self.recorded.feed_bytes))
                    && self.drop_oldest(guid, true)?
                {}
                while self.totals.is_over_all(grown(self.recorded.bytes))
                    && self.drop_oldest(guid, false)?
                {}
                if !fits(&self.recorded, &self.totals) {
                    self.recorded.refused += 1;
                    return Ok(false);
                }
            }
            _ if !may_stay => {
                self.recorded.refused += 1;
                return Ok(false);
            }
            _ => {}
        }
        self.recorded.feed_bytes = grown(self.recorded.feed_bytes);
        self.recorded.bytes = grown(self.recorded.bytes);
        Ok(true)
    }

    /// Counts bytes of the feed's items that were removed for another reason.
    pub(super) fn free(&mut self, bytes: u64) {
        self.recorded.feed_bytes = self.recorded.feed_bytes.saturating_sub(bytes);
        self.recorded.bytes = self.recorded.bytes.saturating_sub(bytes);
    }

    /// Stores the feed's bytes. Forgets removed items that are not among `guids`, the items that the feed has now.
    pub(super) fn close<'g>(
        self,
        guids: impl Iterator<Item = &'g str>,
    ) -> rusqlite::Result<Recorded> {
        if is_counted(self.feed) {
            set(self.connection, self.feed, self.recorded.feed_bytes)?;
        }
        if !self.gone.is_empty() {
            let still: HashSet<[u8; 16]> = guids.map(digest).collect();
            let is_left = self.totals.when_full == WhenFull::Oldest && !self.totals.is_none();
            let sql = "DELETE FROM history_gone WHERE feed = ?1 AND guid = ?2";
            let mut forget = self.connection.prepare_cached(sql)?;
            for guid in self
                .gone
                .iter()
                .filter(|guid| !is_left || !still.contains(*guid))
            {
                forget.execute(params![self.feed, guid])?;
            }
        }
        Ok(self.recorded)
    }

    /// Removes the oldest item, of the feed or of all, except this one of the feed; false when there is none.
    fn drop_oldest(&mut self, guid: &str, of_feed: bool) -> rusqlite::Result<bool> {
        let of_this = "feed = ?1 AND guid <> ?2 ORDER BY place";
        let of_all =
            "instr(feed, ' ') = 0 AND NOT (feed = ?1 AND guid = ?2) ORDER BY first_seen_ms, place";
        let wanted = if of_feed { of_this } else { of_all };
        let sql = format!("SELECT rowid, feed, guid, {WEIGHT} FROM history WHERE {wanted} LIMIT 1");
        let mut find = self.connection.prepare_cached(&sql)?;
        let oldest: Option<(i64, String, String, i64)> = find
            .query_row(params![self.feed, guid], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()?;
        let Some((row, feed, guid, weight)) = oldest else {
            return Ok(false);
        };
        let weight = weight.unsigned_abs();
        self.connection
            .prepare_cached("DELETE FROM history WHERE rowid = ?1")?
            .execute([row])?;
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO history_gone VALUES (?1, ?2)")?
            .execute(params![feed, digest(&guid)])?;
        match feed == self.feed {
            true => {
                self.gone.insert(digest(&guid));
                self.free(weight);
            }
            false => {
                let left = feed_bytes(self.connection, &feed)?.saturating_sub(weight);
                set(self.connection, &feed, left)?;
                self.recorded.bytes = self.recorded.bytes.saturating_sub(weight);
            }
        }
        self.recorded.gone += 1;
        Ok(true)
    }
}

/// The bytes of a row.
pub(super) fn weight(feed: &str, guid: &str, bytes: usize) -> u64 {
    (feed.len() + guid.len() + bytes + ROW_BYTES) as u64
}

/// The bytes of an item's row; `None` where there is none.
pub(super) fn weight_of(
    connection: &Connection,
    feed: &str,
    guid: &str,
) -> rusqlite::Result<Option<u64>> {
    let sql = format!("SELECT {WEIGHT} FROM history WHERE feed = ?1 AND guid = ?2");
    let mut find = connection.prepare_cached(&sql)?;
    let found: Option<i64> = find.query_row([feed, guid], |row| row.get(0)).optional()?;
    Ok(found.map(i64::unsigned_abs))
}

/// Deletes rows by a condition on `?1` and `?2`; returns their bytes.
pub(super) fn delete(
    connection: &Connection,
    condition: &str,
    (feed, number): (&str, i64),
) -> rusqlite::Result<u64> {
    let sql = format!("DELETE FROM history WHERE {condition} RETURNING {WEIGHT}");
    let mut delete = connection.prepare_cached(&sql)?;
    let freed = delete.query_map(params![feed, number], |row| row.get::<_, i64>(0))?;
    freed.map(|weight| weight.map(i64::unsigned_abs)).sum()
}

/// Deletes a feed's total and its removed items.
pub(super) fn forget(connection: &Connection, feed: &str) -> rusqlite::Result<()> {
    for table in ["history_total", "history_gone"] {
        let sql = format!("DELETE FROM {table} WHERE feed = ?1");
        connection.prepare_cached(&sql)?.execute([feed])?;
    }
    Ok(())
}

/// Counts the bytes of every feed's items anew.
pub(super) fn count_all(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "DELETE FROM history_total; INSERT INTO history_total \
         SELECT feed, sum({WEIGHT}) FROM history WHERE instr(feed, ' ') = 0 GROUP BY feed;"
    ))
}

/// Counts the bytes of the next feed after `after` again; returns its name, or `None` after the last one.
pub(super) fn count_next(
    connection: &mut Connection,
    after: &str,
) -> Result<Option<String>, Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let next = "SELECT min(feed) FROM (SELECT min(feed) AS feed FROM history WHERE feed > ?1 \
                UNION ALL SELECT min(feed) FROM history_total WHERE feed > ?1)";
    let next: Option<String> = transaction
        .prepare_cached(next)?
        .query_row([after], |row| row.get(0))?;
    if let Some(feed) = next.as_deref().filter(|feed| is_counted(feed)) {
        let sql = format!("SELECT coalesce(sum({WEIGHT}), 0) FROM history WHERE feed = ?1");
        let counted: i64 = transaction
            .prepare_cached(&sql)?
            .query_row([feed], |row| row.get(0))?;
        if counted.unsigned_abs() != feed_bytes(&transaction, feed)? {
            tracing::debug!(feed.name = feed, bytes = counted, "history: counted anew");
            set(&transaction, feed, counted.unsigned_abs())?;
        }
    }
    transaction.commit()?;
    Ok(next)
}

/// Bytes of a feed's items.
fn feed_bytes(connection: &Connection, feed: &str) -> rusqlite::Result<u64> {
    let sql = "SELECT bytes FROM history_total WHERE feed = ?1";
    let mut find = connection.prepare_cached(sql)?;
    let bytes: Option<i64> = find.query_row([feed], |row| row.get(0)).optional()?;
    Ok(bytes.map_or(0, |bytes| bytes.max(0).unsigned_abs()))
}

/// Bytes of a feed's items, and of all feeds' items.
pub(super) fn both(connection: &Connection, feed: &str) -> rusqlite::Result<(u64, u64)> {
    Ok((feed_bytes(connection, feed)?, all_bytes(connection)?))
}

/// Bytes of all feeds' items.
fn all_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT coalesce(sum(bytes), 0) FROM history_total";
    let bytes: i64 = connection
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))?;
    Ok(bytes.max(0).unsigned_abs())
}

fn set(connection: &Connection, feed: &str, bytes: u64) -> rusqlite::Result<()> {
    let sql = match bytes {
        0 => "DELETE FROM history_total WHERE feed = ?1 AND ?2 = 0",
        _ => "INSERT OR REPLACE INTO history_total VALUES (?1, ?2)",
    };
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    connection
        .prepare_cached(sql)?
        .execute(params![feed, bytes])?;
    Ok(())
}

/// Whether a name is a feed's: items that wait for the archive are stored under names with a space.
fn is_counted(feed: &str) -> bool {
    !feed.contains(' ')
}

fn digest(guid: &str) -> [u8; 16] {
    xxh3_128(guid.as_bytes()).to_be_bytes()
}
