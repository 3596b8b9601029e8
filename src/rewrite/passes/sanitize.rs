//! Takes out of a field what no reader needs and what can only harm.
//!
//! Invariants: a field that holds nothing of that kind stays byte for byte; what comes out holds
//! nothing forbidden when a browser parses it, with scripts or without; it is idempotent.

mod browser;
mod danger;
mod old;
mod plain;
#[cfg(test)]
mod properties;
mod strict;
#[cfg(test)]
mod tests;
mod words;

use crate::html::Markup;
use crate::html::tag::Tag;
use crate::html::walk::tags;
use crate::html::{Edit, whole_tags};
use crate::rewrite::compose::Draft;
use crate::rewrite::explain::Trace;
use crate::rewrite::tree::TooComplex;
use crate::rewrite::{inline, xhtml};
use danger::Element;
use danger::may_harm;
pub(super) use plain::is_harmless;

/// How much is taken out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sanitize {
    /// Nothing.
    #[default]
    Off,
    /// Scripts, and what loads or sends things: see docs/configuration.md.
    Scripts,
    /// All that is not on a list of what articles are made of.
    Strict,
}

impl Sanitize {
    /// Whether there may be something in a field that goes; cheap.
    pub(super) fn may_change(self, html: &str) -> bool {
        match self {
            Self::Off => false,
            Self::Scripts => may_harm(html),
            Self::Strict => memchr::memchr3(b'<', b'&', b'>', html.as_bytes()).is_some(),
        }
    }
}

/// How often what was cut out may leave something behind that has to be cut out.
const ROUNDS_MAX: usize = 5;

/// What became of a field whose tree would be too large.
const ONLY_TOKENS: &str = "the field is too complex for a tree: what its tags say one by one was kept, by the strict list";

/// How much of a style element in svg or XHTML is looked at.
const SHEET_BYTES_MAX: usize = 4 << 10;

/// Edits that take out what `mode` forbids, of a field that it may change.
pub(super) fn edits(html: &str, markup: Markup, mode: Sanitize, trace: &Trace) -> Vec<Edit> {
    match mode {
        Sanitize::Off => Vec::new(),
        Sanitize::Strict => strict(html, markup, trace),
        Sanitize::Scripts => {
            let mut draft = Draft::new(html);
            for _ in 0..ROUNDS_MAX {
                let found = cut(draft.text(), markup);
                if found.is_empty() {
                    break;
                }
                draft.change(found);
            }
            let text = draft.text();
            // SECURITY: markup that browsers repair into something else than what was read here
            // (`<noscript>`, svg, math) is judged by a browser's parser.
            let cleaned = match is_safe(text, markup) {
                Ok(true) => return draft.into_edits(),
                Ok(false) => {
                    trace.skip("sanitize", html, 0..0, "only the strict list was safe");
                    strict::clean(text, markup)
                }
                // SECURITY: what can't be judged is not harmless.
                Err(TooComplex) => strict::reduce(text, markup),
            };
            if cleaned.is_reduced {
                trace.too_complex("sanitize", html, ONLY_TOKENS);
            }
            whole(html, cleaned.text)
        }
    }
}

/// Whether the text between the tags of inline markup is HTML that may not stay: readers that take
/// an element's text alone see nothing else.
pub(super) fn is_hidden_in_text(markup: &str, mode: Sanitize) -> bool {
    let text = inline::text(markup);
    let holds_tags = tags(&text, Markup::Html).next().is_some();
    holds_tags
        && match mode {
            Sanitize::Off => false,
            Sanitize::Scripts => may_harm(&text),
            Sanitize::Strict => true,
        }
}

/// Whether nothing harmful is left, whoever reads it.
fn is_safe(text: &str, markup: Markup) -> Result<bool, TooComplex> {
    match markup {
        // What is no XML everybody repairs in another way.
        Markup::Xhtml if !xhtml::is_well_formed(text) => Ok(false),
        _ if !may_harm(text) => Ok(true),
        Markup::Html if !old::is_harmless(text) => Ok(false),
        _ => browser::is_harmless(text),
    }
}

pub(in crate::rewrite) use danger::Element as Fate;

/// What becomes of an element of this name that no field holds.
pub(in crate::rewrite) fn fate(name: &str) -> Fate {
    danger::element(name)
}

/// Whether an attribute of such an element may not stay; its value as written.
pub(in crate::rewrite) fn attribute_may_harm(element: &str, name: &str, value: &str) -> bool {
    danger::is_raw_attribute(element, name, value)
}

/// The HTML of an article with nothing in it that is not on the strict list, but frames from anywhere
/// over https: a feed's own mode judges them.
pub(in crate::rewrite) fn clean(html: &str) -> String {
    strict::clean_article(html).text
}

/// Whether the strict list has the host that a frame comes from.
pub(in crate::rewrite) fn is_known_player(url: &str) -> bool {
    strict::is_frame(url)
}

fn strict(html: &str, markup: Markup, trace: &Trace) -> Vec<Edit> {
    let cleaned = strict::clean(html, markup);
    if cleaned.is_reduced {
        trace.too_complex("sanitize", html, ONLY_TOKENS);
    }
    whole(html, cleaned.text)
}

/// `text` in the place of all of `html`, if it says something else.
fn whole(html: &str, text: String) -> Vec<Edit> {
    if text == html {
        return Vec::new();
    }
    let range = 0..html.len();
    vec![Edit { range, text }]
}

/// Edits that cut out forbidden tags and attributes.
fn cut(html: &str, markup: Markup) -> Vec<Edit> {
    let mut edits = Vec::new();
    // Where the element starts that goes with all it holds, and how deep it holds itself.
    let mut gone: Option<(usize, String, usize)> = None;
    let mut is_removed_open = false;
    for tag in tags(html, markup) {
        if let Some((start, name, depth)) = &mut gone {
            if tag.starts(name) && !tag.is_self_closed {
                *depth += 1;
            } else if tag.ends(name) {
                *depth -= 1;
                if *depth == 0 {
                    edits.push(Edit::removing(*start..tag.range.end));
                    gone = None;
                }
            }
            continue;
        }
        let is_bad_sheet = tag.starts("style") && danger::is_style(sheet(html, &tag));
        let kind = if is_bad_sheet {
            Element::Removed
        } else {
            danger::element(tag.name)
        };
        match kind {
            // The end of raw text that went.
            _ if tag.is_end && std::mem::take(&mut is_removed_open) => {
                edits.push(Edit::removing(tag.range));
            }
            Element::Kept if tag.is_end => {}
            // SECURITY: what is not listed is not judged.
            Element::Kept if tag.has_more => edits.push(Edit::removing(tag.range)),
            Element::Kept => cut_attributes(html, &tag, &mut edits),
            Element::Unwrapped => edits.push(Edit::removing(tag.range)),
            Element::Removed
                if tag.is_end
                    || closes_itself(&tag, markup)
                    // Scripts that are left open are not to be seen, all else that follows is.
                    || tag.is_open_raw && !tag.starts("script")
                    || danger::plain_name(tag.name) != tag.name =>
            {
                edits.push(Edit::removing(tag.range));
            }
            Element::Removed => match tag.raw_end {
                Some(end) => {
                    edits.push(Edit::removing(tag.range.start..end));
                    is_removed_open = true;
                }
                None => gone = Some((tag.range.start, tag.name.to_owned(), 1)),
            },
        }
    }
    if let Some((start, ..)) = gone {
        edits.push(Edit::removing(start..html.len()));
    } else if markup == Markup::Html
        && edits.is_empty()
        && let Some(start) = whole_tags(html)
    {
        // A tag that never ends: no browser shows it, but what somebody puts behind it may end it.
        edits.extend((start < html.len()).then(|| Edit::removing(start..html.len())));
    }
    edits
}

/// Whether an element ends in its start tag: in XHTML, and in svg, where nothing is raw text.
fn closes_itself(tag: &Tag<'_>, markup: Markup) -> bool {
    tag.is_self_closed && (markup == Markup::Xhtml || tag.raw_end.is_none())
}

/// What a style element holds, as far as it is looked at; the rest is left to the browser's parser.
fn sheet<'h>(html: &'h str, tag: &Tag<'_>) -> &'h str {
    let start = tag.range.end;
    let window = html.floor_char_boundary(start + SHEET_BYTES_MAX);
    let end = tag
        .raw_end
        .or_else(|| html[start..window].find("</").map(|at| start + at));
    &html[start..end.unwrap_or(window)]
}

fn cut_attributes(html: &str, tag: &Tag<'_>, edits: &mut Vec<Edit>) {
    for attribute in &tag.attributes {
        let raw = attribute.value().map_or("", |value| &html[value]);
        let name = attribute.name;
        if danger::is_raw_attribute(tag.name, name, raw) {
            edits.push(tag.remove(attribute));
        }
    }
}
