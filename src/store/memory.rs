//! A store without a directory: states and items of feeds, kept until the process ends.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use rusqlite::Connection;
use tokio::sync::broadcast;

use super::clock::to_ms;
use super::health::Health;
use super::history::{self, HistoryItem, ItemWindow, KeptItem, Order};
use super::purge::Purge;
use super::states::States;
use super::totals::Totals;
use super::{StoreStatus, history_totals, schema};

#[derive(Debug)]
pub(super) struct MemoryStore {
    /// Nothing is ever sent on it.
    pub(super) purges: broadcast::Sender<Purge>,
    pub(super) states: States,
    totals: Mutex<Totals>,
    health: Health,
    /// Opened for the first item.
    history: Mutex<Option<Connection>>,
}

impl MemoryStore {
    pub(super) fn new() -> Self {
        Self {
            purges: broadcast::Sender::new(1),
            states: States::default(),
            totals: Mutex::default(),
            health: Health::default(),
            history: Mutex::default(),
        }
    }

    pub(super) fn status(&self) -> StoreStatus {
        StoreStatus {
            items_refused: self.health.items_refused.load(Ordering::Relaxed),
            items_gone: self.health.items_evicted.load(Ordering::Relaxed),
            ..StoreStatus::default()
        }
    }

    pub(super) fn record_items(
        &self,
        feed: &str,
        (items, order): &(Vec<HistoryItem>, Order),
        keep: usize,
    ) -> bool {
        let now_ms = i64::try_from(to_ms(SystemTime::now())).unwrap_or(i64::MAX);
        let totals = *self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let terms = (keep, totals, now_ms);
        let recorded = self.with(|history| history::record(history, (feed, items, *order), terms));
        if let Some(recorded) = &recorded {
            self.health.note_items(feed, recorded, &totals);
        }
        recorded.is_some()
    }

    pub(super) fn limit(&self, totals: Totals) {
        *self.totals.lock().unwrap_or_else(PoisonError::into_inner) = totals;
    }

    pub(super) fn items(&self, feed: &str, window: &ItemWindow) -> Vec<KeptItem> {
        let found = self.with(|history| history::select(history, feed, window));
        found.unwrap_or_default().0
    }

    pub(super) fn places(&self, feed: &str) -> Option<(u64, u64)> {
        self.with(|history| history::places(history, feed))?
    }

    pub(super) fn history_bytes(&self, feed: &str) -> (u64, u64) {
        self.with(|history| history_totals::both(history, feed))
            .unwrap_or_default()
    }

    pub(super) fn forget_items(&self, feed: &str) -> bool {
        self.with(|history| history::forget(history, feed))
            .is_some_and(|gone| gone > 0)
    }

    fn with<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Option<T> {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        if history.is_none() {
            *history = schema::open_memory().ok();
        }
        work(history.as_ref()?).ok()
    }
}
