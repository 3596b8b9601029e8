//! Images: their URLs, options and formats (pure), fetching and caching them, processing them in workers.
//!
//! Invariant: everything here but `fetching`, and the font files of `processing`, does no I/O, reads
//! no clock and knows no settings.

pub mod signed_url;
pub mod source_url;

pub mod delivery;
pub mod options;
pub mod transform;

pub mod accept;
pub mod colour;
pub mod format;
pub mod geometry;
pub mod xml;

pub mod processing;

pub mod fetching;
