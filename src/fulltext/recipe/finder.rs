//! What finds something on a page: a CSS selector or an XPath expression.

use dom_query::{Document, Matcher, NodeRef};
use serde::{Deserialize, Serialize};

use super::xpath::{Expression, Value, XNode, XPathError};

/// Nodes that one finder may find.
const FOUND_MAX: usize = 5_000;

/// A CSS selector or an XPath expression.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "Source", try_from = "Source")]
pub struct Finder {
    source: String,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Css(Matcher),
    XPath(Expression),
}

/// A finder as it is written for another process.
#[derive(Serialize, Deserialize)]
enum Source {
    Css(String),
    XPath(String),
}

impl From<Finder> for Source {
    fn from(finder: Finder) -> Self {
        match finder.kind {
            Kind::Css(_) => Self::Css(finder.source),
            Kind::XPath(_) => Self::XPath(finder.source),
        }
    }
}

impl TryFrom<Source> for Finder {
    type Error = FinderError;

    fn try_from(source: Source) -> Result<Self, FinderError> {
        match source {
            Source::Css(selector) => Self::css(&selector),
            Source::XPath(expression) => Self::xpath(&expression),
        }
    }
}

/// Why a finder is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FinderError {
    /// The selector.
    #[error("this is no CSS selector")]
    Css,
    /// The expression.
    #[error("this is no XPath expression that is understood: {0}")]
    XPath(#[from] XPathError),
}

impl Finder {
    /// A CSS selector.
    ///
    /// # Errors
    /// When it is none.
    pub fn css(selector: &str) -> Result<Self, FinderError> {
        let matcher = Matcher::new(selector).map_err(|_| FinderError::Css)?;
        Ok(Self {
            source: selector.to_owned(),
            kind: Kind::Css(matcher),
        })
    }

    /// An XPath 1.0 expression.
    ///
    /// # Errors
    /// When it is none, or holds what is not understood.
    pub fn xpath(expression: &str) -> Result<Self, FinderError> {
        Ok(Self {
            source: expression.to_owned(),
            kind: Kind::XPath(Expression::parse(expression)?),
        })
    }

    /// It, as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether anything is found.
    pub(in crate::fulltext) fn matches(&self, document: &Document) -> bool {
        match &self.kind {
            Kind::Css(matcher) => document.select_single_matcher(matcher).exists(),
            Kind::XPath(expression) => expression
                .evaluate(document)
                .is_some_and(|value| value.is_true()),
        }
    }

    /// All that is found, as HTML.
    pub(in crate::fulltext) fn html(&self, document: &Document) -> String {
        let value = match &self.kind {
            Kind::Css(matcher) => {
                let found = document.select_matcher(matcher);
                return outer_html(found.nodes());
            }
            Kind::XPath(expression) => expression.evaluate(document),
        };
        match value {
            Some(Value::Nodes(nodes)) => {
                let elements: Vec<_> = nodes.iter().filter_map(XNode::tree_node).collect();
                if elements.is_empty() {
                    return nodes.iter().map(XNode::text).collect();
                }
                outer_html(&elements)
            }
            Some(Value::Text(text)) => text,
            _ => String::new(),
        }
    }

    /// The text of what is found: of the first, or of all with commas for people's names.
    pub(in crate::fulltext) fn text(&self, document: &Document) -> String {
        match &self.kind {
            Kind::Css(matcher) => {
                let found = document.select_matcher(matcher);
                let nodes = found.nodes().iter().take(1);
                nodes
                    .map(
                        |node| match node.attr("datetime").or_else(|| node.attr("content")) {
                            Some(value) => value.to_string(),
                            None => node.text().to_string(),
                        },
                    )
                    .collect()
            }
            Kind::XPath(expression) => expression
                .evaluate(document)
                .map(|value| value.to_text())
                .unwrap_or_default(),
        }
    }

    /// The address that is found: an attribute, a text, or where a link leads.
    pub(in crate::fulltext) fn address(&self, document: &Document) -> Option<String> {
        let of_node = |node: &NodeRef<'_>| {
            let href = node.attr("href").or_else(|| node.attr("src"));
            href.map(|href| href.to_string())
        };
        let found = match &self.kind {
            Kind::Css(matcher) => {
                let found = document.select_single_matcher(matcher);
                found.nodes().first().and_then(of_node)
            }
            Kind::XPath(expression) => match expression.evaluate(document)? {
                Value::Nodes(nodes) => {
                    let first = nodes.first()?;
                    first
                        .tree_node()
                        .and_then(|node| of_node(&node))
                        .or_else(|| Some(first.text()))
                }
                value => Some(value.to_text()),
            },
        };
        found.filter(|address| !address.trim().is_empty())
    }

    /// Takes all that is found out of the page.
    pub(in crate::fulltext) fn remove(&self, document: &Document) {
        match &self.kind {
            Kind::Css(matcher) => document.select_matcher(matcher).remove(),
            Kind::XPath(expression) => {
                let Some(Value::Nodes(nodes)) = expression.evaluate(document) else {
                    return;
                };
                for node in nodes.iter().take(FOUND_MAX) {
                    match node {
                        XNode::Attribute { owner, name, .. } => owner.remove_attr(name),
                        XNode::Tree(node) => {
                            let is_page = ["html", "body"].iter().any(|name| node.has_name(name));
                            if !is_page && !node.is_document() {
                                node.remove_from_parent();
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Nodes as HTML, without those that are in others of them.
fn outer_html(nodes: &[NodeRef<'_>]) -> String {
    let ids: std::collections::HashSet<_> = nodes.iter().map(|node| node.id).collect();
    let outer = nodes
        .iter()
        .take(FOUND_MAX)
        .filter(|node| !node.ancestors_it(None).any(|above| ids.contains(&above.id)));
    outer.map(|node| node.html().to_string()).collect()
}
