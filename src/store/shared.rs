//! State shared by the writing thread and its callers: the open directory, waiting writes, limits, health.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use rusqlite::Connection;
use tokio::sync::broadcast;

use super::apply::{Effects, Target, WEIGHT_MAX, share_of};
use super::change::Change;
use super::clock::UseClock;
use super::directory::Disk;
use super::files::Files;
use super::health::Health;
use super::outdated::OutdatedKeys;
use super::purge::Purge;
use super::states::{self, States};
use super::{Space, StoreLimits, StoreOptions};
use crate::shares::Taken;

/// Purges that a subscriber may lag behind.
const PURGES_MAX: usize = 64;
/// The most times of use that wait to be written.
const USED_MAX: usize = 10_000;
/// State shared by the writing thread and its callers.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: StoreOptions,
    pub(super) health: Health,
    pub(super) use_clock: UseClock,
    pub(super) states: States,
    pub(super) outdated: OutdatedKeys,
    /// Sends purges to those who keep copies in memory.
    pub(super) purges: broadcast::Sender<Purge>,
    limits: Mutex<StoreLimits>,
    disk: Mutex<Option<Arc<Disk>>>,
    /// Times of use that are newer than those on disk.
    used: Mutex<HashMap<(Space, String), i64>>,
}

/// Times of use, for [`Shared::written`].
pub(super) type Used = Vec<((Space, String), i64)>;

impl Shared {
    pub(super) fn new(options: StoreOptions) -> Self {
        Self {
            limits: Mutex::new(options.limits),
            options,
            health: Health::default(),
            use_clock: UseClock::default(),
            states: States::default(),
            outdated: OutdatedKeys::default(),
            purges: broadcast::Sender::new(PURGES_MAX),
            disk: Mutex::default(),
            used: Mutex::default(),
        }
    }

    /// The present limits.
    pub(super) fn limits(&self) -> StoreLimits {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_limits(&self, limits: StoreLimits) {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    /// What changes are made to, within a transaction.
    pub(super) fn target<'a>(&'a self, connection: &'a Connection, files: &'a Files) -> Target<'a> {
        Target {
            connection,
            files,
            use_clock: &self.use_clock,
            history: self.limits().history,
            effects: Effects::default(),
        }
    }

    pub(super) fn set_disk(&self, disk: Option<Arc<Disk>>) {
        *self.disk.lock().unwrap_or_else(PoisonError::into_inner) = disk;
    }

    pub(super) fn disk(&self) -> Option<Arc<Disk>> {
        self.disk
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Counts what is on disk.
    pub(super) fn take_stock(&self, connection: &Connection) -> rusqlite::Result<()> {
        // A damaged row may say that it weighs anything.
        let sql = "SELECT space, count(*), total(min(max(weight, 0), ?1)), max(used_at_ms) \
                   FROM entry GROUP BY space";
        let mut select = connection.prepare(sql)?;
        let mut rows = select.query([WEIGHT_MAX])?;
        let (mut entries, mut taken) = (0, Taken::default());
        while let Some(row) = rows.next()? {
            let (count, weight): (i64, f64) = (row.get(1)?, row.get(2)?);
            entries += count.unsigned_abs();
            taken[share_of(row.get(0)?).index()] += weight.max(0.0) as u64;
            self.use_clock
                .resume_after(row.get::<_, Option<i64>>(3)?.unwrap_or(0));
        }
        self.health.take_stock(entries, &taken);
        Ok(())
    }

    pub(super) fn drop_change(&self, change: &Change) {
        if let Some((space, key)) = change.supersedes() {
            self.outdated.add(space, key);
            self.health.count_dropped();
        }
        if matches!(change, Change::Record { .. }) {
            self.health.count_dropped();
        }
    }

    /// Tells whoever listens that this was purged.
    pub(super) fn tell(&self, purge: &Purge) {
        // Nobody may be listening.
        self.purges.send(purge.clone()).ok();
    }

    pub(super) fn has_waiting(&self) -> bool {
        !self.used().is_empty() || !self.states.is_empty()
    }

    pub(super) fn waiting(&self) -> (states::Batch, Used) {
        let used = self.used();
        let used = used.iter().map(|(key, at)| (key.clone(), *at)).collect();
        (self.states.batch(), used)
    }

    pub(super) fn written(&self, states: &states::Batch, written: &Used) {
        self.states.written(states);
        let mut used = self.used();
        for (key, at) in written {
            if used.get(key) == Some(at) {
                used.remove(key);
            }
        }
    }

    pub(super) fn touch(&self, space: Space, key: &str) {
        let mut used = self.used();
        let key = (space, key.to_owned());
        // What readers ask for without end must not keep a feed from being known as read; there are only
        // so many feeds.
        if used.len() < USED_MAX || space == Space::Feeds || used.contains_key(&key) {
            used.insert(key, self.use_clock.next_ms(SystemTime::now()));
        }
    }

    fn used(&self) -> MutexGuard<'_, HashMap<(Space, String), i64>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
