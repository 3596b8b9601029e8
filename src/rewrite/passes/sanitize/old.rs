//! What a parser of HTML 4 makes of a field: nothing is foreign to it, and only scripts and style
//! sheets hold raw text. Several readers use one (libxml2).

use super::danger::{self, Element};
use crate::rewrite::fragment::token::{Token, Tokens};

/// Whether such a parser finds nothing forbidden.
pub(super) fn is_harmless(html: &str) -> bool {
    let mut tokens = Tokens::new(html);
    while let Some(token) = tokens.next(false) {
        let Token::Start(tag) = token else { continue };
        let is_forbidden = |(name, value): (&str, Option<&str>)| {
            danger::is_raw_attribute(tag.name, name, value.unwrap_or_default())
        };
        if danger::element(tag.name) != Element::Kept || tag.attributes().any(is_forbidden) {
            return false;
        }
        if tag.name.eq_ignore_ascii_case("style") {
            tokens.raw_text(tag.name);
        }
    }
    true
}
