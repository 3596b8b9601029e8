//! The places that hold picture addresses, and how an edited value is written back into one.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memmem};

use super::scan::find;
use super::{Covers, Marks};
use crate::feed::text::Edit;
use crate::rewrite::places::Kind;
use crate::rewrite::{css, places};

/// A place that holds picture addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    /// Where the start tag is that it belongs to.
    pub(super) tag: usize,
    /// The marks of that element.
    pub(super) marks: Marks,
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
        match self.holds {
            Holds::Attribute(Kind::Linked) if !covers.linked_pictures => return None,
            Holds::Attribute(Kind::Media) if !covers.media => return None,
            Holds::Attribute(Kind::LazyMedia) if !covers.media => {
                self.holds = Holds::Attribute(Kind::Pictured);
            }
            _ => {}
        }
        Some(self)
    }
}

/// The spot that an attribute is, if it may hold addresses.
pub(super) fn attribute_spot(
    html: &[u8],
    tag: usize,
    element: &[u8],
    attribute: Range<usize>,
    value: Range<usize>,
) -> Option<Spot> {
    if value.is_empty() {
        return None;
    }
    let kind = places::look_up(element, &html[attribute.clone()]).or_else(|| {
        let value = &html[value.clone()];
        let may_hold = places::may_hold_unlisted(element, &html[attribute], value);
        may_hold.then_some(Kind::Unlisted)
    })?;
    let is_nothing = kind == Kind::Css
        && !css::may_hold_address(&html[value.clone()])
        && memchr(b'&', &html[value.clone()]).is_none();
    (!is_nothing).then_some(Spot {
        tag,
        marks: 0,
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
    css::may_hold_address(&html[range.clone()]).then_some(Spot {
        tag,
        marks: 0,
        range,
        holds,
    })
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
    let raw = &html[spot.range.clone()];
    let carrier = Carrier::of(html, spot);
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
    text.extend((carrier == Carrier::Unquoted).then_some('"'));
    for edit in inner {
        carrier.push(&decoded[at..edit.range.start], is_copied, &mut text);
        carrier.push(&edit.text, false, &mut text);
        at = edit.range.end;
    }
    carrier.push(&decoded[at..], is_copied, &mut text);
    text.extend((carrier == Carrier::Unquoted).then_some('"'));
    Some(Edit {
        range: spot.range.clone(),
        text,
    })
}

/// What a value stands in, and so how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carrier {
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
        let is_special = |byte| matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'');
        if is_copied || self == Self::Raw || !text.bytes().any(is_special) {
            out.push_str(text);
            return;
        }
        for character in text.chars() {
            match character {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' if self != Self::Text => out.push_str("&quot;"),
                '\'' if self == Self::Apostrophes => out.push_str("&#39;"),
                other => out.push(other),
            }
        }
    }
}
