//! The image URLs of a field: in a tag's attributes, in style sheets, in documents in attributes.
//!
//! Invariant: what is outside an edited value stays byte for byte.

mod mask;
#[cfg(test)]
mod properties;
mod selectors;
#[cfg(test)]
mod tests;
mod values;

use crate::html::tag::Tag;
use crate::html::walk::Walk;
use crate::html::{Edit, Markup, css, srcset};
use crate::rewrite::places::{
    Kind, is_absolute_image, leads_to_an_image, names_an_image, reads_like_a_url,
};
pub(super) use selectors::Marked;
use selectors::Selectors;
pub use selectors::{Marks, SelectorError, check_selector};
pub(super) use values::{Carrier, Sheets, rewritten};
use values::{kind_of, replaced};

/// What is read besides images.
#[derive(Debug, Clone, Copy, Default)]
pub struct Covers {
    /// Links to image files.
    pub linked_images: bool,
    /// Audio and video.
    pub media: bool,
}

/// The kind of a place as far as it is asked for.
fn covered(kind: Kind, covers: Covers) -> Option<Kind> {
    match kind {
        Kind::Linked if !covers.linked_images => None,
        Kind::Media if !covers.media => None,
        Kind::LazyMedia if !covers.media => Some(Kind::ImageFile),
        kind => Some(kind),
    }
}

/// What finds and rewrites the image URLs of a feed's HTML; one for all its fields.
#[derive(Debug, Clone)]
pub struct HtmlPass {
    selectors: Selectors,
    covers: Covers,
}

/// An image URL in a field, and where it is.
#[derive(Debug)]
pub struct ImageReference<'a> {
    /// The URL as its author meant it: decoded, maybe relative.
    pub url: &'a str,
    /// The marks of the element that it belongs to.
    pub marks: Marks,
    /// The element's name.
    pub(in crate::rewrite) element: &'a str,
    /// The attribute's; empty for its text.
    pub(in crate::rewrite) attribute: &'a str,
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
        let selectors = Selectors::new(selectors)?;
        Ok(Self { selectors, covers })
    }

    /// Whether an element's marks have to be found.
    pub(in crate::rewrite) fn has_selectors(&self) -> bool {
        !self.selectors.is_empty()
    }

    /// Edits (sorted, not overlapping, decoded coordinates) that send every image URL in
    /// `html` through `rewrite`.
    pub fn edits(
        &self,
        html: &str,
        markup: Markup,
        rewrite: &mut dyn FnMut(&ImageReference<'_>) -> Option<String>,
    ) -> Vec<Edit> {
        self.edits_at((html, markup), 0, rewrite)
    }

    fn edits_at(
        &self,
        (html, markup): (&str, Markup),
        depth: usize,
        rewrite: &mut dyn FnMut(&ImageReference<'_>) -> Option<String>,
    ) -> Vec<Edit> {
        let marked = self.marked(html, markup);
        let mut walk = Walk::new(html, markup);
        let sheets = Sheets::new(html, markup);
        let mut tag = Tag::default();
        let mut edits = Vec::new();
        while walk.read(&mut tag) {
            let marks = marked.of(&tag);
            self.tag(&mut tag, (marks, depth), rewrite);
            tag.write(&mut edits);
            self.sheets(&sheets, (&tag, marks), rewrite, &mut edits);
        }
        edits
    }

    /// Which elements of a field match the selectors.
    pub(super) fn marked(&self, html: &str, markup: Markup) -> Marked {
        self.selectors.matching(html, markup)
    }

    /// Sends the image URLs in a tag through `rewrite`.
    pub(super) fn read(
        &self,
        tag: &mut Tag<'_>,
        marks: Marks,
        rewrite: &mut dyn FnMut(&ImageReference<'_>) -> Option<String>,
    ) {
        self.tag(tag, (marks, 0), rewrite);
    }

    fn tag(
        &self,
        tag: &mut Tag<'_>,
        (marks, depth): (Marks, usize),
        rewrite: &mut dyn FnMut(&ImageReference<'_>) -> Option<String>,
    ) {
        if tag.is_end {
            return;
        }
        if tag.has_more {
            // SECURITY: no URL is left because nobody looked at it.
            tag.cut_unlisted();
        }
        for index in 0..tag.attributes.len() {
            let attribute = &tag.attributes[index];
            let Some(raw) = tag.raw(attribute) else {
                continue;
            };
            let (element, name) = (tag.name, attribute.name);
            let kind = kind_of(tag.id, attribute, raw.as_bytes());
            let Some(kind) = kind.and_then(|kind| covered(kind, self.covers)) else {
                continue;
            };
            let carrier = Carrier::Value(tag, tag.quote(attribute));
            let mut show = |found: &str| {
                rewrite(&ImageReference {
                    url: found,
                    marks,
                    element,
                    attribute: name,
                })
            };
            let new = match kind {
                Kind::Url => replaced(raw, carrier, show),
                Kind::Document => {
                    rewritten(raw, carrier, |html| self.document(html, depth, rewrite))
                }
                _ => rewritten(raw, carrier, |value| inner_edits(value, kind, &mut show)),
            };
            if let Some(new) = new {
                tag.write_at(index, new);
            }
        }
    }

    /// The edits of a document in an attribute.
    fn document(
        &self,
        html: &str,
        depth: usize,
        rewrite: &mut dyn FnMut(&ImageReference<'_>) -> Option<String>,
    ) -> Vec<Edit> {
        match depth < DOCUMENTS_DEPTH_MAX {
            true => self.edits_at((html, Markup::Html), depth + 1, rewrite),
            false => Vec::new(),
        }
    }

    /// The edits of the style sheet that the element holds which `tag` starts, if it is one of style.
    pub(in crate::rewrite) fn sheets(
        &self,
        sheets: &Sheets<'_>,
        (tag, marks): (&Tag<'_>, Marks),
        rewrite: &mut dyn FnMut(&ImageReference<'_>) -> Option<String>,
        edits: &mut Vec<Edit>,
    ) {
        if !tag.starts("style") || tag.is_gone {
            return;
        }
        let inner = &mut |decoded: &str| {
            css::edits(decoded, &mut |found| {
                rewrite(&ImageReference {
                    url: found,
                    marks,
                    element: tag.name,
                    attribute: "",
                })
            })
        };
        sheets.edit(tag, inner, edits);
    }
}

/// The edits inside one decoded value.
fn inner_edits(
    decoded: &str,
    kind: Kind,
    rewrite: &mut dyn FnMut(&str) -> Option<String>,
) -> Vec<Edit> {
    match kind {
        Kind::Css => css::edits(decoded, rewrite),
        Kind::Srcset => srcset::edits(decoded, rewrite),
        Kind::Unlisted if decoded.trim_ascii().contains(char::is_whitespace) => {
            let mut shown = |one: &str| is_absolute_image(one).then(|| rewrite(one)).flatten();
            srcset::edits(decoded, &mut shown)
        }
        Kind::Unlisted if !is_absolute_image(decoded) => Vec::new(),
        Kind::Lazy | Kind::LazyMedia | Kind::ImageFile if css::may_hold_url(decoded.as_bytes()) => {
            css::edits(decoded, rewrite)
        }
        Kind::Lazy | Kind::LazyMedia if !reads_like_a_url(decoded) => Vec::new(),
        Kind::ImageFile if !names_an_image(decoded) => Vec::new(),
        Kind::Linked if !leads_to_an_image(decoded) => Vec::new(),
        _ => rewrite(decoded)
            .map(|text| Edit {
                range: 0..decoded.len(),
                text,
            })
            .into_iter()
            .collect(),
    }
}
