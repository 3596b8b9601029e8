//! Small questions to a tree of HTML.

use dom_query::{Matcher, NodeRef};

/// Elements that stand in a line of text.
const INLINE: &[&str] = &[
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "br", "cite", "code", "data", "del", "dfn",
    "em", "font", "i", "ins", "kbd", "mark", "math", "q", "rp", "rt", "ruby", "s", "samp", "small",
    "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr", "label", "img",
    "picture", "source", "svg", "input", "button",
];

/// Elements that hold something to see or hear which is no text.
const MEDIA: &[&str] = &[
    "img", "picture", "video", "audio", "iframe", "object", "embed", "table", "pre", "math", "svg",
];

/// A selector of ours.
pub(super) fn matcher(selector: &str) -> Option<Matcher> {
    Matcher::new(selector).ok()
}

pub(super) fn is_any(node: &NodeRef<'_>, names: &[&str]) -> bool {
    names.iter().any(|name| node.has_name(name))
}

/// Letters of a node's text, white space counted once.
pub(super) fn chars_of(node: &NodeRef<'_>) -> usize {
    node.normalized_char_count()
}

/// A node's text in one line.
pub(super) fn line_of(node: &NodeRef<'_>) -> String {
    one_line(&node.text())
}

/// `text` with single spaces.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// Whether a node stands in a line of text, with all it holds.
pub(super) fn is_inline(node: &NodeRef<'_>) -> bool {
    if !node.is_element() {
        return true;
    }
    is_any(node, INLINE) && node.children_it(false).all(|child| is_inline(&child))
}

/// Whether there is something in a node that is no text.
pub(super) fn has_media(node: &NodeRef<'_>) -> bool {
    is_any(node, MEDIA) || node.descendants_it().any(|inner| is_any(&inner, MEDIA))
}

/// Of a node's text, what stands in links.
pub(super) fn link_share(node: &NodeRef<'_>) -> f64 {
    let all = chars_of(node);
    if all == 0 {
        return 0.0;
    }
    let in_links: usize = if node.has_name("a") {
        all
    } else {
        let links = node.descendants_it().filter(|inner| inner.has_name("a"));
        links.map(|link| chars_of(&link)).sum()
    };
    in_links as f64 / all as f64
}

/// The words of an element's class and id, in lower case.
pub(super) fn names_of(node: &NodeRef<'_>) -> String {
    let mut names = String::new();
    for name in ["class", "id", "itemprop", "data-testid", "data-component"] {
        if let Some(value) = node.attr(name) {
            names.push_str(&value.to_ascii_lowercase());
            names.push(' ');
        }
    }
    names
}

/// Letters of the text of a piece of HTML.
pub(super) fn text_chars(html: &str) -> usize {
    dom_query::Document::fragment(html)
        .root()
        .normalized_char_count()
}

/// Elements and their attributes that hold one address.
const ADDRESSES: &[(&str, &str)] = &[
    ("a", "href"),
    ("img", "src"),
    ("iframe", "src"),
    ("video", "src"),
    ("video", "poster"),
    ("audio", "src"),
    ("source", "src"),
];

/// Makes the addresses of a page absolute, so that the same picture has the same address wherever it
/// stands. Those in a place of the page itself stay.
pub(super) fn make_absolute(document: &dom_query::Document, base: &url::Url) {
    for (element, attribute) in ADDRESSES {
        for node in document.select(element).nodes() {
            let Some(written) = node.attr(attribute) else {
                continue;
            };
            if written.starts_with('#') || written.starts_with("data:") || written.trim().is_empty()
            {
                continue;
            }
            if let Ok(url) = base.join(written.trim()) {
                node.set_attr(attribute, url.as_str());
            }
        }
    }
}
