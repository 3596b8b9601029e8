//! What is remembered of feeds and hosts over restarts, besides copies: so that a restart is no
//! burst, feeds that were read stay fresh, and a host that asked us to wait is not asked before.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use xxhash_rust::xxh3::xxh3_64;

use super::{Feed, Refresher};
use crate::rewrite::Hints;
use crate::store::{self, Space};
use crate::upstream::hosts::Backoff;

/// What fell due while the process was away is spread over so much time, or over a feed's shortest
/// interval where that is less.
const CATCH_UP: Duration = Duration::from_secs(600);
/// No host is held for longer than this because of what was remembered; see `Retry-After`.
const HELD_MAX: Duration = Duration::from_secs(86_400);

/// What is remembered of a feed. Times are milliseconds since 1970, by this machine's clock then.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct FeedMemory {
    /// Of the upstream's address: under another one it is another feed.
    address: u64,
    read_at: Option<u64>,
    due_at: Option<u64>,
    loaded_at: Option<u64>,
    interval: Option<Duration>,
    stated: Option<Duration>,
    failures: u32,
    hints: Hints,
}

/// The same of a host.
#[derive(Debug, Serialize, Deserialize)]
struct HostMemory {
    held_until: u64,
    failures: u32,
}

/// The clocks at one moment.
#[derive(Debug, Clone, Copy)]
struct Clocks {
    wall: SystemTime,
    /// Milliseconds on the refresher's clock.
    now_ms: u64,
}

impl Clocks {
    /// A time on the refresher's clock as milliseconds since 1970.
    fn to_wall(self, ms: u64) -> u64 {
        let wall_ms = self.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall_ms = u64::try_from(wall_ms.as_millis()).unwrap_or(u64::MAX);
        (wall_ms.saturating_add(ms)).saturating_sub(self.now_ms)
    }

    /// A past time on the refresher's clock. One that lies ahead was written under another clock:
    /// nothing better is known than now.
    fn past(self, stamp_ms: u64) -> u64 {
        let age = store::age(wall_time(stamp_ms), self.wall).unwrap_or_default();
        self.now_ms.saturating_sub(to_ms(age))
    }

    /// How long it is from now to a time; `None` when that is past.
    fn until(self, stamp_ms: u64) -> Option<Duration> {
        wall_time(stamp_ms).duration_since(self.wall).ok()
    }
}

impl Refresher {
    /// Takes up what was remembered of these feeds and of hosts. To be called before anything is
    /// fetched.
    pub async fn recall(&self, feeds: &[Arc<Feed>]) {
        let clocks = self.clocks(Instant::now());
        let hosts = self.store.states(Space::Hosts).await;
        for (name, value) in hosts {
            match read::<HostMemory>(&value) {
                Some(host) => {
                    let rest = clocks.until(host.held_until).unwrap_or_default();
                    let failures = host.failures;
                    let held_for = rest.min(HELD_MAX);
                    self.hosts.restore(&name, Backoff { held_for, failures });
                }
                None => drop(self.store.set_state(Space::Hosts, &name, None)),
            }
        }
        let states = self.store.states(Space::Feeds).await;
        for feed in feeds {
            let memory = states.get(&*feed.key).and_then(|value| read(value));
            if let Some(memory) = memory.filter(|known: &FeedMemory| known.address == address(feed))
            {
                self.recall_feed(feed, &memory, clocks);
            }
        }
    }

    fn recall_feed(&self, feed: &Feed, memory: &FeedMemory, clocks: Clocks) {
        let mut past = feed.track.lock();
        past.loaded_at_ms = memory.loaded_at.map(|at| clocks.past(at));
        past.interval = memory.interval;
        past.stated = memory.stated;
        past.failures = memory.failures;
        past.hints = memory.hints;
        drop(past);
        if let Some(read_at) = memory.read_at {
            feed.track.note_read(clocks.past(read_at));
            // The store knows: that it is told again must not make all feeds read just now.
            feed.track.take_read();
        }
        let due = memory.due_at.map(|due_at| {
            let rest = match clocks.until(due_at) {
                Some(rest) => rest.min(feed.settings.refresh_max),
                None => self.jitter.part_of(CATCH_UP.min(feed.settings.refresh_min)),
            };
            clocks.now_ms + to_ms(rest)
        });
        feed.track.plan(due);
    }

    /// Remembers what has changed since the last call.
    pub fn remember(&self, feeds: &[Arc<Feed>], now: Instant) {
        let clocks = self.clocks(now);
        for feed in feeds.iter().filter(|feed| feed.track.take_read()) {
            self.store.touch(Space::Feeds, &feed.key);
        }
        for feed in feeds.iter().filter(|feed| feed.track.take_changed()) {
            let past = feed.track.past();
            let stamp = |ms: Option<u64>| ms.map(|ms| clocks.to_wall(ms));
            let memory = FeedMemory {
                address: address(feed),
                read_at: stamp(feed.track.read_at_ms()),
                due_at: stamp(feed.track.due_at_ms()),
                loaded_at: stamp(past.loaded_at_ms),
                interval: past.interval,
                stated: past.stated,
                failures: past.failures,
                hints: past.hints,
            };
            self.store
                .set_state(Space::Feeds, &feed.key, write(&memory));
        }
        for (name, held) in self.hosts.take_changed(now) {
            let memory = held.and_then(|held| {
                write(&HostMemory {
                    held_until: clocks.to_wall(clocks.now_ms + to_ms(held.held_for)),
                    failures: held.failures,
                })
            });
            self.store.set_state(Space::Hosts, &name, memory);
        }
    }

    fn clocks(&self, now: Instant) -> Clocks {
        Clocks {
            wall: (self.wall_clock)(),
            now_ms: self.now_ms(now),
        }
    }
}

fn address(feed: &Feed) -> u64 {
    xxh3_64(feed.settings.upstream.url.as_str().as_bytes())
}

fn to_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn wall_time(stamp_ms: u64) -> SystemTime {
    let since = Duration::from_millis(stamp_ms);
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
}

/// What can't be read is as if not there.
fn read<T: DeserializeOwned>(value: &[u8]) -> Option<T> {
    serde_json::from_slice(value).ok()
}

fn write(value: &impl Serialize) -> Option<Vec<u8>> {
    serde_json::to_vec(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_outlive_a_change_of_clocks_and_no_clock_makes_them_strange() {
        let wall = UNIX_EPOCH + Duration::from_secs(2_000_000);
        let clocks = Clocks {
            wall,
            now_ms: 50_000_000,
        };
        assert_eq!(clocks.to_wall(50_000_000), 2_000_000_000);
        assert_eq!(clocks.to_wall(50_001_000), 2_000_001_000);
        assert_eq!(clocks.to_wall(0), 1_950_000_000);
        for (stamp_ms, past, until_s) in [
            (1_999_990_000, 49_990_000, None),
            (2_000_000_000, 50_000_000, Some(0)),
            (2_000_100_000, 50_000_000, Some(100)),
            (0, 0, None),
        ] {
            assert_eq!(clocks.past(stamp_ms), past, "{stamp_ms}");
            let until = clocks.until(stamp_ms).map(|rest| rest.as_secs());
            assert_eq!(until, until_s, "{stamp_ms}");
        }
        assert_eq!(clocks.past(u64::MAX), 50_000_000);
    }

    #[test]
    fn what_was_written_by_another_version_is_read_as_far_as_it_goes() {
        let memory: FeedMemory = read(br#"{"address": 7, "read_at": 5, "something": {}}"#).unwrap();
        assert_eq!(
            (memory.address, memory.read_at, memory.due_at),
            (7, Some(5), None)
        );
        assert!(read::<FeedMemory>(b"not json").is_none());
        let memory = FeedMemory {
            interval: Some(Duration::from_secs(90)),
            hints: Hints {
                ttl: Some(Duration::from_secs(60)),
                skip_hours: 5,
                ..Hints::default()
            },
            ..FeedMemory::default()
        };
        let back: FeedMemory = read(&write(&memory).unwrap()).unwrap();
        assert_eq!((back.interval, back.hints), (memory.interval, memory.hints));
    }
}
