//! What a publisher left open at the end of an HTML fragment, and how to close it, so that a footer behind
//! it is neither swallowed (by a tag, a comment, raw text) nor drawn into an element (a link, a table).
//!
//! Invariants: what is put behind a fragment holds end tags and ends of comments only, so it shows nothing
//! and loads nothing; a fragment whose elements are all closed needs nothing.

mod element;
mod markup;
mod names;
mod open;
pub(in crate::rewrite) mod token;

use std::borrow::Cow;
use std::ops::Range;

use crate::feed::text::Decoded;
use crate::rewrite::html::Markup;
use crate::rewrite::html::tag::{Tag, escape};
use crate::rewrite::html::walk::tags;
use crate::rewrite::xhtml::VOID;
use open::{Content, Open, TooDeep};
use token::{StartTag, Token, Tokens, Unfinished};

/// How often closing for one way to read `<noscript>` may open something for the other.
const ROUNDS_MAX: usize = 4;

/// How to end a fragment so that something can follow: keep its first `keep` bytes, then write `text`.
///
/// Only a tag that the fragment ends in the midst of is cut off. Every HTML parser drops such a tag, so
/// nothing that shows is lost; completed, `<img src="https://example.org/a.p` would load a picture that
/// nobody asked for and that no image rule has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Closing {
    /// Bytes of the fragment to keep.
    pub(super) keep: usize,
    /// What closes them; empty when nothing is open.
    pub(super) text: Cow<'static, str>,
}

/// Finds how to close `html`, or `None` when nothing can follow it: `<plaintext>` has no end, and beyond
/// 512 open elements nobody counts. The caller then leaves the footer out.
#[must_use]
pub(super) fn closing(html: &str) -> Option<Closing> {
    let closing = scan(html, false, &mut |_, _| {})?;
    // Parsers that run scripts read `<noscript>` as raw text, all others as markup: close it for both.
    if mentions_noscript(html) {
        close_for_both(html, closing)
    } else {
        Some(closing)
    }
}

/// What is open, found while somebody else reads the tags.
#[derive(Debug, Default)]
pub(super) struct Unclosed<'h>(Open<'h>);

impl<'h> Unclosed<'h> {
    /// Takes in a tag of plain HTML; whether it can be known any longer what is open.
    pub(super) fn read(&mut self, html: &'h str, tag: &Tag<'h>) -> bool {
        if tag.is_end {
            self.0.end(tag.name);
            return true;
        }
        let tag = StartTag::new(
            tag.name,
            &html[tag.name_range.end..tag.range.end],
            tag.is_self_closed,
        );
        self.0.start(&tag) == Ok(Content::Markup)
    }

    /// What closes it all.
    pub(super) fn closing(self) -> Cow<'static, str> {
        let mut text = String::new();
        self.0.close_all(&mut text);
        Cow::Owned(text)
    }
}

/// How much of `html` stands before a tag that never ends; `None` as for [`closing`].
#[must_use]
pub(super) fn whole_tags(html: &str) -> Option<usize> {
    let keep = |noscript_is_raw| Some(scan(html, noscript_is_raw, &mut |_, _| {})?.keep);
    let first = keep(false)?;
    if mentions_noscript(html) {
        Some(first.min(keep(true)?))
    } else {
        Some(first)
    }
}

/// Whether there may be an element that browsers read in two ways.
pub(super) fn mentions_noscript(html: &str) -> bool {
    const NAME: &[u8] = b"<noscript";
    memchr::memchr_iter(b'<', html.as_bytes()).any(|at| {
        html.as_bytes()
            .get(at..at + NAME.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(NAME))
    })
}

fn close_for_both(html: &str, first: Closing) -> Option<Closing> {
    let mut keep = first.keep;
    let mut text = first.text.into_owned();
    for _ in 0..ROUNDS_MAX {
        let mut is_closed = true;
        for noscript_is_raw in [true, false] {
            let joined = format!("{}{text}", &html[..keep]);
            let more = scan(&joined, noscript_is_raw, &mut |_, _| {})?;
            is_closed &= more.keep == joined.len() && more.text.is_empty();
            text.truncate(more.keep.saturating_sub(keep));
            keep = keep.min(more.keep);
            text.push_str(&more.text);
        }
        if is_closed {
            let text = Cow::Owned(text);
            return Some(Closing { keep, text });
        }
    }
    None
}

/// Shows the tokens of a field, but for raw text and what nobody can read to its end, and where they
/// stand. `<noscript>` is read as readers do, which run no scripts.
pub(super) fn read<'a>(
    html: &'a str,
    markup: Markup,
    see: &mut dyn FnMut(&Token<'a>, Range<usize>),
) {
    match markup {
        Markup::Html => drop(scan(html, false, see)),
        Markup::Xhtml => markup::read(html, see),
    }
}

/// Whether a start tag stands in inline markup.
pub(super) fn holds_tags(markup: &str) -> bool {
    let mut found = false;
    read(markup, Markup::Xhtml, &mut |token, _| {
        found |= matches!(token, Token::Start(_));
    });
    found
}

/// Inline markup as HTML: what stands in CDATA sections is text, and elements that end in their
/// start tags have end tags, unless HTML has none for them.
pub(super) fn as_html(markup: &str) -> String {
    to_html(markup, false)
}

/// A field in which escaped HTML stands beside tags, as the HTML that readers make of both; `None`
/// where its text holds no tags.
pub(super) fn mixed_as_html(markup: &str) -> Option<String> {
    let mut text = String::new();
    read(markup, Markup::Xhtml, &mut |token, _| match token {
        Token::Text(part) => text.push_str(Decoded::content(part).as_str()),
        Token::Cdata(part) => text.push_str(part),
        _ => {}
    });
    let holds_tags = tags(&text, Markup::Html).next().is_some();
    holds_tags.then(|| to_html(markup, true))
}

fn to_html(markup: &str, is_mixed: bool) -> String {
    let mut html = String::with_capacity(markup.len());
    let mut done = 0;
    let mut foreign = 0_usize;
    read(markup, Markup::Xhtml, &mut |token, range| {
        let text: Cow<'_, str> = match token {
            Token::Cdata(text) if is_mixed => Cow::Borrowed(text),
            Token::Cdata(text) => Cow::Owned(escape(text)),
            Token::Text(text) if is_mixed => Cow::Owned(Decoded::content(text).as_str().to_owned()),
            Token::Start(tag) => {
                let is_root = ["svg", "math"].contains(&tag.name);
                let is_void = VOID.iter().any(|name| tag.name.eq_ignore_ascii_case(name));
                foreign += usize::from(is_root && !tag.is_self_closing);
                if !tag.is_self_closing || is_root || is_void || foreign > 0 {
                    return;
                }
                let start = markup[range.clone()].trim_end_matches("/>");
                Cow::Owned(format!("{start}></{}>", tag.name))
            }
            Token::End("svg" | "math") => {
                foreign = foreign.saturating_sub(1);
                return;
            }
            _ => return,
        };
        html.push_str(&markup[done..range.start]);
        html.push_str(&text);
        done = range.end;
    });
    html.push_str(&markup[done..]);
    html
}

/// Reads the fragment once.
fn scan<'a>(
    html: &'a str,
    noscript_is_raw: bool,
    see: &mut dyn FnMut(&Token<'a>, Range<usize>),
) -> Option<Closing> {
    let mut tokens = Tokens::new(html);
    let mut open = Open::new(noscript_is_raw);
    // The end tag that raw text still waits for: a name, and whether a script's comment is open.
    let mut raw: Option<(&str, bool)> = None;
    let mut keep = html.len();
    let mut text = String::new();
    loop {
        let start = tokens.position();
        let Some(token) = tokens.next(open.is_foreign()) else {
            break;
        };
        see(&token, start..tokens.position());
        match token {
            Token::Start(tag) => {
                let content = match open.start(&tag) {
                    Ok(content) => content,
                    Err(TooDeep) => return None,
                };
                match content {
                    Content::Markup => {}
                    Content::Plaintext => return None,
                    Content::Raw => {
                        tokens.raw_text(tag.name);
                        raw = Some((tag.name, false));
                    }
                    Content::Script => raw = Some((tag.name, tokens.script_text().1)),
                }
            }
            Token::End(name) => {
                if raw.take().is_none() {
                    open.end(name);
                }
            }
            Token::Unfinished(unfinished) => {
                (keep, text) = finish(html, unfinished, raw.is_some());
            }
            Token::Text(_) | Token::Comment(_) | Token::Cdata(_) | Token::Bogus => {}
        }
    }
    if let Some((name, is_escaped)) = raw {
        let comment_end = if is_escaped { "-->" } else { "" };
        text.push_str(&format!("{comment_end}</{name}>"));
    }
    open.close_all(&mut text);
    let text = if text.is_empty() {
        Cow::Borrowed("")
    } else {
        Cow::Owned(text)
    };
    Some(Closing { keep, text })
}

/// How to end the token that the fragment ends in: what to keep, what to write.
fn finish(html: &str, unfinished: Unfinished, is_in_raw_text: bool) -> (usize, String) {
    match unfinished {
        Unfinished::Tag(start) if is_in_raw_text => (start, String::new()),
        Unfinished::Tag(start) => {
            // A `<` before the tag was text, and must not begin another one.
            let keep = html[..start].trim_end_matches('<').len();
            (keep, "&lt;".repeat(start - keep))
        }
        // These are text to a parser that finds nothing behind them.
        Unfinished::Opening(start) => (start, format!("&lt;{}", &html[start + 1..])),
        Unfinished::Comment => (html.len(), "-->".to_owned()),
        Unfinished::Bogus => (html.len(), ">".to_owned()),
        Unfinished::Cdata => (html.len(), "]]>".to_owned()),
    }
}

#[cfg(test)]
mod tests;
