//! Internal entities of an XML document (XML 1.0 §4), put in where they stand, and its DOCTYPE left
//! out: drawing programs name their namespaces so.
//!
//! Invariant: SECURITY: what entities put in, and the work of that, is bounded in bytes, whatever
//! refers to whatever.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::images::processing::error::ProcessingError;
use crate::images::xml::{self, Next};

/// Entities within entities.
const DEPTH_MAX: usize = 16;
/// Bytes of a reference to a character.
const CHARACTER_BYTES_MAX: usize = 12;
/// The five that every document has.
const PREDEFINED: [&str; 5] = ["amp", "lt", "gt", "quot", "apos"];

/// The document without entities of its own: no longer than `bytes_max`.
pub(super) fn expand(text: &str, bytes_max: usize) -> Result<Cow<'_, str>, ProcessingError> {
    let mut rest = text;
    loop {
        let (next, behind) = xml::next(rest);
        match next {
            Next::Nothing => rest = behind,
            Next::Doctype(doctype) => {
                let entities = declared(doctype.subset);
                let mut expansion = Expansion {
                    entities: &entities,
                    made: String::with_capacity(behind.len()),
                    // All that is read, of the document and of entities.
                    bytes_left: bytes_max,
                };
                expansion
                    .content(behind, 0)
                    .ok_or(ProcessingError::Unreadable)?;
                return Ok(expansion.made.into());
            }
            _ => return Ok(rest.into()),
        }
    }
}

/// The general entities that an internal subset gives a text. The first declaration of a name counts;
/// those that lie elsewhere are empty.
fn declared(subset: &str) -> HashMap<&str, Cow<'_, str>> {
    let mut entities = HashMap::new();
    let mut rest = subset;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        let end = if let Some(comment) = rest.strip_prefix("<!--") {
            comment.find("-->").map(|at| at + 7)
        } else if rest.starts_with("<?") {
            rest.find("?>").map(|at| at + 2)
        } else {
            let found = declaration(rest);
            if let Some((name, text, _)) = found {
                entities.entry(name).or_insert_with(|| characters(text));
            }
            found.map(|(_, _, end)| end).or(Some(1))
        };
        match end {
            Some(end) => rest = &rest[end..],
            None => break,
        }
    }
    entities
}

/// Name and text of a declaration that a text starts with, and where its text ends.
fn declaration(text: &str) -> Option<(&str, &str, usize)> {
    let rest = text.strip_prefix("<!ENTITY")?.trim_start();
    // A parameter entity is none that content can refer to.
    let end = rest.find(|c: char| c.is_ascii_whitespace() || "<>'\"%".contains(c))?;
    let (name, rest) = rest.split_at(end);
    let rest = rest.trim_start();
    if rest.starts_with("SYSTEM") || rest.starts_with("PUBLIC") {
        return Some((name, "", text.len() - rest.len()));
    }
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let value = &rest[1..];
    let length = value.find(quote)?;
    let end = text.len() - value.len() + length + 1;
    Some((name, &value[..length], end))
}

/// References to characters are read where an entity is declared, those to entities where it is used
/// (§4.4).
fn characters(text: &str) -> Cow<'_, str> {
    if !text.contains("&#") {
        return text.into();
    }
    let mut made = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("&#") {
        made.push_str(&rest[..at]);
        rest = &rest[at..];
        let mut start = rest.bytes().take(CHARACTER_BYTES_MAX);
        let read = start.position(|byte| byte == b';').and_then(|end| {
            let number = &rest[2..end];
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            Some((char::from_u32(code)?, end + 1))
        });
        let (character, end) = read.unwrap_or(('&', 1));
        made.push(character);
        rest = &rest[end..];
    }
    made.push_str(rest);
    made.into()
}

struct Expansion<'a> {
    entities: &'a HashMap<&'a str, Cow<'a, str>>,
    made: String,
    bytes_left: usize,
}

impl Expansion<'_> {
    /// Elements and texts; `None` when there is too much.
    fn content(&mut self, text: &str, depth: usize) -> Option<()> {
        self.spend(text, depth)?;
        let mut rest = text;
        while let Some(at) = rest.find(['<', '&']) {
            self.made.push_str(&rest[..at]);
            rest = &rest[at..];
            if rest.starts_with('&') {
                rest = self.reference(rest, depth, Self::content)?;
                continue;
            }
            let opaque = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")];
            let end = opaque.iter().find(|(start, _)| rest.starts_with(start));
            match end {
                Some((start, end)) => {
                    let end = rest[start.len()..].find(end).map(|at| at + start.len());
                    let end = end.unwrap_or(rest.len());
                    self.made.push_str(&rest[..end]);
                    rest = &rest[end..];
                }
                None => rest = self.tag(rest, depth)?,
            }
        }
        self.made.push_str(rest);
        Some(())
    }

    /// A tag; gives what is behind it.
    fn tag<'t>(&mut self, text: &'t str, depth: usize) -> Option<&'t str> {
        let mut rest = text;
        loop {
            let Some(at) = rest.find(['"', '\'', '>']) else {
                self.made.push_str(rest);
                return Some("");
            };
            let (before, behind) = rest.split_at(at + 1);
            self.made.push_str(before);
            rest = behind;
            let quote = &before[at..];
            if quote == ">" {
                return Some(rest);
            }
            let end = rest.find(quote).unwrap_or(rest.len());
            self.value(&rest[..end], depth, false)?;
            rest = &rest[end..];
            if let Some(behind) = rest.strip_prefix(quote) {
                self.made.push_str(quote);
                rest = behind;
            }
        }
    }

    /// The text of an entity in the value of an attribute.
    fn quoted(&mut self, text: &str, depth: usize) -> Option<()> {
        self.spend(text, depth)?;
        self.value(text, depth, true)
    }

    /// The value of an attribute. Quotes that an entity holds are no ends of it.
    fn value(&mut self, text: &str, depth: usize, is_entity: bool) -> Option<()> {
        let mut rest = text;
        while let Some(at) = rest.find(['&', '"', '\'', '<']) {
            self.made.push_str(&rest[..at]);
            rest = &rest[at..];
            let escaped = match rest.as_bytes()[0] {
                b'&' => {
                    rest = self.reference(rest, depth, Self::quoted)?;
                    continue;
                }
                b'"' if is_entity => "&#34;",
                b'\'' if is_entity => "&#39;",
                b'<' if is_entity => "&lt;",
                _ => &rest[..1],
            };
            self.made.push_str(escaped);
            rest = &rest[1..];
        }
        self.made.push_str(rest);
        Some(())
    }

    /// A reference; gives what is behind it. What is not declared here stays.
    fn reference<'t>(
        &mut self,
        text: &'t str,
        depth: usize,
        put: fn(&mut Self, &str, usize) -> Option<()>,
    ) -> Option<&'t str> {
        let named = &text[1..];
        let end = named.find(|c: char| c.is_ascii_whitespace() || ";&<'\"".contains(c));
        let name = end.map_or("", |end| &named[..end]);
        let is_whole = named[name.len()..].starts_with(';');
        let entity = self.entities.get(name);
        match entity.filter(|_| is_whole && !PREDEFINED.contains(&name)) {
            Some(replacement) => {
                put(self, replacement, depth + 1)?;
                Some(&text[name.len() + 2..])
            }
            None => {
                self.made.push('&');
                Some(&text[1..])
            }
        }
    }

    /// What is read costs, even where it comes to nothing.
    fn spend(&mut self, text: &str, depth: usize) -> Option<()> {
        let cost = text.len() + usize::from(depth > 0);
        self.bytes_left = self.bytes_left.checked_sub(cost)?;
        (depth <= DEPTH_MAX).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(subset: &str, body: &str, expected: &str) {
        let text = format!("<?xml version='1.0'?>\n<!-- & --><!DOCTYPE svg [{subset}]>{body}");
        assert_eq!(expand(&text, 1 << 20).unwrap(), expected);
    }

    #[test]
    fn entities_stand_for_their_texts() {
        let uses = "<a x='&u;' y=\"1&u;2\">&u;</a>";
        check(
            "<!ENTITY u 'http://a/'>",
            uses,
            "<a x='http://a/' y=\"1http://a/2\">http://a/</a>",
        );
        let within = "<!ENTITY b \"[&a;]\"><!-- <!ENTITY a 'no'> --><!ENTITY a 'x'><!ENTITY a 'y'>";
        check(within, "<a>&b;</a>", "<a>[x]</a>");
        check(
            "<!ENTITY e '<b c=\"&d;\"/>'><!ENTITY d '1'>",
            "<a>&e;</a>",
            "<a><b c=\"1\"/></a>",
        );
    }

    #[test]
    fn what_an_entity_holds_ends_no_value() {
        let subset = "<!ENTITY q '\"&#39;&#60;&#38;#62;'>";
        check(
            subset,
            "<a x='&q;' y=\"'&q;\"/>",
            "<a x='&#34;&#39;&lt;&#62;' y=\"'&#34;&#39;&lt;&#62;\"/>",
        );
    }

    #[test]
    fn what_is_no_reference_stays() {
        for body in [
            "<a x='&amp;&#65;'>&lt;&gt; & &none; &u</a>",
            "<a><!-- &u; --><![CDATA[&u;]]><?p &u;?></a>",
            "<a>&u",
            "<a x='&u",
            "<a x=",
            "<!-- &u;",
        ] {
            check("<!ENTITY u 'x'><!ENTITY lt 'no'>", body, body);
        }
        check(
            "<!ENTITY % p 'x'> %p; <!ENTITY u SYSTEM 'file:///etc/passwd'>",
            "<a>&u;&p;</a>",
            "<a>&p;</a>",
        );
        assert_eq!(expand("<a>&u;</a>", 9).unwrap(), "<a>&u;</a>");
    }

    #[test]
    fn long_documents_take_no_longer_than_they_are() {
        let subset = "<!ENTITY".repeat(100_000) + &"<!ENTITY a '&#".repeat(100_000);
        let body = "&".repeat(500_000) + &"&#".repeat(200_000);
        let text = format!("<!DOCTYPE svg [{subset}']>{body}");
        assert!(expand(&text, 8 << 20).is_ok());
    }

    #[test]
    fn laughs_end() {
        let mut subset = "<!ENTITY l0 'ha'>".to_owned();
        for level in 1..10 {
            let ten = format!("&l{};", level - 1).repeat(10);
            subset.push_str(&format!("<!ENTITY l{level} '{ten}'>"));
        }
        let large = format!("<!ENTITY a '{}'>", "x".repeat(1 << 16));
        let empty = subset.replace("'ha'", "''");
        for (subset, body) in [
            (subset, "<a>&l9;</a>".to_owned()),
            (empty, "<a b='&l9;'/>".to_owned()),
            (large, "&a;".repeat(100)),
            (
                "<!ENTITY a '&b;'><!ENTITY b '&a;'>".to_owned(),
                "<a>&a;</a>".to_owned(),
            ),
        ] {
            let text = format!("<!DOCTYPE svg [{subset}]>{body}");
            assert_eq!(expand(&text, 1 << 20), Err(ProcessingError::Unreadable));
        }
    }
}
