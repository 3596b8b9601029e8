//! What a parser of HTML 4 makes of a field: nothing is foreign to it, and only scripts and style
//! sheets hold raw text. Several readers use one (libxml2).

use super::danger::{self, Element};
use crate::html::tag::Tag;
use crate::html::walk::Walk;

/// Whether such a parser finds nothing forbidden.
pub(super) fn is_harmless(html: &str) -> bool {
    let mut walk = Walk::of_html4(html);
    let mut tag = Tag::default();
    while walk.read(&mut tag) {
        if tag.is_end {
            continue;
        }
        let mut attributes = tag.attributes.iter();
        let is_forbidden = tag.has_more
            || attributes.any(|attribute| {
                let raw = tag.raw(attribute).unwrap_or_default();
                danger::is_raw_attribute(tag.name, attribute.name, raw)
            });
        if is_forbidden || danger::element(tag.name) != Element::Kept {
            return false;
        }
    }
    true
}
