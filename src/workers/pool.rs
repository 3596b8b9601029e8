//! The pool: worker slots within one budget of memory and a number of processes, first come, first served.
//!
//! Invariants: the grants of busy slots and the memory of idle workers never exceed the budget; an
//! evicted worker ends before its successor starts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::job::{WorkerCounters, WorkerError, WorkerKind};
use super::options::{WORKER_BYTES, WorkerOptions};
use super::process::Worker;

/// Jobs that may wait for a slot at the same time.
const WAITING_MAX: usize = 1024;
/// Memory that an idle worker is assumed to hold until one was measured.
const IDLE_BYTES: u64 = 16 << 20;
/// Pause after a failed start.
const START_PAUSE: Duration = Duration::from_secs(1);
/// Least time between two log messages about failed starts.
const START_LOG_EVERY: Duration = Duration::from_secs(60);

/// The state that all clones of the pool share.
#[derive(Debug)]
pub(crate) struct PoolState {
    state: Mutex<SlotTable>,
    work_bytes: u64,
    start_data: fn(WorkerKind) -> Vec<u8>,
    started_with: [OnceLock<Arc<Vec<u8>>>; 3],
    tasks: TaskTracker,
    /// Wakes the task that ends idle workers.
    changed: Arc<Notify>,
}

#[derive(Debug)]
pub(super) struct SlotTable {
    pub(super) options: WorkerOptions,
    /// Incremented when the options change: workers started before end after their job.
    pub(super) generation: u64,
    pub(super) idle: Vec<IdleWorker>,
    pub(super) busy: usize,
    pub(super) busy_bytes: u64,
    waiting: VecDeque<Waiter>,
    /// Memory of an idle worker, last measured, by kind.
    idle_bytes: [u64; 3],
    is_watched: bool,
    start_failed: Option<Instant>,
    start_logged: Option<Instant>,
    has_logged_missing: bool,
    counters: WorkerCounters,
}

#[derive(Debug)]
pub(super) struct IdleWorker {
    pub(super) worker: Worker,
    pub(super) until: Instant,
}

#[derive(Debug)]
struct Waiter {
    kind: WorkerKind,
    grant: u64,
    sender: oneshot::Sender<WorkerSlot>,
}

impl SlotTable {
    fn processes_max(&self, work_bytes: u64) -> usize {
        let by_memory = usize::try_from(work_bytes / WORKER_BYTES).unwrap_or(usize::MAX);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let wanted = match self.options.processes_max {
            0 => cores,
            wanted => wanted.min(cores),
        };
        wanted.min(by_memory).max(1)
    }

    fn idle_total(&self) -> u64 {
        let held = self.idle.iter().map(|idle| idle.worker.idle_bytes());
        held.sum()
    }
}

impl PoolState {
    pub(super) fn new(
        options: WorkerOptions,
        work_bytes: u64,
        start_data: fn(WorkerKind) -> Vec<u8>,
    ) -> Self {
        Self {
            state: Mutex::new(SlotTable {
                options,
                generation: 0,
                idle: Vec::new(),
                busy: 0,
                busy_bytes: 0,
                waiting: VecDeque::new(),
                idle_bytes: [IDLE_BYTES; 3],
                is_watched: false,
                start_failed: None,
                start_logged: None,
                has_logged_missing: false,
                counters: WorkerCounters::default(),
            }),
            work_bytes,
            start_data,
            started_with: [const { OnceLock::new() }; 3],
            tasks: TaskTracker::new(),
            changed: Arc::default(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, SlotTable> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn options(&self) -> WorkerOptions {
        self.state().options.clone()
    }

    pub(super) fn set_options(&self, options: WorkerOptions) {
        let ended = {
            let mut state = self.state();
            if state.options == options {
                return;
            }
            state.options = options;
            state.generation += 1;
            std::mem::take(&mut state.idle)
        };
        drop(ended);
        self.changed.notify_one();
    }

    pub(super) fn counters(&self) -> WorkerCounters {
        self.state().counters
    }

    pub(super) fn count(&self, add: impl FnOnce(&mut WorkerCounters)) {
        add(&mut self.state().counters);
    }

    pub(super) fn under_way(&self) -> usize {
        let state = self.state();
        state.busy + state.waiting.len()
    }

    pub(super) fn bytes_held(&self) -> u64 {
        let state = self.state();
        state.busy_bytes + state.idle_total()
    }

    /// The largest grant for one job. For pages it is `page_memory`, even where that exceeds `work_bytes`.
    pub(super) fn bytes_max(&self, kind: WorkerKind) -> u64 {
        self.largest(&self.state(), kind)
    }

    fn budget(&self, state: &SlotTable) -> u64 {
        self.work_bytes.max(state.options.page_memory)
    }

    /// Data that every worker of this kind gets at its start.
    pub(super) fn start_data(&self, kind: WorkerKind) -> Arc<Vec<u8>> {
        let make = || Arc::new((self.start_data)(kind));
        Arc::clone(self.started_with[kind.index()].get_or_init(make))
    }

    /// Waits for a slot with `bytes` beyond what an idle worker holds.
    pub(super) async fn slot(
        self: &Arc<Self>,
        kind: WorkerKind,
        bytes: u64,
        deadline: Instant,
    ) -> Result<WorkerSlot, WorkerError> {
        let bytes_max = self.bytes_max(kind);
        let receiver = {
            let mut state = self.state();
            let has_worker = state.idle.iter().any(|idle| idle.worker.kind() == kind);
            let paused = state.start_failed.map(|failed| failed + START_PAUSE);
            if !has_worker && paused.is_some_and(|until| Instant::now() < until) {
                return Err(WorkerError::Unavailable);
            }
            let grant = bytes
                .saturating_add(state.idle_bytes[kind.index()])
                .min(bytes_max);
            if state.waiting.is_empty()
                && let Some(slot) = self.take(&mut state, kind, grant)
            {
                return Ok(slot);
            }
            if state.waiting.len() >= WAITING_MAX {
                return Err(WorkerError::Busy);
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.push_back(Waiter {
                kind,
                grant,
                sender,
            });
            receiver
        };
        match tokio::time::timeout_at(deadline, receiver).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) | Err(_) => Err(WorkerError::Busy),
        }
    }

    /// Takes a slot if one is free now; evicts idle workers where needed.
    fn take(
        self: &Arc<Self>,
        state: &mut SlotTable,
        kind: WorkerKind,
        grant: u64,
    ) -> Option<WorkerSlot> {
        let budget = self.budget(state);
        let own = state
            .idle
            .iter()
            .rposition(|idle| idle.worker.kind() == kind);
        // It may hold more than this job needs.
        let held = own.map_or(0, |at| state.idle[at].worker.idle_bytes());
        let grant = grant.max(held);
        let is_full = state.busy >= state.processes_max(self.work_bytes);
        if is_full || state.busy_bytes + grant > budget {
            return None;
        }
        let worker = own.map(|at| state.idle.remove(at).worker);
        let mut evicted = Vec::new();
        while !state.idle.is_empty()
            && (state.busy + state.idle.len() >= state.processes_max(self.work_bytes)
                || state.busy_bytes + state.idle_total() + grant > budget)
        {
            evicted.push(state.idle.remove(0).worker);
        }
        state.busy += 1;
        state.busy_bytes += grant;
        Some(WorkerSlot {
            inner: Arc::clone(self),
            kind,
            grant,
            is_largest: grant >= self.largest(state, kind),
            generation: state.generation,
            worker,
            evicted,
        })
    }

    fn largest(&self, state: &SlotTable, kind: WorkerKind) -> u64 {
        match kind {
            WorkerKind::Image | WorkerKind::Svg => self.work_bytes,
            WorkerKind::Page => state.options.page_memory,
        }
    }

    /// Gives free slots to waiters, the oldest first.
    pub(super) fn serve_waiting(self: &Arc<Self>) {
        loop {
            let (slot, sender) = {
                let mut state = self.state();
                let Some(first) = state.waiting.front() else {
                    return;
                };
                if first.sender.is_closed() {
                    state.waiting.pop_front();
                    continue;
                }
                let (kind, grant) = (first.kind, first.grant);
                let Some(slot) = self.take(&mut state, kind, grant) else {
                    return;
                };
                match state.waiting.pop_front() {
                    Some(first) => (slot, first.sender),
                    None => return,
                }
            };
            // A waiter that has left drops the slot, which goes to the next.
            drop(sender.send(slot));
        }
    }

    /// Starts the task that ends idle workers after their timeout, unless it runs.
    pub(super) fn watch(self: &Arc<Self>, state: &mut SlotTable) {
        let runs = tokio::runtime::Handle::try_current();
        let (false, Ok(runtime)) = (state.is_watched, runs) else {
            return;
        };
        state.is_watched = true;
        let inner = Arc::downgrade(self);
        let changed = Arc::clone(&self.changed);
        self.tasks.spawn_on(watch(inner, changed), &runtime);
    }

    /// Ends workers that were idle for too long; returns when to look again.
    fn end_idle(&self) -> Option<Instant> {
        let mut ended = Vec::new();
        let mut state = self.state();
        let now = Instant::now();
        while let Some(at) = state.idle.iter().position(|idle| idle.until <= now) {
            ended.push(state.idle.remove(at));
        }
        let next = state.idle.iter().map(|idle| idle.until).min();
        state.is_watched = next.is_some();
        drop(state);
        drop(ended);
        next
    }

    pub(super) fn start_failed(&self, error: &std::io::Error) {
        let now = Instant::now();
        let mut state = self.state();
        state.start_failed = Some(now);
        let is_logged = state
            .start_logged
            .is_some_and(|logged| now < logged + START_LOG_EVERY);
        if !is_logged {
            state.start_logged = Some(now);
            drop(state);
            tracing::error!(%error, "no worker can be started: images and full texts are unavailable");
        }
    }

    /// Records the memory and the missing bounds that a new worker reported.
    pub(super) fn started(&self, worker: &Worker) {
        let mut state = self.state();
        state.start_failed = None;
        state.counters.started += 1;
        state.idle_bytes[worker.kind().index()] = worker.idle_bytes();
        if !state.has_logged_missing && !worker.missing().is_empty() {
            state.has_logged_missing = true;
            drop(state);
            tracing::warn!(
                missing = worker.missing(),
                "the kernel or a container refuses some limits on workers; the others are in force"
            );
        }
    }
}

/// Room for one worker with its grant of memory; given back when dropped.
#[derive(Debug)]
pub(super) struct WorkerSlot {
    pub(super) inner: Arc<PoolState>,
    pub(super) kind: WorkerKind,
    /// Bytes that the worker may hold in all.
    pub(super) grant: u64,
    pub(super) is_largest: bool,
    pub(super) generation: u64,
    pub(super) worker: Option<Worker>,
    /// Idle workers to end before one starts in this slot.
    pub(super) evicted: Vec<Worker>,
}

impl Drop for WorkerSlot {
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
                    state.idle.push(IdleWorker { worker, until });
                    self.inner.watch(&mut state);
                } else {
                    ended = Some(worker);
                }
            }
        }
        drop(ended);
        self.inner.serve_waiting();
    }
}

async fn watch(inner: Weak<PoolState>, changed: Arc<Notify>) {
    while let Some(pool) = inner.upgrade() {
        let ending = tokio::task::spawn_blocking(move || pool.end_idle());
        match ending.await {
            Ok(Some(next)) => {
                tokio::select! {
                    () = tokio::time::sleep_until(next) => {}
                    () = changed.notified() => {}
                }
            }
            Ok(None) | Err(_) => return,
        }
    }
}
