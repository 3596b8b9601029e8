//! The HTML standard's tokenizer states, as small readers over bytes: names, attributes, where comments and
//! raw text end.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2, memmem};

use super::Markup;

/// A tag's end.
pub(crate) struct TagEnd {
    /// Behind its `>`.
    pub(crate) at: usize,
    pub(super) is_self_closed: bool,
}

/// The style sheet in a `style` element, from `at` on, that has no end: as far as nothing else starts.
pub(crate) fn open_sheet(html: &[u8], at: usize) -> Range<usize> {
    at..find(html, at, b'<').unwrap_or(html.len())
}

/// Elements whose content holds no tags in HTML; `noscript` is not among them: readers run no
/// scripts.
pub(super) const RAW_TEXT: [(&[u8], RawText); 9] = [
    (b"iframe", RawText::Plain),
    (b"script", RawText::Script),
    (b"style", RawText::StyleSheet),
    (b"title", RawText::Plain),
    (b"textarea", RawText::Plain),
    (b"xmp", RawText::Plain),
    (b"noembed", RawText::Plain),
    (b"noframes", RawText::Plain),
    (b"plaintext", RawText::ToTheEnd),
];

/// What such an element holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RawText {
    Plain,
    StyleSheet,
    Script,
    ToTheEnd,
}

impl RawText {
    /// What an element of this name holds, if it holds raw text.
    pub(crate) fn of(element: &[u8]) -> Option<Self> {
        if !matches!(
            element.first()? | 0x20,
            b'i' | b'n' | b'p' | b's' | b't' | b'x'
        ) {
            return None;
        }
        RAW_TEXT
            .iter()
            .find(|(name, _)| element.eq_ignore_ascii_case(name))
            .map(|(_, raw_text)| *raw_text)
    }
}

/// The name that starts at `start`.
pub(crate) fn tag_name(html: &[u8], start: usize) -> Range<usize> {
    let length = html[start..]
        .iter()
        .position(|&byte| is_space(byte) || matches!(byte, b'/' | b'>'));
    start..length.map_or(html.len(), |length| start + length)
}

/// `name` without the prefix that it may have in XHTML.
pub(super) fn element_name(html: &[u8], name: Range<usize>, markup: Markup) -> &[u8] {
    let name = &html[name];
    match memchr(b':', name) {
        Some(colon) if markup == Markup::Xhtml => &name[colon + 1..],
        _ => name,
    }
}

/// Where the end tag of the raw text starts that starts at `from`.
pub(super) fn raw_text_end(html: &[u8], name: &[u8], from: usize) -> usize {
    memchr_iter(b'<', &html[from..])
        .map(|at| from + at)
        .find(|&at| is_tag_of(html, at, b"</", name))
        .unwrap_or(html.len())
}

/// The content of the comment that starts at `open`, and where it ends; `None` when it never does (HTML
/// §13.2.5.43; XML §2.5, where `-->` alone ends it).
pub(crate) fn comment(html: &[u8], open: usize, markup: Markup) -> Option<(Range<usize>, usize)> {
    let start = open + "<!--".len();
    if markup == Markup::Xhtml {
        let end = start + memmem::find(&html[start..], b"-->")?;
        return Some((start..end, end + 3));
    }
    // `<!-->` and `<!--->` are comments too; `<!--!>` is none. Each `>` is looked at once.
    for close in memchr_iter(b'>', &html[start..]).map(|at| start + at) {
        let text = &html[open + 2..close];
        let dashes = match text {
            [.., b'-', b'-'] => 2,
            [_, _, .., b'-', b'-', b'!'] => 3,
            _ => continue,
        };
        return Some((start..(close - dashes).max(start), close + 1));
    }
    None
}

/// Where the end tag of the script starts whose text begins at `from`, or the end of the text, and whether
/// a comment is open there: `<!-- <script>` hides an end tag (HTML §13.2.5.15 and following).
pub(super) fn script_end(html: &[u8], from: usize) -> (usize, bool) {
    #[derive(PartialEq)]
    enum State {
        Plain,
        Escaped,
        DoubleEscaped,
    }
    let mut state = State::Plain;
    let mut at = from;
    while let Some(found) = memchr2(b'<', b'-', &html[at..]) {
        at += found;
        if html[at] == b'-' {
            if html[at..].starts_with(b"-->") {
                state = State::Plain;
            }
        } else if is_tag_of(html, at, b"</", b"script") {
            if state != State::DoubleEscaped {
                return (at, state == State::Escaped);
            }
            state = State::Escaped;
        } else if state == State::Plain && html[at..].starts_with(b"<!--") {
            state = State::Escaped;
            // The dashes may already be those of `-->`.
            at += 1;
        } else if state == State::Escaped && is_tag_of(html, at, b"<", b"script") {
            state = State::DoubleEscaped;
        }
        at += 1;
    }
    (html.len(), state != State::Plain)
}

/// Whether `opening` and `name` stand at `at`, and the name ends there.
fn is_tag_of(html: &[u8], at: usize, opening: &[u8], name: &[u8]) -> bool {
    html[at..].strip_prefix(opening).is_some_and(|rest| {
        let is_named = rest
            .get(..name.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(name));
        is_named
            && rest
                .get(name.len())
                .is_some_and(|&next| is_space(next) || matches!(next, b'/' | b'>'))
    })
}

/// Whether an XML name may start at `at`.
pub(super) fn is_name_start(html: &str, at: usize) -> bool {
    let first = html.get(at..).and_then(|rest| rest.chars().next());
    first.is_some_and(|letter| letter.is_alphabetic() || matches!(letter, '_' | ':'))
}

/// Behind the start or end tag, or what else starts with the `<` at `open` and is no declaration.
pub(crate) fn tag_end(html: &[u8], open: usize) -> Option<usize> {
    let is_end_tag = html.get(open + 1) == Some(&b'/');
    let start = open + 1 + usize::from(is_end_tag);
    match html.get(start) {
        Some(byte) if byte.is_ascii_alphabetic() => {
            let name = tag_name(html, start);
            read_all_attributes(html, name.end, |_, _| {}).map(|end| end.at)
        }
        Some(_) if is_end_tag => find(html, start, b'>').map(|close| close + 1),
        Some(_) => Some(start),
        None => None,
    }
}

/// Reads a tag from behind its name and shows names and raw values of attributes; `None` when the tag
/// never ends.
pub(crate) fn read_all_attributes(
    html: &[u8],
    mut at: usize,
    mut show: impl FnMut(Range<usize>, Option<Range<usize>>),
) -> Option<TagEnd> {
    let mut slash_at = None;
    loop {
        let name_start = at;
        match *html.get(at)? {
            b'>' => {
                return Some(TagEnd {
                    at: at + 1,
                    is_self_closed: slash_at.is_some_and(|slash| slash + 1 == at),
                });
            }
            b'/' => {
                slash_at = Some(at);
                at += 1;
                continue;
            }
            byte if is_space(byte) => {
                at += 1;
                continue;
            }
            _ => at += 1,
        }
        while !is_space(*html.get(at)?) && !matches!(html[at], b'/' | b'>' | b'=') {
            at += 1;
        }
        let name = name_start..at;
        at = skip_spaces(html, at);
        if *html.get(at)? != b'=' {
            show(name, None);
            continue;
        }
        at = skip_spaces(html, at + 1);
        match *html.get(at)? {
            b'>' => {
                show(name, Some(at..at));
                return Some(TagEnd {
                    at: at + 1,
                    is_self_closed: false,
                });
            }
            quote @ (b'"' | b'\'') => {
                let end = find(html, at + 1, quote)?;
                show(name, Some(at + 1..end));
                at = end + 1;
            }
            _ => {
                let start = at;
                while !is_space(*html.get(at)?) && html[at] != b'>' {
                    at += 1;
                }
                show(name, Some(start..at));
            }
        }
    }
}

fn skip_spaces(html: &[u8], mut at: usize) -> usize {
    while html.get(at).is_some_and(|&byte| is_space(byte)) {
        at += 1;
    }
    at
}

pub(super) fn find(html: &[u8], from: usize, byte: u8) -> Option<usize> {
    memchr(byte, &html[from..]).map(|at| from + at)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0C')
}
