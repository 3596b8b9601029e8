//! Upkeep by the writing thread between batches: eviction, returning unused pages, removing orphaned files, checks.

use std::sync::atomic::Ordering;

use rusqlite::{Connection, params};

use super::Space;
use super::directory::Disk;
use super::error::Error;
use super::shared::Shared;
use super::transaction::in_transaction;
use crate::shares::{Share, Yields};

/// Records that are evicted in one transaction, so that writes don't wait long.
const EVICTED_AT_ONCE: usize = 64;
/// The most transactions in a row before queued writes go on.
const ROUNDS_MAX: usize = 16;
/// Eviction frees this part of the budget beyond what is needed.
const SPARE_PARTS: u64 = 32;
/// The database keeps this many unused pages, and this part of all pages.
const FREE_PAGES_MIN: i64 = 1_000;
const FREE_PARTS: i64 = 4;
/// Pages that are returned at a time.
const FREED_AT_ONCE: i64 = 1_000;
/// Space left free on the file system: this part of it, or this many bytes if that is less.
const RESERVE_PARTS: u64 = 20;
const RESERVE_BYTES_MAX: u64 = 64 << 20;

/// Bytes that bodies may take: the configured limit, or less where the file system has less room. Where others
/// fill the disk the budget stays at `before`.
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

/// Evicts the least recently used bodies of kinds above their share until the rest fits into `budget`, for a limited
/// number of rounds.
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

/// Evicts one batch; returns the number of bodies.
fn evict(
    shared: &Shared,
    disk: &Disk,
    connection: &mut Connection,
    Yields { share, bytes }: Yields,
) -> Result<u64, Error> {
    let count = in_transaction(shared, connection, &disk.bodies.files, |target| {
        let sql = "SELECT id, weight FROM entry WHERE space = ?1 ORDER BY used_at_ms LIMIT ?2";
        let mut oldest = target.connection.prepare_cached(sql)?;
        let limits = params![space_of(share).id(), EVICTED_AT_ONCE as i64];
        let oldest: Vec<(i64, i64)> = oldest
            .query_map(limits, |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let (mut freed, mut count) = (0, 0_u64);
        for (id, weight) in oldest {
            if freed >= bytes {
                break;
            }
            target.discard(id)?;
            freed += weight.unsigned_abs();
            count += 1;
        }
        Ok(count)
    })?;
    shared.health.evicted.fetch_add(count, Ordering::Relaxed);
    Ok(count)
}

/// The space whose bodies are evicted for a share.
fn space_of(share: Share) -> Space {
    match share {
        Share::Feeds => Space::Feeds,
        Share::Articles => Space::Articles,
        Share::Images => Space::Images,
        Share::Mirrors => Space::Mirror,
    }
}

/// Returns unused pages of the database to the file system, some at a time.
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

/// Checks the small tables for damage that no read finds, such as a key that is missing from its index.
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

/// Removes orphaned files of one directory: those that a killed process placed without committing their records.
pub(super) fn sweep(disk: &Disk, connection: &Connection, shard: u8) -> Result<(), Error> {
    let sql = "SELECT 1 FROM entry WHERE id = ?1 AND is_file";
    let mut find = connection.prepare_cached(sql)?;
    for id in disk.bodies.files.records_in(shard)? {
        if !find.exists([id])? {
            disk.bodies.files.remove(id);
        }
    }
    Ok(())
}
