//! What an item says, as far as conditions ask for it.
//!
//! Invariant: nothing is decoded that no condition looks at, and nothing twice.

use std::cell::OnceCell;

use super::Field;
use crate::feed::element::Element;
use crate::feed::json::{Member, ValueKind};
use crate::feed::namespace::Ns;
use crate::feed::text::Decoded;
use crate::html::Markup;
use crate::html::apply;
use crate::rewrite::author;
use crate::rewrite::base::PieceBase;
use crate::rewrite::facts;
use crate::rewrite::field::{self, Role, attribute, lower};
use crate::rewrite::marks;
use crate::rewrite::passes::unescape;
use crate::rewrite::rules::Rules;
use crate::rewrite::texts;

/// The texts of one item.
pub(in crate::rewrite) struct Texts<'a> {
    item: Item<'a>,
    base: &'a PieceBase<'a>,
    /// Whether HTML that was escaped twice is read as HTML.
    double_escaped: bool,
    found: [OnceCell<Vec<String>>; Field::EACH.len()],
}

/// An item as it was read.
#[derive(Clone, Copy)]
pub(in crate::rewrite) enum Item<'a> {
    /// Of RSS, RDF or Atom.
    Xml(&'a str, &'a [Element<'a>]),
    /// Of JSON Feed.
    Json(&'a str, &'a [Member<'a>]),
}

impl<'a> Texts<'a> {
    pub(in crate::rewrite) fn new(item: Item<'a>, base: &'a PieceBase<'a>, rules: &Rules) -> Self {
        Self {
            item,
            base,
            double_escaped: rules.options().double_escaped,
            found: Default::default(),
        }
    }

    /// The item's title, for explanations.
    pub(in crate::rewrite) fn title(&self) -> &str {
        self.of(Field::Title).first().map_or("", String::as_str)
    }

    /// What is in one field; [`Field::Any`] is none.
    pub(super) fn of(&self, field: Field) -> &[String] {
        let Some(at) = Field::EACH.iter().position(|&one| one == field) else {
            return &[];
        };
        self.found[at].get_or_init(|| {
            if field == Field::Link {
                let link = self.base.item_link();
                return Vec::from_iter((!link.is_empty()).then_some(link));
            }
            if field == Field::Author {
                let own = match self.item {
                    Item::Xml(xml, elements) => author::of_item(xml, elements),
                    Item::Json(json, members) => author::of_json_item(json, members),
                };
                return self.base.authors(own);
            }
            let mut texts = match self.item {
                Item::Xml(xml, elements) => of_xml(xml, elements, field),
                Item::Json(json, members) => of_json(json, members, field),
            };
            if field == Field::Content {
                texts
                    .iter_mut()
                    .for_each(|(text, markup)| self.read_as_html(text, *markup));
            }
            texts.into_iter().map(|(text, _)| text).collect()
        })
    }

    /// Undoes what other passes and publishers did to a field: our own header and footer are not
    /// what the item says.
    fn read_as_html(&self, text: &mut String, markup: Markup) {
        *text = texts::with_windows_1252(std::mem::take(text));
        let stale = marks::edits(text, markup, |_| true);
        if !stale.is_empty() {
            *text = apply(text, &stale);
        }
        if self.double_escaped && markup == Markup::Html {
            let edits = unescape::edits(text);
            if !edits.is_empty() {
                *text = apply(text, &edits);
            }
        }
    }
}

/// A text, and how its markup is read if it has some.
type Text = (String, Markup);

fn of_xml(xml: &str, elements: &[Element<'_>], field: Field) -> Vec<Text> {
    if field == Field::Content {
        let indexes = 1..elements.len();
        return indexes
            .filter_map(|index| content(xml, elements, index))
            .collect();
    }
    let mut texts = Vec::new();
    for element in elements {
        let is_child = element.depth == 1;
        match (field, element.ns, &*lower(element.local)) {
            (Field::Title, Ns::Core | Ns::Atom, "title") if is_child => {
                texts.push(texts::title(xml, element));
            }
            (Field::Guid, Ns::Core, "guid") | (Field::Guid, Ns::Atom, "id") if is_child => {
                texts.push(texts::text(xml, element));
            }
            (Field::Guid, ..) if element.depth == 0 => {
                texts.push(attribute(element, "rdf:about"));
            }
            (Field::Category, ..) => texts.extend(facts::categories_in(xml, element)),
            _ => {}
        }
    }
    plain(texts)
}

/// Texts without markup.
fn plain(texts: Vec<String>) -> Vec<Text> {
    let full = texts.into_iter().filter(|text| !text.is_empty());
    full.map(|text| (text, Markup::Html)).collect()
}

/// A field of HTML, or of text in its place.
fn content(xml: &str, elements: &[Element<'_>], index: usize) -> Option<Text> {
    let element = &elements[index];
    let is_content = matches!(field::role(elements, index), Role::Html(_))
        || field::is_plain_text(element)
        || element.is(Ns::Media, "description");
    let raw = &xml[element.content.clone()];
    is_content.then(|| match element.has_markup {
        true => (raw.to_owned(), Markup::Xhtml),
        false => (Decoded::content(raw).as_str().to_owned(), Markup::Html),
    })
}

fn of_json(json: &str, members: &[Member<'_>], field: Field) -> Vec<Text> {
    let mut texts = Vec::new();
    for member in members {
        let is_asked = match field {
            Field::Title => member.key == "title",
            Field::Guid => member.key == "id",
            Field::Category => {
                texts.extend(facts::json_categories(json, member));
                false
            }
            Field::Content => {
                let is_content = ["content_html", "content_text", "summary"]
                    .iter()
                    .any(|key| member.key == *key);
                is_content && member.value.kind == ValueKind::String
            }
            Field::Author | Field::Link | Field::Any => false,
        };
        let text = || texts::with_windows_1252(texts::string(json, member));
        texts.extend(is_asked.then(text));
    }
    plain(texts)
}
