//! Feedwright: a feed proxy that rewrites a feed without losing a byte it was not told to change.
//!
//! Invariant: arrows point down. `cli` → `demo`, `routes` → `app`, `http` → `mirror`, `refresh` →
//! `config` → `archive`, `images::fetching` → `cache` → `upstream`, `store` → `inflight`; `rewrite` → `feed`, `images`, `client`;
//! `feed` → `html`. `html`, `feed`, `rewrite`, `client`, `shares` and
//! the URL rules of `images` do no I/O, read no clock and know no settings.
#![forbid(unsafe_code)]

pub mod cli;
pub mod demo;
pub mod routes;

pub mod app;
pub mod http;
pub mod mirror;
pub mod refresh;

pub mod config;

pub mod cache;
pub mod store;
pub mod upstream;

pub mod inflight;

pub mod archive;
pub mod fulltext;
pub mod workers;

pub mod rewrite;

pub mod client;
pub mod feed;
pub mod html;
pub mod images;
pub mod secret;
pub mod shares;

mod causes;
