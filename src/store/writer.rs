//! The writing thread: commits queued changes in batches, and does the upkeep in between.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::change::{Change, Job};
use super::directory::{Disk, OpenDirectory};
use super::error::Error;
use super::requests::answer_requests;
use super::shared::Shared;
use super::transaction::{commit, probe, settle};
use super::{directory, history_totals, layout, upkeep};
use crate::causes::chain;

/// The most changes in the queue; callers with more wait.
pub(super) const QUEUE_MAX: usize = 1_024;
/// The most changes, and bytes of them, in one batch.
const BATCH_MAX: usize = 256;
const BATCH_BYTES_MAX: usize = 8 << 20;
/// The longest time between two rounds of upkeep.
const TICK: Duration = Duration::from_secs(1);
/// How often the free space of the file system is read.
const BUDGET_EVERY: Duration = Duration::from_secs(10);
/// The interval of the sweep for orphaned files after a start.
const SWEEP_EVERY: Duration = Duration::from_millis(50);

pub(super) struct Writer {
    shared: Arc<Shared>,
    open: Option<OpenDirectory>,
    is_closed: bool,
    flushed_at: Instant,
    probe_at: Instant,
    /// Bytes that bodies may take, and when that was computed.
    budget: (u64, Instant),
    /// The next directory of the sweep for orphaned files, which runs once after a start.
    to_sweep: Option<u8>,
    /// The last feed whose bytes were counted again; all are counted once after a start.
    to_count: Option<String>,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, open: Option<OpenDirectory>) -> Self {
        let now = Instant::now();
        let mut writer = Self {
            shared,
            open: None,
            is_closed: false,
            flushed_at: now,
            probe_at: now,
            budget: (u64::MAX, now),
            to_sweep: None,
            to_count: None,
        };
        if let Some(open) = open {
            writer.take(open);
        }
        writer
    }

    /// Takes over a newly opened directory.
    fn take(&mut self, open: OpenDirectory) {
        let taken = self.shared.health.weight();
        self.budget = (
            upkeep::budget(&self.shared, &open.disk, taken),
            Instant::now(),
        );
        self.to_sweep = Some(0);
        self.shared.set_disk(Some(Arc::clone(&open.disk)));
        self.open = Some(open);
    }

    /// Runs until all senders of the queue are dropped.
    pub(super) fn run(mut self, queue: &Receiver<Job>) {
        let options = &self.shared.options;
        let tick = TICK.min(options.flush_every).min(options.probe_every);
        loop {
            let is_looking = self.to_sweep.is_some() || self.to_count.is_some();
            let patience = match is_looking {
                true => tick.min(SWEEP_EVERY),
                false => tick,
            };
            match queue.recv_timeout(patience) {
                Ok(first) => {
                    let batch = gather(first, queue);
                    self.write(batch);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.look_after();
        }
        self.flush();
        self.close();
    }

    /// Does what is due besides changes.
    fn look_after(&mut self) {
        if self.is_closed {
            return;
        }
        if self.shared.health.is_tripped() {
            if Instant::now() >= self.probe_at {
                self.probe();
            }
            return;
        }
        if let Err(refused) = self.keep_in_order() {
            self.trip(&refused, 0);
            return;
        }
        if self.flushed_at.elapsed() >= self.shared.options.flush_every {
            self.flush();
        }
    }

    /// Evicts, settles outdated keys, answers requests and sweeps.
    fn keep_in_order(&mut self) -> Result<(), Error> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        let is_less = self.shared.limits().disk_bytes < self.budget.0;
        if is_less || self.budget.1.elapsed() >= BUDGET_EVERY {
            if !open.disk.is_in_place() {
                return Err(io::Error::from(io::ErrorKind::NotFound).into());
            }
            let budget = upkeep::budget(&self.shared, &open.disk, self.budget.0);
            self.budget = (budget, Instant::now());
            upkeep::shrink(&open.connection)?;
        }
        if self.shared.health.weight() > self.budget.0 {
            upkeep::make_room(
                &self.shared,
                &open.disk,
                &mut open.connection,
                self.budget.0,
            )?;
        }
        if self.shared.outdated.is_any() {
            // A change was dropped just when the disk had recovered.
            settle(&self.shared, open)?;
        }
        answer_requests(&self.shared, open)?;
        if let Some(shard) = self.to_sweep {
            upkeep::sweep(&open.disk, &open.connection, shard)?;
            self.to_sweep = (shard < layout::SHARDS).then(|| shard + 1);
            if self.to_sweep.is_none() {
                upkeep::check(&open.connection)?;
                self.to_count = Some(String::new());
            }
        } else if let Some(after) = self.to_count.take() {
            self.to_count = history_totals::count_next(&mut open.connection, &after)?;
        }
        Ok(())
    }

    fn flush(&mut self) {
        self.flushed_at = Instant::now();
        if self.shared.has_waiting() {
            self.write(vec![Job {
                change: Change::Flush,
                reply: None,
            }]);
        }
    }

    /// Commits or drops a batch.
    fn write(&mut self, mut jobs: Vec<Job>) {
        let is_closing = jobs.iter().any(|job| matches!(job.change, Change::Close));
        let outcome = match &mut self.open {
            Some(open) if !self.shared.health.is_tripped() => {
                commit(&self.shared, open, &mut jobs).map_err(Some)
            }
            _ => Err(None),
        };
        match outcome {
            Ok(answers) => {
                for (job, answer) in jobs.iter().zip(answers) {
                    if let Some((space, key)) = job.change.renews().filter(|_| answer > 0) {
                        self.shared.outdated.remove(space, key);
                    }
                    if let Change::Purge(purge) = &job.change {
                        self.shared.tell(purge);
                    }
                    if !matches!(job.change, Change::Close) {
                        say(job, answer);
                    }
                }
            }
            Err(refused) => {
                let bytes = jobs.iter().map(|job| job.change.bytes()).sum();
                if let Some(refused) = refused {
                    self.trip(&refused, bytes);
                }
                jobs.iter()
                    .for_each(|job| self.shared.drop_change(&job.change));
            }
        }
        if jobs
            .iter()
            .any(|job| matches!(job.change, Change::StartAnew))
        {
            self.start_anew();
        }
        if is_closing {
            self.close();
            jobs.iter().for_each(|job| say(job, 1));
        }
    }

    fn trip(&mut self, refused: &Error, wanted_bytes: usize) {
        self.shared.health.trip(refused.to_string(), wanted_bytes);
        self.probe_at = Instant::now() + self.shared.options.probe_every;
        if refused.is_damage() {
            self.start_anew();
        }
    }

    /// Puts a damaged database aside; the next probe creates a new one.
    fn start_anew(&mut self) {
        let Some(open) = self.open.take() else {
            return;
        };
        self.shared.set_disk(None);
        let path = open.disk.path.clone();
        drop(open.connection);
        if let Err(error) = directory::put_aside(&path) {
            tracing::error!(%error, "the damaged database can't be put aside");
        }
        self.probe_at = Instant::now();
    }

    fn close(&mut self) {
        self.is_closed = true;
        self.shared.set_disk(None);
        if let Some(open) = self.open.take() {
            open.disk.bodies.readers.close();
            // The last connection checkpoints the log when it closes.
            drop(open.connection);
        }
    }

    /// Probes whether the disk takes writes again.
    fn probe(&mut self) {
        self.probe_at = Instant::now() + self.shared.options.probe_every;
        let shared = Arc::clone(&self.shared);
        let Some((_, wanted_bytes)) = shared.health.tripped() else {
            return;
        };
        if self
            .open
            .as_ref()
            .is_some_and(|open| !open.disk.is_in_place())
        {
            // It was removed or replaced.
            self.shared.set_disk(None);
            self.open = None;
        }
        let outcome = match &mut self.open {
            Some(open) => probe(&shared, open, wanted_bytes),
            None => match Disk::open(&shared.options.path) {
                Ok((disk, connection)) => self.adopt(disk, connection),
                Err(error) => return shared.health.trip(chain(&error), wanted_bytes),
            },
        };
        match outcome {
            Ok(()) => shared.health.recover(),
            Err(refused) => self.trip(&refused, wanted_bytes),
        }
    }

    fn adopt(&mut self, disk: Disk, connection: Connection) -> Result<(), Error> {
        let mut open = OpenDirectory::new(Arc::new(disk), connection);
        let stock = self.shared.take_stock(&open.connection);
        let outcome = stock.map_err(Error::from);
        let outcome = outcome.and_then(|()| probe(&self.shared, &mut open, 0));
        match &outcome {
            Ok(()) => self.take(open),
            // It is put aside by the caller.
            Err(refused) if refused.is_damage() => self.open = Some(open),
            Err(_) => {}
        }
        outcome
    }
}

/// The first job and those that wait behind it.
fn gather(first: Job, queue: &Receiver<Job>) -> Vec<Job> {
    let mut bytes = first.change.bytes();
    let mut jobs = vec![first];
    while jobs.len() < BATCH_MAX && bytes < BATCH_BYTES_MAX {
        let Ok(job) = queue.try_recv() else { break };
        bytes += job.change.bytes();
        jobs.push(job);
    }
    jobs
}

fn say(job: &Job, answer: u64) {
    if let Some(reply) = &job.reply {
        reply.try_send(answer).ok();
    }
}
