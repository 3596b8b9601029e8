//! One fetch that any number of readers wait for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use super::copy::FeedCopy;

/// How a flight came out: something to play (whole, or growing when there was nothing better), or
/// why there is nothing.
pub type Landing<E, C = FeedCopy> = Result<Arc<C>, Arc<E>>;

/// A fetch under way. The task that fetches lands it; readers only wait. One who leaves cancels
/// nothing; whether the last does is for [`Interest`](super::Interest) to say.
#[derive(Debug)]
pub struct Flight<E, C = FeedCopy> {
    landing: watch::Sender<Option<Landing<E, C>>>,
    /// Whether it goes on when nobody waits for it.
    keeps_going: AtomicBool,
}

impl<E, C> Default for Flight<E, C> {
    fn default() -> Self {
        Self {
            landing: watch::Sender::new(None),
            keeps_going: AtomicBool::new(false),
        }
    }
}

impl<E: Send + Sync, C: Send + Sync> Flight<E, C> {
    /// Tells every reader how it came out. Later calls replace what late readers see.
    pub fn land(&self, landing: Landing<E, C>) {
        self.landing.send_replace(Some(landing));
    }

    /// It goes on for the next reader, though who waits now is served something else.
    pub fn keep_going(&self) {
        self.keeps_going.store(true, Ordering::Relaxed);
    }

    /// Whether somebody waits for it, or it goes on without.
    pub(super) fn is_wanted(&self) -> bool {
        self.keeps_going.load(Ordering::Relaxed) || self.landing.receiver_count() > 0
    }

    /// Returns when nobody waits for it.
    pub(super) async fn unwatched(&self) {
        self.landing.closed().await;
    }

    /// Waits until there is something to play, or nothing.
    pub async fn landed(&self) -> Landing<E, C> {
        let mut watching = self.landing.subscribe();
        loop {
            if let Some(landing) = watching.borrow_and_update().clone() {
                return landing;
            }
            if watching.changed().await.is_err() {
                // The sender is ours: it can't be gone while we are here.
                std::future::pending::<()>().await;
            }
        }
    }
}
