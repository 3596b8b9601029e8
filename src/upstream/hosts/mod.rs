//! Limits per host: fetches at the same time, their spacing, and the back-off of failing hosts.
//!
//! Invariants: no more than [`HostOptions::fetches_max`] fetches from one host are in flight; nothing
//! is fetched from a host before its `Retry-After` has passed, for whatever feed it was sent; after
//! an outage a single fetch probes whether the host is back.

mod breaker;
mod options;
mod slot;
mod spacing;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};
use url::Url;

use super::{FetchError, Jitter};
use breaker::{Admission, Breaker};
use spacing::Spacing;

pub use options::{Backoff, HostOptions, HostOutcome, Urgency};
pub use slot::FetchSlot;

/// The longest that spacing delays a fetch that a reader waits for.
const READER_SPACING_MAX: Duration = Duration::from_secs(2);
/// Hosts in memory; beyond it those with nothing to remember are forgotten.
const HOSTS_MAX: usize = 16_384;

/// The state of all hosts that are fetched from.
#[derive(Debug)]
pub struct Hosts {
    options: HostOptions,
    jitter: Jitter,
    known: Mutex<HashMap<String, Arc<Host>>>,
    /// The hosts whose back-off has changed since the last [`Hosts::take_changed`].
    changed: Mutex<BTreeSet<String>>,
    in_flight: Arc<AtomicUsize>,
    /// Slots of all hosts together.
    slots: Arc<Semaphore>,
}

/// The state of one host.
#[derive(Debug)]
struct Host {
    slots: Arc<Semaphore>,
    /// Held by the one background fetch that queues for a slot, so that a reader who waits queues
    /// behind no more than one of them.
    background: Semaphore,
    health: Mutex<Health>,
}

#[derive(Debug, Default)]
struct Health {
    breaker: Breaker,
    spacing: Spacing,
}

/// A slot of a host for one fetch, freed on drop.
#[derive(Debug)]
pub struct HostSlot {
    hosts: Arc<Hosts>,
    host: Arc<Host>,
    name: String,
    is_probe: bool,
    _permits: [OwnedSemaphorePermit; 2],
}

/// The outcome of [`Hosts::try_enter`].
#[derive(Debug)]
pub enum SlotAttempt {
    /// There was a free slot.
    Acquired(HostSlot),
    /// The host is backed off from until then.
    BackingOff(Instant),
    /// All slots are taken, or the spacing forbids it yet.
    Busy,
}

impl Hosts {
    /// The state of no host yet.
    #[must_use]
    pub fn new(options: HostOptions, jitter: Jitter) -> Self {
        Self {
            options,
            jitter,
            known: Mutex::default(),
            changed: Mutex::default(),
            in_flight: Arc::default(),
            slots: Arc::new(Semaphore::new(options.fetches_in_all_max)),
        }
    }

    /// Waits for a slot of the host of `url`.
    ///
    /// # Errors
    /// When the host is backed off from, or a reader would wait too long.
    pub async fn enter(
        self: &Arc<Self>,
        url: &Url,
        urgency: Urgency,
    ) -> Result<HostSlot, FetchError> {
        let name = host_name(url);
        let host = self.host(&name);
        let asked_at = Instant::now();
        if let Some(until) = host.held_until(asked_at) {
            return Err(FetchError::BackingOff { until });
        }
        let slot = Arc::clone(&host.slots).acquire_owned();
        let (permit, _turn, latest) = match urgency {
            Urgency::Reader => {
                let permit = timeout_at(asked_at + self.options.queue_timeout, slot).await;
                let permit = permit.map_err(|_| FetchError::Crowded)?;
                (permit, None, Some(asked_at + READER_SPACING_MAX))
            }
            Urgency::Background => {
                let turn = host.background.acquire().await;
                (slot.await, Some(turn), None)
            }
        };
        let permit = permit.map_err(|_| FetchError::Crowded)?;
        let in_all = Arc::clone(&self.slots).acquire_owned();
        let in_all = match urgency {
            Urgency::Reader => timeout_at(asked_at + self.options.queue_timeout, in_all)
                .await
                .map_err(|_| FetchError::Crowded)?,
            Urgency::Background => in_all.await,
        };
        let in_all = in_all.map_err(|_| FetchError::Crowded)?;
        let now = Instant::now();
        let turn = host
            .health()
            .spacing
            .take(now, latest, self.options.spacing);
        // A timer takes a millisecond even for what is due.
        if turn > now {
            sleep_until(turn).await;
        }
        let admission = host.health().breaker.admit(Instant::now());
        self.slot(name, Arc::clone(&host), [permit, in_all], admission)
            .map_err(|until| FetchError::BackingOff { until })
    }

    /// Takes a slot of the host of `url` for a background fetch, if one is free and nobody queues.
    pub fn try_enter(self: &Arc<Self>, url: &Url, now: Instant) -> SlotAttempt {
        let name = host_name(url);
        let host = self.host(&name);
        if let Some(until) = host.held_until(now) {
            return SlotAttempt::BackingOff(until);
        }
        if !host.health().spacing.is_free(now) || host.background.try_acquire().is_err() {
            return SlotAttempt::Busy;
        }
        let permit = Arc::clone(&host.slots).try_acquire_owned();
        let in_all = Arc::clone(&self.slots).try_acquire_owned();
        let (Ok(permit), Ok(in_all)) = (permit, in_all) else {
            return SlotAttempt::Busy;
        };
        let admission = host.health().breaker.admit(now);
        match self.slot(name, Arc::clone(&host), [permit, in_all], admission) {
            Ok(slot) => {
                host.health().spacing.take(now, None, self.options.spacing);
                SlotAttempt::Acquired(slot)
            }
            Err(until) => SlotAttempt::BackingOff(until),
        }
    }

    /// The hosts whose back-off has changed since the last call; `None` where it is over.
    pub fn take_changed(&self, now: Instant) -> Vec<(String, Option<Backoff>)> {
        let names = std::mem::take(&mut *lock(&self.changed));
        let backoff = |name: &str| {
            let host = lock(&self.known).get(name).map(Arc::clone)?;
            host.health().breaker.backoff(now)
        };
        let with_backoff = |name: String| (backoff(&name), name);
        let changes = names.into_iter().map(with_backoff);
        changes.map(|(backoff, name)| (name, backoff)).collect()
    }

    /// Restores the back-off of an earlier process.
    pub fn restore(&self, name: &str, backoff: Backoff) {
        let breaker = Breaker::restored(Instant::now(), backoff);
        self.host(name).health().breaker = breaker;
    }

    /// Fetches in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    fn slot(
        self: &Arc<Self>,
        name: String,
        host: Arc<Host>,
        permits: [OwnedSemaphorePermit; 2],
        admission: Admission,
    ) -> Result<HostSlot, Instant> {
        let is_probe = match admission {
            Admission::Backoff(until) => return Err(until),
            Admission::Pass => false,
            Admission::Probe => true,
        };
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Ok(HostSlot {
            hosts: Arc::clone(self),
            host,
            name,
            is_probe,
            _permits: permits,
        })
    }

    fn host(&self, name: &str) -> Arc<Host> {
        let mut known = lock(&self.known);
        if let Some(host) = known.get(name) {
            return Arc::clone(host);
        }
        if known.len() >= HOSTS_MAX {
            let now = Instant::now();
            known.retain(|_, host| Arc::strong_count(host) > 1 || !host.is_forgettable(now));
        }
        let host = Arc::new(Host {
            slots: Arc::new(Semaphore::new(self.options.fetches_max)),
            background: Semaphore::new(1),
            health: Mutex::default(),
        });
        known.insert(name.to_owned(), Arc::clone(&host));
        host
    }
}

impl Host {
    fn health(&self) -> MutexGuard<'_, Health> {
        lock(&self.health)
    }

    fn held_until(&self, now: Instant) -> Option<Instant> {
        self.health()
            .breaker
            .held_until()
            .filter(|until| now < *until)
    }

    fn is_forgettable(&self, now: Instant) -> bool {
        let health = self.health();
        health.breaker == Breaker::default() && health.spacing.is_free(now)
    }
}

impl HostSlot {
    /// Whether this is a slot of the host of `url`.
    #[must_use]
    pub fn is_at(&self, url: &Url) -> bool {
        self.name == host_name(url)
    }

    /// Frees the slot and updates the breaker by what the fetch says about the host.
    pub fn conclude(mut self, outcome: HostOutcome) {
        let options = &self.hosts.options;
        let fraction = self.hosts.jitter.fraction();
        let now = Instant::now();
        let mut health = self.host.health();
        let breaker = &mut health.breaker;
        let before = breaker.held_until();
        match outcome {
            HostOutcome::Answered => breaker.answered(now),
            HostOutcome::Failed => breaker.failed(now, options, fraction),
            HostOutcome::Overloaded(wait) => breaker.overloaded(now, wait, options, fraction),
        }
        let after = breaker.held_until();
        drop(health);
        self.is_probe = false;
        if after != before {
            lock(&self.hosts.changed).insert(self.name.clone());
        }
        if let Some(until) = after.filter(|_| after != before) {
            let hold_s = until.saturating_duration_since(now).as_secs();
            tracing::warn!(target: "feedwright::hosts", host = self.name, hold_s, "backing off host");
        }
    }
}

impl Drop for HostSlot {
    fn drop(&mut self) {
        self.hosts.in_flight.fetch_sub(1, Ordering::Relaxed);
        if self.is_probe {
            self.host.health().breaker.abandoned();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The key of a host: its name, and the port where it is not the default of `http` or `https`.
fn host_name(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default().trim_end_matches('.');
    match url.port() {
        None | Some(80 | 443) => name.to_owned(),
        Some(port) => format!("{name}:{port}"),
    }
}
