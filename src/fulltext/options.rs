//! Options and limits of full texts.

use std::path::PathBuf;

use http::{HeaderName, HeaderValue};
use url::Url;

use super::recipe::{Finder, FinderError, Link, Recipe};

/// Limits of all full texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullTextLimits {
    /// The directory with files of site rules.
    pub site_rules: Option<PathBuf>,
    /// Articles that are fetched at the same time.
    pub fetches_max: usize,
    /// Items of a feed, from its top, whose articles are fetched.
    pub items_max: usize,
    /// Pages of one article.
    pub pages_max: usize,
    /// Bytes of one page; a larger one is no article.
    pub page_bytes_max: usize,
    /// Attempts to fetch an article.
    pub attempts_max: u32,
}

impl Default for FullTextLimits {
    fn default() -> Self {
        Self {
            site_rules: None,
            fetches_max: 4,
            items_max: 100,
            pages_max: 10,
            page_bytes_max: super::extract::PAGE_BYTES_MAX,
            attempts_max: 6,
        }
    }
}

/// The full-text options of a feed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FullTextOptions {
    /// CSS selectors of the article; the first that matches counts.
    pub content: Vec<String>,
    /// CSS selectors of what is removed from it first.
    pub remove: Vec<String>,
    /// A CSS selector of its title.
    pub title: Option<String>,
    /// A CSS selector of its date.
    pub date: Option<String>,
    /// A CSS selector of the link to its next page.
    pub next_page: Option<String>,
    /// Whether an item waits until its article is there.
    pub hold: bool,
    /// Hosts whose pages are asked for with `cookies` and `headers`.
    pub hosts: Vec<String>,
    /// The value of `Cookie`.
    pub cookies: Option<HeaderValue>,
    /// Further request header fields.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// Without cookies and header values, which are secrets.
impl std::fmt::Debug for FullTextOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FullTextOptions")
            .field("content", &self.content)
            .field("remove", &self.remove)
            .field("title", &self.title)
            .field("date", &self.date)
            .field("next_page", &self.next_page)
            .field("hold", &self.hold)
            .finish_non_exhaustive()
    }
}

impl FullTextOptions {
    /// Whether `url` is one that gets cookies and header fields.
    pub(super) fn is_trusted(&self, url: &Url) -> bool {
        // SECURITY: links in feeds are the publisher's, and so may lead to anybody.
        url.host_str()
            .is_some_and(|host| self.hosts.iter().any(|known| known == host))
    }

    /// Whether there are cookies or header fields, which only trusted hosts get.
    pub(super) fn has_secrets(&self) -> bool {
        self.cookies.is_some() || !self.headers.is_empty()
    }

    /// The recipe for a site's pages: `base`, changed by these options.
    ///
    /// # Errors
    /// When a selector is invalid, which validated options have none of.
    pub fn recipe(&self, base: &Recipe) -> Result<Recipe, FinderError> {
        let all = |selectors: &[String]| -> Result<Vec<Finder>, FinderError> {
            selectors
                .iter()
                .map(|selector| Finder::css(selector))
                .collect()
        };
        let one = |selector: &Option<String>| selector.as_deref().map(Finder::css).transpose();
        let mut recipe = base.clone();
        if !self.content.is_empty() {
            recipe = Recipe {
                content: all(&self.content)?,
                prune: false,
                ..Recipe::default()
            };
        }
        recipe.remove.extend(all(&self.remove)?);
        if let Some(title) = one(&self.title)? {
            recipe.title = vec![title];
        }
        if let Some(date) = one(&self.date)? {
            recipe.date = vec![date];
        }
        if let Some(to) = one(&self.next_page)? {
            recipe.next_page = vec![Link { to, when: None }];
        }
        Ok(recipe)
    }
}
