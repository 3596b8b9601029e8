//! Which field of an item bears header and footer.
//!
//! Invariants: an item has one bearer or none; a title never is; HTML goes into fields of HTML only,
//! and a plain text that has to bear it becomes one.

use crate::feed::element::Element;
use crate::feed::json::{Member, ValueKind};
use crate::feed::namespace::Ns;
use crate::feed::text::Decoded;
use crate::rewrite::field::{self, Fullness, Role};

/// Where header and footer of an item go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bearer {
    /// Into this element, which carries HTML.
    Html(usize),
    /// Into this one, which carries plain text and becomes one of HTML.
    Text(usize),
    /// Into a new element.
    New(New),
    /// Nowhere, for this reason.
    None(&'static str),
}

/// An element that an item has not got yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct New {
    /// Its name without a prefix.
    pub(super) name: &'static str,
    /// Its attributes, with a blank before each.
    pub(super) attributes: &'static str,
}

/// A field of HTML that may bear them.
#[derive(Clone, Copy)]
struct Candidate {
    index: usize,
    fullness: Fullness,
    is_subtitle: bool,
    is_blank: bool,
}

/// What elements are called that readers may take an item's text from.
const TEXTS: &[&str] = &[
    "description",
    "summary",
    "subtitle",
    "abstract",
    "content",
    "encoded",
    "body",
    "fullitem",
];

/// The bearer of an item whose own element is the first of these.
pub(super) fn of_item(xml: &str, elements: &[Element<'_>]) -> Bearer {
    let candidates: Vec<Candidate> = (1..elements.len())
        .filter_map(|index| candidate(xml, elements, index))
        .collect();
    // The first of the fullest.
    let best = |is_wanted: &dyn Fn(&Candidate) -> bool| {
        let wanted = candidates.iter().filter(|one| is_wanted(one));
        let best =
            wanted.max_by_key(|one| (one.fullness, !one.is_subtitle, std::cmp::Reverse(one.index)));
        best.map(|one| Bearer::Html(one.index))
    };
    let is_own = |one: &Candidate| one.fullness > Fullness::Aside;
    let text = plain_text(elements);
    let full_text = text.filter(|&index| !is_blank(xml, &elements[index]));
    // What is empty comes late: readers pass it over for what is not.
    best(&|one| is_own(one) && !one.is_blank)
        .or(full_text.map(Bearer::Text))
        .or_else(|| best(&|one| !one.is_blank))
        .or_else(|| best(&is_own))
        .or(text.map(Bearer::Text))
        .unwrap_or_else(|| added(xml, elements))
}

fn candidate(xml: &str, elements: &[Element<'_>], index: usize) -> Option<Candidate> {
    let element = &elements[index];
    let Role::Html(fullness) = field::role(elements, index) else {
        return None;
    };
    is_at_home(element, fullness).then(|| Candidate {
        index,
        fullness,
        is_subtitle: element.local.eq_ignore_ascii_case("subtitle"),
        is_blank: is_blank(xml, element),
    })
}

/// Whether a field of HTML stands where it is the item's own.
fn is_at_home(element: &Element<'_>, fullness: Fullness) -> bool {
    if fullness > Fullness::Aside {
        return element.depth == 1;
    }
    match element.ns {
        Ns::Media => true,
        Ns::Itunes | Ns::DublinCore | Ns::Core => element.depth == 1,
        // Not rights, and the like.
        _ => false,
    }
}

/// Atom's content as plain text, else its summary.
fn plain_text(elements: &[Element<'_>]) -> Option<usize> {
    let mut found = elements.iter().enumerate().filter(|(_, element)| {
        let is_text = !element.has_markup && !element.tag.is_empty_element();
        element.depth == 1 && is_text && field::is_plain_text(element)
    });
    let is_content = |(_, element): &(usize, &Element<'_>)| element.is(Ns::Atom, "content");
    let first = found.clone().find(is_content).or_else(|| found.next());
    first.map(|(index, _)| index)
}

/// An element to be added to an item that has nothing to read of its own.
fn added(xml: &str, elements: &[Element<'_>]) -> Bearer {
    let Some(item) = elements.first() else {
        return Bearer::None("there is no item");
    };
    // Readers show these where there is nothing else; what is added would stand before them.
    let has_text = elements.iter().any(|element| {
        let is_near = element.depth == 1 || element.ns == Ns::Media;
        let is_text = TEXTS
            .iter()
            .any(|name| element.local.eq_ignore_ascii_case(name));
        is_near && is_text && !element.is(Ns::Atom, "content") && !is_blank(xml, element)
    });
    if has_text {
        return Bearer::None("its text is in a field that can't carry HTML");
    }
    let last = elements.iter().rfind(|element| element.depth == 1);
    let is_open = |element: &Element<'_>| {
        !element.tag.is_empty_element() && element.content.end == element.range.end
    };
    if last.is_some_and(is_open) {
        return Bearer::None("its last element has no end");
    }
    if item.ns != Ns::Atom {
        return Bearer::New(New {
            name: "description",
            attributes: "",
        });
    }
    // An entry has one of each at most (RFC 4287 §4.1.2).
    let has = |name: &str| {
        let mut children = elements.iter().filter(|element| element.depth == 1);
        children.any(|element| element.is(Ns::Atom, name))
    };
    match ["content", "summary"].into_iter().find(|name| !has(name)) {
        Some(name) => Bearer::New(New {
            name,
            attributes: " type=\"html\"",
        }),
        None => Bearer::None("neither content nor summary can carry HTML"),
    }
}

/// Whether nothing is in a field but white space.
fn is_blank(xml: &str, element: &Element<'_>) -> bool {
    let raw = xml[element.content.clone()].trim_ascii();
    let text = raw
        .strip_prefix("<![CDATA[")
        .map_or(raw, str::trim_ascii_start);
    let is_plain = |letter: char| !letter.is_whitespace() && !matches!(letter, '&' | '<' | ']');
    if text.starts_with(is_plain) || element.has_markup {
        return false;
    }
    raw.is_empty() || Decoded::content(raw).as_str().trim().is_empty()
}

/// The bearer of an item of JSON Feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JsonBearer {
    /// The `content_html` that is this member.
    Html(usize),
    /// The same, which holds nothing; the text of the other member stands there as well.
    Empty(usize, Option<usize>),
    /// A `content_html` to be added, made of the text of this member if there is one.
    New(Option<usize>),
    /// Nowhere, for this reason.
    None(&'static str),
}

/// The bearer among these members.
pub(super) fn of_json_item(json: &str, members: &[Member<'_>]) -> JsonBearer {
    // Of members with one key the last counts.
    let last = |key: &str| members.iter().rposition(|member| member.key == key);
    let is_blank = |index: usize| {
        let value = &members[index].value;
        let decoded = Decoded::json(&json[value.inner()]);
        value.kind != ValueKind::String || decoded.as_str().trim().is_empty()
    };
    let mut keys = ["content_text", "summary"].into_iter();
    let text = keys.find_map(|key| last(key).filter(|&index| !is_blank(index)));
    let Some(index) = last("content_html") else {
        return JsonBearer::New(text);
    };
    let value = &members[index].value;
    match value.kind {
        ValueKind::String if !is_blank(index) || text.is_none() => JsonBearer::Html(index),
        ValueKind::String => JsonBearer::Empty(index, text),
        ValueKind::Scalar if matches!(&json[value.range.clone()], "null" | "false") => {
            JsonBearer::Empty(index, text)
        }
        _ => JsonBearer::None("its content_html is no text"),
    }
}
