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
mod spot;
mod svg;
pub(in crate::rewrite) mod tags;
#[cfg(test)]
mod tests;
mod unclosed;

use lol_html::Selector;

pub(in crate::rewrite) use scan::{read_all_attributes, tag_name};

use crate::feed::text::Edit;
use crate::rewrite::places::{
    Kind, is_absolute_picture, leads_to_a_picture, names_a_picture, reads_like_an_address,
};
use crate::rewrite::{css, srcset};
use spot::{Holds, Spot, spot_edit};

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

/// Which of the selectors of an [`HtmlPass`] an element matches, as bits.
pub type Marks = u64;

/// What is read besides pictures.
#[derive(Debug, Clone, Copy, Default)]
pub struct Covers {
    /// Links to picture files.
    pub linked_pictures: bool,
    /// Sound and film.
    pub media: bool,
}

/// What finds and rewrites the picture addresses of a feed's HTML; one for all its fields.
#[derive(Debug, Clone)]
pub struct HtmlPass {
    every_element: Selector,
    selectors: Vec<Selector>,
    /// What each of them marks elements with.
    marks: Vec<Marks>,
    covers: Covers,
}

/// An address that was found.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The address as its author meant it: decoded, maybe relative.
    pub address: &'a str,
    /// The marks of the element that it belongs to.
    pub marks: Marks,
    html: &'a str,
    /// Where the element's start tag is.
    tag: usize,
    /// Where the value is that holds the address.
    at: usize,
}

impl Seen<'_> {
    /// The names of the element and the attribute (empty: its text).
    pub(super) fn place(&self) -> (&str, &str) {
        let (element, _) = tag_around(self.html, self.tag);
        let (_, attribute) = tag_around(self.html, self.at);
        (element, attribute)
    }
}

/// How deep documents in attributes of documents are read (`srcdoc`).
const DOCUMENTS_DEPTH_MAX: usize = 4;

impl HtmlPass {
    /// Elements that match one of the CSS selectors get its marks. `noscript` can't be matched, nor
    /// what holds raw text in XHTML: the parser sees them under other names.
    ///
    /// # Errors
    /// When lol_html can't match by one of the selectors.
    pub fn new(selectors: &[(&str, Marks)], covers: Covers) -> Result<Self, SelectorError> {
        let parsed = selectors
            .iter()
            .map(|(selector, _)| parse_selector(selector));
        Ok(Self {
            every_element: parse_selector("*")?,
            selectors: parsed.collect::<Result<_, _>>()?,
            marks: selectors.iter().map(|(_, marks)| *marks).collect(),
            covers,
        })
    }

    /// Edits (sorted, not overlapping, decoded coordinates) that send every picture address in
    /// `html` through `address`.
    pub fn edits(
        &self,
        html: &str,
        markup: Markup,
        address: &mut dyn FnMut(&Seen<'_>) -> Option<String>,
    ) -> Vec<Edit> {
        self.edits_at((html, markup), 0, address)
    }

    fn edits_at(
        &self,
        (html, markup): (&str, Markup),
        depth: usize,
        address: &mut dyn FnMut(&Seen<'_>) -> Option<String>,
    ) -> Vec<Edit> {
        let mut edits: Vec<Edit> = Vec::new();
        let mut end = 0;
        for spot in self.spots(html, markup) {
            // What looks like tags inside a style sheet was read with the sheet.
            if spot.range.start < end {
                continue;
            }
            end = spot.range.end;
            edits.extend(spot_edit(html, &spot, |decoded| {
                if spot.holds == Holds::Attribute(Kind::Document) {
                    let is_read = depth < DOCUMENTS_DEPTH_MAX;
                    let inner = is_read.then_some((decoded, Markup::Html));
                    return inner
                        .map_or_else(Vec::new, |inner| self.edits_at(inner, depth + 1, address));
                }
                let mut show = |found: &str| {
                    address(&Seen {
                        address: found,
                        marks: spot.marks,
                        html,
                        tag: spot.tag,
                        at: spot.range.start,
                    })
                };
                inner_edits(decoded, spot.holds, &mut show)
            }));
        }
        edits
    }

    fn spots(&self, html: &str, markup: Markup) -> Vec<Spot> {
        let scan::Found {
            mut spots,
            mut unread_from,
        } = scan::spots(html, markup, self.covers);
        // SECURITY: nesting that exhausts the parser is no way to leak: a new one reads on.
        while let Some(from) = unread_from {
            let parsed = parse::spots((html, from), markup, &self.every_element, self.covers);
            spots.extend(parsed.spots);
            unread_from = parsed.stopped_at;
        }
        if !self.selectors.is_empty() && !spots.is_empty() {
            self.mark(html, markup, &mut spots);
        }
        spots
    }

    /// Gives each spot the marks of its element.
    fn mark(&self, html: &str, markup: Markup, spots: &mut [Spot]) {
        let matching = parse::matching_tags(html, markup, &self.selectors, &self.marks);
        for spot in spots {
            let found = matching.binary_search_by_key(&spot.tag, |&(tag, _)| tag);
            spot.marks = found.map_or(0, |at| matching[at].1);
        }
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
    let name = tag_name(bytes, (open + 1 + slash).min(bytes.len()));
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
        Holds::Attribute(Kind::Unlisted) if decoded.trim_ascii().contains(char::is_whitespace) => {
            let mut shown = |one: &str| is_absolute_picture(one).then(|| address(one)).flatten();
            srcset::edits(decoded, &mut shown)
        }
        Holds::Attribute(Kind::Unlisted) if !is_absolute_picture(decoded) => Vec::new(),
        Holds::Attribute(Kind::Lazy | Kind::LazyMedia | Kind::Pictured)
            if css::may_hold_address(decoded.as_bytes()) =>
        {
            css::edits(decoded, address)
        }
        Holds::Attribute(Kind::Lazy | Kind::LazyMedia) if !reads_like_an_address(decoded) => {
            Vec::new()
        }
        Holds::Attribute(Kind::Pictured) if !names_a_picture(decoded) => Vec::new(),
        Holds::Attribute(Kind::Linked) if !leads_to_a_picture(decoded) => Vec::new(),
        Holds::Attribute(_) => address(decoded)
            .map(|text| Edit {
                range: 0..decoded.len(),
                text,
            })
            .into_iter()
            .collect(),
    }
}
