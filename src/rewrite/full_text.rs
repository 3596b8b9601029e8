//! An item with its full text in it, before the rules come to it.

use std::cell::RefCell;
use std::sync::Arc;

use crate::feed::element;
use crate::feed::json;
use crate::feed::splitter::Frame;
use crate::feed::text::Decoded;
use crate::rewrite::article::{Answer, Article, Articles};
use crate::rewrite::base::{FeedBase, PieceBase};
use crate::rewrite::field::{self, Fullness, Role};
use crate::rewrite::figure::Figure;
use crate::rewrite::item_content;
use crate::rewrite::link;
use crate::rewrite::texts;

/// How much longer what an item has may be than its article: then it is no summary, and the page
/// has less than the feed.
const LONGER_MAX: usize = 2;

/// The full texts of one document.
#[derive(Debug)]
pub(super) struct FullTexts {
    articles: Articles,
    figure: Option<Figure>,
    /// The URLs of items whose article is still to come.
    missing: RefCell<Vec<String>>,
}

/// What becomes of an item.
pub(super) enum Prepared {
    /// It stays.
    AsItIs,
    /// It has its article in it.
    Filled(String, Arc<Article>),
    /// It is not to be seen yet.
    Held,
}

impl FullTexts {
    pub(super) fn new(articles: Articles, figure: Option<Figure>) -> Self {
        Self {
            articles,
            figure,
            missing: RefCell::default(),
        }
    }

    /// The URLs of items whose article is still to come.
    pub(super) fn missing(&self) -> Vec<String> {
        self.missing.borrow().clone()
    }

    pub(super) fn in_xml(&self, xml: &str, frame: &Frame, base: &FeedBase) -> Prepared {
        let elements = element::elements(xml, frame);
        let base = PieceBase::of_item(base, &frame.bases, link::of_item(xml, &elements));
        let own = || {
            let fields = (0..elements.len()).filter(|&index| {
                let role = field::role(&elements, index);
                elements[index].depth == 1
                    && matches!(role, Role::Html(fullness) if fullness > Fullness::Aside)
            });
            let letters = fields.map(|index| {
                let raw = &xml[elements[index].content.clone()];
                letters_of(Decoded::content(raw).as_str())
            });
            letters.max().unwrap_or_default()
        };
        self.prepare(&base, own, |html| {
            item_content::in_xml(xml, &elements, frame, html)
        })
    }

    pub(super) fn in_json(&self, text: &str, base: &FeedBase) -> Prepared {
        let members = json::members(text, 0..text.len());
        let base = PieceBase::of_item(base, &[], link::of_json_item(text, &members));
        let own = || {
            let content = members
                .iter()
                .filter(|member| matches!(member.key.as_ref(), "content_html" | "content_text"));
            let letters = content.map(|member| letters_of(&texts::string(text, member)));
            letters.max().unwrap_or_default()
        };
        self.prepare(&base, own, |html| {
            item_content::in_json(text, &members, html)
        })
    }

    fn prepare(
        &self,
        base: &PieceBase<'_>,
        own_letters: impl FnOnce() -> usize,
        land: impl FnOnce(&str) -> Option<String>,
    ) -> Prepared {
        let url = base.item_link();
        let article = match self.articles.answer(&url) {
            Answer::Article(article) => article,
            Answer::Missing => {
                self.missing.borrow_mut().push(url);
                return Prepared::AsItIs;
            }
            Answer::Hold => {
                self.missing.borrow_mut().push(url);
                return Prepared::Held;
            }
            Answer::None => return Prepared::AsItIs,
        };
        if own_letters() > letters_of(&article.html).saturating_mul(LONGER_MAX) {
            return Prepared::AsItIs;
        }
        let landed = match &self.figure {
            Some(figure) => land(&figure.apply(&article.html)),
            None => land(&article.html),
        };
        landed.map_or(Prepared::AsItIs, |text| Prepared::Filled(text, article))
    }
}

/// Letters of the text of a piece of HTML.
fn letters_of(html: &str) -> usize {
    let text = texts::without_tags(html);
    text.chars()
        .filter(|letter| !letter.is_whitespace())
        .count()
}
