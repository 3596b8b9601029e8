//! Whether tags nest so that the tree which a browser's parser makes is plain to see: every element is
//! closed by its own end tag, and none closes, moves or opens another one.
//!
//! Invariant: what is called plain here is the tree of the HTML standard's parser (§13.2.6), as the
//! content of a `div` or of a body; nothing is known of what is not.

#[cfg(test)]
pub(crate) mod samples;

use super::open::{CELLS, HEADINGS, Kind, classify};
use super::tag::Tag;
use super::{Name, names};

/// The most elements that may be open.
const DEPTH_MAX: usize = 128;

/// Elements without content that stay where they stand.
const VOIDS: [Name; 8] = names([
    "br", "img", "hr", "wbr", "source", "track", "embed", "input",
]);
/// Blocks whose tags say something to the parser besides.
const ODD_BLOCKS: [Name; 3] = names(["form", "listing", "plaintext"]);
/// Where tags and text are moved out of that don't belong there.
const TABLE_PARTS: [Name; 6] = names(["table", "thead", "tbody", "tfoot", "tr", "(tbody)"]);
const GROUPS: [Name; 3] = names(["thead", "tbody", "tfoot"]);
/// A `tbody` that nobody wrote; no tag has this name.
const IMPLIED: Name = Name::of("(tbody)");
const TABLE: Name = Name::of("table");
const TR: Name = Name::of("tr");
/// What an item of a list is in.
const LISTS: [Name; 4] = names(["ul", "ol", "menu", "dir"]);
const P: Name = Name::of("p");
const A: Name = Name::of("a");

/// What the parser does of its own before a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Implied {
    Nothing,
    /// It opens a `tbody` for the row.
    OpensBody,
    /// It closes that one.
    ClosesBody,
}

/// The open elements of a text whose tags are shown in order.
#[derive(Debug, Default)]
pub(crate) struct Nesting {
    open: Vec<Name>,
    /// How many of those are paragraphs, and links.
    paragraphs: usize,
    links: usize,
}

impl Nesting {
    /// What is implied before a tag that comes next.
    pub(crate) fn implied(&self, tag: &Tag<'_>) -> Implied {
        match self.open.last() {
            Some(&TABLE) if tag.id == TR && !tag.is_end => Implied::OpensBody,
            Some(&IMPLIED) if tag.id == TABLE && tag.is_end => Implied::ClosesBody,
            _ => Implied::Nothing,
        }
    }

    /// Takes in a tag; whether the tree is plain to see yet.
    pub(crate) fn take(&mut self, tag: &Tag<'_>) -> bool {
        match self.implied(tag) {
            Implied::Nothing => {}
            Implied::OpensBody => self.open.push(IMPLIED),
            Implied::ClosesBody => drop(self.open.pop()),
        }
        if tag.is_end {
            return self.end(tag.id);
        }
        let in_paragraph = self.paragraphs > 0;
        let top = self.open.last().copied().unwrap_or_default();
        let kind = classify(tag.id);
        if top.is_one_of(&TABLE_PARTS) && !is_part(tag.id, top) {
            return false;
        }
        match kind {
            Kind::Table if in_paragraph => return false,
            Kind::TablePart { .. } if !is_part(tag.id, top) => return false,
            Kind::Void { closes_p } => {
                return tag.id.is_one_of(&VOIDS) && !(closes_p && in_paragraph);
            }
            Kind::Block => {
                let follows_heading = top.is_one_of(&HEADINGS) && tag.id.is_one_of(&HEADINGS);
                if in_paragraph || follows_heading || tag.id.is_one_of(&ODD_BLOCKS) {
                    return false;
                }
            }
            Kind::ListItem(_) => {
                let parents: &[Name] = match tag.id == Name::of("li") {
                    true => &LISTS,
                    false => &[const { Name::of("dl") }],
                };
                if in_paragraph || !top.is_one_of(parents) {
                    return false;
                }
            }
            Kind::Formatting if tag.id == Name::of("nobr") || tag.id == A && self.links > 0 => {
                return false;
            }
            Kind::Formatting | Kind::Ordinary | Kind::Table | Kind::TablePart { .. } => {}
            _ => return false,
        }
        self.paragraphs += usize::from(tag.id == P);
        self.links += usize::from(tag.id == A);
        self.open.push(tag.id);
        self.open.len() <= DEPTH_MAX
    }

    /// Takes in text; whether the tree is plain to see yet.
    pub(crate) fn text(&self, text: &str) -> bool {
        let top = self.open.last().copied().unwrap_or_default();
        !top.is_one_of(&TABLE_PARTS)
            || text
                .bytes()
                .all(|byte| matches!(byte, b' ' | b'\n' | b'\t'))
    }

    fn end(&mut self, id: Name) -> bool {
        if self.open.pop() != Some(id) {
            return false;
        }
        self.paragraphs -= usize::from(id == P);
        self.links -= usize::from(id == A);
        true
    }

    /// How many elements are open.
    pub(crate) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Whether nothing is open.
    pub(crate) fn is_closed(&self) -> bool {
        self.open.is_empty()
    }
}

/// Whether this part of a table stands where it belongs, in an element of that name.
fn is_part(id: Name, parent: Name) -> bool {
    match parent {
        TABLE => id.is_one_of(&GROUPS) || id == Name::of("caption"),
        TR => id.is_one_of(&CELLS),
        _ => (parent == IMPLIED || parent.is_one_of(&GROUPS)) && id == TR,
    }
}
