//! The one walk over a text: its tokens in document order, by the HTML standard's tokenizer states
//! (§13.2.5), or as an XML parser reads inline XHTML.
//!
//! Invariant: what is raw text and what is foreign (svg, math) is known exactly, as a browser's tree
//! construction tells its tokenizer, up to 512 open elements.

mod closing;
mod raw_text;

use std::ops::Range;

use memchr::{memchr, memmem};

use super::ends::Ends;
use super::open::Open;
use super::syntax::{comment, element_name, is_name_start, read_all_attributes, tag_name};
use super::tag::{Attribute, Tag};
use super::{Markup, Name};
pub(crate) use closing::Closing;
use closing::Unfinished;

/// How many attributes of one tag are listed; of those behind the first 4,096 only the ones that
/// have a value.
const ATTRIBUTES_MAX: usize = 65_536;
const ATTRIBUTES_WITHOUT_VALUE_MAX: usize = 4_096;

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'h> {
    /// Text with its character references; a lone `<` is text.
    Text(&'h str),
    /// A start or end tag, which is in the buffer now.
    Tag,
    /// A comment's content.
    Comment(&'h str),
    /// The content of a CDATA section where those are text.
    Cdata(&'h str),
    /// What parsers drop: doctypes, instructions, `</>`, CDATA sections in HTML.
    Dropped,
    /// The text ends inside this; nothing follows.
    Unfinished,
}

/// How HTML is read that parsers don't agree on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Raw text and comments that nobody closed hold nothing, so what follows is read: readers that
    /// know no raw text show it, images and all.
    Open,
    /// As a browser does, which runs scripts or not.
    Browser { runs_scripts: bool },
    /// As a parser of HTML 4: nothing is foreign, and only style sheets hold raw text.
    Html4,
}

/// Reads a text, one token at a time.
#[derive(Debug)]
pub(crate) struct Walk<'h> {
    html: &'h str,
    markup: Markup,
    reading: Reading,
    at: usize,
    /// Where the last token stands.
    range: Range<usize>,
    /// The open elements: from the start where that was asked for, else once there is svg or math.
    open: Option<Open<'h>>,
    /// Found when first needed.
    ends: Option<Ends>,
    /// Where comments start that nobody closed.
    open_comments: Vec<usize>,
    /// The raw text whose end tag comes next or never: its element, and whether a script's comment
    /// is open in it.
    raw: Option<(&'h str, bool)>,
    /// What the text ends in the midst of.
    unfinished: Option<Unfinished>,
    /// See [`is_plain`](Self::is_plain).
    is_plain: bool,
    /// Whether browsers may read something in another way than this walk.
    is_doubtful: bool,
}

impl<'h> Walk<'h> {
    /// A walk as rules read, which are to find all that any reader may show.
    pub(crate) fn new(html: &'h str, markup: Markup) -> Self {
        Self::by(Reading::Open, html, markup)
    }

    /// One as readers read that run no scripts.
    pub(crate) fn of_reader(html: &'h str, markup: Markup) -> Self {
        Self::of_browser(html, markup, false)
    }

    /// One as a browser reads.
    pub(crate) fn of_browser(html: &'h str, markup: Markup, runs_scripts: bool) -> Self {
        let mut walk = Self::by(Reading::Browser { runs_scripts }, html, markup);
        if markup == Markup::Html {
            walk.open = Some(Open::new(runs_scripts));
        }
        walk
    }

    /// One as parsers of HTML 4 read, of which several readers have one (libxml2).
    pub(crate) fn of_html4(html: &'h str) -> Self {
        Self::by(Reading::Html4, html, Markup::Html)
    }

    fn by(reading: Reading, html: &'h str, markup: Markup) -> Self {
        Self {
            html,
            markup,
            reading,
            at: 0,
            range: 0..0,
            open: None,
            ends: None,
            open_comments: Vec::new(),
            raw: None,
            unfinished: None,
            is_plain: markup == Markup::Html,
            is_doubtful: false,
        }
    }

    /// The same walk, which also finds out what is open at the end.
    pub(crate) fn closing_at_end(mut self) -> Self {
        if self.markup == Markup::Html {
            self.open = Some(Open::default());
        }
        self
    }

    /// Reads the next tag into `tag`; whether there was one.
    pub(crate) fn read(&mut self, tag: &mut Tag<'h>) -> bool {
        while let Some(token) = self.token(tag) {
            if token == Token::Tag {
                return true;
            }
        }
        false
    }

    /// Reads the next token, and if that is a tag, into `tag`.
    pub(crate) fn token(&mut self, tag: &mut Tag<'h>) -> Option<Token<'h>> {
        let start = self.at;
        if start >= self.html.len() {
            return None;
        }
        let open = self.find_markup(start);
        let token = if open > start {
            self.at = open;
            Token::Text(&self.html[start..open])
        } else {
            self.markup(start, tag)
        };
        self.range = start..self.at;
        Some(token)
    }

    /// Where the last token stands, with the raw text that a tag begins.
    pub(crate) fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// Whether every `<` so far began an ordinary tag that ends: no raw text, no declaration, no
    /// drawing. Every parser reads such a text in the same way.
    pub(crate) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// What closes the text at its end, once it is read; `None` where this walk does not tell, or
    /// nothing can.
    pub(crate) fn closing(&self) -> Option<Closing> {
        if self.is_doubtful {
            return None;
        }
        closing::of(self.html, self.open.as_ref()?, self.raw, self.unfinished)
    }

    /// The next `<` that is no text.
    fn find_markup(&mut self, from: usize) -> usize {
        let bytes = self.html.as_bytes();
        let mut at = from;
        while let Some(found) = memchr(b'<', &bytes[at..]) {
            at += found;
            let is_markup = match bytes.get(at + 1) {
                None | Some(b'/' | b'!' | b'?') => true,
                Some(byte) if byte.is_ascii_alphabetic() => return at,
                Some(_) => self.markup == Markup::Xhtml && is_name_start(self.html, at + 1),
            };
            if is_markup {
                return at;
            }
            self.is_plain = false;
            at += 1;
        }
        bytes.len()
    }

    /// Reads what the `<` at `open` begins.
    fn markup(&mut self, open: usize, tag: &mut Tag<'h>) -> Token<'h> {
        let rest = &self.html.as_bytes()[open..];
        let is_end = rest.get(1) == Some(&b'/');
        let first = open + 1 + usize::from(is_end);
        match rest.get(1 + usize::from(is_end)) {
            None => self.ends_in(Unfinished::Opening(open)),
            Some(b'!' | b'?') if !is_end => self.declaration(open),
            Some(byte) if byte.is_ascii_alphabetic() => self.tag(open, is_end, tag),
            Some(_) if self.markup == Markup::Xhtml && is_name_start(self.html, first) => {
                self.tag(open, is_end, tag)
            }
            Some(_) => self.dropped(open, b">", 1),
        }
    }

    fn ends_in(&mut self, unfinished: Unfinished) -> Token<'h> {
        self.is_plain = false;
        self.is_doubtful |= self.reading == Reading::Open;
        self.unfinished = Some(unfinished);
        self.at = self.html.len();
        Token::Unfinished
    }

    /// Passes over what ends in `close`, from so many bytes behind `open` on.
    fn dropped(&mut self, open: usize, close: &[u8], from: usize) -> Token<'h> {
        self.is_plain = false;
        match memmem::find(&self.html.as_bytes()[open + from..], close) {
            Some(length) => {
                self.at = open + from + length + close.len();
                Token::Dropped
            }
            None => self.ends_in(Unfinished::Bogus),
        }
    }

    /// Reads the comment, CDATA section, doctype or instruction at `open`.
    fn declaration(&mut self, open: usize) -> Token<'h> {
        self.is_plain = false;
        let rest = &self.html[open..];
        if rest.starts_with("<!--") {
            return self.comment(open);
        }
        let is_foreign = self.open.as_ref().is_some_and(Open::is_foreign);
        if rest.starts_with("<![CDATA[") && (self.markup == Markup::Xhtml || is_foreign) {
            let content = &rest["<![CDATA[".len()..];
            let Some(length) = memmem::find(content.as_bytes(), b"]]>") else {
                return self.ends_in(Unfinished::Cdata);
            };
            self.at = open + "<![CDATA[".len() + length + "]]>".len();
            return Token::Cdata(&content[..length]);
        }
        match (self.markup, rest.as_bytes()[1]) {
            (Markup::Xhtml, b'?') => self.dropped(open, b"?>", 2),
            _ => self.dropped(open, b">", 2),
        }
    }

    fn comment(&mut self, open: usize) -> Token<'h> {
        let bytes = self.html.as_bytes();
        let is_browser = matches!(self.reading, Reading::Browser { .. });
        if !is_browser && self.markup == Markup::Html {
            let ends = self.ends.get_or_insert_with(|| Ends::of(bytes));
            if !ends.has_comment_end(open) {
                self.open_comments.push(open);
                self.is_doubtful = true;
                self.at = open + "<!--".len();
                return Token::Dropped;
            }
        }
        match comment(bytes, open, self.markup) {
            Some((content, end)) => {
                self.at = end;
                Token::Comment(&self.html[content])
            }
            None => self.ends_in(Unfinished::Comment),
        }
    }

    fn tag(&mut self, open: usize, is_end: bool, tag: &mut Tag<'h>) -> Token<'h> {
        let html = self.html;
        let bytes = html.as_bytes();
        let name_range = tag_name(bytes, open + 1 + usize::from(is_end));
        let attributes = &mut tag.attributes;
        attributes.clear();
        tag.written.clear();
        tag.has_more = false;
        let has_more = &mut tag.has_more;
        let end = read_all_attributes(bytes, name_range.end, |name, value| {
            let has_value = value.as_ref().is_some_and(|value| !value.is_empty());
            let is_listed = attributes.len() < ATTRIBUTES_WITHOUT_VALUE_MAX
                || has_value && attributes.len() < ATTRIBUTES_MAX;
            if !is_listed {
                *has_more = true;
                return;
            }
            let end = value.as_ref().map_or(name.end, |value| {
                let is_quoted = matches!(bytes[value.start - 1], b'"' | b'\'');
                value.end + usize::from(is_quoted)
            });
            let whole = name.start..end;
            let id = Name::at(html, name.clone());
            attributes.push(Attribute::new(&html[name], id, value, whole));
        });
        let Some(end) = end else {
            return self.ends_in(Unfinished::Tag(open));
        };
        let local = element_name(bytes, name_range.clone(), self.markup).len();
        tag.html = html;
        tag.range = open..end.at;
        tag.name = &html[name_range.end - local..name_range.end];
        tag.id = Name::at(html, name_range.end - local..name_range.end);
        tag.name_range = name_range;
        tag.is_end = is_end;
        tag.is_self_closed = end.is_self_closed;
        tag.is_xml = self.markup == Markup::Xhtml;
        tag.is_foreign = false;
        tag.is_cut = false;
        tag.is_gone = false;
        tag.raw_end = None;
        tag.is_open_raw = false;
        self.at = end.at;
        if self.markup == Markup::Html {
            self.enter(tag);
        }
        Token::Tag
    }
}

/// The tags of `html` in document order, each a value of its own.
pub(crate) fn tags(html: &str, markup: Markup) -> Tags<'_> {
    Tags(Walk::new(html, markup))
}

/// See [`tags`].
pub(crate) struct Tags<'h>(Walk<'h>);

impl<'h> Iterator for Tags<'h> {
    type Item = Tag<'h>;

    fn next(&mut self) -> Option<Tag<'h>> {
        let mut tag = Tag::default();
        self.0.read(&mut tag).then_some(tag)
    }
}

/// Where comments start that nobody closed.
pub(crate) fn open_comments(html: &str) -> Vec<usize> {
    let mut walk = Walk::new(html, Markup::Html);
    let mut tag = Tag::default();
    while walk.read(&mut tag) {}
    walk.open_comments
}

/// The end tag that stands at `at`: its local name, and where it ends.
pub(crate) fn end_tag_at(html: &str, at: usize, markup: Markup) -> Option<(&str, Range<usize>)> {
    if !html[at..].starts_with("</") {
        return None;
    }
    let mut walk = Walk::new(&html[at..], markup);
    let mut tag = Tag::default();
    let is_there = walk.token(&mut tag) == Some(Token::Tag);
    is_there.then(|| (tag.name, at..at + tag.range.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_tag() {
        let html = "<!-- <a> --><a HREF = 'x&amp;y' b c=d/><style><i></style></A >< b";
        let found: Vec<_> = tags(html, Markup::Html).collect();
        let names: Vec<_> = found.iter().map(|tag| (tag.name, tag.is_end)).collect();
        let expected = [("a", false), ("style", false), ("style", true), ("A", true)];
        assert_eq!(names, expected);
        let link = &found[0];
        assert_eq!(link.value("href").as_deref(), Some("x&y"));
        assert_eq!(link.value("b").as_deref(), Some(""));
        assert_eq!(link.value("c").as_deref(), Some("d/"));
        assert!(link.attribute("d").is_none());
    }
}
