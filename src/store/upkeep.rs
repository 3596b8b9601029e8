//! What the writing thread does when there is nothing to write: making room, and removing files that
//! no record has.

use std::sync::atomic::Ordering;

use rusqlite::{Connection, TransactionBehavior, params};

use super::Space;
use super::directory::Disk;
use super::error::Error;
use super::shared::Shared;
use crate::shares::{Share, Yields};

/// Records that go in one transaction, so that writes need not wait long.
const EVICTED_AT_ONCE: usize = 64;
/// Transactions until writes get their turn again.
const ROUNDS_MAX: usize = 16;
/// When room is made, a little more than needed, in parts of the budget.
const SPARE_PARTS: u64 = 32;
/// The database keeps so many unused pages, and that part of all, for what comes next.
const FREE_PAGES_MIN: i64 = 1_000;
const FREE_PARTS: i64 = 4;
/// Pages that are given back at a time.
const FREED_AT_ONCE: i64 = 1_000;
/// What is left free on the file system: this part of it, or so many bytes if that is less.
const RESERVE_PARTS: u64 = 20;
const RESERVE_BYTES_MAX: u64 = 64 << 20;

/// Bytes that bodies may take: what is configured, or less where the file system has less room. What
/// others fill takes nothing away from what is there: then it is `before` that stays.
pub(super) fn budget(shared: &Shared, disk: &Disk, before: u64) -> u64 {
    let configured = shared.limits().disk_bytes;
    let Ok(found) = rustix::fs::statvfs(&disk.path) else {
        return configured;
    };
    let size = found.f_blocks.saturating_mul(found.f_frsize);
    let reserve = (size / RESERVE_PARTS).min(RESERVE_BYTES_MAX);
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let taken = shared.health.weight();
    match free.checked_sub(reserve) {
        Some(room) => configured.min(taken + room),
        None => configured.min(before),
    }
}

/// Deletes what was not used for the longest time, of whom takes more than its share, until the rest
/// fits into `budget`, or others want to write.
pub(super) fn make_room(
    shared: &Shared,
    disk: &Disk,
    connection: &mut Connection,
    budget: u64,
) -> Result<(), Error> {
    let goal = budget - budget / SPARE_PARTS;
    let shares = shared.limits().shares;
    let mut copies = 0;
    for _ in 0..ROUNDS_MAX {
        let taken = shared.health.taken();
        let Some(yields) = shares.yields(&taken, (budget, goal)) else {
            break;
        };
        let count = evict(shared, disk, connection, yields)?;
        if count == 0 {
            break;
        }
        if yields.share == Share::Feeds {
            copies += count;
        }
    }
    if copies > 0 {
        let percent = shares.percent(Share::Feeds);
        shared.health.warn_of_feeds(copies, percent);
    }
    Ok(())
}

/// One round; how many were deleted.
fn evict(
    shared: &Shared,
    disk: &Disk,
    connection: &mut Connection,
    Yields { share, bytes }: Yields,
) -> Result<u64, Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let oldest: Vec<(i64, i64)> = transaction
        .prepare_cached(
            "SELECT id, weight FROM entry WHERE space = ?1 ORDER BY used_at_ms LIMIT ?2",
        )?
        .query_map(
            params![space_of(share).id(), EVICTED_AT_ONCE as i64],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?
        .collect::<Result<_, _>>()?;
    let mut target = shared.target(&transaction, &disk.library.files);
    let mut freed = 0;
    let mut count = 0_u64;
    for (id, weight) in oldest {
        if freed >= bytes {
            break;
        }
        target.discard(id)?;
        freed += weight.unsigned_abs();
        count += 1;
    }
    let effects = target.effects;
    transaction.commit()?;
    effects
        .freed
        .iter()
        .for_each(|id| disk.library.files.remove(*id));
    shared.health.weigh(effects.entries, &effects.weights);
    shared.health.evicted.fetch_add(count, Ordering::Relaxed);
    Ok(count)
}

/// The space whose bodies count against a share.
fn space_of(share: Share) -> Space {
    match share {
        Share::Feeds => Space::Feeds,
        Share::Articles => Space::Articles,
        Share::Images => Space::Images,
        Share::Mirrors => Space::Mirror,
    }
}

/// Gives pages of the database that nothing uses any more back to the file system, some at a time.
pub(super) fn shrink(connection: &Connection) -> Result<(), Error> {
    let count = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (pages, free) = (count("page_count")?, count("freelist_count")?);
    if free < FREE_PAGES_MIN || free < pages / FREE_PARTS {
        return Ok(());
    }
    // The pragma gives back one page with each step.
    let mut shrinking =
        connection.prepare(&format!("PRAGMA incremental_vacuum({FREED_AT_ONCE})"))?;
    let mut steps = shrinking.query([])?;
    while steps.next()?.is_some() {}
    Ok(())
}

/// Looks for damage that no reading would find: a key that its index no longer leads to is a miss for
/// ever. Only the tables that stay small.
pub(super) fn check(connection: &Connection) -> Result<(), Error> {
    for table in ["entry", "state"] {
        let mut check = connection.prepare(&format!("PRAGMA integrity_check({table})"))?;
        let finding: String = check.query_row([], |row| row.get(0))?;
        if finding != "ok" {
            let damaged = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            return Err(rusqlite::Error::SqliteFailure(damaged, Some(finding)).into());
        }
    }
    Ok(())
}

/// Removes the files of one directory that no record has: those of a process that was killed
/// between putting a file at its place and committing its record.
pub(super) fn sweep(disk: &Disk, connection: &Connection, shard: u8) -> Result<(), Error> {
    let sql = "SELECT 1 FROM entry WHERE id = ?1 AND is_file";
    let mut find = connection.prepare_cached(sql)?;
    for id in disk.library.files.records_in(shard)? {
        if !find.exists([id])? {
            disk.library.files.remove(id);
        }
    }
    Ok(())
}
