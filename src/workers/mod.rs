//! A pool of worker processes for work on untrusted content: decoding, drawing, encoding, building
//! trees.
//!
//! The parent sends a job over a pipe to a process of the same program, which answers over another.
//! One job at a time each. A job's share of memory, its grant, is the worker's kernel limit
//! (`RLIMIT_DATA`); a worker that passes it, crashes or is late is one failed job and is replaced.
//!
//! Invariants: the grants of all jobs under way and what idle workers hold stay within one budget,
//! `work_bytes`; a grant is given back when its process has ended or is idle again; no length that a
//! worker names is trusted; nothing here knows what the jobs are about.

pub mod child;
mod frame;
mod pool;
mod process;
mod sandbox;
mod seat;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use pool::Inner;
use process::{Leash, Outcome};
use seat::Seat;

/// `work_bytes` for which there is one worker.
pub const WORKER_BYTES: u64 = 48 << 20;
/// How often a job is sent: with its estimate, with what the worker found that it needs, and with the
/// largest grant.
const ATTEMPTS_MAX: usize = 3;
/// Characters of a job's subject in the log.
const SUBJECT_CHARS_MAX: usize = 200;

/// Limits of the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerOptions {
    /// Processes at the same time, 0 for one per core; never more than one per core, nor than one for
    /// each [`WORKER_BYTES`] of the budget.
    pub processes_max: usize,
    /// How long a worker without a job is kept.
    pub idle_timeout: Duration,
    /// Bytes of memory that work on one page may take.
    pub page_memory: u64,
    /// How long a worker may take for one page.
    pub page_timeout: Duration,
    /// The program that is started: this one.
    pub program: PathBuf,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            processes_max: 0,
            idle_timeout: Duration::from_secs(60),
            page_memory: 128 << 20,
            page_timeout: Duration::from_secs(2),
            // What runs now, whatever has become of the file that it was started from.
            program: PathBuf::from("/proc/self/exe"),
        }
    }
}

/// What a job works on. A worker keeps to the kind of its first job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WorkerKind {
    /// An image of pixels.
    Image,
    /// A drawing: fonts are opened for it.
    Svg,
    /// A page.
    Page,
}

impl WorkerKind {
    const ALL: [Self; 3] = [Self::Image, Self::Svg, Self::Page];

    /// Its name, on the worker's command line and in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Svg => "svg",
            Self::Page => "page",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    fn index(self) -> usize {
        self as usize
    }
}

/// A piece of work.
#[derive(Debug, Clone)]
pub struct WorkerJob {
    /// What it works on.
    pub kind: WorkerKind,
    /// Bytes of memory that it is estimated to need, beside what an idle worker has.
    pub grant_bytes: u64,
    /// Until when it waits for a worker; and when its worker is killed, unless `work_max` says that.
    pub deadline: Instant,
    /// How long one worker may take for it, however long it has waited.
    pub work_max: Option<Duration>,
    /// What is asked, in the form that the caller and its handler share.
    pub head: Vec<u8>,
    /// The untrusted content.
    pub body: Vec<Bytes>,
    /// What it is about, for the log: a URL.
    pub subject: String,
}

/// What a handler answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerAnswer {
    /// In the form that the caller and its handler share.
    pub head: Vec<u8>,
    /// The content that was made.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WorkerError {
    /// The deadline passed while the worker was at it; it was killed.
    #[error("the work took too long")]
    Late,
    /// It passed its memory limit, with the largest grant too.
    #[error("the work takes more memory than it may")]
    Memory,
    /// The worker ended or answered nonsense.
    #[error("the worker ended")]
    Crashed,
    /// The deadline passed before memory and a worker came free, or too many jobs wait.
    #[error("no worker came free in time")]
    Busy,
    /// No worker can be started.
    #[error("no worker can be started")]
    Unavailable,
}

/// What has happened so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkerCounters {
    /// Jobs that were taken on.
    pub jobs: u64,
    /// Jobs that had no answer.
    pub failed: u64,
    /// Workers that were started.
    pub started: u64,
    /// Workers that ended while they had a job.
    pub died: u64,
    /// Those of them that passed their deadline.
    pub late: u64,
    /// Those of them that passed their memory limit.
    pub memory: u64,
}

/// The pool. Cheap to clone; workers are started when there is work.
#[derive(Debug, Clone)]
pub struct Workers(Arc<Inner>);

impl Workers {
    /// A pool with a budget of `work_bytes`. `start_data` makes what a worker of a kind is given
    /// when it starts; it is called once for each kind, on a thread that may block.
    #[must_use]
    pub fn new(
        options: &WorkerOptions,
        work_bytes: u64,
        start_data: fn(WorkerKind) -> Vec<u8>,
    ) -> Self {
        Self(Arc::new(Inner::new(
            options.clone(),
            work_bytes,
            start_data,
        )))
    }

    /// Takes over other limits; what is under way ends by the old ones.
    pub fn set_options(&self, options: &WorkerOptions) {
        self.0.set_options(options.clone());
    }

    /// The limits.
    #[must_use]
    pub fn options(&self) -> WorkerOptions {
        self.0.options()
    }

    /// What has happened so far.
    #[must_use]
    pub fn counters(&self) -> WorkerCounters {
        self.0.counters()
    }

    /// Bytes that a job of this kind has at most, an idle worker's included.
    #[must_use]
    pub fn bytes_max(&self, kind: WorkerKind) -> u64 {
        self.0.bytes_max(kind)
    }

    /// Jobs that are under way or wait for a worker.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.0.under_way()
    }

    /// Bytes of the budget that are given out, those of idle workers included.
    #[must_use]
    pub fn bytes_held(&self) -> u64 {
        self.0.bytes_held()
    }

    /// Starts a worker and ends it again, so that the log says at the start which bounds are missing.
    pub async fn probe(&self) {
        let deadline = Instant::now() + process::START_TIMEOUT;
        let Ok(seat) = self.0.seat(WorkerKind::Image, 0, deadline).await else {
            return;
        };
        let leash = Arc::new(Leash::default());
        let theirs = Arc::clone(&leash);
        let starting = tokio::task::spawn_blocking(move || seat.try_start(&theirs));
        if tokio::time::timeout_at(deadline, starting).await.is_err() {
            leash.cut();
        }
    }

    /// Has a job done.
    ///
    /// # Errors
    /// When it is late, passes its limits, or there is nobody to do it.
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
            let seat = self.0.seat(job.kind, grant, job.deadline).await?;
            let is_largest = seat.is_largest();
            let work_by = job.work_max.map(|max| Instant::now() + max);
            let deadline = work_by.unwrap_or(job.deadline);
            let job = WorkerJob {
                deadline,
                ..job.clone()
            };
            match attempt(seat, job).await? {
                Outcome::Done(answer) => return Ok(answer),
                Outcome::Crashed => return Err(WorkerError::Crashed),
                Outcome::NotStarted => return Err(WorkerError::Unavailable),
                Outcome::Needs(_) | Outcome::Memory if is_largest => {
                    return Err(WorkerError::Memory);
                }
                Outcome::Needs(bytes) if bytes > grant => grant = bytes,
                Outcome::Needs(_) | Outcome::Memory => grant = u64::MAX,
            }
        }
        Err(WorkerError::Memory)
    }
}

/// Kills the worker when whoever waits for it has gone.
struct CutOnDrop(Arc<Leash>);

impl Drop for CutOnDrop {
    fn drop(&mut self) {
        self.0.cut();
    }
}

/// One worker's try at a job, on a thread that may block; at the deadline the worker is killed.
async fn attempt(seat: Seat, job: WorkerJob) -> Result<Outcome, WorkerError> {
    let leash = Arc::new(Leash::default());
    let theirs = Arc::clone(&leash);
    let deadline = job.deadline;
    let mut working = tokio::task::spawn_blocking(move || seat.work(&job, &theirs));
    let cut = CutOnDrop(leash);
    let outcome = match tokio::time::timeout_at(deadline, &mut working).await {
        Ok(ended) => ended,
        Err(_) => {
            cut.0.cut_late();
            drop(working.await);
            return Err(WorkerError::Late);
        }
    };
    outcome.map_err(|_| WorkerError::Crashed)
}
