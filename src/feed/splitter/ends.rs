//! Where in an XML document items and children of the channel end.
//!
//! Invariant: each end is said once at most, for the container that holds what was seen.

use super::Piece;
use super::outlet::{Outlet, Sink};
use crate::feed::Format;

/// What is known about where items and children of the channel end.
#[derive(Debug, Default)]
pub(super) struct Ends {
    /// The depth of the container in which the last item stood; the root's is 0.
    items_depth: Option<usize>,
    /// Whether the end of the items, and that of the channel, was said.
    of_items: bool,
    of_channel: bool,
}

impl Ends {
    /// An item is in the innermost of so many containers.
    pub(super) fn note_item(&mut self, containers: usize) {
        self.items_depth = containers.checked_sub(1);
    }

    /// The container at `depth` ends at `end`, and with it what is open inside.
    pub(super) fn say(
        &mut self,
        (depth, end): (usize, usize),
        outlet: &mut Outlet,
        sink: &mut Sink<'_>,
    ) {
        if !std::mem::replace(&mut self.of_channel, true) {
            outlet.mark(end, Piece::ChannelEnd, sink);
        }
        let holds_items = match self.items_depth {
            Some(items_depth) => items_depth >= depth,
            None => depth == 0 || outlet.frame.format == Format::Rss,
        };
        if holds_items && !std::mem::replace(&mut self.of_items, true) {
            let is_empty = false;
            outlet.mark(end, Piece::ItemsEnd { is_empty }, sink);
        }
    }
}
