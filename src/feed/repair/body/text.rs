//! Text in the body: ampersands, `<` that begins nothing, `]]>`.

use std::ops::Range;

use memchr::{memchr_iter, memchr2_iter};

use super::{After, Body};
use crate::feed::characters::is_blank;
use crate::feed::repair::edits::{Edits, Fault};
use crate::feed::repair::references::{self, Reference};
use crate::feed::repair::source::Source;
use crate::feed::token::{DECLARATION_BYTES_MAX, TAG_BYTES_MAX};

/// `]]` before `>` is what must not be in text.
const BRACKETS: usize = 2;
/// So much text between two tags is most often but a line break and some blanks.
const BLANKS_MAX: usize = 32;
/// Where a token is cut for its length, the cut may be so much before.
const LETTER_BYTES_MAX: usize = 4;

impl Body {
    /// Text, or the part of it that is there.
    pub(super) fn text(
        &mut self,
        source: &Source<'_>,
        range: Range<usize>,
        edits: &mut Edits,
    ) -> After {
        let raw = source.slice(&range);
        let bytes = raw.as_bytes();
        if bytes.len() <= BLANKS_MAX && bytes.iter().all(|byte| is_blank(*byte)) {
            self.brackets = 0;
            return After::Next;
        }
        if raw.starts_with('<') {
            if is_cut(raw) {
                self.leave(Fault::TooLong, range.start, raw, edits);
                return After::GiveUp;
            }
            // None of what was read is a tag, so there may be more of them.
            for at in memchr_iter(b'<', bytes) {
                let at = range.start + at;
                edits.replace(Fault::LessThan, at..at + 1, "&lt;", || self.place());
            }
        }
        let mut from = 0;
        let is_whole = source.is_last || !source.is_at_end(range.end);
        self.end_section(bytes, range.start, from, edits);
        let mut next = from;
        for found in memchr2_iter(b'&', b']', bytes) {
            // One reference may be in two halves.
            if found < next || references::is_usual(&bytes[found + 1..]) {
                continue;
            }
            if bytes[found] == b']' {
                if bytes[found..].starts_with(b"]]>") {
                    self.close_bracket(range.start + found + 2, edits);
                }
                continue;
            }
            match references::read(&raw[found..], &self.entities, is_whole) {
                Reference::Fine => {}
                Reference::Wrong(length, text, fault) => {
                    let is_gone = text.is_empty();
                    let at = range.start + found;
                    edits.replace(fault, at..at + length, text, || self.place());
                    next = found + length;
                    if is_gone {
                        self.count_brackets(&bytes[from..found]);
                        from = next;
                        self.end_section(bytes, range.start, from, edits);
                    }
                }
                Reference::Unclear => {
                    self.count_brackets(&bytes[from..found]);
                    return After::GoTo(range.start + found);
                }
            }
        }
        self.count_brackets(&bytes[from..]);
        After::Next
    }

    /// `]]` stands before what was cut off or taken out, or one `]` of it, and `>` behind.
    fn end_section(&mut self, bytes: &[u8], start: usize, from: usize, edits: &mut Edits) {
        if self.brackets == 0 {
            return;
        }
        let rest = &bytes[from..];
        let more = rest.iter().take_while(|byte| **byte == b']').count();
        // With two of them here the usual search finds it.
        if more < BRACKETS && self.brackets + more >= BRACKETS && rest.get(more) == Some(&b'>') {
            self.close_bracket(start + from + more, edits);
        }
    }

    fn close_bracket(&self, at: usize, edits: &mut Edits) {
        edits.replace(Fault::SectionEnd, at..at + 1, "&gt;", || self.place());
    }

    /// How many `]` end the text once `part` was added.
    fn count_brackets(&mut self, part: &[u8]) {
        let tail = part.iter().rev().take(BRACKETS);
        let more = tail.take_while(|byte| **byte == b']').count();
        self.brackets = if more == part.len() {
            BRACKETS.min(self.brackets + more)
        } else {
            more
        };
    }
}

/// Whether HTML makes something of the `<` that `raw` starts with, though XML does not.
pub(super) fn is_html(raw: &str, source: &Source<'_>, end: usize) -> bool {
    let is_begun = |letter: char| letter.is_alphabetic() || letter == '!';
    match raw.strip_prefix('<') {
        Some("") => source.follows(end, '!'),
        Some(rest) => rest.starts_with(is_begun),
        None => false,
    }
}

/// Whether this is the start of a tag that was too long to be read.
fn is_cut(raw: &str) -> bool {
    let most = if raw.starts_with("<!") {
        DECLARATION_BYTES_MAX
    } else {
        TAG_BYTES_MAX
    };
    raw.len() + LETTER_BYTES_MAX > most
}
