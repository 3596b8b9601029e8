//! Has pages read by worker processes: trees of untrusted pages are built nowhere else.
//!
//! Invariants: a page takes no more than its worker's memory and time; a page that needs more is too
//! complex; a lack of workers is never a fault of the page.

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use super::extract::{self, Findings, NoArticle};
use super::job::{self, Question};
use super::recipe::Recipe;
use super::record::StoredPage;
use crate::rewrite::article::Article;
use crate::workers::{WorkerError, WorkerJob, WorkerKind, Workers};

/// The estimated memory of a page: this, and so much for each of its bytes.
const PAGE_BYTES: u64 = 8 << 20;
const BYTES_PER_BYTE: u64 = 16;
/// How long a page waits for a worker: long, because no reader waits for it.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// How often a page waits for a worker, or is tried again where the machine was too slow.
const TRIES_MAX: usize = 2;

/// Why no worker read a page now; it may be read later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoWorker {
    /// All were busy.
    #[error("no worker came free in time")]
    Busy,
    /// None can be started.
    #[error("no worker can be started")]
    Unavailable,
}

impl NoWorker {
    /// One stable word for logs.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Unavailable => "no-worker",
        }
    }
}

/// Reads pages. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Extractor {
    workers: Workers,
}

impl Extractor {
    /// One that has `workers` do it.
    #[must_use]
    pub fn new(workers: Workers) -> Self {
        Self { workers }
    }

    /// Looks a page through, and once more where that was too slow: then the machine may have been.
    ///
    /// # Errors
    /// When there is no worker to do it.
    pub(super) async fn look(
        &self,
        page: &StoredPage,
        recipe: &Recipe,
    ) -> Result<Findings, NoWorker> {
        let mut outcome = self.look_once(page, recipe).await;
        for _ in 1..TRIES_MAX {
            match &outcome {
                Err(WorkerError::Late | WorkerError::Busy) => {}
                _ => break,
            }
            outcome = self.look_once(page, recipe).await;
        }
        conclude(outcome)
    }

    /// Looks through a page that came from `url`, once.
    ///
    /// # Errors
    /// When there is no worker to do it.
    pub async fn look_at(
        &self,
        url: Url,
        content_type: Option<&str>,
        bytes: Vec<u8>,
        recipe: &Recipe,
    ) -> Result<Findings, NoWorker> {
        let page = StoredPage {
            asked: url.clone(),
            url,
            content_type: content_type.map(str::to_owned),
            bytes: bytes.into(),
            held: None,
        };
        conclude(self.look_once(&page, recipe).await)
    }

    /// The article of several pages; once the first has none, the others are not read.
    ///
    /// # Errors
    /// When there is no worker to do it.
    pub(super) async fn article(
        &self,
        pages: &[StoredPage],
        recipe: &Recipe,
    ) -> Result<Result<Article, NoArticle>, NoWorker> {
        let mut found = Vec::new();
        for page in pages {
            let article = self.look(page, recipe).await?.article;
            let is_over = found.is_empty() && article.is_err();
            found.push(article);
            if is_over {
                break;
            }
        }
        Ok(extract::join(found))
    }

    async fn look_once(&self, page: &StoredPage, recipe: &Recipe) -> Result<Findings, WorkerError> {
        let question = Question {
            asked: page.asked.clone(),
            url: page.url.clone(),
            content_type: page.content_type.clone(),
            recipe: Cow::Borrowed(recipe),
        };
        let job = WorkerJob {
            kind: WorkerKind::Page,
            grant_bytes: PAGE_BYTES + BYTES_PER_BYTE * page.bytes.len() as u64,
            deadline: Instant::now() + WAIT_MAX,
            work_max: Some(self.workers.options().page_timeout),
            head: question.encode(),
            body: vec![page.bytes.clone()],
            subject: page.url.to_string(),
        };
        let answer = self.workers.run(job).await?;
        job::read_answer(&answer.head, answer.body).ok_or(WorkerError::Crashed)
    }
}

fn conclude(outcome: Result<Findings, WorkerError>) -> Result<Findings, NoWorker> {
    match outcome {
        Ok(findings) => Ok(findings),
        Err(WorkerError::Busy) => Err(NoWorker::Busy),
        Err(WorkerError::Unavailable) => Err(NoWorker::Unavailable),
        Err(WorkerError::Late | WorkerError::Memory | WorkerError::Crashed) => {
            Ok(Findings::none(NoArticle::TooComplex))
        }
    }
}
