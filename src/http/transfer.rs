//! How much of one reply its reader has taken, and whether that is fast enough.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::AbortHandle;
use tokio::time::Instant;

/// The rate at which a reader must take a reply while there is something to take.
#[derive(Debug, Clone, Copy)]
pub(super) struct LeastRate {
    /// The span over which the rate is measured; at least a second counts.
    pub(super) window: Duration,
    pub(super) bytes_per_second: u64,
}

impl LeastRate {
    /// The bytes of one window.
    pub(super) fn window_bytes(&self) -> u64 {
        let seconds = self.window.max(Duration::from_secs(1)).as_secs();
        self.bytes_per_second.saturating_mul(seconds)
    }
}

/// Counters of one reply's body.
#[derive(Debug)]
pub(super) struct Transfer {
    /// Ends the HTTP/2 stream; `None` on HTTP/1, where the stream is the connection.
    abort: Option<AbortHandle>,
    /// Bytes that were written, or will be with what the socket takes next.
    taken_bytes: AtomicU64,
    /// Bytes that were handed to hyper and are not taken.
    held_bytes: AtomicU64,
    /// Whether everything was taken at some time since the watchdog looked.
    was_taken: AtomicBool,
    is_given_up: AtomicBool,
    /// When the measured window began, and the bytes taken until then.
    window: Mutex<Option<(Instant, u64)>>,
}

impl Transfer {
    pub(super) fn new(abort: Option<AbortHandle>) -> Self {
        Self {
            abort,
            taken_bytes: AtomicU64::new(0),
            held_bytes: AtomicU64::new(0),
            was_taken: AtomicBool::new(false),
            is_given_up: AtomicBool::new(false),
            window: Mutex::default(),
        }
    }

    /// Counts bytes that are handed to hyper.
    pub(super) fn hold(&self, bytes: usize) {
        self.held_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts bytes that hyper wrote.
    pub(super) fn take(&self, bytes: usize) {
        self.taken_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.discard(bytes);
    }

    /// Counts bytes that hyper dropped.
    pub(super) fn discard(&self, bytes: usize) {
        let bytes = bytes as u64;
        if self.held_bytes.fetch_sub(bytes, Ordering::Relaxed) == bytes {
            self.was_taken.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.is_given_up.load(Ordering::Relaxed)
    }

    /// Whether the reader took less than `rate` over a whole window in which there always was
    /// something to take.
    pub(super) fn is_slow(&self, rate: &LeastRate) -> bool {
        let now = Instant::now();
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let was_taken = self.was_taken.swap(false, Ordering::Relaxed);
        if was_taken || self.held_bytes.load(Ordering::Relaxed) == 0 {
            *window = None;
            return false;
        }
        let taken = self.taken_bytes.load(Ordering::Relaxed);
        let (since, before) = *window.get_or_insert((now, taken));
        if now - since < rate.window {
            return false;
        }
        *window = Some((now, taken));
        taken - before < rate.window_bytes()
    }

    /// Resets the stream, where that is possible: not on HTTP/1, nor when hyper has handed all of
    /// it to h2. Where it isn't, the stream is still there afterwards.
    pub(super) fn give_up(&self) {
        self.is_given_up.store(true, Ordering::Relaxed);
        if let Some(abort) = &self.abort {
            abort.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: LeastRate = LeastRate {
        window: Duration::from_secs(30),
        bytes_per_second: 10,
    };

    async fn after(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_transfer_is_slow_when_it_takes_less_than_the_rate() {
        let transfer = Transfer::new(None);
        transfer.hold(10_000);
        assert!(!transfer.is_slow(&RATE));
        after(29).await;
        transfer.take(299);
        assert!(!transfer.is_slow(&RATE));
        after(1).await;
        assert!(transfer.is_slow(&RATE));
        after(30).await;
        transfer.take(300);
        assert!(!transfer.is_slow(&RATE));
        after(30).await;
        transfer.discard(9_401);
        assert!(!transfer.is_slow(&RATE), "there is nothing to take");
    }

    #[tokio::test(start_paused = true)]
    async fn a_transfer_that_waits_for_us_now_and_then_is_not_slow() {
        let transfer = Transfer::new(None);
        for _ in 0..100 {
            transfer.hold(1);
            assert!(!transfer.is_slow(&RATE));
            after(10).await;
            assert!(!transfer.is_slow(&RATE));
            transfer.take(1);
        }
    }
}
