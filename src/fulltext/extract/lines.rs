//! Texts that are in no paragraph: they get one where they are such, since the search for the article
//! judges boxes and keeps paragraphs. Tables that hold data say so, for the same reason.

use dom_query::{Document, NodeRef};

use super::statistics::{ElementStatistics, Statistics};
use super::tree::{is_any, is_inline};

/// Letters of a text beside which another one is a paragraph too.
const NEIGHBOUR_LETTERS_MIN: usize = 40;
/// Of the page's text, what a table of data may hold.
const TABLE_SHARE_MAX: f64 = 0.5;
/// A row that keeps a table of one cell a table.
const PAD: &str = "data-fw-pad";

/// Makes paragraphs and tables of a page known as such.
pub(super) fn make(document: &Document, statistics: &Statistics) {
    let Some(body) = document.body() else { return };
    for node in body.descendants() {
        if node.has_name("div") {
            make_line(document, &node, statistics);
        } else if node.has_name("table") {
            let (all, held) = (statistics.get(&body).0, statistics.get(&node).0);
            mark_table(document, &node, &held, all.letters);
        }
    }
}

/// Takes out again what only the search needed.
pub(super) fn clean(root: &NodeRef<'_>) {
    for node in root.descendants() {
        if node.has_attr(PAD) {
            node.remove_from_parent();
        } else if node.has_name("table") && node.attr("summary").is_some_and(|it| it.is_empty()) {
            node.remove_attr("summary");
        }
    }
}

fn make_line(document: &Document, node: &NodeRef<'_>, statistics: &Statistics) {
    let children = node.children();
    let is_text = |child: &NodeRef<'_>| child.is_text() && child.is_nonempty_text();
    if children.iter().all(is_inline) {
        let is_line = children.iter().any(is_text)
            && [node.prev_element_sibling(), node.next_element_sibling()]
                .iter()
                .flatten()
                .any(|beside| is_paragraph(beside, &statistics.get(beside).0));
        if is_line {
            node.rename("p");
        }
        return;
    }
    let mut line: Vec<&NodeRef<'_>> = Vec::new();
    let wrap = |line: &mut Vec<&NodeRef<'_>>| {
        if line.iter().any(|child| is_text(child)) {
            let paragraph = document.tree.new_element("p");
            if let Some(first) = line.first() {
                first.insert_before(&paragraph);
            }
            for child in line.iter() {
                paragraph.append_child(*child);
            }
        }
        line.clear();
    };
    for child in &children {
        if is_inline(child) && !is_any(child, &["img", "picture"]) {
            line.push(child);
        } else {
            wrap(&mut line);
        }
    }
    wrap(&mut line);
}

fn is_paragraph(node: &NodeRef<'_>, held: &ElementStatistics) -> bool {
    is_any(node, &["p", "div"])
        && held.prose >= NEIGHBOUR_LETTERS_MIN
        && held.prose == held.letters
        && held.link_share() < 0.3
}

/// A table with text of its own, and no table in it, is one of data.
fn mark_table(document: &Document, table: &NodeRef<'_>, held: &ElementStatistics, all: usize) {
    let is_small = held.letters as f64 <= all as f64 * TABLE_SHARE_MAX;
    let is_layout = held.tables > 1 || held.fields > 0 || held.link_share() > 0.5;
    if held.letters == 0 || !is_small || is_layout {
        return;
    }
    table.set_attr("summary", "");
    let rows = table.descendants_it().filter(|inner| inner.has_name("tr"));
    let cells = table
        .descendants_it()
        .filter(|inner| is_any(inner, &["td", "th"]));
    if rows.count() == 1 && cells.count() == 1 {
        let holder = table.descendants_it().find(|inner| inner.has_name("tbody"));
        let row = document.tree.new_element("tr");
        row.set_attr(PAD, "");
        holder.unwrap_or(*table).append_child(&row);
    }
}
