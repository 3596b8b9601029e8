//! Removes boilerplate around an article before it is searched for: navigation, share buttons, related
//! links, newsletters, advertising.
//!
//! Invariants: a name alone decides nothing, since tools make names from headings: an element with a
//! boilerplate name is removed where its content is of that kind, too. Headings, paragraphs, tables,
//! list items, code and what is in them are never removed. An element with a good part of the page's
//! text, or an article's body, stays whatever its name.

use std::collections::HashMap;
use std::sync::LazyLock;

use dom_query::{Document, Matcher, NodeId, NodeRef};

use super::names::{Evidence, is_unlikely, names_site};
use super::statistics::{ElementStatistics, SHARE_MAX, Statistics};
use super::tree::{self, is_any, is_heading, is_never_judged, matcher};

/// Of an element's text, what is in links where it leads away; and where it holds headings or
/// images that are links.
const LINKS_MIN: f64 = 0.5;
const CARD_LINKS_MIN: f64 = 0.15;
/// Articles within one that break off, beside which all are teasers.
const TEASERS_MIN: usize = 2;
/// Letters of prose that something to fill in may have around it.
const FORM_PROSE_MAX: usize = 500;

/// Elements that are never part of an article.
static NEVER: LazyLock<Option<Matcher>> = LazyLock::new(|| {
    matcher(
        "script:not([type='application/ld+json']), style, template, dialog, nav, form input, form button, \
         form select, form textarea, button, [role=navigation], [role=search], [role=dialog], [role=menu], \
         [role=banner], [aria-modal=true], ins.adsbygoogle, [hidden], [style*='display:none'], \
         [style*='display: none'], amp-ad, amp-auto-ads, amp-sidebar, amp-social-share",
    )
});

/// Removes boilerplate from the page.
pub(super) fn remove(document: &Document) {
    // What readers fill in tells what an element is for, so it goes afterwards.
    let statistics = Statistics::of(document);
    if let Some(body) = document.body() {
        let most = (statistics.get(&body).0.letters as f64 * SHARE_MAX) as usize;
        let mut open = vec![body];
        while let Some(node) = open.pop() {
            for child in node.element_children() {
                if is_any(&child, &["pre", "code", "math", "svg"]) {
                    continue;
                }
                let (held, evidence) = statistics.get(&child);
                // What stands on all pages of a site is no article, even where there is nothing else.
                if is_boilerplate(&child, &held, evidence)
                    && (held.letters <= most || is_of_site(&child))
                    && !holds_article(&child, &statistics)
                {
                    child.remove_from_parent();
                } else {
                    open.push(child);
                }
            }
        }
    }
    remove_never(document);
}

/// Takes out what stands on all pages of a site, and is no article even where there is nothing else.
pub(super) fn remove_site(document: &Document) {
    remove_never(document);
    let Some(body) = document.body() else { return };
    for node in body.descendants() {
        if is_of_site(&node) {
            node.remove_from_parent();
        }
    }
}

/// Takes the beginnings of other articles out of one, where at least two break off.
pub(super) fn remove_teasers(document: &Document) {
    let inner = document.select("article article");
    let outermost = |node: &NodeRef<'_>| {
        let above = node.ancestors_it(None);
        let last = above.filter(|above| above.has_name("article")).last();
        last.map(|outer| outer.id)
    };
    let mut breaking: HashMap<NodeId, usize> = HashMap::new();
    for node in inner.nodes().iter().filter(|node| breaks_off(node)) {
        if let Some(outer) = outermost(node) {
            *breaking.entry(outer).or_default() += 1;
        }
    }
    let outer: Vec<_> = inner.nodes().iter().map(outermost).collect();
    for (node, outer) in inner.nodes().iter().zip(outer) {
        let count = outer.and_then(|outer| breaking.get(&outer));
        if count.is_some_and(|count| *count >= TEASERS_MIN) {
            node.remove_from_parent();
        }
    }
}

fn breaks_off(article: &NodeRef<'_>) -> bool {
    let texts = article.descendants_it().filter(|inner| inner.has_name("p"));
    texts.last().is_some_and(|last| {
        let text = last.text();
        ["…", "...", "…]", "...]"]
            .iter()
            .any(|end| text.trim_end().ends_with(end))
    })
}

fn is_of_site(node: &NodeRef<'_>) -> bool {
    node.has_name("footer") && !is_note(node) || names_site(node)
}

fn remove_never(document: &Document) {
    let Some(never) = &*NEVER else { return };
    for node in document.select_matcher(never).nodes() {
        let is_page = is_any(node, &["html", "body"]);
        let is_inside = |node: &NodeRef<'_>| {
            node.ancestors_it(None)
                .any(|above| is_any(&above, &["pre", "code", "math"]))
        };
        if !is_page && !is_inside(node) {
            node.remove_from_parent();
        }
    }
}

/// Whether an element is boilerplate, by its name and by what it holds.
fn is_boilerplate(node: &NodeRef<'_>, held: &ElementStatistics, evidence: Evidence) -> bool {
    if node.has_name("p") {
        // A line that is little more than a link.
        return matches!(evidence, Evidence::Class | Evidence::Comment)
            && held.prose == 0
            && held.link_share() >= LINKS_MIN;
    }
    if is_never_judged(node) {
        return false;
    }
    let is_on_top = node.parent().is_some_and(|above| above.has_name("body"));
    if is_on_top && names_site(node) {
        return true;
    }
    if is_hidden_by_class(node) && held.matter == 0 {
        return true;
    }
    if node.has_name("footer")
        || node.has_name("header") && node.parent().is_some_and(|parent| parent.has_name("body"))
    {
        return !is_note(node);
    }
    if node.has_name("a") {
        return evidence != Evidence::None && stands_alone(node);
    }
    behaves(node, held, evidence)
}

/// Whether what is called boilerplate behaves like it.
pub(super) fn behaves(node: &NodeRef<'_>, held: &ElementStatistics, evidence: Evidence) -> bool {
    if evidence == Evidence::None {
        return false;
    }
    let share = held.link_share();
    if is_any(node, &["ul", "ol"]) {
        return share >= LINKS_MIN || held.comments >= 2;
    }
    let is_title_only =
        held.letters > 0 && held.letters == held.in_headings && held.links == 0 && held.fields == 0;
    let is_hollow = held.prose == 0
        && held.items == 0
        && held.matter == 0
        && held.players == 0
        && !is_title_only;
    let has_cards = held.linked_headings + held.linked_images > 0 && share > CARD_LINKS_MIN
        || held.linked_images > 1 && held.in_headings > 0;
    // Quotes and code are more than the links in them.
    let leads_away = share >= LINKS_MIN && held.matter == held.tables || has_cards;
    let asks = held.fields > 0 && held.prose < FORM_PROSE_MAX;
    let is_thread = held.comments >= 2;
    let is_at_edge = match evidence {
        Evidence::Id => {
            held.is_outside && node.parent().is_some_and(|above| above.has_name("body"))
        }
        _ => {
            let has_more = held.links + held.images + held.fields > 0;
            held.is_outside || (held.before == 0 || held.behind == 0) && has_more
        }
    };
    is_hollow || leads_away || asks || is_thread || is_at_edge
}

/// Whether a class says that nobody sees an element, at any width.
fn is_hidden_by_class(node: &NodeRef<'_>) -> bool {
    let class = node.attr("class").unwrap_or_default();
    let has = |names: &[&str]| {
        class
            .split_ascii_whitespace()
            .any(|name| names.contains(&name))
    };
    has(&["hidden", "d-none", "is-hidden", "visually-hidden"])
        && !class.contains(':')
        && !class.contains("d-sm")
        && !class.contains("d-md")
        && !class.contains("d-lg")
        && node.attr("role").is_none_or(|role| &*role != "tabpanel")
}

/// Keeps what stands beside an article's paragraphs as a note to them: the search would leave it.
pub(super) fn keep_notes(document: &Document, statistics: &Statistics) {
    for node in document
        .select("aside, [role=note], [role=alert], [role=complementary]")
        .nodes()
    {
        let (held, evidence) = statistics.get(node);
        let is_prose = held.prose > 0 && held.link_share() < LINKS_MIN / 2.0 && held.fields == 0;
        let leads_away = held.linked_headings + held.linked_images > 0;
        if is_prose
            && !leads_away
            && evidence == Evidence::None
            && !held.is_outside
            && stands_in_flow(node)
        {
            node.remove_attr("role");
            if node.has_name("aside") {
                node.rename("div");
            }
        }
    }
}

/// Whether there are paragraphs beside an element.
fn stands_in_flow(node: &NodeRef<'_>) -> bool {
    let is_text = |beside: &NodeRef<'_>| {
        is_any(
            beside,
            &["p", "pre", "ul", "ol", "dl", "blockquote", "table"],
        ) || is_heading(beside)
    };
    let is_beside = [node.prev_element_sibling(), node.next_element_sibling()]
        .iter()
        .flatten()
        .any(is_text);
    is_beside
        && node.parent().is_some_and(|parent| {
            parent
                .children_it(false)
                .filter(|child| child.has_name("p"))
                .take(2)
                .count()
                > 1
        })
}

/// What belongs to a quote or a figure, or holds notes.
fn is_note(footer: &NodeRef<'_>) -> bool {
    footer
        .ancestors_it(Some(3))
        .any(|above| is_any(&above, &["blockquote", "figure"]))
        || footer
            .attr("role")
            .is_some_and(|role| &*role == "doc-endnotes")
        || footer.children_it(false).any(|inner| {
            inner
                .attr("role")
                .is_some_and(|role| &*role == "doc-endnotes")
                || inner.has_class("footnotes")
        })
}

/// Whether there is no text beside a link.
fn stands_alone(link: &NodeRef<'_>) -> bool {
    let Some(parent) = link.parent() else {
        return true;
    };
    !is_never_judged(&parent)
        && !parent
            .children_it(false)
            .any(|beside| beside.is_text() && beside.is_nonempty_text())
}

fn holds_article(node: &NodeRef<'_>, statistics: &Statistics) -> bool {
    if is_any(node, &["article", "main"]) {
        return true;
    }
    node.descendants_it().any(|inner| {
        inner.has_name("article") && statistics.get(&inner).0.letters > 1_000
            || inner
                .attr("itemprop")
                .is_some_and(|prop| &*prop == "articleBody")
    })
}

/// Hides names from the search for the article, which judges by them, where they would mislead it.
/// They stay readable by [`tree::names_of`].
pub(super) fn hide_names(document: &Document) {
    let statistics = Statistics::of(document);
    let Some(body) = document.body() else { return };
    let mut kinds = HashMap::new();
    for node in body.descendants().into_iter().filter(NodeRef::is_element) {
        let (class, id) = (node.attr("class"), node.attr("id"));
        if class.is_none() && id.is_none() {
            continue;
        }
        let (held, _) = statistics.get(&node);
        let is_hollow =
            held.prose + held.items + held.matter + held.players + held.in_headings == 0;
        let is_judged = !is_never_judged(&node);
        if is_judged && (is_hollow || is_unlikely(&node) && behaves(&node, &held, Evidence::Class))
        {
            continue;
        }
        let class = class.unwrap_or_default();
        let id = id.unwrap_or_default();
        node.set_attr(tree::NAMES, &format!("{class} {id}"));
        let next = kinds.len();
        let kind = *kinds.entry(class.to_string()).or_insert(next);
        let good = if names_content(&class) {
            " content"
        } else {
            ""
        };
        node.set_attr("class", &format!("k{kind}{good}"));
        if names_content(&id) {
            node.set_attr("id", "content");
        } else {
            node.remove_attr("id");
        }
    }
}

fn names_content(names: &str) -> bool {
    let names = names.to_ascii_lowercase();
    [
        "article", "body", "content", "entry", "main", "page", "post", "text", "blog", "story",
    ]
    .iter()
    .any(|part| names.contains(part))
}
