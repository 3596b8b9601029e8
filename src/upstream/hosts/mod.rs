//! Politeness towards each host: how many fetches at once, how far apart, and when not at all.
//!
//! Invariants: no more than [`Options::fetches_max`] fetches of one host are under way; a host that
//! asked us to wait is asked by nobody before that, whatever feed it was about; after an outage one
//! fetch finds out whether the host is back.

mod breaker;
mod pace;
mod passage;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};
use url::Url;

use super::{FetchError, Jitter};
use breaker::{Admission, Breaker};
use pace::Pace;

pub use passage::Passage;

/// How long spacing delays a fetch that a reader waits for.
const READER_SPACING_MAX: Duration = Duration::from_secs(2);
/// How long a fetch that a reader waits for waits for a place.
const READER_QUEUE_MAX: Duration = Duration::from_secs(20);
/// When there are more hosts than this, those about which there is nothing to remember are
/// forgotten.
const HOSTS_MAX: usize = 16_384;

/// How hosts are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Fetches from one host at the same time.
    pub fetches_max: usize,
    /// Fetches from all hosts together.
    pub fetches_in_all_max: usize,
    /// How long a fetch that a reader waits for waits for a place.
    pub queue_timeout: Duration,
    /// The least time between the starts of two fetches from one host; a reader who waits is not
    /// delayed by it for more than two seconds.
    pub spacing: Duration,
    /// Failures in a row, within a minute, after which a host is left alone for a while.
    pub failures_max: u32,
    /// The least time that a failing host is left alone.
    pub hold_min: Duration,
    /// The longest, unless the host names a longer one.
    pub hold_max: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            fetches_max: 2,
            fetches_in_all_max: Semaphore::MAX_PERMITS,
            queue_timeout: READER_QUEUE_MAX,
            spacing: Duration::from_secs(1),
            failures_max: 5,
            hold_min: Duration::from_secs(30),
            hold_max: Duration::from_secs(900),
        }
    }
}

/// Who waits for a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// A reader who gets nothing before it.
    Reader,
    /// Nobody: there is a copy meanwhile.
    Background,
}

/// A host that is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// For so long from now; after zero the next fetch is the probe.
    pub held_for: Duration,
    /// Failures in a row.
    pub failures: u32,
}

/// What a fetch says about its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It answers.
    Answers,
    /// It can't be reached, or fails.
    Fails,
    /// We come too often; it may have said how long to stay away.
    Overloaded(Option<Duration>),
}

/// The hosts that we fetch from.
#[derive(Debug)]
pub struct Hosts {
    options: Options,
    jitter: Jitter,
    known: Mutex<HashMap<String, Arc<Host>>>,
    /// The hosts whose hold has changed since somebody asked.
    changed: Mutex<BTreeSet<String>>,
    under_way: Arc<AtomicUsize>,
    /// Places of all hosts together.
    places: Arc<Semaphore>,
}

/// One host.
#[derive(Debug)]
struct Host {
    places: Arc<Semaphore>,
    /// Held by the one fetch with time that stands in line for a place, so that a reader who waits
    /// stands behind no more than one of them.
    patient: Semaphore,
    temper: Mutex<Temper>,
}

#[derive(Debug, Default)]
struct Temper {
    breaker: Breaker,
    pace: Pace,
}

/// A place at a host. It is given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    hosts: Arc<Hosts>,
    host: Arc<Host>,
    name: String,
    is_probe: bool,
    _permits: [OwnedSemaphorePermit; 2],
}

/// Whether a host has a place for a fetch that nobody waits for.
#[derive(Debug)]
pub enum Turn {
    /// It has.
    Now(Place),
    /// It is left alone until then.
    Held(Instant),
    /// Not just now.
    Later,
}

impl Hosts {
    /// Nothing is known of any host yet.
    #[must_use]
    pub fn new(options: Options, jitter: Jitter) -> Self {
        Self {
            options,
            jitter,
            known: Mutex::default(),
            changed: Mutex::default(),
            under_way: Arc::default(),
            places: Arc::new(Semaphore::new(options.fetches_in_all_max)),
        }
    }

    /// Waits for a place at the host of `url`.
    ///
    /// # Errors
    /// When the host is left alone for now, or a reader would wait too long.
    pub async fn enter(self: &Arc<Self>, url: &Url, urgency: Urgency) -> Result<Place, FetchError> {
        let name = host_name(url);
        let host = self.host(&name);
        let asked_at = Instant::now();
        if let Some(until) = host.held_until(asked_at) {
            return Err(FetchError::Held { until });
        }
        let places = Arc::clone(&host.places).acquire_owned();
        let (permit, _turn, latest) = match urgency {
            Urgency::Reader => {
                let permit = timeout_at(asked_at + self.options.queue_timeout, places).await;
                let permit = permit.map_err(|_| FetchError::Crowded)?;
                (permit, None, Some(asked_at + READER_SPACING_MAX))
            }
            Urgency::Background => {
                let turn = host.patient.acquire().await;
                (places.await, Some(turn), None)
            }
        };
        let permit = permit.map_err(|_| FetchError::Crowded)?;
        let in_all = Arc::clone(&self.places).acquire_owned();
        let in_all = match urgency {
            Urgency::Reader => timeout_at(asked_at + self.options.queue_timeout, in_all)
                .await
                .map_err(|_| FetchError::Crowded)?,
            Urgency::Background => in_all.await,
        };
        let in_all = in_all.map_err(|_| FetchError::Crowded)?;
        let now = Instant::now();
        let turn = host.temper().pace.take(now, latest, self.options.spacing);
        // A timer takes a millisecond even for what is due.
        if turn > now {
            sleep_until(turn).await;
        }
        let admission = host.temper().breaker.admit(Instant::now());
        self.place(name, Arc::clone(&host), [permit, in_all], admission)
            .map_err(|until| FetchError::Held { until })
    }

    /// A place at the host of `url`, if one is free and it is nobody's turn.
    pub fn try_enter(self: &Arc<Self>, url: &Url, now: Instant) -> Turn {
        let name = host_name(url);
        let host = self.host(&name);
        if let Some(until) = host.held_until(now) {
            return Turn::Held(until);
        }
        if !host.temper().pace.is_free(now) || host.patient.try_acquire().is_err() {
            return Turn::Later;
        }
        let permit = Arc::clone(&host.places).try_acquire_owned();
        let in_all = Arc::clone(&self.places).try_acquire_owned();
        let (Ok(permit), Ok(in_all)) = (permit, in_all) else {
            return Turn::Later;
        };
        let admission = host.temper().breaker.admit(now);
        match self.place(name, Arc::clone(&host), [permit, in_all], admission) {
            Ok(place) => {
                host.temper().pace.take(now, None, self.options.spacing);
                Turn::Now(place)
            }
            Err(until) => Turn::Held(until),
        }
    }

    /// The hosts whose hold has changed since the last call, and their holds; `None`: no longer.
    pub fn take_changes(&self, now: Instant) -> Vec<(String, Option<Held>)> {
        let names = std::mem::take(&mut *lock(&self.changed));
        let held = |name: &str| {
            let host = lock(&self.known).get(name).map(Arc::clone)?;
            host.temper().breaker.held(now)
        };
        let with_hold = |name: String| (held(&name), name);
        let changes = names.into_iter().map(with_hold);
        changes.map(|(held, name)| (name, held)).collect()
    }

    /// Takes up a hold of an earlier process.
    pub fn recall(&self, name: &str, held: Held) {
        let breaker = Breaker::recalled(Instant::now(), held);
        self.host(name).temper().breaker = breaker;
    }

    /// Fetches that have a place at the moment.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    fn place(
        self: &Arc<Self>,
        name: String,
        host: Arc<Host>,
        permits: [OwnedSemaphorePermit; 2],
        admission: Admission,
    ) -> Result<Place, Instant> {
        let is_probe = match admission {
            Admission::Held(until) => return Err(until),
            Admission::Pass => false,
            Admission::Probe => true,
        };
        self.under_way.fetch_add(1, Ordering::Relaxed);
        Ok(Place {
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
            places: Arc::new(Semaphore::new(self.options.fetches_max)),
            patient: Semaphore::new(1),
            temper: Mutex::default(),
        });
        known.insert(name.to_owned(), Arc::clone(&host));
        host
    }
}

impl Host {
    fn temper(&self) -> MutexGuard<'_, Temper> {
        lock(&self.temper)
    }

    fn held_until(&self, now: Instant) -> Option<Instant> {
        self.temper()
            .breaker
            .held_until()
            .filter(|until| now < *until)
    }

    fn is_forgettable(&self, now: Instant) -> bool {
        let temper = self.temper();
        temper.breaker == Breaker::default() && temper.pace.is_free(now)
    }
}

impl Place {
    /// Whether this is a place at the host of `url`.
    #[must_use]
    pub fn is_at(&self, url: &Url) -> bool {
        self.name == host_name(url)
    }

    /// The fetch has ended, and this is what it says about the host.
    pub fn conclude(mut self, verdict: Verdict) {
        let options = &self.hosts.options;
        let fraction = self.hosts.jitter.fraction();
        let now = Instant::now();
        let mut temper = self.host.temper();
        let breaker = &mut temper.breaker;
        let before = breaker.held_until();
        match verdict {
            Verdict::Answers => breaker.answered(now),
            Verdict::Fails => breaker.failed(now, options, fraction),
            Verdict::Overloaded(wait) => breaker.asked_to_wait(now, wait, options, fraction),
        }
        let after = breaker.held_until();
        drop(temper);
        self.is_probe = false;
        if after != before {
            lock(&self.hosts.changed).insert(self.name.clone());
        }
        if let Some(until) = after.filter(|_| after != before) {
            let hold_s = until.saturating_duration_since(now).as_secs();
            tracing::warn!(target: "feedwright::hosts", host = self.name, hold_s, "left alone");
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hosts.under_way.fetch_sub(1, Ordering::Relaxed);
        if self.is_probe {
            self.host.temper().breaker.abandoned();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What tells hosts apart: the name, and the port where it is not a scheme's own.
fn host_name(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default().trim_end_matches('.');
    match url.port() {
        None | Some(80 | 443) => name.to_owned(),
        Some(port) => format!("{name}:{port}"),
    }
}
