//! The elements of one piece, as spans.
//!
//! Invariants: spans nest as the piece was split (see `nesting`); elements that carry text or
//! inline XHTML are leaves of the list, whatever tags are in them.

use std::ops::Range;

use super::namespace::Ns;
use super::nesting::{Nesting, Opened};
use super::splitter::Frame;
use super::text::Decoded;
use super::token::{Scanner, Token};
use super::xml::{self, Tag};

/// How many elements of one piece are listed; the ones after that are passed over.
pub(crate) const ELEMENTS_MAX: usize = 20_000;
/// How deep elements are listed.
const DEPTH_MAX: usize = 256;
/// How many `xml:base` of a piece are given.
const BASES_MAX: usize = 16;

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
    /// Whether tags are in `content` as markup (inline XHTML, or HTML somebody forgot to
    /// escape) that the list does not descend into.
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

    /// What is in `content`, of the piece `xml`, before the first tag in it.
    pub fn text_range(&self, xml: &str) -> Range<usize> {
        let content = &xml[self.content.clone()];
        let mut scanner = Scanner::default();
        let mut length = content.len();
        while let Some((token, range)) = scanner.next(content) {
            if matches!(token, Token::Start | Token::End) {
                length = range.start;
                break;
            }
        }
        self.content.start..self.content.start + length
    }
}

/// The elements of `xml`, an Item or Element piece, in document order; at most 20,000.
/// Never descends into elements that carry text or inline XHTML.
pub fn elements<'a>(xml: &'a str, frame: &Frame) -> Vec<Element<'a>> {
    let mut scanner = Scanner::default();
    let mut list = List {
        found: Vec::new(),
        open: Vec::new(),
        nesting: Nesting::new(DEPTH_MAX),
    };
    while let Some((token, range)) = scanner.next(xml) {
        match token {
            Token::Start => list.open(xml, range, frame),
            Token::End => list.close(xml, range),
            _ => {}
        }
    }
    list.end(0, xml.len(), xml.len());
    list.found
}

/// The `xml:base` values in force inside `elements[index]`, decoded, outermost first, without
/// those of the frame; the innermost 16.
pub fn bases(elements: &[Element<'_>], index: usize) -> Vec<String> {
    let mut bases = Vec::new();
    let mut next = Some(index);
    while let Some(element) = next.and_then(|index| elements.get(index)) {
        if let Some(base) = element.tag.attribute("xml:base") {
            bases.push(Decoded::attribute(base.value).as_str().to_owned());
        }
        next = element.parent.filter(|_| bases.len() < BASES_MAX);
    }
    bases.reverse();
    bases
}

struct List<'a> {
    found: Vec<Element<'a>>,
    /// The open elements, outermost first; `None` for those that are not listed.
    open: Vec<Option<usize>>,
    nesting: Nesting,
}

impl<'a> List<'a> {
    fn open(&mut self, xml: &'a str, range: Range<usize>, frame: &Frame) {
        let Some(tag) = Tag::parse(&xml[range.clone()]) else {
            return;
        };
        let parent = self.open.last().copied().flatten();
        let (ns, is_open) = match self.nesting.open(&tag, &frame.namespaces) {
            Opened::Level(ns) => (ns, true),
            Opened::Leaf(ns) => (ns, false),
            Opened::Markup | Opened::TooDeep | Opened::Sibling => {
                if let Some(parent) = parent {
                    self.found[parent].has_markup = true;
                }
                return;
            }
        };
        // SECURITY: a piece of a million empty elements must not become a list of a million.
        let is_listed = self.found.len() < ELEMENTS_MAX;
        let index = self.found.len();
        if is_listed {
            self.found.push(Element {
                ns,
                local: tag
                    .name()
                    .split_once(':')
                    .map_or(tag.name(), |(_, local)| local),
                tag,
                tag_range: range.clone(),
                range: range.clone(),
                content: range.end..range.end,
                has_markup: false,
                depth: self.open.len(),
                parent,
            });
        }
        if is_open {
            self.open.push(is_listed.then_some(index));
        }
    }

    fn close(&mut self, xml: &str, range: Range<usize>) {
        let before = self.open.len();
        let name = xml::end_tag_name(&xml[range.clone()]);
        let Some(depth) = self.nesting.close(name) else {
            return;
        };
        // What was left open inside ends where the end tag starts.
        if before > depth + 1 {
            self.end(depth + 1, range.start, range.start);
        }
        self.end(depth, range.start, range.end);
    }

    /// Ends the open elements from `depth` on.
    fn end(&mut self, depth: usize, content_end: usize, end: usize) {
        for index in self.open.drain(depth..).flatten() {
            let element = &mut self.found[index];
            element.content.end = content_end;
            element.range.end = end;
        }
    }
}

#[cfg(test)]
mod tests;
