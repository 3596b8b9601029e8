//! Texts that a page shows twice for the sake of its scripts: the beginning of a text beside the whole
//! of it, and an image's caption once more, for another size of screen.
//!
//! Invariant: one of both stays, the longer one; what an author says again stays.

use std::collections::HashSet;

use dom_query::NodeRef;

use super::tree::{is_any, is_inline, line_of, one_line};

/// Letters of a beginning by which the whole is known.
const BEGIN_CHARS_MIN: usize = 40;
/// Letters of a text that may be a caption or a credit, so that a single word is none.
const CAPTION_CHARS_MIN: usize = 12;
/// What a text ends with that breaks off.
const ELLIPSES: &[&str] = &["…", "..."];

/// A paragraph without what a script turns it over by.
struct Text<'a> {
    node: NodeRef<'a>,
    toggle: Option<NodeRef<'a>>,
    /// What it says, without an ellipsis at its end.
    line: String,
    breaks_off: bool,
}

/// Takes the copies out of what is under `root`.
pub(super) fn remove(root: &NodeRef<'_>) {
    let texts: Vec<_> = root
        .descendants()
        .into_iter()
        .filter(is_paragraph)
        .map(Text::of)
        .filter(|text| !text.line.is_empty())
        .collect();
    for pair in texts.windows(2) {
        for (short, whole) in [(&pair[0], &pair[1]), (&pair[1], &pair[0])] {
            if is_beginning(short, whole) {
                short.node.remove_from_parent();
                if let Some(toggle) = &whole.toggle {
                    toggle.remove_from_parent();
                }
                break;
            }
        }
    }
    let images = root.descendants().into_iter();
    let images = images.filter(|node| node.has_name("img"));
    let alts: Vec<_> = images
        .map(|image| one_line(&image.attr_or("alt", "")))
        .filter(|alt| !alt.is_empty())
        .collect();
    let mut seen = HashSet::new();
    for text in &texts {
        let is_again = !seen.insert(text.line.as_str());
        let may_be_caption = text.line.chars().count() >= CAPTION_CHARS_MIN;
        if is_again && may_be_caption && alts.iter().any(|alt| alt.contains(&text.line)) {
            text.node.remove_from_parent();
        }
    }
}

fn is_paragraph(node: &NodeRef<'_>) -> bool {
    is_any(node, &["p", "div", "figcaption"])
        && node.children_it(false).all(|child| is_inline(&child))
        && !node.descendants_it().any(|inner| inner.has_name("img"))
}

fn is_beginning(short: &Text<'_>, whole: &Text<'_>) -> bool {
    short.breaks_off
        && short.line.chars().count() >= BEGIN_CHARS_MIN
        && short.line.len() < whole.line.len()
        && whole.line.starts_with(&short.line)
        && short.node.parent().map(|above| above.id) == whole.node.parent().map(|above| above.id)
}

impl<'a> Text<'a> {
    fn of(node: NodeRef<'a>) -> Self {
        let whole = line_of(&node);
        let toggle = toggle_of(&node);
        let label = toggle.as_ref().map(line_of).unwrap_or_default();
        let text = whole.strip_suffix(&label).unwrap_or(&whole).trim_end();
        let ellipsis = ELLIPSES.iter().find(|mark| text.ends_with(**mark));
        let breaks_off = ellipsis.is_some() || ELLIPSES.iter().any(|mark| label.starts_with(*mark));
        let line = ellipsis.and_then(|mark| text.strip_suffix(*mark));
        Self {
            line: line.unwrap_or(text).trim_end().to_owned(),
            node,
            toggle,
            breaks_off,
        }
    }
}

/// The link at a paragraph's end that leads nowhere.
fn toggle_of<'a>(node: &NodeRef<'a>) -> Option<NodeRef<'a>> {
    let last = node
        .children_it(true)
        .find(|child| child.is_element() || child.is_text() && !child.text().trim().is_empty())?;
    let href = last.attr_or("href", "");
    let leads_nowhere = href.is_empty() || href.starts_with('#') || href.starts_with("javascript:");
    (last.has_name("a") && leads_nowhere).then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fulltext::extract::tree;

    const CAPTION: &str = "The minister, left, and his guest shake hands in the capital on Friday.";

    fn without_copies(html: &str) -> String {
        let found = tree::fragment(html);
        let root = found.root();
        remove(&root);
        let texts = root.descendants().into_iter().filter(is_paragraph);
        let lines = texts.map(|text| line_of(&text));
        lines
            .filter(|line| !line.is_empty())
            .map(|line| line + "\n")
            .collect()
    }

    #[test]
    fn a_beginning_beside_the_whole_goes_with_what_turns_it_over() {
        for short in [
            "<div>The minister, left, and his guest shake hands<a> ... more</a></div>",
            "<p>The minister, left, and his guest shake hands… <a href=#>more</a></p>",
            "<p>The minister, left, and his guest shake hands ...</p>",
        ] {
            let whole = format!("<p>{CAPTION}<a class=more> less</a></p>");
            for html in [format!("{short}{whole}"), format!("{whole}{short}")] {
                assert_eq!(without_copies(&html), format!("{CAPTION}\n"), "{html}");
            }
        }
        // It is the beginning of nothing, or of something elsewhere.
        for html in [
            "<p>The minister, left, and his guest shake hands ...</p><p>The minister, right.</p>",
            "<p>He left ...</p><p>He left the house.</p>",
        ] {
            assert_eq!(without_copies(html).lines().count(), 2, "{html}");
        }
    }

    #[test]
    fn a_caption_is_said_once_and_a_chorus_as_often_as_it_is_sung() {
        let image = format!("<img src=a.png alt='{CAPTION} Photo: Jane Doe, AP / Copyright'>");
        let caption = format!("<div><p>{CAPTION}</p><p>Photo: Jane Doe, AP</p></div>");
        let html = format!("<ul><li>{image}{caption}</li></ul>{caption}<p>And so on.</p>");
        let expected = format!("{CAPTION}\nPhoto: Jane Doe, AP\nAnd so on.\n");
        assert_eq!(without_copies(&html), expected);
        let song = "<p>Row, row, row your boat, gently down the stream.</p>".repeat(2);
        assert_eq!(without_copies(&song).lines().count(), 2);
    }
}
