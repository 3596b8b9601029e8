//! An attribute of a tag, as it is written and as rules leave it.

use std::ops::Range;

use crate::html::Name;

/// An attribute of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attribute<'h> {
    /// Its name as written, or as a rule adds it.
    pub(crate) name: &'h str,
    /// The same, to be compared.
    pub(crate) id: Name,
    /// Its raw value without quotes.
    pub(super) value: Option<Span>,
    /// From its name to behind its value's quote; empty where a rule adds it.
    pub(super) whole: Span,
    pub(super) fate: Fate,
}

/// A range that can be copied.
pub(super) type Span = (usize, usize);

/// What a rule makes of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Kept,
    /// This one of the tag's new values is its raw value, in its own quotes, or in double ones where it
    /// had none.
    Written(usize),
    Gone,
}

impl<'h> Attribute<'h> {
    pub(in crate::html) fn new(
        name: &'h str,
        id: Name,
        value: Option<Range<usize>>,
        whole: Range<usize>,
    ) -> Self {
        Self {
            name,
            id,
            value: value.map(|value| (value.start, value.end)),
            whole: (whole.start, whole.end),
            fate: Fate::Kept,
        }
    }

    /// Where its raw value stands, without quotes, as its publisher wrote it.
    pub(crate) fn value(&self) -> Option<Range<usize>> {
        self.value.map(|(start, end)| start..end)
    }

    /// Whether it is one for scripts.
    pub(crate) fn is_data(&self) -> bool {
        let start = self.name.as_bytes().first_chunk::<5>();
        start.is_some_and(|start| start.eq_ignore_ascii_case(b"data-"))
    }

    /// From its name to behind its value's quote; empty where a rule adds it.
    pub(super) fn whole(&self) -> Range<usize> {
        self.whole.0..self.whole.1
    }

    /// Whether a rule adds it.
    pub(super) fn is_added(&self) -> bool {
        self.whole.0 == self.whole.1
    }

    /// Whether no rule has taken it away.
    pub(super) fn is_there(&self) -> bool {
        self.fate != Fate::Gone
    }
}
