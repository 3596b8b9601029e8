//! Places of lookups: no more than so many are under way, and those that wait longest for a dead
//! server give way.
//!
//! Who came last is served first: in a crowd of names that nobody answers for, the one that does
//! get an answer waits for a single place to become free, not for the crowd.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Lookups that wait for a place; of more, the oldest is turned away.
const WAITING_MAX: usize = 8_192;

/// So many places.
#[derive(Debug)]
pub(super) struct Places(Mutex<State>);

#[derive(Debug)]
struct State {
    free: usize,
    /// The newest last.
    waiting: VecDeque<oneshot::Sender<Place>>,
}

/// One of them. Dropped, it goes to who waits.
#[derive(Debug)]
pub(super) struct Place(Option<Arc<Places>>);

impl Places {
    pub(super) fn new(count: usize) -> Arc<Self> {
        let state = State {
            free: count,
            waiting: VecDeque::new(),
        };
        Arc::new(Self(Mutex::new(state)))
    }

    /// Waits for one; `None` when too many do.
    pub(super) async fn enter(self: &Arc<Self>) -> Option<Place> {
        let waiting = {
            let mut state = self.state();
            if state.free > 0 {
                state.free -= 1;
                return Some(Place(Some(Arc::clone(self))));
            }
            let (give, waiting) = oneshot::channel();
            if state.waiting.len() >= WAITING_MAX {
                state.waiting.retain(|waiting| !waiting.is_closed());
            }
            if state.waiting.len() >= WAITING_MAX {
                state.waiting.pop_front();
            }
            state.waiting.push_back(give);
            waiting
        };
        waiting.await.ok()
    }

    /// Whether somebody waits.
    pub(super) fn are_wanted(&self) -> bool {
        self.state()
            .waiting
            .iter()
            .any(|waiting| !waiting.is_closed())
    }

    fn give_back(self: &Arc<Self>) {
        loop {
            let newest = {
                let mut state = self.state();
                let Some(newest) = state.waiting.pop_back() else {
                    state.free += 1;
                    return;
                };
                newest
            };
            match newest.send(Place(Some(Arc::clone(self)))) {
                Ok(()) => return,
                // It waits no longer; its place must not come back here while we hold it.
                Err(mut place) => drop(place.0.take()),
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(places) = self.0.take() {
            places.give_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn the_newest_is_served_first_and_the_oldest_of_too_many_is_turned_away() {
        let places = Places::new(1);
        let first = places.enter().now_or_never().flatten().unwrap();
        let mut waiting: Vec<_> = (0..=WAITING_MAX)
            .map(|_| Box::pin(places.enter()))
            .collect();
        for (at, one) in waiting.iter_mut().enumerate() {
            assert!(one.as_mut().now_or_never().is_none(), "{at}");
        }
        assert!(places.are_wanted());
        assert!(waiting[0].as_mut().now_or_never().unwrap().is_none());
        // One that gave up in the meantime is passed over.
        waiting.pop();
        drop(first);
        assert!(waiting[1].as_mut().now_or_never().is_none());
        let second = waiting.pop().unwrap().now_or_never().flatten();
        assert!(second.is_some());
        drop(waiting);
        assert!(!places.are_wanted());
        drop(second);
        assert!(places.enter().now_or_never().flatten().is_some());
    }
}
