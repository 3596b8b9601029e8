//! Copies a piece with some of its ranges replaced; everything else byte for byte.

use std::ops::Range;

/// Replaces ranges of `raw` in ascending order.
pub(super) struct Splicer<'a, 'o> {
    raw: &'a str,
    copied: usize,
    out: &'o mut String,
}

impl<'a, 'o> Splicer<'a, 'o> {
    pub(super) fn new(raw: &'a str, out: &'o mut String) -> Self {
        Self {
            raw,
            copied: 0,
            out,
        }
    }

    /// Copies up to `range`, then lets `write` stand for it. A range that lies before what was
    /// copied already is left as it is.
    pub(super) fn replace(&mut self, range: Range<usize>, write: impl FnOnce(&mut String)) {
        if range.start < self.copied {
            return;
        }
        self.out.push_str(&self.raw[self.copied..range.start]);
        write(self.out);
        self.copied = range.end;
    }

    /// Copies the rest.
    pub(super) fn finish(self) {
        self.out.push_str(&self.raw[self.copied..]);
    }
}
