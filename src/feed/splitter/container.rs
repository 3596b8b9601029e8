//! The root and the channels that are open, and what they say of what is in them.

use super::Frame;
use crate::feed::namespace::{self, Namespaces};
use crate::feed::text::Decoded;
use crate::feed::xml::Tag;

/// A root or channel, and how much the frame held before it.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) name: String,
    /// So many start tags of that name stand as markup in the open piece.
    pub(super) again: usize,
    bases: usize,
    bindings: usize,
    declarations: usize,
}

impl Container {
    /// Enters the root or a channel.
    pub(super) fn enter(tag: &Tag<'_>, frame: &mut Frame) -> Self {
        let container = Self {
            name: tag.name().to_owned(),
            again: 0,
            bases: frame.bases.len(),
            bindings: frame.namespaces.mark(),
            declarations: frame.declarations.len(),
        };
        frame.namespaces.declare(tag);
        let declarations = &mut frame.declarations;
        let room = Namespaces::BINDINGS_MAX.saturating_sub(declarations.len());
        declarations.extend(namespace::declarations(tag).take(room));
        if let Some(base) = tag.attribute("xml:base") {
            let base = Decoded::attribute(base.value).as_str().to_owned();
            frame.bases.push(base);
        }
        container
    }

    /// Leaves it: the frame is as it was before.
    pub(super) fn leave(&self, frame: &mut Frame) {
        frame.bases.truncate(self.bases);
        frame.namespaces.forget(self.bindings);
        frame.declarations.truncate(self.declarations);
    }
}
