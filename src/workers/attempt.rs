//! One attempt at a job: takes the idle worker of a slot or starts one, runs the job, counts and logs
//! how it ended.

use std::sync::Arc;

use super::job::{WorkerError, WorkerJob};
use super::kill_switch::KillSwitch;
use super::pool::WorkerSlot;
use super::process::{Death, Grant, JobOutcome, Worker};

/// Kills the worker when the caller stops waiting.
struct KillOnDrop(Arc<KillSwitch>);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        self.0.kill();
    }
}

/// Runs a job once in a worker, on a blocking thread; kills the worker at the deadline.
pub(super) async fn attempt(slot: WorkerSlot, job: WorkerJob) -> Result<JobOutcome, WorkerError> {
    let kill_switch = Arc::new(KillSwitch::default());
    let theirs = Arc::clone(&kill_switch);
    let deadline = job.deadline;
    let mut working = tokio::task::spawn_blocking(move || slot.work(&job, &theirs));
    let on_drop = KillOnDrop(kill_switch);
    let outcome = match tokio::time::timeout_at(deadline, &mut working).await {
        Ok(ended) => ended,
        Err(_) => {
            on_drop.0.kill_late();
            drop(working.await);
            return Err(WorkerError::Late);
        }
    };
    outcome.map_err(|_| WorkerError::Crashed)
}

impl WorkerSlot {
    pub(super) fn is_largest(&self) -> bool {
        self.is_largest
    }

    /// Starts a worker and ends it again.
    pub(super) fn try_start(mut self, kill_switch: &Arc<KillSwitch>) {
        if self.worker.is_none() {
            drop(self.start(kill_switch));
        }
    }

    /// Runs a job, on a blocking thread. In any case the slot is given back when the worker is idle again
    /// or has ended.
    pub(super) fn work(mut self, job: &WorkerJob, kill_switch: &Arc<KillSwitch>) -> JobOutcome {
        self.evicted.clear();
        if let Some(worker) = self.worker.take() {
            match worker.exchange(job, self.grant(), kill_switch) {
                Ok((worker, outcome)) => return self.done(worker, outcome, kill_switch),
                // It ended while it was idle: not because of the job.
                Err(death) if !death.had_job => {}
                Err(death) => return self.died(job, *death),
            }
        }
        let worker = match self.start(kill_switch) {
            Ok(worker) => worker,
            Err(()) => return JobOutcome::NotStarted,
        };
        match worker.exchange(job, self.grant(), kill_switch) {
            Ok((worker, outcome)) => self.done(worker, outcome, kill_switch),
            Err(death) => self.died(job, *death),
        }
    }

    fn grant(&self) -> Grant {
        Grant {
            bytes: self.grant,
            is_largest: self.is_largest,
        }
    }

    fn start(&mut self, kill_switch: &Arc<KillSwitch>) -> Result<Worker, ()> {
        self.evicted.clear();
        let inner = &self.inner;
        let data = inner.start_data(self.kind);
        let program = inner.options().program;
        let bytes_max = inner.bytes_max(self.kind);
        match Worker::start(&program, self.kind, (&data, bytes_max), kill_switch) {
            Ok(worker) => {
                inner.started(&worker);
                Ok(worker)
            }
            Err(error) => {
                // A worker killed while it started is no sign that the next cannot start.
                if !kill_switch.is_killed() {
                    inner.start_failed(&error);
                }
                Err(())
            }
        }
    }

    fn done(
        mut self,
        mut worker: Worker,
        outcome: JobOutcome,
        kill_switch: &KillSwitch,
    ) -> JobOutcome {
        // From here on the worker may run another job.
        kill_switch.release();
        // A worker that keeps the memory of its job would hold more than is counted.
        if worker.may_stay() {
            self.worker = Some(worker);
        } else {
            drop(worker);
        }
        outcome
    }

    fn died(self, job: &WorkerJob, death: Death) -> JobOutcome {
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
            JobOutcome::Memory
        } else {
            JobOutcome::Crashed
        }
    }
}
