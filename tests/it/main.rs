//! The integration tests, as one binary.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says its figures with --nocapture"
)]

mod architecture;
mod archive;
mod archive_kills;
mod archive_why;
mod clients;
mod commands;
mod config;
mod crowds;
mod disk;
mod dns;
mod durability;
mod edge;
mod encodings;
mod export;
mod fault_table;
mod faults;
mod founding;
mod full_text;
mod full_text_day;
mod golden;
mod growth;
mod harmless;
mod holds;
mod hostile_pages;
mod images;
mod import;
mod inflight;
mod internal_errors;
mod items;
mod kept;
mod lifecycle;
mod lossless;
mod mirror;
mod mishaps;
mod names;
mod origin;
mod pages;
mod permissions;
mod persistence;
mod polite;
mod process;
mod purging;
mod reader;
mod reload;
mod requests;
mod resources;
mod restarts;
mod service;
mod serving;
mod shares;
mod signing;
mod simulation;
mod ssrf;
mod streaming;
mod streams;
mod tidy;
mod unclosed;
mod unreachable;
mod upstream;
mod version_before;
mod weserv;
mod wire;
mod workers;
mod wrapping;
