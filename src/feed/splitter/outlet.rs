//! The text that was not handed out yet, and the way out.
//!
//! Invariant: `sink` sees every byte once and in order.

use std::ops::Range;

use super::{Frame, Piece, Skip};

/// Where pieces go: the splitter's caller.
pub(super) type Sink<'s> = dyn FnMut(&Frame, Piece<'_>) + 's;

/// The undelivered text and what is counted on delivery.
#[derive(Debug)]
pub(super) struct Outlet {
    pub(super) frame: Frame,
    /// Starts with what was handed out already, up to `taken`.
    pub(super) text: String,
    taken: usize,
    pub(super) items: usize,
    pub(super) skips: Vec<(Skip, usize)>,
}

impl Outlet {
    pub(super) fn new(frame: Frame) -> Self {
        Self {
            frame,
            text: String::new(),
            taken: 0,
            items: 0,
            skips: Vec::new(),
        }
    }

    /// Bytes that are held until they make a piece.
    pub(super) fn held_bytes(&self) -> usize {
        self.text.len() - self.taken
    }

    /// Hands out everything before `end` unread.
    pub(super) fn between(&mut self, end: usize, sink: &mut Sink<'_>) {
        if end > self.taken {
            sink(&self.frame, Piece::Between(&self.text[self.taken..end]));
            self.taken = end;
        }
    }

    pub(super) fn item(&mut self, range: Range<usize>, sink: &mut Sink<'_>) {
        self.between(range.start, sink);
        self.taken = range.end;
        self.items += 1;
        sink(&self.frame, Piece::Item(&self.text[range]));
    }

    pub(super) fn element(&mut self, range: Range<usize>, sink: &mut Sink<'_>) {
        self.between(range.start, sink);
        self.taken = range.end;
        sink(&self.frame, Piece::Element(&self.text[range]));
    }

    pub(super) fn instruction(&mut self, range: Range<usize>, sink: &mut Sink<'_>) {
        self.between(range.start, sink);
        self.taken = range.end;
        sink(&self.frame, Piece::Instruction(&self.text[range]));
    }

    /// Says that a list ends at `end`.
    pub(super) fn mark(&mut self, end: usize, mark: Piece<'static>, sink: &mut Sink<'_>) {
        self.between(end, sink);
        sink(&self.frame, mark);
    }

    /// Hands out what is left.
    pub(super) fn rest(&mut self, sink: &mut Sink<'_>) {
        self.between(self.text.len(), sink);
    }

    /// Forgets what was handed out and says how many bytes that were.
    pub(super) fn drain(&mut self) -> usize {
        self.text.drain(..self.taken);
        std::mem::take(&mut self.taken)
    }

    pub(super) fn count(&mut self, skip: Skip) {
        match self.skips.iter_mut().find(|(known, _)| *known == skip) {
            Some((_, count)) => *count += 1,
            None => self.skips.push((skip, 1)),
        }
    }
}
