//! What follows a start tag.

use super::names::Kind;

/// What a start tag is followed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::html) enum Content {
    Markup,
    /// The element is one of svg or math.
    Foreign,
    Raw,
    Script,
    Plaintext,
}

impl Content {
    /// What follows a start tag of this kind, where nothing is foreign.
    pub(in crate::html) fn of_raw(kind: Kind) -> Self {
        match kind {
            Kind::Raw { .. } => Self::Raw,
            Kind::Script => Self::Script,
            Kind::Plaintext => Self::Plaintext,
            _ => Self::Markup,
        }
    }
}
