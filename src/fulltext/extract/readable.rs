//! Where on a page its article is, when nobody says.
//!
//! The search is Readability's, as dom_smoothie has it, over a page that clutter was taken out of;
//! what it leaves behind or takes along too much is put right afterwards.

use dom_query::Document;
use dom_smoothie::{CandidateSelectMode, Config, Readability};
use url::Url;

use super::order::Order;
use super::{clutter, facts, figures, shape, tree};

/// Elements of a page that the search takes on.
const ELEMENTS_MAX: usize = 200_000;
/// Letters with which the search is content in a page without clutter, and in one as it is.
const ENOUGH_CHARS: (usize, usize) = (150, 500);

/// The article of a page as HTML; empty when there is none.
pub(super) fn find(document: &Document, title: &str, base: &Url) -> String {
    let oracle = facts::oracle(document);
    let plain = search(document.clone(), base, ENOUGH_CHARS.1);
    clutter::remove(document);
    figures::make(document, &document.root());
    let order = Order::of(document);
    let clean = search(document.clone(), base, ENOUGH_CHARS.0);
    // What was taken for clutter may have been the article.
    let html = if tree::text_chars(&clean) * 2 < tree::text_chars(&plain) {
        plain
    } else {
        clean
    };
    let found = Document::fragment(html.as_str());
    let root = found.root();
    figures::make(&found, &root);
    let mut blocks = shape::blocks(&found, &root);
    shape::trim(&mut blocks, title, oracle.as_ref());
    order.restore(&found, &mut blocks);
    shape::html(&blocks)
}

/// What somebody said is the article, as a sequence of blocks; with `prune` without clutter.
pub(super) fn tidy(html: &str, prune: bool, _base: &Url) -> String {
    let found = if prune {
        let page = Document::from(html);
        clutter::remove(&page);
        page
    } else {
        Document::from(html)
    };
    let Some(body) = found.body() else {
        return String::new();
    };
    figures::make(&found, &body);
    let mut blocks = shape::blocks(&found, &body);
    if prune {
        shape::drop_away(&mut blocks);
    }
    shape::html(&blocks)
}

fn search(document: Document, base: &Url, enough: usize) -> String {
    let config = Config {
        keep_classes: true,
        char_threshold: enough,
        max_elements_to_parse: ELEMENTS_MAX,
        candidate_select_mode: CandidateSelectMode::Readability,
        disable_json_ld: true,
        ..Config::default()
    };
    let article = Readability::with_document(document, Some(base.as_str()), Some(config))
        .and_then(|mut page| page.parse());
    article
        .map(|article| article.content.to_string())
        .unwrap_or_default()
}
