//! How much the archive takes, feed by feed, and what becomes of more than its totals.
//!
//! The bytes are counted once and then kept up with what is written; they are counted anew, now and then,
//! before something is refused or has to go, since people remove files.
//!
//! Invariants: nothing is written that doesn't fit; what went doesn't come back while its feed still has
//! it; the item that is written never goes.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::folder::Folder;
use super::oldest::{self, Old};
use crate::store::{Gauge, Totals, WhenFull};

/// What an item that went takes in the index.
pub(super) const GONE_BYTES: u64 = 64;
/// The archive is counted anew no more often than this, nor for more than a part in so many of the time.
const COUNT_AFTER: Duration = Duration::from_secs(60);
const COUNT_PARTS: u32 = 20;
/// Lists of oldest items that are remembered.
const QUEUES_MAX: usize = 64;
/// How often the log says that items are refused.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// How much the archive takes.
#[derive(Debug)]
pub(super) struct Tally {
    folder: Arc<Folder>,
    totals: Mutex<Totals>,
    state: Mutex<State>,
    gauge: Gauge,
    warned: Mutex<(Option<Instant>, u64)>,
    count_after: Duration,
}

#[derive(Debug, Default)]
struct State {
    counted: Option<Counted>,
    feeds: HashMap<String, u64>,
    all: u64,
    /// What was written and is in no index yet.
    unnoted: HashMap<String, u64>,
    /// The oldest items of a feed, or of all, as far as they were looked up.
    queues: HashMap<Option<String>, VecDeque<Old>>,
    /// Items that went, of which the index of their feed doesn't know yet.
    gone: HashSet<(String, u128)>,
    evicted: u64,
    refused: u64,
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    at: Instant,
    took: Duration,
}

/// What is to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) feed: &'a str,
    /// The item, which stays whatever has to go.
    pub(super) id: u128,
    pub(super) bytes: u64,
    /// What lies there and gives way.
    pub(super) replaced: u64,
    /// What the rest of the item is going to take.
    pub(super) reserve: u64,
}

impl Tally {
    pub(super) fn new(folder: Arc<Folder>, totals: Totals) -> Self {
        Self {
            folder,
            totals: Mutex::new(totals),
            state: Mutex::default(),
            gauge: Gauge::default(),
            warned: Mutex::default(),
            count_after: COUNT_AFTER,
        }
    }

    /// Goes by other totals from now on.
    pub(super) fn set_totals(&self, totals: Totals) {
        *self.totals.lock().unwrap_or_else(PoisonError::into_inner) = totals;
    }

    pub(super) fn totals(&self) -> Totals {
        *self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether older items go before newer ones are written.
    pub(super) fn drops_oldest(&self) -> bool {
        let totals = self.totals();
        !totals.is_none() && totals.when_full == WhenFull::Oldest
    }

    /// Items that were refused, and items that went, since the start.
    pub(super) fn counts(&self) -> (u64, u64) {
        let state = self.lock();
        (state.refused, state.evicted)
    }

    /// Whether so much may be written; makes room for it where that is wanted. It counts as written then.
    ///
    /// # Errors
    /// When the archive can't be read or changed.
    pub(super) fn admit(&self, wanted: Wanted<'_>) -> io::Result<bool> {
        let totals = self.totals();
        if totals.is_none() {
            // Whoever sets one later has everything counted first.
            self.lock().counted = None;
            return Ok(true);
        }
        let mut state = self.lock();
        if state.counted.is_none() {
            self.count(&mut state)?;
        }
        let mut fits = state.fits(&wanted, &totals);
        if !fits
            && state
                .counted
                .is_some_and(|counted| counted.is_old(self.count_after))
        {
            self.count(&mut state)?;
            fits = state.fits(&wanted, &totals);
        }
        if !fits && totals.when_full == WhenFull::Oldest {
            fits = self.make_room(&mut state, &wanted, &totals)?;
        }
        if fits {
            state.add(wanted.feed, wanted.bytes);
            *state.unnoted.entry(wanted.feed.to_owned()).or_default() += wanted.bytes;
            state.take(wanted.feed, wanted.replaced);
            self.look(&state, wanted.feed, &totals);
        }
        Ok(fits)
    }

    /// What was admitted was not written after all.
    pub(super) fn undo(&self, wanted: Wanted<'_>) {
        self.free(wanted.feed, wanted.bytes);
        self.lock().add(wanted.feed, wanted.replaced);
    }

    /// What was there is gone.
    pub(super) fn free(&self, feed: &str, bytes: u64) {
        let mut state = self.lock();
        state.take(feed, bytes);
        if let Some(unnoted) = state.unnoted.get_mut(feed) {
            *unnoted = unnoted.saturating_sub(bytes);
        }
    }

    /// An item was refused.
    pub(super) fn note_refused(&self, feed: &str) {
        self.lock().refused += 1;
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if warned.0.is_some_and(|at| now - at < WARN_EVERY) {
            warned.1 += 1;
            return;
        }
        let unsaid = std::mem::take(&mut warned.1);
        warned.0 = Some(now);
        tracing::warn!(target: "feedwright::archive", unsaid, feed.name = feed, "archive: full, new items are not kept");
    }

    /// A feed's index knows of all that was written, of which the oldest item is of this time.
    pub(super) fn note_written(&self, feed: &str, oldest_ms: i64) {
        let mut state = self.lock();
        state.unnoted.remove(feed);
        // What is newer than the last one that was looked up is found by the next look.
        let is_outdated =
            |queue: &VecDeque<Old>| queue.back().is_some_and(|old| oldest_ms <= old.date_ms);
        state.queues.retain(|of, queue| {
            let is_of = of.as_deref().is_none_or(|of| of == feed);
            !is_of || !is_outdated(queue)
        });
    }

    /// The feeds whose indexes don't know yet of items that went.
    pub(super) fn unknowing(&self) -> Vec<String> {
        let feeds: HashSet<String> = self
            .lock()
            .gone
            .iter()
            .map(|(feed, _)| feed.clone())
            .collect();
        feeds.into_iter().collect()
    }

    /// What of a feed went and is not in its index yet.
    pub(super) fn gone(&self, feed: &str) -> Vec<u128> {
        let state = self.lock();
        let of_feed = state.gone.iter().filter(|(of, _)| of == feed);
        of_feed.map(|(_, id)| *id).collect()
    }

    /// A feed's index knows that these went.
    pub(super) fn note_gone(&self, feed: &str, ids: &[u128]) {
        let mut state = self.lock();
        for id in ids {
            state.gone.remove(&(feed.to_owned(), *id));
        }
    }

    fn make_room(
        &self,
        state: &mut State,
        wanted: &Wanted<'_>,
        totals: &Totals,
    ) -> io::Result<bool> {
        if totals.is_too_large(wanted.bytes + wanted.reserve) {
            return Ok(false);
        }
        while !state.fits(wanted, totals) {
            let of_feed = totals.is_over_feed(state.feed_with(wanted));
            let of = of_feed.then(|| wanted.feed.to_owned());
            let Some(old) = self.next(state, of, wanted)? else {
                return Ok(false);
            };
            let freed = old.remove(&self.folder)?;
            state.take(&old.feed, freed);
            state.add(&old.feed, GONE_BYTES);
            state.evicted += 1;
            tracing::debug!(target: "feedwright::archive", freed, feed.name = &*old.feed, "archive: full, the oldest item goes");
            state.gone.insert((old.feed, old.id));
        }
        Ok(true)
    }

    /// The oldest item, of a feed or of all, but for the one that is written.
    fn next(
        &self,
        state: &mut State,
        of: Option<String>,
        wanted: &Wanted<'_>,
    ) -> io::Result<Option<Old>> {
        let is_other = |old: &Old| old.id != wanted.id || old.feed != wanted.feed;
        for is_fresh in [false, true] {
            if is_fresh {
                let feeds = match &of {
                    Some(feed) => vec![feed.clone()],
                    None => oldest::feeds(&self.folder)?,
                };
                let found = oldest::find(&self.folder, &feeds, &state.gone)?;
                if state.queues.len() >= QUEUES_MAX {
                    state.queues.clear();
                }
                state.queues.insert(of.clone(), found.into());
            }
            let queue = state.queues.entry(of.clone()).or_default();
            // One that is in two lists goes by one of them.
            queue.retain(|old| !state.gone.contains(&(old.feed.clone(), old.id)));
            if let Some(at) = queue.iter().position(is_other) {
                return Ok(queue.remove(at));
            }
        }
        Ok(None)
    }

    /// Counts what is there.
    fn count(&self, state: &mut State) -> io::Result<()> {
        let begun = Instant::now();
        let mut feeds = HashMap::new();
        for feed in oldest::feeds(&self.folder)? {
            let bytes = oldest::count(&self.folder, &feed)?;
            feeds.insert(feed, bytes);
        }
        for (feed, unnoted) in &state.unnoted {
            *feeds.entry(feed.clone()).or_default() += unnoted;
        }
        for (feed, _) in &state.gone {
            *feeds.entry(feed.clone()).or_default() += GONE_BYTES;
        }
        state.all = feeds.values().sum();
        state.feeds = feeds;
        state.queues.clear();
        let took = begun.elapsed();
        state.counted = Some(Counted {
            at: Instant::now(),
            took,
        });
        Ok(())
    }

    fn look(&self, state: &State, feed: &str, totals: &Totals) {
        let of_feed = state.feeds.get(feed).copied().unwrap_or(0);
        self.gauge
            .look_at("archive", state.all, (feed, of_feed), totals);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    fn is_old(self, after: Duration) -> bool {
        self.at.elapsed() >= after.max(self.took * COUNT_PARTS)
    }
}

impl State {
    fn feed_with(&self, wanted: &Wanted<'_>) -> u64 {
        let bytes = self.feeds.get(wanted.feed).copied().unwrap_or(0);
        (bytes + wanted.bytes + wanted.reserve).saturating_sub(wanted.replaced)
    }

    fn fits(&self, wanted: &Wanted<'_>, totals: &Totals) -> bool {
        let all = (self.all + wanted.bytes + wanted.reserve).saturating_sub(wanted.replaced);
        !totals.is_over_feed(self.feed_with(wanted)) && !totals.is_over_all(all)
    }

    fn add(&mut self, feed: &str, bytes: u64) {
        *self.feeds.entry(feed.to_owned()).or_default() += bytes;
        self.all += bytes;
    }

    fn take(&mut self, feed: &str, bytes: u64) {
        let of_feed = self.feeds.entry(feed.to_owned()).or_default();
        *of_feed = of_feed.saturating_sub(bytes);
        self.all = self.all.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests;
