//! A value in flight: being fetched or made once, for any number of requests that wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// What requests get: a value (whole, or growing when there was nothing better), or why there is none.
pub type Outcome<E, C> = Result<Arc<C>, Arc<E>>;

/// A value in flight. The task that produces it publishes; requests only wait. One that leaves cancels
/// nothing; whether the last does is for [`Interest`](super::Interest) to say.
#[derive(Debug)]
pub struct InFlight<E, C> {
    news: watch::Sender<News<E, C>>,
    /// Whether it goes on when no request waits for it.
    keeps_going: AtomicBool,
}

/// What is known of it so far.
#[derive(Debug)]
struct News<E, C> {
    /// A stale value that the producing task found, in the store for instance.
    stale: Option<Arc<C>>,
    outcome: Option<Outcome<E, C>>,
    /// Whether the outcome was there already, in the store, and upstream was not asked.
    is_stored: bool,
}

/// What a request that waited gets.
#[derive(Debug)]
pub(super) struct Waited<E, C> {
    /// `None` when a stale value is served because the new one takes too long.
    pub(super) outcome: Option<Outcome<E, C>>,
    pub(super) is_stored: bool,
    pub(super) stale: Option<Arc<C>>,
}

impl<E, C> Default for InFlight<E, C> {
    fn default() -> Self {
        Self {
            news: watch::Sender::new(News {
                stale: None,
                outcome: None,
                is_stored: false,
            }),
            keeps_going: AtomicBool::new(false),
        }
    }
}

impl<E: Send + Sync, C: Send + Sync> InFlight<E, C> {
    /// Tells every waiting request the outcome. A later one is for requests that come later.
    pub fn publish(&self, outcome: Outcome<E, C>) {
        self.news.send_modify(|news| news.outcome = Some(outcome));
    }

    /// Tells them of a fresh value from the store.
    pub(super) fn publish_stored(&self, value: Arc<C>) {
        self.news.send_modify(|news| {
            news.outcome = Some(Ok(value));
            news.is_stored = true;
        });
    }

    /// Tells them of a stale value that may be served meanwhile.
    pub(super) fn offer_stale(&self, value: Arc<C>) {
        self.news.send_modify(|news| news.stale = Some(value));
    }

    /// Has it go on for later requests, though those that waited are served something else.
    pub fn keep_going(&self) {
        self.keeps_going.store(true, Ordering::Relaxed);
    }

    /// Whether a request waits for it, or it goes on without.
    pub(super) fn is_wanted(&self) -> bool {
        self.keeps_going.load(Ordering::Relaxed) || self.news.receiver_count() > 0
    }

    /// Returns when no request waits for it.
    pub(super) async fn unwatched(&self) {
        self.news.closed().await;
    }

    /// Waits for the outcome.
    pub async fn outcome(&self) -> Outcome<E, C> {
        let waited = self.outcome_or_stale(None, None).await;
        match waited.outcome {
            Some(outcome) => outcome,
            // Nothing stale is served without a deadline.
            None => std::future::pending().await,
        }
    }

    /// Waits for the outcome; once `deadline` is past, a stale value is served as soon as there is one.
    pub(super) async fn outcome_or_stale(
        &self,
        mut stale: Option<Arc<C>>,
        deadline: Option<Instant>,
    ) -> Waited<E, C> {
        let mut watching = self.news.subscribe();
        loop {
            {
                let news = watching.borrow_and_update();
                stale = stale.or_else(|| news.stale.clone());
                if news.outcome.is_some() {
                    return Waited {
                        outcome: news.outcome.clone(),
                        is_stored: news.is_stored,
                        stale,
                    };
                }
            }
            let changed = watching.changed();
            let is_late = match (&stale, deadline) {
                (Some(_), Some(deadline)) => timeout_at(deadline, changed).await.is_err(),
                // The sender is ours: it can't be gone while we are here.
                _ => changed.await.is_err(),
            };
            if is_late {
                return Waited {
                    outcome: None,
                    is_stored: false,
                    stale,
                };
            }
        }
    }
}
