//! JSON objects and arrays as spans.

use std::borrow::Cow;
use std::ops::Range;

/// What a JSON value is, by its first character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `"…"`
    String,
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// A number, `true`, `false`, `null`, or something that is no JSON.
    Scalar,
}

/// A value as it stands in its piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// What it is.
    pub kind: Kind,
    /// Where it stands, quotes and brackets included.
    pub range: Range<usize>,
}

impl Value {
    /// Where a string's text stands, without the quotes; for other kinds without the brackets.
    pub fn inner(&self) -> Range<usize> {
        match self.kind {
            Kind::Scalar => self.range.clone(),
            _ => self.range.start + 1..self.range.end - 1,
        }
    }
}

/// `"key": value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'a> {
    /// The key, decoded.
    pub key: Cow<'a, str>,
    /// The value.
    pub value: Value,
    /// From the key's first quote to the end of the value.
    pub range: Range<usize>,
}

/// The one member in an Element piece of a JSON feed.
pub fn member(_json: &str) -> Option<Member<'_>> {
    None
}

/// The members of the object that stands at `object` in `json` (`0..json.len()` for an Item
/// piece), offsets in `json`; at most 10,000.
pub fn members(_json: &str, _object: Range<usize>) -> Vec<Member<'_>> {
    Vec::new()
}

/// The values of the array that stands at `array` in `json`, offsets in `json`; at most 10,000.
pub fn values(_json: &str, _array: Range<usize>) -> Vec<Value> {
    Vec::new()
}
