//! The memory that bodies take while they are fetched, before the cache weighs them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A budget of bytes for all bodies that grow.
#[derive(Debug)]
pub(super) struct Budget {
    taken: Arc<AtomicUsize>,
    bytes_max: usize,
}

/// What one body takes of it, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    taken: Arc<AtomicUsize>,
    bytes_max: usize,
    bytes: usize,
}

impl Budget {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            taken: Arc::default(),
            bytes_max,
        }
    }

    pub(super) fn share(&self) -> Share {
        Share {
            taken: Arc::clone(&self.taken),
            bytes_max: self.bytes_max,
            bytes: 0,
        }
    }
}

impl Share {
    /// Takes so many bytes more, unless that would be more than there are.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let before = self.taken.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.bytes_max {
            self.taken.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.bytes += bytes;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_never_exceed_the_budget_and_come_back() {
        let budget = Budget::new(10);
        let (mut first, mut second) = (budget.share(), budget.share());
        assert!(first.take(6));
        assert!(!second.take(5));
        assert!(second.take(4));
        assert!(!first.take(1));
        drop(first);
        assert!(second.take(6));
        assert!(!second.take(usize::MAX));
        drop(second);
        assert!(budget.share().take(10));
    }
}
