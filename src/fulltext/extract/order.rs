//! Images that the search for the text left behind: the one between title and text, and those
//! between two paragraphs.
//!
//! Invariant: nothing is put before the first paragraph but the one lead image, and nothing behind
//! the last.

use std::collections::{HashMap, HashSet};

use dom_query::{Document, NodeRef};

use super::figures::stem;
use super::tree::{chars_of, is_any, line_of, link_share, names_of};

/// Images that are put back.
const IMAGES_MAX: usize = 60;
/// Letters of a text by which it is found again.
const KEY_CHARS: usize = 60;
/// Letters of a text that may stand elsewhere too.
const KEY_CHARS_MIN: usize = 20;
/// An image whose page says that it is smaller is an ornament.
const SIDE_MIN: u32 = 150;
/// What images are called that belong to no article, in part.
const NO_IMAGES: &[&str] = &[
    "logo", "avatar", "icon", "author", "profile", "sprite", "emoji", "badge", "promo", "related",
    "teaser", "thumb-",
];

/// A page in the order of its texts and images.
#[derive(Debug, Default)]
pub(super) struct Order {
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Title,
    Text(String),
    Image {
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
                pieces.extend(image_of(&node));
            }
        }
        Self { pieces }
    }

    /// Puts the images that are missing in `list` where they stood.
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
        let starts_with_image = list
            .first()
            .is_some_and(|block| is_any(block, &["figure", "img", "picture"]));
        let mut at = 0;
        for (index, piece) in self.pieces.iter().enumerate().take(last).skip(title) {
            at = place(piece).map_or(at, |block| block + 1);
            let Piece::Image { addresses, html } = piece else {
                continue;
            };
            let is_lead = index < first;
            let is_known = addresses.iter().any(|address| known.contains(address));
            let is_second_lead = is_lead && (starts_with_image || !back.is_empty());
            if is_known || is_second_lead || back.len() >= IMAGES_MAX {
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

/// A figure, or an image that is in none.
fn image_of(node: &NodeRef<'_>) -> Option<Piece> {
    let mut link = None;
    for above in node.ancestors_it(None) {
        if is_any(&above, &["figure", "aside", "nav", "footer", "form"]) {
            return None;
        }
        if above.has_name("a") {
            link = Some(above);
        }
    }
    let images: Vec<_> = if node.has_name("img") {
        vec![*node]
    } else {
        node.descendants_it()
            .filter(|inner| inner.has_name("img"))
            .collect()
    };
    let is_ornament = images
        .iter()
        .all(|image| is_small(image) || is_named_away(image))
        || is_named_away(node);
    let leads_away = link.is_some_and(|link| !leads_to_image(&link))
        || node.has_name("figure") && link_share(node) > 0.7 && chars_of(node) > 20;
    let addresses: Vec<String> = images
        .iter()
        .map(|image| stem(&image.attr_or("src", "")))
        .filter(|address| !address.is_empty() && !address.starts_with("data:"))
        .collect();
    (!addresses.is_empty() && !is_ornament && !leads_away).then(|| Piece::Image {
        addresses,
        html: node.html().to_string(),
    })
}

fn is_small(image: &NodeRef<'_>) -> bool {
    ["width", "height"].iter().any(|side| {
        image
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
    NO_IMAGES.iter().any(|name| names.contains(name))
}

fn leads_to_image(link: &NodeRef<'_>) -> bool {
    let href = link.attr_or("href", "#").to_ascii_lowercase();
    href.starts_with(['#', 'j'])
        || [
            ".jpg", ".jpeg", ".png", ".webp", ".gif", "/image", "/photo", "/bild",
        ]
        .iter()
        .any(|part| href.contains(part))
}
