//! HTML as the rules read it: the walk over a field's tags, and the picture addresses in them.
//!
//! The walk reads tags by itself where nothing but the tags matters, which is nearly everywhere, at
//! a fraction of a parser's time. `lol_html` reads a field where context matters: selectors, raw
//! text inside svg or math, scripts that hide comments. It returns positions only.
//!
//! Invariants: what is outside an edited attribute value stays byte for byte; where both readers
//! can read, they find the same (a property test holds them to it).

mod images;
mod mask;
mod parse;
#[cfg(test)]
mod properties;
mod selectors;
mod spot;
mod svg;
mod syntax;
pub(in crate::rewrite) mod tag;
#[cfg(test)]
mod tests;
mod unclosed;
pub(in crate::rewrite) mod walk;

pub(in crate::rewrite) use images::is_read_by_walking;
pub use images::{Covers, HtmlPass, Seen};
pub use selectors::{Marks, SelectorError, check_selector};
pub(in crate::rewrite) use syntax::{read_all_attributes, tag_name};

/// How a field's markup is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Markup {
    /// As browsers without scripts read HTML.
    Html,
    /// As XML: any element can be closed in its start tag, and CDATA sections are text.
    Xhtml,
}

/// The names of the element and the attribute of the tag that the byte at `at` belongs to; empty
/// where there is none. For explanations: it looks no further back than the next `<`.
pub(super) fn tag_around(html: &str, at: usize) -> (&str, &str) {
    let bytes = html.as_bytes();
    let within = (at + 1).min(bytes.len());
    let Some(open) = memchr::memrchr(b'<', &bytes[..within]) else {
        return ("", "");
    };
    let slash = usize::from(bytes.get(open + 1) == Some(&b'/'));
    let name = tag_name(bytes, (open + 1 + slash).min(bytes.len()));
    if !bytes.get(name.start).is_some_and(u8::is_ascii_alphabetic) {
        return ("", "");
    }
    let mut around = "";
    let end = syntax::read_attributes(bytes, name.end, |attribute, value| {
        if (attribute.start..=value.end).contains(&at) {
            around = &html[attribute];
        }
    });
    match end {
        Some(end) if at < end.at => (&html[name], around),
        _ => ("", ""),
    }
}
