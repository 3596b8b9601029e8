//! Applies changes to the database and the files, within a transaction that the caller commits.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, params};

use super::change::{Body, Change, Put};
use super::clock::{UseClock, to_ms};
use super::error::Error;
use super::files::Files;
use super::history;
use super::history_totals::Recorded;
use super::purge::Purge;
use super::readers::{self, EntryRow};
use super::record::{EntryHeader, VERSION};
use super::totals::Totals;
use super::{BODY_BYTES_MAX, META_BYTES_MAX, Space, states};
use crate::shares::Share;

/// Bytes of a row besides its key, metadata and body, roughly.
const ROW_BYTES: u64 = 256;
/// The largest weight of a record.
pub(super) const WEIGHT_MAX: i64 = (BODY_BYTES_MAX + 2 * META_BYTES_MAX) as i64;
/// Files take whole blocks of this size.
const BLOCK_BYTES: u64 = 4 << 10;

/// Effects of a batch outside its transaction, for after the commit.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Records whose files were moved to their places.
    pub(super) placed: Vec<i64>,
    /// Records whose files are to be removed after the commit.
    pub(super) freed: Vec<i64>,
    /// The change in the number of bodies.
    pub(super) entries: i64,
    /// The change in bytes, by share.
    pub(super) weights: [i64; Share::COUNT],
    /// The outcome of recording items, by feed.
    pub(super) recorded: Vec<(String, Recorded)>,
}

/// The database within a transaction, and the files.
pub(super) struct Target<'a> {
    pub(super) connection: &'a Connection,
    pub(super) files: &'a Files,
    pub(super) use_clock: &'a UseClock,
    pub(super) history: Totals,
    pub(super) effects: Effects,
}

impl Target<'_> {
    /// Applies a change; returns the number of records that it changed.
    pub(super) fn apply(&mut self, change: &mut Change) -> Result<u64, Error> {
        match change {
            Change::Put(put) => self.put(put).map(|()| 1),
            Change::SetMeta { space, key, meta } => self.set_meta(*space, key, meta).map(u64::from),
            Change::Remove { space, key } => self.remove(*space, key).map(u64::from),
            Change::Purge(purge) => self.purge(purge),
            Change::Discard(id) => self.discard(*id).map(u64::from),
            Change::Record {
                feed,
                items,
                order,
                keep,
            } => {
                let now_ms = now_ms();
                let terms = (*keep, self.history, now_ms);
                let recorded = history::record(self.connection, (feed, items, *order), terms)?;
                self.effects.recorded.push((feed.clone(), recorded));
                Ok(1)
            }
            Change::Forget { feed } => Ok(history::forget(self.connection, feed)? as u64),
            Change::DiscardItems(rows) => {
                history::discard(self.connection, rows)?;
                Ok(1)
            }
            Change::Flush | Change::Close | Change::StartAnew => Ok(1),
        }
    }

    fn put(&mut self, put: &mut Put) -> Result<(), Error> {
        // A refresh of a feed is no use of it.
        let used_at_ms = match (put.space, self.find(put.space, &put.key)?) {
            (Space::Feeds, Some(found)) => found.used_at_ms,
            _ => self.use_clock.next_ms(SystemTime::now()),
        };
        self.remove(put.space, &put.key)?;
        let bound = EntryHeader {
            space: put.space,
            key: &put.key,
            meta: &put.meta,
            coding: put.coding,
            stored_bytes: put.stored_bytes,
            body_bytes: put.body_bytes,
            body_sum: put.body_sum,
            stored_at_ms: now_ms(),
        };
        let is_file = matches!(put.body, Some(Body::File(_)));
        let weight = weight(&bound, is_file);
        let sql = "INSERT INTO entry (space, key, version, coding, is_file, stored_bytes, body_bytes, \
                   stored_at_ms, used_at_ms, weight, body_sum, sum, meta) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
        self.connection.prepare_cached(sql)?.execute(params![
            put.space.id(),
            put.key,
            VERSION,
            put.coding as i64,
            is_file,
            put.stored_bytes as i64,
            put.body_bytes as i64,
            bound.stored_at_ms,
            used_at_ms,
            weight,
            put.body_sum,
            bound.sum(),
            put.meta,
        ])?;
        let id = self.connection.last_insert_rowid();
        match put.body.take() {
            Some(Body::File(file)) => {
                self.files.place(file, id)?;
                self.effects.placed.push(id);
            }
            Some(Body::Inline(bytes)) => {
                let sql = "INSERT INTO body (id, bytes) VALUES (?1, ?2)";
                let mut insert = self.connection.prepare_cached(sql)?;
                insert.execute(params![id, &bytes[..]])?;
            }
            None => {}
        }
        self.effects.entries += 1;
        self.effects.weights[put.space.share().index()] += weight;
        Ok(())
    }

    fn set_meta(&mut self, space: Space, key: &str, meta: &[u8]) -> Result<bool, Error> {
        let Some(mut found) = self.find(space, key)? else {
            return Ok(false);
        };
        let Some(shape) = found.verify(space, key) else {
            self.discard(found.id)?;
            return Ok(false);
        };
        found.stored_at_ms = now_ms();
        let used_at_ms = match space {
            Space::Feeds => found.used_at_ms,
            _ => self.use_clock.next_ms(SystemTime::now()),
        };
        let bound = found.bound(space, key, shape, meta);
        let weight = weight(&bound, found.is_file);
        let sql = "UPDATE entry SET meta = ?2, sum = ?3, stored_at_ms = ?4, used_at_ms = ?5, \
                   weight = ?6 WHERE id = ?1";
        self.connection.prepare_cached(sql)?.execute(params![
            found.id,
            meta,
            bound.sum(),
            found.stored_at_ms,
            used_at_ms,
            weight,
        ])?;
        self.effects.weights[space.share().index()] += weight - found.weight;
        Ok(true)
    }

    fn remove(&mut self, space: Space, key: &str) -> Result<bool, Error> {
        let sql = "SELECT id FROM entry WHERE space = ?1 AND key = ?2";
        let mut find = self.connection.prepare_cached(sql)?;
        let id = find.query_row(params![space.id(), key], |row| row.get(0));
        match id.optional()? {
            Some(id) => self.discard(id),
            None => Ok(false),
        }
    }

    /// Deletes a record, whatever its row says.
    pub(super) fn discard(&mut self, id: i64) -> Result<bool, Error> {
        let sql = "DELETE FROM entry WHERE id = ?1 RETURNING is_file, weight, space";
        let mut delete = self.connection.prepare_cached(sql)?;
        let gone = delete.query_row([id], |row| {
            // A damaged row may hold anything.
            let is_file: bool = row.get(0).unwrap_or(true);
            let weight: i64 = row.get(1).unwrap_or(0);
            let share = share_of(row.get(2).unwrap_or(0));
            Ok((is_file, weight.clamp(0, WEIGHT_MAX), share))
        });
        let Some((is_file, weight, share)) = gone.optional()? else {
            return Ok(false);
        };
        if is_file {
            self.effects.freed.push(id);
        }
        self.connection
            .prepare_cached("DELETE FROM body WHERE id = ?1")?
            .execute([id])?;
        self.effects.entries -= 1;
        self.effects.weights[share.index()] -= weight;
        Ok(true)
    }

    /// Removes what a purge covers; returns the number of bodies.
    pub(super) fn purge(&mut self, purge: &Purge) -> Result<u64, Error> {
        let (space, key, before) = purge.columns();
        // Keys are compared by bytes, so that those that start with a text come one after the other.
        let sql = "SELECT id, key FROM entry WHERE (?1 IS NULL OR space = ?1) \
                   AND (?2 IS NULL OR key >= ?2) AND (?3 IS NULL OR stored_at_ms < ?3)";
        let mut select = self.connection.prepare_cached(sql)?;
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
        let mut count = 0;
        for id in ids {
            count += u64::from(self.discard(id)?);
        }
        if purge.with_items && purge.space.is_none_or(|space| space == Space::Feeds) {
            for feed in history::feeds(self.connection)? {
                if purge.key.as_ref().is_none_or(|only| only.holds(&feed)) {
                    history::forget(self.connection, &feed)?;
                }
            }
        }
        Ok(count)
    }

    fn find(&self, space: Space, key: &str) -> Result<Option<EntryRow>, Error> {
        Ok(readers::find(self.connection, space, key)?)
    }

    /// Writes waiting states and times of use.
    pub(super) fn flush(
        &self,
        states: &states::Batch,
        used: &[((Space, String), i64)],
    ) -> Result<(), Error> {
        states::write(self.connection, states)?;
        let sql = "UPDATE entry SET used_at_ms = ?3 WHERE space = ?1 AND key = ?2";
        let mut touch = self.connection.prepare_cached(sql)?;
        for ((space, key), used_at_ms) in used {
            touch.execute(params![space.id(), key, used_at_ms])?;
        }
        Ok(())
    }
}

fn now_ms() -> i64 {
    i64::try_from(to_ms(SystemTime::now())).unwrap_or(i64::MAX)
}

/// The share of a space's number; that of mirrors for a number that a damaged row has.
pub(super) fn share_of(space: i64) -> Share {
    Space::of_id(space).map_or(Share::Mirrors, Space::share)
}

/// The bytes of a record on disk.
fn weight(bound: &EntryHeader<'_>, is_file: bool) -> i64 {
    let body = if is_file {
        bound.stored_bytes.next_multiple_of(BLOCK_BYTES)
    } else {
        bound.stored_bytes
    };
    let row = ROW_BYTES + (bound.key.len() + bound.meta.len()) as u64;
    i64::try_from(body + row).unwrap_or(i64::MAX)
}
