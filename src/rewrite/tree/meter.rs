//! What a tree has taken so far.

use std::cell::Cell;

/// Counts work and memory against their limits.
#[derive(Debug)]
pub(super) struct Meter {
    work: Cell<u64>,
    work_max: u64,
    bytes: Cell<u64>,
    bytes_max: u64,
}

impl Meter {
    pub(super) fn new(work_max: u64, bytes_max: u64) -> Self {
        Self {
            work: Cell::new(0),
            work_max,
            bytes: Cell::new(0),
            bytes_max,
        }
    }

    pub(super) fn work(&self, amount: u64) {
        self.work.set(self.work.get().saturating_add(amount));
    }

    pub(super) fn bytes(&self, amount: usize) {
        self.bytes
            .set(self.bytes.get().saturating_add(amount as u64));
    }

    /// There is something that no tree may hold.
    pub(super) fn give_up(&self) {
        self.work.set(u64::MAX);
    }

    /// Whether nothing more may be done.
    pub(super) fn is_spent(&self) -> bool {
        self.work.get() > self.work_max || self.bytes.get() > self.bytes_max
    }

    #[cfg(test)]
    pub(super) fn spent(&self) -> (u64, u64) {
        (self.work.get(), self.bytes.get())
    }

    #[cfg(test)]
    pub(super) fn limits(&self) -> (u64, u64) {
        (self.work_max, self.bytes_max)
    }
}
