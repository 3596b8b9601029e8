//! The quick look at a tag of a field that every parser reads in the same way.
//!
//! Invariant: what is called harmless here holds nothing that [`super::danger`] forbids, whoever reads it.

use super::danger::{self, Element};
use crate::html::tag::{Quote, Tag};

/// Whether a tag of plain HTML is an ordinary one, with nothing harmful in it.
pub(in crate::rewrite::passes) fn is_harmless(tag: &Tag<'_>) -> bool {
    danger::element(tag.name) == Element::Kept
        && danger::plain_name(tag.name).len() == tag.name.len()
        && !tag.has_more
        && tag.attributes.iter().all(|attribute| {
            let raw = tag.raw(attribute).unwrap_or_default();
            is_plain_name(attribute.name)
                && is_plain_value(raw, tag.quote(attribute))
                && !danger::is_raw_attribute(tag.name, attribute.name, raw)
        })
}

fn is_plain_name(name: &str) -> bool {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'.');
    name.bytes().all(is_plain)
}

/// Whether a value ends where it does to whoever reads it: old browsers took backticks for quotes.
fn is_plain_value(raw: &str, quote: Quote) -> bool {
    match quote {
        Quote::None => raw
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.%#/:".contains(&byte)),
        _ => memchr::memchr2(b'`', b'<', raw.as_bytes()).is_none(),
    }
}
