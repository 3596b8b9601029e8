//! Where on a page its article is, when nobody says.
//!
//! The search is Readability's, as dom_smoothie has it, over a page that boilerplate was taken out of;
//! what it leaves behind or takes along too much is put right afterwards.

use dom_query::Document;
use dom_smoothie::{CandidateSelectMode, Config, Readability};
use url::Url;

use super::opaque::Opaque;
use super::order::Order;
use super::state::{self, Told};
use super::statistics::Statistics;
use super::{NoArticle, boilerplate, copies, facts, figures, headings, lines, plain, shape, tree};

/// Elements of a page that the search takes on.
const ELEMENTS_MAX: usize = 200_000;
/// Letters with which the search is content in a page without boilerplate, and in one as it is.
const ENOUGH_CHARS: (usize, usize) = (150, 500);
/// Letters of prose on a page from which on its scripts are not asked for an article.
const SHOWN_PROSE: usize = 2_000;
/// How many times as long as what a page shows its data's article is, where that is taken.
const TOLD_TIMES: usize = 2;
/// Letters by which the same article is known.
const BEGIN_LETTERS: usize = 40;
/// Letters of a text that asks for scripts.
const PLEA_CHARS_MAX: usize = 300;

/// The article of a page as HTML.
///
/// # Errors
/// When the page has none.
pub(super) fn find(document: &Document, title: &str, base: &Url) -> Result<String, NoArticle> {
    let body = facts::body(document);
    let prose = Statistics::of(document).prose;
    let has_scripts = document.select_single("script, noscript").exists();
    let state = (prose < SHOWN_PROSE)
        .then(|| state::find(document))
        .flatten();
    let shown = shown(document, title, base, body.as_deref());
    let chars = tree::text_chars(&shown);
    let told = body.map(|body| state::html_of(&body));
    let is_more =
        |told: &Told| told.letters >= state::LETTERS_MIN && told.letters > TOLD_TIMES * chars;
    // A state holds other texts too.
    let is_this = |told: &Told| chars < state::LETTERS_MIN || begins_in(&shown, &told.html);
    let state = state.filter(|told| is_more(told) && is_this(told));
    if let Some(told) = told.filter(is_more).or(state) {
        return Ok(tidy(&told.html, false, base));
    }
    let is_plea = chars < PLEA_CHARS_MAX && shown.to_lowercase().contains("javascript");
    if has_scripts && (shown.is_empty() || is_plea) {
        return Err(NoArticle::Scripts);
    }
    Ok(shown)
}

/// Whether the beginning of one text is in the other.
fn begins_in(one: &str, other: &str) -> bool {
    let letters = |html: &str| -> String { super::letters(html).collect() };
    let begin: String = super::letters(one).take(BEGIN_LETTERS).collect();
    letters(other).contains(&begin)
}

/// The article that a page shows; empty when there is none.
fn shown(document: &Document, title: &str, base: &Url, body: Option<&str>) -> String {
    let oracle = body.and_then(facts::oracle);
    plain::make(&document.root());
    headings::make(document);
    let opaque = Opaque::take(document);
    boilerplate::remove_teasers(document);
    let statistics = Statistics::of(document);
    boilerplate::keep_notes(document, &statistics);
    lines::make(document, &statistics);
    let untouched = document.clone();
    boilerplate::remove_site(&untouched);
    boilerplate::remove(document);
    figures::make(document, &document.root());
    let order = Order::of(document);
    let clean = search(document.clone(), base, ENOUGH_CHARS.0);
    let plain = search(untouched, base, ENOUGH_CHARS.1);
    // What was taken for boilerplate may have been the article.
    let html = if tree::text_chars(&clean) * 2 < tree::text_chars(&plain) {
        plain
    } else {
        clean
    };
    let found = tree::fragment(&html);
    let root = found.root();
    copies::remove(&root);
    figures::make(&found, &root);
    lines::clean(&root);
    let mut blocks = shape::blocks(&found, &root);
    shape::trim(&mut blocks, title, oracle.as_ref());
    order.restore(&found, &mut blocks);
    let article = found.tree.new_element("div");
    for block in &blocks {
        article.append_child(block);
    }
    opaque.put_back(&article);
    tree::inner_html(&article)
}

/// What somebody said is the article, as a sequence of blocks; with `prune` without boilerplate.
pub(super) fn tidy(html: &str, prune: bool, _base: &Url) -> String {
    let found = tree::parse(html);
    if prune {
        boilerplate::remove(&found);
    }
    let Some(body) = found.body() else {
        return String::new();
    };
    plain::make(&body);
    figures::make(&found, &body);
    let mut blocks = shape::blocks(&found, &body);
    if prune {
        shape::drop_away(&mut blocks);
    }
    shape::html(&blocks)
}

fn search(document: Document, base: &Url, enough: usize) -> String {
    boilerplate::hide_names(&document);
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
