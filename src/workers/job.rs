//! What the pool is given and answers: jobs, answers, errors, counters.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

/// The input of a job. A worker only ever does jobs of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WorkerKind {
    /// A raster image.
    Image,
    /// An SVG: its worker has fonts open.
    Svg,
    /// An HTML page.
    Page,
}

impl WorkerKind {
    const ALL: [Self; 3] = [Self::Image, Self::Svg, Self::Page];

    /// The name on the worker's command line and in logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Svg => "svg",
            Self::Page => "page",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub(super) fn index(self) -> usize {
        self as usize
    }
}

/// A job for a worker.
#[derive(Debug, Clone)]
pub struct WorkerJob {
    /// The kind of worker that it needs.
    pub kind: WorkerKind,
    /// Estimated bytes of memory, beyond those of an idle worker.
    pub grant_bytes: u64,
    /// The end of waiting for a worker; also when the worker is killed, unless `work_max` is given.
    pub deadline: Instant,
    /// How long one worker may take, regardless of the time spent waiting.
    pub work_max: Option<Duration>,
    /// The request, in the encoding that caller and handler share.
    pub head: Vec<u8>,
    /// The untrusted content.
    pub body: Vec<Bytes>,
    /// The URL, for logs.
    pub subject: String,
}

/// A handler's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerAnswer {
    /// The reply, in the encoding that caller and handler share.
    pub head: Vec<u8>,
    /// The content of the reply.
    pub body: Vec<u8>,
}

/// Why a job has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WorkerError {
    /// The deadline passed during the work; the worker was killed.
    #[error("the work took too long")]
    Late,
    /// The job passed its memory limit, even with the largest grant.
    #[error("the work takes more memory than it may")]
    Memory,
    /// The worker ended, or its answer was invalid.
    #[error("the worker ended")]
    Crashed,
    /// The deadline passed before memory and a worker came free, or too many jobs wait.
    #[error("no worker came free in time")]
    Busy,
    /// No worker can be started.
    #[error("no worker can be started")]
    Unavailable,
}

/// Counts since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkerCounters {
    /// Jobs accepted.
    pub jobs: u64,
    /// Jobs without an answer.
    pub failed: u64,
    /// Workers started.
    pub started: u64,
    /// Workers that ended during a job.
    pub died: u64,
    /// Those of them that passed their deadline.
    pub late: u64,
    /// Those of them that passed their memory limit.
    pub memory: u64,
}
