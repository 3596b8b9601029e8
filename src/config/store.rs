//! `[store]`: where what outlives the process is, how much it may take, and whose shares are whose.

use std::ops::RangeInclusive;

use super::file::MEMORIES;
use super::reader::{Table, Written};
use super::texts;
use crate::shares::{Share, Shares};
use crate::store::{Limits, Totals, WhenFull};

/// The store.
const DISKS: RangeInclusive<u64> = 1 << 20..=1 << 50;
/// A total: none, or so much.
pub(super) const TOTALS: RangeInclusive<u64> = 0..=1 << 50;

/// `[store]` as written.
pub(super) struct Store {
    pub(super) path: Option<Written<String>>,
    pub(super) disk_bytes: Option<Written<u64>>,
    pub(super) memory_bytes: Option<Written<u64>>,
    shares: Option<Shares>,
    history: TotalKeys,
}

/// Totals as written.
pub(super) struct TotalKeys {
    bytes_max: Option<Written<u64>>,
    feed_bytes_max: Option<Written<u64>>,
    when_full: Option<Written<WhenFull>>,
}

/// Reads `[store]`.
pub(super) fn read(table: &mut Table<'_, '_>) -> Store {
    Store {
        path: table.text("path", texts::path),
        disk_bytes: table.size("disk_bytes", DISKS),
        memory_bytes: table.size("memory_bytes", MEMORIES),
        shares: read_shares(table),
        history: read_totals(table, ["history_bytes_max", "history_feed_bytes_max"]),
    }
}

/// Reads totals, of all feeds and of each, which have these names.
pub(super) fn read_totals(table: &mut Table<'_, '_>, [all, each]: [&'static str; 2]) -> TotalKeys {
    let choices = [("refuse", WhenFull::Refuse), ("oldest", WhenFull::Oldest)];
    TotalKeys {
        bytes_max: table.size(all, TOTALS),
        feed_bytes_max: table.size(each, TOTALS),
        when_full: table.choice("when_full", &choices),
    }
}

/// The totals, with defaults for what isn't written.
pub(super) fn resolve_totals(written: &TotalKeys) -> Totals {
    let bytes = |written: &Option<Written<u64>>| written.as_ref().map_or(0, |bytes| bytes.value);
    Totals {
        bytes_max: bytes(&written.bytes_max),
        feed_bytes_max: bytes(&written.feed_bytes_max),
        when_full: written
            .when_full
            .as_ref()
            .map_or(WhenFull::default(), |when_full| when_full.value),
    }
}

/// The limits, with defaults for what isn't written.
pub(super) fn resolve(written: &Store) -> Limits {
    let default = Limits::default();
    Limits {
        disk_bytes: written
            .disk_bytes
            .as_ref()
            .map_or(default.disk_bytes, |bytes| bytes.value),
        shares: written.shares.unwrap_or(default.shares),
        history: resolve_totals(&written.history),
    }
}

fn read_shares(table: &mut Table<'_, '_>) -> Option<Shares> {
    table.table("shares", |table| {
        let percents = Share::ALL.map(|share| {
            let default = u32::from(Shares::default().percent(share));
            // What is out of bounds was noted.
            let written = table.count(share.name(), 1..=97);
            written.map_or(default, |percent| percent.value)
        });
        let sum: u32 = percents.iter().sum();
        let shares = Shares::new(percents.map(|percent| u8::try_from(percent).unwrap_or(u8::MAX)));
        if shares.is_none() {
            let default = |share: Share| format!("{} {}", share.name(), Shares::default().percent(share));
            table.refuse_here(format!(
                "the shares are {sum} percent together and can be no more than 100; one that isn't written has its default ({})",
                Share::ALL.map(default).join(", ")
            ));
        }
        shares
    })
}
