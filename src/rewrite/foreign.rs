//! What of XHTML, SVG and MathML is in a feed outside the fields that carry HTML, and could run:
//! a browser that opens the feed as a document takes `<h:script>` for what it is, wherever it stands.
//!
//! Invariants: a piece that holds nothing of the kind gives no edit. Elements of other vocabularies
//! are never touched, whatever they are called. What can't be told is taken for what could run.
//! Time and memory grow with the bytes of the piece.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::feed::namespace::{self, Namespaces};
use crate::feed::splitter::Frame;
use crate::feed::token::{Scanner, TAG_BYTES_MAX, Token};
use crate::feed::xml::{self, Tag};
use crate::html::Edit;
use crate::rewrite::passes::sanitize::{Fate, attribute_may_harm, fate};

/// Elements that go with all they hold, besides those that the sanitiser of HTML takes out: no feed
/// shows anything by them, and a browser loads or draws what they say.
const REMOVED: [&str; 9] = [
    "animation",
    "applet",
    "embed",
    "foreignobject",
    "frame",
    "iframe",
    "object",
    "style",
    "use",
];
/// What a link of XHTML may be without loading anything.
const RELATIONS: [&str; 9] = [
    "alternate",
    "author",
    "canonical",
    "hub",
    "license",
    "next",
    "prev",
    "self",
    "shortlink",
];

/// Vocabularies, as far as browsers run something of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// XHTML, SVG or MathML.
    Live,
    Other,
}

impl Kind {
    fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let is_live = ["1999/xhtml", "2000/svg", "1998/math"]
            .iter()
            .any(|live| name.contains(live));
        if is_live { Self::Live } else { Self::Other }
    }
}

/// Edits that take out of a child of the channel, or an item, what could run. `fields` are where HTML
/// stands that the sanitiser reads; sorted.
pub(super) fn edits(xml: &str, frame: &Frame, fields: &[Range<usize>]) -> Vec<Edit> {
    let mut walk = Walk {
        xml,
        scopes: Scopes::of(frame),
        open: Vec::new(),
        counts: HashMap::new(),
        gone: None,
        edits: Vec::new(),
    };
    let mut fields = fields.iter().peekable();
    let mut scanner = Scanner::default();
    while let Some((token, range)) = scanner.next(xml) {
        let at = range.end;
        while fields.next_if(|field| field.end < at).is_some() {}
        let field = fields.peek().filter(|field| field.start <= range.start);
        match token {
            Token::Start => walk.start(range, field.is_some()),
            Token::End => walk.end(range),
            // SECURITY: a tag that is too long for us is one for browsers.
            Token::Text
                if range.len() >= TAG_BYTES_MAX - 4 && xml[range.start..].starts_with('<') =>
            {
                walk.edit(range.start..range.start + 1, "&lt;");
            }
            _ => {}
        }
        // The sanitiser has read what is in there, but for names that no HTML has.
        let begins =
            |field: &&&Range<usize>| field.start == at && !has_odd_tags(&xml[(**field).clone()]);
        if let Some(field) = fields.peek().filter(begins) {
            scanner.go_to(field.end);
        }
    }
    walk.close_to(0, xml.len());
    walk.edits
}

/// A cheap look: without these a piece holds nothing of the kind.
pub(super) fn may_hold(xml: &str, frame: &Frame) -> bool {
    static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("xmlns"));
    Scopes::of(frame).is_live() || FINDER.find(xml.as_bytes()).is_some()
}

/// Whether there are tags whose names HTML would take for text: `<_:script>`.
fn has_odd_tags(markup: &str) -> bool {
    let bytes = markup.as_bytes();
    memchr::memchr_iter(b'<', bytes).any(|open| {
        let next = bytes.get(open + 1);
        next.is_some_and(|byte| matches!(byte, b'_' | b':') || !byte.is_ascii())
    })
}

/// Which prefixes stand for what.
struct Scopes {
    bindings: Vec<(String, Kind)>,
    /// There were more than are listed.
    is_full: bool,
}

impl Scopes {
    fn of(frame: &Frame) -> Self {
        let declared = frame.declarations.iter();
        Self {
            bindings: declared
                .map(|(prefix, name)| (prefix.clone(), Kind::of(name)))
                .collect(),
            is_full: frame.declarations.len() >= Namespaces::BINDINGS_MAX,
        }
    }

    fn is_live(&self) -> bool {
        self.is_full || self.bindings.iter().any(|(_, kind)| *kind == Kind::Live)
    }

    fn declare(&mut self, tag: &Tag<'_>) {
        if !tag.raw().contains("xmlns") {
            return;
        }
        for (prefix, name) in namespace::declarations(tag) {
            // SECURITY: a piece with a million declarations must not make every lookup long.
            if self.bindings.len() >= 2 * Namespaces::BINDINGS_MAX {
                self.is_full = true;
                return;
            }
            self.bindings.push((prefix, Kind::of(&name)));
        }
    }

    fn kind(&self, prefix: &str) -> Kind {
        let mut innermost_first = self.bindings.iter().rev();
        match innermost_first.find(|(bound, _)| bound == prefix) {
            Some((_, kind)) if !self.is_full => *kind,
            // SECURITY: one that was not listed may stand before it.
            _ if self.is_full => Kind::Live,
            _ => Kind::Other,
        }
    }
}

/// An element that is open.
struct Open<'x> {
    name: &'x str,
    bindings: usize,
    /// Its tags go, what it holds stays.
    is_unwrapped: bool,
}

struct Walk<'x> {
    xml: &'x str,
    scopes: Scopes,
    open: Vec<Open<'x>>,
    /// How many elements of a name are open, so that an end tag without one costs nothing.
    counts: HashMap<&'x str, usize>,
    /// Where the element starts that goes with all it holds, and how many are open around it.
    gone: Option<(usize, usize)>,
    edits: Vec<Edit>,
}

impl<'x> Walk<'x> {
    fn edit(&mut self, range: Range<usize>, text: &str) {
        if self.gone.is_none() {
            let text = text.to_owned();
            self.edits.push(Edit { range, text });
        }
    }

    fn start(&mut self, range: Range<usize>, is_in_field: bool) {
        let Some(tag) = Tag::parse(&self.xml[range.clone()]) else {
            return;
        };
        let bindings = self.scopes.bindings.len();
        self.scopes.declare(&tag);
        let (prefix, local) = namespace::split(tag.name());
        let is_read = is_in_field
            && tag
                .name()
                .starts_with(|first: char| first.is_ascii_alphabetic());
        let fate = match self.scopes.kind(prefix) {
            Kind::Live if !is_read => fate_of(local, &tag),
            _ => Fate::Kept,
        };
        let is_live = self.scopes.kind(prefix) == Kind::Live && !is_read;
        let is_empty = tag.is_empty_element();
        match fate {
            Fate::Kept if is_live => self.strip_attributes(&tag, local, range.start),
            Fate::Kept => {}
            Fate::Unwrapped => self.edit(range, ""),
            Fate::Removed if is_empty => self.edit(range, ""),
            Fate::Removed => {
                let depth = self.open.len();
                self.gone.get_or_insert((range.start, depth));
            }
        }
        if is_empty {
            return self.scopes.bindings.truncate(bindings);
        }
        *self.counts.entry(tag.name()).or_default() += 1;
        self.open.push(Open {
            name: tag.name(),
            bindings,
            is_unwrapped: fate == Fate::Unwrapped,
        });
    }

    fn strip_attributes(&mut self, tag: &Tag<'_>, local: &str, start: usize) {
        let raw = tag.raw();
        for attribute in tag.all_attributes() {
            if attribute_may_harm(local, attribute.name, attribute.value) {
                let before = raw[..attribute.whole.start].trim_ascii_end().len();
                self.edit(start + before..start + attribute.whole.end, "");
            }
        }
    }

    fn end(&mut self, range: Range<usize>) {
        let name = xml::end_tag_name(&self.xml[range.clone()]);
        if self.counts.get(name).is_none_or(|count| *count == 0) {
            return;
        }
        let Some(at) = self.open.iter().rposition(|open| open.name == name) else {
            return;
        };
        // What was left open inside ends where this tag starts.
        self.close_to(at + 1, range.start);
        if self.open[at].is_unwrapped {
            self.edit(range.clone(), "");
        }
        self.close_to(at, range.end);
    }

    /// Closes what is open from `depth` on, at `end`.
    fn close_to(&mut self, depth: usize, end: usize) {
        if let Some((start, _)) = self.gone.take_if(|(_, around)| *around >= depth) {
            self.edit(start..end, "");
        }
        for open in self.open.drain(depth..).rev() {
            self.scopes.bindings.truncate(open.bindings);
            if let Some(count) = self.counts.get_mut(open.name) {
                *count -= 1;
            }
        }
    }
}

fn fate_of(local: &str, tag: &Tag<'_>) -> Fate {
    let name = local.to_ascii_lowercase();
    let value = |wanted: &str| {
        tag.all_attributes()
            .find(|one| one.name.eq_ignore_ascii_case(wanted))
    };
    match name.as_str() {
        // It says things of the feed, unless it plays a header field.
        "meta" if value("http-equiv").is_none() => Fate::Kept,
        "link" => {
            let relations = value("rel").map_or("", |rel| rel.value);
            let is_known = |relation: &str| {
                RELATIONS
                    .iter()
                    .any(|known| relation.eq_ignore_ascii_case(known))
            };
            match relations.split_ascii_whitespace().all(is_known) {
                true => Fate::Kept,
                false => Fate::Removed,
            }
        }
        name if REMOVED.contains(&name) => Fate::Removed,
        name => fate(name),
    }
}

#[cfg(test)]
mod tests;
