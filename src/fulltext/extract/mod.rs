//! From the bytes of a page to an article. Pure.
//!
//! Invariants: what comes out is sanitised, its addresses are absolute, and it holds nothing but
//! what stands on the page. Nothing here bounds what a page takes: it runs in a process that is
//! bounded; bytes and depth are looked at first, so that most of what is too much is named.

mod boilerplate;
mod copies;
mod facts;
mod figures;
mod formulas;
mod headings;
mod lines;
mod names;
mod opaque;
mod oracle;
mod order;
mod page;
mod plain;
mod players;
mod readable;
mod shape;
mod state;
mod statistics;
mod tree;
mod wall;
mod xhtml;

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
/// Bytes of an article's HTML from which on its page is not left for another one that it names.
const REFRESH_BYTES_MAX: usize = 1_000;
/// Seconds after which a page sends its reader on.
const REFRESH_SECONDS_MAX: f32 = 10.0;
/// Letters that an article has at least, where it has no image.
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
    /// What reading it takes is more than a page may take, in memory or in time.
    #[error("the page is too complex")]
    TooComplex,
    /// The article is larger than may be put into an item.
    #[error("the article is larger than {ARTICLE_BYTES_MAX} bytes")]
    TooLarge,
    /// There is no text in it that could be an article.
    #[error("no article was found in the page")]
    Nothing,
    /// Scripts fill it, and its data hold no article.
    #[error("the page is filled by scripts, and what they start from holds no article")]
    Scripts,
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
            Self::TooComplex => "too-complex",
            Self::TooLarge => "too-large",
            Self::Nothing => "nothing-found",
            Self::Scripts => "filled-by-scripts",
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
    let is_short = match &findings.article {
        Ok((article, wall)) => wall.is_none() && article.html.len() < REFRESH_BYTES_MAX,
        Err(problem) => matches!(problem, NoArticle::Nothing | NoArticle::Scripts),
    };
    if findings.single_page.is_none() && is_short {
        findings.single_page = refresh(page);
    }
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

/// Whether two pages show the same text, whatever they link to.
#[must_use]
pub fn show_the_same(one: &Found, other: &Found) -> bool {
    let (Ok((one, _)), Ok((other, _))) = (one, other) else {
        return false;
    };
    letters(&one.html).eq(letters(&other.html))
}

/// Letters of an article, which is sanitised: a `<` starts a tag.
fn letters(html: &str) -> impl Iterator<Item = char> + '_ {
    let mut is_tag = false;
    html.chars().filter(move |letter| {
        is_tag = *letter == '<' || is_tag && *letter != '>';
        !is_tag && letter.is_alphanumeric()
    })
}

/// Where a page sends its reader by `<meta http-equiv=refresh>`.
fn refresh(page: &Page) -> Option<Url> {
    let mark = "http-equiv";
    let may_be = memchr::memmem::find(page.text.as_bytes(), mark.as_bytes()).is_some()
        || page.text.to_ascii_lowercase().contains(mark);
    let document = may_be.then(|| page.parse().ok()).flatten()?;
    let all = document.select("meta[http-equiv='refresh' i]");
    // Those in `noscript` are for who runs no scripts, and seldom lead to the article.
    let meta = all.nodes().iter().find(|meta| {
        !meta
            .ancestors_it(None)
            .any(|above| above.has_name("noscript"))
    })?;
    let content = meta.attr("content")?;
    let (seconds, rest) = content.split_once([';', ','])?;
    if seconds.trim().parse::<f32>().ok()? > REFRESH_SECONDS_MAX {
        return None;
    }
    let rest = rest.trim();
    let is_named = rest
        .get(..3)
        .is_some_and(|start| start.eq_ignore_ascii_case("url"));
    let target = if is_named {
        rest[3..]
            .trim_start()
            .strip_prefix('=')
            .unwrap_or(&rest[3..])
    } else {
        rest
    };
    let target = target.trim().trim_matches(['"', '\'']);
    let mut url = page.base(&document).join(target).ok()?;
    url.set_fragment(None);
    (matches!(url.scheme(), "http" | "https") && url != page.url).then_some(url)
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
    formulas::settle(&document);
    players::promote(&document);
    tree::make_absolute(&document, &base);
    let html = match by_recipe(&document, recipe, &base) {
        Some(html) => html,
        None if recipe.autodetect => readable::find(&document, &article.title, &base)?,
        None => return Err(NoArticle::Nothing),
    };
    let html = article::make_absolute(&html, &base);
    if html.len() > ARTICLE_BYTES_MAX {
        return Err(NoArticle::TooLarge);
    }
    article.html = formulas::sanitize(&html);
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
    for part in &recipe.remove_images {
        remove_images(document, part);
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

fn remove_images(document: &Document, part: &str) {
    for image in document.select("img").nodes() {
        if image.attr("src").is_some_and(|src| src.contains(part)) {
            image.remove_from_parent();
        }
    }
}
