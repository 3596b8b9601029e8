//! Full text: the article that an item leads to, fetched once, kept, and put into the item.
//!
//! `extract` and `recipe` are pure: they make an article of a page's bytes. A [`Shelf`] holds the
//! articles of one feed, the [`Library`] fetches them.
//!
//! Invariants: no reader waits for an article; a failure leaves the item as its publisher wrote it.

mod fetch;
mod library;
mod options;
mod record;
mod shelf;
mod sites;
mod stored;

pub mod extract;
pub mod recipe;

pub use library::Library;
pub use options::{Limits, Options};
pub use shelf::Shelf;
pub use sites::Sites;
pub use stored::StoredArticles;
