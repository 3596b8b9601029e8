//! Parts of a page that the search for the article must not look into, since it would judge and cut
//! what they hold: code, formulas, players. Each is taken out before, with its text or an image in its
//! place, and put back behind.

use dom_query::{Document, NodeRef};

use super::players;
use super::tree::{self, is_any, line_of};

/// Which one stands here.
const NUMBER: &str = "data-fw-opaque";
/// SECURITY: whatever a page says, an image there is none but that of a player of the same page.
const IMAGES: &str = "https://opaque.invalid/";

/// What was taken out, as HTML.
#[derive(Debug, Default)]
pub(super) struct Opaque {
    parts: Vec<String>,
}

impl Opaque {
    /// Takes them out of a page.
    pub(super) fn take(document: &Document) -> Self {
        let mut opaque = Self::default();
        let all = document.root().descendants();
        for node in all.iter().filter(|node| node.is_element()) {
            if is_any(node, &["pre", "math", "iframe", "video", "audio"]) && !is_inside(node) {
                opaque.take_one(document, node);
            } else if node.has_name("code") {
                hide_names(node);
            }
        }
        opaque
    }

    fn take_one(&mut self, document: &Document, node: &NodeRef<'_>) {
        if node.has_name("iframe") && !players::is_player(node) {
            node.remove_from_parent();
            return;
        }
        let number = self.parts.len().to_string();
        if node.has_name("pre") {
            for inner in node.descendants() {
                if is_any(&inner, &["script", "style", "button", "svg"]) {
                    inner.remove_from_parent();
                }
            }
            self.parts.push(tree::inner_html(node));
            let text = node.text();
            node.remove_children();
            node.remove_all_attrs();
            node.append_child(&document.tree.new_text(text));
            node.set_attr(NUMBER, &number);
            return;
        }
        self.parts.push(tree::outer_html(node));
        let place = if node.has_name("math") {
            let place = document.tree.new_element("code");
            place.append_child(&document.tree.new_text(line_of(node)));
            place.set_attr(NUMBER, &number);
            place
        } else {
            let place = document.tree.new_element("img");
            place.set_attr("src", &format!("{IMAGES}{number}"));
            place
        };
        node.replace_with(&place);
    }

    /// Puts back what is left of them below `root`.
    pub(super) fn put_back(&self, root: &NodeRef<'_>) {
        for node in root.descendants() {
            if node.has_name("img") {
                let src = node.attr_or("src", "");
                if let Some(part) = src
                    .strip_prefix(IMAGES)
                    .and_then(|number| self.part(number))
                {
                    node.replace_with_html(part);
                }
            } else if let Some(part) = node.attr(NUMBER).and_then(|number| self.part(&number)) {
                if node.has_name("pre") {
                    node.remove_attr(NUMBER);
                    node.set_html(part);
                } else {
                    node.replace_with_html(part);
                }
            }
        }
    }

    fn part(&self, number: &str) -> Option<&str> {
        self.parts
            .get(number.parse::<usize>().ok()?)
            .map(String::as_str)
    }
}

/// Whether it goes with something around it.
fn is_inside(node: &NodeRef<'_>) -> bool {
    node.ancestors_it(None)
        .any(|above| is_any(&above, &["pre", "math", "video", "audio", "iframe"]))
}

/// Nothing in a line of code is judged by what a highlighter calls it.
fn hide_names(code: &NodeRef<'_>) {
    for inner in code.descendants().into_iter().filter(NodeRef::is_element) {
        inner.remove_attrs(&["class", "id"]);
    }
}
