//! A pool of worker processes for work on untrusted content: decoding, drawing, encoding, building
//! trees.
//!
//! The parent sends a job over a pipe to a process of the same program, which answers over another.
//! One job at a time each. A job's share of memory, its grant, is the worker's kernel limit
//! (`RLIMIT_DATA`); a worker that passes it, crashes or is late costs one failed job and is replaced.
//!
//! Invariants: the grants of all running jobs and the memory of idle workers stay within one budget,
//! `work_bytes`; a grant is given back when its process has ended or is idle again; no length that a
//! worker names is trusted; nothing here knows what the jobs do.

mod attempt;
pub mod child;
mod frame;
mod handshake;
mod job;
mod kill_switch;
mod memory;
mod options;
mod pool;
mod process;
mod sandbox;

use std::sync::Arc;

use tokio::time::Instant;

use attempt::attempt;
use kill_switch::KillSwitch;
use pool::PoolState;
use process::JobOutcome;

pub use handshake::COMMAND;
pub use job::{WorkerAnswer, WorkerCounters, WorkerError, WorkerJob, WorkerKind};
pub use options::{WORKER_BYTES, WorkerOptions};

/// How often a job is sent: with its estimate, with what the worker found that it needs, and with the
/// largest grant.
const ATTEMPTS_MAX: usize = 3;
/// Characters of a job's subject in the log.
const SUBJECT_CHARS_MAX: usize = 200;

/// The pool. Cheap to clone; workers are started when there is work.
#[derive(Debug, Clone)]
pub struct Workers(Arc<PoolState>);

impl Workers {
    /// A pool with a budget of `work_bytes`. `start_data` makes what a worker of a kind is given
    /// when it starts; it is called once for each kind, on a thread that may block.
    #[must_use]
    pub fn new(
        options: &WorkerOptions,
        work_bytes: u64,
        start_data: fn(WorkerKind) -> Vec<u8>,
    ) -> Self {
        Self(Arc::new(PoolState::new(
            options.clone(),
            work_bytes,
            start_data,
        )))
    }

    /// Changes the limits; running jobs end under the old ones.
    pub fn set_options(&self, options: &WorkerOptions) {
        self.0.set_options(options.clone());
    }

    /// The limits.
    #[must_use]
    pub fn options(&self) -> WorkerOptions {
        self.0.options()
    }

    /// Counts since the start.
    #[must_use]
    pub fn counters(&self) -> WorkerCounters {
        self.0.counters()
    }

    /// The largest grant of a job of this kind, including an idle worker's memory.
    #[must_use]
    pub fn bytes_max(&self, kind: WorkerKind) -> u64 {
        self.0.bytes_max(kind)
    }

    /// Jobs that run or wait for a worker.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.0.under_way()
    }

    /// Bytes of the budget in use, including idle workers.
    #[must_use]
    pub fn bytes_held(&self) -> u64 {
        self.0.bytes_held()
    }

    /// Starts a worker and ends it, so that the log says at startup which limits are missing.
    pub async fn probe(&self) {
        let deadline = Instant::now() + process::START_TIMEOUT;
        let Ok(slot) = self.0.slot(WorkerKind::Image, 0, deadline).await else {
            return;
        };
        let kill_switch = Arc::new(KillSwitch::default());
        let theirs = Arc::clone(&kill_switch);
        let starting = tokio::task::spawn_blocking(move || slot.try_start(&theirs));
        if tokio::time::timeout_at(deadline, starting).await.is_err() {
            kill_switch.kill();
        }
    }

    /// Runs a job.
    ///
    /// # Errors
    /// When it is late, passes its memory limit, or no worker can be had.
    pub async fn run(&self, job: WorkerJob) -> Result<WorkerAnswer, WorkerError> {
        let job = WorkerJob {
            subject: job.subject.chars().take(SUBJECT_CHARS_MAX).collect(),
            ..job
        };
        self.0.count(|counters| counters.jobs += 1);
        let outcome = self.attempts(&job).await;
        if outcome.is_err() {
            self.0.count(|counters| counters.failed += 1);
        }
        outcome
    }

    async fn attempts(&self, job: &WorkerJob) -> Result<WorkerAnswer, WorkerError> {
        let mut grant = job.grant_bytes;
        for _ in 0..ATTEMPTS_MAX {
            let slot = self.0.slot(job.kind, grant, job.deadline).await?;
            let is_largest = slot.is_largest();
            let work_by = job.work_max.map(|max| Instant::now() + max);
            let deadline = work_by.unwrap_or(job.deadline);
            let job = WorkerJob {
                deadline,
                ..job.clone()
            };
            match attempt(slot, job).await? {
                JobOutcome::Done(answer) => return Ok(answer),
                JobOutcome::Crashed => return Err(WorkerError::Crashed),
                JobOutcome::NotStarted => return Err(WorkerError::Unavailable),
                JobOutcome::Needs(_) | JobOutcome::Memory if is_largest => {
                    return Err(WorkerError::Memory);
                }
                JobOutcome::Needs(bytes) if bytes > grant => grant = bytes,
                JobOutcome::Needs(_) | JobOutcome::Memory => grant = u64::MAX,
            }
        }
        Err(WorkerError::Memory)
    }
}
