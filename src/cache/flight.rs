//! One fetch that any number of readers wait for.

use std::sync::Arc;

use tokio::sync::watch;

use super::copy::FeedCopy;

/// How a flight came out: something to play (whole, or growing when there was nothing better), or
/// why there is nothing.
pub type Landing<E, C = FeedCopy> = Result<Arc<C>, Arc<E>>;

/// A fetch under way. The task that fetches lands it; readers only wait, so one who leaves
/// cancels nothing.
#[derive(Debug)]
pub struct Flight<E, C = FeedCopy> {
    landing: watch::Sender<Option<Landing<E, C>>>,
}

impl<E, C> Default for Flight<E, C> {
    fn default() -> Self {
        Self {
            landing: watch::Sender::new(None),
        }
    }
}

impl<E: Send + Sync, C: Send + Sync> Flight<E, C> {
    /// Tells every reader how it came out. Later calls replace what late readers see.
    pub fn land(&self, landing: Landing<E, C>) {
        self.landing.send_replace(Some(landing));
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
