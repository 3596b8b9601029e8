//! Limits of the worker pool.

use std::path::PathBuf;
use std::time::Duration;

/// Bytes of `work_bytes` per worker.
pub const WORKER_BYTES: u64 = 48 << 20;
/// Limits of the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerOptions {
    /// Processes at the same time, 0 for one per core; never more than one per core, nor than one for
    /// each [`WORKER_BYTES`] of the budget.
    pub processes_max: usize,
    /// How long an idle worker is kept.
    pub idle_timeout: Duration,
    /// Bytes of memory that one page may take.
    pub page_memory: u64,
    /// How long a worker may take for one page.
    pub page_timeout: Duration,
    /// The program to start: this one.
    pub program: PathBuf,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            processes_max: 0,
            idle_timeout: Duration::from_secs(60),
            page_memory: 128 << 20,
            page_timeout: Duration::from_secs(2),
            // The running program, even where its file was replaced since.
            program: PathBuf::from("/proc/self/exe"),
        }
    }
}
