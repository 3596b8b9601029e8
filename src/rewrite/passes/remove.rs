//! Elements and attributes that the operator doesn't want, by CSS selector.
//!
//! A parser builds a tree, in which each element knows the tag that it was written as; what matches
//! is cut out of the text there, and every other byte stays. Only where tag and tree disagree (an
//! end tag left away, a tag in the wrong place) the field is written anew from the tree.

use std::collections::HashSet;

use dom_query::{Document, Matcher, NodeRef};

use crate::html::Edit;
use crate::html::Markup;
use crate::html::tag::{Attribute, Tag};
use crate::html::walk::Walk;
use crate::rewrite::explain::Trace;
use crate::rewrite::tree::{self, Limits, Size};
use crate::rewrite::xhtml;

/// Selectors that one feed may have, and attributes that each may name.
pub const SELECTORS_MAX: usize = 64;
/// An attribute that says which tag an element was written as.
const NUMBER: &str = "data-feedwright-tag";
/// Tags that a field may have, and for how many of its bytes it may have one more.
const TAGS_MAX: usize = 16 << 10;
const BYTES_PER_TAG: usize = 40;
/// Parts of selectors for which siblings or all that is inside have to be looked through for each element.
const COSTLY: &[&str] = &[
    "~",
    ":nth-",
    "-of-type",
    ":only-",
    ":last-",
    ":has",
    ":contains",
    "text(",
];
/// How many elements may be looked at for such selectors, and for each byte of a field.
const LOOKS_MAX: u64 = 400_000;
const LOOKS_PER_BYTE: u64 = 1;
/// Elements that have no end tag.
const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
];

/// What is to be removed, as configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoveOptions {
    /// Selectors of elements that go with all they hold.
    pub elements: Vec<String>,
    /// Selectors of elements that lose these attributes.
    pub attributes: Vec<(String, Vec<String>)>,
}

/// Why a selector is refused; its `Display` is a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the CSS selector `{0}` can't be used")]
pub struct RemoveError(String);

/// The removals, ready for use.
pub(super) struct Remove {
    elements: Vec<Matcher>,
    attributes: Vec<(Matcher, Vec<String>)>,
    /// How many of the selectors are costly.
    costly: u64,
}

impl std::fmt::Debug for Remove {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Remove({}, {})",
            self.elements.len(),
            self.attributes.len()
        )
    }
}

/// Checks a selector.
///
/// # Errors
/// When it can't be parsed.
pub fn check_selector(selector: &str) -> Result<(), RemoveError> {
    matcher(selector).map(drop)
}

fn is_costly(selector: &str) -> bool {
    COSTLY.iter().any(|part| selector.contains(part))
}

fn matcher(selector: &str) -> Result<Matcher, RemoveError> {
    Matcher::new(selector).map_err(|_| RemoveError(selector.to_owned()))
}

impl Remove {
    /// `None` when nothing is to be removed.
    pub(super) fn new(options: &RemoveOptions) -> Result<Option<Self>, RemoveError> {
        if options.elements.is_empty() && options.attributes.is_empty() {
            return Ok(None);
        }
        let elements = options.elements.iter().map(|selector| matcher(selector));
        let attributes = options.attributes.iter();
        let all = options.elements.iter();
        let all = all.chain(attributes.clone().map(|(selector, _)| selector));
        let costly = all.filter(|selector| is_costly(selector)).count() as u64;
        let attributes =
            attributes.map(|(selector, names)| Ok((matcher(selector)?, names.clone())));
        Ok(Some(Self {
            elements: elements.collect::<Result<_, _>>()?,
            attributes: attributes.collect::<Result<_, RemoveError>>()?,
            costly,
        }))
    }

    /// Whether the selectors can be matched in time that grows as the field does.
    fn can_match(&self, size: Size, html: &str) -> bool {
        let looks = (size.depths + size.pairs).saturating_mul(self.costly);
        looks <= LOOKS_MAX + LOOKS_PER_BYTE * html.len() as u64
    }

    pub(super) fn edits(&self, html: &str, markup: Markup, trace: &Trace) -> Vec<Edit> {
        let tags_max = TAGS_MAX + html.len() / BYTES_PER_TAG;
        let mut walk = Walk::new(html, markup);
        let mut tag = Tag::default();
        let mut tags = Vec::new();
        while tags.len() <= tags_max && walk.read(&mut tag) {
            tags.push(std::mem::take(&mut tag));
        }
        if tags.is_empty() {
            return Vec::new();
        }
        let plain = || {
            let tree = walk.is_plain().then(|| tree::of_tags(html, &tags, NUMBER));
            tree.flatten()
        };
        let parsed = || tree::fragment(&numbered(html, &tags), Limits::FIELD).ok();
        let tree = (tags.len() <= tags_max)
            .then(|| plain().or_else(parsed))
            .flatten()
            .filter(|(_, size)| self.can_match(*size, html));
        let Some((tree, _)) = tree else {
            trace.too_complex(
                "remove_elements",
                html,
                "the field is too complex for a tree",
            );
            return Vec::new();
        };
        let source = Source { html, tags, markup };
        let Some(mut edits) = self.elements_of(&source, &tree) else {
            return self.written_anew(&source, &tree);
        };
        for (matcher, names) in &self.attributes {
            for node in tree.select_matcher(matcher).nodes() {
                edits.extend(source.attributes(node, names));
            }
        }
        edits.sort_by_key(|edit| (edit.range.start, std::cmp::Reverse(edit.range.end)));
        // What stands inside something that goes, goes with it.
        let mut end = 0;
        edits.retain(|edit| {
            let is_new = edit.range.start >= end && !edit.range.is_empty();
            end = end.max(edit.range.end);
            is_new
        });
        edits
    }

    /// The elements that go; `None` where one is not written as the tree has it.
    fn elements_of(&self, source: &Source<'_>, tree: &Document) -> Option<Vec<Edit>> {
        let mut edits = Vec::new();
        for matcher in &self.elements {
            // What stands inside something that goes, goes with it.
            let mut gone_to = 0;
            for node in tree.select_matcher(matcher).nodes() {
                if source.start(node).is_some_and(|start| start < gone_to) {
                    continue;
                }
                let range = source.span(node)?;
                gone_to = range.end;
                let text = String::new();
                edits.push(Edit { range, text });
            }
        }
        Some(edits)
    }

    /// The whole field as the tree has it, without what matches.
    fn written_anew(&self, source: &Source<'_>, tree: &Document) -> Vec<Edit> {
        for matcher in &self.elements {
            tree.select_matcher(matcher).remove();
        }
        for (matcher, names) in &self.attributes {
            for node in tree.select_matcher(matcher).nodes() {
                names.iter().for_each(|name| node.remove_attr(name));
            }
        }
        for node in tree.root().descendants() {
            node.remove_attr(NUMBER);
        }
        let html = tree.html_root().inner_html();
        let text = match source.markup {
            Markup::Html => html.to_string(),
            Markup::Xhtml => xhtml::well_formed(&html),
        };
        let range = 0..source.html.len();
        vec![Edit { range, text }]
    }
}

/// The field with every start tag's number in an attribute.
fn numbered(html: &str, tags: &[Tag<'_>]) -> String {
    let mut out = String::with_capacity(html.len() + tags.len() * (NUMBER.len() + 10));
    let mut done = 0;
    for (index, tag) in tags.iter().enumerate().filter(|(_, tag)| !tag.is_end) {
        let at = tag.name_range.end;
        out.push_str(&html[done..at]);
        out.push_str(&format!(" {NUMBER}=\"{index}\""));
        done = at;
    }
    out.push_str(&html[done..]);
    out
}

/// The field as it is written.
struct Source<'h> {
    html: &'h str,
    tags: Vec<Tag<'h>>,
    markup: Markup,
}

impl Source<'_> {
    /// The start tag that an element was written as.
    fn tag(&self, node: &NodeRef<'_>) -> Option<usize> {
        let number = node.attr(NUMBER)?;
        number.parse().ok().filter(|&index| index < self.tags.len())
    }

    /// The removal of an element's attributes of these names, all of a name: the second would count
    /// once the first is gone.
    fn attributes(&self, node: &NodeRef<'_>, names: &[String]) -> Vec<Edit> {
        let Some(tag) = self.tag(node).map(|index| &self.tags[index]) else {
            return Vec::new();
        };
        let is_named = |attribute: &&Attribute<'_>| {
            let written = attribute.name;
            names.iter().any(|name| written.eq_ignore_ascii_case(name))
        };
        let named = tag.attributes.iter().filter(is_named);
        named.map(|attribute| tag.remove(attribute)).collect()
    }

    /// Where an element's tag stands.
    fn start(&self, node: &NodeRef<'_>) -> Option<usize> {
        self.tag(node).map(|index| self.tags[index].range.start)
    }

    /// Where an element stands, if what stands there is just what the tree has inside it.
    fn span(&self, node: &NodeRef<'_>) -> Option<std::ops::Range<usize>> {
        let first = self.tag(node)?;
        let start = &self.tags[first];
        let is_empty = match self.markup {
            Markup::Html => VOID.iter().any(|name| start.starts(name)),
            Markup::Xhtml => start.is_self_closed,
        };
        if is_empty {
            return node.first_child().is_none().then(|| start.range.clone());
        }
        let mut depth = 0usize;
        let last = (first..self.tags.len()).find(|&index| {
            let tag = &self.tags[index];
            if tag.is_end && tag.ends(start.name) {
                depth -= 1;
            } else if tag.starts(start.name)
                && !(tag.is_self_closed && self.markup == Markup::Xhtml)
            {
                depth += 1;
            }
            depth == 0
        })?;
        let written = (first..last).filter(|&index| !self.tags[index].is_end);
        let written: HashSet<usize> = written.collect();
        let mut inside = HashSet::from([first]);
        for inner in node.descendants_it().filter(NodeRef::is_element) {
            // One that nobody wrote, such as `tbody`, is no matter.
            inside.extend(self.tag(&inner));
        }
        (written == inside).then(|| start.range.start..self.tags[last].range.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::apply;

    fn check_as(html: &str, markup: Markup, expected: &str) {
        let remove = Remove::new(&RemoveOptions {
            elements: vec![".ad".into(), "p:has(> b)".into(), "hr + em".into()],
            attributes: vec![("img, p".into(), vec!["style".into(), "class".into()])],
        })
        .unwrap()
        .unwrap();
        let run = |html: &str| apply(html, &remove.edits(html, markup, &Trace::default()));
        assert_eq!(run(html), expected, "{html}");
        assert_eq!(run(expected), expected, "a second time");
    }

    fn check(html: &str, expected: &str) {
        check_as(html, Markup::Html, expected);
    }

    #[test]
    fn cut_out_where_it_stands() {
        check(
            "<DIV  id=a >x</DIV>&nbsp;<p>y",
            "<DIV  id=a >x</DIV>&nbsp;<p>y",
        );
        check(
            "<i>a</i><div class='ad x'>b<div>c</div></div > d &amp e",
            "<i>a</i> d &amp e",
        );
        check("<p>a</p><p><b>x</b></p><hr><em>y</em>z", "<p>a</p><hr>z");
        check(
            "<img style='x' alt=\"a\" class=b src=c>",
            "<img alt=\"a\" src=c>",
        );
        check("<p style=a style=b>x", "<p>x");
        check("<div class=ad><img style=x></div><p style=y>z", "<p>z");
        check(
            "<table><tr class=ad><td>x</td></tr><tr><td>y</td></tr></table>",
            "<table><tr><td>y</td></tr></table>",
        );
        check("<br class=ad>x", "x");
    }

    #[test]
    fn from_the_tree_where_tags_are_missing() {
        check("<p class=ad>a<p>b", "<p>b</p>");
        check("<ul><li class=ad>a<li>b</ul>c", "<ul><li>b</li></ul>c");
        check(
            "<div><p class=ad>x<div>y</div></div><p>keep",
            "<div><div>y</div></div><p>keep</p>",
        );
    }

    #[test]
    fn inline_xhtml_stays_well_formed() {
        check_as(
            "<h:div class=\"ad\"><h:br/></h:div><h:p>a<br/></h:p>",
            Markup::Xhtml,
            "<h:p>a<br/></h:p>",
        );
        check_as(
            "<div class=\"ad\">x<br/></div><p style=\"a\">b</p>",
            Markup::Xhtml,
            "<p>b</p>",
        );
        check_as("<p>a</p><p class=\"ad\"/>", Markup::Xhtml, "<p>a</p>");
    }

    #[test]
    fn too_much_is_left() {
        let deep = format!("{}<p class=ad>x</p>", "<div>".repeat(3000));
        check(&deep, &deep);
    }
}
