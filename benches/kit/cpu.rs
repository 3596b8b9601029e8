//! What a thread has had of the processor: a busy machine spoils that least.

use rustix::time::{ClockId, clock_gettime};

/// Seconds of processor time that this thread has had.
pub(crate) fn seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
