//! What templates may say about an item or a feed, read from its elements.

use encoding_rs::WINDOWS_1252;

use crate::feed::element::Element;
use crate::feed::json::{self, Kind, Member};
use crate::feed::namespace::Ns;
use crate::feed::text::Decoded;
use crate::html::tag::Tag;
use crate::html::walk::{Token, Walk};
use crate::html::{Markup, Name, names};
use crate::rewrite::author;
use crate::rewrite::base::PieceBase;
use crate::rewrite::field::{attribute, is_xhtml, lower};
use crate::rewrite::link::{self, ItemLink};
use crate::rewrite::template::ItemFacts;

/// Categories that an item is read for.
const CATEGORIES_MAX: usize = 50;

/// The facts of an XML item that stands at `base`; without one, what it says itself.
pub(super) fn of_item(
    xml: &str,
    elements: &[Element<'_>],
    base: Option<&PieceBase<'_>>,
) -> ItemFacts<'static> {
    let own = author::of_item(xml, elements);
    let mut facts = ItemFacts {
        title: title_of_item(xml, elements).into(),
        link: address(base, || link::of_item(xml, elements)).into(),
        guid: guid(xml, elements).into(),
        author: first(authors(base, own)).into(),
        ..ItemFacts::default()
    };
    for element in elements {
        for category in categories_in(xml, element).into_iter().take(1) {
            add_category(&mut facts, category);
        }
        if element.depth != 1 {
            continue;
        }
        let slot = match (element.ns, &*lower(element.local)) {
            (Ns::Core, "pubdate") => &mut facts.published,
            (Ns::Core | Ns::Atom, "published" | "issued" | "created") => &mut facts.published,
            (Ns::DublinCore, "date" | "issued" | "created") => &mut facts.published,
            (Ns::Core | Ns::Atom, "updated" | "modified") | (Ns::DublinCore, "modified") => {
                &mut facts.updated
            }
            _ => continue,
        };
        if slot.is_empty() {
            *slot = text(xml, element).into();
        }
    }
    facts
}

/// The first of an item's own titles that says something, else the first of the titles that
/// Dublin Core and Media RSS give it.
fn title_of_item(xml: &str, elements: &[Element<'_>]) -> String {
    let first = |is_asked: fn(Ns) -> bool| {
        let titles = elements.iter().filter(|element| {
            element.depth == 1
                && is_asked(element.ns)
                && element.local.eq_ignore_ascii_case("title")
        });
        titles
            .map(|element| title(xml, element))
            .find(|title| !title.is_empty())
    };
    first(|ns| matches!(ns, Ns::Core | Ns::Atom))
        .or_else(|| first(|ns| matches!(ns, Ns::DublinCore | Ns::Media)))
        .unwrap_or_default()
}

/// An item's `guid` or `id`, else its `rdf:about`.
pub(super) fn guid(xml: &str, elements: &[Element<'_>]) -> String {
    let ids = elements.iter().filter(|element| {
        element.depth == 1 && (element.is(Ns::Core, "guid") || element.is(Ns::Atom, "id"))
    });
    let mut full = ids.map(|element| text(xml, element));
    full.find(|id| !id.is_empty()).unwrap_or_else(|| {
        let item = elements.first();
        item.map_or_else(String::new, |item| attribute(item, "rdf:about"))
    })
}

/// Where an item leads to, absolute where its base is known.
fn address(base: Option<&PieceBase<'_>>, link: impl FnOnce() -> ItemLink) -> String {
    base.map_or_else(|| link().written, PieceBase::item_address)
}

/// The authors of an item, which are the feed's where it names none and the feed is known.
fn authors(base: Option<&PieceBase<'_>>, own: Vec<String>) -> Vec<String> {
    match base {
        Some(base) => base.authors(own),
        None => own,
    }
}

fn first(names: Vec<String>) -> String {
    names.into_iter().next().unwrap_or_default()
}

/// The categories that one element of an item names: what people read first, then what else it is
/// called.
pub(super) fn categories_in(xml: &str, element: &Element<'_>) -> Vec<String> {
    let is_child = element.depth == 1;
    let mut names = match (element.ns, &*lower(element.local)) {
        (Ns::Core, "category") | (Ns::DublinCore, "subject") if is_child => {
            vec![text(xml, element)]
        }
        (Ns::Atom, "category") if is_child => {
            vec![attribute(element, "label"), attribute(element, "term")]
        }
        // These stand in each other.
        (Ns::Itunes, "category") => vec![attribute(element, "text")],
        _ => Vec::new(),
    };
    names.retain(|name| !name.is_empty());
    names
}

/// Adds a category, once.
fn add_category(facts: &mut ItemFacts<'_>, category: String) {
    let is_new = !category.is_empty() && !facts.categories.iter().any(|known| *known == category);
    if is_new && facts.categories.len() < CATEGORIES_MAX {
        facts.categories.push(category.into());
    }
}

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

/// Elements of a phrase of HTML: what stands in a title that nobody escaped.
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

/// The facts of a JSON Feed item that stands at `base`; without one, what it says itself.
pub(super) fn of_json_item(
    json: &str,
    members: &[Member<'_>],
    base: Option<&PieceBase<'_>>,
) -> ItemFacts<'static> {
    let string = |key| json_string(json, members, key);
    let mut facts = ItemFacts {
        title: with_windows_1252(string("title")).into(),
        link: address(base, || link_of_json_item(json, members)).into(),
        guid: string("id").into(),
        author: first(authors(base, authors_of_json_item(json, members))).into(),
        published: string("date_published").into(),
        updated: string("date_modified").into(),
        ..ItemFacts::default()
    };
    for member in members {
        for category in json_categories(json, member) {
            add_category(&mut facts, category);
        }
    }
    facts
}

/// The last member of this key that says something; of members with one key the last counts.
pub(super) fn json_string(json: &str, members: &[Member<'_>], key: &str) -> String {
    let found = members.iter().rev().filter(|member| member.key == key);
    found
        .map(|member| string(json, member))
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}

/// A JSON Feed item's `url`, else its `external_url`.
pub(super) fn link_of_json_item(json: &str, members: &[Member<'_>]) -> ItemLink {
    let mut found = ["url", "external_url"].into_iter();
    let link =
        found.find_map(|key| Some(json_string(json, members, key)).filter(|link| !link.is_empty()));
    ItemLink {
        written: link.unwrap_or_default(),
        bases: Vec::new(),
    }
}

/// The names of a JSON Feed item's authors.
pub(super) fn authors_of_json_item(json: &str, members: &[Member<'_>]) -> Vec<String> {
    let authors = members.iter().flat_map(|one| json_authors(json, one));
    authors.collect()
}

/// The names in an `author` (version 1.0) or in `authors`.
pub(super) fn json_authors(json: &str, member: &Member<'_>) -> Vec<String> {
    let objects = match (member.key.as_ref(), member.value.kind) {
        ("author" | "authors", Kind::Array) => json::values(json, member.value.range.clone()),
        ("author" | "authors", Kind::Object) => vec![member.value.clone()],
        _ => return Vec::new(),
    };
    let names = objects.into_iter().filter_map(|object| {
        let members = json::members(json, object.range);
        let name = members.iter().find(|member| member.key == "name")?;
        Some(string(json, name))
    });
    names.filter(|name| !name.is_empty()).collect()
}

/// The categories in `tags`, or in a `category` as some publishers call it; a list or one text.
pub(super) fn json_categories(json: &str, member: &Member<'_>) -> Vec<String> {
    let values = match (member.key.as_ref(), member.value.kind) {
        ("tags" | "category" | "categories", Kind::Array) => {
            json::values(json, member.value.range.clone())
        }
        ("tags" | "category" | "categories", Kind::String) => vec![member.value.clone()],
        _ => return Vec::new(),
    };
    let texts = values
        .into_iter()
        .filter(|value| value.kind == Kind::String);
    let texts = texts.map(|value| {
        let decoded = Decoded::json(&json[value.inner()]);
        decoded.as_str().trim().to_owned()
    });
    texts.filter(|text| !text.is_empty()).collect()
}

/// A string's text, or a scalar's as it is written; `null` and `false` are nothing.
pub(super) fn string(json: &str, member: &Member<'_>) -> String {
    match member.value.kind {
        Kind::String => Decoded::json(&json[member.value.inner()])
            .as_str()
            .trim()
            .to_owned(),
        Kind::Scalar => match &json[member.value.range.clone()] {
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
