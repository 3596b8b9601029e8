//! The elements that are open, with what has to be known of each to close it.
//!
//! Invariant: no more is kept than 1024 levels and 64 KiB of names.

use crate::feed::namespace::{Namespaces, Ns};
use crate::feed::nesting::Name;
use crate::feed::xml::Tag;

/// Elements nested deeper than this are counted only. Parsers are content with fewer.
const DEPTH_MAX: usize = 1024;
/// The same for names that are longer together.
const NAMES_BYTES_MAX: usize = 64 << 10;

/// Where an element should have ended, should it turn out to have been left open: at the start of
/// an item in it. Items do not nest in any feed, but they may in XML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Doubt {
    pub(super) at: usize,
    /// How many elements were open there.
    pub(super) levels: usize,
    /// What was edited before, and how many items there were.
    pub(super) mark: usize,
    pub(super) items: usize,
}

#[derive(Debug)]
struct Level {
    /// Where its name starts in `names`.
    name: usize,
    /// Where its start tag ends in the document.
    tag_end: usize,
    /// The bindings there were before.
    bindings: usize,
    is_container: bool,
    doubt: Option<Doubt>,
}

/// The open elements, outermost first.
#[derive(Debug, Default)]
pub(super) struct Levels {
    list: Vec<Level>,
    names: String,
    /// Hashes of the names of the outermost levels, as far as somebody asked.
    hashes: Vec<Name>,
    namespaces: Namespaces,
    /// How often the bindings have changed.
    changes: usize,
    /// How many elements are open that are too deep to be kept.
    beyond: usize,
    /// The first doubt there is.
    doubt: Option<Doubt>,
}

impl Levels {
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether what is open now is too deep to be told apart.
    pub(super) fn is_beyond(&self) -> bool {
        self.beyond > 0
    }

    pub(super) fn name(&self, index: usize) -> &str {
        let end = self
            .list
            .get(index + 1)
            .map_or(self.names.len(), |next| next.name);
        self.list
            .get(index)
            .map_or("", |level| &self.names[level.name..end])
    }

    pub(super) fn top_name(&self) -> &str {
        self.list
            .last()
            .map_or("", |level| &self.names[level.name..])
    }

    /// Where the start tag of the innermost element ends.
    pub(super) fn top_tag_end(&self) -> usize {
        self.list.last().map_or(0, |level| level.tag_end)
    }

    /// Whether the innermost element declares namespaces.
    pub(super) fn top_declares(&self) -> bool {
        let top = self.list.last();
        top.is_some_and(|level| level.bindings < self.namespaces.mark())
    }

    /// Whether the innermost element is root or channel.
    pub(super) fn is_in_container(&self) -> bool {
        self.beyond == 0 && self.list.last().is_none_or(|level| level.is_container)
    }

    /// How many of the outermost elements are root or channels.
    pub(super) fn containers(&self) -> usize {
        self.list
            .iter()
            .take_while(|level| level.is_container)
            .count()
    }

    /// Whether an element inside root and channels declares `prefix`.
    pub(super) fn is_bound_inside(&self, prefix: &str) -> bool {
        let first = self.list.get(self.containers());
        first.is_some_and(|level| self.namespaces.is_bound_since(prefix, level.bindings))
    }

    /// The innermost element of that name, whatever its case.
    pub(super) fn find(&mut self, name: &str) -> Option<usize> {
        for index in self.hashes.len()..self.list.len() {
            self.hashes.push(Name::of(self.name(index)));
        }
        let name = Name::of(name);
        self.hashes.iter().rposition(|known| *known == name)
    }

    pub(super) fn namespaces(&self) -> &Namespaces {
        &self.namespaces
    }

    /// As long as this is the same, so is what every prefix stands for.
    pub(super) fn changes(&self) -> usize {
        self.changes
    }

    /// Makes `prefix` stand for `ns` in the innermost element.
    pub(super) fn bind(&mut self, prefix: &str, ns: Ns) {
        self.namespaces.bind(prefix, ns);
        self.changes += 1;
    }

    /// An element is open now, and what its tag declares is in force. False when it is the first
    /// that is too deep.
    pub(super) fn push(&mut self, tag: &Tag<'_>, tag_end: usize, is_container: bool) -> bool {
        let bindings = self.namespaces.mark();
        let is_kept = self.push_name(tag.name(), tag_end, is_container);
        if self.beyond == 0 {
            self.namespaces.declare(tag);
            self.changes += usize::from(self.namespaces.mark() > bindings);
        }
        is_kept
    }

    /// The same for a tag that declares nothing.
    pub(super) fn push_name(&mut self, name: &str, tag_end: usize, is_container: bool) -> bool {
        let names_bytes = self.names.len() + name.len();
        if self.beyond > 0 || self.list.len() >= DEPTH_MAX || names_bytes > NAMES_BYTES_MAX {
            self.beyond += 1;
            return self.beyond > 1;
        }
        self.list.push(Level {
            name: self.names.len(),
            tag_end,
            bindings: self.namespaces.mark(),
            is_container,
            doubt: None,
        });
        self.names.push_str(name);
        true
    }

    /// The innermost element has ended. When its own end tag ended it, an item in it was rightly
    /// there.
    pub(super) fn pop(&mut self, is_ended: bool) {
        if self.beyond > 0 {
            self.beyond -= 1;
            return;
        }
        let Some(level) = self.list.pop() else { return };
        self.names.truncate(level.name);
        self.hashes.truncate(self.list.len());
        if self.namespaces.mark() > level.bindings {
            self.namespaces.forget(level.bindings);
            self.changes += 1;
        }
        let Some(doubt) = level.doubt else { return };
        if is_ended {
            for outer in self.list.iter_mut().rev() {
                if outer.doubt != Some(doubt) {
                    break;
                }
                outer.doubt = None;
            }
        }
        self.doubt = self.list.iter().find_map(|level| level.doubt);
    }

    /// Back to how it was when the doubt arose.
    pub(super) fn rewind(&mut self, doubt: &Doubt) {
        self.beyond = 0;
        while self.list.len() > doubt.levels {
            self.pop(false);
        }
        self.forget_doubts();
    }

    /// An item starts inside what may have been left open.
    pub(super) fn doubt(&mut self, doubt: Doubt) {
        for level in self.list.iter_mut().rev() {
            if level.is_container || level.doubt.is_some() {
                break;
            }
            level.doubt = Some(doubt);
        }
        self.doubt = self.doubt.or(Some(doubt));
    }

    /// The first doubt about an element inside the one at `index`.
    pub(super) fn doubt_inside(&self, index: usize) -> Option<Doubt> {
        self.doubt?;
        self.list
            .get(index + 1..)?
            .iter()
            .find_map(|level| level.doubt)
    }

    /// Where the first doubt there is arose.
    pub(super) fn first_doubt(&self) -> Option<usize> {
        self.doubt.map(|doubt| doubt.at)
    }

    pub(super) fn forget_doubts(&mut self) {
        self.doubt = None;
        for level in &mut self.list {
            level.doubt = None;
        }
    }
}
