//! What templates may say about an item or a feed, read from its elements.

use crate::feed::element::Element;
use crate::feed::json::{self, Kind, Member};
use crate::feed::namespace::Ns;
use crate::feed::text::Decoded;
use crate::rewrite::field::{attribute, lower};
use crate::rewrite::template::ItemFacts;

/// Categories that an item is read for.
const CATEGORIES_MAX: usize = 50;

/// The facts of an XML item.
pub(super) fn of_item(xml: &str, elements: &[Element<'_>]) -> ItemFacts<'static> {
    let mut facts = ItemFacts::default();
    for element in elements {
        for category in categories_in(xml, element).into_iter().take(1) {
            add_category(&mut facts, category);
        }
        if is_author(elements, element) && facts.author.is_empty() {
            facts.author = text(xml, element).into();
        }
        if element.depth != 1 {
            continue;
        }
        let slot = match (element.ns, &*lower(element.local)) {
            (Ns::Core | Ns::Atom, "title") => {
                if facts.title.is_empty() {
                    facts.title = title(xml, element).into();
                }
                continue;
            }
            (Ns::Core | Ns::Atom, "link") => {
                if let Some(link) = link(xml, element).filter(|_| facts.link.is_empty()) {
                    facts.link = link.into();
                }
                continue;
            }
            (Ns::Core, "guid") | (Ns::Atom, "id") => &mut facts.guid,
            (Ns::Core, "pubdate") | (Ns::Atom, "published" | "issued" | "created") => {
                &mut facts.published
            }
            (Ns::DublinCore, "date" | "issued" | "created") => &mut facts.published,
            (Ns::Atom, "updated" | "modified") | (Ns::DublinCore, "modified") => &mut facts.updated,
            _ => continue,
        };
        if slot.is_empty() {
            *slot = text(xml, element).into();
        }
    }
    if let Some(item) = elements.first().filter(|_| facts.guid.is_empty()) {
        facts.guid = attribute(item, "rdf:about").into();
    }
    facts
}

/// An item's link alone, for the addresses that are relative to it.
pub(super) fn link_of_item(xml: &str, elements: &[Element<'_>]) -> String {
    let links = elements.iter().filter(|element| {
        element.depth == 1 && (element.is(Ns::Core, "link") || element.is(Ns::Atom, "link"))
    });
    links
        .filter_map(|element| link(xml, element))
        .next()
        .unwrap_or_default()
}

/// Whether an element of an item holds the name of an author.
pub(super) fn is_author(elements: &[Element<'_>], element: &Element<'_>) -> bool {
    match (element.ns, &*lower(element.local)) {
        (Ns::Core | Ns::Itunes, "author") | (Ns::DublinCore, "creator") => element.depth == 1,
        (Ns::Atom, "name") => {
            let parent = element.parent.and_then(|parent| elements.get(parent));
            parent.is_some_and(|parent| parent.depth == 1 && parent.is(Ns::Atom, "author"))
        }
        _ => false,
    }
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

/// The address a link element leads to: RSS's text, Atom's `href` when it is the alternate.
pub(super) fn link(xml: &str, element: &Element<'_>) -> Option<String> {
    let link = match element.ns {
        Ns::Atom => {
            let rel = attribute(element, "rel");
            if !rel.is_empty() && rel != "alternate" {
                return None;
            }
            attribute(element, "href")
        }
        _ => text(xml, element),
    };
    (!link.is_empty()).then_some(link)
}

/// An element's content, decoded and trimmed. Only what stands before the first tag in it: behind
/// that is another element, as where the end tag of this one is broken.
pub(super) fn text(xml: &str, element: &Element<'_>) -> String {
    let content = &xml[element.text_range(xml)];
    Decoded::content(content).as_str().trim().to_owned()
}

/// A title as plain text: Atom may write it as HTML or XHTML (RFC 4287 §3.1).
pub(super) fn title(xml: &str, element: &Element<'_>) -> String {
    let title = text(xml, element);
    let is_html = matches!(attribute(element, "type").as_str(), "html" | "text/html");
    if element.has_markup || (element.ns == Ns::Atom && is_html) {
        return without_tags(&title);
    }
    title
}

/// The text of an HTML fragment.
pub(super) fn without_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        let is_tag =
            rest[open + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c));
        let end = rest[open..].find('>').filter(|_| is_tag);
        let after = end.map_or(open + 1, |end| open + end + 1);
        text.push_str(&rest[..if end.is_some() { open } else { after }]);
        rest = &rest[after..];
    }
    text.push_str(rest);
    htmlize::unescape(&text).trim().to_owned()
}

/// The facts of a JSON Feed item.
pub(super) fn of_json_item(json: &str, members: &[Member<'_>]) -> ItemFacts<'static> {
    let mut facts = ItemFacts::default();
    for member in members {
        match member.key.as_ref() {
            "title" => facts.title = string(json, member).into(),
            "url" => facts.link = string(json, member).into(),
            "external_url" if facts.link.is_empty() => facts.link = string(json, member).into(),
            "id" => facts.guid = string(json, member).into(),
            "date_published" => facts.published = string(json, member).into(),
            "date_modified" => facts.updated = string(json, member).into(),
            "author" | "authors" if facts.author.is_empty() => {
                let mut authors = json_authors(json, member).into_iter();
                facts.author = authors.next().unwrap_or_default().into();
            }
            _ => json_categories(json, member)
                .into_iter()
                .for_each(|category| add_category(&mut facts, category)),
        }
    }
    facts
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

/// A string's text, or a scalar's as it is written.
pub(super) fn string(json: &str, member: &Member<'_>) -> String {
    match member.value.kind {
        Kind::String => Decoded::json(&json[member.value.inner()])
            .as_str()
            .trim()
            .to_owned(),
        Kind::Scalar => json[member.value.range.clone()].to_owned(),
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
            ("<!-- c --><b>x</b>", "x"),
        ] {
            assert_eq!(without_tags(html), expected, "{html}");
        }
    }
}
