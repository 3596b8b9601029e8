//! Pictures that the search for the text left behind: the one between title and text, and those
//! between two paragraphs.
//!
//! Invariant: nothing is put before the first paragraph but the one lead picture, and nothing behind
//! the last.

use std::collections::{HashMap, HashSet};

use dom_query::{Document, NodeRef};

use super::figures::stem;
use super::tree::{chars_of, is_any, line_of, link_share, names_of};

/// Pictures that are put back.
const PICTURES_MAX: usize = 60;
/// Letters of a text by which it is found again.
const KEY_CHARS: usize = 60;
/// Letters of a text that may stand elsewhere too.
const KEY_CHARS_MIN: usize = 20;
/// A picture whose page says that it is smaller is an ornament.
const SIDE_MIN: u32 = 150;
/// What pictures are called that belong to no article, in part.
const NO_PICTURES: &[&str] = &[
    "logo", "avatar", "icon", "author", "profile", "sprite", "emoji", "badge", "promo", "related",
    "teaser", "thumb-",
];

/// A page in the order of its texts and pictures.
#[derive(Debug, Default)]
pub(super) struct Order {
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Title,
    Text(String),
    Picture {
        addresses: Vec<String>,
        html: String,
    },
}

impl Order {
    /// Reads a page.
    pub(super) fn of(document: &Document) -> Self {
        let mut pieces = Vec::new();
        let Some(body) = document.body() else {
            return Self::default();
        };
        for node in body.descendants_it() {
            if node.has_name("h1") {
                pieces.push(Piece::Title);
            } else if is_any(
                &node,
                &[
                    "p",
                    "li",
                    "h2",
                    "h3",
                    "h4",
                    "td",
                    "div",
                    "pre",
                    "span",
                    "blockquote",
                ],
            ) {
                let own = if is_any(&node, &["div", "span", "td", "li", "blockquote"]) {
                    node.immediate_text().to_string()
                } else {
                    line_of(&node)
                };
                pieces.extend(key_of(&own).map(Piece::Text));
            } else if is_any(&node, &["figure", "img"]) {
                pieces.extend(picture_of(&node));
            }
        }
        Self { pieces }
    }

    /// Puts the pictures that are missing in `list` where they stood.
    pub(super) fn restore<'a>(&self, document: &'a Document, list: &mut Vec<NodeRef<'a>>) {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut known: HashSet<String> = HashSet::new();
        for (at, block) in list.iter().enumerate() {
            for node in std::iter::once(*block).chain(block.descendants_it()) {
                if node.has_name("img") {
                    known.insert(stem(&node.attr_or("src", "")));
                }
                let text = if node.id == block.id {
                    Some(line_of(block))
                } else {
                    is_any(&node, &["p", "li", "td", "div", "blockquote", "span"])
                        .then(|| line_of(&node))
                };
                if let Some(key) = text.as_deref().and_then(key_of) {
                    places.entry(key).or_insert(at);
                }
            }
        }
        let place = |piece: &Piece| match piece {
            Piece::Text(key) => places.get(key).copied(),
            _ => None,
        };
        let (Some(first), Some(last)) = (
            self.pieces.iter().position(|piece| place(piece).is_some()),
            self.pieces.iter().rposition(|piece| place(piece).is_some()),
        ) else {
            return;
        };
        let title = self.pieces[..first]
            .iter()
            .rposition(|piece| matches!(piece, Piece::Title))
            .unwrap_or(first);
        let mut back: Vec<(usize, &str)> = Vec::new();
        let starts_with_picture = list
            .first()
            .is_some_and(|block| is_any(block, &["figure", "img", "picture"]));
        let mut at = 0;
        for (index, piece) in self.pieces.iter().enumerate().take(last).skip(title) {
            at = place(piece).map_or(at, |block| block + 1);
            let Piece::Picture { addresses, html } = piece else {
                continue;
            };
            let is_lead = index < first;
            let is_known = addresses.iter().any(|address| known.contains(address));
            let is_second_lead = is_lead && (starts_with_picture || !back.is_empty());
            if is_known || is_second_lead || back.len() >= PICTURES_MAX {
                continue;
            }
            known.extend(addresses.iter().cloned());
            back.push((if is_lead { 0 } else { at }, html));
        }
        for (at, html) in back.into_iter().rev() {
            let holder = document.tree.new_element("div");
            holder.set_html(html);
            for (offset, child) in holder.children().into_iter().enumerate() {
                list.insert((at + offset).min(list.len()), child);
            }
        }
    }
}

fn key_of(text: &str) -> Option<String> {
    let key: String = text
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .take(KEY_CHARS)
        .collect();
    (key.chars().nth(KEY_CHARS_MIN).is_some()).then_some(key)
}

/// A figure, or a picture that stands in none.
fn picture_of(node: &NodeRef<'_>) -> Option<Piece> {
    let mut link = None;
    for above in node.ancestors_it(None) {
        if is_any(&above, &["figure", "aside", "nav", "footer", "form"]) {
            return None;
        }
        if above.has_name("a") {
            link = Some(above);
        }
    }
    let pictures: Vec<_> = if node.has_name("img") {
        vec![*node]
    } else {
        node.descendants_it()
            .filter(|inner| inner.has_name("img"))
            .collect()
    };
    let is_ornament = pictures
        .iter()
        .all(|picture| is_small(picture) || is_named_away(picture))
        || is_named_away(node);
    let leads_away = link.is_some_and(|link| !leads_to_picture(&link))
        || node.has_name("figure") && link_share(node) > 0.7 && chars_of(node) > 20;
    let addresses: Vec<String> = pictures
        .iter()
        .map(|picture| stem(&picture.attr_or("src", "")))
        .filter(|address| !address.is_empty() && !address.starts_with("data:"))
        .collect();
    (!addresses.is_empty() && !is_ornament && !leads_away).then(|| Piece::Picture {
        addresses,
        html: node.html().to_string(),
    })
}

fn is_small(picture: &NodeRef<'_>) -> bool {
    ["width", "height"].iter().any(|side| {
        picture
            .attr(side)
            .and_then(|size| size.trim_end_matches("px").parse::<u32>().ok())
            .is_some_and(|size| size < SIDE_MIN)
    })
}

fn is_named_away(node: &NodeRef<'_>) -> bool {
    let mut names = names_of(node);
    if let Some(address) = node.attr("src") {
        names.push_str(&stem(&address).to_ascii_lowercase());
    }
    NO_PICTURES.iter().any(|name| names.contains(name))
}

fn leads_to_picture(link: &NodeRef<'_>) -> bool {
    let href = link.attr_or("href", "#").to_ascii_lowercase();
    href.starts_with(['#', 'j'])
        || [
            ".jpg", ".jpeg", ".png", ".webp", ".gif", "/image", "/photo", "/bild",
        ]
        .iter()
        .any(|part| href.contains(part))
}
