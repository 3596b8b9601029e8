//! What the rules may add to one document, so that a long base and many short URLs, or a long
//! footer and many small items, can't fill the memory.

use std::cell::Cell;

/// Bytes that rules may add to one document.
const ADDED_BYTES_MAX: usize = 64 << 20;
/// A longer URL is no image's; a longer base is as if not there.
pub(super) const URL_BYTES_MAX: usize = 8 << 10;

/// What may still be added.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    left_bytes: Cell<usize>,
    is_exceeded: Cell<bool>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            left_bytes: Cell::new(ADDED_BYTES_MAX),
            is_exceeded: Cell::new(false),
        }
    }
}

impl Budget {
    /// `text`, if it may still be added. Once something may not, the document is to be given up:
    /// what follows would stand there as if no rule applied.
    pub(super) fn spend(&self, text: String) -> Option<String> {
        match self.left_bytes.get().checked_sub(text.len()) {
            Some(left) if !self.is_exceeded() => {
                self.left_bytes.set(left);
                Some(text)
            }
            _ => {
                self.is_exceeded.set(true);
                None
            }
        }
    }

    /// Takes back what was spent since `before` was a copy of this.
    pub(super) fn restore(&self, before: &Self) {
        self.left_bytes.set(before.left_bytes.get());
        self.is_exceeded.set(before.is_exceeded.get());
    }

    pub(super) fn is_exceeded(&self) -> bool {
        self.is_exceeded.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_is_gone() {
        let budget = Budget::default();
        assert!(budget.spend("x".repeat(ADDED_BYTES_MAX - 1)).is_some());
        assert!(budget.spend("x".into()).is_some() && !budget.is_exceeded());
        assert!(budget.spend("x".into()).is_none() && budget.is_exceeded());
        assert!(budget.spend(String::new()).is_none());
    }
}
