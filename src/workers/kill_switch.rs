//! Ends a worker process from another thread than the one that waits for it.

use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Kills a worker process while another thread waits for its answer.
#[derive(Debug, Default)]
pub(super) struct KillSwitch(Mutex<KillState>);

#[derive(Debug, Default)]
struct KillState {
    child: Option<SharedChild>,
    is_killed: bool,
    is_late: bool,
}

/// A child process, killed and waited for under one lock, so that no signal goes to another process
/// with its number.
pub(super) type SharedChild = Arc<Mutex<Child>>;

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl KillSwitch {
    /// Sets the process to kill; kills it at once where the switch was used already.
    pub(super) fn hold_child(&self, child: &SharedChild) {
        let mut held = lock(&self.0);
        held.child = Some(Arc::clone(child));
        if held.is_killed {
            lock(child).kill().ok();
        }
    }

    /// Kills the process, or the one that is set later.
    pub(super) fn kill(&self) {
        let mut held = lock(&self.0);
        held.is_killed = true;
        if let Some(child) = &held.child {
            lock(child).kill().ok();
        }
    }

    /// Kills the process because its deadline has passed.
    pub(super) fn kill_late(&self) {
        lock(&self.0).is_late = true;
        self.kill();
    }

    /// Forgets the process: the job is done.
    pub(super) fn release(&self) {
        lock(&self.0).child = None;
    }

    pub(super) fn is_killed(&self) -> bool {
        lock(&self.0).is_killed
    }

    pub(super) fn is_late(&self) -> bool {
        lock(&self.0).is_late
    }
}
