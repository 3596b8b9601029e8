//! Chance, to spread what would otherwise happen all at once. Nothing secret hangs on it.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A source of fractions; a test seeds its own.
#[derive(Debug)]
pub struct Jitter(AtomicU64);

impl Jitter {
    /// A source that differs from process to process.
    #[must_use]
    pub fn random() -> Self {
        Self::seeded(RandomState::new().hash_one(0))
    }

    /// A source that always gives the same.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// From 0 up to but not including 1 (SplitMix64).
    pub fn fraction(&self) -> f64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut bits = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        // The upper 53 bits are what a double holds exactly.
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A part of `whole`, evenly spread.
    pub fn part_of(&self, whole: Duration) -> Duration {
        whole.mul_f64(self.fraction())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_spread_evenly() {
        let jitter = Jitter::seeded(1);
        let mut tenths = [0; 10];
        for _ in 0..10_000 {
            tenths[(jitter.fraction() * 10.0) as usize] += 1;
        }
        assert!(
            tenths.iter().all(|count| (850..1_150).contains(count)),
            "{tenths:?}"
        );
    }

    #[test]
    fn two_processes_differ() {
        assert_ne!(Jitter::random().fraction(), Jitter::random().fraction());
    }
}
