//! What is repaired in a JSON document: commas behind the last value, characters in strings that
//! JSON wants escaped, a mark of byte order. What else is no JSON passes, and is refused later.

use super::edits::{Edits, Fault, Place};
use super::source::Source;
use crate::feed::json::syntax::{self, Syntax};

/// White space behind a comma beyond this is not waited for.
const HELD_BYTES_MAX: usize = 64 << 10;

/// A JSON document that is being repaired.
#[derive(Debug)]
pub(super) struct Json {
    syntax: Syntax,
}

impl Json {
    /// Starts behind the blanks before the document.
    pub(super) fn new(source: &Source<'_>, edits: &mut Edits) -> Self {
        let document = source.text.find(['{', '[']).unwrap_or_default();
        for (at, mark) in source.text[..document].match_indices('\u{feff}') {
            let start = source.base + at;
            edits.replace(
                Fault::ByteOrderMark,
                start..start + mark.len(),
                "",
                Place::default,
            );
        }
        Self {
            syntax: Syntax::new(source.base + document),
        }
    }

    /// Looks at what came; false once it can't be repaired.
    pub(super) fn read(&mut self, source: &Source<'_>, edits: &mut Edits) -> bool {
        loop {
            let at = self.syntax.position() - source.base;
            let rest = &source.text.as_bytes()[at..];
            match self.syntax.find_fault(rest) {
                None => break,
                Some(syntax::Fault::Broken(_)) => return false,
                Some(syntax::Fault::TrailingComma(comma)) => {
                    edits.replace(Fault::TrailingComma, comma..comma + 1, "", Place::default);
                }
                Some(syntax::Fault::Control(at)) => {
                    let byte = source.text.as_bytes()[at - source.base];
                    edits.replace(Fault::Control, at..at + 1, escaped(byte), Place::default);
                }
            }
        }
        let pending = self.syntax.pending();
        pending.is_none_or(|comma| self.syntax.position() - comma <= HELD_BYTES_MAX)
    }

    /// Up to where the text is settled.
    pub(super) fn settled(&self) -> usize {
        let position = self.syntax.position();
        self.syntax.pending().unwrap_or(position)
    }
}

/// A control character as JSON writes it in a string.
fn escaped(byte: u8) -> String {
    match byte {
        b'\n' => "\\n".to_owned(),
        b'\r' => "\\r".to_owned(),
        b'\t' => "\\t".to_owned(),
        _ => format!("\\u{byte:04x}"),
    }
}
