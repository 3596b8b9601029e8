//! Articles as they are stored, for who only looks: nothing is fetched here.

use super::record;
use super::{Limits, Options, Sites, extract};
use crate::rewrite::article::Article;
use crate::store::Entry;

/// Makes articles of one feed of what is stored of them.
#[derive(Debug)]
pub struct StoredArticles {
    feed: String,
    options: Options,
    sites: Sites,
}

impl StoredArticles {
    /// Those of the feed of this name.
    #[must_use]
    pub fn new(feed: &str, options: Options, limits: &Limits) -> Self {
        Self {
            feed: feed.to_owned(),
            options,
            sites: Sites::new(limits.site_rules.clone()),
        }
    }

    /// The key of what is stored of the article that `link` leads to.
    #[must_use]
    pub fn key(&self, link: &str) -> String {
        record::key(&self.feed, link)
    }

    /// The article of a stored body; `None` where its pages have none.
    #[must_use]
    pub fn article(&self, entry: &Entry) -> Option<Article> {
        let pages = record::decode(&entry.meta, &entry.body)?;
        let host = pages.first().and_then(|page| page.url.host_str());
        let site = self.sites.recipe(host.unwrap_or_default());
        let own = self.options.recipe(&site);
        let pages: Result<Vec<_>, _> = pages.iter().map(record::Stored::page).collect();
        extract::extract(&pages.ok()?, own.as_ref().unwrap_or(&site)).ok()
    }
}
