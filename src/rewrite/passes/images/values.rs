//! The values that hold image URLs, and how an edited one is written back.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memmem};

use super::Covers;
use crate::html::tag::{Quote, Tag};
use crate::html::{Edit, Markup, css, escape, open_sheet};
use crate::rewrite::places::{self, Kind};

/// A style sheet in an element, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sheet {
    range: Range<usize>,
    /// Whether character references count in it: as text in XHTML and svg.
    has_references: bool,
}

/// The kind of a place as far as it is asked for.
pub(super) fn covered(kind: Kind, covers: Covers) -> Option<Kind> {
    match kind {
        Kind::Linked if !covers.linked_pictures => None,
        Kind::Media if !covers.media => None,
        Kind::LazyMedia if !covers.media => Some(Kind::Pictured),
        kind => Some(kind),
    }
}

/// How an attribute with this raw value may hold addresses, if it may.
pub(super) fn kind_of(element: &[u8], attribute: &[u8], raw: &[u8]) -> Option<Kind> {
    if raw.is_empty() {
        return None;
    }
    let kind = places::look_up(element, attribute)
        .or_else(|| places::may_hold_unlisted(element, attribute, raw).then_some(Kind::Unlisted))?;
    let is_nothing =
        kind == Kind::Css && !css::may_hold_address(raw) && memchr(b'&', raw).is_none();
    (!is_nothing).then_some(kind)
}

/// The style sheets that may hold addresses of the `style` element which `tag` starts.
pub(super) fn sheets(html: &[u8], markup: Markup, tag: &Tag<'_>) -> Vec<Sheet> {
    let start = tag.range.end;
    let mut found = Vec::new();
    if markup == Markup::Html && !tag.is_foreign {
        let content = tag
            .raw_end
            .map_or_else(|| open_sheet(html, start), |end| start..end);
        found.extend(sheet(html, content, false));
    } else if !tag.is_self_closed {
        push_sheets(html, start, &mut found);
    }
    found
}

fn sheet(html: &[u8], range: Range<usize>, has_references: bool) -> Option<Sheet> {
    let may_hold = css::may_hold_address(&html[range.clone()]);
    may_hold.then_some(Sheet {
        range,
        has_references,
    })
}

/// Those in the content, from `at` on, of a `style` element that holds markup like any other: text, and
/// what CDATA sections and comments hold, which is raw.
fn push_sheets(html: &[u8], mut at: usize, found: &mut Vec<Sheet>) {
    loop {
        let open = memchr(b'<', &html[at..]).map_or(html.len(), |length| at + length);
        found.extend(sheet(html, at..open, true));
        let rest = &html[open..];
        let (start, close) = if rest.starts_with(b"<![CDATA[") {
            (open + 9, &b"]]>"[..])
        } else if rest.starts_with(b"<!--") {
            (open + 4, &b"-->"[..])
        } else {
            return;
        };
        let Some(length) = memmem::find(&html[start..], close) else {
            return;
        };
        let end = start + length;
        found.extend(sheet(html, start..end, false));
        at = end + close.len();
    }
}

/// The edit of a style sheet, whose decoded value `inner` reads.
pub(super) fn sheet_edit(
    html: &str,
    sheet: &Sheet,
    inner: impl FnOnce(&str) -> Vec<Edit>,
) -> Option<Edit> {
    let carrier = match sheet.has_references {
        true => Carrier::Text,
        false => Carrier::Raw,
    };
    let range = sheet.range.clone();
    let text = rewritten(&html[range.clone()], carrier, inner)?;
    Some(Edit { range, text })
}

/// A raw value after the edits that `inner` makes of what it says; `None` when it makes none.
pub(super) fn rewritten(
    raw: &str,
    carrier: Carrier<'_, '_>,
    inner: impl FnOnce(&str) -> Vec<Edit>,
) -> Option<String> {
    let decoded = carrier.decoded(raw);
    let inner = inner(&decoded);
    if inner.is_empty() {
        return None;
    }
    // What needed no decoding is copied as it is written.
    let is_copied = matches!(decoded, Cow::Borrowed(_)) && carrier.copies();
    let mut text = String::with_capacity(raw.len() * 2);
    let mut at = 0;
    for edit in inner {
        carrier.push(&decoded[at..edit.range.start], is_copied, &mut text);
        carrier.push(&edit.text, false, &mut text);
        at = edit.range.end;
    }
    carrier.push(&decoded[at..], is_copied, &mut text);
    Some(text)
}

/// The same for a value that is one address.
pub(super) fn replaced(
    raw: &str,
    carrier: Carrier<'_, '_>,
    address: impl FnOnce(&str) -> Option<String>,
) -> Option<String> {
    let new = address(&carrier.decoded(raw))?;
    let mut text = String::with_capacity(new.len() + 8);
    carrier.push(&new, false, &mut text);
    Some(text)
}

/// What a value stands in, and so how it is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Carrier<'t, 'h> {
    /// Text without character references.
    Raw,
    /// Text with character references.
    Text,
    /// An attribute of this tag, in these quotes; edited values get some where they had none, since
    /// addresses of proxies hold `=`.
    Value(&'t Tag<'h>, Quote),
}

impl Carrier<'_, '_> {
    /// What a raw value says.
    fn decoded(self, raw: &str) -> Cow<'_, str> {
        match self {
            Self::Raw => Cow::Borrowed(raw),
            _ if !raw.contains('&') => Cow::Borrowed(raw),
            _ => htmlize::unescape_attribute(raw),
        }
    }

    /// Whether what needs no decoding can be copied as it is written.
    fn copies(self) -> bool {
        !matches!(self, Self::Value(_, Quote::None))
    }

    fn push(self, text: &str, is_copied: bool, out: &mut String) {
        match self {
            _ if is_copied => out.push_str(text),
            Self::Raw => out.push_str(text),
            Self::Text => escape::TEXT.push(text, out),
            Self::Value(tag, quote) => tag.escape(text, quote, out),
        }
    }
}
