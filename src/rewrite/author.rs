//! Who wrote an item.

use crate::feed::element::Element;
use crate::feed::json::{self, Member, ValueKind};
use crate::feed::namespace::Ns;
use crate::rewrite::field::lower;
use crate::rewrite::texts::{string, text, with_windows_1252};

/// The authors that an item names, else those of the feed that it was taken from (RFC 4287
/// §4.2.1); each once.
pub(super) fn of_item(xml: &str, elements: &[Element<'_>]) -> Vec<String> {
    let own = named(xml, elements, |element| element.depth == 1);
    if !own.is_empty() {
        return own;
    }
    named(xml, elements, |element| {
        let source = element.parent.and_then(|parent| elements.get(parent));
        source.is_some_and(|source| source.depth == 1 && source.is(Ns::Atom, "source"))
    })
}

/// The author that a child of the feed names, if it is one that items inherit.
pub(super) fn of_feed(xml: &str, elements: &[Element<'_>]) -> Option<String> {
    let is_author = elements.first()?.is(Ns::Atom, "author");
    is_author
        .then(|| person(xml, elements, 0))
        .filter(|name| !name.is_empty())
}

fn named(
    xml: &str,
    elements: &[Element<'_>],
    is_asked: impl Fn(&Element<'_>) -> bool,
) -> Vec<String> {
    let mut names = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        if is_author(element) && is_asked(element) {
            let name = person(xml, elements, index);
            if !name.is_empty() && !names.contains(&name) && names.len() < AUTHORS_MAX {
                names.push(name);
            }
        }
    }
    names
}

/// Authors of one item that are read.
const AUTHORS_MAX: usize = 100;

fn is_author(element: &Element<'_>) -> bool {
    matches!(
        (element.ns, &*lower(element.local)),
        (Ns::Core | Ns::Itunes | Ns::Atom | Ns::DublinCore, "author") | (Ns::DublinCore, "creator")
    )
}

/// The name in an author: its text, else what its children say.
fn person(xml: &str, elements: &[Element<'_>], index: usize) -> String {
    let element = &elements[index];
    let own = with_windows_1252(text(xml, element));
    if !own.is_empty() {
        return own;
    }
    let children = || {
        let inside = elements[index + 1..].iter();
        let inside = inside.take_while(|one| one.depth > element.depth);
        inside.filter(|one| one.parent == Some(index))
    };
    let child = |name: &str| {
        let mut found = children().filter(|one| one.local.eq_ignore_ascii_case(name));
        let name = |one| Some(with_windows_1252(text(xml, one)));
        found.find_map(|one| name(one).filter(|text| !text.is_empty()))
    };
    child("name").or_else(|| child("email")).unwrap_or_default()
}

/// The names of a JSON Feed item's authors.
pub(super) fn of_json_item(json: &str, members: &[Member<'_>]) -> Vec<String> {
    let authors = members.iter().flat_map(|one| of_json_member(json, one));
    authors.collect()
}

/// The names in an `author` (version 1.0) or in `authors`.
pub(super) fn of_json_member(json: &str, member: &Member<'_>) -> Vec<String> {
    let objects = match (member.key.as_ref(), member.value.kind) {
        ("author" | "authors", ValueKind::Array) => json::values(json, member.value.range.clone()),
        ("author" | "authors", ValueKind::Object) => vec![member.value.clone()],
        _ => return Vec::new(),
    };
    let names = objects.into_iter().filter_map(|object| {
        let members = json::members(json, object.range);
        let name = members.iter().find(|member| member.key == "name")?;
        Some(string(json, name))
    });
    names.filter(|name| !name.is_empty()).collect()
}
