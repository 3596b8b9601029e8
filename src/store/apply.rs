//! What the writing thread does to the database and the files: one change at a time, within a
//! transaction that the caller commits.

use std::io;
use std::time::SystemTime;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};

use super::clock::{UseClock, to_ms};
use super::files::{Files, Temporary};
use super::history::{self, HistoryItem, Order};
use super::history_totals::Recorded;
use super::purge::{self, Purge};
use super::readers::{self, Found};
use super::record::{Bound, Coding, Sum, VERSION};
use super::totals::Totals;
use super::{BODY_BYTES_MAX, META_BYTES_MAX, Space, schema, states};
use crate::shares::Share;

/// What a row takes in the database besides its key, meta and bytes.
const ROW_BYTES: u64 = 256;
/// No record weighs more.
pub(super) const WEIGHT_MAX: i64 = (BODY_BYTES_MAX + 2 * META_BYTES_MAX) as i64;
/// Files take whole blocks.
const BLOCK_BYTES: u64 = 4 << 10;

/// One change.
#[derive(Debug)]
pub(super) enum Change {
    /// Puts a body in the place of any other of this key.
    Put(Box<Put>),
    /// Puts another meta in the place of a body's.
    SetMeta {
        space: Space,
        key: String,
        meta: Vec<u8>,
    },
    /// Removes a body.
    Remove { space: Space, key: String },
    /// Removes what this says.
    Purge(Purge),
    /// Removes the body of this record, which did not verify.
    Discard(i64),
    /// Records items of a feed and keeps the newest so many.
    Record {
        feed: String,
        items: Vec<HistoryItem>,
        order: Order,
        keep: usize,
    },
    /// Forgets a feed's items.
    Forget { feed: String },
    /// Removes items that did not verify.
    DiscardItems(Vec<i64>),
    /// Writes whatever waits to be written together.
    Flush,
    /// The same, and closes the directory.
    Close,
    /// Somebody found the database damaged.
    StartAnew,
}

impl Change {
    /// The body that the change would have replaced.
    pub(super) fn supersedes(&self) -> Option<(Space, &str)> {
        match self {
            Self::Put(put) => Some((put.space, &put.key)),
            Self::SetMeta { space, key, .. } | Self::Remove { space, key } => Some((*space, key)),
            _ => None,
        }
    }

    /// The body whose newest version lies on disk, or is gone, once the change is made.
    pub(super) fn renews(&self) -> Option<(Space, &str)> {
        match self {
            Self::SetMeta { .. } => None,
            _ => self.supersedes(),
        }
    }

    /// Bytes that the change writes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Put(put) => put.meta.len() + put.stored_bytes as usize,
            Self::SetMeta { meta, .. } => meta.len(),
            Self::Record { items, .. } => items.iter().map(|item| item.bytes.len()).sum(),
            _ => 0,
        }
    }
}

/// A body to be put.
#[derive(Debug)]
pub(super) struct Put {
    pub(super) space: Space,
    pub(super) key: String,
    pub(super) meta: Vec<u8>,
    pub(super) coding: Coding,
    pub(super) stored_bytes: u64,
    pub(super) body_bytes: u64,
    pub(super) body_sum: Sum,
    /// Taken when it is applied.
    pub(super) body: Option<Body>,
}

/// Where a body is.
#[derive(Debug)]
pub(super) enum Body {
    /// Here, to be put into the database.
    Inline(Bytes),
    /// In a file that waits for its place.
    File(Temporary),
}

/// What a batch did besides what its transaction holds.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Records whose files were put at their places.
    pub(super) placed: Vec<i64>,
    /// Records whose files go once the transaction is committed.
    pub(super) freed: Vec<i64>,
    /// How many bodies more there are.
    pub(super) entries: i64,
    /// How many bytes more they take, by whose share they count against.
    pub(super) weights: [i64; Share::COUNT],
    /// What was recorded of feeds' items.
    pub(super) recorded: Vec<(String, Recorded)>,
}

/// The disk, or the database on it, refuses to be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The database.
    #[error("{0}")]
    Database(#[from] rusqlite::Error),
    /// A file.
    #[error("{0}")]
    File(#[from] io::Error),
}

impl Refused {
    /// Whether the database is damaged, rather than the disk full, busy or gone.
    pub(super) fn is_damage(&self) -> bool {
        matches!(self, Self::Database(error) if schema::is_damage(error))
    }
}

/// What changes are made to.
pub(super) struct Target<'a> {
    pub(super) connection: &'a Connection,
    pub(super) files: &'a Files,
    pub(super) use_clock: &'a UseClock,
    pub(super) history: Totals,
    pub(super) effects: Effects,
}

impl Target<'_> {
    /// Makes a change; how much there was to change.
    pub(super) fn apply(&mut self, change: &mut Change) -> Result<u64, Refused> {
        match change {
            Change::Put(put) => self.put(put).map(|()| 1),
            Change::SetMeta { space, key, meta } => self.set_meta(*space, key, meta).map(u64::from),
            Change::Remove { space, key } => self.remove(*space, key).map(u64::from),
            Change::Purge(purge) => purge::carry_out(self, purge),
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

    fn put(&mut self, put: &mut Put) -> Result<(), Refused> {
        // That a feed was refreshed is no reading.
        let used_at_ms = match (put.space, self.find(put.space, &put.key)?) {
            (Space::Feeds, Some(found)) => found.used_at_ms,
            _ => self.use_clock.next_ms(SystemTime::now()),
        };
        self.remove(put.space, &put.key)?;
        let bound = Bound {
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

    fn set_meta(&mut self, space: Space, key: &str, meta: &[u8]) -> Result<bool, Refused> {
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

    fn remove(&mut self, space: Space, key: &str) -> Result<bool, Refused> {
        let sql = "SELECT id FROM entry WHERE space = ?1 AND key = ?2";
        let mut find = self.connection.prepare_cached(sql)?;
        let id = find.query_row(params![space.id(), key], |row| row.get(0));
        match id.optional()? {
            Some(id) => self.discard(id),
            None => Ok(false),
        }
    }

    /// Deletes a record, whatever its row says.
    pub(super) fn discard(&mut self, id: i64) -> Result<bool, Refused> {
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

    fn find(&self, space: Space, key: &str) -> Result<Option<Found>, Refused> {
        Ok(readers::find(self.connection, space, key)?)
    }

    /// Writes states and times of use that waited.
    pub(super) fn flush(
        &self,
        states: &states::Batch,
        used: &[((Space, String), i64)],
    ) -> Result<(), Refused> {
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

/// Whose share a space counts against, whatever a damaged row says.
pub(super) fn share_of(space: i64) -> Share {
    Space::of_id(space).map_or(Share::Mirrors, Space::share)
}

/// What a record takes on disk.
fn weight(bound: &Bound<'_>, is_file: bool) -> i64 {
    let body = if is_file {
        bound.stored_bytes.next_multiple_of(BLOCK_BYTES)
    } else {
        bound.stored_bytes
    };
    let row = ROW_BYTES + (bound.key.len() + bound.meta.len()) as u64;
    i64::try_from(body + row).unwrap_or(i64::MAX)
}
