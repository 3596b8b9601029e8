//! What is forbidden: elements, attributes, URLs, declarations.

use std::cell::OnceCell;

use super::words::{
    DATA, ELEMENT_LENGTHS, LISTS, REMOVED, SCHEMES, STYLES, UNWRAPPED, URL_ATTRIBUTE_LENGTHS,
    URL_ATTRIBUTES, may_be_one_of,
};
use crate::html::{read_all_attributes, tag_name};

/// Names of attributes that are longer are read with care.
const NAME_BYTES_MAX: usize = 64;
/// So are fields with longer values that may hold a URL.
const VALUE_BYTES_MAX: usize = 8 << 10;

/// What becomes of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rewrite) enum Element {
    Kept,
    /// Its tags go, what it holds stays.
    Unwrapped,
    /// It goes with all that it holds.
    Removed,
}

/// What becomes of the element of this name.
pub(super) fn element(name: &str) -> Element {
    // Old parsers end a name where it ceases to be one: `<script&x>`.
    let plain = plain_name(name);
    let local = match memchr::memrchr(b':', plain.as_bytes()) {
        Some(colon) => &plain[colon + 1..],
        None => plain,
    };
    let is_in = |list: &[&str]| list.iter().any(|entry| local.eq_ignore_ascii_case(entry));
    if !may_be_one_of(&ELEMENT_LENGTHS, local) {
        return Element::Kept;
    }
    if is_in(REMOVED) {
        Element::Removed
    } else if is_in(UNWRAPPED) {
        Element::Unwrapped
    } else {
        Element::Kept
    }
}

/// The part of a name that every parser takes for one.
pub(super) fn plain_name(name: &str) -> &str {
    let is_odd = |byte: u8| {
        byte.is_ascii()
            && !byte.is_ascii_alphanumeric()
            && !matches!(byte, b':' | b'-' | b'_' | b'.')
    };
    let end = name.bytes().position(is_odd);
    &name[..end.unwrap_or(name.len())]
}

/// A cheap look at a whole field: without these it holds nothing forbidden.
pub(in crate::rewrite) fn may_harm(html: &str) -> bool {
    let bytes = html.as_bytes();
    // Looked for at most once: for each attribute it would take quadratic time.
    let (has_others, has_frame) = (OnceCell::new(), OnceCell::new());
    // Up to here tags were read for handlers without a value.
    let mut read_to = 0;
    memchr::memchr2_iter(b'<', b'=', bytes).any(|at| {
        if bytes[at] == b'<' {
            if at >= read_to {
                let window = &bytes[at..bytes.len().min(at + VALUE_BYTES_MAX)];
                match handler_in_tag(window) {
                    Handler::Found => return true,
                    Handler::None(length) => read_to = at + length,
                }
            }
            let rest = &html[at + 1..];
            let rest = rest.strip_prefix('/').unwrap_or(rest);
            let end = rest.floor_char_boundary(24);
            return element(&rest[..end]) != Element::Kept;
        }
        let before = html[..at].trim_ascii_end().as_bytes();
        let from = before.len().saturating_sub(NAME_BYTES_MAX);
        let is_name =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_');
        let length = before[from..]
            .iter()
            .rev()
            .take_while(|byte| is_name(byte))
            .count();
        let name = &before[before.len() - length..];
        let value = html[at + 1..].trim_ascii_start();
        let (value, quote) = match value.as_bytes().first() {
            Some(&quote @ (b'"' | b'\'')) => (&value[1..], Some(quote)),
            _ => (value, None),
        };
        let name = str::from_utf8(name).unwrap_or_default();
        // SECURITY: one longer than that may start with `on`.
        length == NAME_BYTES_MAX
            || may_be_named(name) && {
                // SECURITY: values that never end, over and over, would take quadratic time.
                let window = value.floor_char_boundary(VALUE_BYTES_MAX);
                let end = end_within(value.as_bytes(), window, quote);
                if end.is_none() && window < value.len() {
                    return true;
                }
                let value = &value[..end.unwrap_or(value.len())];
                // Which element it stands on is not known: in images, drawings run nothing.
                let has_others = *has_others.get_or_init(|| {
                    has_tag(bytes, b"iframe") || has_tag(bytes, b"use") || has_tag(bytes, b"a")
                });
                let is_source = ["src", "srcset", "poster"]
                    .iter()
                    .any(|known| name.eq_ignore_ascii_case(known));
                let on = if has_others && !is_source || has_tag_of_frames(&has_frame, bytes) {
                    ""
                } else {
                    "img"
                };
                is_raw_attribute(on, name, value)
            }
    }) || (has_tag(bytes, b"style") && is_style(html))
}

/// What the quick look at one tag found.
enum Handler {
    Found,
    /// So many bytes were read.
    None(usize),
}

/// Whether the tag that `window` begins with names a handler. One with a value is found by its `=`,
/// too; one without does nothing, but is none that anybody should have to judge.
fn handler_in_tag(window: &[u8]) -> Handler {
    if !window.get(1).is_some_and(u8::is_ascii_alphabetic) {
        return Handler::None(0);
    }
    let close = memchr::memchr(b'>', window);
    let looked_at = close.unwrap_or(window.len());
    let has_hint = memchr::memchr2_iter(b'o', b'O', &window[..looked_at]).any(|at| {
        let before = at.checked_sub(1).map(|before| window[before]);
        let is_start =
            before.is_some_and(|byte| byte.is_ascii_whitespace() || b"/\"'".contains(&byte));
        is_start
            && window
                .get(at + 1)
                .is_some_and(|next| next.eq_ignore_ascii_case(&b'n'))
    });
    if !has_hint {
        // SECURITY: tags that never end, over and over, would take the whole window each.
        return Handler::None(close.unwrap_or(looked_at / 2));
    }
    let mut is_found = false;
    let name = tag_name(window, 1);
    let end = read_all_attributes(window, name.end, |name, _| {
        is_found |= name.len() > 2 && window[name.start..][..2].eq_ignore_ascii_case(b"on");
    });
    match end {
        Some(end) if !is_found => Handler::None(end.at),
        // SECURITY: what is longer than the window is read with care.
        None if !is_found && window.len() < VALUE_BYTES_MAX => Handler::None(window.len()),
        _ => Handler::Found,
    }
}

fn has_tag_of_frames(found: &OnceCell<bool>, bytes: &[u8]) -> bool {
    *found.get_or_init(|| has_tag(bytes, b"iframe"))
}

/// Where an attribute's value ends, if that is within so many bytes.
fn end_within(value: &[u8], window: usize, quote: Option<u8>) -> Option<usize> {
    match quote {
        Some(quote) => memchr::memchr(quote, &value[..window]),
        None => value[..window]
            .iter()
            .position(|&byte| byte.is_ascii_whitespace() || byte == b'>'),
    }
}

fn has_tag(bytes: &[u8], name: &[u8]) -> bool {
    memchr::memchr_iter(b'<', bytes).any(|open| {
        bytes
            .get(open + 1..open + 1 + name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    })
}

/// Whether an attribute of this name may be forbidden at all.
fn may_be_named(name: &str) -> bool {
    let bytes = name.as_bytes();
    let starts = |start: &[u8]| {
        bytes
            .get(..start.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(start))
    };
    let is_by_start = match bytes.first().map(u8::to_ascii_lowercase) {
        Some(b'o') => starts(b"on"),
        Some(b's') => starts(b"style") || starts(b"srcdoc"),
        Some(b'a') => starts(b"attributename"),
        Some(b'h') => starts(b"http-equiv"),
        _ => false,
    };
    let is_url = || {
        URL_ATTRIBUTES
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
    };
    is_by_start
        || memchr::memchr(b':', bytes).is_some()
        || may_be_one_of(&URL_ATTRIBUTE_LENGTHS, name) && is_url()
}

/// Whether an attribute is forbidden whose value is not decoded yet.
pub(super) fn is_raw_attribute(element: &str, name: &str, raw: &str) -> bool {
    !is_seen_to_be_harmless(name, raw)
        && if raw.contains('&') {
            judge(element, name, &htmlize::unescape_attribute(raw))
        } else {
            judge(element, name, raw)
        }
}

/// A cheap look at an attribute, its value decoded or not: most are harmless.
fn is_seen_to_be_harmless(name: &str, value: &str) -> bool {
    let is_url = || {
        let mut urls = ONLY_ADDRESSES.iter();
        urls.any(|known| name.eq_ignore_ascii_case(known))
    };
    !may_be_named(name) || is_url() && leads_to_the_web(value.as_bytes())
}

/// Attributes that hold URLs and do nothing else; nearly all there are.
const ONLY_ADDRESSES: &[&str] = &["src", "href", "srcset", "data-src", "poster", "cite"];

/// Whether no URL in a raw value has another scheme than those of the web; cheap, and sure only
/// where it is so.
fn leads_to_the_web(raw: &[u8]) -> bool {
    let ends_scheme = |colon: usize| {
        let before = &raw[..colon];
        let before = before.strip_suffix(b"s").unwrap_or(before);
        before
            .strip_suffix(b"http")
            .is_some_and(|before| matches!(before.last(), None | Some(b' ' | b',' | b'/')))
    };
    memchr::memchr2_iter(b':', b'&', raw).all(|at| match raw[at] {
        b':' => ends_scheme(at),
        // A reference by number or by a name may say anything; in a query, only `&amp;` is common.
        _ => raw[at..].starts_with(b"&amp;"),
    })
}

/// Whether an attribute is forbidden.
pub(super) fn is_attribute(element: &str, name: &str, value: &str) -> bool {
    !is_seen_to_be_harmless(name, value) && judge(element, name, value)
}

fn judge(element: &str, name: &str, value: &str) -> bool {
    let local = name.rsplit(':').next().unwrap_or(name);
    let is = |known: &str| local.eq_ignore_ascii_case(known);
    if name.len() > 2 && name.is_char_boundary(2) && name[..2].eq_ignore_ascii_case("on")
        || is("srcdoc")
        || is("http-equiv")
        || is("formaction")
        || is("ping")
    {
        return true;
    }
    if is("attributename") {
        let target = value.trim().to_ascii_lowercase();
        return target.starts_with("on") || target.ends_with("href") || target.contains("src");
    }
    if is("style") {
        return is_style(value);
    }
    let holds_urls = URL_ATTRIBUTES
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known) || is(known));
    let is_image = ["img", "source", "image", "video"]
        .iter()
        .any(|image| element.eq_ignore_ascii_case(image));
    let is_list = LISTS.iter().any(|known| is(known));
    holds_urls
        && (is_url(value, is_image)
            || is_list && value.split([';', ',', ' ', '\n', '\t']).any(is_scripted))
}

/// Whether a URL runs something. A drawing may be in an image, where it can't.
fn is_url(value: &str, is_image: bool) -> bool {
    if is_scripted(value) {
        return true;
    }
    let plain = plain_start(value, 40);
    let Some(kind) = plain.strip_prefix("data:") else {
        return false;
    };
    let is_drawing = is_image && kind.starts_with("image/svg+xml");
    !is_drawing && !DATA.iter().any(|known| kind.starts_with(known))
}

fn is_scripted(value: &str) -> bool {
    let plain = plain_start(value, 16);
    plain
        .split_once(':')
        .is_some_and(|(scheme, _)| SCHEMES.contains(&scheme))
}

/// The first letters of a URL as browsers read them: in lower case, without the blanks and
/// control characters that they skip.
fn plain_start(value: &str, letters: usize) -> String {
    value
        .chars()
        .filter(|letter| !letter.is_control() && !letter.is_whitespace() && !is_invisible(*letter))
        .take(letters)
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}

/// What some parser skipped as if it were white space.
fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}'
    )
}

/// Whether CSS runs something in some browser there was.
pub(super) fn is_style(css: &str) -> bool {
    let lower = css.to_ascii_lowercase();
    let has_hint = ["expression", "script", "binding", "behavior", "\\", "/*"]
        .iter()
        .any(|hint| lower.contains(hint));
    if !has_hint {
        return false;
    }
    let plain = without_disguise(&lower);
    let has_behavior = plain.match_indices("behavior").any(|(at, word)| {
        let is_whole =
            !plain[..at].ends_with(|before: char| before.is_alphanumeric() || before == '-');
        is_whole && plain[at + word.len()..].starts_with(':')
    });
    has_behavior || STYLES.iter().any(|style| plain.contains(style))
}

/// CSS without comments, escapes, blanks and control characters.
fn without_disguise(css: &str) -> String {
    let mut plain = String::with_capacity(css.len());
    let mut rest = css;
    while let Some(letter) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, behind)| behind);
            continue;
        }
        rest = &rest[letter.len_utf8()..];
        if letter == '\\' {
            let digits = rest
                .bytes()
                .take(6)
                .take_while(u8::is_ascii_hexdigit)
                .count();
            let code = u32::from_str_radix(&rest[..digits], 16).ok();
            plain.extend(
                code.and_then(char::from_u32)
                    .map(|found| found.to_ascii_lowercase()),
            );
            rest = &rest[digits..];
            if digits > 0 {
                rest = rest.strip_prefix([' ', '\n', '\t']).unwrap_or(rest);
            }
        } else if !letter.is_whitespace() && !letter.is_control() {
            plain.push(letter);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_never_end_are_not_read_over_and_over() {
        let bytes = b"<a ".repeat(VALUE_BYTES_MAX);
        let read = handler_in_tag(&bytes[..VALUE_BYTES_MAX]);
        assert!(matches!(read, Handler::None(length) if length >= VALUE_BYTES_MAX / 2));
        assert!(matches!(handler_in_tag(b"<a b><c "), Handler::None(4)));
        assert!(may_harm(
            &"<a b><i ".repeat(2_000).replacen("<i", "<i onx>", 1_999)
        ));
        assert!(may_harm(&("<a ".repeat(5_000) + "<i onx>")));
    }
}
