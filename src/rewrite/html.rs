//! The picture addresses in one field of HTML, found without serialising anything anew.
//!
//! Two readers find the same spots. `scan` reads tags by itself where nothing but the tags
//! matters, which is nearly everywhere, at a fraction of a parser's time. `lol_html` reads where
//! context matters: selectors, raw text inside svg or math, scripts that hide comments. Both
//! return positions only; the edits are made here.
//!
//! Invariants: what is outside an edited attribute value stays byte for byte; where both readers
//! can read, they find the same (a property test holds them to it).

mod mask;
mod parse;
#[cfg(test)]
mod properties;
mod scan;
mod svg;
pub(in crate::rewrite) mod tags;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use lol_html::Selector;

use crate::feed::text::Edit;
use crate::rewrite::places::{Kind, names_a_picture, reads_like_an_address};
use crate::rewrite::{css, srcset};

/// How a field's markup is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Markup {
    /// As browsers without scripts read HTML.
    Html,
    /// As XML: any element can be closed in its start tag, and CDATA sections are text.
    Xhtml,
}

/// Why a selector is refused; its `Display` is a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the CSS selector `{selector}` can't be used")]
pub struct SelectorError {
    selector: String,
    #[source]
    reason: lol_html::errors::SelectorError,
}

/// Checks a CSS selector.
///
/// # Errors
/// When lol_html can't match by it.
pub fn check_selector(selector: &str) -> Result<(), SelectorError> {
    parse_selector(selector).map(drop)
}

/// What finds and rewrites the picture addresses of a feed's HTML; one for all its fields.
#[derive(Debug, Clone)]
pub struct HtmlPass {
    every_element: Selector,
    skip_images: Vec<Selector>,
}

/// A place that holds picture addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Spot {
    /// Where the start tag is that it belongs to.
    tag: usize,
    /// An attribute's raw value without its quotes, or a style sheet.
    range: Range<usize>,
    holds: Holds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Attribute(Kind),
    /// What a `style` element holds without character references.
    RawSheet,
    /// The same where character references count: text in XHTML and svg.
    Sheet,
}

impl HtmlPass {
    /// Elements that match one of the CSS selectors `skip_images` stay as they are. `noscript`
    /// can't be matched, nor what holds raw text in XHTML: the parser sees them under other names.
    ///
    /// # Errors
    /// When lol_html can't match by one of the selectors.
    pub fn new(skip_images: &[String]) -> Result<Self, SelectorError> {
        let skip_images = skip_images
            .iter()
            .map(|selector| parse_selector(selector))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            every_element: parse_selector("*")?,
            skip_images,
        })
    }

    /// Edits (sorted, not overlapping, decoded coordinates) that send every picture address in
    /// `html` through `address`, which is given addresses as their author meant them.
    pub fn edits(
        &self,
        html: &str,
        markup: Markup,
        address: &mut dyn FnMut(&str) -> Option<String>,
    ) -> Vec<Edit> {
        let mut edits: Vec<Edit> = Vec::new();
        let mut end = 0;
        for spot in self.spots(html, markup) {
            // What looks like tags inside a style sheet was read with the sheet.
            if spot.range.start < end {
                continue;
            }
            end = spot.range.end;
            edits.extend(spot_edit(html, spot, address));
        }
        edits
    }

    fn spots(&self, html: &str, markup: Markup) -> Vec<Spot> {
        let scan::Found {
            mut spots,
            mut unread_from,
        } = scan::spots(html, markup);
        // SECURITY: nesting that exhausts the parser is no way to leak: a new one reads on.
        while let Some(from) = unread_from {
            let parsed = parse::spots(html, from, markup, &self.every_element);
            spots.extend(parsed.spots);
            unread_from = parsed.stopped_at;
        }
        if !self.skip_images.is_empty() && !spots.is_empty() {
            let skipped = parse::matching_tags(html, markup, &self.skip_images);
            spots.retain(|spot| skipped.binary_search(&spot.tag).is_err());
        }
        spots
    }
}

/// The names of the element and the attribute of the tag that the byte at `at` belongs to; empty
/// where there is none. For explanations: it looks no further back than the next `<`.
pub(super) fn tag_around(html: &str, at: usize) -> (&str, &str) {
    let bytes = html.as_bytes();
    let within = (at + 1).min(bytes.len());
    let Some(open) = memchr::memrchr(b'<', &bytes[..within]) else {
        return ("", "");
    };
    let slash = usize::from(bytes.get(open + 1) == Some(&b'/'));
    let name = scan::tag_name(bytes, (open + 1 + slash).min(bytes.len()));
    if !bytes.get(name.start).is_some_and(u8::is_ascii_alphabetic) {
        return ("", "");
    }
    let mut around = "";
    let end = scan::read_attributes(bytes, name.end, |attribute, value| {
        if (attribute.start..=value.end).contains(&at) {
            around = &html[attribute];
        }
    });
    match end {
        Some(end) if at < end.at => (&html[name], around),
        _ => ("", ""),
    }
}

fn parse_selector(selector: &str) -> Result<Selector, SelectorError> {
    selector.parse().map_err(|reason| SelectorError {
        selector: selector.to_owned(),
        reason,
    })
}

fn spot_edit(
    html: &str,
    spot: Spot,
    address: &mut dyn FnMut(&str) -> Option<String>,
) -> Option<Edit> {
    let raw = &html[spot.range.clone()];
    let carrier = Carrier::of(html, &spot);
    let decoded = match carrier {
        Carrier::Raw => Cow::Borrowed(raw),
        _ if !raw.contains('&') => Cow::Borrowed(raw),
        _ => htmlize::unescape_attribute(raw),
    };
    let inner = inner_edits(&decoded, spot.holds, address);
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
        range: spot.range,
        text,
    })
}

/// What a value stands in, and so how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carrier {
    /// Text without character references.
    Raw,
    /// Double quotes, or text with character references.
    Quoted,
    Apostrophes,
    /// Nothing; edited values get quotes, since addresses of proxies hold `=`.
    Unquoted,
}

impl Carrier {
    fn of(html: &str, spot: &Spot) -> Self {
        match spot.holds {
            Holds::RawSheet => Self::Raw,
            Holds::Sheet => Self::Quoted,
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
                '"' => out.push_str("&quot;"),
                '\'' if self == Self::Apostrophes => out.push_str("&#39;"),
                other => out.push(other),
            }
        }
    }
}

/// The edits inside one decoded value.
fn inner_edits(
    decoded: &str,
    holds: Holds,
    address: &mut dyn FnMut(&str) -> Option<String>,
) -> Vec<Edit> {
    match holds {
        Holds::RawSheet | Holds::Sheet | Holds::Attribute(Kind::Css) => {
            css::edits(decoded, address)
        }
        Holds::Attribute(Kind::Srcset) => srcset::edits(decoded, address),
        Holds::Attribute(Kind::Lazy | Kind::Pictured)
            if css::may_hold_address(decoded.as_bytes()) =>
        {
            css::edits(decoded, address)
        }
        Holds::Attribute(Kind::Lazy) if !reads_like_an_address(decoded) => Vec::new(),
        Holds::Attribute(Kind::Pictured) if !names_a_picture(decoded) => Vec::new(),
        Holds::Attribute(_) => address(decoded)
            .map(|text| Edit {
                range: 0..decoded.len(),
                text,
            })
            .into_iter()
            .collect(),
    }
}
