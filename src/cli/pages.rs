//! Pages that a command reads: by a worker, as the service does.

use anyhow::Context as _;
use tokio::runtime::{Builder, Runtime};
use url::Url;

use crate::fulltext::extract::Findings;
use crate::fulltext::recipe::Recipe;
use crate::fulltext::{Extractor, StoredArticles};
use crate::rewrite::article::Article;
use crate::store::StoredEntry;
use crate::workers::{WORKER_BYTES, WorkerOptions, Workers};

/// One worker, and what it takes to wait for it.
#[derive(Debug)]
pub(super) struct Pages {
    runtime: Runtime,
    extractor: Extractor,
}

impl Pages {
    /// With these limits, but for the number of workers.
    pub(super) fn new(options: &WorkerOptions) -> anyhow::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("the runtime can't be started")?;
        let options = WorkerOptions {
            processes_max: 1,
            ..options.clone()
        };
        let bytes = options.page_memory.max(WORKER_BYTES);
        let workers = Workers::new(&options, bytes, |_| Vec::new());
        let extractor = Extractor::new(workers);
        Ok(Self { runtime, extractor })
    }

    pub(super) fn extractor(&self) -> Extractor {
        self.extractor.clone()
    }

    /// What stands on a page.
    pub(super) fn look(
        &self,
        url: Url,
        content_type: Option<&str>,
        bytes: Vec<u8>,
        recipe: &Recipe,
    ) -> anyhow::Result<Findings> {
        let looking = self.extractor.look_at(url, content_type, bytes, recipe);
        Ok(self.runtime.block_on(looking)?)
    }

    /// The article of stored pages; `None` also where nobody could read them.
    pub(super) fn article(&self, stored: &StoredArticles, entry: &StoredEntry) -> Option<Article> {
        match self.runtime.block_on(stored.article(entry)) {
            Ok(article) => article,
            Err(problem) => {
                super::print_error(&format!("warning: an article is left out: {problem}"));
                None
            }
        }
    }
}
