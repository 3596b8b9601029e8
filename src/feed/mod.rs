//! Feeds as streams of text: decode, split, find fields, decode what they carry, splice edits back.
//!
//! Invariant: pure. No I/O, no clock, no settings; the pieces handed out, put together, are the
//! input byte for byte.

pub(crate) mod characters;
pub mod date;
pub mod element;
pub mod encoding;
pub mod json;
pub mod namespace;
mod nesting;
pub mod raw_item;
pub mod repair;
pub mod splitter;
pub mod text;
pub(crate) mod token;
pub mod xml;

/// The family a document belongs to, found from its content (never from its Content-Type).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// RSS 0.9x and 2.0: `<rss><channel><item>`.
    Rss,
    /// RSS 0.90, 1.0 and 1.1: `<rdf:RDF><channel/><item/>`.
    Rdf,
    /// Atom 0.3 and 1.0: `<feed><entry>`.
    Atom,
    /// JSON Feed 1.0 and 1.1: an object with `items`.
    Json,
}
