//! The memory that everything cached shares: values of several kinds by key, weighed in bytes, the
//! least recently used ones going first.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moka::policy::EvictionPolicy;

use super::body::Body;

/// moka weighs in `u32`; in KiB that covers 4 TiB.
const WEIGHT_UNIT_BYTES: usize = 1 << 10;
/// By so small a part of the budget it may be exceeded.
const ADDED_PART: u64 = 16;

/// What can be kept in memory.
pub trait Kept: Send + Sync + 'static {
    /// The bytes it takes.
    fn weight_bytes(&self) -> usize;

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
pub struct Shelf {
    values: moka::sync::Cache<Arc<str>, Shelved>,
    /// What was put there since what is too much was last taken away.
    added: Arc<AtomicU64>,
    /// How much that may be.
    added_max: u64,
}

#[derive(Debug, Clone)]
struct Shelved {
    value: Arc<dyn Any + Send + Sync>,
    weight: u32,
    /// The bodies that were in it when it was put there.
    bodies: Arc<[Body]>,
}

impl Shelf {
    /// An empty one that takes at most so many bytes.
    #[must_use]
    pub fn new(memory_bytes: u64) -> Self {
        let capacity = memory_bytes / WEIGHT_UNIT_BYTES as u64;
        let values = moka::sync::Cache::builder()
            .eviction_policy(EvictionPolicy::lru())
            .max_capacity(capacity)
            .weigher(|_: &Arc<str>, shelved: &Shelved| shelved.weight)
            .eviction_listener(|_, shelved: Shelved, cause| {
                let is_outdated = !cause.was_evicted();
                let bodies = shelved.bodies.iter();
                bodies.for_each(|body| body.let_go(is_outdated));
            })
            .build();
        Self {
            values,
            added: Arc::default(),
            added_max: capacity / ADDED_PART,
        }
    }

    /// The value of `key`, if there is one of this kind.
    pub(super) fn get<C: Kept>(&self, key: &Arc<str>) -> Option<Arc<C>> {
        self.values.get(key)?.value.downcast().ok()
    }

    /// Puts a value there, with the weight it has now.
    pub(super) fn insert<C: Kept>(&self, key: &Arc<str>, value: Arc<C>) {
        let weight = value.weight_bytes().div_ceil(WEIGHT_UNIT_BYTES);
        let bodies: Arc<[Body]> = value.bodies().into();
        bodies.iter().for_each(Body::keep);
        let shelved = Shelved {
            bodies,
            value,
            weight: u32::try_from(weight).unwrap_or(u32::MAX),
        };
        self.values.insert(Arc::clone(key), shelved);
        // moka counts writes, not their weight: by itself it takes away what is too much after dozens
        // of them, which may weigh many times the budget.
        let added = self.added.fetch_add(weight as u64, Ordering::Relaxed) + weight as u64;
        if added >= self.added_max {
            self.added.store(0, Ordering::Relaxed);
            self.values.run_pending_tasks();
        }
    }

    /// Takes a value away.
    pub(super) fn remove(&self, key: &Arc<str>) {
        self.values.invalidate(key);
    }

    /// Every value of a kind.
    pub(super) fn all<C: Kept>(&self) -> impl Iterator<Item = (Arc<str>, Arc<C>)> {
        self.values.iter().filter_map(|(key, shelved)| {
            let value = shelved.value.downcast().ok()?;
            Some((Arc::clone(&*key), value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Letters(usize);
    struct Digits(usize);

    impl Kept for Letters {
        fn weight_bytes(&self) -> usize {
            self.0
        }
    }
    impl Kept for Digits {
        fn weight_bytes(&self) -> usize {
            self.0
        }
    }

    #[test]
    fn the_budget_holds_at_every_moment_for_large_values_too() {
        let shelf = Shelf::new(16 << 20);
        for n in 0..200 {
            let key: Arc<str> = format!("d {n}").into();
            shelf.insert(&key, Arc::new(Digits(1 << 20)));
            // What is held, whatever is said of it.
            let held = shelf.values.iter().count();
            assert!(held <= 18, "{held} MiB of 16");
        }
    }

    #[test]
    fn kinds_share_the_budget_and_never_each_others_values() {
        let shelf = Shelf::new(10 << 10);
        let key = |text: &str| Arc::<str>::from(text);
        shelf.insert(&key("a"), Arc::new(Letters(6 << 10)));
        assert!(shelf.get::<Digits>(&key("a")).is_none());
        assert!(shelf.get::<Letters>(&key("a")).is_some());
        for n in 0..20 {
            shelf.insert(&key(&format!("d {n}")), Arc::new(Digits(1 << 10)));
            shelf.values.run_pending_tasks();
        }
        assert!(
            shelf.get::<Letters>(&key("a")).is_none(),
            "the older one stayed"
        );
        assert!(shelf.values.weighted_size() <= 10);
        assert_eq!(shelf.all::<Letters>().count(), 0);
        assert!((1..=10).contains(&shelf.all::<Digits>().count()));
    }
}
