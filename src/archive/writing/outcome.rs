//! The outcome of writing items.

use std::io;

use crate::rewrite::entry::Entry;

/// The outcome of writing some items.
#[derive(Debug, Default)]
pub(in crate::archive) struct WriteOutcome {
    /// Items that were written for the first time.
    pub(in crate::archive) items: u64,
    /// Items of which a further version was written.
    pub(in crate::archive) changes: u64,
    /// Items that a total left no room for.
    pub(in crate::archive) refused: u64,
    /// Items that could not be written.
    pub(in crate::archive) failed: Vec<Entry>,
    /// Why.
    pub(in crate::archive) error: Option<io::Error>,
}

/// The outcome of writing one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::archive) enum ItemWritten {
    /// It is archived for the first time.
    First,
    /// A further version of it is archived.
    Further,
    /// A total left no room for it.
    Refused,
}

impl WriteOutcome {
    /// None of these items was written.
    pub(in crate::archive) fn of_failed(failed: Vec<Entry>, error: Option<io::Error>) -> Self {
        Self {
            failed,
            error,
            ..Self::default()
        }
    }

    /// Counts the outcome of one item.
    pub(in crate::archive) fn count(&mut self, written: io::Result<ItemWritten>, entry: Entry) {
        match written {
            Ok(ItemWritten::First) => self.items += 1,
            Ok(ItemWritten::Further) => self.changes += 1,
            Ok(ItemWritten::Refused) => self.refused += 1,
            Err(error) => {
                self.failed.push(entry);
                self.error = Some(error);
            }
        }
    }
}
