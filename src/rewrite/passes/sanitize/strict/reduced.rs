//! What a walk over the tokens of a field can keep safe, for fields that are too complex for a tree.
//!
//! Invariants: only tags of the strict list come out, each closed in its order, with attributes of the
//! list; nothing that changes how a tokenizer reads on (raw text, svg, math, comments). So, whatever a
//! browser builds of it, every element it creates is one of these tags. It is idempotent. Time and memory
//! grow with the bytes of the field.

use super::is_value;
use super::list::{self, Listed, listed};
use crate::feed::characters::escape;
use crate::html::Markup;
use crate::html::tag::Tag;
use crate::html::walk::{Token, Walk};
use crate::html::{Name, is_foreign_root, is_implied_end};

/// The most elements that may be open at once; tags of deeper ones are left out.
const DEPTH_MAX: usize = 100;

/// Elements whose text is no text of the field's.
const CODE: &[&str] = &["script", "style", "iframe"];
/// Those whose raw text has references.
const TEXTS: &[&str] = &["title", "textarea"];
/// Attributes that hold one URL.
const URL_ATTRIBUTES: &[&str] = &["href", "src", "poster", "cite"];
/// The schemes that one may have.
const SCHEMES: &[&str] = &["http", "https", "mailto"];

/// `html` with nothing in it but tags of the list, read one by one.
pub(super) fn reduce(html: &str, markup: Markup) -> String {
    let mut writer = Writer {
        out: String::with_capacity(html.len()),
        open: Vec::new(),
        counts: vec![0; list::length()],
    };
    let mut walk = Walk::of_reader(html, markup);
    let mut tag = Tag::default();
    while let Some(token) = walk.token(&mut tag) {
        match token {
            Token::Text(text) => writer.text(&htmlize::unescape(text)),
            Token::Cdata(text) => writer.text(text),
            Token::Tag if is_foreign_root(tag.id) && markup == Markup::Html => {}
            Token::Tag if tag.is_end => writer.end(tag.id),
            Token::Tag => {
                writer.start(&tag);
                if tag.is_self_closed && markup == Markup::Xhtml {
                    writer.end(tag.id);
                }
                raw_text(html, &tag, &mut writer);
            }
            Token::Comment(_) | Token::Dropped | Token::Unfinished => {}
        }
    }
    writer.finish()
}

/// Writes the raw text that a start tag begins, where that is text of the field's.
fn raw_text(html: &str, tag: &Tag<'_>, writer: &mut Writer) {
    let is = |name: &&str| tag.starts(name);
    let Some(end) = tag.raw_end.filter(|_| !CODE.iter().any(is)) else {
        return;
    };
    let text = &html[tag.range.end..end];
    let has_references = TEXTS.iter().any(is);
    if has_references {
        writer.text(&htmlize::unescape(text));
    } else {
        writer.text(text);
    }
}

struct Writer {
    out: String,
    open: Vec<&'static Listed>,
    /// How often each element is open.
    counts: Vec<usize>,
}

impl Writer {
    fn start(&mut self, tag: &Tag<'_>) {
        let Some(element) = listed(tag.id) else {
            return;
        };
        while let Some(top) = self.open.last()
            && is_implied_end(Name::of(top.name), tag.id)
        {
            self.close_last();
        }
        // What a frame holds is shown by nobody, and read in different ways.
        let is_frame = element.name == "iframe";
        if self.open.len() >= DEPTH_MAX && !element.is_void && !is_frame {
            return;
        }
        self.out.push('<');
        self.out.push_str(element.name);
        self.attributes(element, tag);
        if element.is_void {
            self.out.push_str("/>");
            return;
        }
        self.out.push('>');
        if is_frame {
            self.out.push_str("</iframe>");
            return;
        }
        self.counts[element.index] += 1;
        self.open.push(element);
    }

    /// SECURITY: every attribute is written anew, in quotes, once.
    fn attributes(&mut self, element: &Listed, tag: &Tag<'_>) {
        let mut written: Vec<&'static str> = Vec::new();
        for attribute in &tag.attributes {
            let Some(name) = element.attribute(attribute.id) else {
                continue;
            };
            if written.contains(&name) {
                continue;
            }
            written.push(name);
            let value = tag.value_of(attribute);
            let is_safe = !URL_ATTRIBUTES.contains(&name) || is_safe_url(&value);
            if is_safe && is_value(element.name, name, &value) {
                self.out.push(' ');
                self.out.push_str(name);
                self.out.push_str("=\"");
                escape(&value, &mut self.out);
                self.out.push('"');
            }
        }
    }

    fn end(&mut self, id: Name) {
        let Some(element) = listed(id).filter(|element| self.counts[element.index] > 0) else {
            return;
        };
        while let Some(last) = self.close_last() {
            if last == element.index {
                return;
            }
        }
    }

    fn close_last(&mut self) -> Option<usize> {
        let element = self.open.pop()?;
        self.counts[element.index] -= 1;
        self.out.push_str("</");
        self.out.push_str(element.name);
        self.out.push('>');
        Some(element.index)
    }

    fn text(&mut self, text: &str) {
        escape(text, &mut self.out);
    }

    fn finish(mut self) -> String {
        while self.close_last().is_some() {}
        self.out
    }
}

/// Whether an address leads to a web page, a file on the web or a mailbox, whoever reads it.
fn is_safe_url(value: &str) -> bool {
    let value = value.trim_start_matches(|letter: char| letter <= ' ');
    let head = &value[..value.find(['/', '?', '#']).unwrap_or(value.len())];
    match head.split_once(':') {
        Some((scheme, _)) => SCHEMES
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known)),
        None => true,
    }
}
