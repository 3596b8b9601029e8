//! What is held back until the charset is known, and how it is given out.

use std::ops::Range;

/// Bytes held back until the charset is known.
pub(super) struct Held {
    pub(super) bytes: Vec<u8>,
    /// So many of them, from the start on, are known to be ASCII.
    pub(super) ascii: usize,
    /// Where the declaration names a charset that may turn out to be wrong.
    pub(super) label: Option<Range<usize>>,
}

impl Held {
    /// The bytes up to the label's end, where there is one, and the others.
    pub(super) fn split(&self) -> (&[u8], &[u8]) {
        self.bytes
            .split_at(self.label.as_ref().map_or(0, |label| label.end))
    }
}

/// Appends `bytes`, which were found to be ASCII (or a mark in UTF-8).
pub(super) fn push_ascii(bytes: &[u8], out: &mut String) {
    out.push_str(std::str::from_utf8(bytes).unwrap_or_default());
}

/// Appends ASCII (behind a mark, maybe), with `UTF-8` for the charset at `label`.
pub(super) fn push_relabelled(bytes: &[u8], label: Option<Range<usize>>, out: &mut String) {
    let Some(label) = label else {
        return push_ascii(bytes, out);
    };
    push_ascii(&bytes[..label.start], out);
    out.push_str("UTF-8");
    push_ascii(&bytes[label.end..], out);
}
