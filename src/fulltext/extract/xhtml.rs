//! Pages in XHTML: an element that is closed in its start tag is none to a parser of HTML, for which
//! `<script src="x"/>` holds the rest of the page. Such elements get an end tag.

use std::borrow::Cow;

/// How far into a page it says that it is XHTML.
const HEAD_BYTES: usize = 2 << 10;

/// Elements that have no end tag in HTML.
const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
];

/// Whether a page is in XHTML, by its type, its first line or its root.
pub(super) fn is_xhtml(text: &str, content_type: Option<&str>) -> bool {
    let head = text[..text.floor_char_boundary(HEAD_BYTES)].trim_start();
    content_type.is_some_and(|value| value.to_ascii_lowercase().contains("xml"))
        || head.starts_with("<?xml")
        || head.contains("http://www.w3.org/1999/xhtml")
}

/// `text` with an end tag for each element that is closed in its start tag.
pub(super) fn close_elements(text: &str) -> Cow<'_, str> {
    if !text.contains("/>") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + text.len() / 64);
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let (before, from) = rest.split_at(open);
        out.push_str(before);
        let Some(end) = end_of(from) else {
            rest = from;
            break;
        };
        let (part, later) = from.split_at(end);
        rest = later;
        let name = name_of(part);
        let is_closed = part.ends_with("/>") && !name.is_empty();
        if is_closed && !VOID.iter().any(|void| name.eq_ignore_ascii_case(void)) {
            out.push_str(part[..part.len() - 2].trim_end());
            out.push_str("></");
            out.push_str(name);
            out.push('>');
        } else {
            out.push_str(part);
            if !part.ends_with("/>") && ["script", "style"].contains(&name) {
                // What these hold is no markup.
                let end = rest.find(&format!("</{name}")).unwrap_or(rest.len());
                out.push_str(&rest[..end]);
                rest = &rest[end..];
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Where what starts with `<` ends: a comment, a section of CDATA, a tag.
fn end_of(from: &str) -> Option<usize> {
    for (start, end) in [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")] {
        if from.starts_with(start) {
            return Some(from.find(end)? + end.len());
        }
    }
    let mut quote = None;
    for (at, byte) in from.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// The name of a start tag; empty for what is none.
fn name_of(tag: &str) -> &str {
    let name = &tag[1..];
    if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return "";
    }
    let end = name.find(|letter: char| letter.is_ascii_whitespace() || "/>".contains(letter));
    &name[..end.unwrap_or(name.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_closed_in_its_start_tag_gets_an_end_tag() {
        let check = |text: &str, expected: &str| assert_eq!(close_elements(text), expected);
        check(
            "<script src=\"a\" /><p>x<br/><a id='y'/>z</p>",
            "<script src=\"a\"></script><p>x<br/><a id='y'></a>z</p>",
        );
        check("<a title=\"1/>\">b</a>", "<a title=\"1/>\">b</a>");
        check(
            "<!-- <i/> --><script>if (a </x/>) b</script><i/>",
            "<!-- <i/> --><script>if (a </x/>) b</script><i></i>",
        );
        check("a < b /> <i", "a < b /> <i");
        assert!(is_xhtml("<?xml version='1.0'?><html>", None));
        assert!(is_xhtml(
            "<html>",
            Some("application/xhtml+xml; charset=utf-8")
        ));
        assert!(!is_xhtml("<html>", Some("text/html")));
    }
}
