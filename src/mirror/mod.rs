//! Origins served under a prefix, byte for byte: looked up, fetched once, recorded while they are
//! played, kept by RFC 9111.
//!
//! Invariants. A mirror leads to its configured origin and nowhere else. Bodies are never changed.
//! However many readers ask for something that may be shared, the origin sees one request; where it
//! may not be shared, none waits for another. A reader who leaves cancels only its own playback; what
//! the last one leaves is given up.

mod error;
mod fetching;
mod fields;
mod forward;
mod judging;
mod keyed;
mod lookup;
mod mirrors;
mod origin;
mod queries;
mod query;
mod question;
mod reply;
mod resource;
mod safety;
mod saved;
mod stated;
mod taking;
mod target;
mod upload;
mod withheld;

pub use error::Error;
pub use mirrors::Mirrors;
pub use origin::Mirror;
pub use question::key_start;
pub use reply::{Content, Reply};
pub use upload::{LeastRate, Upload};
