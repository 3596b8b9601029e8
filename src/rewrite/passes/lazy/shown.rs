//! The image that a tag shows once scripts have run.

use super::candidate::{candidate, is_image};
use super::placeholder::is_placeholder;
use crate::html::tag::Tag;
use crate::rewrite::places::is_loadable;

/// The URL of the image that a tag stands for: its `src`, unless that is a placeholder, else the best
/// URL among its other attributes.
pub(in crate::rewrite) fn shown_url(tag: &Tag<'_>) -> Option<String> {
    if !is_image(tag) {
        return None;
    }
    let src = tag.value("src").unwrap_or_default();
    let src = src.trim_ascii();
    let candidate = candidate(tag);
    let is_replaced = || is_placeholder(tag, src, candidate.as_deref(), &|_| false);
    if is_loadable(src) && !is_replaced() {
        return Some(src.to_owned());
    }
    candidate.or_else(|| (!src.is_empty()).then(|| src.to_owned()))
}
