//! The items of a feed as a model: what an archive keeps of them. Nothing is ever served from it.
//!
//! Invariant: reading never fails; what an item doesn't have is empty.

use url::Url;

use crate::feed::Format;
use crate::feed::date;
use crate::feed::element::{self, Element};
use crate::feed::json;
use crate::feed::splitter::{self, Ending, Frame, Piece, Splitter};
use crate::feed::text::Decoded;
use crate::html::Markup;
use crate::html::apply;
use crate::rewrite::base::{FeedBase, PieceBase};
use crate::rewrite::bearer::{self, Bearer, JsonBearer};
use crate::rewrite::facts;
use crate::rewrite::field;
use crate::rewrite::identity;
use crate::rewrite::inline;
use crate::rewrite::link;
use crate::rewrite::passes;
use crate::rewrite::passes::images::{Covers, HtmlPass};
use crate::rewrite::template::ItemFacts;
use crate::rewrite::texts;
use crate::rewrite::tree;

/// An item, as far as an archive keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// `guid`, `id` or `rdf:about`, as written; empty where there is none.
    pub id: String,
    /// Where it leads to, absolute where that can be told.
    pub link: String,
    /// Its title as plain text.
    pub title: String,
    /// When it was published, or else last changed, in milliseconds since 1970.
    pub date_ms: Option<i64>,
    /// When it was last changed, likewise; `None` where the feed doesn't say it apart.
    pub updated_ms: Option<i64>,
    /// Who wrote it: the first one named.
    pub author: String,
    /// What it is filed under.
    pub categories: Vec<String>,
    /// The fullest of its fields, as HTML.
    pub html: String,
    /// What tells it from others of its feed that share its id, or its link without ids; empty where
    /// there are none. No format writes it.
    pub apart: String,
}

impl Entry {
    /// What tells it from the feed's other items.
    #[must_use]
    pub fn identity(&self) -> String {
        match self.apart.as_str() {
            "" => self.shared_identity(),
            apart => identity::join(&self.shared_identity(), apart),
        }
    }

    /// Its id, else its link, else its title and text: other items may have the same.
    #[must_use]
    pub fn shared_identity(&self) -> String {
        let named = [&self.id, &self.link];
        let name = named.into_iter().find(|name| !name.is_empty());
        name.cloned()
            .unwrap_or_else(|| format!("{}\n{}", self.title, self.html))
    }
}

/// Reads the items of a document of UTF-8 that comes in chunks.
#[derive(Debug)]
pub struct EntryReader {
    splitter: Splitter,
    base: FeedBase,
}

impl EntryReader {
    /// A reader for a document that came from `url`, which relative links are resolved against.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self {
            splitter: Splitter::new(splitter::SplitterOptions::default()),
            base: FeedBase::new(url),
        }
    }

    /// Takes the next chunk and hands out the items that it completes.
    pub fn push(&mut self, text: &str, see: &mut dyn FnMut(Entry)) {
        let base = &mut self.base;
        self.splitter.push(text, &mut |frame, piece| {
            if let Some(entry) = read(frame, piece, base) {
                see(entry);
            }
        });
    }

    /// The document has ended.
    pub fn finish(&mut self, see: &mut dyn FnMut(Entry)) -> Ending {
        let base = &mut self.base;
        self.splitter.finish(&mut |frame, piece| {
            if let Some(entry) = read(frame, piece, base) {
                see(entry);
            }
        })
    }
}

/// The items of a whole document that came from `url`.
#[must_use]
pub fn entries(document: &str, url: Url) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut reader = EntryReader::new(url);
    reader.push(document, &mut |entry| found.push(entry));
    reader.finish(&mut |entry| found.push(entry));
    found
}

/// The tree of a fragment of HTML; `None` when it would be too large.
#[must_use]
pub fn tree(html: &str) -> Option<dom_query::Document> {
    let tree = tree::fragment(html, tree::Limits::FIELD);
    tree.ok().map(|(document, _)| document)
}

/// `html` with the URLs of its images, as written, replaced by what `rewrite` returns for them.
#[must_use]
pub fn images(html: &str, rewrite: &mut dyn FnMut(&str) -> Option<String>) -> String {
    // Without selectors there is none to be refused.
    let Ok(pass) = HtmlPass::new(&[], Covers::default()) else {
        return html.to_owned();
    };
    let edits = pass.edits(html, Markup::Html, &mut |image| rewrite(image.url));
    apply(html, &edits)
}

/// The item in a piece, if it is one; what the envelope says of URLs is kept.
fn read(frame: &Frame, piece: Piece<'_>, base: &mut FeedBase) -> Option<Entry> {
    match (piece, frame.format) {
        (Piece::Item(text), Format::Json) => Some(of_json(text, base)),
        (Piece::Item(text), _) => Some(of_xml(text, frame, base)),
        (Piece::Element(text), Format::Json) => {
            if let Some(member) = json::member(text) {
                base.learn_member(text, &member);
            }
            None
        }
        (Piece::Element(text), _) => {
            base.learn(text, &element::elements(text, frame), &frame.bases);
            None
        }
        _ => None,
    }
}

fn of_xml(xml: &str, frame: &Frame, base: &FeedBase) -> Entry {
    let elements = element::elements(xml, frame);
    let link = link::of_item(xml, &elements);
    let base = PieceBase::of_item(base, &frame.bases, link);
    let facts = facts::of_item(xml, &elements, Some(&base));
    let url = base.item_link();
    let html = match bearer::of_item(xml, &elements) {
        Bearer::Html(index) => html_of(xml, &elements[index]),
        Bearer::Text(index) => passes::text_as_html(&texts::text(xml, &elements[index])),
        Bearer::New(_) | Bearer::None(_) => String::new(),
    };
    of_facts(&facts, url, html)
}

fn of_json(json: &str, base: &FeedBase) -> Entry {
    let members = json::members(json, 0..json.len());
    let base = PieceBase::of_item(base, &[], link::of_json_item(json, &members));
    let facts = facts::of_json_item(json, &members, Some(&base));
    let url = base.item_link();
    let string = |index: usize| {
        Decoded::json(&json[members[index].value.inner()])
            .as_str()
            .to_owned()
    };
    let html = match bearer::of_json_item(json, &members) {
        JsonBearer::Html(index) => string(index),
        JsonBearer::Empty(_, Some(text)) | JsonBearer::New(Some(text)) => {
            passes::text_as_html(&string(text))
        }
        JsonBearer::Empty(_, None) | JsonBearer::New(None) | JsonBearer::None(_) => String::new(),
    };
    of_facts(&facts, url, html)
}

fn of_facts(facts: &ItemFacts<'_>, link: String, html: String) -> Entry {
    let moment = |text: &str| date::parse(text).map(jiff::Timestamp::as_millisecond);
    let updated_ms = moment(&facts.updated);
    Entry {
        id: facts.guid.to_string(),
        link,
        title: facts.title.to_string(),
        date_ms: moment(&facts.published).or(updated_ms),
        updated_ms,
        author: facts.author.to_string(),
        categories: facts.categories.iter().map(ToString::to_string).collect(),
        html,
        apart: String::new(),
    }
}

/// A field's HTML; inline markup as HTML writes it.
fn html_of(xml: &str, element: &Element<'_>) -> String {
    let raw = &xml[element.content.clone()];
    if element.has_markup {
        let mixed = (!field::is_xhtml(element)).then(|| inline::mixed_as_html(raw));
        return mixed.flatten().unwrap_or_else(|| inline::as_html(raw));
    }
    Decoded::content(raw).as_str().to_owned()
}

#[cfg(test)]
mod tests;
