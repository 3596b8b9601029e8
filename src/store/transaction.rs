//! Transactions of the writing thread: batches of changes, probes of the disk, removal of outdated bodies.

use rusqlite::{Connection, TransactionBehavior, params};

use super::apply::Target;
use super::change::{Change, Job};
use super::directory::OpenDirectory;
use super::error::Error;
use super::files::Files;
use super::outdated::{Keys, is_whole};
use super::shared::Shared;

/// The fewest and the most bytes that a probe writes.
const PROBE_BYTES_MIN: usize = 64 << 10;
const PROBE_BYTES_MAX: usize = 16 << 20;

/// Runs `work` in one transaction. After the commit the files of deleted records are removed and the counters are
/// updated; after an error the files that were placed are removed.
///
/// # Errors
/// When the database or a file can't be written; nothing has changed then.
pub(super) fn in_transaction<T>(
    shared: &Shared,
    connection: &mut Connection,
    files: &Files,
    work: impl FnOnce(&mut Target<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut target = shared.target(&transaction, files);
    let history = target.history;
    let worked = work(&mut target);
    let effects = target.effects;
    let committed = worked.and_then(|value| {
        transaction.commit()?;
        Ok(value)
    });
    if committed.is_err() {
        effects.placed.iter().for_each(|id| files.remove(*id));
        return committed;
    }
    effects.freed.iter().for_each(|id| files.remove(*id));
    shared.health.weigh(effects.entries, &effects.weights);
    for (feed, recorded) in &effects.recorded {
        shared.health.note_items(feed, recorded, &history);
    }
    committed
}

/// Commits a batch of changes in one transaction, with waiting states and times of use if it flushes. Returns how
/// many records each change has changed.
pub(super) fn commit(
    shared: &Shared,
    open: &mut OpenDirectory,
    jobs: &mut [Job],
) -> Result<Vec<u64>, Error> {
    let flushes = |job: &Job| matches!(job.change, Change::Flush | Change::Close);
    let waiting = jobs.iter().any(flushes).then(|| shared.waiting());
    let files = &open.disk.bodies.files;
    let answers = in_transaction(shared, &mut open.connection, files, |target| {
        let mut answers = Vec::with_capacity(jobs.len());
        for job in &mut *jobs {
            answers.push(target.apply(&mut job.change)?);
        }
        if let Some((states, used)) = &waiting {
            target.flush(states, used)?;
        }
        files.sync_places(&target.effects.placed)?;
        Ok(answers)
    })?;
    if let Some((states, used)) = &waiting {
        shared.written(states, used);
    }
    Ok(answers)
}

/// Writes as much as could not be written before, and removes outdated bodies.
pub(super) fn probe(
    shared: &Shared,
    open: &mut OpenDirectory,
    wanted_bytes: usize,
) -> Result<(), Error> {
    let bytes = wanted_bytes.clamp(PROBE_BYTES_MIN, PROBE_BYTES_MAX);
    drop(open.disk.bodies.files.write(&[vec![0; bytes].into()])?);
    // Truncates the log, which may free some space.
    open.connection
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    settle(shared, open)
}

/// Removes outdated bodies.
pub(super) fn settle(shared: &Shared, open: &mut OpenDirectory) -> Result<(), Error> {
    let files = &open.disk.bodies.files;
    shared.outdated.settle(|keys| {
        let remove = |target: &mut Target<'_>| remove_outdated(target, keys);
        in_transaction(shared, &mut open.connection, files, remove)
    })
}

fn remove_outdated(target: &mut Target<'_>, keys: &Keys) -> Result<(), Error> {
    // Tests that the database can be written, even where nothing is outdated.
    target.connection.execute(
        "INSERT OR REPLACE INTO state (space, key, sum, value) VALUES (0, 'probe', x'', ?1)",
        params![vec![0_u8; 4_096]],
    )?;
    target
        .connection
        .execute("DELETE FROM state WHERE space = 0", [])?;
    for (space, keys_of) in keys {
        if !is_whole(keys, *space) {
            for key in keys_of {
                let (space, key) = (*space, key.clone());
                target.apply(&mut Change::Remove { space, key })?;
            }
            continue;
        }
        let mut all = target
            .connection
            .prepare_cached("SELECT id FROM entry WHERE space = ?1")?;
        let ids: Vec<i64> = all
            .query_map([space.id()], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for id in ids {
            target.discard(id)?;
        }
    }
    Ok(())
}
