//! Articles as they are stored, for who only looks: nothing is fetched here.

use super::extractor::{Extractor, NoWorker};
use super::record::{self, ArticleRecord};
use super::{FullTextLimits, FullTextOptions, Sites};
use crate::rewrite::article::Article;
use crate::store::StoredEntry;

/// Makes articles of one feed of what is stored of them.
#[derive(Debug)]
pub struct StoredArticles {
    feed: String,
    options: FullTextOptions,
    sites: Sites,
    extractor: Extractor,
}

impl StoredArticles {
    /// Those of the feed of this name.
    #[must_use]
    pub fn new(
        feed: &str,
        options: FullTextOptions,
        limits: &FullTextLimits,
        extractor: Extractor,
    ) -> Self {
        Self {
            feed: feed.to_owned(),
            options,
            sites: Sites::new(limits.site_rules.clone()),
            extractor,
        }
    }

    /// The key of what is stored of the article that `link` leads to.
    #[must_use]
    pub fn key(&self, link: &str) -> String {
        record::key(&self.feed, link)
    }

    /// The article of a stored body; `None` where its pages have none.
    ///
    /// # Errors
    /// When there is no worker to read them.
    pub async fn article(&self, entry: &StoredEntry) -> Result<Option<Article>, NoWorker> {
        let kept = record::decode(&entry.meta, &entry.body);
        let Some(ArticleRecord { pages, .. }) = kept.filter(|kept| !kept.is_partial) else {
            return Ok(None);
        };
        let host = pages.first().and_then(|page| page.url.host_str());
        let site = self.sites.recipe(host.unwrap_or_default());
        let own = self.options.recipe(&site);
        let recipe = own.as_ref().unwrap_or(&site);
        Ok(self.extractor.article(&pages, recipe).await?.ok())
    }
}
