//! Brings feeds up to date: fetch, rewrite, record. Each fetch runs in a task of its own, so that a
//! reader who leaves cancels nothing.
//!
//! Invariants: a document that is cut, or that is no feed, never replaces a copy and never ends a
//! reply cleanly; what can become an error is decided before the first byte; no host is asked more
//! often, or by more fetches at once, than [`Hosts`](crate::upstream::hosts::Hosts) allows.

mod archiving;
mod arrived;
mod article_updates;
mod background;
mod ending;
mod error;
mod feed;
mod fetching;
mod freshness;
mod full_text;
mod history;
mod intake;
mod media_type;
mod memory;
mod news;
mod options;
mod page;
mod page_making;
mod persist;
mod persisted;
mod pieces;
mod producing;
mod refresher;
mod remake;
mod retry;
mod shell;
mod tag;
mod track;

pub use error::Error;
pub use feed::Feed;
pub use history::stored_origin;
pub use options::RefreshOptions;
pub use page::Page;
pub use refresher::Refresher;
pub use track::{Past, Track};
