//! What the rules do to one piece of XML: its pictures, its header and footer.
//!
//! Invariant: only attribute values that are pictures' addresses and fields that carry HTML are
//! ever replaced; `guid`, `id`, links, dates and titles never are.

use crate::feed::element::{self, Element};
use crate::feed::text::{Decoded, Edit};
use crate::feed::xml::{Attribute, Tag};
use crate::rewrite::address::Addresses;
use crate::rewrite::base::PieceBase;
use crate::rewrite::budget::{ADDRESS_BYTES_MAX, Budget};
use crate::rewrite::field::{self, Fullness, Role};
use crate::rewrite::fragment::{self, Closing};
use crate::rewrite::html::{HtmlPass, Markup};
use crate::rewrite::splice::Splicer;
use crate::rewrite::xhtml;

const XHTML_NAMESPACE: &str = "http://www.w3.org/1999/xhtml";

/// The picture rules.
#[derive(Debug)]
pub(super) struct Pictures {
    pub(super) addresses: Addresses,
    pub(super) html: HtmlPass,
}

/// A header and a footer, rendered for one item.
#[derive(Debug, Default)]
pub(super) struct Wrap {
    pub(super) header: String,
    pub(super) footer: String,
}

impl Wrap {
    pub(super) fn is_empty(&self) -> bool {
        self.header.is_empty() && self.footer.is_empty()
    }
}

/// What is done to the pieces of one feed.
pub(super) struct Work<'a> {
    pub(super) pictures: Option<&'a Pictures>,
    pub(super) base: &'a PieceBase<'a>,
    pub(super) wrap: &'a Wrap,
    pub(super) budget: &'a Budget,
}

/// Appends `xml` with the rules applied.
pub(super) fn rewrite(xml: &str, elements: &[Element<'_>], work: &Work<'_>, out: &mut String) {
    let fullest = if work.wrap.is_empty() {
        None
    } else {
        fullest_field(elements)
    };
    let mut splicer = Splicer::new(xml, out);
    for (index, element) in elements.iter().enumerate() {
        match field::role(elements, index) {
            Role::AddressAttribute(name) => {
                let Some(attribute) = element.tag.attribute(name) else {
                    continue;
                };
                let written = Decoded::attribute(attribute.value);
                if let Some(address) = work.address(elements, index, written.as_str()) {
                    replace_value(element, &attribute, address, &mut splicer);
                }
            }
            Role::AddressText => {
                let decoded = Decoded::content(&xml[element.content.clone()]);
                if let Some(address) = work.address(elements, index, decoded.as_str()) {
                    let text = decoded.as_str();
                    let start = text.len() - text.trim_start().len();
                    let edit = Edit {
                        range: start..text.trim_end().len(),
                        text: address,
                    };
                    splicer.replace(element.content.clone(), |out| decoded.splice(&[edit], out));
                }
            }
            Role::Html(_) => {
                let wrap = (fullest == Some(index)).then_some(work.wrap);
                rewrite_html(xml, elements, index, (work, wrap), &mut splicer);
            }
            Role::None => {}
        }
    }
    splicer.finish();
}

/// Lets `text` stand as the value of an attribute of `element`, in quotes.
pub(super) fn replace_value(
    element: &Element<'_>,
    attribute: &Attribute<'_>,
    text: String,
    splicer: &mut Splicer<'_, '_>,
) {
    let start = element.tag_range.start;
    let span = start + attribute.span.start..start + attribute.span.end;
    let decoded = Decoded::attribute(attribute.value);
    let range = 0..decoded.as_str().len();
    let quote = if attribute.quote.is_none() { "\"" } else { "" };
    splicer.replace(span, |out| {
        out.push_str(quote);
        decoded.splice(&[Edit { range, text }], out);
        out.push_str(quote);
    });
}

/// The field that header and footer go to.
fn fullest_field(elements: &[Element<'_>]) -> Option<usize> {
    let candidates = (0..elements.len()).filter(|&index| elements[index].depth == 1);
    let full = candidates.filter_map(|index| match field::role(elements, index) {
        Role::Html(fullness) if fullness > Fullness::Aside => Some((fullness, index)),
        _ => None,
    });
    // The first of the fullest.
    full.max_by_key(|&(fullness, index)| (fullness, std::cmp::Reverse(index)))
        .map(|(_, index)| index)
}

fn rewrite_html(
    xml: &str,
    elements: &[Element<'_>],
    index: usize,
    (work, wrap): (&Work<'_>, Option<&Wrap>),
    splicer: &mut Splicer<'_, '_>,
) {
    let element = &elements[index];
    let raw = &xml[element.content.clone()];
    let (decoded, markup) = if element.has_markup {
        (Decoded::markup(raw), Markup::Xhtml)
    } else {
        (Decoded::content(raw), Markup::Html)
    };
    let mut edits = match work.pictures {
        Some(pictures) => pictures
            .html
            .edits(decoded.as_str(), markup, &mut |written| {
                work.address(elements, index, written)
            }),
        None => Vec::new(),
    };
    if let Some(wrap) = wrap.filter(|wrap| !wrap.is_empty()) {
        match markup {
            Markup::Html => wrap_html(decoded.as_str(), wrap, &mut edits),
            Markup::Xhtml => wrap_xhtml(decoded.as_str(), wrap, &mut edits),
        }
    }
    if edits.is_empty() {
        return;
    }
    if element.content.is_empty() && element.tag.is_empty_element() {
        // `<description/>` opens up to take them.
        let tag = &xml[element.tag_range.clone()];
        let open = tag.strip_suffix("/>").unwrap_or(tag).trim_end();
        splicer.replace(element.tag_range.clone(), |out| {
            out.push_str(open);
            out.push('>');
            decoded.splice(&edits, out);
            out.push_str("</");
            out.push_str(element.tag.name());
            out.push('>');
        });
    } else {
        splicer.replace(element.content.clone(), |out| decoded.splice(&edits, out));
    }
}

/// Header before and footer behind an HTML fragment, inside the white space around it.
pub(super) fn wrap_html(html: &str, wrap: &Wrap, edits: &mut Vec<Edit>) {
    let start = html.len() - html.trim_start().len();
    let end = html.trim_end().len().max(start);
    if !wrap.header.is_empty() {
        edits.insert(
            0,
            Edit {
                range: start..start,
                text: wrap.header.clone(),
            },
        );
    }
    if !wrap.footer.is_empty() {
        // Where the fragment can't be closed, a footer would be shown as source text.
        if let Some(Closing { keep, text }) = fragment::closing(&html[..end]) {
            let text = format!("{text}{}", wrap.footer);
            edits.push(Edit {
                range: keep..end,
                text,
            });
        }
    }
}

/// The same for inline XHTML: inside the `div` that Atom asks for (RFC 4287 §3.1.1.3), if it is
/// there.
fn wrap_xhtml(markup: &str, wrap: &Wrap, edits: &mut Vec<Edit>) {
    let (start, end) = inner_of_div(markup).unwrap_or_else(|| {
        let start = markup.len() - markup.trim_start().len();
        (start, markup.trim_end().len().max(start))
    });
    // A `div` of ours that names its namespace is right whatever prefix the publisher uses.
    let own = |html: &str| {
        format!(
            "<div xmlns=\"{XHTML_NAMESPACE}\">{}</div>",
            xhtml::well_formed(html)
        )
    };
    if !wrap.header.is_empty() {
        edits.insert(
            0,
            Edit {
                range: start..start,
                text: own(&wrap.header),
            },
        );
    }
    if !wrap.footer.is_empty() {
        edits.push(Edit {
            range: end..end,
            text: own(&wrap.footer),
        });
    }
}

/// Where the content of the one `div` around `markup` stands.
fn inner_of_div(markup: &str) -> Option<(usize, usize)> {
    let start = markup.len() - markup.trim_start().len();
    let tag_end = start + tag_bytes(&markup[start..])?;
    let tag = Tag::parse(&markup[start..tag_end])?;
    let local = tag.name().rsplit(':').next()?;
    let is_div = local.eq_ignore_ascii_case("div") && !tag.is_empty_element();
    let end = markup.rfind("</").filter(|&end| end >= tag_end)?;
    (is_div && markup[end + 2..].trim_start().starts_with(tag.name())).then_some((tag_end, end))
}

/// The length of the start tag that `markup` begins with.
fn tag_bytes(markup: &str) -> Option<usize> {
    let mut quote = None;
    markup
        .bytes()
        .position(|byte| match (quote, byte) {
            (None, b'"' | b'\'') => {
                quote = Some(byte);
                false
            }
            (Some(open), byte) if open == byte => {
                quote = None;
                false
            }
            (None, b'>') => true,
            _ => false,
        })
        .map(|close| close + 1)
}

impl Work<'_> {
    /// The address to write for one that stands in `elements[index]`.
    fn address(&self, elements: &[Element<'_>], index: usize, written: &str) -> Option<String> {
        self.address_within(written, || element::bases(elements, index))
    }

    /// The address to write for one that stands under these `xml:base` values.
    pub(super) fn address_within(
        &self,
        written: &str,
        inner_bases: impl FnOnce() -> Vec<String>,
    ) -> Option<String> {
        let addresses = &self.pictures?.addresses;
        if written.len() > ADDRESS_BYTES_MAX || self.budget.is_exceeded() {
            return None;
        }
        let address = if is_absolute(written) {
            addresses.rewrite(written, None)
        } else {
            addresses.rewrite(written, Some(&self.base.within(&inner_bases())))
        };
        self.budget.spend(address?)
    }
}

/// Whether no base is needed; most addresses in feeds are absolute.
fn is_absolute(written: &str) -> bool {
    let written = written.trim_start().as_bytes();
    [&b"https://"[..], b"http://"].iter().any(|scheme| {
        written
            .get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}
