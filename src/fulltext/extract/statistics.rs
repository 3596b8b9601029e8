//! Statistics of each element of a page: letters of prose and links, fields, players.
//!
//! Invariant: one walk over the tree counts all of them.

use std::collections::HashMap;

use dom_query::{Document, NodeId, NodeRef};

use super::names::{Evidence, evidence, names_site};
use super::tree::{is_any, is_heading, is_never_judged};
use crate::rewrite::article;

/// The share of a page's text that a piece of boilerplate may hold at most.
pub(super) const SHARE_MAX: f64 = 0.3;
/// Letters of a line that may be a sentence.
const SENTENCE_LETTERS_MIN: usize = 20;
/// Letters of a line that is prose though it ends like no sentence.
const PROSE_LETTERS_MIN: usize = 100;
/// What a sentence ends with.
const ENDS: &[char] = &[
    '.', '!', '?', '。', '！', '？', '…', ':', '：', '"', '”', '’', '»', '」', '』', ')', '）',
    ';', '।', '؟',
];

/// Elements that hold lines of text of their own.
const BLOCKS: &[&str] = &[
    "p",
    "li",
    "dd",
    "dt",
    "td",
    "th",
    "blockquote",
    "pre",
    "div",
    "section",
    "article",
    "main",
    "figcaption",
    "summary",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "body",
    "aside",
    "header",
    "footer",
    "nav",
    "form",
    "caption",
    "ul",
    "ol",
    "dl",
    "table",
    "figure",
    "details",
    "center",
];
/// Elements that are not rendered.
const UNSEEN: &[&str] = &["script", "style", "template", "noscript", "head", "title"];

/// Counts of one element with all in it; text in letters without white space.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ElementStatistics {
    pub(super) letters: usize,
    pub(super) in_links: usize,
    /// Sentences and long lines that are not mostly links.
    pub(super) prose: usize,
    /// Text of items, cells and definitions that is no link.
    pub(super) items: usize,
    pub(super) links: usize,
    /// Text of headings, and how many of them are links.
    pub(super) in_headings: usize,
    pub(super) linked_headings: usize,
    /// What a reader fills in or presses.
    pub(super) fields: usize,
    pub(super) images: usize,
    /// Images that lead to another page.
    pub(super) linked_images: usize,
    /// Tables, code, formulas, quotes.
    pub(super) matter: usize,
    pub(super) tables: usize,
    /// Frames of known players.
    pub(super) players: usize,
    /// Elements whose class calls them a comment or a reply.
    pub(super) comments: usize,
    /// Prose of the page, outside everything that may be boilerplate, before and behind it.
    pub(super) before: usize,
    pub(super) behind: usize,
    /// Whether the page has an `article` or `main` with most of that prose, and this is no part of it.
    pub(super) is_outside: bool,
}

impl ElementStatistics {
    /// The share of its text that is in links.
    pub(super) fn link_share(&self) -> f64 {
        if self.letters == 0 {
            0.0
        } else {
            self.in_links as f64 / self.letters as f64
        }
    }

    fn add(&mut self, inner: &Self) {
        self.letters += inner.letters;
        self.in_links += inner.in_links;
        self.prose += inner.prose;
        self.items += inner.items;
        self.links += inner.links;
        self.in_headings += inner.in_headings;
        self.linked_headings += inner.linked_headings;
        self.fields += inner.fields;
        self.images += inner.images;
        self.linked_images += inner.linked_images;
        self.matter += inner.matter;
        self.tables += inner.tables;
        self.players += inner.players;
        self.comments += inner.comments;
    }
}

/// The statistics of all elements below a page's body.
pub(super) struct Statistics {
    of: HashMap<NodeId, (ElementStatistics, Evidence)>,
    /// Letters of prose that is surely no boilerplate.
    pub(super) prose: usize,
}

impl Statistics {
    pub(super) fn of(document: &Document) -> Self {
        let mut walk = Walk::default();
        if let Some(body) = document.body() {
            walk.read(&body);
        }
        walk.conclude()
    }

    pub(super) fn get(&self, node: &NodeRef<'_>) -> (ElementStatistics, Evidence) {
        self.of.get(&node.id).copied().unwrap_or_default()
    }
}

/// The context of a node and all below it.
#[derive(Clone, Copy, Default)]
struct Context {
    block: usize,
    in_link: bool,
    in_heading: bool,
    in_item: bool,
}

/// The text of one block, without that of blocks in it.
#[derive(Clone, Copy, Default)]
struct Line {
    letters: usize,
    in_links: usize,
    last: Option<char>,
}

impl Line {
    fn prose(self) -> usize {
        let own = self.letters - self.in_links;
        let ends = self.last.is_some_and(|last| ENDS.contains(&last));
        let is_prose = own * 2 > self.letters
            && (ends && own >= SENTENCE_LETTERS_MIN || own >= PROSE_LETTERS_MIN);
        if is_prose { self.letters } else { 0 }
    }
}

#[derive(Clone, Copy)]
struct Entry {
    id: NodeId,
    parent: usize,
    held: ElementStatistics,
    line: Line,
    evidence: Evidence,
    is_core: bool,
    /// Whether it may be boilerplate, or is none of the article's flow, if it holds no good part of the page.
    is_off: Off,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Off {
    No,
    IfSmall,
    Always,
}

#[derive(Default)]
struct Walk {
    entries: Vec<Entry>,
}

impl Walk {
    fn read(&mut self, body: &NodeRef<'_>) {
        let mut open = vec![(*body, 0, Context::default())];
        while let Some((node, parent, context)) = open.pop() {
            if node.is_text() {
                self.text(&node.text(), context);
                continue;
            }
            if !node.is_element() || is_any(&node, UNSEEN) {
                continue;
            }
            let index = self.entries.len();
            let context = self.element(&node, parent, index, context);
            // In the order in which they stand.
            open.extend(node.children_it(true).map(|child| (child, index, context)));
        }
    }

    fn text(&mut self, text: &str, context: Context) {
        let mut letters = 0;
        let mut last = None;
        for letter in text.chars().filter(|letter| !letter.is_whitespace()) {
            letters += 1;
            last = Some(letter);
        }
        if letters == 0 {
            return;
        }
        let entry = &mut self.entries[context.block];
        let line = &mut entry.line;
        line.letters += letters;
        line.last = last;
        entry.held.letters += letters;
        if context.in_link {
            line.in_links += letters;
            entry.held.in_links += letters;
        } else if context.in_item {
            entry.held.items += letters;
        }
        if context.in_heading {
            entry.held.in_headings += letters;
        }
    }

    fn element(
        &mut self,
        node: &NodeRef<'_>,
        parent: usize,
        index: usize,
        above: Context,
    ) -> Context {
        let mut held = ElementStatistics::default();
        let evidence = evidence(node);
        let mut context = above;
        if is_any(node, BLOCKS) {
            context.block = index;
        }
        if node.has_name("a") && node.has_attr("href") {
            let leads_away = !node.attr_or("href", "#").starts_with('#');
            held.links += usize::from(leads_away);
            held.linked_headings += usize::from(leads_away && above.in_heading);
            context.in_link = leads_away;
        } else if is_heading(node) {
            context.in_heading = true;
            held.linked_headings += usize::from(above.in_link);
        } else if is_any(node, &["li", "td", "th", "dd", "dt"]) {
            context.in_item = true;
        } else if is_any(node, &["input", "textarea", "select", "button"]) {
            held.fields += usize::from(&*node.attr_or("type", "") != "hidden");
        } else if node.has_name("img") {
            held.images += 1;
            held.linked_images += usize::from(above.in_link);
        } else if is_any(node, &["table", "pre", "math", "blockquote", "dl"]) {
            held.matter += 1;
            held.tables += usize::from(node.has_name("table"));
        } else if node.has_name("iframe") {
            held.players += usize::from(article::is_known_player(&node.attr_or("src", "")));
        }
        held.comments += usize::from(evidence == Evidence::Comment);
        self.entries.push(Entry {
            id: node.id,
            parent,
            held,
            line: Line::default(),
            evidence,
            is_core: is_any(node, &["article", "main"]),
            is_off: off(node, evidence),
        });
        context
    }

    fn conclude(mut self) -> Statistics {
        for entry in &mut self.entries {
            entry.held.prose = entry.line.prose();
        }
        // The parent stands before its children.
        for index in (1..self.entries.len()).rev() {
            let Entry { held, parent, .. } = self.entries[index];
            self.entries[parent].held.add(&held);
        }
        let prose = self.count_free();
        let all = self.entries.into_iter();
        Statistics {
            of: all
                .map(|entry| (entry.id, (entry.held, entry.evidence)))
                .collect(),
            prose,
        }
    }

    /// Counts the prose that is surely no boilerplate, before and behind each element, and all of it.
    fn count_free(&mut self) -> usize {
        let all = self.entries.first().map_or(0, |body| body.held.letters);
        let most = (all as f64 * SHARE_MAX) as usize;
        let mut is_off: Vec<bool> = Vec::with_capacity(self.entries.len());
        let mut seen = 0;
        for (index, entry) in self.entries.iter_mut().enumerate() {
            let own = match entry.is_off {
                Off::No => false,
                Off::IfSmall => entry.held.letters <= most,
                Off::Always => true,
            };
            let off = own || index > 0 && is_off[entry.parent];
            is_off.push(off);
            entry.held.before = seen;
            seen += if off { 0 } else { entry.line.prose() };
            entry.held.behind = seen;
        }
        for index in (1..self.entries.len()).rev() {
            let Entry { held, parent, .. } = self.entries[index];
            let outer = &mut self.entries[parent].held;
            outer.behind = outer.behind.max(held.behind);
        }
        for entry in &mut self.entries {
            entry.held.behind = seen - entry.held.behind;
        }
        self.find_outside(seen);
        seen
    }

    /// Marks what stands outside the element that holds most of the prose and says that it is the
    /// article.
    fn find_outside(&mut self, prose: usize) {
        let own = |held: &ElementStatistics| prose - held.before - held.behind;
        let is_core = |entry: &Entry| entry.is_core && own(&entry.held) * 2 > prose;
        let Some(core) = self.entries.iter().rposition(is_core) else {
            return;
        };
        let mut above = vec![false; core + 1];
        let mut at = core;
        while at > 0 {
            above[at] = true;
            at = self.entries[at].parent;
        }
        // The parent stands before its children.
        let mut is_inside = vec![false; self.entries.len()];
        for index in 0..self.entries.len() {
            is_inside[index] =
                index == core || index > core && is_inside[self.entries[index].parent];
            let is_above = index == 0 || above.get(index).copied().unwrap_or_default();
            self.entries[index].held.is_outside = !is_inside[index] && !is_above;
        }
    }
}

fn off(node: &NodeRef<'_>, evidence: Evidence) -> Off {
    if is_any(node, &["nav", "footer", "aside"]) || names_site(node) {
        Off::Always
    } else if is_any(node, &["form", "header"])
        || evidence != Evidence::None && !is_never_judged(node)
    {
        Off::IfSmall
    } else {
        Off::No
    }
}
