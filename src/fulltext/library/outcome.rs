//! The state of an article after its pages were read, or failed to be fetched or read.

use std::sync::Arc;
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use super::{Library, key, now_s};
use crate::fulltext::FullTextOptions;
use crate::fulltext::articles::{ArticleState, FeedArticles};
use crate::fulltext::extract::NoArticle;
use crate::fulltext::extractor::NoWorker;
use crate::fulltext::fetch::ArticleError;
use crate::fulltext::record::Failure;
use crate::rewrite::article::Article;
use crate::store::Space;

/// The pause after the first failure; it doubles with each.
const RETRY_AFTER: Duration = Duration::from_secs(300);
/// The longest pause.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(86_400);
/// How long an article is postponed where no worker is available.
const NO_WORKER_FOR: Duration = Duration::from_secs(60);

impl Library {
    /// The state of an article whose pages were read.
    pub(super) async fn concluded(
        &self,
        articles: &FeedArticles,
        link: &Arc<str>,
        article: Result<Article, NoArticle>,
    ) -> ArticleState {
        let problem = match article {
            Ok(article) => return ArticleState::Ready(Arc::new(article)),
            Err(problem) => problem,
        };
        let reason = problem.reason();
        tracing::info!(feed.name = &*articles.feed, url = &**link, reason, problem = %problem, "no full text");
        if problem != NoArticle::TooComplex {
            return ArticleState::Empty;
        }
        // Reading it again would take as many resources each time.
        let key = key(articles, link);
        self.store.remove(Space::Articles, &key).await;
        let (since, before) = articles.attempts(link);
        let failure = self.failure(articles, &problem.into(), before + 1);
        self.remember(&key, &failure);
        ArticleState::Failed { failure, since }
    }

    /// The state of an article that no worker could read: that is no failed attempt.
    pub(super) fn postponed(
        &self,
        articles: &FeedArticles,
        link: &Arc<str>,
        problem: NoWorker,
    ) -> ArticleState {
        let reason = problem.reason();
        tracing::debug!(
            feed.name = &*articles.feed,
            url = &**link,
            reason,
            "article postponed"
        );
        let (since, attempts) = articles.attempts(link);
        let failure = Failure {
            attempts,
            retry_at: now_s() + NO_WORKER_FOR.as_secs(),
            reason: reason.to_owned(),
            terms: self.terms(articles),
        };
        ArticleState::Failed { failure, since }
    }

    pub(super) fn remember(&self, key: &str, failure: &Failure) {
        if let Ok(state) = serde_json::to_vec(failure) {
            self.store.set_state(Space::Articles, key, Some(state));
        }
    }

    pub(super) fn failure(
        &self,
        articles: &FeedArticles,
        failed: &ArticleError,
        attempts: u32,
    ) -> Failure {
        let doubled = RETRY_AFTER.saturating_mul(1 << attempts.min(16).saturating_sub(1));
        let pause = doubled
            .min(RETRY_AFTER_MAX)
            .max(failed.retry_after().unwrap_or_default());
        let is_final = match failed {
            // The machine may have been too slow the first time.
            ArticleError::Page(NoArticle::TooComplex) => attempts > 1,
            failed => failed.is_final(),
        };
        let is_final = is_final || attempts >= self.limits.attempts_max;
        Failure {
            attempts,
            retry_at: if is_final {
                u64::MAX
            } else {
                now_s() + pause.as_secs()
            },
            reason: failed.reason().to_owned(),
            terms: self.terms(articles),
        }
    }

    /// A hash of the request options: with others an article is tried again at once.
    pub(super) fn terms(&self, articles: &FeedArticles) -> u64 {
        let FullTextOptions {
            cookies, headers, ..
        } = &articles.options;
        let mut terms = Vec::new();
        terms.extend(cookies.iter().flat_map(|value| value.as_bytes()));
        for (name, value) in headers {
            terms.extend_from_slice(name.as_str().as_bytes());
            terms.extend_from_slice(value.as_bytes());
        }
        let proxy = articles.upstream.proxy.iter();
        terms.extend(proxy.flat_map(|proxy| proxy.as_str().as_bytes()));
        xxh3_64(&terms)
    }
}
