//! The quick reader: tags and nothing but tags, by the HTML standard's tokenizer states.
//!
//! It reads on as long as the meaning of a `<` follows from what is before it in a simple way,
//! and otherwise says from where on a parser has to read.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memmem};

use super::spot::{Holds, Spot, attribute_spot, push_sheets, sheet_spot};
use super::unclosed::Ends;
use super::{Covers, Markup, svg};

/// What the scan found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// In document order.
    pub(super) spots: Vec<Spot>,
    /// From here on, at a tag, only a parser knows what is what; no spot lies behind.
    pub(super) unread_from: Option<usize>,
}

/// The spots in `html`, or those up to where a parser is needed.
pub(super) fn spots(html: &str, markup: Markup, covers: Covers) -> Found {
    let mut scan = Scan {
        html: html.as_bytes(),
        markup,
        covers,
        ends: Ends::of(html.as_bytes()),
        spots: Vec::new(),
        foreign: None,
    };
    let mut at = 0;
    let mut unread_from = None;
    while let Some(open) = find(scan.html, at, b'<') {
        match scan.read_markup(open) {
            Next::At(next) => at = next,
            Next::Nothing => break,
            Next::NeedsParser => {
                unread_from = Some(scan.foreign.map_or(open, |(start, _)| start));
                break;
            }
        }
    }
    let kept = match (unread_from, scan.foreign) {
        (Some(_), Some((_, spots_before))) => spots_before,
        _ => scan.spots.len(),
    };
    scan.spots.truncate(kept);
    Found {
        spots: scan.spots,
        unread_from,
    }
}

/// Where reading goes on.
enum Next {
    At(usize),
    /// The rest is text, or a comment or tag that never ends.
    Nothing,
    NeedsParser,
}

/// A tag's end.
pub(in crate::rewrite) struct TagEnd {
    /// Behind its `>`.
    pub(in crate::rewrite) at: usize,
    pub(super) is_self_closed: bool,
}

struct Scan<'a> {
    html: &'a [u8],
    markup: Markup,
    covers: Covers,
    ends: Ends,
    spots: Vec<Spot>,
    /// Where the first svg or math element starts, and how many spots lie before it.
    foreign: Option<(usize, usize)>,
}

impl Scan<'_> {
    /// Reads what starts with the `<` at `open`.
    fn read_markup(&mut self, open: usize) -> Next {
        match self.html.get(open + 1) {
            Some(byte) if byte.is_ascii_alphabetic() => self.read_start_tag(open),
            Some(b'!') => self.read_declaration(open),
            Some(b'?') if self.markup == Markup::Xhtml => self.behind(open + 2, b"?>"),
            Some(b'?') => self.behind(open + 2, b">"),
            _ => tag_end(self.html, open).map_or(Next::Nothing, Next::At),
        }
    }

    fn read_start_tag(&mut self, open: usize) -> Next {
        let name = tag_name(self.html, open + 1);
        let spots_before = self.spots.len();
        let Some(end) = read_attributes(self.html, name.end, |attribute, value| {
            let element = element_name(self.html, name.clone(), self.markup);
            let spot = attribute_spot(self.html, open, element, attribute, value);
            self.spots
                .extend(spot.and_then(|spot| spot.covered(self.covers)));
        }) else {
            // Browsers drop a tag that never ends.
            self.spots.truncate(spots_before);
            return Next::Nothing;
        };
        let element = element_name(self.html, name.clone(), self.markup);
        if self.markup == Markup::Xhtml {
            if element.eq_ignore_ascii_case(b"style") && !end.is_self_closed {
                push_sheets(self.html, open, end.at, &mut self.spots);
            }
            return Next::At(end.at);
        }
        // In svg and math it is no raw text, and may hold HTML.
        if self.foreign.is_some() && RawText::of(element).is_some() {
            self.spots.truncate(spots_before);
            return Next::NeedsParser;
        }
        let Some(raw_text) = self.ends.raw_text(self.html, open) else {
            if element.eq_ignore_ascii_case(b"style") {
                let sheet = open_sheet(self.html, end.at);
                self.spots
                    .extend(sheet_spot(self.html, open, sheet, Holds::RawSheet));
            }
            let is_svg = element.eq_ignore_ascii_case(b"svg");
            let is_foreign = is_svg || element.eq_ignore_ascii_case(b"math");
            if !is_foreign || self.foreign.is_some() {
                return Next::At(end.at);
            }
            let plain_end = (is_svg && !end.is_self_closed)
                .then(|| svg::plain_end(self.html, end.at))
                .flatten();
            if plain_end.is_none() {
                self.foreign = Some((open, spots_before));
            }
            return Next::At(plain_end.unwrap_or(end.at));
        };
        let close = raw_text_end(self.html, &self.html[name], end.at);
        let content = end.at..close;
        let hides_comment = raw_text == RawText::Script
            && memmem::find(&self.html[content.clone()], b"<!--").is_some();
        if hides_comment {
            self.spots.truncate(spots_before);
            return Next::NeedsParser;
        }
        if raw_text == RawText::StyleSheet {
            self.spots
                .extend(sheet_spot(self.html, open, content, Holds::RawSheet));
        }
        Next::At(close)
    }

    fn read_declaration(&self, open: usize) -> Next {
        let rest = &self.html[open..];
        if rest.starts_with(b"<!--") {
            if self.markup == Markup::Html && !self.ends.has_comment_end(open) {
                return Next::At(open + 4);
            }
            return comment_end(self.html, open).map_or(Next::Nothing, Next::At);
        }
        if rest.starts_with(b"<![CDATA[") {
            if self.markup == Markup::Xhtml {
                return self.behind(open, b"]]>");
            }
            if self.foreign.is_some() {
                return Next::NeedsParser;
            }
        }
        self.behind(open + 2, b">")
    }

    fn behind(&self, from: usize, close: &[u8]) -> Next {
        memmem::find(&self.html[from..], close)
            .map_or(Next::Nothing, |at| Next::At(from + at + close.len()))
    }
}

/// The style sheet in a `style` element, from `at` on, that has no end: as far as nothing else starts.
pub(super) fn open_sheet(html: &[u8], at: usize) -> Range<usize> {
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
pub(super) enum RawText {
    Plain,
    StyleSheet,
    Script,
    ToTheEnd,
}

impl RawText {
    /// What an element of this name holds, if it holds raw text.
    pub(super) fn of(element: &[u8]) -> Option<Self> {
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
pub(in crate::rewrite) fn tag_name(html: &[u8], start: usize) -> Range<usize> {
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
        .find(|&at| {
            let end = at + 2 + name.len();
            html.get(at + 1) == Some(&b'/')
                && html
                    .get(at + 2..end)
                    .is_some_and(|found| found.eq_ignore_ascii_case(name))
                && html
                    .get(end)
                    .is_some_and(|&byte| is_space(byte) || matches!(byte, b'/' | b'>'))
        })
        .unwrap_or(html.len())
}

/// Behind the comment that starts at `open`; `None` when it never ends (HTML §13.2.5.43).
pub(super) fn comment_end(html: &[u8], open: usize) -> Option<usize> {
    // `<!-->` and `<!--->` are comments too; `<!--!>` is none. Each `>` is looked at once.
    let closes = |close: &usize| {
        let text = &html[open + 2..*close];
        text.ends_with(b"--") || (text.len() >= 5 && text.ends_with(b"--!"))
    };
    let mut ends = memchr_iter(b'>', &html[open + 4..]).map(|at| open + 4 + at);
    ends.find(closes).map(|close| close + 1)
}

/// Behind the start or end tag, or what else starts with the `<` at `open` and is no declaration.
pub(super) fn tag_end(html: &[u8], open: usize) -> Option<usize> {
    let is_end_tag = html.get(open + 1) == Some(&b'/');
    let start = open + 1 + usize::from(is_end_tag);
    match html.get(start) {
        Some(byte) if byte.is_ascii_alphabetic() => {
            let name = tag_name(html, start);
            read_attributes(html, name.end, |_, _| {}).map(|end| end.at)
        }
        Some(_) if is_end_tag => find(html, start, b'>').map(|close| close + 1),
        Some(_) => Some(start),
        None => None,
    }
}

/// Reads a tag from behind its name and shows names and raw values of attributes that have
/// values; `None` when the tag never ends.
pub(super) fn read_attributes(
    html: &[u8],
    at: usize,
    mut show: impl FnMut(Range<usize>, Range<usize>),
) -> Option<TagEnd> {
    read_all_attributes(html, at, |name, value| {
        value
            .into_iter()
            .for_each(|value| show(name.clone(), value));
    })
}

/// The same with those that have no value.
pub(in crate::rewrite) fn read_all_attributes(
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
