//! A finished body.
//!
//! Invariant: a reader holds none of its memory. That lasts as long as a [`Body`] does: one that is
//! kept, or worked with. Afterwards readers go on from the store, or, where nothing is stored, the
//! memory stays for them and counts as under way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::{Bytes, BytesMut};

use crate::inflight::{Grant, Inflight, STREAM_BYTES_MAX};
use crate::store::{Space, Store, StoredBody};

/// Finished bodies up to this many bytes are kept in one piece, so that a hit is one write;
/// larger ones stay in pieces, so that finishing does not double their memory.
const COALESCE_BYTES_MAX: usize = 1 << 20;

/// A finished body, cheap to clone.
#[derive(Debug, Clone)]
pub struct Body {
    memory: Arc<Memory>,
    pub(super) whole: Arc<Whole>,
}

/// The bytes of a body, for as long as somebody owns them.
#[derive(Debug)]
pub(super) struct Memory {
    pieces: Box<[Bytes]>,
    /// What the fetch that brought it has of the budget, until it is kept.
    grant: Mutex<Option<Arc<Grant>>>,
}

/// A body as its readers have it.
#[derive(Debug)]
pub(super) struct Whole {
    bytes: usize,
    memory: Weak<Memory>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The memory, for readers who could read it nowhere else.
    only: Option<Arc<Memory>>,
    stored: Option<StoredAt>,
    readers: usize,
    /// Places in the cache that it is kept at, which count it.
    kept: usize,
    budget: Option<Inflight>,
    /// Of the budget, while only readers hold it.
    charge: Option<Grant>,
}

/// Where a body is in the store.
#[derive(Debug, Clone)]
pub struct StoredAt {
    /// The store.
    pub store: Store,
    /// Its space.
    pub space: Space,
    /// The key of the record.
    pub key: Arc<str>,
    /// Where in the record's body it begins.
    pub start: usize,
    /// Its XXH3 (128 bits): what is there by now may be something else.
    pub digest: u128,
}

impl Body {
    /// A body of these pieces, in order.
    #[must_use]
    pub fn new(pieces: Vec<Bytes>) -> Self {
        let bytes = pieces.iter().map(Bytes::len).sum();
        let pieces = match pieces.len() > 1 && bytes <= COALESCE_BYTES_MAX {
            true => [join(&pieces, bytes)].into(),
            false => pieces.into_boxed_slice(),
        };
        let memory = Arc::new(Memory {
            pieces,
            grant: Mutex::default(),
        });
        let state = State {
            only: Some(Arc::clone(&memory)),
            ..State::default()
        };
        let whole = Whole {
            bytes,
            memory: Arc::downgrade(&memory),
            state: Mutex::new(state),
        };
        Self {
            memory,
            whole: Arc::new(whole),
        }
    }

    /// The body that its readers have, while it is in memory.
    pub(super) fn of(whole: &Arc<Whole>) -> Option<Self> {
        Some(Self {
            memory: whole.memory()?,
            whole: Arc::clone(whole),
        })
    }

    /// The same; what readers alone hold of it counts against this budget.
    #[must_use]
    pub fn within(self, budget: &Inflight) -> Self {
        self.whole
            .change(|state| state.budget = Some(budget.clone()));
        self
    }

    /// Counts by this grant until it is kept, or gone.
    pub fn hold(&self, grant: &Arc<Grant>) {
        *self.memory.grant() = Some(Arc::clone(grant));
        self.whole
            .change(|state| state.budget = Some(grant.budget().clone()));
    }

    /// Readers find it there, and hold none of its memory from now on; a small one stays with them,
    /// since reading it again would cost more.
    pub fn set_stored(&self, at: StoredAt) {
        if self.len() > STREAM_BYTES_MAX {
            self.whole.change(|state| {
                state.stored = Some(at);
                state.only = None;
            });
        }
    }

    /// It is kept, and counted there.
    pub(super) fn keep(&self) {
        *self.memory.grant() = None;
        self.whole.change(|state| state.kept += 1);
    }

    /// It is no longer kept. When something else is in its place, the store has it no longer, or not
    /// for long: its readers keep its memory then.
    pub(super) fn let_go(&self, is_outdated: bool) {
        self.whole.change(|state| {
            state.kept = state.kept.saturating_sub(1);
            if is_outdated && state.kept == 0 && state.readers > 0 {
                state.only = Some(Arc::clone(&self.memory));
                state.stored = None;
            }
        });
    }

    /// The length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.whole.bytes
    }

    /// Whether there is not one byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pieces, in order.
    #[must_use]
    pub fn pieces(&self) -> &[Bytes] {
        &self.memory.pieces
    }
}

impl Memory {
    fn grant(&self) -> MutexGuard<'_, Option<Arc<Grant>>> {
        self.grant.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Whole {
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn add_reader(&self) {
        self.change(|state| state.readers += 1);
    }

    pub(super) fn remove_reader(&self) {
        self.change(|state| state.readers -= 1);
    }

    /// Its bytes, if they are in memory.
    pub(super) fn memory(&self) -> Option<Arc<Memory>> {
        self.memory.upgrade()
    }

    /// What of the budget a reader who reads from the store has.
    pub(super) fn charge(&self, bytes: usize) -> Option<Grant> {
        let budget = self.state().budget.clone();
        budget.map(|budget| budget.force(bytes as u64))
    }

    /// It as it is stored.
    pub(super) async fn open(&self) -> Option<(StoredBody, usize)> {
        let at = self.state().stored.clone()?;
        let range = at.start..at.start + self.bytes;
        let opened = at
            .store
            .open_body(at.space, &at.key, (range, at.digest))
            .await?;
        Some((opened, at.start))
    }

    /// Changes its state, and what of the budget that takes.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        let is_granted = |memory: Arc<Memory>| memory.grant().is_some();
        let is_only_read = state.readers > 0
            && state.kept == 0
            && state.stored.is_none()
            && !self.memory().is_some_and(is_granted);
        state.charge = match (is_only_read, state.charge.take(), &state.budget) {
            (false, ..) => None,
            (true, None, Some(budget)) => Some(budget.force(self.bytes as u64)),
            (true, charge, _) => charge,
        };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::ops::Deref for Memory {
    type Target = [Bytes];

    fn deref(&self) -> &[Bytes] {
        &self.pieces
    }
}

fn join(pieces: &[Bytes], bytes: usize) -> Bytes {
    let mut whole = BytesMut::with_capacity(bytes);
    pieces
        .iter()
        .for_each(|piece| whole.extend_from_slice(piece));
    whole.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn large(budget: &Inflight) -> Body {
        Body::new(vec![Bytes::from(vec![7; MIB]); 2]).within(budget)
    }

    #[test]
    fn what_only_readers_hold_counts_as_under_way() {
        let budget = Inflight::new(64 << 20);
        let body = large(&budget);
        body.keep();
        let reader = body.play();
        assert_eq!(budget.held_bytes(), 0, "it is kept");
        body.let_go(false);
        assert_eq!(budget.held_bytes(), 2 * MIB as u64);
        let other = body.play();
        assert_eq!(budget.held_bytes(), 2 * MIB as u64, "they share it");
        drop((body, reader));
        assert_eq!(budget.held_bytes(), 2 * MIB as u64);
        drop(other);
        assert_eq!(budget.held_bytes(), 0);
    }

    #[tokio::test]
    async fn what_a_fetch_was_granted_lasts_until_it_is_kept() {
        let budget = Inflight::new(64 << 20);
        let grant = budget.begin(Some(2 * MIB as u64), None).await.unwrap();
        let body = large(&budget);
        body.hold(&Arc::new(grant));
        let reader = body.play();
        assert_eq!(budget.held_bytes(), 2 * MIB as u64, "once, not twice");
        body.keep();
        assert_eq!(budget.held_bytes(), 0);
        drop((body, reader));
    }

    #[test]
    fn readers_of_what_is_stored_hold_no_memory() {
        let budget = Inflight::new(64 << 20);
        let body = large(&budget);
        let at = StoredAt {
            store: Store::memory(),
            space: Space::Images,
            key: "one".into(),
            start: 0,
            digest: 0,
        };
        body.set_stored(at);
        let reader = body.play();
        assert_eq!(budget.held_bytes(), 0);
        let memory = Weak::clone(&body.whole.memory);
        drop(body);
        assert!(memory.upgrade().is_none(), "it is gone");
        drop(reader);
    }

    #[test]
    fn readers_of_what_was_replaced_keep_it() {
        let budget = Inflight::new(64 << 20);
        let body = large(&budget);
        body.keep();
        body.keep();
        let mut reader = body.play();
        body.let_go(true);
        assert_eq!(budget.held_bytes(), 0, "it is kept at another place");
        body.let_go(true);
        drop(body);
        assert_eq!(budget.held_bytes(), 2 * MIB as u64);
        assert!(matches!(
            reader.next_in_memory(),
            crate::cache::Next::Piece(_)
        ));
    }
}
