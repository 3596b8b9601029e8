//! What templates may say about an item or a feed, read from its elements.

use crate::feed::element::Element;
use crate::feed::json::{self, Member, ValueKind};
use crate::feed::namespace::Ns;
use crate::feed::text::Decoded;
use crate::rewrite::author;
use crate::rewrite::base::PieceBase;
use crate::rewrite::field::{attribute, lower};
use crate::rewrite::link::{self, ItemLink};
use crate::rewrite::template::ItemFacts;
use crate::rewrite::texts::{last_string, text, title, with_windows_1252};

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
        link: url(base, || link::of_item(xml, elements)).into(),
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
fn url(base: Option<&PieceBase<'_>>, link: impl FnOnce() -> ItemLink) -> String {
    base.map_or_else(|| link().written, PieceBase::item_link)
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
        // These are within each other.
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

/// The facts of a JSON Feed item that stands at `base`; without one, what it says itself.
pub(super) fn of_json_item(
    json: &str,
    members: &[Member<'_>],
    base: Option<&PieceBase<'_>>,
) -> ItemFacts<'static> {
    let string = |key| last_string(json, members, key);
    let mut facts = ItemFacts {
        title: with_windows_1252(string("title")).into(),
        link: url(base, || link::of_json_item(json, members)).into(),
        guid: string("id").into(),
        author: first(authors(base, author::of_json_item(json, members))).into(),
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

/// The categories in `tags`, or in a `category` as some publishers call it; a list or one text.
pub(super) fn json_categories(json: &str, member: &Member<'_>) -> Vec<String> {
    let values = match (member.key.as_ref(), member.value.kind) {
        ("tags" | "category" | "categories", ValueKind::Array) => {
            json::values(json, member.value.range.clone())
        }
        ("tags" | "category" | "categories", ValueKind::String) => vec![member.value.clone()],
        _ => return Vec::new(),
    };
    let texts = values
        .into_iter()
        .filter(|value| value.kind == ValueKind::String);
    let texts = texts.map(|value| {
        let decoded = Decoded::json(&json[value.inner()]);
        decoded.as_str().trim().to_owned()
    });
    texts.filter(|text| !text.is_empty()).collect()
}
