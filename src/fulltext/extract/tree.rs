//! Small questions to a tree of HTML.

use dom_query::{Document, Matcher, NodeData, NodeRef};

/// Elements that are in a line of text.
const INLINE: &[&str] = &[
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "br", "cite", "code", "data", "del", "dfn",
    "em", "font", "i", "ins", "kbd", "mark", "math", "q", "rp", "rt", "ruby", "s", "samp", "small",
    "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr", "label", "img",
    "picture", "source", "svg", "input", "button", "output", "canvas", "map", "area", "meter",
    "progress", "slot", "nobr", "rb", "rtc",
];

/// Elements whose names say nothing of them: what an article is made of.
const NEVER_JUDGED: &[&str] = &[
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "p",
    "li",
    "dl",
    "dt",
    "dd",
    "table",
    "caption",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "th",
    "td",
    "colgroup",
    "col",
    "pre",
    "code",
    "kbd",
    "samp",
    "math",
    "svg",
    "blockquote",
    "q",
    "cite",
    "em",
    "strong",
    "b",
    "i",
    "br",
    "hr",
    "sub",
    "sup",
    "del",
    "mark",
    "abbr",
    "dfn",
    "var",
    "ruby",
    "rt",
    "rp",
    "img",
    "picture",
    "source",
    "video",
    "audio",
    "iframe",
    "body",
    "html",
    "small",
    "u",
    "s",
    "time",
    "figcaption",
    "summary",
];

/// Where an element's names stand while the article is looked for.
pub(super) const NAMES: &str = "data-fw-names";

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

/// Whether an element belongs to an article by what it is, whatever it is called.
pub(super) fn is_never_judged(node: &NodeRef<'_>) -> bool {
    is_any(node, NEVER_JUDGED)
}

pub(super) fn is_heading(node: &NodeRef<'_>) -> bool {
    is_any(node, &["h1", "h2", "h3", "h4", "h5", "h6"])
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

/// Whether a node is in a line of text, with all it holds.
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

/// Of a node's text, what is in links.
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
    for name in [
        "class",
        "id",
        NAMES,
        "itemprop",
        "data-testid",
        "data-component",
    ] {
        if let Some(value) = node.attr(name) {
            names.push_str(&value.to_ascii_lowercase());
            names.push(' ');
        }
    }
    names
}

/// Letters of the text of a piece of HTML.
pub(super) fn text_chars(html: &str) -> usize {
    Document::fragment(html).root().normalized_char_count()
}

/// Bytes of a text that is written at once.
const TEXT_BYTES_MAX: usize = 2 << 10;

/// The tree of a page.
pub(super) fn parse(html: &str) -> Document {
    let document = Document::from(html);
    split_texts(&document.root());
    document
}

/// The tree of a part of a page.
pub(super) fn fragment(html: &str) -> Document {
    let document = Document::fragment(html);
    split_texts(&document.root());
    document
}

/// Cuts long texts into several.
///
/// html5ever (0.40) writes a text by looking from each `&` and each no-break space through the rest
/// of it, so a long text of many would take the square of its length.
fn split_texts(root: &NodeRef<'_>) {
    let is_long = |node: &NodeRef<'_>| {
        node.query_or(false, |inner| match &inner.data {
            NodeData::Text { contents } => contents.len() > TEXT_BYTES_MAX,
            _ => false,
        })
    };
    let long: Vec<_> = root.descendants_it().filter(is_long).collect();
    for node in long {
        // What a script or a style sheet holds is written as it is.
        let is_raw = node
            .parent()
            .is_some_and(|parent| is_any(&parent, &["script", "style", "noscript"]));
        if is_raw {
            continue;
        }
        let text = node.text();
        let mut rest = &*text;
        while !rest.is_empty() {
            let (part, later) = rest.split_at(rest.floor_char_boundary(TEXT_BYTES_MAX));
            rest = later;
            node.insert_before(&node.tree.new_text(part));
        }
        node.remove_from_parent();
    }
}

/// What a node holds, as HTML.
pub(super) fn inner_html(node: &NodeRef<'_>) -> String {
    split_texts(node);
    node.inner_html().to_string()
}

/// A node as HTML.
pub(super) fn outer_html(node: &NodeRef<'_>) -> String {
    split_texts(node);
    node.html().to_string()
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

/// Makes the addresses of a page absolute, so that the same image has the same address wherever it
/// stands. Those in a place of the page itself stay.
pub(super) fn make_absolute(document: &Document, base: &url::Url) {
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
