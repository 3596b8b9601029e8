//! The texts of a feed's elements and members: decoded, trimmed, titles as plain text.

use encoding_rs::WINDOWS_1252;

use crate::feed::element::Element;
use crate::feed::json::{Member, ValueKind};
use crate::feed::namespace::Ns;
use crate::feed::text::Decoded;
use crate::html::tag::Tag;
use crate::html::walk::{Token, Walk};
use crate::html::{Markup, Name, names};
use crate::rewrite::field::{attribute, is_xhtml};

/// An element's content, decoded and trimmed. Only what stands before the first tag in it: behind
/// that is another element, as where the end tag of this one is broken.
pub(super) fn text(xml: &str, element: &Element<'_>) -> String {
    let content = &xml[element.text_range(xml)];
    Decoded::content(content).as_str().trim().to_owned()
}

/// A title as plain text: Atom may write it as HTML or XHTML (RFC 4287 §3.1). RSS does not say which it
/// is; readers take it for HTML, so its references count, and tags stay as they are.
pub(super) fn title(xml: &str, element: &Element<'_>) -> String {
    let kind = attribute(element, "type").to_ascii_lowercase();
    let title = if element.has_markup {
        text_of_markup(&xml[element.content.clone()], is_xhtml(element))
    } else {
        text(xml, element)
    };
    let title = match element.ns {
        Ns::Atom if matches!(kind.as_str(), "html" | "text/html") => return without_tags(&title),
        Ns::Atom => title,
        _ => htmlize::unescape(title).into_owned(),
    };
    with_windows_1252(title).trim().to_owned()
}

/// Elements of a phrase of HTML: what is in a title that nobody escaped.
const PHRASE: &[&str] = &[
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "br", "cite", "code", "del", "dfn", "div",
    "em", "font", "i", "ins", "kbd", "mark", "p", "q", "s", "small", "span", "strike", "strong",
    "sub", "sup", "tt", "u", "var", "wbr",
];

/// Elements whose text nobody sees.
const HIDDEN: [Name; 2] = names(["script", "style"]);

/// The text of inline markup, decoded. What nobody said is XHTML is read up to the first tag that
/// no title holds: behind that is another element, as where an end tag is broken.
fn text_of_markup(markup: &str, is_xhtml: bool) -> String {
    visible(markup, Markup::Xhtml, |tag| {
        is_xhtml || PHRASE.iter().any(|one| tag.starts(one))
    })
}

/// The text of a fragment that people see, decoded, up to the first tag that is not part of it.
fn visible(markup: &str, by: Markup, is_part: impl Fn(&Tag<'_>) -> bool) -> String {
    let decoded = |part| match by {
        Markup::Html => htmlize::unescape(part),
        Markup::Xhtml => Decoded::content(part).as_str().to_owned().into(),
    };
    let mut found = String::with_capacity(markup.len());
    let mut is_hidden = false;
    let mut walk = Walk::of_reader(markup, by);
    let mut tag = Tag::default();
    while let Some(token) = walk.token(&mut tag) {
        match token {
            Token::Tag if tag.is_end => is_hidden &= !HIDDEN.contains(&tag.id),
            Token::Tag if !is_part(&tag) => break,
            Token::Tag if tag.starts_one_of(&HIDDEN) => {
                is_hidden |= tag.raw_end.is_none() && !tag.is_self_closed;
            }
            Token::Tag => {
                let raw = tag.raw_end.map(|end| &markup[tag.range.end..end]);
                found.push_str(&decoded(raw.unwrap_or_default()));
            }
            Token::Text(_) | Token::Cdata(_) if is_hidden => {}
            Token::Text(part) => found.push_str(&decoded(part)),
            Token::Cdata(part) => found.push_str(part),
            // A tag without an end is read as text, in titles at least.
            Token::Unfinished if by == Markup::Html => {
                found.push_str(&decoded(&markup[walk.range()]));
            }
            _ => {}
        }
    }
    found
}

/// `text` with the characters U+0080 to U+009F, plain or as references, as browsers show them:
/// publishers mean those of windows-1252 (HTML §13.2.5.80).
pub(super) fn with_windows_1252(text: String) -> String {
    let is_meant = |letter: char| matches!(letter, '\u{80}'..='\u{9f}');
    if !text.contains(is_meant) && !text.contains("&#") {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(letter) = rest.chars().next() {
        let (code, length) = match letter {
            '&' => reference(rest).unwrap_or((letter, 1)),
            _ => (letter, letter.len_utf8()),
        };
        match u8::try_from(u32::from(code)) {
            Ok(byte) if is_meant(code) => out.push_str(&WINDOWS_1252.decode(&[byte]).0),
            _ => out.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    out
}

/// The character that a reference by number at the start of `text` names, and its length.
fn reference(text: &str) -> Option<(char, usize)> {
    let number = text.strip_prefix("&#")?;
    let window = number.get(..number.floor_char_boundary(8))?;
    let length = window.find(';')?;
    let code = match window[..length].strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => window[..length].parse(),
    };
    Some((char::from_u32(code.ok()?)?, "&#".len() + length + 1))
}

/// The text of an HTML fragment that people see.
pub(super) fn without_tags(html: &str) -> String {
    visible(html, Markup::Html, |_| true).trim().to_owned()
}

/// The last member of this key that says something; of members with one key the last counts.
pub(super) fn last_string(json: &str, members: &[Member<'_>], key: &str) -> String {
    let found = members.iter().rev().filter(|member| member.key == key);
    found
        .map(|member| string(json, member))
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}

/// A string's text, or a scalar's as it is written; `null` and `false` are nothing.
pub(super) fn string(json: &str, member: &Member<'_>) -> String {
    match member.value.kind {
        ValueKind::String => Decoded::json(&json[member.value.inner()])
            .as_str()
            .trim()
            .to_owned(),
        ValueKind::Scalar => match &json[member.value.range.clone()] {
            "null" | "false" => String::new(),
            scalar => scalar.to_owned(),
        },
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_lose_their_tags() {
        for (html, expected) in [
            (
                "Notes on a <i>crooked</i> bridge",
                "Notes on a crooked bridge",
            ),
            ("1 &lt; 2 &amp; 3", "1 < 2 & 3"),
            ("a < b, c > d", "a < b, c > d"),
            ("open <b", "open <b"),
            ("<!-- c > d --><b title='>'>x</b>", "x"),
            ("a<script>b</script><style>c</style> d", "a d"),
            ("a<svg><style>b</style><style/><text>c</text></svg>", "ac"),
            ("in <title>a &amp; b</title>, <xmp>c</xmp>", "in a & b, c"),
        ] {
            assert_eq!(without_tags(html), expected, "{html}");
        }
    }

    #[test]
    fn scripts_of_inline_markup_are_no_text() {
        let markup = "<div>a<script>b &lt; c<![CDATA[d]]></script> <script/>e<b>f</b></div>";
        assert_eq!(text_of_markup(markup, true), "a ef");
    }
}
