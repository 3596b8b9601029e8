//! `&…;` in text and in attributes: which are references, and what the others become.
//!
//! Invariant: a reference that a well-formed document may hold is never touched, unless it is one of
//! HTML's and only a DTD that no reader fetches may declare it.

use std::borrow::Cow;
use std::collections::HashSet;

use super::edits::Fault;
use crate::feed::characters::{is_allowed, is_name_letter};

/// A reference without its `;` after so many bytes is none. Digits may be more, as zeros.
const REFERENCE_BYTES_MAX: usize = 1024;
/// HTML knows no longer name.
const HTML_NAME_BYTES_MAX: usize = 32;

/// The entities that a document may refer to besides XML's five.
#[derive(Debug, Default)]
pub(super) enum Entities {
    /// None.
    #[default]
    Predefined,
    /// Those of the internal subset.
    Declared(HashSet<String>),
    /// Those of the internal subset, and others: there is a DTD elsewhere, which readers don't fetch.
    /// To them a name that nobody declared is no error (XML 1.0 section 4.1), and shows nothing.
    Elsewhere(HashSet<String>),
}

impl Entities {
    fn has(&self, name: &str) -> bool {
        match self {
            _ if matches!(name, "amp" | "lt" | "gt" | "quot" | "apos") => true,
            Self::Predefined => false,
            Self::Declared(names) | Self::Elsewhere(names) => names.contains(name),
        }
    }
}

/// What stands where an ampersand does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reference {
    Fine,
    /// So many bytes, to be replaced.
    Wrong(usize, Cow<'static, str>, Fault),
    /// More text is needed.
    Unclear,
}

const BARE: Reference = Reference::Wrong(1, Cow::Borrowed("&amp;"), Fault::Ampersand);

/// Whether `rest`, behind an ampersand, makes a reference with it as most are. There may be very
/// many.
#[inline]
pub(super) fn is_usual(rest: &[u8]) -> bool {
    matches!(
        rest,
        [b'l' | b'g', b't', b';', ..]
            | [b'a', b'm', b'p', b';', ..]
            | [b'q', b'u', b'o', b't', b';', ..]
    )
}

/// Reads what `rest`, which starts with an ampersand, starts with. `is_whole`: nothing follows.
pub(super) fn read(rest: &str, entities: &Entities, is_whole: bool) -> Reference {
    if rest[1..].starts_with('#') {
        return numeric(rest, is_whole);
    }
    let is_in_name = |letter: char| is_name_letter(letter) || letter == ':';
    let name = &rest[1..];
    let name = &name[..name
        .find(|letter| !is_in_name(letter))
        .unwrap_or(name.len())];
    let is_open = 1 + name.len() == rest.len() && !is_whole && name.len() < REFERENCE_BYTES_MAX;
    match rest[1 + name.len()..].chars().next() {
        None if is_open => Reference::Unclear,
        Some(';') if name.is_empty() => BARE,
        Some(';') if entities.has(name) => Reference::Fine,
        Some(';') => match html(name, ";") {
            Some(text) => Reference::Wrong(name.len() + 2, text.into(), Fault::Entity),
            None if matches!(entities, Entities::Elsewhere(_)) => Reference::Fine,
            None => BARE,
        },
        _ => unended(name, &rest[1..]),
    }
}

/// A name without `;`, of which HTML (and so who writes it by hand) has some.
fn unended(name: &str, rest: &str) -> Reference {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric();
    let name = &name[..name.find(|letter| !is_letter(letter)).unwrap_or(name.len())];
    // As in HTML's attributes: `?a=1&copy=2` has no copyright.
    if rest[name.len()..].starts_with('=') {
        return BARE;
    }
    let text = match name {
        "amp" | "lt" | "gt" | "quot" => Some(format!("&{name};")),
        _ => html(name, " "),
    };
    match text {
        Some(text) => Reference::Wrong(1 + name.len(), text.into(), Fault::Entity),
        None => BARE,
    }
}

/// The characters that HTML knows under `name`, as references, unless they are markup: in HTML,
/// `&amp;LT;` is what stands for them then.
fn html(name: &str, end: &str) -> Option<String> {
    if name.is_empty() || name.len() > HTML_NAME_BYTES_MAX {
        return None;
    }
    // HTML 5 moved these two. What feeds write comes from the DTDs of RSS 0.91 and XHTML 1.
    match name {
        "lang" => return Some("&#9001;".to_owned()),
        "rang" => return Some("&#9002;".to_owned()),
        _ => {}
    }
    let source = format!("&{name}{end}");
    let text = htmlize::unescape(&source);
    let text = text.strip_suffix(' ').unwrap_or(&text);
    let is_markup = |letter| matches!(letter, '&' | '<' | '>' | '"' | '\'');
    let is_plain = |letter: char| is_allowed(letter) && !is_markup(letter);
    // An entity is two characters at most, and one where it may lack its end; what is longer was
    // not understood in whole.
    if text.chars().count() > 1 + end.trim().len() || !text.chars().all(is_plain) {
        return None;
    }
    Some(
        text.chars()
            .map(|letter| format!("&#{};", u32::from(letter)))
            .collect(),
    )
}

/// `&#…;`
fn numeric(rest: &str, is_whole: bool) -> Reference {
    let Some((number, length)) = number(rest) else {
        return if is_whole || !may_go_on(rest) {
            BARE
        } else {
            Reference::Unclear
        };
    };
    let Some(letter) = char::from_u32(number) else {
        return surrogates(number, length, &rest[length..], is_whole);
    };
    if !is_allowed(letter) {
        let text = if letter < ' ' { "" } else { "&#65533;" };
        return Reference::Wrong(length, text.into(), Fault::CharacterReference);
    }
    if rest.as_bytes()[2] == b'X' {
        let text = format!("&#{number};");
        return Reference::Wrong(length, text.into(), Fault::CharacterReference);
    }
    Reference::Fine
}

/// Whether `rest` is the start of a numeric reference, as far as it goes.
fn may_go_on(rest: &str) -> bool {
    let is_digit = |letter: char| letter.is_ascii_hexdigit() || matches!(letter, 'x' | 'X');
    let digits = rest.strip_prefix("&#");
    rest.len() < REFERENCE_BYTES_MAX
        && digits.map_or("&#".starts_with(rest), |digits| {
            digits.chars().all(is_digit)
        })
}

/// The number and the length of the reference that `rest` starts with.
fn number(rest: &str) -> Option<(u32, usize)> {
    let digits = rest.strip_prefix("&#")?;
    let (digits, radix) = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => (hex, 16),
        None => (digits, 10),
    };
    let end = digits.find(|letter: char| !letter.is_digit(radix))?;
    if end == 0 || !digits[end..].starts_with(';') {
        return None;
    }
    // What is too large for a number is too large for a character.
    let number = u32::from_str_radix(&digits[..end], radix).unwrap_or(u32::MAX);
    Some((number, rest.len() - digits.len() + end + 1))
}

/// A character in the two halves that UTF-16 has for it, as some programs write it.
fn surrogates(high: u32, length: usize, rest: &str, is_whole: bool) -> Reference {
    let wrong =
        |length, text: String| Reference::Wrong(length, text.into(), Fault::CharacterReference);
    if (0xD800..0xDC00).contains(&high) {
        if !is_whole && may_go_on(rest) {
            return Reference::Unclear;
        }
        if let Some((low, low_length)) = number(rest)
            && (0xDC00..0xE000).contains(&low)
        {
            let letter = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
            return wrong(length + low_length, format!("&#{letter};"));
        }
    }
    wrong(length, "&#65533;".to_owned())
}
