//! HTML as everybody here reads it who needs no tree: one tokenizer over a text's bytes.
//!
//! Invariants: pure. A text is read in one pass and nothing of it is copied; values stay as they are
//! written until somebody asks what they say. What is outside an edit stays byte for byte.

mod closing;
pub(crate) mod css;
mod edit;
mod ends;
pub(crate) mod escape;
mod name;
pub(crate) mod nesting;
mod open;
mod references;
pub(crate) mod srcset;
mod syntax;
pub(crate) mod tag;
#[cfg(test)]
mod tests;
pub(crate) mod walk;

pub(crate) use closing::{closing, mentions_noscript, whole_tags};
pub use edit::Edit;
pub(crate) use edit::apply;
pub(crate) use ends::Ends;
pub(crate) use name::{Name, Table, names};
pub(crate) use open::is_implied_end;
pub(crate) use references::Written;
pub(crate) use syntax::{RawText, comment, open_sheet, read_all_attributes, tag_end, tag_name};
pub(crate) use walk::Closing;

/// How markup is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Markup {
    /// As browsers read HTML.
    Html,
    /// As XML: any element can be closed in its start tag, and CDATA sections are text.
    Xhtml,
}

/// Elements without content (HTML §13.1.2).
pub(crate) const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
];

/// Whether an element of this name begins what is foreign to HTML.
pub(crate) fn is_foreign_root(id: Name) -> bool {
    id == Name::of("svg") || id == Name::of("math")
}

/// The names of the element and the attribute of the tag that the byte at `at` belongs to; empty
/// where there is none. For explanations: it looks no further back than the next `<`.
pub(crate) fn tag_around(html: &str, at: usize) -> (&str, &str) {
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
    let end = read_all_attributes(bytes, name.end, |attribute, value| {
        let reaches = value.is_some_and(|value| (attribute.start..=value.end).contains(&at));
        if reaches {
            around = &html[attribute];
        }
    });
    match end {
        Some(end) if at < end.at => (&html[name], around),
        _ => ("", ""),
    }
}
