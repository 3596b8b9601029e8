//! A page in plain HTML: what the search for the article, and what counts what it finds, would take
//! for something that ends a line of text becomes an element of lines, or goes.

use dom_query::NodeRef;

use super::tree::{is_any, is_inline};

/// Elements of lines that are not known as such everywhere.
const AS_SPANS: &[&str] = &[
    "output", "canvas", "map", "meter", "progress", "slot", "nobr", "bdi", "rb", "rtc", "font",
    "data",
];

/// Makes a page, or what was found on one, plain.
pub(super) fn make(root: &NodeRef<'_>) {
    let all = root.descendants();
    // The inner ones first, so that it is known what an element holds.
    for node in all.iter().rev().filter(|node| node.is_element()) {
        let is_empty_source = node.has_name("source")
            && !node.has_attr("srcset")
            && node
                .parent()
                .is_some_and(|parent| parent.has_name("picture"));
        if is_empty_source || is_any(node, &["svg", "area"]) {
            node.remove_from_parent();
        } else if is_any(node, AS_SPANS) {
            node.rename("span");
        } else if is_custom(node) {
            let is_line = node.children_it(false).all(|child| is_inline(&child));
            node.rename(if is_line && stands_in_line(node) {
                "span"
            } else {
                "div"
            });
        } else if node.has_name("footer") && is_in_quote(node) {
            // Who said it.
            node.rename("p");
        }
    }
}

/// `<g-emoji>`, `<clipboard-copy>`: elements with a name that the page made up.
fn is_custom(node: &NodeRef<'_>) -> bool {
    node.node_name()
        .is_some_and(|name| name.contains('-') && !name.starts_with("amp-ad"))
        && !node
            .ancestors_it(None)
            .any(|above| is_any(&above, &["math", "svg"]))
}

/// Whether there is text beside an element, or around it.
fn stands_in_line(node: &NodeRef<'_>) -> bool {
    let Some(parent) = node.parent() else {
        return false;
    };
    let is_line = is_any(
        &parent,
        &[
            "p",
            "a",
            "span",
            "em",
            "strong",
            "b",
            "i",
            "li",
            "td",
            "dd",
            "dt",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "figcaption",
            "code",
            "pre",
            "label",
        ],
    );
    is_line
        || parent
            .children_it(false)
            .any(|beside| beside.is_text() && beside.is_nonempty_text())
}

fn is_in_quote(footer: &NodeRef<'_>) -> bool {
    footer
        .ancestors_it(Some(3))
        .any(|above| above.has_name("blockquote"))
}
