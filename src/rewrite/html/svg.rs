//! Drawings without surprises, icons mostly, which the quick reader may step over: shapes and
//! text, no pictures, no style sheet, no HTML inside, nothing that makes a parser leave svg.

use memchr::memchr;

use super::Markup;
use super::spot::attribute_spot;
use super::syntax::{element_name, read_attributes, tag_name};

const SHAPES: &[&[u8]] = &[
    b"path",
    b"g",
    b"svg",
    b"circle",
    b"rect",
    b"line",
    b"polyline",
    b"polygon",
    b"ellipse",
    b"use",
    b"defs",
    b"symbol",
    b"lineargradient",
    b"radialgradient",
    b"stop",
    b"clippath",
    b"mask",
    b"text",
    b"tspan",
    b"title",
    b"desc",
];

/// Behind the `</svg>` of the svg element whose content starts at `at`, if all of it is plain.
pub(super) fn plain_end(html: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let open = at + memchr(b'<', &html[at..])?;
        let is_end_tag = html.get(open + 1) == Some(&b'/');
        let name = tag_name(html, (open + 1 + usize::from(is_end_tag)).min(html.len()));
        let element = element_name(html, name.clone(), Markup::Html);
        let is = |shape: &[u8]| element.eq_ignore_ascii_case(shape);
        if !SHAPES.iter().any(|shape| is(shape)) {
            return None;
        }
        let mut holds_pictures = false;
        let end = read_attributes(html, name.end, |attribute, value| {
            holds_pictures |= attribute_spot(html, open, element, attribute, value).is_some();
        })?;
        if holds_pictures || is(b"svg") {
            let is_plain = is_end_tag && !holds_pictures;
            return is_plain.then_some(end.at);
        }
        at = end.at;
        // Inside these, HTML begins; text alone is harmless.
        if (is(b"title") || is(b"desc")) && !is_end_tag && !end.is_self_closed {
            at += memchr(b'<', &html[at..])?;
            let closing = html.get(at + 2..at + 2 + element.len())?;
            let is_closed = html[at + 1] == b'/' && is(closing);
            if !is_closed {
                return None;
            }
        }
    }
}
