//! `[store]`: where what outlives the process is, how much it may take, and whose shares are whose.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::bounds::MEMORIES;
use super::reader::{Table, Written};
use super::shape::Choice;
use super::texts;
use crate::shares::{Share, Shares};
use crate::store::{StoreLimits, Totals, WhenFull};

/// The store.
const DISKS: RangeInclusive<u64> = 1 << 20..=1 << 50;
/// A total: none, or so much.
pub(super) const TOTALS: RangeInclusive<u64> = 0..=1 << 50;

/// `[store]` as written.
#[derive(JsonSchema)]
pub(super) struct Store {
    /// The data directory. Empty for none: then everything is gone with the process.
    pub(super) path: Option<Written<String>>,
    /// Disk that stored bodies may fill. Those not used for the longest time go first.
    pub(super) disk_bytes: Option<Written<u64>>,
    /// Memory that cached copies may fill.
    pub(super) memory_bytes: Option<Written<u64>>,
    /// Percent of `disk_bytes` and `memory_bytes` that are reserved for each kind, together no
    /// more than 100.
    #[schemars(with = "Option<ShareKeys>")]
    shares: Option<Shares>,
    /// Size of the kept items of all feeds together. `0B` for no limit.
    history_bytes_max: Option<Written<u64>>,
    /// Size of the kept items of each feed. `0B` for no limit.
    history_feed_bytes_max: Option<Written<u64>>,
    /// What becomes of a new item when one of these sizes is reached: it is refused, or the oldest
    /// items go for it.
    when_full: Option<Written<WhenFull>>,
}

impl Choice for WhenFull {
    fn choices() -> Vec<(&'static str, Self)> {
        vec![("refuse", Self::Refuse), ("oldest", Self::Oldest)]
    }
}

/// Reads `[store]`.
pub(super) fn read(table: &mut Table<'_, '_>) -> Store {
    Store {
        path: table.text("path", texts::path),
        disk_bytes: table.size("disk_bytes", DISKS),
        memory_bytes: table.size("memory_bytes", MEMORIES),
        shares: read_shares(table),
        history_bytes_max: table.size("history_bytes_max", TOTALS),
        history_feed_bytes_max: table.size("history_feed_bytes_max", TOTALS),
        when_full: table.choice("when_full"),
    }
}

/// The totals of all feeds and of each, with defaults for what isn't written.
pub(super) fn resolve_totals(
    all: Option<&Written<u64>>,
    each: Option<&Written<u64>>,
    when_full: Option<&Written<WhenFull>>,
) -> Totals {
    let default = Totals::default();
    Totals {
        bytes_max: all.map_or(default.bytes_max, |bytes| bytes.value),
        feed_bytes_max: each.map_or(default.feed_bytes_max, |bytes| bytes.value),
        when_full: when_full.map_or(default.when_full, |when_full| when_full.value),
    }
}

/// The limits, with defaults for what isn't written.
pub(super) fn resolve(written: &Store) -> StoreLimits {
    let default = StoreLimits::default();
    StoreLimits {
        disk_bytes: written
            .disk_bytes
            .as_ref()
            .map_or(default.disk_bytes, |bytes| bytes.value),
        shares: written.shares.unwrap_or(default.shares),
        history: resolve_totals(
            written.history_bytes_max.as_ref(),
            written.history_feed_bytes_max.as_ref(),
            written.when_full.as_ref(),
        ),
    }
}

/// What `shares` looks like.
enum ShareKeys {}

impl JsonSchema for ShareKeys {
    fn schema_name() -> Cow<'static, str> {
        "Shares".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let share = |share: Share| {
            let percent = Shares::default().percent(share);
            let percent = json!({ "type": "integer", "minimum": 1, "default": percent });
            (share.name().to_owned(), percent)
        };
        let properties: Map<String, Value> = Share::ALL.into_iter().map(share).collect();
        json_schema!({ "type": "object", "properties": properties })
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
