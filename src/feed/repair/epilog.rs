//! What stands behind the root: comments and processing instructions, and junk, which goes.
//!
//! Invariant: what readers may take for more of the feed is never dropped.

use super::edits::{Edits, Fault, Place};
use super::source::Source;
use super::{comment, prolog};
use crate::feed::characters::is_blank;
use crate::feed::namespace;
use crate::feed::token::{Scanner, Token};
use crate::feed::xml::Tag;

/// Names of tags that make more of a feed of what follows.
const FEED_NAMES: [&str; 6] = ["rss", "rdf", "feed", "channel", "item", "entry"];

/// Reads on behind the root; true when what follows has to pass as it comes.
pub(super) fn read(source: &Source<'_>, scanner: &mut Scanner, edits: &mut Edits) -> bool {
    let base = source.base;
    while let Some((token, range)) = scanner.next(source.text) {
        let raw = &source.text[range.clone()];
        let range = base + range.start..base + range.end;
        match token {
            Token::Comment => comment::repair(raw, range.start, edits, Place::default),
            Token::Instruction if prolog::is_declaration(raw) => {
                edits.replace(Fault::Declaration, range, "", Place::default);
            }
            Token::Instruction if prolog::is_instruction(raw) => {}
            Token::Start if is_feed(raw) => {
                let told = (raw, None);
                edits.remark(Fault::SecondDocument, range.start, told, Place::default);
                return true;
            }
            Token::Text => drop_text(raw, range.start, edits),
            _ => edits.replace(Fault::Junk, range, "", Place::default),
        }
    }
    let (start, _) = scanner.current();
    if source.is_last && start < source.text.len() {
        let range = base + start..base + source.text.len();
        edits.replace(Fault::Junk, range, "", Place::default);
    }
    false
}

fn is_feed(raw: &str) -> bool {
    let name = Tag::parse(raw).map_or("", |tag| tag.name());
    let local = namespace::split(name).1;
    FEED_NAMES
        .iter()
        .any(|known| known.eq_ignore_ascii_case(local))
}

/// Text comes in parts as it arrives: blanks stay wherever they are.
fn drop_text(raw: &str, start: usize, edits: &mut Edits) {
    let mut at = 0;
    while let Some(length) = raw[at..].bytes().position(|byte| !is_blank(byte)) {
        let from = at + length;
        let length = raw[from..].bytes().position(is_blank);
        at = length.map_or(raw.len(), |length| from + length);
        edits.replace(Fault::Junk, start + from..start + at, "", Place::default);
    }
}
