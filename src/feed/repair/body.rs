//! Root, channel and items: every element ends, and what is in it is what XML allows.
//!
//! Two things are known only after they were read. Whether an item that starts inside another
//! element belongs there or shows that an end tag is missing; and whether the markup inside a
//! description is XML or HTML that nobody escaped. Until then the text is held. Where an end tag
//! was missing, reading goes back to where it should have stood; HTML that is no XML goes into a
//! CDATA section as it is, which is what its publisher forgot.

mod field;
mod known;
mod tags;
mod text;

use std::ops::Range;

use memchr::memmem;

use field::{Field, Kind};
use known::KnownTags;

use super::doctype::{self, Doctype};
use super::edits::{Edits, Fault, Place};
use super::levels::Levels;
use super::references::Entities;
use super::source::{HELD_BYTES_MAX, Source};
use super::{comment, prolog};
use crate::feed::Format;
use crate::feed::token::Token;

/// What comes after a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum After {
    Next,
    /// Here reading goes on; text there waits for more of it.
    GoTo(usize),
    /// The root has ended.
    Root,
    /// The rest can't be followed.
    GiveUp,
}

/// What is known inside the root.
#[derive(Debug)]
pub(super) struct Body {
    format: Format,
    entities: Entities,
    levels: Levels,
    /// Whether all prefixes that are declared are known.
    knows_prefixes: bool,
    field: Option<Field>,
    known: KnownTags,
    items: Items,
    item_count: usize,
    /// Bytes that were read again because a quote was not closed.
    reread_bytes: usize,
    /// So many `]` end the text so far.
    brackets: usize,
    /// What was left since somebody took this.
    pub(super) skips: usize,
}

/// Whether an item ends where the next one starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Items {
    Unknown,
    /// One was left open: they do.
    Siblings,
    /// They stood inside something for so long that nothing is held for them any more.
    Nested,
}

impl Body {
    pub(super) fn new(format: Format, doctype: Doctype) -> Self {
        Self {
            format,
            entities: doctype.entities,
            levels: Levels::default(),
            knows_prefixes: !doctype.has_attributes,
            field: None,
            known: KnownTags::default(),
            items: Items::Unknown,
            item_count: 0,
            reread_bytes: 0,
            brackets: 0,
            skips: 0,
        }
    }

    pub(super) fn token(
        &mut self,
        source: &Source<'_>,
        token: Token,
        range: Range<usize>,
        edits: &mut Edits,
    ) -> After {
        let raw = source.slice(&range);
        if token == Token::Text {
            if text::is_html(raw, source, range.end) {
                self.tear();
            }
            return self.text(source, range, edits);
        }
        let brackets = std::mem::take(&mut self.brackets);
        match token {
            Token::Start => {
                self.release(range.start);
                return self.start(source, range, edits);
            }
            Token::End => {
                self.release(range.start);
                return match self.end(source, range, edits) {
                    Some(after) => after,
                    None => {
                        self.brackets = brackets;
                        After::Next
                    }
                };
            }
            Token::Cdata => {
                if let Some(field) = &mut self.field {
                    field.see_structure(range.start);
                }
            }
            Token::Comment => comment::repair(raw, range.start, edits, || self.place()),
            Token::Instruction => {
                let fault = if prolog::is_declaration(raw) {
                    Fault::Declaration
                } else if prolog::is_instruction(raw) {
                    return After::Next;
                } else {
                    Fault::Instruction
                };
                self.brackets = brackets;
                edits.replace(fault, range, "", || self.place());
            }
            Token::Declaration if doctype::is_doctype(raw) => {
                self.brackets = brackets;
                edits.replace(Fault::Doctype, range, "", || self.place());
            }
            Token::Declaration | Token::Text => {
                self.brackets = brackets;
                self.tear();
                return self.text(source, range, edits);
            }
        }
        After::Next
    }

    /// An element of that kind was opened, whose content starts at `start`.
    fn enter_field(&mut self, kind: Kind, start: usize, edits: &Edits) {
        if self.field.is_none() && kind != Kind::Structure {
            let level = self.levels.len().saturating_sub(1);
            self.field = Some(Field::new(kind, level, start, edits.mark()));
        }
    }

    /// The markup of the current field is no XML.
    fn tear(&mut self) {
        if let Some(field) = &mut self.field {
            field.is_torn = true;
        }
    }

    /// The element at `level` ends at `end`. Markup in it that is no XML becomes text: HTML, as it
    /// was meant. Text in CDATA sections beside it was text before.
    fn leave_field(&mut self, level: usize, end: usize, source: &Source<'_>, edits: &mut Edits) {
        let Some(field) = self.field.take_if(|field| field.level == level) else {
            return;
        };
        if !field.is_unescaped_html(end) {
            return;
        }
        edits.cut(field.mark);
        let start = field.start();
        let text = source.slice(&(start..end));
        let section = ("<![CDATA[", text, "]]>");
        edits.surround(Fault::Html, start..end, section, || self.place());
        for at in memmem::find_iter(text.as_bytes(), b"]]>") {
            let at = start + at + 2;
            edits.replace(Fault::Html, at..at, "]]><![CDATA[", || self.place());
        }
    }

    /// Lets go what was held for too long, seen from `at`.
    fn release(&mut self, at: usize) {
        if self
            .levels
            .first_doubt()
            .is_some_and(|doubt| at - doubt > HELD_BYTES_MAX)
        {
            self.levels.forget_doubts();
            self.items = Items::Nested;
        }
    }

    /// Up to where the text before `end` may be handed out.
    pub(super) fn hold(&mut self, end: usize) -> usize {
        self.release(end);
        let field = self.field.as_ref().filter(|field| field.is_held(end));
        let held = [field.map(Field::start), self.levels.first_doubt()];
        held.into_iter().flatten().fold(end, usize::min)
    }

    /// Where we are, for notes.
    pub(super) fn place(&self) -> Place {
        let first = self.levels.containers();
        let is_in_item = is_item(self.levels.name(first));
        let field = first + usize::from(is_in_item);
        let field = if field < self.levels.len() {
            field
        } else {
            self.levels.len().saturating_sub(1)
        };
        let name = |index| self.levels.name(index).to_owned();
        Place {
            item: is_in_item.then_some(self.item_count),
            field: name(field),
            element: if field + 1 < self.levels.len() {
                self.levels.top_name().to_owned()
            } else {
                String::new()
            },
            attribute: String::new(),
        }
    }

    /// Something can't be repaired, and `text` stays as it is.
    fn leave(&mut self, fault: Fault, at: usize, text: &str, edits: &mut Edits) {
        self.skips += 1;
        edits.remark(fault, at, (text, None), || self.place());
    }
}

/// Whether items are called so, in one format or another: readers take either for an item.
fn is_item(name: &str) -> bool {
    name.eq_ignore_ascii_case("item") || name.eq_ignore_ascii_case("entry")
}
