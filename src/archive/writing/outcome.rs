//! What came of writing items.

use std::io;

use crate::rewrite::entry::Entry;

/// What came of writing some items.
#[derive(Debug, Default)]
pub(in crate::archive) struct Outcome {
    /// Items that were kept for the first time.
    pub(in crate::archive) items: u64,
    /// Items of which a further version was kept.
    pub(in crate::archive) changes: u64,
    /// Items that there is no room for.
    pub(in crate::archive) refused: u64,
    /// What could not be written.
    pub(in crate::archive) failed: Vec<Entry>,
    /// Why.
    pub(in crate::archive) error: Option<io::Error>,
}

/// What came of writing one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::archive) enum Written {
    /// It is kept for the first time.
    First,
    /// A further version of it is kept.
    Further,
    /// There is no room for it.
    Refused,
}

impl Outcome {
    /// Nothing of this was written.
    pub(in crate::archive) fn of_failed(failed: Vec<Entry>, error: Option<io::Error>) -> Self {
        Self {
            failed,
            error,
            ..Self::default()
        }
    }

    /// Counts one item that was written, or not.
    pub(in crate::archive) fn count(&mut self, written: io::Result<Written>, entry: Entry) {
        match written {
            Ok(Written::First) => self.items += 1,
            Ok(Written::Further) => self.changes += 1,
            Ok(Written::Refused) => self.refused += 1,
            Err(error) => {
                self.failed.push(entry);
                self.error = Some(error);
            }
        }
    }
}
