//! The disk usage of the archive, per feed and of all feeds, and its totals.
//!
//! The bytes are counted once and then kept up with every write. They are counted again before something is
//! refused or removed, since people remove files, but not often.
//!
//! Invariants: nothing is written beyond a total; a removed item doesn't come back while its feed still has
//! it; the item that is being written is never removed.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::folder::ArchiveFolder;
use super::oldest::{self, OldItem};
use crate::store::{Gauge, Totals, WhenFull};

/// Bytes that a removed item takes in the index.
pub(super) const GONE_BYTES: u64 = 64;
/// The archive is counted again no more often than this, and for no more than one part in so many of the time.
const COUNT_AFTER: Duration = Duration::from_secs(60);
const COUNT_PARTS: u32 = 20;
/// Lists of oldest items that are remembered.
const QUEUES_MAX: usize = 64;
/// How often the log says that items are refused.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// The disk usage of the archive.
#[derive(Debug)]
pub(super) struct Usage {
    folder: Arc<ArchiveFolder>,
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
    /// Bytes that were written and are in no index yet, by feed.
    unnoted: HashMap<String, u64>,
    /// The oldest items of a feed, or of all (`None`), as far as they were looked up.
    queues: HashMap<Option<String>, VecDeque<OldItem>>,
    /// Removed items whose index doesn't say so yet.
    gone: HashSet<(String, u128)>,
    evicted: u64,
    refused: u64,
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    at: Instant,
    took: Duration,
}

/// A file that is to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct WriteRequest<'a> {
    pub(super) feed: &'a str,
    /// The item, which is not removed for itself.
    pub(super) id: u128,
    pub(super) bytes: u64,
    /// Bytes of the file that it replaces.
    pub(super) replaced: u64,
    /// Bytes that the rest of the item is going to take.
    pub(super) reserve: u64,
}

impl Usage {
    pub(super) fn new(folder: Arc<ArchiveFolder>, totals: Totals) -> Self {
        Self {
            folder,
            totals: Mutex::new(totals),
            state: Mutex::default(),
            gauge: Gauge::default(),
            warned: Mutex::default(),
            count_after: COUNT_AFTER,
        }
    }

    /// Sets other totals.
    pub(super) fn set_totals(&self, totals: Totals) {
        *self.totals.lock().unwrap_or_else(PoisonError::into_inner) = totals;
    }

    pub(super) fn totals(&self) -> Totals {
        *self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether older items are removed for newer ones.
    pub(super) fn drops_oldest(&self) -> bool {
        let totals = self.totals();
        !totals.is_none() && totals.when_full == WhenFull::Oldest
    }

    /// Items that were refused, and items that were removed, since the start.
    pub(super) fn counts(&self) -> (u64, u64) {
        let state = self.lock();
        (state.refused, state.evicted)
    }

    /// Whether this may be written; makes room for it where older items are removed. It counts as written then.
    ///
    /// # Errors
    /// When the archive can't be read or changed.
    pub(super) fn admit(&self, wanted: WriteRequest<'_>) -> io::Result<bool> {
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

    /// Takes back an admitted write that failed.
    pub(super) fn undo(&self, wanted: WriteRequest<'_>) {
        self.free(wanted.feed, wanted.bytes);
        self.lock().add(wanted.feed, wanted.replaced);
    }

    /// Counts bytes that were removed.
    pub(super) fn free(&self, feed: &str, bytes: u64) {
        let mut state = self.lock();
        state.take(feed, bytes);
        if let Some(unnoted) = state.unnoted.get_mut(feed) {
            *unnoted = unnoted.saturating_sub(bytes);
        }
    }

    /// Counts and logs a refused item.
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

    /// The index of a feed has every item that was written; the oldest of them is of this time.
    pub(super) fn note_written(&self, feed: &str, oldest_ms: i64) {
        let mut state = self.lock();
        state.unnoted.remove(feed);
        // What is newer than the last one that was looked up is found by the next look.
        let is_outdated =
            |queue: &VecDeque<OldItem>| queue.back().is_some_and(|old| oldest_ms <= old.date_ms);
        state.queues.retain(|of, queue| {
            let is_of = of.as_deref().is_none_or(|of| of == feed);
            !is_of || !is_outdated(queue)
        });
    }

    /// The feeds whose indexes don't have all of their removed items yet.
    pub(super) fn feeds_with_unnoted(&self) -> Vec<String> {
        let feeds: HashSet<String> = self
            .lock()
            .gone
            .iter()
            .map(|(feed, _)| feed.clone())
            .collect();
        feeds.into_iter().collect()
    }

    /// Removed items of a feed that its index doesn't have yet.
    pub(super) fn gone(&self, feed: &str) -> Vec<u128> {
        let state = self.lock();
        let of_feed = state.gone.iter().filter(|(of, _)| of == feed);
        of_feed.map(|(_, id)| *id).collect()
    }

    /// The index of a feed has these removed items now.
    pub(super) fn note_gone(&self, feed: &str, ids: &[u128]) {
        let mut state = self.lock();
        for id in ids {
            state.gone.remove(&(feed.to_owned(), *id));
        }
    }

    fn make_room(
        &self,
        state: &mut State,
        wanted: &WriteRequest<'_>,
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

    /// The oldest item, of a feed or of all, except the one that is being written.
    fn next(
        &self,
        state: &mut State,
        of: Option<String>,
        wanted: &WriteRequest<'_>,
    ) -> io::Result<Option<OldItem>> {
        let is_other = |old: &OldItem| old.id != wanted.id || old.feed != wanted.feed;
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

    /// Counts the files of all feeds.
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
    fn feed_with(&self, wanted: &WriteRequest<'_>) -> u64 {
        let bytes = self.feeds.get(wanted.feed).copied().unwrap_or(0);
        (bytes + wanted.bytes + wanted.reserve).saturating_sub(wanted.replaced)
    }

    fn fits(&self, wanted: &WriteRequest<'_>, totals: &Totals) -> bool {
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
