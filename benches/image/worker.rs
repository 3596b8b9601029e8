//! The same work done by a worker process, as the service has it done.

use std::fs;
use std::time::{Duration, Instant};

use crate::cpu;
use anyhow::Context;
use bytes::Bytes;
use feedwright::images::accept::Accepted;
use feedwright::images::processing::job::{self, FIRST_GRANT_BYTES, ProcessingRequest};
use feedwright::images::processing::{PixelLimits, Quality};
use feedwright::images::transform::ImageTransform;
use feedwright::workers::{WorkerJob, WorkerKind, WorkerOptions, Workers};

/// The service's default.
const WORK_BYTES: u64 = 192 << 20;
const PATIENCE: Duration = Duration::from_secs(60);
/// What the runtime's threads are called that wait for workers. The kernel's figures of a thread are
/// exact while it does not run.
const WAITING: &str = "tokio-rt-worker";

/// A pool of one worker.
pub(crate) struct Pool {
    runtime: tokio::runtime::Runtime,
    workers: Workers,
}

/// What one image cost.
pub(crate) struct Cost {
    /// Seconds of processor time of this process and the worker.
    pub(crate) cpu: f64,
    /// Seconds that it took.
    pub(crate) elapsed: f64,
}

impl Pool {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let options = WorkerOptions {
            processes_max: 1,
            program: env!("CARGO_BIN_EXE_feedwright").into(),
            ..WorkerOptions::default()
        };
        Ok(Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            workers: Workers::new(&options, WORK_BYTES, |_| Vec::new()),
        })
    }

    /// Has one made.
    pub(crate) fn make(
        &self,
        image: &Bytes,
        transform: &ImageTransform,
        quality: Quality,
    ) -> anyhow::Result<Cost> {
        let request = ProcessingRequest {
            transform: transform.clone(),
            accepted: Accepted::default(),
            quality,
            limits: PixelLimits::default(),
        };
        let (before, begun) = (cpu_of_both()?, Instant::now());
        let job = WorkerJob {
            kind: WorkerKind::Image,
            grant_bytes: FIRST_GRANT_BYTES,
            deadline: tokio::time::Instant::now() + PATIENCE,
            work_max: None,
            head: request.to_bytes(),
            body: vec![image.clone()],
            subject: "bench".into(),
        };
        let answer = self.runtime.block_on(self.workers.run(job))?;
        let elapsed = begun.elapsed().as_secs_f64();
        let cpu = cpu_of_both()? - before;
        job::read(&answer.head, answer.body).context("no answer")??;
        Ok(Cost { cpu, elapsed })
    }
}

/// Seconds of processor time that this thread, those that wait for workers, and workers have had. A
/// worker that ends takes its own with it: the pool keeps one for longer than a round lasts.
fn cpu_of_both() -> anyhow::Result<f64> {
    let mut nanos = 0.0;
    let mut tasks = Vec::new();
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        let children = fs::read_to_string(task.join("children"))?;
        for pid in children.split_ascii_whitespace() {
            for task in fs::read_dir(format!("/proc/{pid}/task"))? {
                tasks.push(task?.path());
            }
        }
        if fs::read_to_string(task.join("comm"))?.trim() == WAITING {
            tasks.push(task);
        }
    }
    for task in tasks {
        let told = fs::read_to_string(task.join("schedstat"))?;
        let own = told.split(' ').next().context("no time")?;
        nanos += own.parse::<f64>()?;
    }
    Ok(cpu::seconds() + nanos / 1e9)
}
