//! Which elements are open: the stack of the HTML standard's tree construction (§13.2.6), by name only.
//!
//! Invariants: what the standard leaves open is on the stack or among the formatting elements that will be
//! reopened; something more may be (a stray end tag does no harm). Whether the current node is foreign is
//! exact, for the tokenizer depends on it. The number of open elements is bounded.

mod content;
mod element;
mod names;

use super::is_foreign_root;
use super::tag::Tag;
pub(super) use content::Content;
use element::{Element, Space};
use names::{Kind, classify, is_breakout, is_heading};

/// The most elements that may be open at once, as in browsers.
const DEPTH_MAX: usize = 512;

/// The open elements.
#[derive(Debug, Default)]
pub(super) struct Open<'a> {
    stack: Vec<Element<'a>>,
    /// Formatting elements that were closed by somebody else's end tag: the next text reopens them.
    waiting: Vec<&'a str>,
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
        for name in names.chain(self.waiting.iter().copied().rev()) {
            out.push_str("</");
            out.push_str(name);
            out.push('>');
        }
    }

    /// Takes in a start tag.
    pub(super) fn start(&mut self, tag: &Tag<'a>) -> Content {
        if let Some(space) = self.foreign_space(tag.name) {
            if !is_breakout(tag) {
                return self.start_foreign(tag, space);
            }
            self.leave_foreign();
        }
        self.start_html(tag)
    }

    fn start_foreign(&mut self, tag: &Tag<'a>, space: Space) -> Content {
        if !tag.is_self_closed {
            self.push(tag, space, Kind::Ordinary);
        }
        Content::Foreign
    }

    /// The namespace of a start tag here; `None` means that HTML's rules apply.
    fn foreign_space(&self, name: &str) -> Option<Space> {
        if self.foreign_beyond > 0 {
            return Some(Space::Svg);
        }
        let top = self.stack.last()?;
        let is_text_point = || {
            ["mi", "mo", "mn", "ms", "mtext"]
                .iter()
                .any(|name| top.is(name))
        };
        match top.space {
            Space::Html => None,
            Space::Math if top.is("annotation-xml") && name.eq_ignore_ascii_case("svg") => None,
            Space::Math if top.is_integration_point && is_text_point() => {
                let is_glyph = ["mglyph", "malignmark"]
                    .iter()
                    .any(|glyph| name.eq_ignore_ascii_case(glyph));
                is_glyph.then_some(Space::Math)
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

    fn start_html(&mut self, tag: &Tag<'a>) -> Content {
        let kind = classify(tag.name);
        match kind {
            Kind::Ignored => return Content::Markup,
            Kind::Void { closes_p } => {
                if closes_p {
                    self.end_in_scope("p", &["button"]);
                }
                return Content::Markup;
            }
            Kind::Raw { closes_p } => {
                if closes_p {
                    self.end_in_scope("p", &["button"]);
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
            Kind::Table => self.end_in_scope("p", &["button"]),
            Kind::Block => {
                self.end_in_scope("p", &["button"]);
                if is_heading(tag.name) && self.top_is(is_heading) {
                    self.truncate(self.stack.len() - 1);
                }
            }
            Kind::ListItem(siblings) => {
                self.close_nearest(
                    |name| contains(siblings, name),
                    |element| {
                        let is_loose = contains(&["address", "div", "p"], element.name);
                        element.is_special() && !is_loose
                    },
                );
                self.end_in_scope("p", &["button"]);
            }
            Kind::Succeeding(siblings) => {
                while self.top_is(|name| contains(siblings, name)) {
                    self.truncate(self.stack.len() - 1);
                }
            }
            Kind::Formatting => {
                // An `a` in an `a` ends the first.
                if tag.name.eq_ignore_ascii_case("a") || tag.name.eq_ignore_ascii_case("nobr") {
                    self.end_formatting(tag.name);
                }
            }
            Kind::Alone { .. } => self.end_in_scope(tag.name, &[]),
            Kind::Ordinary | Kind::Marker | Kind::Noscript => {}
        }
        self.push(tag, Space::Html, kind);
        Content::Markup
    }

    fn push(&mut self, tag: &Tag<'a>, space: Space, kind: Kind) {
        if self.stack.len() + self.waiting.len() >= DEPTH_MAX {
            self.is_too_deep = true;
            let is_foreign = space != Space::Html && is_foreign_root(tag.name);
            self.foreign_beyond += usize::from(is_foreign);
            return;
        }
        let is_one_of = |names: &[&str]| contains(names, tag.name);
        let is_integration_point = match space {
            Space::Html => false,
            Space::Svg => is_one_of(&["foreignobject", "desc", "title"]),
            Space::Math => {
                is_one_of(&["mi", "mo", "mn", "ms", "mtext"])
                    || (is_one_of(&["annotation-xml"]) && holds_html(tag))
            }
        };
        self.stack.push(Element {
            name: tag.name,
            space,
            kind,
            is_integration_point,
            waiting: self.waiting.len(),
        });
    }

    /// Takes in an end tag.
    pub(super) fn end(&mut self, name: &str) {
        if self.foreign_beyond > 0 && is_foreign_root(name) {
            self.foreign_beyond -= 1;
            return;
        }
        if self.is_foreign() {
            if contains(&["p", "br"], name) {
                self.leave_foreign();
            }
            for at in (0..self.stack.len()).rev() {
                let element = self.stack[at];
                if element.space == Space::Html {
                    break;
                }
                if element.is(name) {
                    return self.truncate(at);
                }
            }
        }
        match classify(name) {
            Kind::Formatting => self.end_formatting(name),
            Kind::Block if name.eq_ignore_ascii_case("p") => self.end_in_scope(name, &["button"]),
            Kind::ListItem(_) if name.eq_ignore_ascii_case("li") => {
                self.end_in_scope(name, &["ol", "ul"]);
            }
            Kind::Block if is_heading(name) => self.close_nearest(is_heading, Element::is_scope),
            Kind::Table | Kind::TablePart { .. } => self.end_in_table(name),
            Kind::Block | Kind::ListItem(_) | Kind::Alone { .. } | Kind::Marker => {
                self.end_in_scope(name, &[]);
            }
            Kind::Ordinary | Kind::Succeeding(_) | Kind::Noscript => {
                self.close_nearest(
                    |found| found.eq_ignore_ascii_case(name),
                    Element::is_special,
                );
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
    fn close_nearest(
        &mut self,
        is_wanted: impl Fn(&str) -> bool,
        is_barrier: impl Fn(&Element<'a>) -> bool,
    ) {
        for at in (0..self.stack.len()).rev() {
            let element = self.stack[at];
            if element.space == Space::Html && is_wanted(element.name) {
                return self.truncate(at);
            }
            if is_barrier(&element) {
                return;
            }
        }
    }

    /// Closes `name` unless a scope or one of `barriers` lies between.
    fn end_in_scope(&mut self, name: &str, barriers: &[&str]) {
        self.close_nearest(
            |found| found.eq_ignore_ascii_case(name),
            |element| {
                let is_html = element.space == Space::Html;
                element.is_scope() || (is_html && contains(barriers, element.name))
            },
        );
    }

    /// Closes a table or a part of it; only tables and templates bound the search. A row that nobody
    /// opened is still closed with its cell.
    fn end_in_table(&mut self, name: &str) {
        let mut cell = None;
        for at in (0..self.stack.len()).rev() {
            let element = self.stack[at];
            if element.space != Space::Html {
                continue;
            }
            if element.is(name) {
                return self.truncate(at);
            }
            if contains(&["td", "th"], element.name) {
                cell = cell.or(Some(at));
            }
            if contains(&["table", "template"], element.name) {
                break;
            }
        }
        if let Some(cell) = cell.filter(|_| contains(&["tr", "tbody"], name)) {
            self.truncate(cell);
        }
    }

    /// Closes everything above the nearest of `parents`; false when there is no table to be in.
    fn clear_to(&mut self, parents: &[&str]) -> bool {
        for at in (0..self.stack.len()).rev() {
            let element = self.stack[at];
            if element.space == Space::Html && contains(parents, element.name) {
                self.truncate(at + 1);
                return true;
            }
        }
        false
    }

    /// What the adoption agency leaves: the formatting element is gone, special elements above it stay,
    /// what is above the last of those goes.
    fn end_formatting(&mut self, name: &str) {
        let mut last_special = None;
        for at in (0..self.stack.len()).rev() {
            let element = self.stack[at];
            if element.space == Space::Html && element.is(name) {
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
            .rposition(|waiting| waiting.eq_ignore_ascii_case(name))
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
        self.waiting.extend(formatting.map(|element| element.name));
        self.stack.truncate(keep);
    }

    fn top_is(&self, is_wanted: impl Fn(&str) -> bool) -> bool {
        self.stack
            .last()
            .is_some_and(|top| top.space == Space::Html && is_wanted(top.name))
    }
}

fn contains(names: &[&str], name: &str) -> bool {
    names.iter().any(|one| one.eq_ignore_ascii_case(name))
}

/// Whether an `annotation-xml` says that it holds HTML.
fn holds_html(tag: &Tag<'_>) -> bool {
    let encoding = tag.value("encoding").unwrap_or_default();
    contains(&["text/html", "application/xhtml+xml"], &encoding)
}
