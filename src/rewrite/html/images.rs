//! The picture addresses of a field: in a tag's attributes, in style sheets, in documents in attributes.
//!
//! Invariants: what is outside an edited attribute value stays byte for byte; where both the walk and
//! the parser can read, they find the same (a property test holds them to it).

use lol_html::Selector;

use super::selectors::{Marked, Marks, SelectorError, parse_selector};
use super::spot::{Holds, Spot, covered, kind_of, push_sheets, rewritten, sheet_spot, spot_edit};
use super::syntax::open_sheet;
use super::tag::Tag;
use super::walk::{ATTRIBUTES_MAX, Walk};
use super::{Markup, parse, tag_around};
use crate::feed::text::Edit;
use crate::rewrite::places::{
    Kind, is_absolute_picture, leads_to_a_picture, names_a_picture, reads_like_an_address,
};
use crate::rewrite::{css, srcset};

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
    /// The element's name.
    pub(in crate::rewrite) element: &'a str,
    /// The attribute's; empty for its text.
    pub(in crate::rewrite) attribute: &'a str,
}

/// A shorter tag has no more attributes than are listed.
const LONG_TAG_BYTES: usize = 2 * ATTRIBUTES_MAX;
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

    /// Whether an element's marks have to be found.
    pub(in crate::rewrite) fn has_selectors(&self) -> bool {
        !self.selectors.is_empty()
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
        if !is_read_by_walking(html, markup) {
            return self.edits_by_parser((html, markup), depth, address);
        }
        let marked = self.marked(html, markup);
        let mut walk = Walk::without_drawings(html, markup);
        let mut tag = Tag::default();
        let mut edits = Vec::new();
        while walk.read(&mut tag) {
            let marks = marked.of(tag.range.start);
            self.tag(&mut tag, (marks, depth), address);
            tag.write(&mut edits);
            self.sheets((html, markup), (&tag, marks), address, &mut edits);
        }
        edits
    }

    /// Which elements of a field match the selectors.
    fn marked(&self, html: &str, markup: Markup) -> Marked {
        Marked(match self.has_selectors() {
            true => parse::matching_tags(html, markup, &self.selectors, &self.marks),
            false => Vec::new(),
        })
    }

    /// Sends the image URLs in a tag through `address`, where no selector counts.
    pub(in crate::rewrite) fn read(
        &self,
        tag: &mut Tag<'_>,
        address: &mut dyn FnMut(&Seen<'_>) -> Option<String>,
    ) {
        self.tag(tag, (0, 0), address);
    }

    fn tag(
        &self,
        tag: &mut Tag<'_>,
        (marks, depth): (Marks, usize),
        address: &mut dyn FnMut(&Seen<'_>) -> Option<String>,
    ) {
        if tag.is_end {
            return;
        }
        for index in 0..tag.attributes.len() {
            let attribute = &tag.attributes[index];
            let Some(raw) = tag.raw(attribute) else {
                continue;
            };
            let (element, name) = (tag.name, attribute.name);
            let kind = kind_of(element.as_bytes(), name.as_bytes(), raw.as_bytes());
            let Some(kind) = kind.and_then(|kind| covered(kind, self.covers)) else {
                continue;
            };
            let carrier = tag.quote(attribute).into();
            let new = rewritten(raw, carrier, |decoded| {
                if kind == Kind::Document {
                    return self.document(decoded, depth, address);
                }
                inner_edits(decoded, Holds::Attribute(kind), &mut |found| {
                    address(&Seen {
                        address: found,
                        marks,
                        element,
                        attribute: name,
                    })
                })
            });
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
        address: &mut dyn FnMut(&Seen<'_>) -> Option<String>,
    ) -> Vec<Edit> {
        match depth < DOCUMENTS_DEPTH_MAX {
            true => self.edits_at((html, Markup::Html), depth + 1, address),
            false => Vec::new(),
        }
    }

    /// The edits of the style sheet that the element holds which `tag` starts, if it is one of style.
    pub(in crate::rewrite) fn sheets(
        &self,
        (html, markup): (&str, Markup),
        (tag, marks): (&Tag<'_>, Marks),
        address: &mut dyn FnMut(&Seen<'_>) -> Option<String>,
        edits: &mut Vec<Edit>,
    ) {
        if !tag.starts("style") || tag.is_gone {
            return;
        }
        let (bytes, start) = (html.as_bytes(), tag.range.end);
        let mut spots = Vec::new();
        match markup {
            Markup::Html => {
                let content = tag
                    .raw_end
                    .map_or_else(|| open_sheet(bytes, start), |end| start..end);
                spots.extend(sheet_spot(bytes, tag.range.start, content, Holds::RawSheet));
            }
            Markup::Xhtml if tag.is_self_closed => {}
            Markup::Xhtml => push_sheets(bytes, tag.range.start, start, &mut spots),
        }
        for spot in spots {
            edits.extend(spot_edit(html, &spot, |decoded| {
                inner_edits(decoded, spot.holds, &mut |found| {
                    address(&Seen {
                        address: found,
                        marks,
                        element: tag.name,
                        attribute: "",
                    })
                })
            }));
        }
    }

    pub(super) fn edits_by_parser(
        &self,
        (html, markup): (&str, Markup),
        depth: usize,
        address: &mut dyn FnMut(&Seen<'_>) -> Option<String>,
    ) -> Vec<Edit> {
        let marked = self.marked(html, markup);
        let mut edits: Vec<Edit> = Vec::new();
        let mut end = 0;
        for spot in self.spots_by_parser(html, markup) {
            // What looks like tags inside a style sheet was read with the sheet.
            if spot.range.start < end {
                continue;
            }
            end = spot.range.end;
            edits.extend(spot_edit(html, &spot, |decoded| {
                if spot.holds == Holds::Attribute(Kind::Document) {
                    return self.document(decoded, depth, address);
                }
                let (element, _) = tag_around(html, spot.tag);
                let (_, attribute) = tag_around(html, spot.range.start);
                inner_edits(decoded, spot.holds, &mut |found| {
                    address(&Seen {
                        address: found,
                        marks: marked.of(spot.tag),
                        element,
                        attribute,
                    })
                })
            }));
        }
        edits
    }

    fn spots_by_parser(&self, html: &str, markup: Markup) -> Vec<Spot> {
        let mut spots = Vec::new();
        let mut unread_from = Some(0);
        // SECURITY: nesting that exhausts the parser is no way to leak: a new one reads on.
        while let Some(from) = unread_from {
            let parsed = parse::spots((html, from), markup, &self.every_element, self.covers);
            spots.extend(parsed.spots);
            unread_from = parsed.stopped_at;
        }
        spots
    }
}

/// Whether a field's pictures are found without a parser.
pub(in crate::rewrite) fn is_read_by_walking(html: &str, markup: Markup) -> bool {
    let bytes = html.as_bytes();
    let mut last = 0;
    // Drawings, formulas, scripts and very long tags alone need one.
    let mut may_need_parser = |open: usize| {
        let is_long = open - std::mem::replace(&mut last, open) > LONG_TAG_BYTES;
        let is_named = bytes.get(open + 1..open + 4).is_some_and(|start| {
            let mut names = [b"svg", b"mat", b"scr"].into_iter();
            names.any(|name| markup == Markup::Html && start.eq_ignore_ascii_case(name))
        });
        is_long || is_named
    };
    if !memchr::memchr_iter(b'<', bytes).any(&mut may_need_parser) && !may_need_parser(bytes.len())
    {
        return true;
    }
    let mut walk = Walk::without_drawings(html, markup);
    let mut tag = Tag::default();
    while walk.read(&mut tag) {}
    !walk.needs_parser()
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
