//! Feedwright: a feed proxy that rewrites a feed without losing a byte it was not told to change.
//!
//! Invariant: arrows point down. `app`, `http`, `routes` → `config` → `cache`, `upstream` →
//! `rewrite` → `feed`. `feed` and `rewrite` do no I/O, read no clock and know no settings.
#![forbid(unsafe_code)]

pub mod config;
pub mod feed;
pub mod rewrite;
pub mod upstream;
