//! The tags of a field with the positions of all their parts, for rules that change tags.
//!
//! Comments, declarations and raw text are passed over. A tag that never ends is none.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memmem};

use super::Markup;
use super::scan::{
    RawText, comment_end, element_name, raw_text_end, read_all_attributes, tag_name,
};
use super::unclosed::Ends;
use crate::feed::text::Edit;

/// How many attributes of one tag are listed.
const ATTRIBUTES_MAX: usize = 4_096;

/// A start or end tag.
#[derive(Debug)]
pub(in crate::rewrite) struct Tag<'h> {
    html: &'h str,
    /// The whole tag.
    pub(in crate::rewrite) range: Range<usize>,
    /// Its name without the prefix that it may have in XHTML, as written.
    pub(in crate::rewrite) name: &'h str,
    pub(in crate::rewrite) name_range: Range<usize>,
    pub(in crate::rewrite) is_end: bool,
    pub(in crate::rewrite) is_self_closed: bool,
    pub(in crate::rewrite) attributes: Vec<Attribute>,
    /// Whether it has more attributes than are listed.
    pub(in crate::rewrite) has_more: bool,
    /// Where its content ends, when that is raw text.
    pub(in crate::rewrite) raw_end: Option<usize>,
    /// Whether its content would be raw text, to browsers, if it were not left open or closed in
    /// its start tag; readers show what follows.
    pub(in crate::rewrite) is_open_raw: bool,
}

/// An attribute of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::rewrite) struct Attribute {
    pub(in crate::rewrite) name: Range<usize>,
    /// Its raw value without quotes.
    pub(in crate::rewrite) value: Option<Range<usize>>,
    /// From its name to behind its value's quote.
    pub(in crate::rewrite) whole: Range<usize>,
}

impl<'h> Tag<'h> {
    /// Whether it starts this element; `name` in lower case.
    pub(in crate::rewrite) fn starts(&self, name: &str) -> bool {
        !self.is_end && self.name.eq_ignore_ascii_case(name)
    }

    /// Whether it ends this element.
    pub(in crate::rewrite) fn ends(&self, name: &str) -> bool {
        self.is_end && self.name.eq_ignore_ascii_case(name)
    }

    /// The attribute of this name, which browsers take the first of.
    pub(in crate::rewrite) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes
            .iter()
            .find(|attribute| self.html[attribute.name.clone()].eq_ignore_ascii_case(name))
    }

    /// An attribute's name as written.
    pub(in crate::rewrite) fn name_of(&self, attribute: &Attribute) -> &'h str {
        &self.html[attribute.name.clone()]
    }

    /// An attribute's value, decoded; empty when it has none.
    pub(in crate::rewrite) fn value_of(&self, attribute: &Attribute) -> Cow<'h, str> {
        let raw = attribute
            .value
            .clone()
            .map_or("", |value| &self.html[value]);
        if raw.contains('&') {
            htmlize::unescape_attribute(raw)
        } else {
            Cow::Borrowed(raw)
        }
    }

    /// The value of the attribute of this name, decoded.
    pub(in crate::rewrite) fn value(&self, name: &str) -> Option<Cow<'h, str>> {
        self.attribute(name).map(|found| self.value_of(found))
    }

    /// The edit that gives an attribute this value: in place, or behind the last attribute.
    pub(in crate::rewrite) fn set(&self, name: &str, value: &str) -> Edit {
        match self.attribute(name) {
            Some(attribute) => self.set_value(attribute, value),
            None => {
                let at = self
                    .attributes
                    .last()
                    .map_or(self.name_range.end, |last| last.whole.end);
                Edit {
                    range: at..at,
                    text: format!(" {name}=\"{}\"", escape(value)),
                }
            }
        }
    }

    /// The edit that gives an attribute that is there this value, in quotes.
    pub(in crate::rewrite) fn set_value(&self, attribute: &Attribute, value: &str) -> Edit {
        let escaped = escape(value);
        let quote = attribute.value.clone().and_then(|range| {
            let before = self.html.as_bytes()[range.start - 1];
            matches!(before, b'"' | b'\'').then_some(range)
        });
        match (quote, attribute.value.clone()) {
            (Some(range), _) => Edit {
                range,
                text: escaped,
            },
            (None, Some(range)) => Edit {
                range,
                text: format!("\"{escaped}\""),
            },
            (None, None) => Edit {
                range: attribute.name.end..attribute.name.end,
                text: format!("=\"{escaped}\""),
            },
        }
    }

    /// The edit that takes an attribute away, with the white space before it.
    pub(in crate::rewrite) fn remove(&self, attribute: &Attribute) -> Edit {
        let before = &self.html[self.name_range.end..attribute.whole.start];
        let start = self.name_range.end + before.trim_end().len();
        Edit {
            range: start..attribute.whole.end,
            text: String::new(),
        }
    }
}

/// For any attribute's quotes, in HTML and XML.
pub(in crate::rewrite) fn escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for letter in value.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// The tags of `html` in document order.
pub(in crate::rewrite) fn tags(html: &str, markup: Markup) -> Tags<'_> {
    Tags {
        html,
        markup,
        at: 0,
        foreign: 0,
        ends: Ends::of(html.as_bytes()),
        open_comments: Vec::new(),
    }
}

/// Where comments start that nobody closed.
pub(in crate::rewrite) fn open_comments(html: &str) -> Vec<usize> {
    let mut tags = tags(html, Markup::Html);
    tags.by_ref().for_each(drop);
    tags.open_comments
}

/// Whether the text of a tag that may start one of these elements (names in lower case, or how
/// they start) is `meant`; a cheap look, in linear time.
pub(in crate::rewrite) fn any_tag(
    html: &str,
    names: &[&str],
    meant: impl Fn(&str) -> bool,
) -> bool {
    let bytes = html.as_bytes();
    let mut at = 0;
    while let Some(found) = memchr(b'<', &bytes[at..]) {
        let open = at + found;
        at = open + 1;
        let is_named = names.iter().any(|name| {
            bytes
                .get(at..at + name.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
        });
        if is_named {
            // Behind a tag that never ends there is none.
            let Some(end) = read_all_attributes(bytes, tag_name(bytes, at).end, |_, _| {}) else {
                return false;
            };
            if meant(&html[open + 1..end.at]) {
                return true;
            }
            at = end.at;
        }
    }
    false
}

/// See [`tags`].
pub(in crate::rewrite) struct Tags<'h> {
    html: &'h str,
    markup: Markup,
    at: usize,
    /// How many svg and math elements are open, in which there is no raw text.
    foreign: usize,
    ends: Ends,
    /// Where comments start that nobody closed.
    open_comments: Vec<usize>,
}

impl<'h> Iterator for Tags<'h> {
    type Item = Tag<'h>;

    fn next(&mut self) -> Option<Tag<'h>> {
        let bytes = self.html.as_bytes();
        loop {
            let open = self.at + memchr(b'<', bytes.get(self.at..)?)?;
            let is_end = bytes.get(open + 1) == Some(&b'/');
            match bytes.get(open + 1 + usize::from(is_end)) {
                Some(byte) if byte.is_ascii_alphabetic() => return self.tag(open, is_end),
                Some(b'!' | b'?') if !is_end => self.at = self.declaration_end(open)?,
                Some(_) if is_end => self.at = open + memchr(b'>', &bytes[open..])? + 1,
                Some(_) => self.at = open + 1,
                None => return None,
            }
        }
    }
}

impl<'h> Tags<'h> {
    fn tag(&mut self, open: usize, is_end: bool) -> Option<Tag<'h>> {
        let bytes = self.html.as_bytes();
        let name_range = tag_name(bytes, open + 1 + usize::from(is_end));
        let mut attributes = Vec::new();
        let mut has_more = false;
        let end = read_all_attributes(bytes, name_range.end, |name, value| {
            let end = value.as_ref().map_or(name.end, |value| {
                let is_quoted = matches!(bytes[value.start - 1], b'"' | b'\'');
                value.end + usize::from(is_quoted)
            });
            if attributes.len() == ATTRIBUTES_MAX {
                has_more = true;
                return;
            }
            attributes.push(Attribute {
                whole: name.start..end,
                name,
                value,
            });
        })?;
        let local = element_name(bytes, name_range.clone(), self.markup);
        let local_range = name_range.end - local.len()..name_range.end;
        self.at = end.at;
        let raw_end = self.raw_end((open, local), is_end, end.is_self_closed, &name_range);
        self.at = raw_end.unwrap_or(end.at);
        let is_open_raw = self.markup == Markup::Html
            && raw_end.is_none()
            && !is_end
            && self.foreign == 0
            && RawText::of(local).is_some();
        Some(Tag {
            html: self.html,
            range: open..end.at,
            name: &self.html[local_range],
            name_range,
            is_end,
            is_self_closed: end.is_self_closed,
            attributes,
            has_more,
            raw_end,
            is_open_raw,
        })
    }

    /// Where raw text ends that the tag just read starts, if it does.
    fn raw_end(
        &mut self,
        (open, local): (usize, &[u8]),
        is_end: bool,
        is_self_closed: bool,
        name: &Range<usize>,
    ) -> Option<usize> {
        if self.markup == Markup::Xhtml {
            return None;
        }
        let bytes = self.html.as_bytes();
        if [&b"svg"[..], b"math"]
            .iter()
            .any(|foreign| local.eq_ignore_ascii_case(foreign))
        {
            self.foreign = match (is_end, is_self_closed) {
                (true, _) => self.foreign.saturating_sub(1),
                (false, true) => self.foreign,
                (false, false) => self.foreign + 1,
            };
            return None;
        }
        if is_end || self.foreign > 0 {
            return None;
        }
        self.ends.raw_text(bytes, open)?;
        Some(raw_text_end(bytes, &bytes[name.clone()], self.at))
    }

    /// Behind the comment, CDATA section, doctype or instruction at `open`.
    fn declaration_end(&mut self, open: usize) -> Option<usize> {
        let bytes = self.html.as_bytes();
        let rest = &bytes[open..];
        let behind = |close: &[u8], from: usize| {
            memmem::find(&rest[from..], close).map(|at| open + from + at + close.len())
        };
        if rest.starts_with(b"<!--") {
            if self.markup == Markup::Html && !self.ends.has_comment_end(open) {
                self.open_comments.push(open);
                return Some(open + 4);
            }
            return comment_end(bytes, open);
        }
        let is_cdata =
            rest.starts_with(b"<![CDATA[") && (self.markup == Markup::Xhtml || self.foreign > 0);
        match (is_cdata, self.markup, rest[1]) {
            (true, ..) => behind(b"]]>", 0),
            (false, Markup::Xhtml, b'?') => behind(b"?>", 2),
            _ => behind(b">", 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewrite::compose::apply;

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

    #[test]
    fn attributes_are_set_and_removed() {
        let check = |html: &str, name: &str, value: Option<&str>, expected: &str| {
            let tag = tags(html, Markup::Html).next().unwrap();
            let edit = match value {
                Some(value) => tag.set(name, value),
                None => tag.remove(tag.attribute(name).unwrap()),
            };
            assert_eq!(apply(html, &[edit]), expected);
        };
        check("<img src=a>", "src", Some("b\"c"), "<img src=\"b&quot;c\">");
        check("<img src='a' />", "src", Some("b"), "<img src='b' />");
        check("<img src alt>", "src", Some("b"), "<img src=\"b\" alt>");
        check("<img src=>", "src", Some("b"), "<img src=\"b\">");
        check(
            "<img src=\"a\"/>",
            "width",
            Some("100%"),
            "<img src=\"a\" width=\"100%\"/>",
        );
        check("<img>", "src", Some("b"), "<img src=\"b\">");
        check("<img  a=1\n b='2' c>", "b", None, "<img  a=1 c>");
    }
}
