//! Which elements are open: the stack of the HTML standard's tree construction (§13.2.6), by name only.
//!
//! Invariants: what the standard leaves open is on the stack or among the formatting elements that will be
//! reopened; something more may be (a stray end tag does no harm). Whether the current node is foreign is
//! exact, for the tokenizer depends on it. The number of open elements is bounded.

mod content;
mod element;
mod names;

use super::tag::Tag;
use super::{Name, is_foreign_root, names as list};
pub(super) use content::Content;
use element::{Element, Space};
use names::is_breakout;
pub(crate) use names::is_implied_end;
pub(super) use names::{CELLS, HEADINGS, Kind, classify};

/// The most elements that may be open at once, as in browsers.
const DEPTH_MAX: usize = 512;

const ANNOTATION: Name = Name::of("annotation-xml");
/// Elements of math that hold HTML's text.
const MATH_TEXTS: [Name; 5] = list(["mi", "mo", "mn", "ms", "mtext"]);
/// What is math in those.
const GLYPHS: [Name; 2] = list(["mglyph", "malignmark"]);
/// Elements of svg that hold HTML.
const DRAWN_HTML: [Name; 3] = list(["foreignobject", "desc", "title"]);
/// Whose end tags end svg and math.
const ENDS_FOREIGN: [Name; 2] = list(["p", "br"]);
/// What a list item's start tag closes others through.
const LOOSE: [Name; 3] = list(["address", "div", "p"]);
/// Formatting that does not nest in itself.
const ALONE: [Name; 2] = list(["a", "nobr"]);
const LISTS: [Name; 2] = list(["ol", "ul"]);
const TABLES: [Name; 2] = list(["table", "template"]);
const ROWS: [Name; 2] = list(["tr", "tbody"]);

/// The open elements.
#[derive(Debug, Default)]
pub(super) struct Open<'a> {
    stack: Vec<Element<'a>>,
    /// Formatting elements that were closed by somebody else's end tag: the next text reopens them.
    waiting: Vec<(Name, &'a str)>,
    /// Whether `<noscript>` holds raw text, as in browsers that run scripts.
    noscript_is_raw: bool,
    /// Whether there were more than [`DEPTH_MAX`].
    is_too_deep: bool,
    /// How many svg and math elements are open beyond those.
    foreign_beyond: usize,
}

impl<'a> Open<'a> {
    pub(super) fn new(noscript_is_raw: bool) -> Self {
        Self {
            noscript_is_raw,
            ..Self::default()
        }
    }

    /// Whether CDATA sections are text here.
    pub(super) fn is_foreign(&self) -> bool {
        let top = self.stack.last();
        self.foreign_beyond > 0 || top.is_some_and(|top| top.space != Space::Html)
    }

    /// Whether more was open than is counted.
    pub(super) fn is_too_deep(&self) -> bool {
        self.is_too_deep
    }

    /// Writes the end tags of everything that is open.
    pub(super) fn close_all(&self, out: &mut String) {
        let names = self.stack.iter().map(|element| element.name).rev();
        for name in names.chain(self.waiting.iter().map(|(_, name)| *name).rev()) {
            out.push_str("</");
            out.push_str(name);
            out.push('>');
        }
    }

    /// Takes in a start tag of this kind.
    pub(super) fn start(&mut self, tag: &Tag<'a>, kind: Kind) -> Content {
        if let Some(space) = self.foreign_space(tag.id) {
            if !is_breakout(tag) {
                return self.start_foreign(tag, space);
            }
            self.leave_foreign();
        }
        self.start_html(tag, kind)
    }

    fn start_foreign(&mut self, tag: &Tag<'a>, space: Space) -> Content {
        if !tag.is_self_closed {
            self.push(tag, space, Kind::Ordinary);
        }
        Content::Foreign
    }

    /// The namespace of a start tag here; `None` means that HTML's rules apply.
    fn foreign_space(&self, id: Name) -> Option<Space> {
        if self.foreign_beyond > 0 {
            return Some(Space::Svg);
        }
        let top = self.stack.last()?;
        match top.space {
            Space::Html => None,
            Space::Math if top.is(ANNOTATION) && id == Name::of("svg") => None,
            Space::Math if top.is_integration_point && top.id.is_one_of(&MATH_TEXTS) => {
                id.is_one_of(&GLYPHS).then_some(Space::Math)
            }
            _ if top.is_integration_point => None,
            space => Some(space),
        }
    }

    fn leave_foreign(&mut self) {
        let keep = self
            .stack
            .iter()
            .rposition(|element| element.space == Space::Html || element.is_integration_point)
            .map_or(0, |at| at + 1);
        self.foreign_beyond = 0;
        self.truncate(keep);
    }

    fn start_html(&mut self, tag: &Tag<'a>, kind: Kind) -> Content {
        match kind {
            Kind::Ignored => return Content::Markup,
            Kind::Void { closes_p } => {
                if closes_p {
                    self.end_paragraph();
                }
                return Content::Markup;
            }
            Kind::Raw { closes_p } => {
                if closes_p {
                    self.end_paragraph();
                }
                return Content::Raw;
            }
            Kind::Script => return Content::Script,
            Kind::Plaintext => return Content::Plaintext,
            Kind::Noscript if self.noscript_is_raw => return Content::Raw,
            Kind::Foreign { is_svg } => {
                let space = if is_svg { Space::Svg } else { Space::Math };
                return self.start_foreign(tag, space);
            }
            Kind::TablePart { parents, .. } => {
                if !self.clear_to(parents) {
                    return Content::Markup;
                }
            }
            Kind::Table => self.end_paragraph(),
            Kind::Block => {
                self.end_paragraph();
                if tag.id.is_one_of(&HEADINGS) && self.top_is(&HEADINGS) {
                    self.truncate(self.stack.len() - 1);
                }
            }
            Kind::ListItem(siblings) => {
                self.close_nearest(siblings, |element| {
                    element.is_special() && !element.id.is_one_of(&LOOSE)
                });
                self.end_paragraph();
            }
            Kind::Succeeding(siblings) => {
                while self.top_is(siblings) {
                    self.truncate(self.stack.len() - 1);
                }
            }
            Kind::Formatting => {
                // An `a` in an `a` ends the first.
                if tag.id.is_one_of(&ALONE) {
                    self.end_formatting(tag.id);
                }
            }
            Kind::Alone { .. } => self.end_in_scope(tag.id, &[]),
            Kind::Ordinary | Kind::Marker | Kind::Noscript => {}
        }
        self.push(tag, Space::Html, kind);
        Content::Markup
    }

    fn push(&mut self, tag: &Tag<'a>, space: Space, kind: Kind) {
        if self.stack.len() + self.waiting.len() >= DEPTH_MAX {
            self.is_too_deep = true;
            let is_foreign = space != Space::Html && is_foreign_root(tag.id);
            self.foreign_beyond += usize::from(is_foreign);
            return;
        }
        let is_integration_point = match space {
            Space::Html => false,
            Space::Svg => tag.id.is_one_of(&DRAWN_HTML),
            Space::Math => {
                tag.id.is_one_of(&MATH_TEXTS) || (tag.id == ANNOTATION && holds_html(tag))
            }
        };
        self.stack.push(Element {
            name: tag.name,
            id: tag.id,
            space,
            kind,
            is_integration_point,
            waiting: self.waiting.len(),
        });
    }

    /// Takes in an end tag of this kind.
    pub(super) fn end(&mut self, id: Name, kind: Kind) {
        if self.foreign_beyond > 0 && is_foreign_root(id) {
            self.foreign_beyond -= 1;
            return;
        }
        if self.is_foreign() {
            if id.is_one_of(&ENDS_FOREIGN) {
                self.leave_foreign();
            }
            for at in (0..self.stack.len()).rev() {
                let element = self.stack[at];
                if element.space == Space::Html {
                    break;
                }
                if element.is(id) {
                    return self.truncate(at);
                }
            }
        }
        match kind {
            Kind::Formatting => self.end_formatting(id),
            Kind::Block if id == Name::of("p") => self.end_paragraph(),
            Kind::ListItem(_) if id == Name::of("li") => self.end_in_scope(id, &LISTS),
            Kind::Block if id.is_one_of(&HEADINGS) => {
                self.close_nearest(&HEADINGS, Element::is_scope);
            }
            Kind::Table | Kind::TablePart { .. } => self.end_in_table(id),
            Kind::Block | Kind::ListItem(_) | Kind::Alone { .. } | Kind::Marker => {
                self.end_in_scope(id, &[]);
            }
            Kind::Ordinary | Kind::Succeeding(_) | Kind::Noscript => {
                self.close_nearest(&[id], Element::is_special);
            }
            Kind::Ignored
            | Kind::Void { .. }
            | Kind::Raw { .. }
            | Kind::Script
            | Kind::Plaintext
            | Kind::Foreign { .. } => {}
        }
    }

    /// Closes the nearest wanted HTML element and all above it, unless a barrier lies between.
    fn close_nearest(&mut self, wanted: &[Name], is_barrier: impl Fn(&Element<'a>) -> bool) {
        for at in (0..self.stack.len()).rev() {
            let element = &self.stack[at];
            if element.space == Space::Html && element.id.is_one_of(wanted) {
                return self.truncate(at);
            }
            if is_barrier(element) {
                return;
            }
        }
    }

    /// Closes `id` unless a scope or one of `barriers` lies between.
    fn end_in_scope(&mut self, id: Name, barriers: &[Name]) {
        self.close_nearest(&[id], |element| {
            let is_html = element.space == Space::Html;
            element.is_scope() || (is_html && element.id.is_one_of(barriers))
        });
    }

    fn end_paragraph(&mut self) {
        self.end_in_scope(Name::of("p"), &[Name::of("button")]);
    }

    /// Closes a table or a part of it; only tables and templates bound the search. A row that nobody
    /// opened is still closed with its cell.
    fn end_in_table(&mut self, id: Name) {
        let mut cell = None;
        for at in (0..self.stack.len()).rev() {
            let element = self.stack[at];
            if element.space != Space::Html {
                continue;
            }
            if element.is(id) {
                return self.truncate(at);
            }
            if element.id.is_one_of(&CELLS) {
                cell = cell.or(Some(at));
            }
            if element.id.is_one_of(&TABLES) {
                break;
            }
        }
        if let Some(cell) = cell.filter(|_| id.is_one_of(&ROWS)) {
            self.truncate(cell);
        }
    }

    /// Closes everything above the nearest of `parents`; false when there is no table to be in.
    fn clear_to(&mut self, parents: &[Name]) -> bool {
        for at in (0..self.stack.len()).rev() {
            let element = self.stack[at];
            if element.space == Space::Html && element.id.is_one_of(parents) {
                self.truncate(at + 1);
                return true;
            }
        }
        false
    }

    /// What the adoption agency leaves: the formatting element is gone, special elements above it stay,
    /// what is above the last of those goes.
    fn end_formatting(&mut self, id: Name) {
        let mut last_special = None;
        for at in (0..self.stack.len()).rev() {
            let element = self.stack[at];
            if element.space == Space::Html && element.is(id) {
                match last_special {
                    None => self.pop_formatting(at),
                    Some(special) => {
                        self.truncate(special + 1);
                        self.stack.remove(at);
                    }
                }
                return;
            }
            if element.is_scope() {
                break;
            }
            if element.is_special() && last_special.is_none() {
                last_special = Some(at);
            }
        }
        let first = self
            .stack
            .iter()
            .rfind(|element| element.is_marker())
            .map_or(0, |marker| marker.waiting);
        if let Some(at) = self.waiting[first.min(self.waiting.len())..]
            .iter()
            .rposition(|(waiting, _)| *waiting == id)
        {
            self.waiting.remove(first + at);
        }
    }

    /// Takes the formatting element at `at` from the stack; those above it wait.
    fn pop_formatting(&mut self, at: usize) {
        let own = self.waiting.len();
        self.truncate(at);
        if own < self.waiting.len() {
            self.waiting.remove(own);
        }
    }

    /// Closes everything from `keep` on. Formatting elements wait to be reopened, unless a marker (a
    /// table cell, a template) goes with them.
    fn truncate(&mut self, keep: usize) {
        let popped = &self.stack[keep.min(self.stack.len())..];
        let marker = popped.iter().position(|element| element.is_marker());
        if let Some(marker) = marker {
            self.waiting.truncate(popped[marker].waiting);
        }
        let formatting = popped[..marker.unwrap_or(popped.len())]
            .iter()
            .filter(|element| element.space == Space::Html && element.kind == Kind::Formatting);
        let formatting = formatting.map(|element| (element.id, element.name));
        self.waiting.extend(formatting);
        self.stack.truncate(keep);
    }

    fn top_is(&self, wanted: &[Name]) -> bool {
        self.stack
            .last()
            .is_some_and(|top| top.space == Space::Html && top.id.is_one_of(wanted))
    }
}

/// Whether an `annotation-xml` says that it holds HTML.
fn holds_html(tag: &Tag<'_>) -> bool {
    let encoding = tag.value("encoding").unwrap_or_default();
    ["text/html", "application/xhtml+xml"]
        .iter()
        .any(|html| encoding.eq_ignore_ascii_case(html))
}
