//! What stands before the root: XML declaration, DOCTYPE, comments, and junk.
//!
//! Invariant: nothing is changed before it is known that a feed follows.

use std::ops::Range;

use super::doctype::{self, Doctype, DoctypeFilter};
use super::edits::{Edits, Fault, Place};
use super::source::{HELD_BYTES_MAX, Source};
use super::{comment, declaration, tag};
use crate::feed::characters::{Name, is_allowed, is_blank};
use crate::feed::namespace;
use crate::feed::token::{Scanner, Token};
use crate::feed::xml::Tag;
use crate::feed::{Format, splitter};

/// Tags and text before the document that are more than this are what it is about.
const JUNK_BYTES_MAX: usize = 4096;
/// A declaration whose end has not come by then has none.
const DECLARATION_BYTES_MAX: usize = 1024;
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// What was read before the root.
#[derive(Debug, Default)]
pub(super) struct Prolog {
    tokens: Vec<(Token, Range<usize>)>,
    junk_bytes: usize,
    has_tags: bool,
    is_html: bool,
}

/// How far the prolog was read.
pub(super) enum Progress {
    More,
    /// Here starts the root's tag.
    Root(Range<usize>, Format),
    /// It is no feed, or none that can be told from its junk.
    NoFeed,
}

impl Prolog {
    /// Reads on, up to the root.
    pub(super) fn read(&mut self, source: &Source<'_>, scanner: &mut Scanner) -> Progress {
        let most = splitter::SplitterOptions::default().prolog_bytes_max;
        loop {
            let start = scanner.current().0;
            if source.base + start > most {
                return Progress::NoFeed;
            }
            let token = match find_declaration(&source.text[start..], source.is_last) {
                Found::Unclear => return Progress::More,
                Found::Cut(length) => {
                    scanner.go_to(start + length);
                    (Token::Instruction, start..start + length)
                }
                Found::No => match scanner.next(source.text) {
                    Some(token) => token,
                    None if source.text.len() > most => return Progress::NoFeed,
                    None => return Progress::More,
                },
            };
            match self.take(source, token) {
                Progress::More => {}
                progress => return progress,
            }
        }
    }

    fn take(&mut self, source: &Source<'_>, (token, range): (Token, Range<usize>)) -> Progress {
        let raw = &source.text[range.clone()];
        match token {
            Token::Start => {
                let name = &raw[1..tag::name_end(raw)];
                let is_text = tag::is_text(name, Name::of(name));
                let tag = Tag::parse(raw).filter(|_| !is_text);
                let name = tag.as_ref().map_or("", Tag::name);
                match namespace::split(name).1.to_ascii_lowercase().as_str() {
                    "rss" | "channel" => return self.root(source, range, Format::Rss),
                    "rdf" => return self.root(source, range, Format::Rdf),
                    "feed" => return self.root(source, range, Format::Atom),
                    "html" | "head" | "body" => return Progress::NoFeed,
                    _ => {}
                }
                self.has_tags = true;
                self.junk_bytes += raw.len();
            }
            Token::Text | Token::Cdata | Token::End => self.junk_bytes += raw.trim().len(),
            Token::Declaration => self.is_html |= doctype::is_html(raw),
            Token::Instruction if is_declaration(raw) => self.has_tags = false,
            Token::Instruction | Token::Comment => {}
        }
        let range = source.base + range.start..source.base + range.end;
        match self.tokens.last_mut() {
            // Text comes in the parts that it arrives in.
            Some((Token::Text, last)) if token == Token::Text => last.end = range.end,
            _ => self.tokens.push((token, range)),
        }
        if self.junk_bytes > JUNK_BYTES_MAX || (self.has_tags && self.is_html) {
            return Progress::NoFeed;
        }
        Progress::More
    }

    /// With tags before it, and no declaration between, it is not clear what the document is.
    fn root(&self, source: &Source<'_>, range: Range<usize>, format: Format) -> Progress {
        if self.has_tags {
            return Progress::NoFeed;
        }
        Progress::Root(source.base + range.start..source.base + range.end, format)
    }

    /// Which token is the XML declaration; behind anything that stays it can't be one.
    fn xml_declaration(&self, source: &Source<'_>) -> Option<usize> {
        let mut tokens = self.tokens.iter();
        let first = tokens.position(|(token, _)| is_kept(*token))?;
        let (token, range) = &self.tokens[first];
        let is_it = *token == Token::Instruction && is_declaration(source.slice(range));
        is_it.then_some(first)
    }

    /// Repairs what stands before the root, and says what its DOCTYPE declares.
    pub(super) fn repair(
        &self,
        source: &Source<'_>,
        filter: Option<DoctypeFilter>,
        edits: &mut Edits,
    ) -> Doctype {
        let first = self.xml_declaration(source);
        let mut doctype = None;
        let mut standalone = false;
        for (index, (token, range)) in self.tokens.iter().enumerate() {
            let raw = source.slice(range);
            let range = range.clone();
            if is_kept(*token) && !matches!(token, Token::Comment) {
                drop_illegal(raw, range.start, edits);
            }
            match token {
                Token::Text => {
                    let mark = if range.start == 0 && raw.starts_with(BYTE_ORDER_MARK) {
                        BYTE_ORDER_MARK.len()
                    } else {
                        0
                    };
                    let is_early = first.is_some_and(|first| index < first);
                    if raw.len() > mark && (is_early || !raw[mark..].bytes().all(is_blank)) {
                        drop_junk(range.start + mark..range.end, edits);
                    }
                }
                Token::Cdata | Token::Start | Token::End => drop_junk(range, edits),
                Token::Comment => comment::clean(raw, range.start, edits),
                Token::Instruction if first == Some(index) => {
                    // Behind junk, the decoder has not seen it: the text is UTF-8 whatever it says.
                    let is_seen = (self.tokens[..index].iter()).all(|(_, before)| {
                        let before = source.slice(before);
                        before
                            .trim_start_matches(BYTE_ORDER_MARK)
                            .bytes()
                            .all(is_blank)
                    });
                    standalone = declaration::repair((raw, is_seen), range.start, edits);
                }
                Token::Instruction if is_declaration(raw) => {
                    edits.replace(Fault::Declaration, range, "", Place::default);
                }
                Token::Instruction => {
                    if !is_instruction(raw) {
                        edits.replace(Fault::Instruction, range, "", Place::default);
                    }
                }
                Token::Declaration if doctype.is_none() && doctype::is_doctype(raw) => {
                    doctype = Some(doctype::repair((raw, filter), range.start, edits));
                }
                Token::Declaration => edits.replace(Fault::Doctype, range, "", Place::default),
            }
        }
        let doctype = doctype.unwrap_or_default();
        if standalone {
            doctype.standing_alone()
        } else {
            doctype
        }
    }
}

/// Whether such a token stays where nothing is wrong with it.
fn is_kept(token: Token) -> bool {
    matches!(
        token,
        Token::Comment | Token::Instruction | Token::Declaration
    )
}

enum Found {
    No,
    /// A declaration of that length, which lacks its `?`.
    Cut(usize),
    Unclear,
}

/// Looks for an XML declaration that ends with a mere `>`. In one that XML allows, the first `>`
/// is its end.
fn find_declaration(rest: &str, is_last: bool) -> Found {
    const START: &[u8] = b"<?xml";
    let bytes = rest.as_bytes();
    let length = bytes.len().min(START.len());
    if length == 0 || !bytes[..length].eq_ignore_ascii_case(&START[..length]) {
        return Found::No;
    }
    if bytes.len() <= START.len() {
        return if is_last { Found::No } else { Found::Unclear };
    }
    if !is_blank(bytes[START.len()]) {
        return Found::No;
    }
    let window = &bytes[..bytes.len().min(DECLARATION_BYTES_MAX)];
    match memchr::memchr(b'>', window) {
        Some(end) if bytes[end - 1] == b'?' => Found::No,
        Some(end) => Found::Cut(end + 1),
        None if window.len() == DECLARATION_BYTES_MAX || is_last => Found::No,
        None => Found::Unclear,
    }
}

/// Whether a processing instruction calls itself an XML declaration.
pub(super) fn is_declaration(raw: &str) -> bool {
    target(raw).eq_ignore_ascii_case("xml")
}

/// Whether it is one that XML allows (XML 1.0 section 2.6; Namespaces section 7 for the colon).
pub(super) fn is_instruction(raw: &str) -> bool {
    raw.len() > HELD_BYTES_MAX || Name::of(target(raw)) == Name::Plain
}

fn target(raw: &str) -> &str {
    let body = raw.strip_prefix("<?").unwrap_or(raw);
    let body = body
        .strip_suffix("?>")
        .or(body.strip_suffix('>'))
        .unwrap_or(body);
    let end = body.bytes().position(is_blank).unwrap_or(body.len());
    &body[..end]
}

fn drop_illegal(raw: &str, start: usize, edits: &mut Edits) {
    for (at, letter) in raw
        .char_indices()
        .filter(|(_, letter)| !is_allowed(*letter))
    {
        let range = start + at..start + at + letter.len_utf8();
        edits.replace(Fault::Character, range, "", Place::default);
    }
}

fn drop_junk(range: Range<usize>, edits: &mut Edits) {
    edits.replace(Fault::Junk, range, "", Place::default);
}
