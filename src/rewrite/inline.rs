//! Inline markup: tags in a feed's XML where its HTML is usually escaped.

use std::borrow::Cow;

use crate::feed::text::Decoded;
use crate::html::escape::ANY_QUOTES;
use crate::html::tag::Tag;
use crate::html::walk::{Token, Walk, tags};
use crate::html::{Markup, VOID, is_foreign_root};

/// Whether a start tag is in inline markup.
pub(super) fn holds_tags(markup: &str) -> bool {
    tags(markup, Markup::Xhtml).any(|tag| !tag.is_end)
}

/// The text of inline markup, decoded: what readers see that take an element's text alone.
pub(super) fn text(markup: &str) -> String {
    let mut text = String::new();
    let mut walk = Walk::of_reader(markup, Markup::Xhtml);
    let mut tag = Tag::default();
    while let Some(token) = walk.token(&mut tag) {
        match token {
            Token::Text(part) => text.push_str(Decoded::content(part).as_str()),
            Token::Cdata(part) => text.push_str(part),
            _ => {}
        }
    }
    text
}

/// Inline markup as HTML: what is in CDATA sections is text, and elements that end in their
/// start tags have end tags, unless HTML has none for them.
pub(super) fn as_html(markup: &str) -> String {
    to_html(markup, false)
}

/// A field in which escaped HTML stands beside tags, as the HTML that readers make of both; `None`
/// where its text holds no tags.
pub(super) fn mixed_as_html(markup: &str) -> Option<String> {
    let text = text(markup);
    let holds_tags = tags(&text, Markup::Html).next().is_some();
    holds_tags.then(|| to_html(markup, true))
}

fn to_html(markup: &str, is_mixed: bool) -> String {
    let mut html = String::with_capacity(markup.len());
    let mut done = 0;
    let mut foreign = 0_usize;
    let mut walk = Walk::of_reader(markup, Markup::Xhtml);
    let mut tag = Tag::default();
    while let Some(token) = walk.token(&mut tag) {
        let text: Cow<'_, str> = match token {
            Token::Cdata(text) if is_mixed => Cow::Borrowed(text),
            Token::Cdata(text) => Cow::Owned(ANY_QUOTES.write(text)),
            Token::Text(text) if is_mixed => Cow::Owned(Decoded::content(text).as_str().to_owned()),
            Token::Tag if tag.is_end => {
                let is_root = is_foreign_root(tag.id);
                foreign = foreign.saturating_sub(usize::from(is_root));
                continue;
            }
            Token::Tag => {
                let is_root = is_foreign_root(tag.id);
                let is_void = VOID.iter().any(|name| tag.starts(name));
                foreign += usize::from(is_root && !tag.is_self_closed);
                if !tag.is_self_closed || is_root || is_void || foreign > 0 {
                    continue;
                }
                let start = markup[walk.range()].trim_end_matches("/>");
                Cow::Owned(format!("{start}></{}>", tag.full_name()))
            }
            _ => continue,
        };
        let range = walk.range();
        html.push_str(&markup[done..range.start]);
        html.push_str(&text);
        done = range.end;
    }
    html.push_str(&markup[done..]);
    html
}
