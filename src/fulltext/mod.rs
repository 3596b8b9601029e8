//! Full text: the article that an item leads to, fetched once, kept, and put into the item.
//!
//! `extract`, `recipe` and `job` are pure: they make an article of a page's bytes, in a worker process,
//! which an [`Extractor`] asks. A [`Shelf`] holds the articles of one feed, the [`Library`] fetches them.
//!
//! Invariants: no reader waits for an article; a failure leaves the item as its publisher wrote it; no
//! tree of a page is built in the service's own process.

mod extractor;
mod fetch;
mod library;
mod options;
mod record;
mod shelf;
mod sites;
mod stored;

pub mod extract;
pub mod job;
pub mod recipe;

pub use extractor::{Extractor, NoWorker};
pub use library::Library;
pub use options::{Limits, Options};
pub use shelf::Shelf;
pub use sites::Sites;
pub use stored::StoredArticles;
