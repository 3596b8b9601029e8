//! Cuts XML into tokens, as it arrives: a scanner that can stop at any byte and go on later.
//!
//! Invariants: the tokens, put together, are the text, and are the same for any chunking; every
//! byte is looked at a bounded number of times, however small the chunks are; nothing is an
//! error: what is no markup is text.

use std::ops::Range;

use memchr::{memchr, memchr2, memmem};

use super::xml::is_name_start;

/// A tag longer than this is text: its `<` or its quote was a stray one.
pub(crate) const TAG_BYTES_MAX: usize = 1 << 20;
/// The same for `<!DOCTYPE …>`.
pub(super) const DECLARATION_BYTES_MAX: usize = 64 << 10;
/// A longer processing instruction is given out in parts, like a comment.
const INSTRUCTION_BYTES_MAX: usize = 64 << 10;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// Character data, or a part of it.
    Text,
    /// `<name …>`, `<name …/>`
    Start,
    /// `</name>`; without its `>` when a `<` comes before that.
    End,
    /// `<!-- … -->`
    Comment,
    /// `<![CDATA[ … ]]>`
    Cdata,
    /// `<? … ?>`
    Instruction,
    /// `<!name …>`, with its internal subset.
    Declaration,
}

/// The place of a scan in a text that grows at its end and is taken away at its start.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    /// Where the current token starts.
    start: usize,
    /// Everything before this was looked at.
    at: usize,
    /// The token we are in, `None` at the start of one.
    open: Option<Token>,
    /// Inside a quoted value of a tag or declaration.
    quote: Option<u8>,
    /// Inside the `[ … ]` of a declaration.
    in_subset: bool,
    /// The mark that ends the comment or processing instruction in there that we are in.
    until: Option<&'static [u8]>,
}

enum Progress {
    /// The token ends here.
    Found(usize),
    /// It was none: up to here, all is text. SECURITY: all of what was read, not just the `<`, or
    /// quotes in quotes would have us read the rest of the text once for each of them.
    NotMarkup(usize),
    More,
}

impl Scanner {
    /// The next whole token of `text`; `None` when more text is needed. Text itself is given
    /// out as far as it is there.
    pub(crate) fn next(&mut self, text: &str) -> Option<(Token, Range<usize>)> {
        let bytes = text.as_bytes();
        loop {
            let Some(token) = self.open else {
                let rest = &bytes[self.at..];
                match memchr(b'<', rest) {
                    Some(0) => match opening(rest) {
                        Opening::Unclear => return None,
                        Opening::Text => return Some(self.take(Token::Text, self.at + 1)),
                        Opening::Token(token, length) => {
                            self.open = Some(token);
                            self.at += length;
                        }
                    },
                    Some(length) => return Some(self.take(Token::Text, self.at + length)),
                    None if rest.is_empty() => return None,
                    None => return Some(self.take(Token::Text, bytes.len())),
                }
                continue;
            };
            return match self.find_end(token, text) {
                Progress::Found(end) => Some(self.take(token, end)),
                Progress::NotMarkup(end) => Some(self.take(Token::Text, end)),
                Progress::More => None,
            };
        }
    }

    /// Up to where the text is what it is, whatever follows: the start of the current token, or
    /// what was read of it where nobody needs it whole.
    pub(super) fn settled(&self, text: &str) -> usize {
        let may_be_torn = match self.open {
            Some(Token::Comment | Token::Cdata) => true,
            Some(Token::Instruction) => self.at - self.start > INSTRUCTION_BYTES_MAX,
            _ => false,
        };
        if may_be_torn {
            text.floor_char_boundary(self.at)
        } else {
            self.start
        }
    }

    /// The first `length` bytes of the text, all of them settled, were taken away.
    pub(super) fn rebase(&mut self, length: usize) {
        self.start = self.start.saturating_sub(length);
        self.at -= length;
    }

    /// Where the current token starts, and what it is if that is known.
    pub(super) fn current(&self) -> (usize, Option<Token>) {
        (self.start, self.open)
    }

    /// How far the text was looked at.
    pub(super) fn looked_at(&self) -> usize {
        self.at
    }

    /// Goes on at `at`, where a token starts, whatever was read.
    pub(crate) fn go_to(&mut self, at: usize) {
        *self = Self {
            start: at,
            at,
            ..Self::default()
        };
    }

    fn take(&mut self, token: Token, end: usize) -> (Token, Range<usize>) {
        let range = self.start..end;
        self.go_to(end);
        (token, range)
    }

    fn find_end(&mut self, token: Token, text: &str) -> Progress {
        let bytes = text.as_bytes();
        match token {
            Token::Comment => self.find_mark(bytes, b"-->"),
            Token::Cdata => self.find_mark(bytes, b"]]>"),
            Token::Instruction => self.find_mark(bytes, b"?>"),
            Token::Start => {
                let progress = self.find_tag_end(bytes);
                self.limit(progress, text, TAG_BYTES_MAX)
            }
            Token::Declaration => {
                let progress = self.find_declaration_end(bytes);
                self.limit(progress, text, DECLARATION_BYTES_MAX)
            }
            Token::End | Token::Text => {
                let progress = match memchr2(b'>', b'<', &bytes[self.at..]) {
                    Some(length) if bytes[self.at + length] == b'>' => {
                        Progress::Found(self.at + length + 1)
                    }
                    Some(length) => Progress::Found(self.at + length),
                    None => self.wait(bytes.len()),
                };
                self.limit(progress, text, TAG_BYTES_MAX)
            }
        }
    }

    fn wait(&mut self, at: usize) -> Progress {
        self.at = self.at.max(at);
        Progress::More
    }

    /// SECURITY: without this, one stray `<` or quote would make us hold a whole document.
    fn limit(&self, progress: Progress, text: &str, length_max: usize) -> Progress {
        let read = match progress {
            Progress::Found(end) | Progress::NotMarkup(end) => end,
            Progress::More => text.len(),
        };
        if read - self.start > length_max {
            return Progress::NotMarkup(text.floor_char_boundary(self.start + length_max));
        }
        progress
    }

    fn find_mark(&mut self, bytes: &[u8], mark: &[u8]) -> Progress {
        match memmem::find(&bytes[self.at..], mark) {
            Some(length) => Progress::Found(self.at + length + mark.len()),
            None => self.wait(bytes.len().saturating_sub(mark.len() - 1)),
        }
    }

    fn find_tag_end(&mut self, bytes: &[u8]) -> Progress {
        loop {
            if !self.leave_quote(bytes) {
                return Progress::More;
            }
            let is_mark = |byte: &u8| matches!(byte, b'>' | b'<' | b'"' | b'\'');
            let Some(length) = bytes[self.at..].iter().position(is_mark) else {
                return self.wait(bytes.len());
            };
            self.at += length;
            match bytes[self.at] {
                b'>' => return Progress::Found(self.at + 1),
                b'<' => return Progress::NotMarkup(self.at),
                quote if self.follows_equals(bytes) => self.quote = Some(quote),
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Goes behind the quoted value we are in; false when its end is not there yet.
    fn leave_quote(&mut self, bytes: &[u8]) -> bool {
        let Some(quote) = self.quote else { return true };
        match memchr(quote, &bytes[self.at..]) {
            Some(length) => {
                self.at += length + 1;
                self.quote = None;
                true
            }
            None => {
                self.at = bytes.len();
                false
            }
        }
    }

    /// A quote opens a value only after `=`: `<p it's>` has none.
    fn follows_equals(&self, bytes: &[u8]) -> bool {
        let before = &bytes[self.start..self.at];
        before.iter().rfind(|byte| !byte.is_ascii_whitespace()) == Some(&b'=')
    }

    fn find_declaration_end(&mut self, bytes: &[u8]) -> Progress {
        loop {
            if !self.leave_quote(bytes) || !self.leave_inner(bytes) {
                return Progress::More;
            }
            let rest = &bytes[self.at..];
            match rest.first() {
                None => return Progress::More,
                Some(b'>') if !self.in_subset => return Progress::Found(self.at + 1),
                Some(b'<') if !self.in_subset => return Progress::NotMarkup(self.at),
                // Comments and processing instructions may hold apostrophes and brackets.
                Some(b'<') if b"<!--".starts_with(rest) => return Progress::More,
                Some(b'<') => self.until = inner_end(rest),
                Some(quote @ (b'"' | b'\'')) => self.quote = Some(*quote),
                Some(b'[') => self.in_subset = true,
                Some(b']') => self.in_subset = false,
                Some(_) => {}
            }
            self.at += match self.until {
                Some(b"-->") => b"<!--".len(),
                Some(_) => b"<?".len(),
                None => 1,
            };
        }
    }

    /// Goes behind the comment or processing instruction we are in; false when its end is not there
    /// yet.
    fn leave_inner(&mut self, bytes: &[u8]) -> bool {
        let Some(mark) = self.until else { return true };
        match self.find_mark(bytes, mark) {
            Progress::Found(end) => {
                self.at = end;
                self.until = None;
                true
            }
            Progress::NotMarkup(_) | Progress::More => false,
        }
    }
}

/// What ends the comment or processing instruction that `rest` starts with.
fn inner_end(rest: &[u8]) -> Option<&'static [u8]> {
    if rest.starts_with(b"<!--") {
        Some(b"-->")
    } else if rest.starts_with(b"<?") {
        Some(b"?>")
    } else {
        None
    }
}

enum Opening {
    Token(Token, usize),
    Text,
    Unclear,
}

/// What starts with the `<` that `rest` starts with.
fn opening(rest: &[u8]) -> Opening {
    let by_name = |at: usize, token: Token| match rest.get(at) {
        None => Opening::Unclear,
        Some(byte) if is_name_start(*byte) => Opening::Token(token, at + 1),
        Some(_) => Opening::Text,
    };
    match rest.get(1) {
        Some(b'/') => by_name(2, Token::End),
        // `<?>` is one that says nothing.
        Some(b'?') => Opening::Token(Token::Instruction, 1),
        Some(b'!') => match rest.get(2) {
            None => Opening::Unclear,
            Some(b'-') => by_mark(rest, b"<!--", Token::Comment),
            Some(b'[') => by_mark(rest, b"<![CDATA[", Token::Cdata),
            Some(letter) if letter.is_ascii_alphabetic() => Opening::Token(Token::Declaration, 3),
            Some(_) => Opening::Text,
        },
        _ => by_name(1, Token::Start),
    }
}

fn by_mark(rest: &[u8], mark: &[u8], token: Token) -> Opening {
    if rest.starts_with(mark) {
        Opening::Token(token, mark.len())
    } else if mark.starts_with(rest) {
        Opening::Unclear
    } else {
        Opening::Text
    }
}

#[cfg(test)]
mod tests;
