//! One budget for the bytes in flight: bodies being fetched, recorded, played and uploaded. Cached
//! bodies count against the cache's own budget instead.
//!
//! Invariants. A growing body takes at most half of the budget; what is larger is passed through.
//! The oldest growing body is always given what it asks for, so that some body always comes to its end
//! and gives back what it holds: no set of bodies can wait for each other for ever. That costs nothing,
//! since all others together are only ever given the half that the oldest can't take: what they hold
//! and that half never exceed the budget, whichever of them becomes the oldest next. What is forced
//! (bytes that are there already, and lost their place in the cache) may exceed it for a while.

mod accounts;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::client::Client;

use accounts::{Accounts, Claim, ClaimOutcome};

/// The first grant of a body whose length is not declared.
pub const FIRST_BYTES: u64 = 1 << 20;
/// The least step by which a grant grows, so that most chunks cost one comparison.
const STEP_BYTES: u64 = 256 << 10;
/// The longest wait for a grant.
pub const WAIT_MAX: Duration = Duration::from_secs(2);
/// The longest wait of a body that readers already receive: giving up would cut it off.
pub const PLAYED_WAIT_MAX: Duration = Duration::from_secs(30);
/// Bytes that one stream may buffer for its reader.
pub const STREAM_BYTES_MAX: usize = 1 << 20;
/// The size of an unlimited budget, small enough that sums don't overflow.
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
    #[error("too many bytes are in flight")]
    Busy,
    /// The body would take more than any may.
    #[error("the body takes more than {0} bytes, half of the budget of bytes in flight")]
    TooLarge(u64),
}

/// The budget; cheap to clone.
#[derive(Debug, Clone)]
pub struct Inflight(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    bytes_max: u64,
    accounts: Mutex<Accounts>,
    /// Notified when bytes come free.
    freed: Notify,
}

/// Bytes of the budget, given back on drop.
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
            accounts: Mutex::default(),
            freed: Notify::new(),
        }))
    }

    /// An unlimited budget, for commands that serve no requests.
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
        self.accounts().held_bytes
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

    /// [`Inflight::reserve`] with another longest wait.
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
        let mut accounts = self.accounts();
        let claim = accounts.claim(false, None);
        accounts.add(claim, bytes);
        drop(accounts);
        self.grant(claim, bytes)
    }

    async fn take(
        &self,
        (bytes, grows): (u64, bool),
        holder: Holder,
        wait_max: Duration,
    ) -> Result<Grant, Denied> {
        let claim = self.accounts().claim(grows, holder);
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
            let outcome = self.accounts().try_take(claim, more, self.0.bytes_max);
            queued.is_queued = outcome == ClaimOutcome::Queued;
            if let ClaimOutcome::Granted(held) = outcome {
                return Ok(held);
            }
            if timeout_at(until, freed).await.is_err() {
                return Err(Denied::Busy);
            }
        }
    }

    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.0
            .accounts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// An entry in the queue of waiting claims, removed on drop.
struct Queued<'a> {
    budget: &'a Inflight,
    number: u64,
    is_queued: bool,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        if self.is_queued {
            self.budget.accounts().waiting.remove(&self.number);
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
            self.budget.accounts().add(self.claim, more);
            self.bytes = bytes;
        }
    }

    /// Gives back all but so many bytes.
    pub fn shrink(&mut self, bytes: u64) {
        if bytes < self.bytes {
            self.budget
                .accounts()
                .give_back(self.claim, self.bytes - bytes);
            self.bytes = bytes;
            self.budget.0.freed.notify_waiters();
        }
    }

    /// It grows no more: what is left of its half is for others.
    pub fn settle(&mut self, bytes: u64) {
        self.shrink(bytes);
        if std::mem::take(&mut self.claim.grows) {
            self.budget.accounts().growing.remove(&self.claim.number);
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
        self.budget.accounts().remove(self.claim, self.bytes);
        self.budget.0.freed.notify_waiters();
    }
}
