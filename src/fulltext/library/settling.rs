//! What becomes of an article whose pages were read, or could not be fetched or read.

use std::sync::Arc;
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use super::{Library, key, now_s};
use crate::fulltext::Options;
use crate::fulltext::extract::NoArticle;
use crate::fulltext::extractor::NoWorker;
use crate::fulltext::fetch::Failed;
use crate::fulltext::record::Failure;
use crate::fulltext::shelf::{Book, Shelf};
use crate::rewrite::article::Article;
use crate::store::Space;

/// The pause after the first failure; it doubles with each.
const RETRY_AFTER: Duration = Duration::from_secs(300);
/// The longest pause.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(86_400);
/// How long an article that no worker was there for is put off.
const NO_WORKER_FOR: Duration = Duration::from_secs(60);

impl Library {
    /// What is known of an article whose pages were read.
    pub(super) async fn settle(
        &self,
        shelf: &Shelf,
        link: &Arc<str>,
        article: Result<Article, NoArticle>,
    ) -> Book {
        let problem = match article {
            Ok(article) => return Book::Here(Arc::new(article)),
            Err(problem) => problem,
        };
        let reason = problem.reason();
        tracing::info!(feed.name = &*shelf.feed, url = &**link, reason, problem = %problem, "no full text");
        if problem != NoArticle::TooComplex {
            return Book::Blank;
        }
        // Reading it again would take as much each time.
        let key = key(shelf, link);
        self.store.remove(Space::Articles, &key).await;
        let (since, before) = shelf.past(link);
        let failure = self.failure(shelf, &problem.into(), before + 1);
        self.remember(&key, &failure);
        Book::Failed { failure, since }
    }

    /// No worker is there to read pages: that is no failed try.
    pub(super) fn put_off(&self, shelf: &Shelf, link: &Arc<str>, problem: NoWorker) -> Book {
        let reason = problem.reason();
        tracing::debug!(
            feed.name = &*shelf.feed,
            url = &**link,
            reason,
            "article put off"
        );
        let (since, attempts) = shelf.past(link);
        let failure = Failure {
            attempts,
            retry_at: now_s() + NO_WORKER_FOR.as_secs(),
            reason: reason.to_owned(),
            terms: self.terms(shelf),
        };
        Book::Failed { failure, since }
    }

    pub(super) fn remember(&self, key: &str, failure: &Failure) {
        if let Ok(state) = serde_json::to_vec(failure) {
            self.store.set_state(Space::Articles, key, Some(state));
        }
    }

    pub(super) fn failure(&self, shelf: &Shelf, failed: &Failed, attempts: u32) -> Failure {
        let doubled = RETRY_AFTER.saturating_mul(1 << attempts.min(16).saturating_sub(1));
        let pause = doubled
            .min(RETRY_AFTER_MAX)
            .max(failed.retry_after().unwrap_or_default());
        let is_final = match failed {
            // The machine may have been too slow for it, once.
            Failed::Page(NoArticle::TooComplex) => attempts > 1,
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
            terms: self.terms(shelf),
        }
    }

    /// Changes when what articles are fetched with does.
    pub(super) fn terms(&self, shelf: &Shelf) -> u64 {
        let Options {
            cookies, headers, ..
        } = &shelf.options;
        let mut terms = Vec::new();
        terms.extend(cookies.iter().flat_map(|value| value.as_bytes()));
        for (name, value) in headers {
            terms.extend_from_slice(name.as_str().as_bytes());
            terms.extend_from_slice(value.as_bytes());
        }
        let proxy = shelf.upstream.proxy.iter();
        terms.extend(proxy.flat_map(|proxy| proxy.as_str().as_bytes()));
        xxh3_64(&terms)
    }
}
