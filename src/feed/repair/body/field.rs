//! Elements that carry text or markup: what to do when their markup is no XML.

use memchr::memmem;

use super::Body;
use crate::feed::namespace::Ns;
use crate::feed::nesting::{Carries, carries};
use crate::feed::repair::edits::{Edits, Fault};
use crate::feed::repair::{HELD_BYTES_MAX, Source};
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

/// The outermost element that carries text or markup.
#[derive(Debug)]
pub(super) struct Field {
    /// Its index among the levels.
    pub(super) level: usize,
    /// Where its content starts.
    start: usize,
    /// The edits before.
    mark: usize,
    pub(super) kind: Kind,
    /// Its markup is no XML.
    is_torn: bool,
    /// Where a CDATA section or an item starts in it: it can't be made one text.
    structure: Option<usize>,
}

impl Field {
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// Whether its text up to `end` is held.
    pub(super) fn is_held(&self, end: usize) -> bool {
        end.saturating_sub(self.start) <= HELD_BYTES_MAX
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

impl Body {
    /// An element of that kind was opened, whose content starts at `start`.
    pub(super) fn enter_field(&mut self, kind: Kind, start: usize, edits: &Edits) {
        if self.field.is_none() && kind != Kind::Structure {
            self.field = Some(Field {
                level: self.levels.len().saturating_sub(1),
                start,
                mark: edits.mark(),
                kind,
                is_torn: false,
                structure: None,
            });
        }
    }

    /// What the element that `tag` opens carries.
    pub(super) fn kind_of(&self, tag: &Tag<'_>) -> Kind {
        let (ns, local) = self.levels.namespaces().split(tag.name());
        match carries(ns, local, tag) {
            Carries::Elements => Kind::Structure,
            Carries::Document => Kind::Document,
            Carries::Text if may_be_escaped(ns, tag) => Kind::Html,
            Carries::Text => Kind::Markup,
        }
    }

    /// The markup of the field we are in is no XML.
    pub(super) fn tear(&mut self) {
        if let Some(field) = &mut self.field {
            field.is_torn = true;
        }
    }

    /// The element at `level` ends at `end`. Markup in it that is no XML becomes text: HTML, as it
    /// was meant. Text in CDATA sections beside it was text before.
    pub(super) fn leave_field(
        &mut self,
        level: usize,
        end: usize,
        source: &Source<'_>,
        edits: &mut Edits,
    ) {
        let Some(field) = self.field.take_if(|field| field.level == level) else {
            return;
        };
        if !field.is_torn
            || field.kind != Kind::Html
            || field.structure.is_some()
            || !field.is_held(end)
        {
            return;
        }
        edits.cut(field.mark);
        let text = source.slice(&(field.start..end));
        let section = ("<![CDATA[", text, "]]>");
        edits.surround(Fault::Html, field.start..end, section, || self.place());
        for at in memmem::find_iter(text.as_bytes(), b"]]>") {
            let at = field.start + at + 2;
            edits.replace(Fault::Html, at..at, "]]><![CDATA[", || self.place());
        }
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
