//! XPath 1.0 over a tree of HTML: what files of site rules are written in.
//!
//! All of the language but variables, namespaces, `lang()` and `processing-instruction()`. Work is
//! bounded: an expression that visits too many nodes finds nothing.

mod call;
mod compare;
mod evaluate;
mod functions;
mod lex;
mod parse;

use dom_query::{Document, NodeRef};

pub use parse::XPathError;

/// A parsed expression.
#[derive(Debug, Clone)]
pub(super) struct Expression(parse::Expr);

/// What an expression gives.
#[derive(Debug, Clone)]
pub(super) enum Value<'a> {
    /// Nodes in the order of the document.
    Nodes(Vec<XNode<'a>>),
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// True or false.
    Truth(bool),
}

/// A node: of the tree, or an attribute.
#[derive(Debug, Clone)]
pub(super) enum XNode<'a> {
    /// An element, a text, a comment, or the document.
    Tree(NodeRef<'a>),
    /// An attribute of an element.
    Attribute {
        /// The element.
        owner: NodeRef<'a>,
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
}

impl Expression {
    /// Parses an expression.
    ///
    /// # Errors
    /// When it is none, too long, nested too deep, or holds what is not understood.
    pub(super) fn parse(source: &str) -> Result<Self, XPathError> {
        parse::parse(source).map(Self)
    }

    /// What it gives for a document; `None` when it would take too long.
    pub(super) fn evaluate<'a>(&self, document: &'a Document) -> Option<Value<'a>> {
        evaluate::evaluate(&self.0, document)
    }
}

impl<'a> XNode<'a> {
    /// The element, text or comment, if it is one.
    pub(super) fn tree_node(&self) -> Option<NodeRef<'a>> {
        match self {
            Self::Tree(node) => Some(*node),
            Self::Attribute { .. } => None,
        }
    }

    /// Its text.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Tree(node) if node.is_comment() => {
                let html = node.html();
                let text = html.strip_prefix("<!--").unwrap_or(&html);
                text.strip_suffix("-->").unwrap_or(text).to_owned()
            }
            Self::Tree(node) => node.text().to_string(),
            Self::Attribute { value, .. } => value.clone(),
        }
    }
}

impl Value<'_> {
    /// As a text: of nodes, the first one's.
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Nodes(nodes) => nodes.first().map(XNode::text).unwrap_or_default(),
            Self::Text(text) => text.clone(),
            Self::Number(number) => functions::number_text(*number),
            Self::Truth(truth) => truth.to_string(),
        }
    }

    /// As true or false: whether there are nodes, letters, a number that is not 0.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Nodes(nodes) => !nodes.is_empty(),
            Self::Text(text) => !text.is_empty(),
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Truth(truth) => *truth,
        }
    }

    /// As a number.
    pub(super) fn to_number(&self) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::Truth(truth) => f64::from(u8::from(*truth)),
            _ => functions::parse_number(&self.to_text()),
        }
    }
}
