//! From the bytes of a page to an article. Pure.
//!
//! Invariants: what comes out is sanitised, its addresses are absolute, and it holds nothing but
//! what stands on the page. Nothing here bounds what a page takes: it runs in a process that is
//! bounded; bytes and depth are looked at first, so that most of what is too much is named.

mod clutter;
mod embeds;
mod facts;
mod figures;
mod oracle;
mod order;
mod page;
mod readable;
mod shape;
mod tree;
mod wall;

#[cfg(test)]
mod tests;

use dom_query::Document;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::fulltext::recipe::{Finder, Link, Recipe};
use crate::rewrite::article::{self, Article};

pub use page::{Kind, PAGE_BYTES_MAX, Page, decode};
pub use wall::Wall;

/// Bytes of an article's HTML; the sanitiser takes no more.
pub const ARTICLE_BYTES_MAX: usize = 1 << 20;
/// Letters that an article has at least, where it has no picture.
const CHARS_MIN: usize = 25;

/// Why a page gives no article.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum NoArticle {
    /// What came is no page of HTML.
    #[error("what came is {0}, no page of HTML")]
    NotAPage(Kind),
    /// Its elements are nested deeper than any page needs.
    #[error("the page is nested too deep")]
    TooDeep,
    /// There is a text in it without a tag that is made of character references.
    #[error("the page has too many character references between two tags")]
    TooManyReferences,
    /// What reading it takes is more than a page may take, in memory or in time.
    #[error("the page is too complex")]
    TooComplex,
    /// The article is larger than may be put into an item.
    #[error("the article is larger than {ARTICLE_BYTES_MAX} bytes")]
    TooLarge,
    /// There is no text in it that could be an article.
    #[error("no article was found in the page")]
    Nothing,
    /// It wants something of its reader first.
    #[error("the page is {0}")]
    Wall(Wall),
}

impl NoArticle {
    /// One stable word for logs.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotAPage(_) => "not-a-page",
            Self::TooDeep => "too-deep",
            Self::TooManyReferences => "too-many-references",
            Self::TooComplex => "too-complex",
            Self::TooLarge => "too-large",
            Self::Nothing => "nothing-found",
            Self::Wall(wall) => wall.reason(),
        }
    }
}

/// What stands on a page: what is seen of its article, and what stands before it.
pub type Found = Result<(Article, Option<Wall>), NoArticle>;

/// All that is to be known of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// The page that shows the whole article, where this one shows a part.
    pub single_page: Option<Url>,
    /// Where the article goes on.
    pub next_page: Option<Url>,
    /// The article.
    pub article: Found,
}

impl Findings {
    /// There is nothing on the page.
    #[must_use]
    pub fn none(problem: NoArticle) -> Self {
        Self {
            single_page: None,
            next_page: None,
            article: Err(problem),
        }
    }
}

/// Looks a page through.
#[must_use]
pub fn look(page: &Page, recipe: &Recipe) -> Findings {
    let mut findings = Findings::none(NoArticle::Nothing);
    // The links are looked for on the page as it came.
    let has_links = !(recipe.single_page.is_empty() && recipe.next_page.is_empty());
    if has_links && let Ok(document) = page.parse() {
        findings.single_page = follow(page, &document, &recipe.single_page);
        findings.next_page = follow(page, &document, &recipe.next_page);
    }
    findings.article = read(page, recipe);
    findings
}

/// The article that stands on several pages, its first page first.
///
/// # Errors
/// When there is none, or it can't be read.
pub fn join(pages: Vec<Found>) -> Result<Article, NoArticle> {
    let (article, wall) = join_whatever(pages)?;
    wall.map_or(Ok(article), |wall| Err(NoArticle::Wall(wall)))
}

/// The same, with what stands before the article beside what is seen of it.
///
/// # Errors
/// When there is nothing, or it can't be read.
pub fn join_whatever(pages: Vec<Found>) -> Found {
    let mut whole: Option<(Article, Option<Wall>)> = None;
    for page in pages {
        let found = match page {
            Ok(found) => found,
            // What was found before is more than nothing.
            Err(_) if whole.is_some() => continue,
            Err(problem) => return Err(problem),
        };
        match &mut whole {
            Some((whole, _)) => whole.html.push_str(&found.0.html),
            None => whole = Some(found),
        }
    }
    let mut whole = whole.ok_or(NoArticle::Nothing)?;
    article::measure(&mut whole.0);
    if whole.0.html.len() > ARTICLE_BYTES_MAX {
        return Err(NoArticle::TooLarge);
    }
    Ok(whole)
}

fn follow(page: &Page, document: &Document, links: &[Link]) -> Option<Url> {
    let found = links.iter().find_map(|link| {
        let applies = link.when.as_ref().is_none_or(|when| when.matches(document));
        applies.then(|| link.to.address(document)).flatten()
    })?;
    let base = page.base(document);
    let mut url = base.join(found.trim()).ok()?;
    url.set_fragment(None);
    (matches!(url.scheme(), "http" | "https") && url != page.url).then_some(url)
}

fn read(page: &Page, recipe: &Recipe) -> Found {
    let document = page.prepared(recipe)?.parse()?;
    let base = page.base(&document);
    let mut article = facts::of(&document, &base);
    facts::ask(&mut article, &document, recipe);
    let asks_for_password = wall::asks_for_password(&document);
    embeds::promote(&document);
    tree::make_absolute(&document, &base);
    let html = match by_recipe(&document, recipe, &base) {
        Some(html) => html,
        None if recipe.autodetect => readable::find(&document, &article.title, &base),
        None => return Err(NoArticle::Nothing),
    };
    let html = article::make_absolute(&html, &base);
    if html.len() > ARTICLE_BYTES_MAX {
        return Err(NoArticle::TooLarge);
    }
    article.html = article::sanitize(&html);
    let wall = wall::find(page, asks_for_password, &article.html);
    if wall.is_some() {
        return Ok((article, wall));
    }
    let has_text = tree::text_chars(&article.html) >= CHARS_MIN;
    if !has_text && !article.html.contains("<img") {
        return Err(NoArticle::Nothing);
    }
    Ok((article, None))
}

/// What a recipe calls the article, without what it wants removed.
fn by_recipe(document: &Document, recipe: &Recipe, base: &Url) -> Option<String> {
    for finder in &recipe.remove {
        finder.remove(document);
    }
    for part in &recipe.remove_pictures {
        remove_pictures(document, part);
    }
    if recipe.content.is_empty() {
        return None;
    }
    let found = recipe.content.iter().find_map(|finder: &Finder| {
        let html = finder.html(document);
        (!html.trim().is_empty()).then_some(html)
    })?;
    Some(readable::tidy(&found, recipe.prune, base))
}

fn remove_pictures(document: &Document, part: &str) {
    for picture in document.select("img").nodes() {
        if picture.attr("src").is_some_and(|src| src.contains(part)) {
            picture.remove_from_parent();
        }
    }
}
