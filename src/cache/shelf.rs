//! The memory that everything cached shares: values of several kinds by key, weighed in bytes. Each
//! space has a reserved share; within a space the least recently used ones go first.
//!
//! Invariant: no value goes to make room for others as long as its space takes no more than its share.

use std::any::Any;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use super::body::Body;
use crate::shares::{Share, Shares, Taken, Yields};

/// Parts that each space is divided into, so that those who write to one keep few others waiting.
const PARTS: usize = 16;
/// When room is made, a little more than needed, in parts of the budget.
const SPARE_PARTS: u64 = 32;
/// What a value takes besides its own bytes and its key's.
const SLOT_BYTES: u64 = 128;
/// How often the log says that feeds take more than their share.
const WARN_EVERY: Duration = Duration::from_secs(3_600);

/// What can be kept in memory.
pub trait Kept: Send + Sync + 'static {
    /// The bytes it takes.
    fn weight_bytes(&self) -> usize;

    /// The space that a value of this kind and key belongs to.
    fn share(key: &str) -> Share;

    /// The bodies in it: while it is kept they count here, and not as under way.
    fn bodies(&self) -> Vec<Body> {
        Vec::new()
    }
}

/// Values of every kind, in one budget. Cheap to clone.
///
/// Keys of different kinds must differ: feeds have their names, which hold no space; other kinds
/// put a word and a space before theirs. A key that two kinds shared would be a miss for one of them.
#[derive(Debug, Clone)]
pub struct Shelf(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    spaces: [Space; Share::COUNT],
    hasher: RandomState,
    /// Counts what is put there: the clock of [`Slot::used`].
    clock: AtomicU64,
    memory_bytes: u64,
    shares: RwLock<Shares>,
    /// Held while room is made, with when the log last said that feeds had to go.
    making_room: Mutex<Option<Instant>>,
}

#[derive(Debug, Default)]
struct Space {
    parts: [RwLock<Part>; PARTS],
    taken: AtomicU64,
}

type Part = HashMap<Arc<str>, Slot>;

#[derive(Debug)]
struct Slot {
    value: Arc<dyn Any + Send + Sync>,
    weight: u64,
    /// When a reader had it last, by the clock.
    used: AtomicU64,
    /// The bodies that were in it when it was put there.
    bodies: Vec<Body>,
}

impl Slot {
    /// It is kept no longer: something else is in its place, or it had to make room.
    fn let_go(&self, is_outdated: bool) {
        self.bodies.iter().for_each(|body| body.let_go(is_outdated));
    }
}

impl Shelf {
    /// An empty one that takes at most so many bytes, of which each space has its share.
    #[must_use]
    pub fn new(memory_bytes: u64, shares: Shares) -> Self {
        Self(Arc::new(Inner {
            spaces: Default::default(),
            hasher: RandomState::new(),
            clock: AtomicU64::new(1),
            memory_bytes,
            shares: RwLock::new(shares),
            making_room: Mutex::default(),
        }))
    }

    /// Goes by other shares from now on.
    pub fn set_shares(&self, shares: Shares) {
        *self
            .0
            .shares
            .write()
            .unwrap_or_else(PoisonError::into_inner) = shares;
    }

    /// The bytes that each space takes.
    #[must_use]
    pub fn taken(&self) -> Taken {
        let taken = |share: Share| self.space(share).taken.load(Ordering::Relaxed);
        Share::ALL.map(taken)
    }

    /// The value of `key`, if there is one of this kind, for a reader.
    pub(super) fn get<C: Kept>(&self, key: &Arc<str>) -> Option<Arc<C>> {
        let part = read(self.part(C::share(key), key));
        let slot = part.get(key)?;
        let now = self.0.clock.load(Ordering::Relaxed);
        // Many readers of one value don't all write to the same place.
        if slot.used.load(Ordering::Relaxed) != now {
            slot.used.store(now, Ordering::Relaxed);
        }
        Arc::clone(&slot.value).downcast().ok()
    }

    /// The same for nobody: it doesn't count as read.
    pub(super) fn peek<C: Kept>(&self, key: &Arc<str>) -> Option<Arc<C>> {
        let part = read(self.part(C::share(key), key));
        Arc::clone(&part.get(key)?.value).downcast().ok()
    }

    /// Puts a value there, with the weight it has now; what takes the place of another has been read
    /// when that was. One that is larger than everything is not kept.
    pub(super) fn insert<C: Kept>(&self, key: &Arc<str>, value: Arc<C>) {
        let share = C::share(key);
        let weight = value.weight_bytes() as u64 + key.len() as u64 + SLOT_BYTES;
        if weight > self.0.memory_bytes {
            return self.take(share, key);
        }
        let now = self.0.clock.fetch_add(1, Ordering::Relaxed);
        let bodies = value.bodies();
        bodies.iter().for_each(Body::keep);
        let mut slot = Slot {
            value,
            weight,
            used: AtomicU64::new(now),
            bodies,
        };
        let mut part = write(self.part(share, key));
        let taken = &self.space(share).taken;
        taken.fetch_add(weight, Ordering::Relaxed);
        let before = part.remove(key);
        if let Some(before) = &before {
            taken.fetch_sub(before.weight, Ordering::Relaxed);
            slot.used = AtomicU64::new(before.used.load(Ordering::Relaxed));
        }
        part.insert(Arc::clone(key), slot);
        drop(part);
        if let Some(before) = before {
            before.let_go(true);
        }
        if self.taken().iter().sum::<u64>() > self.0.memory_bytes {
            self.make_room();
        }
    }

    /// Takes a value away.
    pub(super) fn remove<C: Kept>(&self, key: &Arc<str>) {
        self.take(C::share(key), key);
    }

    /// Every value of a kind.
    pub(super) fn all<C: Kept>(&self) -> Vec<(Arc<str>, Arc<C>)> {
        let parts = self.0.spaces.iter().flat_map(|space| &space.parts);
        let of_part = |part: &RwLock<Part>| -> Vec<_> {
            let of_kind = |(key, slot): (&Arc<str>, &Slot)| {
                let value = Arc::clone(&slot.value).downcast().ok()?;
                Some((Arc::clone(key), value))
            };
            read(part).iter().filter_map(of_kind).collect()
        };
        parts.flat_map(of_part).collect()
    }

    fn take(&self, share: Share, key: &Arc<str>) {
        let mut part = write(self.part(share, key));
        let gone = part.remove(key);
        if let Some(slot) = &gone {
            self.space(share)
                .taken
                .fetch_sub(slot.weight, Ordering::Relaxed);
        }
        drop(part);
        if let Some(slot) = gone {
            slot.let_go(true);
        }
    }

    fn make_room(&self) {
        let making = self.0.making_room.lock();
        let mut warned_at = making.unwrap_or_else(PoisonError::into_inner);
        let total = self.0.memory_bytes;
        let goal = total - total / SPARE_PARTS;
        let shares = *self.0.shares.read().unwrap_or_else(PoisonError::into_inner);
        while let Some(Yields { share, bytes }) = shares.yields(&self.taken(), (total, goal)) {
            let count = self.evict(share, bytes);
            if count == 0 {
                break;
            }
            let now = Instant::now();
            if share == Share::Feeds && warned_at.is_none_or(|at| now - at >= WARN_EVERY) {
                *warned_at = Some(now);
                tracing::warn!(
                    copies = count,
                    share_percent = shares.percent(share),
                    memory_bytes = total,
                    "feeds take more memory than their share: copies that were not read for the longest time go"
                );
            }
        }
    }

    /// Takes away the least recently used values of a space that weigh so much together; how many.
    fn evict(&self, share: Share, bytes: u64) -> usize {
        let space = self.space(share);
        let mut by_use: Vec<(u64, u64)> = Vec::new();
        for part in &space.parts {
            let part = read(part);
            by_use.extend(
                part.values()
                    .map(|slot| (slot.used.load(Ordering::Relaxed), slot.weight)),
            );
        }
        by_use.sort_unstable();
        let mut weight = 0;
        let last = by_use.iter().find(|(_, of_one)| {
            weight += of_one;
            weight >= bytes
        });
        let last = last.or(by_use.last()).map_or(0, |(used, _)| *used);
        let (mut freed, mut gone) = (0, Vec::new());
        for part in &space.parts {
            let mut part = write(part);
            let is_over = |_: &Arc<str>, slot: &mut Slot| {
                let is_over = freed < bytes && slot.used.load(Ordering::Relaxed) <= last;
                freed += if is_over { slot.weight } else { 0 };
                is_over
            };
            gone.extend(part.extract_if(is_over));
        }
        space.taken.fetch_sub(freed, Ordering::Relaxed);
        gone.iter().for_each(|(_, slot)| slot.let_go(false));
        gone.len()
    }

    fn space(&self, share: Share) -> &Space {
        &self.0.spaces[share.index()]
    }

    fn part(&self, share: Share, key: &str) -> &RwLock<Part> {
        let hash = self.0.hasher.hash_one(key);
        &self.space(share).parts[hash as usize % PARTS]
    }
}

fn read(part: &RwLock<Part>) -> RwLockReadGuard<'_, Part> {
    part.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(part: &RwLock<Part>) -> RwLockWriteGuard<'_, Part> {
    part.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
