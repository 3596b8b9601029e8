//! What is configured of refreshing.

use std::time::SystemTime;

use crate::cache;
use crate::fulltext::FullTextLimits;
use crate::upstream::hosts;
use crate::workers::Workers;

/// Limits of refreshing.
#[derive(Debug, Clone)]
pub struct RefreshOptions {
    /// Limits of the copies.
    pub cache: cache::CacheOptions,
    /// How the publishers' hosts are treated.
    pub hosts: hosts::HostOptions,
    /// Fetches at the same time that no reader waits for.
    pub background_fetches_max: usize,
    /// Says what time it is, for what outlives the process and for what publishers name hours of:
    /// `SystemTime::now`, but in tests that tell the time themselves.
    pub wall_clock: fn() -> SystemTime,
    /// Limits of full texts.
    pub full_text: FullTextLimits,
    /// What reads their pages.
    pub workers: Workers,
}
