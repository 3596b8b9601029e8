//! What a browser makes of a field: its parser runs, and every element it creates is judged.

use std::borrow::Cow;

use html5ever::Attribute;

use super::danger::{self, Element};
use crate::html::mentions_noscript;
use crate::rewrite::tree::{self, Context, Limits, Seen, TooComplex};

/// Whether a browser finds nothing forbidden in `html`, with scripts and without.
///
/// # Errors
/// When that can't be told: the tree would be too large.
pub(super) fn is_harmless(html: &str) -> Result<bool, TooComplex> {
    // Scripts make a difference to one element only.
    Ok(judge(html, false)? && (!mentions_noscript(html) || judge(html, true)?))
}

fn judge(html: &str, runs_scripts: bool) -> Result<bool, TooComplex> {
    let mut is_harmless = true;
    let context = Context::div(runs_scripts);
    tree::watch(html, context, Limits::FIELD, &mut |seen| {
        is_harmless &= match seen {
            Seen::Element(name, attributes) => is_allowed(name, attributes),
            Seen::Style(sheet) => !danger::is_style(sheet),
        };
    })?;
    Ok(is_harmless)
}

fn is_allowed(element: &str, attributes: &[Attribute]) -> bool {
    let is_forbidden = |attribute: &Attribute| {
        let local = &*attribute.name.local;
        let name = match &attribute.name.prefix {
            Some(prefix) => Cow::Owned(format!("{prefix}:{local}")),
            None => Cow::Borrowed(local),
        };
        danger::is_attribute(element, &name, &attribute.value)
    };
    danger::element(element) == Element::Kept && !attributes.iter().any(is_forbidden)
}
