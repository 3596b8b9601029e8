//! The tokens of an HTML fragment, as the HTML standard's tokenizer sees them (§13.2.5), undecoded.
//!
//! Invariants: one pass, no allocation; the caller says where raw text and foreign content are, for only
//! the tree knows. Tokens are slices of the input.

use memchr::{memchr, memchr2};

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rewrite) enum Token<'a> {
    /// Text with its character references; a lone `<` is text.
    Text(&'a str),
    /// A start tag.
    Start(StartTag<'a>),
    /// An end tag, by its name as written.
    End(&'a str),
    /// A comment's content.
    Comment(&'a str),
    /// The content of a CDATA section in foreign content: text without references.
    Cdata(&'a str),
    /// What parsers drop: doctypes, processing instructions, `</>`, CDATA sections in HTML.
    Bogus,
    /// The input ends inside this; nothing follows.
    Unfinished(Unfinished),
}

/// A start tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rewrite) struct StartTag<'a> {
    /// The name as written.
    pub(in crate::rewrite) name: &'a str,
    /// Everything from behind the name to the `>`, inclusive.
    attributes: &'a str,
    /// Whether it ends in `/>`.
    pub(in crate::rewrite) is_self_closing: bool,
}

/// Where the input ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rewrite) enum Unfinished {
    /// In a start or end tag that begins at this byte.
    Tag(usize),
    /// Behind `<` or `</`, which begins at this byte.
    Opening(usize),
    /// In a comment.
    Comment,
    /// In a doctype, a processing instruction or the like.
    Bogus,
    /// In a CDATA section of foreign content.
    Cdata,
}

impl<'a> StartTag<'a> {
    /// One whose `attributes` are all that stands behind its name.
    pub(super) fn new(name: &'a str, attributes: &'a str, is_self_closing: bool) -> Self {
        Self {
            name,
            attributes,
            is_self_closing,
        }
    }

    /// Names and raw values, in order; `None` where there is no `=`.
    pub(in crate::rewrite) fn attributes(
        &self,
    ) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        let text = self.attributes;
        let mut at = 0;
        std::iter::from_fn(move || match next_attribute(text, at) {
            Step::Attribute { name, value, next } => {
                at = next;
                Some((name, value))
            }
            Step::End { .. } | Step::Unfinished => None,
        })
    }
}

/// The tokenizer: where it stands in the fragment.
#[derive(Debug)]
pub(in crate::rewrite) struct Tokens<'a> {
    html: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(in crate::rewrite) fn new(html: &'a str) -> Self {
        Self { html, at: 0 }
    }

    /// Where the next token starts.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The next token; `is_foreign` says that the current node is an SVG or MathML element.
    pub(in crate::rewrite) fn next(&mut self, is_foreign: bool) -> Option<Token<'a>> {
        let start = self.at;
        if start == self.html.len() {
            return None;
        }
        let markup = find_markup(self.html, start).unwrap_or(self.html.len());
        if markup > start {
            self.at = markup;
            return Some(Token::Text(&self.html[start..markup]));
        }
        let rest = &self.html[start..];
        let (token, length) = read_markup(rest, is_foreign);
        let token = match token {
            Token::Unfinished(Unfinished::Tag(_)) => Token::Unfinished(Unfinished::Tag(start)),
            Token::Unfinished(Unfinished::Opening(_)) => {
                Token::Unfinished(Unfinished::Opening(start))
            }
            token => token,
        };
        self.at = start + length;
        Some(token)
    }

    /// The raw text of the element `name` whose start tag was read just now, up to its end tag or to the
    /// end of the input.
    pub(in crate::rewrite) fn raw_text(&mut self, name: &str) -> &'a str {
        let start = self.at;
        self.at = find_end_tag(self.html, start, name).unwrap_or(self.html.len());
        &self.html[start..self.at]
    }

    /// The same for a script, whose `<!-- <script>` may hide an end tag (§13.2.5.15 and following), and
    /// whether its text ends in such a comment.
    pub(in crate::rewrite) fn script_text(&mut self) -> (&'a str, bool) {
        let start = self.at;
        let (end, is_escaped) = find_script_end(self.html, start);
        self.at = end;
        (&self.html[start..end], is_escaped)
    }

    /// Everything that is left: what follows `<plaintext>`.
    pub(in crate::rewrite) fn rest(&mut self) -> &'a str {
        let start = self.at;
        self.at = self.html.len();
        &self.html[start..]
    }
}

/// The next `<` that is no text.
fn find_markup(html: &str, from: usize) -> Option<usize> {
    let bytes = html.as_bytes();
    let mut at = from;
    loop {
        at += memchr(b'<', &bytes[at..])?;
        match bytes.get(at + 1) {
            None | Some(b'/' | b'!' | b'?' | b'a'..=b'z' | b'A'..=b'Z') => return Some(at),
            Some(_) => at += 1,
        }
    }
}

/// Reads what begins with the `<` that `rest` begins with.
fn read_markup(rest: &str, is_foreign: bool) -> (Token<'_>, usize) {
    if let Some(content) = rest.strip_prefix("<!--") {
        return match find_comment_end(content) {
            Some((end, length)) => (Token::Comment(&content[..end]), 4 + end + length),
            None => (Token::Unfinished(Unfinished::Comment), rest.len()),
        };
    }
    if is_foreign && let Some(content) = rest.strip_prefix("<![CDATA[") {
        return match content.find("]]>") {
            Some(end) => (Token::Cdata(&content[..end]), 9 + end + 3),
            None => (Token::Unfinished(Unfinished::Cdata), rest.len()),
        };
    }
    match (rest.as_bytes().get(1), rest.as_bytes().get(2)) {
        (None, _) | (Some(b'/'), None) => (Token::Unfinished(Unfinished::Opening(0)), rest.len()),
        (Some(b'/'), Some(c)) if c.is_ascii_alphabetic() => read_tag(rest, 2),
        (Some(b'/' | b'!' | b'?'), _) => match memchr(b'>', rest.as_bytes()) {
            Some(end) => (Token::Bogus, end + 1),
            None => (Token::Unfinished(Unfinished::Bogus), rest.len()),
        },
        _ => read_tag(rest, 1),
    }
}

/// Reads a start or end tag whose name begins at `name_start`.
pub(super) fn read_tag(rest: &str, name_start: usize) -> (Token<'_>, usize) {
    let name_end = rest[name_start..]
        .find(|c| is_blank(c) || c == '/' || c == '>')
        .map_or(rest.len(), |length| name_start + length);
    let mut at = name_end;
    loop {
        match next_attribute(rest, at) {
            Step::Attribute { next, .. } => at = next,
            Step::Unfinished => return (Token::Unfinished(Unfinished::Tag(0)), rest.len()),
            Step::End {
                next,
                is_self_closing,
            } => {
                let name = &rest[name_start..name_end];
                let token = if name_start == 2 {
                    Token::End(name)
                } else {
                    Token::Start(StartTag {
                        name,
                        attributes: &rest[name_end..next],
                        is_self_closing,
                    })
                };
                return (token, next);
            }
        }
    }
}

/// One step inside a tag, behind its name.
enum Step<'a> {
    Attribute {
        name: &'a str,
        value: Option<&'a str>,
        next: usize,
    },
    End {
        next: usize,
        is_self_closing: bool,
    },
    Unfinished,
}

/// The attribute or end at or behind `from`.
fn next_attribute(text: &str, from: usize) -> Step<'_> {
    let bytes = text.as_bytes();
    let skip_blanks = |mut at: usize| {
        while bytes
            .get(at)
            .is_some_and(|byte| is_blank(char::from(*byte)))
        {
            at += 1;
        }
        at
    };
    let mut at = skip_blanks(from);
    let mut is_self_closing = false;
    while bytes.get(at) == Some(&b'/') {
        is_self_closing = bytes.get(at + 1) == Some(&b'>');
        at = skip_blanks(at + 1);
    }
    match bytes.get(at) {
        None => return Step::Unfinished,
        Some(b'>') => {
            return Step::End {
                next: at + 1,
                is_self_closing,
            };
        }
        Some(_) => {}
    }
    let until = |start: usize, is_end: &dyn Fn(char) -> bool| {
        text[start..]
            .find(is_end)
            .map_or(text.len(), |end| start + end)
    };
    // A `=` in the first place belongs to the name.
    let first = text[at..].chars().next().map_or(1, char::len_utf8);
    let name_end = until(at + first, &|c| is_blank(c) || matches!(c, '/' | '>' | '='));
    let name = &text[at..name_end];
    let equals = skip_blanks(name_end);
    if bytes.get(equals) != Some(&b'=') {
        return Step::Attribute {
            name,
            value: None,
            next: name_end,
        };
    }
    let start = skip_blanks(equals + 1);
    let (value, next) = match bytes.get(start) {
        Some(quote @ (b'"' | b'\'')) => match memchr(*quote, &bytes[start + 1..]) {
            Some(length) => (&text[start + 1..start + 1 + length], start + length + 2),
            None => return Step::Unfinished,
        },
        _ => {
            let end = until(start, &|c| is_blank(c) || c == '>');
            (&text[start..end], end)
        }
    };
    Step::Attribute {
        name,
        value: Some(value),
        next,
    }
}

/// Where a comment's content ends, and how long its closing is.
fn find_comment_end(content: &str) -> Option<(usize, usize)> {
    // `<!-->` and `<!--->` are whole comments.
    if content.starts_with('>') {
        return Some((0, 1));
    }
    if content.starts_with("->") {
        return Some((0, 2));
    }
    let mut at = 0;
    loop {
        at += content[at..].find("--")?;
        if content[at..].starts_with("-->") {
            return Some((at, 3));
        }
        if content[at..].starts_with("--!>") {
            return Some((at, 4));
        }
        at += 1;
    }
}

/// Where the end tag of a raw text element begins. A name at the end of the input closes nothing.
fn find_end_tag(html: &str, from: usize, name: &str) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr(b'<', &html.as_bytes()[at..])?;
        if is_tag(html, at, "</", name) {
            return Some(at);
        }
        at += 1;
    }
}

/// Whether `opening` and `name` stand at `at`, and the name ends there.
fn is_tag(html: &str, at: usize, opening: &str, name: &str) -> bool {
    let rest = &html.as_bytes()[at..];
    rest.strip_prefix(opening.as_bytes()).is_some_and(|rest| {
        rest.get(..name.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
            && rest
                .get(name.len())
                .is_some_and(|next| is_blank(char::from(*next)) || matches!(next, b'/' | b'>'))
    })
}

/// Where a script's end tag begins, or the end of the input, and whether a comment is open there.
fn find_script_end(html: &str, from: usize) -> (usize, bool) {
    #[derive(PartialEq)]
    enum State {
        Plain,
        Escaped,
        DoubleEscaped,
    }
    let bytes = html.as_bytes();
    let mut state = State::Plain;
    let mut at = from;
    while let Some(found) = memchr2(b'<', b'-', &bytes[at..]) {
        at += found;
        if bytes[at] == b'-' {
            if bytes[at..].starts_with(b"-->") {
                state = State::Plain;
            }
        } else if is_tag(html, at, "</", "script") {
            if state != State::DoubleEscaped {
                return (at, state == State::Escaped);
            }
            state = State::Escaped;
        } else if state == State::Plain && bytes[at..].starts_with(b"<!--") {
            state = State::Escaped;
            // The dashes may already be those of `-->`.
            at += 1;
        } else if state == State::Escaped && is_tag(html, at, "<", "script") {
            state = State::DoubleEscaped;
        }
        at += 1;
    }
    (html.len(), state != State::Plain)
}

/// White space inside tags.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}
