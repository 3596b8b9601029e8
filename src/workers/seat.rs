//! A place for one worker: it starts there, does jobs, and what comes of it is counted and logged.

use std::sync::Arc;

use tokio::time::Instant;

use super::pool::{Idle, Inner};
use super::process::{Death, Grant, Leash, Outcome, Worker};
use super::{WorkerJob, WorkerKind};

/// A place for one worker, with its grant. Dropped, it is given back.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) inner: Arc<Inner>,
    pub(super) kind: WorkerKind,
    /// All that the worker may hold.
    pub(super) grant: u64,
    pub(super) is_largest: bool,
    pub(super) generation: u64,
    pub(super) worker: Option<Worker>,
    /// Workers that must have ended before one starts here.
    pub(super) evicted: Vec<Worker>,
}

impl Seat {
    pub(super) fn is_largest(&self) -> bool {
        self.is_largest
    }

    /// Starts a worker and ends it again.
    pub(super) fn try_start(mut self, leash: &Arc<Leash>) {
        if self.worker.is_none() {
            drop(self.start(leash));
        }
    }

    /// Has a worker do a job, on a thread that may block. Whatever comes of it, the seat is given back
    /// when the worker is idle again or has ended.
    pub(super) fn work(mut self, job: &WorkerJob, leash: &Arc<Leash>) -> Outcome {
        self.evicted.clear();
        if let Some(worker) = self.worker.take() {
            match worker.exchange(job, self.grant(), leash) {
                Ok((worker, outcome)) => return self.done(worker, outcome, leash),
                // It ended while it was idle: the job is not to blame.
                Err(death) if !death.had_job => {}
                Err(death) => return self.died(job, *death),
            }
        }
        let worker = match self.start(leash) {
            Ok(worker) => worker,
            Err(()) => return Outcome::NotStarted,
        };
        match worker.exchange(job, self.grant(), leash) {
            Ok((worker, outcome)) => self.done(worker, outcome, leash),
            Err(death) => self.died(job, *death),
        }
    }

    fn grant(&self) -> Grant {
        Grant {
            bytes: self.grant,
            is_largest: self.is_largest,
        }
    }

    fn start(&mut self, leash: &Arc<Leash>) -> Result<Worker, ()> {
        self.evicted.clear();
        let inner = &self.inner;
        let data = inner.start_data(self.kind);
        let program = inner.options().program;
        let bytes_max = inner.bytes_max(self.kind);
        match Worker::start(&program, self.kind, (&data, bytes_max), leash) {
            Ok(worker) => {
                inner.started(&worker);
                Ok(worker)
            }
            Err(error) => {
                // One that was killed while it started says nothing of the next.
                if !leash.is_cut() {
                    inner.start_failed(&error);
                }
                Err(())
            }
        }
    }

    fn done(mut self, mut worker: Worker, outcome: Outcome, leash: &Leash) -> Outcome {
        // From here on the worker may be another job's.
        leash.release();
        // One that holds on to what its job needed would hold more than is counted.
        if worker.may_stay() {
            self.worker = Some(worker);
        } else {
            drop(worker);
        }
        outcome
    }

    fn died(self, job: &WorkerJob, death: Death) -> Outcome {
        self.inner.count(|counters| {
            counters.died += 1;
            counters.late += u64::from(death.is_late);
            counters.memory += u64::from(death.is_memory);
        });
        tracing::warn!(
            kind = job.kind.name(),
            subject = ?job.subject,
            reason = death.reason(),
            status = %death.status,
            grant_bytes = self.grant,
            output = ?death.output,
            "worker ended"
        );
        if death.is_memory {
            Outcome::Memory
        } else {
            Outcome::Crashed
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.evicted.clear();
        let mut ended = None;
        {
            let mut state = self.inner.state();
            state.busy -= 1;
            state.busy_bytes -= self.grant;
            if let Some(worker) = self.worker.take() {
                if self.generation == state.generation {
                    let until = Instant::now() + state.options.idle_timeout;
                    state.idle.push(Idle { worker, until });
                    self.inner.watch(&mut state);
                } else {
                    ended = Some(worker);
                }
            }
        }
        drop(ended);
        self.inner.seat_waiting();
    }
}
