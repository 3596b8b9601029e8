//! The elements of one piece, as spans.

use std::ops::Range;

use super::namespace::Ns;
use super::splitter::Frame;
use super::xml::Tag;

/// One element of a piece. Ranges are byte offsets in the piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element<'a> {
    /// The vocabulary it belongs to.
    pub ns: Ns,
    /// Its name without the prefix, as written.
    pub local: &'a str,
    /// Its start tag.
    pub tag: Tag<'a>,
    /// Where the start tag stands.
    pub tag_range: Range<usize>,
    /// The whole element, tags included.
    pub range: Range<usize>,
    /// What stands between its tags; empty (at the end of the tag) when it closes itself.
    pub content: Range<usize>,
    /// Whether tags stand in `content` as markup (inline XHTML, or HTML somebody forgot to
    /// escape) and the list does not descend into them.
    pub has_markup: bool,
    /// 0 for the piece's own element.
    pub depth: usize,
    /// The index of the element around it.
    pub parent: Option<usize>,
}

impl Element<'_> {
    /// Whether this is the element `local` (whatever its case) of the vocabulary `ns`.
    pub fn is(&self, ns: Ns, local: &str) -> bool {
        self.ns == ns && self.local.eq_ignore_ascii_case(local)
    }
}

/// The elements of `xml`, an Item or Element piece, in document order; at most 20,000.
/// Never descends into elements that carry text or inline XHTML.
pub fn elements<'a>(_xml: &'a str, _frame: &Frame) -> Vec<Element<'a>> {
    Vec::new()
}

/// The `xml:base` values in force inside `elements[index]`, decoded, outermost first, without
/// those of the frame.
pub fn bases(_elements: &[Element<'_>], _index: usize) -> Vec<String> {
    Vec::new()
}
