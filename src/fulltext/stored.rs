//! Articles as they are stored, for who only looks: nothing is fetched here.

use super::extractor::{Extractor, NoWorker};
use super::record::{self, ArticleRecord, Failure};
use super::{FullTextLimits, FullTextOptions, Sites};
use crate::rewrite::article::Article;
use crate::store::StoredEntry;

/// Whether the full text of an item is there, as far as the store knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArticleStatus {
    /// Its pages are stored.
    Stored,
    /// It was not tried yet.
    Awaited,
    /// It could not be fetched or read so far, and is tried again.
    Failing {
        /// The reason, in one word.
        reason: String,
        /// Seconds since 1970 of the next try.
        retry_at_s: u64,
    },
    /// It can't be had, and is not tried again.
    Failed {
        /// The reason, in one word.
        reason: String,
    },
}

impl ArticleStatus {
    /// The status of an article, from its stored pages and its stored state.
    #[must_use]
    pub fn of_stored(pages: Option<&StoredEntry>, state: Option<&[u8]>) -> Self {
        let kept = pages.and_then(|entry| record::decode(&entry.meta, &entry.body));
        if kept.is_some_and(|kept| !kept.is_partial) {
            return Self::Stored;
        }
        let failure = state.and_then(|state| serde_json::from_slice::<Failure>(state).ok());
        match failure {
            None => Self::Awaited,
            Some(failure) if failure.is_final() => Self::Failed {
                reason: failure.reason,
            },
            Some(failure) => Self::Failing {
                reason: failure.reason,
                retry_at_s: failure.retry_at,
            },
        }
    }
}

/// The key of what is stored of the article that `link` leads to from a feed.
#[must_use]
pub fn article_key(feed: &str, link: &str) -> String {
    record::key(feed, link)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_follows_from_what_is_stored() {
        let state = |retry_at: u64| {
            let failure = Failure {
                reason: "timeout".to_owned(),
                retry_at,
                ..Failure::default()
            };
            serde_json::to_vec(&failure).unwrap()
        };
        let of = |state: Option<&[u8]>| ArticleStatus::of_stored(None, state);
        assert_eq!(of(None), ArticleStatus::Awaited);
        assert_eq!(of(Some(b"?")), ArticleStatus::Awaited);
        let reason = "timeout".to_owned();
        assert_eq!(
            of(Some(&state(7))),
            ArticleStatus::Failing {
                reason: reason.clone(),
                retry_at_s: 7
            }
        );
        assert_eq!(of(Some(&state(u64::MAX))), ArticleStatus::Failed { reason });
        let (meta, body) = record::encode(&[], false).unwrap();
        let entry = StoredEntry {
            meta,
            body,
            body_bytes: 0,
            reads_in_pieces: true,
            stored_at: std::time::UNIX_EPOCH,
        };
        let status = ArticleStatus::of_stored(Some(&entry), Some(&state(7)));
        assert_eq!(status, ArticleStatus::Stored);
    }
}
