//! Pages in XHTML: an element that is closed in its start tag is none to a parser of HTML, for which
//! `<script src="x"/>` holds the rest of the page. Such elements get an end tag.

use std::borrow::Cow;

use crate::html::walk::tags;
use crate::html::{Edit, Markup, VOID, apply};

/// How far into a page it says that it is XHTML.
const HEAD_BYTES: usize = 2 << 10;

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
    let closed = tags(text, Markup::Html).filter(|tag| tag.is_self_closed && !tag.is_end);
    let edits: Vec<_> = closed
        .filter(|tag| !VOID.iter().any(|void| tag.starts(void)))
        .map(|tag| {
            let end = tag.range.end;
            let start = text[..end - "/>".len()].trim_end().len();
            Edit {
                range: start..end,
                text: format!("></{}>", tag.name),
            }
        })
        .collect();
    Cow::Owned(apply(text, &edits))
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
