//! One start tag as it is written in the wild: its name and its attributes, as spans.
//!
//! Invariant: reading is lenient and never fails: unquoted values, values that are missing and
//! attributes that stand twice are all given as they are.

use std::ops::Range;

/// How many attributes of one tag are read.
const ATTRIBUTES_MAX: usize = 256;

/// A start tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag<'a> {
    raw: &'a str,
    name: &'a str,
}

/// One attribute of a [`Tag`]; ranges are byte offsets in the tag's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// With its prefix, as written.
    pub name: &'a str,
    /// As written, entities undecoded, without the quotes.
    pub value: &'a str,
    /// Where `value` stands.
    pub span: Range<usize>,
    /// Where the whole of `name="value"` stands.
    pub whole: Range<usize>,
    /// `None` when the value stands without quotes, or there is no value.
    pub quote: Option<char>,
}

impl<'a> Tag<'a> {
    /// Reads `<name …>` or `<name …/>`; `None` when `raw` is no start tag.
    pub fn parse(raw: &'a str) -> Option<Self> {
        let rest = raw.strip_prefix('<')?;
        if !is_name_start(*rest.as_bytes().first()?) {
            return None;
        }
        let end = rest.bytes().position(ends_name).unwrap_or(rest.len());
        Some(Self {
            raw,
            name: &rest[..end],
        })
    }

    /// The element's name with its prefix, as written.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The tag as it is in the document.
    pub fn raw(&self) -> &'a str {
        self.raw
    }

    /// Whether the tag closes itself: `<name/>`.
    pub fn is_empty_element(&self) -> bool {
        self.raw.ends_with("/>")
    }

    /// The attributes in the order they are written, at most 256.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        self.all_attributes().take(ATTRIBUTES_MAX)
    }

    /// All of them, for whom none may escape.
    pub(crate) fn all_attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let body = self.raw.strip_suffix('>').unwrap_or(self.raw);
        let body = body.strip_suffix('/').unwrap_or(body);
        Attributes {
            body,
            at: 1 + self.name.len(),
        }
    }

    /// The attribute called `name` (with its prefix; case is ignored when no exact one is there).
    pub fn attribute(&self, name: &str) -> Option<Attribute<'a>> {
        self.attributes().find(|one| one.name == name).or_else(|| {
            self.attributes()
                .find(|one| one.name.eq_ignore_ascii_case(name))
        })
    }
}

/// The name in an end tag `</name >`.
pub(crate) fn end_tag_name(raw: &str) -> &str {
    let rest = raw.strip_prefix("</").unwrap_or(raw);
    let end = rest.bytes().position(ends_name).unwrap_or(rest.len());
    &rest[..end]
}

/// Whether a name can start with `byte`: what makes `<a` markup and `< 2` text.
pub(super) fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte == b':' || !byte.is_ascii()
}

fn ends_name(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>' | b'=' | b'<')
}

struct Attributes<'a> {
    /// The tag without what closes it.
    body: &'a str,
    at: usize,
}

impl Attributes<'_> {
    /// Moves on to the first byte that `is_end` accepts.
    fn skip_until(&mut self, is_end: impl Fn(u8) -> bool) {
        let rest = &self.body.as_bytes()[self.at..];
        self.at += rest
            .iter()
            .position(|byte| is_end(*byte))
            .unwrap_or(rest.len());
    }

    /// Reads what stands after `=`: the range of the value and its quote.
    fn read_value(&mut self) -> (Range<usize>, Option<char>) {
        self.skip_until(|byte| !byte.is_ascii_whitespace());
        let quote = match self.body.as_bytes().get(self.at) {
            Some(b'"') => '"',
            Some(b'\'') => '\'',
            _ => {
                let start = self.at;
                self.skip_until(|byte| byte.is_ascii_whitespace());
                return (start..self.at, None);
            }
        };
        let start = self.at + 1;
        self.at = start;
        self.skip_until(|byte| byte == quote as u8);
        let span = start..self.at;
        self.at = self.body.len().min(self.at + 1);
        (span, Some(quote))
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        self.skip_until(|byte| !byte.is_ascii_whitespace() && byte != b'/' && byte != b'=');
        let start = self.at;
        self.skip_until(ends_name);
        let name_end = self.at;
        if name_end == start {
            return None;
        }
        self.skip_until(|byte| !byte.is_ascii_whitespace());
        let (span, quote) = if self.body.as_bytes().get(self.at) == Some(&b'=') {
            self.at += 1;
            self.read_value()
        } else {
            self.at = name_end;
            (name_end..name_end, None)
        };
        Some(Attribute {
            name: &self.body[start..name_end],
            value: &self.body[span.clone()],
            span,
            whole: start..self.at,
            quote,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, name: &str, expected: &[(&str, &str, &str)]) {
        let tag = Tag::parse(raw).unwrap();
        assert_eq!(tag.name(), name, "{raw}");
        let found: Vec<_> = tag.attributes().collect();
        let seen: Vec<_> = found
            .iter()
            .map(|one| (one.name, one.value, &raw[one.whole.clone()]))
            .collect();
        assert_eq!(seen, expected, "{raw}");
        for one in found {
            assert_eq!(one.value, &raw[one.span], "{raw}");
        }
    }

    #[test]
    fn attributes_are_found_however_they_are_written() {
        check("<item>", "item", &[]);
        check("<a:b/>", "a:b", &[]);
        check(
            r#"<m:c url="a&amp;b" x='1' />"#,
            "m:c",
            &[("url", "a&amp;b", r#"url="a&amp;b""#), ("x", "1", "x='1'")],
        );
        check(
            "<a\n href = \"é>\"\tb>",
            "a",
            &[("href", "é>", "href = \"é>\""), ("b", "", "b")],
        );
        check(
            "<a href=http://x/y?z=1 c=d/>",
            "a",
            &[
                ("href", "http://x/y?z=1", "href=http://x/y?z=1"),
                ("c", "d", "c=d"),
            ],
        );
        check(
            "<a x=\"1\"y=''>",
            "a",
            &[("x", "1", "x=\"1\""), ("y", "", "y=''")],
        );
        check("<a x=\"open>", "a", &[("x", "open", "x=\"open")]);
        check("<a = / x=>", "a", &[("x", "", "x=")]);
    }

    #[test]
    fn only_start_tags_are_tags() {
        for raw in ["", "<", "< a>", "</a>", "<!a>", "<?a?>", "a", "<1>"] {
            assert_eq!(Tag::parse(raw), None, "{raw}");
        }
    }

    #[test]
    fn an_exact_name_comes_before_another_case() {
        let tag = Tag::parse("<A HREF='1' href='2' Rel='3'>").unwrap();
        assert_eq!(tag.attribute("href").unwrap().value, "2");
        assert_eq!(tag.attribute("rel").unwrap().value, "3");
        assert_eq!(tag.attribute("re"), None);
    }

    #[test]
    fn attributes_are_bounded() {
        let raw = format!("<a{}>", " x='1'".repeat(80_000));
        assert_eq!(
            Tag::parse(&raw).unwrap().attributes().count(),
            ATTRIBUTES_MAX
        );
    }
}
