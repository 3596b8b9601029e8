//! From what was found to an article: a plain sequence of blocks without wrappers, and without what
//! clings to its ends.
//!
//! Invariant: images, tables, code, quotes and embedded players are never dropped here, nor is a
//! paragraph that holds sentences of its own.

mod away;

use dom_query::{Document, NodeRef};

use super::figures;
use super::oracle::Oracle;
use super::tree::{self, chars_of, has_media, is_any, is_heading, is_inline, line_of, link_share};

pub(super) use away::drop_away;
use away::{is_button, says_away};

/// Elements that only hold blocks.
const WRAPPERS: &[&str] = &[
    "div",
    "section",
    "article",
    "main",
    "header",
    "footer",
    "aside",
    "center",
    "span",
    "font",
    "form",
    "fieldset",
    "body",
    "html",
    "details-content",
    "noscript",
    "amp-story",
    "hgroup",
    "address",
    "template",
];
/// Letters of a caption that may be compared with others.
const CAPTION_CHARS_MIN: usize = 40;
/// Letters of a line that may be a date, a name or a rubric in front of an article.
const LABEL_CHARS_MAX: usize = 120;
/// What a sentence ends with.
const ENDS: &[char] = &[
    '.', '!', '?', '。', '！', '？', '…', ':', '：', '"', '”', '’', '»', '」', '』', ')', '）',
    ';', '।', '؟',
];
/// The blocks under `root`, without wrappers around them.
pub(super) fn blocks<'a>(document: &'a Document, root: &NodeRef<'a>) -> Vec<NodeRef<'a>> {
    let mut blocks = Blocks {
        document,
        list: Vec::new(),
    };
    blocks.collect(root);
    let mut list = blocks.list;
    join_captions(&mut list);
    list.retain(|block| has_media(block) || !line_of(block).is_empty() || block.has_name("hr"));
    list
}

/// A caption that stands behind its figure belongs into it.
fn join_captions(list: &mut Vec<NodeRef<'_>>) {
    let mut figure: Option<NodeRef<'_>> = None;
    list.retain(|block| {
        if block.has_name("figcaption")
            && let Some(figure) = figure.take()
        {
            figure.append_child(block);
            return false;
        }
        let is_bare = block.has_name("figure")
            && !block
                .descendants_it()
                .any(|inner| inner.has_name("figcaption"));
        figure = is_bare.then_some(*block);
        true
    });
}

/// Takes off what is no part of the article: its title, what stands twice, what leads away.
pub(super) fn trim(list: &mut Vec<NodeRef<'_>>, title: &str, oracle: Option<&Oracle>) {
    drop_title(list, title);
    drop_repeated(list);
    if let Some(oracle) = oracle {
        drop_unknown(list, oracle);
    }
    drop_away(list);
    trim_start(list);
    trim_end(list);
}

/// The blocks as HTML.
pub(super) fn html(list: &[NodeRef<'_>]) -> String {
    list.iter().map(tree::outer_html).collect()
}

struct Blocks<'a> {
    document: &'a Document,
    list: Vec<NodeRef<'a>>,
}

impl<'a> Blocks<'a> {
    /// Appends the blocks of a wrapper; text between them gets a paragraph.
    fn collect(&mut self, wrapper: &NodeRef<'a>) {
        let mut line: Vec<NodeRef<'a>> = Vec::new();
        for child in wrapper.children() {
            if child.is_comment() {
                continue;
            }
            if is_inline(&child) && !is_lone_image(&child) {
                line.push(child);
                continue;
            }
            self.close(&mut line);
            let holds_blocks = child.has_name("p") && !is_inline_inside(&child);
            if is_any(&child, WRAPPERS) || holds_blocks {
                self.collect(&child);
            } else {
                self.list.push(child);
            }
        }
        self.close(&mut line);
    }

    fn close(&mut self, line: &mut Vec<NodeRef<'a>>) {
        let line = std::mem::take(line);
        let has_something = line
            .iter()
            .any(|node| has_media(node) || !line_of(node).is_empty());
        if !has_something {
            return;
        }
        let paragraph = self.document.tree.new_element("p");
        for node in line {
            paragraph.append_child(&node);
        }
        self.list.push(paragraph);
    }
}

fn is_lone_image(node: &NodeRef<'_>) -> bool {
    is_any(node, &["img", "picture"])
}

fn is_inline_inside(paragraph: &NodeRef<'_>) -> bool {
    paragraph.children_it(false).all(|child| is_inline(&child))
}

fn is_text(block: &NodeRef<'_>) -> bool {
    is_any(block, &["p", "ul", "ol", "dl"]) && !has_media(block)
}

fn fold(text: &str) -> String {
    text.chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// The title is in the feed.
fn drop_title(list: &mut Vec<NodeRef<'_>>, title: &str) {
    let title = fold(title);
    let mut at = 0;
    list.retain(|block| {
        at += 1;
        let text = fold(&line_of(block));
        let is_title = at <= 6
            && is_heading(block)
            && !text.is_empty()
            && (block.has_name("h1")
                || !title.is_empty() && (title.contains(&text) && text.len() * 2 > title.len()));
        !is_title
    });
}

/// An image that stands twice, for several screens, stands once. Texts may be said again.
fn drop_repeated(list: &mut Vec<NodeRef<'_>>) {
    let mut seen = std::collections::HashSet::new();
    list.retain(|block| {
        if !block.has_name("figure") {
            // A gallery says its captions for each size of screen.
            let text = fold(&line_of(block));
            let is_caption =
                text.chars().count() >= CAPTION_CHARS_MIN && figures::names_caption(block);
            return !is_caption || seen.insert(text);
        }
        let image = block.descendants_it().find(|inner| inner.has_name("img"));
        let address = image.map(|image| image.attr_or("src", ""));
        // Under another caption it is another image, which a script would load.
        address.is_none_or(|address| {
            address.is_empty() || seen.insert(format!("{address} {}", line_of(block)))
        })
    });
}

/// What the page's own account of the article does not know, at both ends.
fn drop_unknown(list: &mut Vec<NodeRef<'_>>, oracle: &Oracle) {
    let shares: Vec<Option<f64>> = list
        .iter()
        .map(|block| {
            if has_media(block) && !is_text(block) || block.has_name("figure") {
                None
            } else {
                Some(oracle.share(&line_of(block)))
            }
        })
        .collect();
    let all: usize = list
        .iter()
        .zip(&shares)
        .filter(|(_, share)| share.is_some())
        .map(|(block, _)| chars_of(block))
        .sum();
    let known: f64 = list
        .iter()
        .zip(&shares)
        .filter_map(|(block, share)| Some(chars_of(block) as f64 * (*share)?))
        .sum();
    if known < 0.5 * all as f64 || known < 0.7 * oracle.chars() as f64 {
        return;
    }
    let is_known = |share: &Option<f64>| share.is_some_and(|share| share > 0.5);
    let (Some(first), Some(last)) = (
        shares.iter().position(is_known),
        shares.iter().rposition(is_known),
    ) else {
        return;
    };
    let mut at = 0;
    list.retain(|block| {
        let here = at;
        at += 1;
        let share = shares[here];
        let is_outside = here < first || here > last;
        let Some(share) = share else { return true };
        !(share < 0.3 && (is_outside || link_share(block) > 0.5))
    });
}

fn trim_start(list: &mut Vec<NodeRef<'_>>) {
    let Some(first) = list.iter().position(|block| !is_label(block)) else {
        return;
    };
    let mut at = 0;
    list.retain(|block| {
        at += 1;
        at > first || !is_text(block)
    });
}

/// A date, a name, a rubric: a short line that is no sentence.
fn is_label(block: &NodeRef<'_>) -> bool {
    if is_any(
        block,
        &["figure", "figcaption", "img", "picture", "hr", "br"],
    ) {
        return true;
    }
    if !is_text(block) {
        return false;
    }
    let text = line_of(block);
    let chars = text.chars().count();
    let is_short = chars <= LABEL_CHARS_MAX;
    let has_year = text
        .split(|c: char| !c.is_ascii_digit())
        .any(|number| number.len() == 4 && (number.starts_with("19") || number.starts_with("20")));
    let has_time = text.as_bytes().windows(4).any(|w| {
        w[0].is_ascii_digit() && w[1] == b':' && w[2].is_ascii_digit() && w[3].is_ascii_digit()
    });
    let ends = text.ends_with(ENDS);
    is_short
        && (link_share(block) > 0.6
            || (has_year || has_time) && chars < 80 && !ends
            || chars < 25 && !ends
            || is_byline(&text) && !ends)
}

fn is_byline(text: &str) -> bool {
    let small = text.to_lowercase();
    ["by ", "von ", "par ", "por ", "di ", "автор"]
        .iter()
        .any(|start| small.starts_with(start))
        && text.chars().count() < 80
}

fn trim_end(list: &mut Vec<NodeRef<'_>>) {
    while let Some(last) = list.last() {
        let is_rest = is_heading(last)
            || last.has_name("hr")
            || is_text(last) && chars_of(last) > 0 && link_share(last) > 0.7
            || is_text(last) && is_button(last)
            || is_text(last) && says_away(last) && (chars_of(last) < 100 || link_share(last) > 0.1);
        if !is_rest {
            return;
        }
        list.pop();
    }
}
