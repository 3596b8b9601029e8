//! An HTML fragment as well-formed XHTML: what a header or footer needs inside Atom's `type="xhtml"`.
//!
//! Invariant: whatever comes in, what goes out stands inside an XML element without breaking it: every
//! element closed, every attribute once and quoted, only the five references of XML, no prefixed name
//! (nobody declared the prefix), no character that XML 1.0 forbids.

use std::borrow::Cow;

use crate::feed::characters::is_allowed;
use crate::html::tag::Tag;
use crate::html::walk::{Token, Walk, tags};
use crate::html::{Markup, Name, VOID, is_implied_end};

/// The name of XHTML's namespace.
pub(super) const NAMESPACE: &str = "http://www.w3.org/1999/xhtml";

/// The most elements that may be open at once; tags of deeper elements are left out.
const DEPTH_MAX: usize = 256;

/// Elements whose raw text has character references.
const WITH_REFERENCES: &[&str] = &["textarea", "title"];

/// Writes an HTML fragment as XHTML. Pure text and markup that is XHTML already come out the same, but
/// for the spelling of references and tags.
#[must_use]
pub(super) fn well_formed(html: &str) -> String {
    let mut out = String::with_capacity(html.len() + html.len() / 8);
    let mut open: Vec<String> = Vec::new();
    let mut walk = Walk::of_reader(html, Markup::Html);
    let mut tag = Tag::default();
    while let Some(token) = walk.token(&mut tag) {
        match token {
            Token::Text(text) => push_escaped(&htmlize::unescape(text), &mut out),
            Token::Cdata(text) => push_escaped(text, &mut out),
            Token::Comment(text) => push_comment(text, &mut out),
            Token::Tag if tag.is_end => close(&tag.name.to_ascii_lowercase(), &mut open, &mut out),
            Token::Tag => push_element(html, &tag, &mut open, &mut out),
            Token::Dropped | Token::Unfinished => {}
        }
    }
    while let Some(name) = open.pop() {
        push_end(&name, &mut out);
    }
    out
}

/// Whether inline markup is XML as far as tags go: every element is closed in its order, every
/// attribute has a value in quotes, and no `<` stands for itself.
#[must_use]
pub(super) fn is_well_formed(markup: &str) -> bool {
    let mut is_fine = true;
    let mut open: Vec<&str> = Vec::new();
    let mut walk = Walk::of_reader(markup, Markup::Xhtml);
    let mut tag = Tag::default();
    while let Some(token) = walk.token(&mut tag) {
        is_fine &= match token {
            Token::Text(text) => !text.contains('<'),
            Token::Tag if tag.is_end => open.pop() == Some(tag.full_name()),
            Token::Tag => {
                if !tag.is_self_closed {
                    open.push(tag.full_name());
                }
                !markup[walk.range()][1..].contains('<')
            }
            Token::Unfinished => false,
            _ => true,
        };
    }
    let is_name = |name: &str| {
        name.split(':')
            .all(|part| is_xml_name(part) || !part.is_ascii())
    };
    is_fine
        && open.is_empty()
        && tags(markup, Markup::Xhtml).all(|tag| {
            let is_quoted = |value: &std::ops::Range<usize>| {
                matches!(markup.as_bytes()[value.start - 1], b'"' | b'\'')
            };
            is_name(tag.name)
                && tag.attributes.iter().all(|attribute| {
                    attribute.value().as_ref().is_some_and(is_quoted) && is_name(attribute.name)
                })
        })
}

/// Whether `markup` is one `div` and nothing else.
pub(super) fn is_one_div(markup: &str) -> bool {
    let is_empty = || {
        let mut tags = tags(markup.trim(), Markup::Xhtml);
        tags.next().is_some_and(|tag| {
            tag.starts("div") && tag.is_self_closed && tag.range == (0..markup.trim().len())
        })
    };
    one_element(markup, "div").is_some() || is_empty()
}

/// Where the content stands of the one element around `markup`, whose name without a prefix is
/// `local`; comments and blanks may stand around it.
pub(super) fn one_element(markup: &str, local: &str) -> Option<(usize, usize)> {
    let (mut start, mut end) = (None, None);
    let (mut depth, mut is_one) = (0_usize, true);
    let mut walk = Walk::of_reader(markup, Markup::Xhtml);
    let mut tag = Tag::default();
    while let Some(token) = walk.token(&mut tag) {
        match token {
            Token::Comment(_) | Token::Unfinished => {}
            Token::Text(text) if text.trim().is_empty() => {}
            Token::Tag if tag.is_end => {
                is_one &= depth > 0;
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    end = Some(walk.range().start);
                }
            }
            Token::Tag if depth == 0 => {
                is_one &= tag.name == local && start.is_none() && !tag.is_self_closed;
                start = Some(walk.range().end);
                depth = 1;
            }
            Token::Tag => depth += usize::from(!tag.is_self_closed),
            _ => is_one &= depth > 0,
        }
    }
    is_one.then_some((start?, end?)).filter(|_| depth == 0)
}

/// Writes a start tag, and raw text with it.
fn push_element(html: &str, tag: &Tag<'_>, open: &mut Vec<String>, out: &mut String) {
    let name = tag.name.to_ascii_lowercase();
    if !is_xml_name(&name) || open.len() >= DEPTH_MAX {
        return;
    }
    while let Some(top) = open.last()
        && is_implied_end(Name::of(top), tag.id)
    {
        close(&top.clone(), open, out);
    }
    push_start(&name, tag, out);
    // `/>` closes what is svg or math, and HTML ignores it.
    if VOID.contains(&name.as_str()) || (tag.is_self_closed && tag.is_foreign) {
        out.push_str("/>");
        return;
    }
    out.push('>');
    if let Some(end) = tag.raw_end {
        let text = &html[tag.range.end..end];
        let text = match WITH_REFERENCES.contains(&name.as_str()) {
            true => htmlize::unescape(text),
            false => Cow::Borrowed(text),
        };
        push_escaped(&text, out);
    }
    open.push(name);
}

/// Closes `name` and what is open inside; an end tag without its start is left out.
fn close(name: &str, open: &mut Vec<String>, out: &mut String) {
    let Some(at) = open.iter().rposition(|one| one == name) else {
        return;
    };
    for inner in open.drain(at..).rev() {
        push_end(&inner, out);
    }
}

fn push_end(name: &str, out: &mut String) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// `<name a="b"`, without the end of the tag.
fn push_start(name: &str, tag: &Tag<'_>, out: &mut String) {
    out.push('<');
    out.push_str(name);
    let mut written: Vec<String> = Vec::new();
    for one in &tag.attributes {
        let attribute = one.name.to_ascii_lowercase();
        let is_language = attribute == "xml:lang";
        if !(is_language || is_xml_name(&attribute)) || written.contains(&attribute) {
            continue;
        }
        out.push(' ');
        out.push_str(&attribute);
        out.push_str("=\"");
        // `<input disabled>` is `disabled="disabled"` in XHTML 1.0 §4.5; `alt` alone is the empty text.
        match one.value() {
            Some(_) => push_attribute(&tag.value_of(one), out),
            None if attribute == "alt" => {}
            None => out.push_str(&attribute),
        }
        out.push('"');
        written.push(attribute);
    }
}

/// A name without a prefix, of plain characters, that XML allows.
fn is_xml_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let is_start = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    bytes.next().is_some_and(is_start)
        && bytes.all(|byte| is_start(byte) || byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))
}

fn push_escaped(text: &str, out: &mut String) {
    for c in text.chars().filter(|c| is_allowed(*c)) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            _ => out.push(c),
        }
    }
}

/// Like text; line breaks and tabs would be read as blanks (XML §3.3.3).
fn push_attribute(text: &str, out: &mut String) {
    for c in text.chars().filter(|c| is_allowed(*c)) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\t' => out.push_str("&#9;"),
            _ => out.push(c),
        }
    }
}

/// A comment: XML allows neither `--` inside nor `-` at its end.
fn push_comment(text: &str, out: &mut String) {
    out.push_str("<!--");
    let mut last = ' ';
    for c in text.chars().filter(|c| is_allowed(*c)) {
        if c == '-' && last == '-' {
            out.push(' ');
        }
        out.push(c);
        last = c;
    }
    if last == '-' {
        out.push(' ');
    }
    out.push_str("-->");
}

#[cfg(test)]
mod tests;
