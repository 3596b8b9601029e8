//! One budget for the bytes that are under way: bodies being fetched, recorded, played and uploaded.
//! What is kept in memory counts against the cache's own budget instead.
//!
//! Invariants. A growing body takes at most half of the budget; what is larger is passed through.
//! The oldest growing body is always given what it asks for, so that some body always comes to its end
//! and gives back what it holds: no set of bodies can wait for each other for ever. That costs nothing,
//! since all others together are only ever given the half that the oldest can't take: what they hold
//! and that half never exceed the budget, whichever of them becomes the oldest next. What is forced
//! (bytes that are there already, and lost their place in the cache) may exceed it for a while.

mod ledger;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::client::Client;

use ledger::{Claim, Ledger, Verdict};

/// What a body is given at first when its length is not declared.
pub const FIRST_BYTES: u64 = 1 << 20;
/// A grant grows by no less, so that most pieces cost one comparison.
const STEP_BYTES: u64 = 256 << 10;
/// How long a grant is waited for.
pub const WAIT_MAX: Duration = Duration::from_secs(2);
/// How long a body that readers play already waits for more: giving up would cut it off.
pub const PLAYED_WAIT_MAX: Duration = Duration::from_secs(30);
/// What one stream may hold of what its reader has not taken.
pub const STREAM_BYTES_MAX: usize = 1 << 20;
/// Far from where sums overflow.
const UNLIMITED_BYTES: u64 = u64::MAX >> 8;

/// Whom bytes are held for; `None` where nobody is to be limited alone.
pub type Holder = Option<Client>;

/// Whom a request's bytes are held for.
#[must_use]
pub fn holder_of(request: &http::Extensions) -> Holder {
    let client = request.get::<Client>().copied();
    client.filter(|client| client.is_known())
}

/// Why no more bytes are granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No bytes came free in time.
    #[error("too many bytes are under way")]
    Busy,
    /// It would be more than any body may take.
    #[error("the body takes more than {0} bytes, half of what may be under way")]
    TooLarge(u64),
}

/// The budget; cheap to clone.
#[derive(Debug, Clone)]
pub struct Inflight(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    bytes_max: u64,
    ledger: Mutex<Ledger>,
    /// Told whenever bytes came free.
    freed: Notify,
}

/// Bytes of the budget, given back when it is dropped.
#[derive(Debug)]
pub struct Grant {
    budget: Inflight,
    claim: Claim,
    bytes: u64,
}

impl Inflight {
    /// A budget of so many bytes.
    #[must_use]
    pub fn new(bytes_max: u64) -> Self {
        Self(Arc::new(Shared {
            bytes_max: bytes_max.min(UNLIMITED_BYTES),
            ledger: Mutex::default(),
            freed: Notify::new(),
        }))
    }

    /// One that denies nothing, for commands that serve nobody.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::new(UNLIMITED_BYTES)
    }

    /// The most that one body may take: half of the budget.
    #[must_use]
    pub fn body_bytes_max(&self) -> u64 {
        self.0.bytes_max / 2
    }

    /// The bytes that are held now.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        self.ledger().held_bytes
    }

    /// A grant for a body that begins: for its whole length where that is known, else for
    /// [`FIRST_BYTES`]; it may grow.
    ///
    /// # Errors
    /// When nothing came free within [`WAIT_MAX`].
    pub async fn begin(&self, declared: Option<u64>, holder: Holder) -> Result<Grant, Denied> {
        let most = self.body_bytes_max();
        let bytes = declared.unwrap_or(FIRST_BYTES).min(most);
        self.take((bytes, true), holder, WAIT_MAX).await
    }

    /// A grant of a size that stays, such as a buffer's.
    ///
    /// # Errors
    /// When nothing came free within [`WAIT_MAX`], or it is more than there may ever be.
    pub async fn reserve(&self, bytes: u64, holder: Holder) -> Result<Grant, Denied> {
        self.reserve_within(bytes, holder, WAIT_MAX).await
    }

    /// The same with a wait of the caller's.
    ///
    /// # Errors
    /// As [`Inflight::reserve`].
    pub async fn reserve_within(
        &self,
        bytes: u64,
        holder: Holder,
        wait_max: Duration,
    ) -> Result<Grant, Denied> {
        if bytes > self.body_bytes_max() {
            return Err(Denied::TooLarge(self.body_bytes_max()));
        }
        self.take((bytes, false), holder, wait_max).await
    }

    /// Counts bytes that are there already, whatever else is held.
    #[must_use]
    pub fn force(&self, bytes: u64) -> Grant {
        let mut ledger = self.ledger();
        let claim = ledger.claim(false, None);
        ledger.add(claim, bytes);
        drop(ledger);
        self.grant(claim, bytes)
    }

    async fn take(
        &self,
        (bytes, grows): (u64, bool),
        holder: Holder,
        wait_max: Duration,
    ) -> Result<Grant, Denied> {
        let claim = self.ledger().claim(grows, holder);
        let granted = self.wait_for(claim, bytes, wait_max).await?;
        Ok(self.grant(granted, bytes))
    }

    fn grant(&self, claim: Claim, bytes: u64) -> Grant {
        Grant {
            budget: self.clone(),
            claim,
            bytes,
        }
    }

    /// Adds bytes to a claim as soon as they are free; under which claim they are held.
    async fn wait_for(&self, claim: Claim, more: u64, wait_max: Duration) -> Result<Claim, Denied> {
        let until = Instant::now() + wait_max;
        let mut queued = Queued {
            budget: self,
            number: claim.number,
            is_queued: false,
        };
        loop {
            // Listens before it looks: what comes free in between is not missed.
            let mut freed = std::pin::pin!(self.0.freed.notified());
            freed.as_mut().enable();
            let verdict = self.ledger().try_take(claim, more, self.0.bytes_max);
            queued.is_queued = verdict == Verdict::Queued;
            if let Verdict::Granted(held) = verdict {
                return Ok(held);
            }
            if timeout_at(until, freed).await.is_err() {
                return Err(Denied::Busy);
            }
        }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among those that wait, left when it is dropped.
struct Queued<'a> {
    budget: &'a Inflight,
    number: u64,
    is_queued: bool,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        if self.is_queued {
            self.budget.ledger().waiting.remove(&self.number);
            // Those behind it may fit.
            self.budget.0.freed.notify_waiters();
        }
    }
}

impl Grant {
    /// The bytes that it is for.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The budget that it is a part of.
    #[must_use]
    pub fn budget(&self) -> &Inflight {
        &self.budget
    }

    /// Grows to so many bytes, unless it is as large already.
    ///
    /// # Errors
    /// When no bytes came free in this time, or it is more than a body may take; it is as it was then.
    pub async fn cover(&mut self, bytes: u64, wait_max: Duration) -> Result<(), Denied> {
        if bytes <= self.bytes {
            return Ok(());
        }
        let most = self.budget.body_bytes_max();
        if bytes > most {
            return Err(Denied::TooLarge(most));
        }
        let wanted = bytes.max(self.bytes + STEP_BYTES).min(most);
        let more = wanted - self.bytes;
        self.budget.wait_for(self.claim, more, wait_max).await?;
        self.bytes = wanted;
        Ok(())
    }

    /// Grows to so many bytes that are there already, whatever else is held.
    pub fn force(&mut self, bytes: u64) {
        if let Some(more) = bytes.checked_sub(self.bytes) {
            self.budget.ledger().add(self.claim, more);
            self.bytes = bytes;
        }
    }

    /// Gives back all but so many bytes.
    pub fn shrink(&mut self, bytes: u64) {
        if bytes < self.bytes {
            self.budget
                .ledger()
                .give_back(self.claim, self.bytes - bytes);
            self.bytes = bytes;
            self.budget.0.freed.notify_waiters();
        }
    }

    /// It grows no more: what is left of its half is for others.
    pub fn settle(&mut self, bytes: u64) {
        self.shrink(bytes);
        if std::mem::take(&mut self.claim.grows) {
            self.budget.ledger().growing.remove(&self.claim.number);
            self.budget.0.freed.notify_waiters();
        }
    }
}

/// A grant is equal to itself alone.
impl PartialEq for Grant {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Grant {}

impl Drop for Grant {
    fn drop(&mut self) {
        self.budget.ledger().remove(self.claim, self.bytes);
        self.budget.0.freed.notify_waiters();
    }
}
