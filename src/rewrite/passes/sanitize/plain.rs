//! The quick look at a tag of a field that every parser reads in the same way.
//!
//! Invariant: what is called harmless here holds nothing that [`super::danger`] forbids, whoever reads it.

use super::danger::{self, Element};
use crate::html::tag::{Quote, Tag};
use crate::html::{Name, names};

/// The most frequent elements, all of them harmless.
const ORDINARY_NAMES: [&str; 12] = [
    "p",
    "a",
    "img",
    "br",
    "strong",
    "em",
    "span",
    "div",
    "li",
    "figure",
    "h2",
    "blockquote",
];
const ORDINARY: [Name; 12] = names(ORDINARY_NAMES);
/// The most frequent attributes, harmless whatever they say.
const HARMLESS_NAMES: [&str; 12] = [
    "alt", "title", "class", "width", "height", "id", "rel", "target", "sizes", "loading", "dir",
    "lang",
];
const HARMLESS: [Name; 12] = names(HARMLESS_NAMES);

/// Whether a tag of plain HTML is an ordinary one, with nothing harmful in it.
pub(in crate::rewrite) fn is_harmless(tag: &Tag<'_>) -> bool {
    is_harmless_element(tag)
        && !tag.has_more
        && tag.attributes.iter().all(|attribute| {
            let raw = tag.raw(attribute).unwrap_or_default();
            is_plain_value(raw, tag.quote(attribute))
                && (attribute.id.is_one_of(&HARMLESS)
                    || is_plain_name(attribute.name)
                        && !danger::is_raw_attribute(tag.name, attribute.name, raw))
        })
}

fn is_harmless_element(tag: &Tag<'_>) -> bool {
    tag.id.is_one_of(&ORDINARY)
        || danger::element(tag.name) == Element::Kept
            && danger::plain_name(tag.name).len() == tag.name.len()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_frequent_is_harmless() {
        for name in ORDINARY_NAMES {
            assert_eq!(danger::element(name), Element::Kept, "{name}");
        }
        for name in HARMLESS_NAMES {
            for element in ["a", "img", "iframe", "object"] {
                let may_harm = danger::is_attribute(element, name, "javascript:x");
                assert!(!may_harm, "{name}");
            }
        }
    }
}
