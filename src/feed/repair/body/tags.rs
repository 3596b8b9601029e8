//! Tags in the body: names, prefixes, attributes, and which element ends where.

use std::ops::Range;

use super::field::{Field, Kind};
use super::known::KnownTag;
use super::{After, Body, Items, is_item};
use crate::feed::Format;
use crate::feed::characters::{Name, is_blank};
use crate::feed::namespace::{self, Namespaces, Ns};
use crate::feed::repair::edits::{Edits, Fault, Place};
use crate::feed::repair::levels::Doubt;
use crate::feed::repair::prefixes;
use crate::feed::repair::source::{HELD_BYTES_MAX, Source};
use crate::feed::repair::tag::{self, TagReport};
use crate::feed::xml::{self, Tag};

/// HTML elements that have no end tag.
const VOID_NAMES: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
];
/// More attributes of one tag are not read for namespaces.
const ATTRIBUTES_MAX: usize = 256;
/// Channels in channels deeper than this are elements, as for the splitter.
const CONTAINERS_MAX: usize = 16;

/// What follows a quote that was not closed is read again, up to so much of a document.
const REREAD_BYTES_MAX: usize = 8 << 20;

impl Body {
    /// A start tag.
    pub(super) fn start(
        &mut self,
        source: &Source<'_>,
        range: Range<usize>,
        edits: &mut Edits,
    ) -> After {
        let raw = source.slice(&range);
        if let Some(known) = self.known.find(raw, self.levels.changes()) {
            if known.is_item {
                self.before_item(&range, source, edits);
            }
            let name = &raw[1..raw.len() - 1];
            if !self.levels.push_name(name, range.end, false) {
                self.leave(Fault::TooDeep, range.start, raw, edits);
            }
            self.enter_field(known.kind, range.end, edits);
            return After::Next;
        }
        let name_end = tag::name_end(raw);
        let name = &raw[1..name_end];
        let kind = Name::of(name);
        if tag::is_text(name, kind) {
            return self.text(source, range, edits);
        }
        let is_item = self.is_item(name);
        if is_item {
            self.before_item(&range, source, edits);
        }
        let may_cut = self.reread_bytes < REREAD_BYTES_MAX;
        let report = tag::read(raw, name_end, (&self.entities, may_cut));
        self.reread_bytes += raw.len() - report.end;
        if kind == Name::Colons || name.starts_with("xmlns:") {
            self.leave(Fault::Name, range.start, raw, edits);
        }
        if report.has_lost {
            self.tear();
        }
        let end = range.start + report.end;
        let Some(tag) = Tag::parse(&raw[..report.end]) else {
            return After::Next;
        };
        if !self.open(&tag, end) {
            self.leave(Fault::TooDeep, range.start, tag.raw(), edits);
        }
        self.edit_tag(&tag, (range.start, kind), &report, edits);
        if report.is_empty {
            self.close();
        } else {
            let kind = Kind::of(&tag, self.levels.namespaces());
            self.enter_field(kind, end, edits);
            if name_end + 1 == raw.len() && self.may_be_known(tag.name()) {
                let tag = KnownTag { is_item, kind };
                self.known.keep(raw, self.levels.changes(), tag);
            }
        }
        if self.levels.is_empty() {
            if end < range.end {
                edits.replace(Fault::Junk, end..range.end, "", Place::default);
            }
            After::Root
        } else if end < range.end {
            After::GoTo(end)
        } else {
            After::Next
        }
    }

    /// The element of `tag`, which ends at `end`, is open now. False when it is the first that is
    /// too deep.
    fn open(&mut self, tag: &Tag<'_>, end: usize) -> bool {
        let (prefix, local) = namespace::split(tag.name());
        let is_root = self.levels.is_empty();
        let is_channel = local.eq_ignore_ascii_case("channel") && self.format != Format::Atom;
        let is_container = self.levels.is_in_container()
            && (is_root || is_channel && self.levels.len() < CONTAINERS_MAX);
        let is_kept = self.levels.push(tag, end, is_container);
        if is_root {
            // Whatever the default namespace is called here, it is the format's.
            let default = self.levels.namespaces().resolve("");
            let is_other = self.format == Format::Rdf && default == Ns::Other;
            if prefix.is_empty() || is_other {
                let own = if self.format == Format::Atom {
                    Ns::Atom
                } else {
                    Ns::Core
                };
                self.levels.bind("", own);
            }
        }
        is_kept
    }

    /// Whether readers take an element of this name for an item, whatever the prefix.
    fn is_item(&self, name: &str) -> bool {
        let (prefix, local) = namespace::split(name);
        let is_ours = |ns| matches!(ns, Ns::Core | Ns::Atom);
        is_item(local) && (prefix.is_empty() || is_ours(self.levels.namespaces().resolve(prefix)))
    }

    /// Whether all there is to say of a tag that is nothing but this name is the same next time.
    fn may_be_known(&self, name: &str) -> bool {
        let (prefix, local) = namespace::split(name);
        let is_bound = prefix.is_empty() || self.levels.namespaces().lookup(prefix).is_some();
        is_bound && !local.contains(':') && !local.eq_ignore_ascii_case("channel")
    }

    /// The innermost element has ended where it should.
    fn close(&mut self) {
        self.levels.pop(true);
    }

    /// Makes the edits that the tag at `start`, just opened, needs.
    fn edit_tag(
        &mut self,
        tag: &Tag<'_>,
        (start, kind): (usize, Name),
        report: &TagReport,
        edits: &mut Edits,
    ) {
        let declarations = self.declarations(tag, kind, report);
        if !declarations.is_empty() {
            let at = start + 1 + tag.name().len();
            edits.replace(Fault::Prefix, at..at, declarations, || self.place());
        }
        for edit in &report.edits {
            let range = start + edit.range.start..start + edit.range.end;
            edits.replace(edit.fault, range, edit.text.clone(), || Place {
                attribute: tag.raw()[edit.attribute.clone()].to_owned(),
                ..self.place()
            });
        }
    }

    /// What is to be declared for prefixes that nobody declared.
    fn declarations(&mut self, tag: &Tag<'_>, kind: Name, report: &TagReport) -> String {
        let mut text = String::new();
        // There may be more than are kept.
        self.knows_prefixes &= self.levels.namespaces().mark() < Namespaces::BINDINGS_MAX
            && report.attributes <= ATTRIBUTES_MAX;
        if !self.knows_prefixes || self.levels.is_beyond() {
            return text;
        }
        let own = match kind {
            Name::Prefixed(colon) => Some(&tag.name()[..colon]),
            _ => None,
        };
        let others = report
            .prefixes
            .iter()
            .map(|range| &tag.raw()[range.clone()]);
        for prefix in own.into_iter().chain(others) {
            let namespaces = self.levels.namespaces();
            if matches!(prefix, "xml" | "xmlns") || namespaces.lookup(prefix).is_some() {
                continue;
            }
            let ns = namespaces.resolve(prefix);
            let namespace = prefixes::namespace(prefix);
            text.push_str(&format!(" xmlns:{prefix}=\"{namespace}\""));
            self.levels.bind(prefix, ns);
        }
        text
    }

    /// An item's tag stands at `range`: whatever is open there should not be, unless it says what the
    /// item is.
    fn before_item(&mut self, range: &Range<usize>, source: &Source<'_>, edits: &mut Edits) {
        let (at, raw) = (range.start, source.slice(range));
        let (prefix, _) = namespace::split(&raw[1..tag::name_end(raw)]);
        let stays =
            !prefix.is_empty() && self.levels.is_bound_inside(prefix) && !declares(raw, prefix);
        let is_in_document = self
            .field
            .as_ref()
            .is_some_and(|field| field.kind == Kind::Document);
        if self.levels.is_beyond() || is_in_document {
            return;
        }
        if !self.levels.is_in_container() && !stays {
            let is_known = self.items == Items::Siblings;
            if let Some(field) = self.field.as_mut().filter(|_| !is_known) {
                field.see_structure(at);
            }
            match self.items {
                Items::Unknown => self.levels.doubt(Doubt {
                    at,
                    levels: self.levels.len(),
                    mark: edits.mark(),
                    items: self.item_count,
                }),
                Items::Siblings => {
                    while !self.levels.is_in_container() {
                        self.end_left_open(at, source, edits);
                    }
                }
                Items::Nested => {}
            }
        }
        self.item_count += 1;
    }

    /// An end tag. `None` when it goes.
    pub(super) fn end(
        &mut self,
        source: &Source<'_>,
        range: Range<usize>,
        edits: &mut Edits,
    ) -> Option<After> {
        if self.levels.is_beyond() {
            self.levels.pop(true);
            return Some(After::Next);
        }
        let raw = source.slice(&range);
        let top = self.levels.len() - 1;
        let name = raw.get(2..raw.len() - 1).unwrap_or_default();
        if name == self.levels.top_name() && raw.ends_with('>') {
            return Some(self.end_top(top, range.start, source, edits));
        }
        let name = xml::end_tag_name(raw);
        let level = if name == self.levels.name(top) {
            Some(top)
        } else {
            self.levels.find(name)
        };
        let is_cut_off = !raw.ends_with('>') && source.is_last && source.is_at_end(range.end);
        if is_cut_off && level != Some(0) {
            return Some(After::Next);
        }
        let Some(level) = level else {
            self.tear();
            edits.replace(Fault::StrayEnd, range, "", || self.place());
            return None;
        };
        if let Some(doubt) = self.levels.doubt_inside(level)
            && range.start - doubt.at <= HELD_BYTES_MAX
        {
            return Some(self.go_back(doubt, edits));
        }
        while self.levels.len() > level + 1 {
            self.end_left_open(range.start, source, edits);
        }
        let known = self.levels.name(level).to_owned();
        let after = self.end_top(level, range.start, source, edits);
        let blanks = raw
            .strip_prefix("</")
            .and_then(|raw| raw.strip_prefix(&*known));
        let blanks = blanks.and_then(|raw| raw.strip_suffix('>'));
        if !blanks.is_some_and(|blanks| blanks.bytes().all(is_blank)) {
            let text = format!("</{known}>");
            edits.replace(Fault::EndTag, range, text, || self.place());
        }
        Some(after)
    }

    /// The innermost element, at `level`, ends at `at`, where its end tag starts.
    fn end_top(
        &mut self,
        level: usize,
        at: usize,
        source: &Source<'_>,
        edits: &mut Edits,
    ) -> After {
        self.leave_field(level, at, source, edits);
        self.close();
        if self.levels.is_empty() {
            After::Root
        } else {
            After::Next
        }
    }

    /// The innermost element was left open and ends at `at`.
    fn end_left_open(&mut self, at: usize, source: &Source<'_>, edits: &mut Edits) {
        let level = self.levels.len() - 1;
        let name = self.levels.name(level);
        let end = format!("</{name}>");
        let is_void = VOID_NAMES
            .iter()
            .any(|void| void.eq_ignore_ascii_case(name))
            // What stands behind may count on its declarations.
            && !self.levels.top_declares();
        let tag_end = self.levels.top_tag_end() - 1;
        let is_inside = |field: &&Field| field.level < level;
        match self.field.as_ref().filter(is_inside) {
            Some(field) if is_void && field.is_held(at) => {
                edits.replace(Fault::LeftOpen, tag_end..tag_end, "/", || self.place());
                self.tear();
            }
            Some(_) => {
                edits.replace(Fault::LeftOpen, at..at, end, || self.place());
                self.tear();
            }
            None => {
                self.leave_field(level, at, source, edits);
                edits.replace(Fault::LeftOpen, at..at, end, || self.place());
            }
        }
        self.levels.pop(false);
    }

    /// Reads again from where an element should have ended that was left open.
    fn go_back(&mut self, doubt: Doubt, edits: &mut Edits) -> After {
        self.items = Items::Siblings;
        self.item_count = doubt.items;
        self.levels.rewind(&doubt);
        edits.cut(doubt.mark);
        self.field = self.field.take().filter(|field| field.level < doubt.levels);
        if let Some(field) = &mut self.field {
            field.rewind(doubt.at);
        }
        After::GoTo(doubt.at)
    }
}

/// Whether the tag `raw` declares `prefix` itself.
fn declares(raw: &str, prefix: &str) -> bool {
    let mut attributes = Tag::parse(raw).into_iter().flat_map(|tag| tag.attributes());
    attributes.any(|attribute| attribute.name.strip_prefix("xmlns:") == Some(prefix))
}
