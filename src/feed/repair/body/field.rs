//! Elements that carry text or markup: what to do when their markup is no XML.

use crate::feed::namespace::{Namespaces, Ns};
use crate::feed::nesting::{Carries, carries};
use crate::feed::repair::source::HELD_BYTES_MAX;
use crate::feed::xml::Tag;

/// What an element carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// More of the feed's structure.
    Structure,
    /// Markup or HTML, which may as well be escaped.
    Html,
    /// Text or markup.
    Markup,
    /// Another XML document.
    Document,
}

impl Kind {
    /// What the element that `tag` opens carries.
    pub(super) fn of(tag: &Tag<'_>, namespaces: &Namespaces) -> Self {
        let (ns, local) = namespaces.split(tag.name());
        match carries(ns, local, tag) {
            Carries::Elements => Self::Structure,
            Carries::Document => Self::Document,
            Carries::Text if may_be_escaped(ns, tag) => Self::Html,
            Carries::Text => Self::Markup,
        }
    }
}

/// The outermost element that carries text or markup.
#[derive(Debug)]
pub(super) struct Field {
    /// Its index among the levels.
    pub(super) level: usize,
    /// Where its content starts.
    start: usize,
    /// The edits before.
    pub(super) mark: usize,
    pub(super) kind: Kind,
    /// Whether its markup is no XML.
    pub(super) is_torn: bool,
    /// Where a CDATA section or an item starts in it: it can't be made one text.
    structure: Option<usize>,
}

impl Field {
    /// A field whose content starts at `start`, behind the edits up to `mark`.
    pub(super) fn new(kind: Kind, level: usize, start: usize, mark: usize) -> Self {
        Self {
            level,
            start,
            mark,
            kind,
            is_torn: false,
            structure: None,
        }
    }

    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// Whether its text up to `end` is held.
    pub(super) fn is_held(&self, end: usize) -> bool {
        end.saturating_sub(self.start) <= HELD_BYTES_MAX
    }

    /// Whether its text up to `end` is HTML that nobody escaped, and can still become one text.
    pub(super) fn is_unescaped_html(&self, end: usize) -> bool {
        let is_html = self.is_torn && self.kind == Kind::Html;
        is_html && self.structure.is_none() && self.is_held(end)
    }

    /// A CDATA section or an item starts at `at`.
    pub(super) fn see_structure(&mut self, at: usize) {
        self.structure.get_or_insert(at);
    }

    /// What comes from `at` on is read again.
    pub(super) fn rewind(&mut self, at: usize) {
        self.structure = self.structure.filter(|found| *found < at);
    }
}

/// Whether escaped HTML means the same in the element as markup does.
fn may_be_escaped(ns: Ns, tag: &Tag<'_>) -> bool {
    let is = |name: &str, values: &[&str]| {
        tag.attribute(name).is_some_and(|found| {
            values
                .iter()
                .any(|value| found.value.eq_ignore_ascii_case(value))
        })
    };
    match ns {
        Ns::Xhtml => false,
        // RFC 4287 section 3.1.1, and Atom 0.3, whose `mode` is `xml` unless it says otherwise.
        Ns::Atom => is("type", &["html"]) || is("type", &["text/html"]) && is("mode", &["escaped"]),
        _ => true,
    }
}
