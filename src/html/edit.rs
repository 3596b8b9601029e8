//! A change of a text, and texts changed.

use std::ops::Range;

/// Replaces `range` (byte offsets in the text) by `text`. An empty range inserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub range: Range<usize>,
    /// What stands there instead, before it is encoded for what the text is in.
    pub text: String,
}

impl Edit {
    /// Takes something out.
    pub(crate) fn removing(range: Range<usize>) -> Self {
        let text = String::new();
        Self { range, text }
    }
}

/// `text` with the edits applied, which are sorted and don't overlap.
pub(crate) fn apply(text: &str, edits: &[Edit]) -> String {
    let added: usize = edits.iter().map(|edit| edit.text.len()).sum();
    let mut out = String::with_capacity(text.len() + added);
    let mut at = 0;
    for edit in edits {
        out.push_str(&text[at..edit.range.start]);
        out.push_str(&edit.text);
        at = edit.range.end;
    }
    out.push_str(&text[at..]);
    out
}
