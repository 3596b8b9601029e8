//! The one walk over a field: its tags in document order, by the HTML standard's tokenizer states
//! (§13.2.5), or as an XML parser reads inline XHTML.
//!
//! Comments, declarations and raw text are passed over. A tag that never ends is none.

use std::ops::Range;

use memchr::{memchr, memmem};

use super::Markup;
use super::svg;
use super::syntax::{
    RawText, comment_end, element_name, raw_text_end, read_all_attributes, tag_name,
};
use super::tag::{Attribute, Tag};
use super::unclosed::Ends;

/// How many attributes of one tag are listed.
pub(super) const ATTRIBUTES_MAX: usize = 4_096;

/// Reads the tags of a field, one at a time.
#[derive(Debug)]
pub(in crate::rewrite) struct Walk<'h> {
    html: &'h str,
    markup: Markup,
    at: usize,
    /// How many svg and math elements are open, in which there is no raw text.
    foreign: usize,
    /// Whether there was any.
    was_foreign: bool,
    /// Found when first needed.
    ends: Option<Ends>,
    /// Where comments start that nobody closed.
    open_comments: Vec<usize>,
    /// Whether drawings without pictures are passed over as one.
    skips_drawings: bool,
    /// See [`is_plain`](Self::is_plain).
    is_plain: bool,
    /// See [`needs_parser`](Self::needs_parser).
    needs_parser: bool,
}

impl<'h> Walk<'h> {
    /// A walk over all of a field.
    pub(in crate::rewrite) fn new(html: &'h str, markup: Markup) -> Self {
        Self {
            html,
            markup,
            at: 0,
            foreign: 0,
            was_foreign: false,
            ends: None,
            open_comments: Vec::new(),
            skips_drawings: false,
            is_plain: markup == Markup::Html,
            needs_parser: false,
        }
    }

    /// The same without what is in drawings that hold nothing but shapes and text.
    pub(in crate::rewrite) fn without_drawings(html: &'h str, markup: Markup) -> Self {
        Self {
            skips_drawings: true,
            ..Self::new(html, markup)
        }
    }

    /// Reads the next tag into `tag`; whether there was one.
    pub(in crate::rewrite) fn read(&mut self, tag: &mut Tag<'h>) -> bool {
        self.advance(tag).is_some()
    }

    /// Whether every `<` so far began an ordinary tag that ends: no raw text, no declaration, no
    /// drawing. Every parser reads such a field in the same way.
    pub(in crate::rewrite) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Whether something so far is only known to a parser: what raw text in drawings and formulas
    /// means, and scripts that hide comments; attributes that are not listed.
    pub(in crate::rewrite) fn needs_parser(&self) -> bool {
        self.needs_parser
    }

    fn advance(&mut self, tag: &mut Tag<'h>) -> Option<()> {
        let bytes = self.html.as_bytes();
        loop {
            let open = self.at + memchr(b'<', bytes.get(self.at..)?)?;
            let is_end = bytes.get(open + 1) == Some(&b'/');
            match bytes.get(open + 1 + usize::from(is_end)) {
                Some(byte) if byte.is_ascii_alphabetic() => {
                    let is_read = self.tag(open, is_end, tag);
                    self.is_plain &= is_read.is_some();
                    return is_read;
                }
                Some(b'!' | b'?') if !is_end => {
                    self.is_plain = false;
                    self.at = self.declaration_end(open)?;
                }
                Some(_) if is_end => {
                    self.is_plain = false;
                    self.at = open + memchr(b'>', &bytes[open..])? + 1;
                }
                Some(_) => {
                    self.is_plain = false;
                    self.at = open + 1;
                }
                None => {
                    self.is_plain = false;
                    return None;
                }
            }
        }
    }

    fn tag(&mut self, open: usize, is_end: bool, tag: &mut Tag<'h>) -> Option<()> {
        let html = self.html;
        let bytes = html.as_bytes();
        let name_range = tag_name(bytes, open + 1 + usize::from(is_end));
        let attributes = &mut tag.attributes;
        attributes.clear();
        tag.has_more = false;
        let has_more = &mut tag.has_more;
        let end = read_all_attributes(bytes, name_range.end, |name, value| {
            let end = value.as_ref().map_or(name.end, |value| {
                let is_quoted = matches!(bytes[value.start - 1], b'"' | b'\'');
                value.end + usize::from(is_quoted)
            });
            if attributes.len() == ATTRIBUTES_MAX {
                *has_more = true;
                return;
            }
            let whole = name.start..end;
            attributes.push(Attribute::new(&html[name], value, whole));
        })?;
        self.needs_parser |= tag.has_more;
        let local = element_name(bytes, name_range.clone(), self.markup);
        let local_start = name_range.end - local.len();
        tag.html = html;
        tag.range = open..end.at;
        tag.name = &html[local_start..name_range.end];
        tag.name_range = name_range;
        tag.is_end = is_end;
        tag.is_self_closed = end.is_self_closed;
        tag.is_gone = false;
        self.at = end.at;
        let raw_text = RawText::of(local).filter(|_| self.markup == Markup::Html);
        tag.raw_end = self.raw_end(tag, raw_text);
        tag.is_open_raw =
            raw_text.is_some() && tag.raw_end.is_none() && !is_end && self.foreign == 0;
        Some(())
    }

    /// Where raw text ends that the tag just read starts, if it does; reading goes on there.
    fn raw_end(&mut self, tag: &Tag<'h>, raw_text: Option<RawText>) -> Option<usize> {
        if self.markup == Markup::Xhtml {
            return None;
        }
        if raw_text.is_none() {
            self.is_plain &= !tag.name.eq_ignore_ascii_case("noscript");
            if matches!(tag.name.len(), 3 | 4) {
                self.enter_foreign(tag);
            }
            return None;
        }
        self.is_plain = false;
        if tag.is_end {
            return None;
        }
        self.needs_parser |= self.was_foreign;
        if self.foreign > 0 {
            return None;
        }
        let bytes = self.html.as_bytes();
        let ends = self.ends.get_or_insert_with(|| Ends::of(bytes));
        ends.raw_text(bytes, tag.range.start)?;
        let end = raw_text_end(bytes, &bytes[tag.name_range.clone()], self.at);
        self.needs_parser |= raw_text == Some(RawText::Script)
            && memmem::find(&bytes[self.at..end], b"<!--").is_some();
        self.at = end;
        Some(end)
    }

    /// Takes note of svg and math.
    fn enter_foreign(&mut self, tag: &Tag<'h>) {
        let is_svg = tag.name.eq_ignore_ascii_case("svg");
        if !is_svg && !tag.name.eq_ignore_ascii_case("math") {
            return;
        }
        self.is_plain = false;
        if tag.is_end {
            self.foreign = self.foreign.saturating_sub(1);
            return;
        }
        if is_svg
            && self.skips_drawings
            && !tag.is_self_closed
            && !self.was_foreign
            && let Some(end) = svg::plain_end(self.html.as_bytes(), self.at)
        {
            self.at = end;
            return;
        }
        self.was_foreign = true;
        self.foreign += usize::from(!tag.is_self_closed);
    }

    /// Behind the comment, CDATA section, doctype or instruction at `open`.
    fn declaration_end(&mut self, open: usize) -> Option<usize> {
        let bytes = self.html.as_bytes();
        let rest = &bytes[open..];
        let behind = |close: &[u8], from: usize| {
            memmem::find(&rest[from..], close).map(|at| open + from + at + close.len())
        };
        if rest.starts_with(b"<!--") {
            let ends = self.ends.get_or_insert_with(|| Ends::of(bytes));
            if self.markup == Markup::Html && !ends.has_comment_end(open) {
                self.open_comments.push(open);
                return Some(open + 4);
            }
            return comment_end(bytes, open);
        }
        let is_cdata = rest.starts_with(b"<![CDATA[");
        self.needs_parser |= is_cdata && self.was_foreign;
        let is_section = is_cdata && (self.markup == Markup::Xhtml || self.foreign > 0);
        match (is_section, self.markup, rest[1]) {
            (true, ..) => behind(b"]]>", 0),
            (false, Markup::Xhtml, b'?') => behind(b"?>", 2),
            _ => behind(b">", 2),
        }
    }
}

/// The tags of `html` in document order, each a value of its own.
pub(in crate::rewrite) fn tags(html: &str, markup: Markup) -> Tags<'_> {
    Tags(Walk::new(html, markup))
}

/// See [`tags`].
pub(in crate::rewrite) struct Tags<'h>(Walk<'h>);

impl<'h> Iterator for Tags<'h> {
    type Item = Tag<'h>;

    fn next(&mut self) -> Option<Tag<'h>> {
        let mut tag = Tag::default();
        self.0.read(&mut tag).then_some(tag)
    }
}

/// Where comments start that nobody closed.
pub(in crate::rewrite) fn open_comments(html: &str) -> Vec<usize> {
    let mut walk = Walk::new(html, Markup::Html);
    let mut tag = Tag::default();
    while walk.read(&mut tag) {}
    walk.open_comments
}

/// The end tag that stands at `at`: its local name, and where it ends.
pub(in crate::rewrite) fn end_tag_at(
    html: &str,
    at: usize,
    markup: Markup,
) -> Option<(&str, Range<usize>)> {
    if !html[at..].starts_with("</") {
        return None;
    }
    let mut walk = Walk::new(&html[at..], markup);
    let mut tag = Tag::default();
    let is_there = walk.read(&mut tag) && tag.range.start == 0 && tag.is_end;
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
