//! Who may work: seats out of one budget of memory and a number of processes, in the order of asking.
//!
//! Invariants: what busy seats were granted and what idle workers hold is never more than the budget;
//! a worker whose place is needed ends before the one that takes it starts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::process::Worker;
use super::seat::Seat;
use super::{WORKER_BYTES, WorkerCounters, WorkerError, WorkerKind, WorkerOptions};

/// Jobs that wait for a seat at the same time.
const WAITING_MAX: usize = 1024;
/// What an idle worker is taken to hold before one was measured.
const IDLE_BYTES: u64 = 16 << 20;
/// How long after a failed start no other is tried.
const START_PAUSE: Duration = Duration::from_secs(1);
/// How often it is logged that none can be started.
const START_LOG_EVERY: Duration = Duration::from_secs(60);

/// What all clones of a pool share.
#[derive(Debug)]
pub(crate) struct Inner {
    state: Mutex<State>,
    work_bytes: u64,
    start_data: fn(WorkerKind) -> Vec<u8>,
    started_with: [OnceLock<Arc<Vec<u8>>>; 3],
    tasks: TaskTracker,
    /// Wakes who ends idle workers.
    changed: Arc<Notify>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) options: WorkerOptions,
    /// Counts changes of the options: workers of older ones end with their job.
    pub(super) generation: u64,
    pub(super) idle: Vec<Idle>,
    pub(super) busy: usize,
    pub(super) busy_bytes: u64,
    waiting: VecDeque<Waiting>,
    /// What idle workers of each kind were measured to hold.
    idle_bytes: [u64; 3],
    is_watched: bool,
    start_failed: Option<Instant>,
    start_logged: Option<Instant>,
    has_told_missing: bool,
    counters: WorkerCounters,
}

#[derive(Debug)]
pub(super) struct Idle {
    pub(super) worker: Worker,
    pub(super) until: Instant,
}

#[derive(Debug)]
struct Waiting {
    kind: WorkerKind,
    grant: u64,
    sender: oneshot::Sender<Seat>,
}

impl State {
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

impl Inner {
    pub(super) fn new(
        options: WorkerOptions,
        work_bytes: u64,
        start_data: fn(WorkerKind) -> Vec<u8>,
    ) -> Self {
        Self {
            state: Mutex::new(State {
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
                has_told_missing: false,
                counters: WorkerCounters::default(),
            }),
            work_bytes,
            start_data,
            started_with: [const { OnceLock::new() }; 3],
            tasks: TaskTracker::new(),
            changed: Arc::default(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
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

    /// The most that one job may hold. A page may have its memory whatever images have.
    pub(super) fn bytes_max(&self, kind: WorkerKind) -> u64 {
        self.largest(&self.state(), kind)
    }

    fn budget(&self, state: &State) -> u64 {
        self.work_bytes.max(state.options.page_memory)
    }

    /// What every worker of a kind is given when it starts.
    pub(super) fn start_data(&self, kind: WorkerKind) -> Arc<Vec<u8>> {
        let make = || Arc::new((self.start_data)(kind));
        Arc::clone(self.started_with[kind.index()].get_or_init(make))
    }

    /// Waits for a seat with so many bytes beside what an idle worker holds.
    pub(super) async fn seat(
        self: &Arc<Self>,
        kind: WorkerKind,
        bytes: u64,
        deadline: Instant,
    ) -> Result<Seat, WorkerError> {
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
                && let Some(seat) = self.take(&mut state, kind, grant)
            {
                return Ok(seat);
            }
            if state.waiting.len() >= WAITING_MAX {
                return Err(WorkerError::Busy);
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.push_back(Waiting {
                kind,
                grant,
                sender,
            });
            receiver
        };
        match tokio::time::timeout_at(deadline, receiver).await {
            Ok(Ok(seat)) => Ok(seat),
            Ok(Err(_)) | Err(_) => Err(WorkerError::Busy),
        }
    }

    /// A seat, if there is room for it now; idle workers make room.
    fn take(self: &Arc<Self>, state: &mut State, kind: WorkerKind, grant: u64) -> Option<Seat> {
        let budget = self.budget(state);
        let own = state
            .idle
            .iter()
            .rposition(|idle| idle.worker.kind() == kind);
        // It may hold more than this job would need.
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
        Some(Seat {
            inner: Arc::clone(self),
            kind,
            grant,
            is_largest: grant >= self.largest(state, kind),
            generation: state.generation,
            worker,
            evicted,
        })
    }

    fn largest(&self, state: &State, kind: WorkerKind) -> u64 {
        match kind {
            WorkerKind::Image | WorkerKind::Svg => self.work_bytes,
            WorkerKind::Page => state.options.page_memory,
        }
    }

    /// Seats those who wait, the first first.
    pub(super) fn seat_waiting(self: &Arc<Self>) {
        loop {
            let (seat, sender) = {
                let mut state = self.state();
                let Some(first) = state.waiting.front() else {
                    return;
                };
                if first.sender.is_closed() {
                    state.waiting.pop_front();
                    continue;
                }
                let (kind, grant) = (first.kind, first.grant);
                let Some(seat) = self.take(&mut state, kind, grant) else {
                    return;
                };
                match state.waiting.pop_front() {
                    Some(first) => (seat, first.sender),
                    None => return,
                }
            };
            // Who left in between drops the seat, which seats the next.
            drop(sender.send(seat));
        }
    }

    /// Ends workers whose time is over, for as long as there are any.
    pub(super) fn watch(self: &Arc<Self>, state: &mut State) {
        let runs = tokio::runtime::Handle::try_current();
        let (false, Ok(runtime)) = (state.is_watched, runs) else {
            return;
        };
        state.is_watched = true;
        let inner = Arc::downgrade(self);
        let changed = Arc::clone(&self.changed);
        self.tasks.spawn_on(watch(inner, changed), &runtime);
    }

    /// Ends what has been idle for too long; says when to look again, if ever.
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
        let is_told = state
            .start_logged
            .is_some_and(|told| now < told + START_LOG_EVERY);
        if !is_told {
            state.start_logged = Some(now);
            drop(state);
            tracing::error!(%error, "no worker can be started: what needs one is not to be had");
        }
    }

    /// Notes what a new worker said of itself.
    pub(super) fn started(&self, worker: &Worker) {
        let mut state = self.state();
        state.start_failed = None;
        state.counters.started += 1;
        state.idle_bytes[worker.kind().index()] = worker.idle_bytes();
        if !state.has_told_missing && !worker.missing().is_empty() {
            state.has_told_missing = true;
            drop(state);
            tracing::warn!(
                missing = worker.missing(),
                "the kernel or a container refuses some bounds on workers; the others hold"
            );
        }
    }
}

async fn watch(inner: Weak<Inner>, changed: Arc<Notify>) {
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
