//! The part of a document that the repair holds and looks at.

use std::ops::Range;

/// A field, or items of which one was left open, is held up to this length; beyond it is repaired
/// without knowing its end. A longer comment or processing instruction is not looked at.
pub(super) const HELD_BYTES_MAX: usize = 1 << 20;

/// The text that is held. Positions count from the start of the document.
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    pub(super) base: usize,
    /// Whether the document ends with `text`.
    pub(super) is_last: bool,
}

impl<'a> Source<'a> {
    pub(super) fn slice(&self, range: &Range<usize>) -> &'a str {
        &self.text[range.start - self.base..range.end - self.base]
    }

    pub(super) fn is_at_end(&self, at: usize) -> bool {
        at == self.base + self.text.len()
    }

    /// Whether `letter` stands at `at`.
    pub(super) fn follows(&self, at: usize, letter: char) -> bool {
        self.text[at - self.base..].starts_with(letter)
    }
}
