//! One fetch that any number of readers wait for.

use std::sync::Arc;

use tokio::sync::watch;

use super::copy::FeedCopy;

/// How a flight came out: a copy to play (whole, or growing when there was nothing better), or
/// why there is none.
pub type Landing<E> = Result<Arc<FeedCopy>, Arc<E>>;

/// A fetch under way. The task that fetches lands it; readers only wait, so one who leaves
/// cancels nothing.
#[derive(Debug)]
pub struct Flight<E> {
    landing: watch::Sender<Option<Landing<E>>>,
}

impl<E> Default for Flight<E> {
    fn default() -> Self {
        Self {
            landing: watch::Sender::new(None),
        }
    }
}

impl<E: Send + Sync> Flight<E> {
    /// Tells every reader how it came out. Later calls replace what late readers see.
    pub fn land(&self, landing: Landing<E>) {
        self.landing.send_replace(Some(landing));
    }

    /// Waits until there is something to play, or nothing.
    pub async fn landed(&self) -> Landing<E> {
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
