//! Items of feeds, by guid, in the order in which they were first seen.

use std::time::SystemTime;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};

use super::clock::of_ms;
use super::error::is_bad_value;
use super::history_totals::{self, Account, Recorded};
use super::record::{self, Coding, Sum, bind};
use super::totals::{Totals, WhenFull};

/// The most bytes of one item.
pub const ITEM_BYTES_MAX: usize = 4 << 20;
/// The most items that one call records.
pub const ITEMS_MAX: usize = 10_000;
/// Marks these records in their checksums.
const TABLE: u8 = 3;

/// An item to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryItem {
    /// The item's identity within the feed.
    pub guid: String,
    /// The item as the caller wants it back.
    pub bytes: Bytes,
}

/// A recorded item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptItem {
    /// The item's identity within the feed.
    pub guid: String,
    /// As it was last recorded.
    pub bytes: Vec<u8>,
    /// Its place in the order of first sight: larger is newer. Never reused.
    pub place: u64,
    /// When it was first recorded.
    pub first_seen: SystemTime,
}

/// A range of a feed's items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemWindow {
    /// The first place.
    pub from: u64,
    /// The last place.
    pub to: u64,
    /// Whether the order is newest first.
    pub newest_first: bool,
    /// How many at most.
    pub count: usize,
    /// How many bytes at most; the first item is returned whatever its size.
    pub bytes_max: usize,
}

impl ItemWindow {
    /// The newest `count` items, newest first.
    #[must_use]
    pub fn newest(count: usize, bytes_max: usize) -> Self {
        Self {
            from: 0,
            to: u64::MAX,
            newest_first: true,
            count,
            bytes_max,
        }
    }
}

/// Which place a known item gets when it is recorded again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// It keeps it.
    Seen,
    /// It gets a new one, behind all others.
    Given,
}

/// Records items, oldest first, and keeps the newest `keep` within the totals. A known item keeps its first-seen
/// time and gets the new bytes.
pub(super) fn record(
    connection: &Connection,
    (feed, items, order): (&str, &[HistoryItem], Order),
    (keep, totals, now_ms): (usize, Totals, i64),
) -> rusqlite::Result<Recorded> {
    // Imported items are older than what is there, so nothing is removed for them.
    let when_full = match order {
        Order::Seen => totals.when_full,
        Order::Given => WhenFull::Refuse,
    };
    let totals = Totals {
        when_full,
        ..totals
    };
    let mut account = Account::open(connection, feed, totals)?;
    let mut last = connection.prepare_cached("SELECT max(place) FROM history WHERE feed = ?1")?;
    let last: Option<i64> = last.query_row([feed], |row| row.get(0))?;
    let mut next = last.unwrap_or(0) + 1;
    let mut find = connection
        .prepare_cached("SELECT place, first_seen_ms FROM history WHERE feed = ?1 AND guid = ?2")?;
    for item in items {
        let known: Option<(i64, i64)> = find
            .query_row([feed, &item.guid], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (place, first_seen_ms) = match (known, order) {
            (Some((place, first_seen_ms)), Order::Seen) => (place, first_seen_ms),
            (known, _) => (
                next,
                known.map_or(now_ms, |(_, first_seen_ms)| first_seen_ms),
            ),
        };
        let coded = record::encode(std::slice::from_ref(&item.bytes))
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        let row = Row {
            place,
            first_seen_ms,
            coding: coded.coding,
            item_bytes: coded.body_bytes,
            bytes: coded.pieces.concat(),
        };
        let weight = history_totals::weight(feed, &item.guid, row.bytes.len());
        let before = match known {
            Some(_) => history_totals::weight_of(connection, feed, &item.guid)?,
            None => None,
        };
        if account.admit(&item.guid, weight, before)? {
            row.set(connection, feed, &item.guid)?;
            next = next.max(place + 1);
        }
    }
    account.free(prune(connection, feed, keep)?);
    account.close(items.iter().map(|item| item.guid.as_str()))
}

/// The items of a window that verify, and the row ids of those that don't.
pub(super) fn select(
    connection: &Connection,
    feed: &str,
    window: &ItemWindow,
) -> rusqlite::Result<(Vec<KeptItem>, Vec<i64>)> {
    let columns = "SELECT guid, place, first_seen_ms, coding, item_bytes, sum, bytes, rowid \
                   FROM history WHERE feed = ?1 AND place BETWEEN ?2 AND ?3 ORDER BY place";
    let order = if window.newest_first { "DESC" } else { "ASC" };
    let mut statement = connection.prepare_cached(&format!("{columns} {order}"))?;
    let (from, to) = (of_place(window.from), of_place(window.to));
    let mut rows = statement.query(params![feed, from, to])?;
    let (mut items, mut bad, mut bytes) = (Vec::new(), Vec::new(), 0);
    while items.len() < window.count
        && let Some(row) = rows.next()?
    {
        match kept(feed, row) {
            Ok(Some(item)) => {
                bytes += item.bytes.len();
                if bytes > window.bytes_max && !items.is_empty() {
                    break;
                }
                items.push(item);
            }
            Ok(None) => bad.push(row.get(7)?),
            Err(error) if is_bad_value(&error) => bad.push(row.get(7)?),
            Err(error) => return Err(error),
        }
    }
    Ok((items, bad))
}

/// The oldest and the newest place that a feed has items at.
pub(super) fn places(connection: &Connection, feed: &str) -> rusqlite::Result<Option<(u64, u64)>> {
    let sql = "SELECT min(place), max(place) FROM history WHERE feed = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let (first, last): (Option<i64>, Option<i64>) =
        statement.query_row([feed], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(first
        .zip(last)
        .map(|(first, last)| (first.unsigned_abs(), last.unsigned_abs())))
}

fn of_place(place: u64) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}

/// Removes a feed's items; returns their number.
pub(super) fn forget(connection: &Connection, feed: &str) -> rusqlite::Result<usize> {
    history_totals::forget(connection, feed)?;
    connection
        .prepare_cached("DELETE FROM history WHERE feed = ?1")?
        .execute([feed])
}

/// The feeds that have items.
pub(super) fn feeds(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut select = connection.prepare("SELECT DISTINCT feed FROM history")?;
    let feeds = select.query_map([], |row| row.get(0))?;
    // A name that can't be read is skipped.
    Ok(feeds.filter_map(Result::ok).collect())
}

/// Deletes rows that did not verify.
pub(super) fn discard(connection: &Connection, rows: &[i64]) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached("DELETE FROM history WHERE rowid = ?1")?;
    for row in rows {
        delete.execute([row])?;
    }
    Ok(())
}

/// Removes all but the newest `keep` items; returns the bytes that were freed.
fn prune(connection: &Connection, feed: &str, keep: usize) -> rusqlite::Result<u64> {
    let beyond = "feed = ?1 AND place <= \
                  (SELECT place FROM history WHERE feed = ?1 ORDER BY place DESC LIMIT 1 OFFSET ?2)";
    history_totals::delete(connection, beyond, (feed, keep as i64))
}

struct Row {
    place: i64,
    first_seen_ms: i64,
    coding: Coding,
    item_bytes: usize,
    bytes: Vec<u8>,
}

impl Row {
    fn set(&self, connection: &Connection, feed: &str, guid: &str) -> rusqlite::Result<()> {
        let sql = "INSERT OR REPLACE INTO history \
                   (feed, guid, place, first_seen_ms, coding, item_bytes, sum, bytes) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        connection.prepare_cached(sql)?.execute(params![
            feed,
            guid,
            self.place,
            self.first_seen_ms,
            self.coding as i64,
            self.item_bytes as i64,
            self.sum(feed, guid),
            self.bytes
        ])?;
        Ok(())
    }

    fn sum(&self, feed: &str, guid: &str) -> Sum {
        let mut value = Vec::with_capacity(self.bytes.len() + 32);
        for number in [
            self.place,
            self.first_seen_ms,
            self.coding as i64,
            self.item_bytes as i64,
        ] {
            value.extend_from_slice(&number.to_be_bytes());
        }
        value.extend_from_slice(&self.bytes);
        bind(TABLE, [feed.as_bytes(), guid.as_bytes()], &value)
    }
}

/// The item of a row; `None` when it doesn't verify.
fn kept(feed: &str, found: &rusqlite::Row<'_>) -> rusqlite::Result<Option<KeptItem>> {
    let guid: String = found.get(0)?;
    let Some(coding) = Coding::of_id(found.get(3)?) else {
        return Ok(None);
    };
    let row = Row {
        place: found.get(1)?,
        first_seen_ms: found.get(2)?,
        coding,
        item_bytes: usize::try_from(found.get::<_, i64>(4)?).unwrap_or(usize::MAX),
        bytes: found.get(6)?,
    };
    if found.get::<_, Sum>(5)? != row.sum(feed, &guid) || row.item_bytes > ITEM_BYTES_MAX {
        return Ok(None);
    }
    let item =
        record::decode(coding, vec![row.bytes.into()], row.item_bytes).map(|pieces| KeptItem {
            guid,
            bytes: pieces.concat(),
            place: row.place.unsigned_abs(),
            first_seen: of_ms(row.first_seen_ms),
        });
    Ok(item)
}
