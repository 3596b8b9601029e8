//! One element on the stack of open elements, and how far end tags reach past it.

use super::names::Kind;
use crate::html::Name;

/// The namespace of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    Html,
    Svg,
    Math,
}

/// One open element.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) name: &'a str,
    pub(super) id: Name,
    pub(super) space: Space,
    pub(super) kind: Kind,
    /// Foreign, but its content is HTML.
    pub(super) is_integration_point: bool,
    /// How many formatting elements were waiting when it was opened.
    pub(super) waiting: usize,
}

impl Element<'_> {
    pub(super) fn is(&self, id: Name) -> bool {
        self.id == id
    }

    /// Whether end tags do not reach beyond it ("has an element in scope").
    pub(super) fn is_scope(&self) -> bool {
        self.is_integration_point || (self.space == Space::Html && self.kind.is_scope())
    }

    /// Whether formatting does not reach beyond it.
    pub(super) fn is_marker(&self) -> bool {
        self.space == Space::Html && self.kind.is_marker()
    }

    pub(super) fn is_special(&self) -> bool {
        self.is_integration_point || (self.space == Space::Html && self.kind.is_special())
    }
}
