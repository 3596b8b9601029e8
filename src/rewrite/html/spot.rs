//! The places that hold picture addresses, and how an edited value is written back into one.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memmem};

use super::Covers;
use super::syntax::find;
use super::tag::Quote;
use crate::feed::text::Edit;
use crate::rewrite::places::Kind;
use crate::rewrite::{css, places};

/// A place that holds picture addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    /// Where the start tag is that it belongs to.
    pub(super) tag: usize,
    /// An attribute's raw value without its quotes, or a style sheet.
    pub(super) range: Range<usize>,
    pub(super) holds: Holds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Attribute(Kind),
    /// What a `style` element holds without character references.
    RawSheet,
    /// The same where character references count: text in XHTML and svg.
    Sheet,
}

impl Spot {
    /// The spot, if its kind is asked for.
    pub(super) fn covered(mut self, covers: Covers) -> Option<Self> {
        if let Holds::Attribute(kind) = self.holds {
            self.holds = Holds::Attribute(covered(kind, covers)?);
        }
        Some(self)
    }
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

/// The spot that an attribute is, if it may hold addresses.
pub(super) fn attribute_spot(
    html: &[u8],
    tag: usize,
    element: &[u8],
    attribute: Range<usize>,
    value: Range<usize>,
) -> Option<Spot> {
    let kind = kind_of(element, &html[attribute], &html[value.clone()])?;
    Some(Spot {
        tag,
        range: value,
        holds: Holds::Attribute(kind),
    })
}

/// The spot that the content of a `style` element is, if it may hold addresses.
pub(super) fn sheet_spot(
    html: &[u8],
    tag: usize,
    range: Range<usize>,
    holds: Holds,
) -> Option<Spot> {
    css::may_hold_address(&html[range.clone()]).then_some(Spot { tag, range, holds })
}

/// Adds the spots in the content, from `at` on, of a `style` element that holds markup like any
/// other: text, and what CDATA sections and comments hold, which is raw.
pub(super) fn push_sheets(html: &[u8], tag: usize, mut at: usize, spots: &mut Vec<Spot>) {
    loop {
        let open = find(html, at, b'<').unwrap_or(html.len());
        spots.extend(sheet_spot(html, tag, at..open, Holds::Sheet));
        let rest = &html[open..];
        let (start, close) = if rest.starts_with(b"<![CDATA[") {
            (open + 9, b"]]>")
        } else if rest.starts_with(b"<!--") {
            (open + 4, b"-->")
        } else {
            return;
        };
        let Some(length) = memmem::find(&html[start..], close) else {
            return;
        };
        let end = start + length;
        spots.extend(sheet_spot(html, tag, start..end, Holds::RawSheet));
        at = end + close.len();
    }
}

/// The edit of a spot, whose decoded value `inner` reads.
pub(super) fn spot_edit(
    html: &str,
    spot: &Spot,
    inner: impl FnOnce(&str) -> Vec<Edit>,
) -> Option<Edit> {
    let carrier = Carrier::of(html, spot);
    let new = rewritten(&html[spot.range.clone()], carrier, inner)?;
    Some(Edit {
        range: spot.range.clone(),
        text: match carrier {
            Carrier::Unquoted => format!("\"{new}\""),
            _ => new,
        },
    })
}

/// A raw value after the edits that `inner` makes of what it says; `None` when it makes none.
pub(super) fn rewritten(
    raw: &str,
    carrier: Carrier,
    inner: impl FnOnce(&str) -> Vec<Edit>,
) -> Option<String> {
    let decoded = match carrier {
        Carrier::Raw => Cow::Borrowed(raw),
        _ if !raw.contains('&') => Cow::Borrowed(raw),
        _ => htmlize::unescape_attribute(raw),
    };
    let inner = inner(&decoded);
    if inner.is_empty() {
        return None;
    }
    // What needed no decoding is copied as it is written.
    let is_copied = matches!(decoded, Cow::Borrowed(_)) && carrier != Carrier::Unquoted;
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

/// What a value stands in, and so how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    /// Text without character references.
    Raw,
    /// Text with character references.
    Text,
    /// Double quotes.
    Quoted,
    Apostrophes,
    /// Nothing; edited values get quotes, since addresses of proxies hold `=`.
    Unquoted,
}

impl From<Quote> for Carrier {
    fn from(quote: Quote) -> Self {
        match quote {
            Quote::Double => Self::Quoted,
            Quote::Single => Self::Apostrophes,
            Quote::None => Self::Unquoted,
        }
    }
}

impl Carrier {
    fn of(html: &str, spot: &Spot) -> Self {
        match spot.holds {
            Holds::RawSheet => Self::Raw,
            Holds::Sheet => Self::Text,
            Holds::Attribute(_) => match html.as_bytes()[..spot.range.start].last() {
                Some(b'"') => Self::Quoted,
                Some(b'\'') => Self::Apostrophes,
                _ => Self::Unquoted,
            },
        }
    }

    fn push(self, text: &str, is_copied: bool, out: &mut String) {
        if is_copied || self == Self::Raw {
            return out.push_str(text);
        }
        let mut done = 0;
        for (at, byte) in text.bytes().enumerate() {
            let escaped = match byte {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' if self != Self::Text => "&quot;",
                b'\'' if self == Self::Apostrophes => "&#39;",
                _ => continue,
            };
            out.push_str(&text[done..at]);
            out.push_str(escaped);
            done = at + 1;
        }
        out.push_str(&text[done..]);
    }
}
