//! Which elements of a piece are open: what splitter and element list agree on about where an
//! element ends.
//!
//! Invariants: a well-formed piece nests as XML says. In one that is not, an end tag closes the
//! nearest open element of its name with all that is open in it, and is ignored when there is
//! none. What stands inside an element that carries text (a description, a title) is never
//! structure, so HTML that nobody escaped cannot unsettle it.

use super::namespace::{self, Namespaces, Ns};
use super::xml::Tag;

/// Elements that carry text or markup, in whatever vocabulary.
const TEXT_NAMES: &[&str] = &[
    "title",
    "description",
    "summary",
    "subtitle",
    "tagline",
    "abstract",
    "info",
    "rights",
    "copyright",
    "body",
];

/// HTML elements that have no end tag; none of them means something in a feed.
const VOID_NAMES: &[&str] = &["br", "hr", "img", "input", "wbr"];

/// The open elements of one piece, outermost first.
#[derive(Debug)]
pub(super) struct Nesting {
    levels: Vec<Level>,
    /// The bindings made inside the piece.
    inner: Namespaces,
    depth_max: usize,
    /// Whether the piece is an item: items do not nest.
    is_item: bool,
}

/// A hash of an element's name in lower case: of a name that was read, and may be gone by the time
/// its end tag comes. Two names with one hash can only disturb the document that has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name(u64);

impl Name {
    /// FNV-1a.
    pub(super) fn of(name: &str) -> Self {
        let bytes = name
            .bytes()
            .map(|byte| u64::from(byte.to_ascii_lowercase()));
        Self(bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
            (hash ^ byte).wrapping_mul(0x0100_0000_01B3)
        }))
    }
}

#[derive(Debug)]
struct Level {
    name: Name,
    /// The bindings that were there before.
    bindings: usize,
    carries: Carries,
    /// How many elements of the same name are open inside, where no other levels are kept.
    again: usize,
}

/// What an element holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carries {
    /// More of the feed's structure.
    Elements,
    /// Text, or markup that belongs to it.
    Text,
    /// Another XML vocabulary, which may well be a feed's.
    Document,
}

/// What a start tag did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opened {
    /// An element is open now.
    Level(Ns),
    /// An element without content stands here.
    Leaf(Ns),
    /// It is markup in a text.
    Markup,
    /// It starts another item: this one was not closed.
    Sibling,
    /// It is deeper than allowed. From here on its parent is taken to carry text.
    TooDeep,
}

impl Nesting {
    pub(super) fn new(depth_max: usize) -> Self {
        Self {
            levels: Vec::new(),
            inner: Namespaces::default(),
            depth_max,
            is_item: false,
        }
    }

    /// Starts on another piece.
    pub(super) fn restart(&mut self) {
        self.close_to(0);
        self.is_item = false;
    }

    /// Items do not nest: the piece's own start tag, once more, opens another one.
    pub(super) fn set_is_item(&mut self, is_item: bool) {
        self.is_item = is_item;
    }

    /// A start tag has come; `outer` are the bindings around the piece.
    pub(super) fn open(&mut self, tag: &Tag<'_>, outer: &Namespaces) -> Opened {
        let name = Name::of(tag.name());
        if let Some(opened) = self.open_inside_text(name, tag) {
            return opened;
        }
        if self.levels.len() == 1 && self.is_item && self.is_named(0, name) {
            return Opened::Sibling;
        }
        let bindings = self.inner.mark();
        self.inner.declare(tag);
        let (prefix, local) = namespace::split(tag.name());
        let ns = self
            .inner
            .lookup(prefix)
            .unwrap_or_else(|| outer.resolve(prefix));
        if tag.is_empty_element() || is_one_of(VOID_NAMES, tag.name()) {
            self.inner.forget(bindings);
            return Opened::Leaf(ns);
        }
        if self.levels.len() >= self.depth_max {
            self.inner.forget(bindings);
            if let Some(top) = self.levels.last_mut() {
                top.carries = Carries::Text;
            }
            return Opened::TooDeep;
        }
        self.levels.push(Level {
            name,
            bindings,
            carries: carries(ns, local, tag),
            again: 0,
        });
        Opened::Level(ns)
    }

    /// An end tag has come: how many levels are left when it closed some, `None` when it closed
    /// nothing.
    pub(super) fn close(&mut self, name: &str) -> Option<usize> {
        let name = Name::of(name);
        let top = self.levels.len().checked_sub(1)?;
        let may_close_outer = self.levels[top].carries != Carries::Document;
        for depth in (0..=top).rev() {
            if self.is_named(depth, name) {
                if self.levels[depth].again > 0 {
                    self.levels[depth].again -= 1;
                    return None;
                }
                self.close_to(depth);
                return Some(depth);
            }
            if !may_close_outer {
                return None;
            }
        }
        None
    }

    /// Whether nothing but its own end tag ends the innermost element.
    pub(super) fn is_in_document(&self) -> bool {
        let top = self.levels.last();
        top.is_some_and(|level| level.carries == Carries::Document)
    }

    /// Whether an element is open inside the piece's own.
    pub(super) fn is_in_field(&self) -> bool {
        self.levels.len() > 1
    }

    fn open_inside_text(&mut self, name: Name, tag: &Tag<'_>) -> Option<Opened> {
        let top = self.levels.len().checked_sub(1)?;
        let carries = self.levels[top].carries;
        if carries == Carries::Elements {
            return None;
        }
        let is_sibling = top > 0 && self.is_item && self.is_named(0, name);
        if is_sibling && carries == Carries::Text {
            return Some(Opened::Sibling);
        }
        // Its end tag is markup too, whatever is called so around the text.
        if !tag.is_empty_element() {
            let named = self.levels.iter_mut().rfind(|level| level.name == name);
            if let Some(level) = named {
                level.again += 1;
            }
        }
        Some(Opened::Markup)
    }

    fn is_named(&self, depth: usize, name: Name) -> bool {
        self.levels[depth].name == name
    }

    fn close_to(&mut self, depth: usize) {
        if let Some(level) = self.levels.get(depth) {
            self.inner.forget(level.bindings);
            self.levels.truncate(depth);
            for level in &mut self.levels {
                level.again = 0;
            }
        }
    }
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|one| one.eq_ignore_ascii_case(name))
}

/// What the element `local` of the vocabulary `ns`, opened by `tag`, holds.
pub(super) fn carries(ns: Ns, local: &str, tag: &Tag<'_>) -> Carries {
    let is_named = |name: &str| local.eq_ignore_ascii_case(name);
    let is_text = match ns {
        Ns::Xhtml => true,
        Ns::Atom if is_named("content") => {
            // RFC 4287 section 4.1.3: an XML media type, as opposed to text, html and xhtml.
            let kind = tag.attribute("type").map_or("", |kind| kind.value);
            let is_document = kind.ends_with("/xml") || kind.ends_with("+xml");
            if is_document && !kind.contains("xhtml") {
                return Carries::Document;
            }
            true
        }
        Ns::Core => is_named("content") || is_one_of(TEXT_NAMES, local),
        Ns::Content => is_named("encoded"),
        Ns::Media => is_named("text") || is_one_of(TEXT_NAMES, local),
        Ns::Rdf | Ns::GoogleData | Ns::Podcast | Ns::WebFeeds | Ns::History | Ns::Other => false,
        Ns::Atom | Ns::Itunes | Ns::GooglePlay | Ns::DublinCore | Ns::Syndication => {
            is_one_of(TEXT_NAMES, local)
        }
    };
    if is_text {
        Carries::Text
    } else {
        Carries::Elements
    }
}
