//! The tokens of inline XHTML, as an XML parser sees them: comments end at `-->` alone, CDATA
//! sections are text, and no element holds raw text.

use std::ops::Range;

use memchr::memchr;

use super::token::{Token, Unfinished, read_tag};

/// Shows every token up to the first that never ends, and where it stands.
pub(super) fn read<'a>(xml: &'a str, see: &mut dyn FnMut(&Token<'a>, Range<usize>)) {
    let mut at = 0;
    while at < xml.len() {
        let open = memchr(b'<', &xml.as_bytes()[at..]).map_or(xml.len(), |found| at + found);
        if open > at {
            see(&Token::Text(&xml[at..open]), at..open);
        }
        if open == xml.len() {
            return;
        }
        let (token, length) = token(&xml[open..]);
        if matches!(token, Token::Unfinished(_)) {
            return;
        }
        see(&token, open..open + length);
        at = open + length;
    }
}

/// What begins with the `<` that `rest` begins with.
fn token(rest: &str) -> (Token<'_>, usize) {
    let until = |start: &str, end: &str| {
        let content = rest.strip_prefix(start)?;
        Some(content.find(end).map(|length| {
            let whole = start.len() + length + end.len();
            (&content[..length], whole)
        }))
    };
    let unfinished = (Token::Unfinished(Unfinished::Bogus), rest.len());
    if let Some(comment) = until("<!--", "-->") {
        return comment.map_or(unfinished, |(text, whole)| (Token::Comment(text), whole));
    }
    if let Some(section) = until("<![CDATA[", "]]>") {
        return section.map_or(unfinished, |(text, whole)| (Token::Cdata(text), whole));
    }
    if let Some(other) = until("<?", "?>").or_else(|| until("<!", ">")) {
        return other.map_or(unfinished, |(_, whole)| (Token::Bogus, whole));
    }
    let is_end = rest[1..].starts_with('/');
    let name = rest[1 + usize::from(is_end)..].chars().next();
    match name {
        Some(letter) if letter.is_alphabetic() || matches!(letter, '_' | ':') => {
            read_tag(rest, 1 + usize::from(is_end))
        }
        Some(_) => (Token::Text(&rest[..1]), 1),
        None => unfinished,
    }
}
