//! Headings that tools wrap up with a link to themselves: they become plain ones, since the search for
//! the article judges a box with a link in it, and a heading that is a link, as what leads away.

use dom_query::{Document, NodeRef};

use super::tree::{has_media, is_any, is_heading, is_inline, line_of};

/// How many boxes around a heading may be its own.
const BOXES_MAX: usize = 3;
/// Letters in them besides: "edit", "copy link".
const BESIDE_LETTERS_MAX: usize = 24;

/// Makes the headings of a page plain.
pub(super) fn make(document: &Document) {
    let Some(body) = document.body() else { return };
    for heading in body.descendants().iter().filter(|node| is_heading(node)) {
        for link in heading
            .descendants()
            .iter()
            .filter(|node| leads_to_it(node))
        {
            if says_something(link) {
                for inner in link.children() {
                    link.insert_before(&inner);
                }
            }
            link.remove_from_parent();
        }
        // The page's title is looked for where it stands.
        if !heading.has_name("h1") {
            (0..BOXES_MAX).all(|_| free(heading));
        }
    }
}

/// Takes a heading out of a box that holds only what clings to it; whether there was one.
fn free(heading: &NodeRef<'_>) -> bool {
    let Some(around) = heading
        .parent()
        .filter(|above| is_any(above, &["div", "span"]))
    else {
        return false;
    };
    let beside = around.children().into_iter();
    let beside: Vec<_> = beside.filter(|child| child.id != heading.id).collect();
    let others = beside.iter().filter(|node| !leads_to_it(node));
    let letters: usize = others.map(|node| line_of(node).chars().count()).sum();
    let clings = |node: &NodeRef<'_>| leads_to_it(node) || is_inline(node) && !has_media(node);
    if letters > BESIDE_LETTERS_MAX || !beside.iter().all(clings) {
        return false;
    }
    around.insert_before(heading);
    for link in beside.iter().filter(|node| leads_to_it(node)) {
        link.remove_from_parent();
    }
    if !says_something(&around) {
        around.remove_from_parent();
    }
    true
}

/// Whether it is a link within the page.
fn leads_to_it(node: &NodeRef<'_>) -> bool {
    node.has_name("a") && node.attr("href").is_some_and(|href| href.starts_with('#'))
}

fn says_something(node: &NodeRef<'_>) -> bool {
    node.text().contains(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fulltext::extract::tree;

    /// The body of a page with this in it, its headings plain.
    fn plain(html: &str) -> String {
        let document = tree::parse(html);
        make(&document);
        document
            .body()
            .map_or_else(String::new, |body| tree::inner_html(&body))
    }

    #[test]
    fn what_tools_put_around_headings_goes() {
        for html in [
            "<h2>Cookies<a class=headerlink href=#c>¶</a></h2>",
            "<h2><a class=header href=#c>Cookies</a></h2>",
            "<h2><a class=doc-anchor href=#c>§</a>Cookies</h2>",
            "<div class=markdown-heading><h2>Cookies</h2><a href=#c><span></span></a></div>",
            "<div><div><h2>Cookies</h2></div><a href=#c><span>#</span></a></div>",
            "<div><h2>Cookies</h2><a href=#c><span>Section titled “Cookies and other things”</span></a></div>",
        ] {
            assert_eq!(plain(html), "<h2>Cookies</h2>", "{html}");
        }
        let edit = "<div><h2>Cookies</h2><span>[<a href=/edit>edit</a>]</span></div>";
        assert!(plain(edit).starts_with("<h2>Cookies</h2><div><span>["));
    }

    #[test]
    fn what_holds_more_than_a_heading_stays() {
        for html in [
            "<div><h2>Cookies</h2><p>They are baked.</p></div>",
            "<div><h2>Cookies</h2><img src=\"a.png\"></div>",
            "<div><h2>Cookies</h2>They are baked by grandmothers.</div>",
            "<h2><a href=\"/cookies\">Cookies</a></h2>",
        ] {
            assert_eq!(plain(html), html);
        }
    }
}
