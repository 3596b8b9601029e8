//! What the rules do to one piece of XML: its pictures, its header and footer.
//!
//! Invariant: only attribute values that are pictures' addresses and fields that carry HTML are
//! ever replaced; `guid`, `id`, links, dates and titles never are.

use crate::feed::element::Element;
use crate::feed::text::{Decoded, Edit};
use crate::feed::xml::Attribute;
use crate::rewrite::base::{FieldBase, PieceBase};
use crate::rewrite::budget::Budget;
use crate::rewrite::explain::{Spot, Trace};
use crate::rewrite::field::{self, Fullness, Role};
use crate::rewrite::html::Markup;
use crate::rewrite::passes::{Passes, Site};
use crate::rewrite::splice::Splicer;
use crate::rewrite::wrap::Wrap;

/// What is done to the pieces of one feed.
pub(super) struct Work<'a> {
    pub(super) passes: &'a Passes,
    pub(super) base: &'a PieceBase<'a>,
    pub(super) wrap: &'a Wrap,
    pub(super) budget: &'a Budget,
    pub(super) trace: &'a Trace,
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
        let role = field::role(elements, index);
        if role != Role::None {
            work.trace.enter_field(element.tag.name());
        }
        let base = FieldBase::of_element(work.base, elements, index);
        match role {
            Role::MediaAttribute(_) if !work.covers_media() => {}
            Role::AddressAttribute(name) | Role::MediaAttribute(name) => {
                let Some(attribute) = element.tag.attribute(name) else {
                    continue;
                };
                let written = Decoded::attribute(attribute.value);
                if let Some(address) = work.address(&base, name, written.as_str()) {
                    replace_value(element, &attribute, address, &mut splicer);
                }
            }
            Role::AddressText => {
                let decoded = Decoded::content(&xml[element.content.clone()]);
                if let Some(address) = work.address(&base, "", decoded.as_str()) {
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
                rewrite_html(xml, element, &base, (work, wrap), &mut splicer);
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
    element: &Element<'_>,
    base: &FieldBase<'_>,
    (work, wrap): (&Work<'_>, Option<&Wrap>),
    splicer: &mut Splicer<'_, '_>,
) {
    let raw = &xml[element.content.clone()];
    let (decoded, markup) = if element.has_markup {
        (Decoded::markup(raw), Markup::Xhtml)
    } else {
        (Decoded::content(raw), Markup::Html)
    };
    let edits = work.field(decoded.as_str(), (markup, base), wrap);
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

impl Work<'_> {
    /// What the rules do to a field of HTML.
    pub(super) fn field(
        &self,
        html: &str,
        (markup, base): (Markup, &FieldBase<'_>),
        wrap: Option<&Wrap>,
    ) -> Vec<Edit> {
        self.passes.edits(html, &self.site(markup, base), wrap)
    }

    /// The address to write for a picture's that stands in a feed's element, in this attribute of
    /// it or (empty) as its text.
    pub(super) fn address(
        &self,
        base: &FieldBase<'_>,
        attribute: &str,
        written: &str,
    ) -> Option<String> {
        let addresses = &self.passes.pictures.as_ref()?.addresses;
        let site = self.site(Markup::Html, base);
        site.address(addresses, written, 0, Spot::InFeed(attribute))
    }

    /// Whether sound and film are rewritten like pictures.
    pub(super) fn covers_media(&self) -> bool {
        self.passes
            .pictures
            .as_ref()
            .is_some_and(|pictures| pictures.media)
    }

    fn site<'s>(&'s self, markup: Markup, base: &'s FieldBase<'s>) -> Site<'s> {
        Site {
            markup,
            base,
            budget: self.budget,
            trace: self.trace,
        }
    }
}
