//! The memory and the cores that work on pictures may take at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::Trouble;
use crate::pixels;

/// Permits are KiB, so that their number fits.
const UNIT_BYTES: u64 = 1 << 10;

/// Memory and cores.
#[derive(Debug)]
pub(super) struct Budget {
    memory: Arc<Semaphore>,
    units: u32,
    cores: Arc<Semaphore>,
}

/// A part of it, given back when dropped.
#[derive(Debug)]
pub(super) struct Share(
    #[expect(dead_code, reason = "held for its drop")] [OwnedSemaphorePermit; 2],
);

impl Budget {
    pub(super) fn new(bytes: u64) -> Self {
        let units = u32::try_from(bytes / UNIT_BYTES)
            .unwrap_or(u32::MAX)
            .min(Semaphore::MAX_PERMITS as u32);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            memory: Arc::new(Semaphore::new(units as usize)),
            units,
            cores: Arc::new(Semaphore::new(cores)),
        }
    }

    /// Waits for memory and a core. What is heavier than all of it takes all of it.
    pub(super) async fn take(
        &self,
        bytes: u64,
        until: Instant,
        patience: Duration,
    ) -> Result<Share, Trouble> {
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES))
            .unwrap_or(u32::MAX)
            .clamp(1, self.units);
        let both = async {
            let memory = Arc::clone(&self.memory).acquire_many_owned(units).await;
            let core = Arc::clone(&self.cores).acquire_owned().await;
            Some([memory.ok()?, core.ok()?])
        };
        match tokio::time::timeout_at(until, both).await {
            Ok(Some(permits)) => Ok(Share(permits)),
            Ok(None) | Err(_) => Err(Trouble::Busy(patience)),
        }
    }
}

/// Runs work on a thread that may block, up to a time; the share is given back when the work has
/// really ended, which it does at its next look at `is_late`.
pub(super) async fn run<T: Send + 'static>(
    share: Option<Share>,
    until: Instant,
    patience: Duration,
    work: impl FnOnce(&(dyn Fn() -> bool + Sync)) -> Result<T, pixels::Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    let late = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&late);
    let working = tokio::task::spawn_blocking(move || {
        let made = work(&|| seen.load(Ordering::Relaxed));
        drop(share);
        made
    });
    match tokio::time::timeout_at(until, working).await {
        Ok(Ok(Ok(made))) => Ok(made),
        Ok(Ok(Err(pixels::Trouble::Late))) => Err(Trouble::Late(patience)),
        Ok(Ok(Err(trouble))) => Err(trouble.into()),
        Ok(Err(_)) => Err(Trouble::GivenUp),
        Err(_) => {
            late.store(true, Ordering::Relaxed);
            Err(Trouble::Late(patience))
        }
    }
}
