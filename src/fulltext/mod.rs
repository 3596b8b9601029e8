//! Full text: the article that an item leads to, fetched once, kept, and put into the item.
//!
//! `extract`, `recipe` and `job` are pure: they make an article of a page's bytes, in a worker process,
//! called through an [`Extractor`]. [`FeedArticles`] holds the articles of one feed, the [`Library`] fetches them.
//!
//! Invariants: no reader waits for an article; a failure leaves the item as its publisher wrote it; no
//! tree of a page is built in the guard's own process.

mod articles;
mod extractor;
mod fetch;
mod library;
mod options;
mod record;
mod sites;
mod stored;

pub mod extract;
pub mod job;
pub mod recipe;

pub use articles::FeedArticles;
pub use extractor::{Extractor, NoWorker};
pub use library::Library;
pub use options::{FullTextLimits, FullTextOptions};
pub use sites::Sites;
pub use stored::{ArticleStatus, StoredArticles, article_key};
