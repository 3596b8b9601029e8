//! Wall-clock times that nobody can set back: the time at the start, and what passed since.

use std::time::SystemTime;

use tokio::time::Instant;

/// A clock that follows the monotonic one, so that a correction of the machine's time neither
/// expires everything at once nor keeps anything for ever.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started_at: SystemTime,
    started: Instant,
}

impl Clock {
    /// A clock that shows the machine's time now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            started_at: SystemTime::now(),
            started: Instant::now(),
        }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.started_at + self.started.elapsed()
    }
}
