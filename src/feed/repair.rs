//! Makes a feed well-formed on its way from the decoder to the splitter.
//!
//! Invariants: a well-formed document is never changed; what is changed does not depend on how the
//! document is chunked; time is linear; what is held is bounded. What can't be repaired passes as
//! it came and is counted.
//!
//! An edit is made only where the text so far can be the start of no well-formed document, or where
//! that is only known later (`body`) while the text is still held.

mod body;
mod comment;
mod declaration;
mod doctype;
mod edits;
mod epilog;
mod json;
mod levels;
mod prefixes;
mod prolog;
mod references;
mod source;
mod tag;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use doctype::DoctypeFilter;
pub use edits::{Fault, Finding, Place};

use super::characters;
use super::splitter::Skip;
use super::token::{Scanner, Token};
use body::{After, Body};
use edits::Edits;
use json::Json;
use prolog::Prolog;
use source::{HELD_BYTES_MAX, Source};

/// Takes the decoded text of one document and hands it out repaired.
#[derive(Debug, Default)]
pub struct Repair {
    /// What was not handed out yet.
    text: String,
    /// How much was handed out before that.
    base: usize,
    /// Up to here `text` holds no character that XML does not allow.
    clean: usize,
    /// Where such characters were taken out and what stands there now, when notes are taken.
    dropped: Vec<(usize, char, &'static str)>,
    scanner: Scanner,
    edits: Edits,
    state: State,
    skips: usize,
    filter: Option<DoctypeFilter>,
}

#[derive(Debug, Default)]
enum State {
    /// Only blanks so far: XML or JSON.
    #[default]
    Blank,
    Prolog(Prolog),
    Body(Box<Body>),
    Epilog,
    Json(Json),
    /// What follows can't be followed: it passes, but for characters that XML does not allow.
    Left,
    /// It is no feed: it passes as it comes.
    Passing,
}

impl Repair {
    /// One for documents whose DOCTYPE goes through `filter` later: only what it leaves is declared.
    #[must_use]
    pub fn before(filter: Option<DoctypeFilter>) -> Self {
        Self {
            filter,
            ..Self::default()
        }
    }

    /// From now on it takes notes of what it does.
    pub fn explain(&mut self) {
        self.edits.take_notes_from_here();
    }

    /// Where the document's text is put before [`advance`](Self::advance) is called.
    pub fn inlet(&mut self) -> &mut String {
        &mut self.text
    }

    /// Looks at what was put in, and hands out what is settled.
    pub fn advance(&mut self, sink: &mut dyn FnMut(&str)) {
        self.run(false);
        self.hand_out(false, sink);
    }

    /// The document has ended: hands out the rest, and says what was left that could not be
    /// repaired.
    pub fn finish(&mut self, sink: &mut dyn FnMut(&str)) -> Option<(Skip, usize)> {
        self.run(true);
        self.hand_out(true, sink);
        (self.skips > 0).then_some((Skip::NotWellFormed, self.skips))
    }

    /// What was found since this was asked last.
    pub fn take_findings(&mut self) -> Vec<Finding> {
        self.edits.take_notes()
    }

    /// Bytes that are held until it is known what becomes of them.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.text.len()
    }

    fn run(&mut self, is_last: bool) {
        loop {
            if matches!(self.state, State::Body(_) | State::Epilog | State::Left) {
                self.drop_illegal();
            }
            let source = Source {
                text: &self.text,
                base: self.base,
                is_last,
            };
            let next = match &mut self.state {
                State::Blank => match choose(&self.text) {
                    Some(Start::Prolog) => Some(State::Prolog(Prolog::default())),
                    Some(Start::Json) => Some(State::Json(Json::new(&source, &mut self.edits))),
                    Some(Start::Passing) => Some(State::Passing),
                    None => None,
                },
                State::Json(json) => {
                    let is_read = json.read(&source, &mut self.edits);
                    (!is_read).then_some(State::Passing)
                }
                State::Prolog(prolog) => match prolog.read(&source, &mut self.scanner) {
                    prolog::Progress::More => None,
                    prolog::Progress::NoFeed => Some(State::Passing),
                    prolog::Progress::Root(range, format) => {
                        let doctype = prolog.repair(&source, self.filter, &mut self.edits);
                        self.scanner.go_to(range.start - self.base);
                        self.clean = range.start - self.base;
                        Some(State::Body(Box::new(Body::new(format, doctype))))
                    }
                },
                State::Body(body) => {
                    let mut reader = BodyReader {
                        source: &source,
                        scanner: &mut self.scanner,
                        edits: &mut self.edits,
                        dropped: &self.dropped,
                        skips: &mut self.skips,
                    };
                    reader.read(body)
                }
                State::Epilog => {
                    let is_passing = epilog::read(&source, &mut self.scanner, &mut self.edits);
                    self.skips += usize::from(is_passing);
                    is_passing.then_some(State::Left)
                }
                State::Left | State::Passing => None,
            };
            match next {
                Some(next) => self.state = next,
                None => return,
            }
        }
    }

    /// Takes out what XML does not allow, before anybody looks at the text: nothing else is
    /// misled by it then. Where its neighbours would join into markup, a space stays.
    fn drop_illegal(&mut self) {
        let from = std::mem::replace(&mut self.clean, self.text.len());
        if !characters::may_be_illegal(&self.text[from..]) {
            return;
        }
        let tail = self.text.split_off(from);
        for letter in tail.chars() {
            if characters::is_allowed(letter) {
                self.text.push(letter);
                continue;
            }
            let at = self.base + self.text.len();
            let substitute = characters::substitute(&self.text);
            self.text.push_str(substitute);
            if self.edits.is_noting() {
                self.dropped.push((at, letter, substitute));
            }
        }
        self.clean = self.text.len();
    }

    fn hand_out(&mut self, is_last: bool, sink: &mut dyn FnMut(&str)) {
        let (token_start, token) = self.scanner.current();
        let end = match &mut self.state {
            _ if is_last => self.text.len(),
            State::Blank | State::Prolog(_) => 0,
            State::Left | State::Passing => self.text.len(),
            State::Json(json) => json.settled() - self.base,
            State::Body(_) | State::Epilog => {
                let is_long = self.scanner.looked_at() - token_start > HELD_BYTES_MAX;
                let end = if token.is_some() && is_long {
                    self.scanner.settled(&self.text)
                } else {
                    token_start
                };
                match &mut self.state {
                    State::Body(body) => body.hold(self.base + end) - self.base,
                    _ => end,
                }
            }
        };
        if end == 0 && !is_last {
            return;
        }
        self.edits
            .apply((&self.text[..end], self.base), is_last, sink);
        self.dropped.retain(|(at, ..)| *at >= self.base + end);
        self.text.drain(..end);
        self.base += end;
        self.clean = self.clean.saturating_sub(end);
        if is_last || matches!(self.state, State::Left | State::Passing | State::Json(_)) {
            self.scanner.go_to(0);
        } else {
            self.scanner.rebase(end);
        }
    }
}

/// XML or JSON, as the splitter tells them apart.
fn choose(text: &str) -> Option<Start> {
    let is_blank = |letter: char| letter.is_whitespace() || letter == '\u{feff}';
    match text.trim_start_matches(is_blank).chars().next() {
        None if text.len() > HELD_BYTES_MAX => Some(Start::Passing),
        None => None,
        Some('{' | '[') => Some(Start::Json),
        Some(_) => Some(Start::Prolog),
    }
}

/// What a document starts like.
enum Start {
    Prolog,
    Json,
    Passing,
}

/// Reads the tokens of the body.
struct BodyReader<'a> {
    source: &'a Source<'a>,
    scanner: &'a mut Scanner,
    edits: &'a mut Edits,
    dropped: &'a [(usize, char, &'static str)],
    skips: &'a mut usize,
}

impl BodyReader<'_> {
    fn read(&mut self, body: &mut Body) -> Option<State> {
        let base = self.source.base;
        loop {
            let (token, range) = match self.scanner.next(self.source.text) {
                Some(found) => found,
                None if self.source.is_last => self.last_token()?,
                None => return None,
            };
            let range = base + range.start..base + range.end;
            for (at, letter, substitute) in self.dropped_in(&range) {
                let text = letter.to_string();
                let told = (text.as_str(), Some(substitute.to_owned()));
                self.edits
                    .remark(Fault::Character, at, told, || body.place());
            }
            let after = body.token(self.source, token, range, self.edits);
            *self.skips += std::mem::take(&mut body.skips);
            match after {
                After::Next => {}
                After::GoTo(at) => {
                    self.scanner.go_to(at - base);
                    if self.source.is_at_end(at) || token == Token::Text && !self.source.is_last {
                        return None;
                    }
                }
                After::Root => return Some(State::Epilog),
                After::GiveUp => return Some(State::Left),
            }
        }
    }

    /// What the text ends in that is no whole token.
    fn last_token(&mut self) -> Option<(Token, Range<usize>)> {
        let (start, token) = self.scanner.current();
        let rest = &self.source.text[start..];
        let end = match token {
            // `</rss` lacks nothing but its `>`.
            Some(Token::End) => rest.len(),
            // A quote that was never closed has swallowed what follows.
            Some(Token::Start) => rest.find('>')? + 1,
            _ => return None,
        };
        self.scanner.go_to(start + end);
        Some((token?, start..start + end))
    }

    fn dropped_in(&self, range: &Range<usize>) -> Vec<(usize, char, &'static str)> {
        if self.dropped.is_empty() {
            return Vec::new();
        }
        let from = self.dropped.partition_point(|(at, ..)| *at < range.start);
        let there = self.dropped[from..].iter();
        there
            .take_while(|(at, ..)| *at < range.end)
            .copied()
            .collect()
    }
}
