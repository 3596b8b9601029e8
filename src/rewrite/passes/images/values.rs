//! The values that hold image URLs, and how an edited one is written back.

use std::borrow::Cow;
use std::cell::Cell;
use std::ops::Range;

use memchr::{memchr, memmem};

use crate::html::tag::{Attribute, Quote, Tag};
use crate::html::{Edit, Markup, Name, Written, comment, css, escape, open_sheet};
use crate::rewrite::places::{self, Kind};

/// A style sheet in an element, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sheet {
    range: Range<usize>,
    /// Whether character references count in it: as text in XHTML and svg.
    has_references: bool,
}

/// How an attribute with this raw value may hold URLs, if it may.
pub(super) fn kind_of(element: Name, attribute: &Attribute<'_>, raw: &[u8]) -> Option<Kind> {
    if raw.is_empty() {
        return None;
    }
    let may_hold = || places::may_hold_unlisted(element, attribute, raw);
    let kind =
        places::look_up(element, attribute.id).or_else(|| may_hold().then_some(Kind::Unlisted))?;
    let is_nothing = kind == Kind::Css && !css::may_hold_url(raw) && memchr(b'&', raw).is_none();
    (!is_nothing).then_some(kind)
}

/// Finds the style sheets of a field.
pub(in crate::rewrite) struct Sheets<'h> {
    html: &'h str,
    markup: Markup,
    /// SECURITY: once a comment has no end, none that follows has, and to look for one each time would
    /// take quadratic time.
    has_open_comment: Cell<bool>,
}

impl<'h> Sheets<'h> {
    pub(in crate::rewrite) fn new(html: &'h str, markup: Markup) -> Self {
        Self {
            html,
            markup,
            has_open_comment: Cell::new(false),
        }
    }

    /// Those that may hold URLs of the `style` element which `tag` starts.
    fn of(&self, tag: &Tag<'_>) -> Vec<Sheet> {
        let (html, start) = (self.html.as_bytes(), tag.range.end);
        let mut found = Vec::new();
        if self.markup == Markup::Html && !tag.is_foreign {
            let content = tag
                .raw_end
                .map_or_else(|| open_sheet(html, start), |end| start..end);
            found.extend(sheet(html, content, false));
        } else if !tag.is_self_closed {
            self.push(start, &mut found);
        }
        found
    }

    /// Those in the content, from `at` on, of a `style` element that holds markup like any other: text,
    /// and what CDATA sections and comments hold, which is raw.
    fn push(&self, mut at: usize, found: &mut Vec<Sheet>) {
        let html = self.html.as_bytes();
        loop {
            let open = memchr(b'<', &html[at..]).map_or(html.len(), |length| at + length);
            found.extend(sheet(html, at..open, true));
            let Some((content, end)) = self.raw(open) else {
                return;
            };
            found.extend(sheet(html, content, false));
            at = end;
        }
    }

    /// The content of the CDATA section or comment at `open`, and where it ends.
    fn raw(&self, open: usize) -> Option<(Range<usize>, usize)> {
        const CDATA: &[u8] = b"<![CDATA[";
        let html = self.html.as_bytes();
        if html[open..].starts_with(CDATA) {
            let start = open + CDATA.len();
            let end = start + memmem::find(&html[start..], b"]]>")?;
            return Some((start..end, end + "]]>".len()));
        }
        if !html[open..].starts_with(b"<!--") || self.has_open_comment.get() {
            return None;
        }
        let found = comment(html, open, self.markup);
        self.has_open_comment.set(found.is_none());
        found
    }

    /// Appends the edits of the sheets of the element that `tag` starts, whose decoded values `inner`
    /// reads.
    pub(super) fn edit(
        &self,
        tag: &Tag<'_>,
        inner: &mut dyn FnMut(&str) -> Vec<Edit>,
        edits: &mut Vec<Edit>,
    ) {
        for sheet in self.of(tag) {
            edits.extend(sheet_edit(self.html, &sheet, &mut *inner));
        }
    }
}

fn sheet(html: &[u8], range: Range<usize>, has_references: bool) -> Option<Sheet> {
    let may_hold = css::may_hold_url(&html[range.clone()]);
    may_hold.then_some(Sheet {
        range,
        has_references,
    })
}

/// The edit of a style sheet, whose decoded value `inner` reads.
fn sheet_edit(html: &str, sheet: &Sheet, inner: impl FnOnce(&str) -> Vec<Edit>) -> Option<Edit> {
    let carrier = match sheet.has_references {
        true => Carrier::Text,
        false => Carrier::Raw,
    };
    let range = sheet.range.clone();
    let text = rewritten(&html[range.clone()], carrier, inner)?;
    Some(Edit { range, text })
}

/// A raw value after the edits that `inner` makes of what it says; `None` when it makes none.
pub(in crate::rewrite) fn rewritten(
    raw: &str,
    carrier: Carrier<'_, '_>,
    inner: impl FnOnce(&str) -> Vec<Edit>,
) -> Option<String> {
    let decoded = carrier.decoded(raw);
    let inner = inner(&decoded);
    if inner.is_empty() {
        return None;
    }
    let mut text = String::with_capacity(raw.len() * 2);
    // What stands around the edits is copied as it is written.
    if let Some(places) = carrier.places(raw, matches!(decoded, Cow::Owned(_)), &inner) {
        let mut at = 0;
        for (edit, place) in inner.iter().zip(places) {
            text.push_str(&raw[at..place.start]);
            carrier.push(&edit.text, &mut text);
            at = place.end;
        }
        text.push_str(&raw[at..]);
        return Some(text);
    }
    let mut at = 0;
    for edit in inner {
        carrier.push(&decoded[at..edit.range.start], &mut text);
        carrier.push(&edit.text, &mut text);
        at = edit.range.end;
    }
    carrier.push(&decoded[at..], &mut text);
    Some(text)
}

/// The same for a value that is one URL.
pub(super) fn replaced(
    raw: &str,
    carrier: Carrier<'_, '_>,
    rewrite: impl FnOnce(&str) -> Option<String>,
) -> Option<String> {
    let new = rewrite(&carrier.decoded(raw))?;
    let mut text = String::with_capacity(new.len() + 8);
    carrier.push(&new, &mut text);
    Some(text)
}

/// What a value is in, and so how it is written.
#[derive(Debug, Clone, Copy)]
pub(in crate::rewrite) enum Carrier<'t, 'h> {
    /// Text without character references.
    Raw,
    /// Text with character references.
    Text,
    /// An attribute of this tag, in these quotes; edited values get some where they had none, since
    /// URLs of proxies hold `=`.
    Value(&'t Tag<'h>, Quote),
}

impl Carrier<'_, '_> {
    /// What a raw value says.
    fn decoded(self, raw: &str) -> Cow<'_, str> {
        match self {
            Self::Raw => Cow::Borrowed(raw),
            _ if memchr(b'&', raw.as_bytes()).is_none() => Cow::Borrowed(raw),
            _ => htmlize::unescape_attribute(raw),
        }
    }

    /// Where the edits of the decoded value are in the raw one; `None` where what is around them
    /// can't be copied as it is written.
    fn places(self, raw: &str, is_decoded: bool, edits: &[Edit]) -> Option<Vec<Range<usize>>> {
        let ranges = edits.iter().map(|edit| edit.range.clone());
        if matches!(self, Self::Value(_, Quote::None)) {
            return None;
        }
        if !is_decoded {
            return Some(ranges.collect());
        }
        let written = Written::new(raw);
        ranges.map(|range| written.range(range)).collect()
    }

    fn push(self, text: &str, out: &mut String) {
        match self {
            Self::Raw => out.push_str(text),
            Self::Text => escape::TEXT.push(text, out),
            Self::Value(tag, quote) => tag.escape(text, quote, out),
        }
    }
}
