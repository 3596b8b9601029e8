//! The limits that hosts are fetched under, and what callers tell about a fetch.

use std::time::Duration;

use tokio::sync::Semaphore;

/// Limits of the fetches from each host, and the back-off of failing ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostOptions {
    /// Fetches from one host at the same time.
    pub fetches_max: usize,
    /// Fetches from all hosts together.
    pub fetches_in_all_max: usize,
    /// How long a fetch that a reader waits for may wait for a slot.
    pub queue_timeout: Duration,
    /// The least time between the starts of two fetches from one host; a reader who waits is not
    /// delayed by it for more than two seconds.
    pub spacing: Duration,
    /// Failures in a row, within a minute, after which the breaker opens.
    pub failures_max: u32,
    /// The shortest back-off.
    pub hold_min: Duration,
    /// The longest back-off, unless the host names a longer one.
    pub hold_max: Duration,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            fetches_max: 2,
            fetches_in_all_max: Semaphore::MAX_PERMITS,
            queue_timeout: Duration::from_secs(20),
            spacing: Duration::from_secs(1),
            failures_max: 5,
            hold_min: Duration::from_secs(30),
            hold_max: Duration::from_secs(900),
        }
    }
}

/// Whether somebody waits for a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// A reader waits, who gets nothing before it ends.
    Reader,
    /// Nobody waits: there is a copy meanwhile.
    Background,
}

/// The back-off of a host whose breaker is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The time that is left; at zero the next fetch is the probe.
    pub held_for: Duration,
    /// Failures in a row.
    pub failures: u32,
}

/// What a fetch says about the health of its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostOutcome {
    /// The host answered as a healthy one does.
    Answered,
    /// The host could not be reached, or failed.
    Failed,
    /// The host said that we come too often, and perhaps for how long to stay away.
    Overloaded(Option<Duration>),
}
