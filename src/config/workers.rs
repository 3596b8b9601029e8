//! `[workers]`: the processes that work on untrusted content, and their limits.

use std::ops::RangeInclusive;
use std::time::Duration;

use schemars::JsonSchema;

use super::bounds::SECOND;
use super::reader::{Table, Written};
use crate::workers::WorkerOptions;

const PROCESSES: RangeInclusive<u32> = 0..=256;
const IDLE: RangeInclusive<Duration> = SECOND..=Duration::from_secs(86_400);
const PAGE_TIMES: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(60);
const PAGE_MEMORIES: RangeInclusive<u64> = 32 << 20..=4 << 30;

/// The keys as they are written.
#[derive(JsonSchema)]
pub(super) struct Workers {
    /// Worker processes at the same time, at most one per core. `0` for one per core.
    processes_max: Option<Written<u32>>,
    /// Time that a worker without work is kept.
    idle_timeout: Option<Written<Duration>>,
    /// Memory that work on one article page may take.
    page_memory: Option<Written<u64>>,
    /// Time that work on one article page may take.
    page_timeout: Option<Written<Duration>>,
}

/// Reads them.
pub(super) fn read(table: &mut Table<'_, '_>) -> Workers {
    Workers {
        processes_max: table.count("processes_max", PROCESSES),
        idle_timeout: table.duration("idle_timeout", IDLE),
        page_memory: table.size("page_memory", PAGE_MEMORIES),
        page_timeout: table.duration("page_timeout", PAGE_TIMES),
    }
}

/// What they mean.
pub(super) fn resolve(written: Workers) -> WorkerOptions {
    let default = WorkerOptions::default();
    WorkerOptions {
        processes_max: value(written.processes_max)
            .map_or(default.processes_max, |count| count as usize),
        idle_timeout: value(written.idle_timeout).unwrap_or(default.idle_timeout),
        page_memory: value(written.page_memory).unwrap_or(default.page_memory),
        page_timeout: value(written.page_timeout).unwrap_or(default.page_timeout),
        program: default.program,
    }
}

fn value<T>(written: Option<Written<T>>) -> Option<T> {
    written.map(|written| written.value)
}
