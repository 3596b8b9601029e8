//! Slots of lookups: a limit on those in flight, where the ones that wait longest give up first.
//!
//! The newest is served first: among many names that no server answers for, a name that resolves
//! waits for one slot to become free, not for all the others.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Lookups that may wait for a slot; of more, the oldest is refused.
const WAITING_MAX: usize = 8_192;

/// The slots of one kind of lookups.
#[derive(Debug)]
pub(super) struct LookupSlots(Mutex<State>);

#[derive(Debug)]
struct State {
    free: usize,
    /// The newest last.
    waiting: VecDeque<oneshot::Sender<LookupSlot>>,
}

/// One slot; on drop it goes to the newest waiter.
#[derive(Debug)]
pub(super) struct LookupSlot(Option<Arc<LookupSlots>>);

impl LookupSlots {
    pub(super) fn new(count: usize) -> Arc<Self> {
        let state = State {
            free: count,
            waiting: VecDeque::new(),
        };
        Arc::new(Self(Mutex::new(state)))
    }

    /// Waits for a slot; `None` when too many do.
    pub(super) async fn enter(self: &Arc<Self>) -> Option<LookupSlot> {
        let waiting = {
            let mut state = self.state();
            if state.free > 0 {
                state.free -= 1;
                return Some(LookupSlot(Some(Arc::clone(self))));
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

    /// Whether a lookup waits for a slot.
    pub(super) fn has_waiting(&self) -> bool {
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
            match newest.send(LookupSlot(Some(Arc::clone(self)))) {
                Ok(()) => return,
                // The waiter is gone. The slot is taken out, so that its drop does not recurse.
                Err(mut slot) => drop(slot.0.take()),
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LookupSlot {
    fn drop(&mut self) {
        if let Some(slots) = self.0.take() {
            slots.give_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn the_newest_is_served_first_and_the_oldest_of_too_many_is_turned_away() {
        let slots = LookupSlots::new(1);
        let first = slots.enter().now_or_never().flatten().unwrap();
        let mut waiting: Vec<_> = (0..=WAITING_MAX).map(|_| Box::pin(slots.enter())).collect();
        for (at, one) in waiting.iter_mut().enumerate() {
            assert!(one.as_mut().now_or_never().is_none(), "{at}");
        }
        assert!(slots.has_waiting());
        assert!(waiting[0].as_mut().now_or_never().unwrap().is_none());
        // One that gave up in the meantime is passed over.
        waiting.pop();
        drop(first);
        assert!(waiting[1].as_mut().now_or_never().is_none());
        let second = waiting.pop().unwrap().now_or_never().flatten();
        assert!(second.is_some());
        drop(waiting);
        assert!(!slots.has_waiting());
        drop(second);
        assert!(slots.enter().now_or_never().flatten().is_some());
    }
}
