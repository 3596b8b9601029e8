//! How many distinct queries each client has had origins asked for lately: with them one reader could
//! have any number of addresses fetched and stored.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use xxhash_rust::xxh3::xxh3_64;

use super::question::Question;
use crate::client::Client;

/// The time for which queries count.
const WINDOW: Duration = Duration::from_secs(60);
/// Clients that are remembered, per mirror each; with more, those of an earlier minute are forgotten,
/// then all: who has so many addresses is not held by a limit per address.
const CLIENTS_MAX: usize = 8 << 10;
/// Queries of all clients that are remembered.
const QUERIES_MAX: usize = 1 << 20;

/// The distinct queries of all clients within their minutes.
#[derive(Debug, Default)]
pub(super) struct Queries(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    by_client: HashMap<(Client, String), Asked>,
    queries: usize,
}

/// What a client asked a mirror's origin for.
#[derive(Debug)]
struct Asked {
    since: Instant,
    queries: HashSet<u64>,
}

impl Asked {
    fn counts(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < WINDOW
    }
}

impl Queries {
    /// Whether the origin may be asked for this now. It is counted then.
    pub(super) fn may_ask(&self, question: &Question) -> bool {
        let Some(queries_max) = question.mirror.settings.queries_max else {
            return true;
        };
        let client = question.client();
        let Some(query) = question.url.query().filter(|_| client != Client::UNKNOWN) else {
            return true;
        };
        let asked = (client, question.mirror.settings.name.clone());
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.may_ask(
            asked,
            xxh3_64(query.as_bytes()),
            queries_max.get(),
            Instant::now(),
        )
    }
}

impl Table {
    fn may_ask(
        &mut self,
        client: (Client, String),
        query: u64,
        queries_max: usize,
        now: Instant,
    ) -> bool {
        let is_full = self.by_client.len() >= CLIENTS_MAX && !self.by_client.contains_key(&client);
        if is_full || self.queries >= QUERIES_MAX {
            self.forget(now);
        }
        let asked = self.by_client.entry(client).or_insert_with(|| Asked {
            since: now,
            queries: HashSet::new(),
        });
        if !asked.counts(now) {
            self.queries -= asked.queries.len();
            asked.queries = HashSet::new();
            asked.since = now;
        }
        if asked.queries.contains(&query) {
            return true;
        }
        let may_ask = asked.queries.len() < queries_max;
        if may_ask {
            asked.queries.insert(query);
            self.queries += 1;
        }
        may_ask
    }

    fn forget(&mut self, now: Instant) {
        self.by_client.retain(|_, asked| asked.counts(now));
        self.queries = self
            .by_client
            .values()
            .map(|asked| asked.queries.len())
            .sum();
        if self.by_client.len() >= CLIENTS_MAX || self.queries >= QUERIES_MAX {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn client(n: u32) -> (Client, String) {
        let address = IpAddr::V4(Ipv4Addr::from_bits(n));
        (Client::at(address), "m".to_owned())
    }

    #[test]
    fn distinct_ones_count_for_a_minute_and_each_client_for_itself() {
        let mut table = Table::default();
        let begun = Instant::now();
        let mut ask = |who: u32, query: u64, after_s: u64| {
            table.may_ask(client(who), query, 3, begun + Duration::from_secs(after_s))
        };
        for (who, query, after_s, expected) in [
            (1, 1, 0, true),
            (1, 2, 0, true),
            (1, 1, 1, true),
            (1, 3, 2, true),
            (1, 4, 59, false),
            // One that was asked for stays free; what was refused didn't count.
            (1, 2, 59, true),
            (2, 4, 59, true),
            (1, 4, 60, true),
            (1, 5, 60, true),
            (1, 1, 60, true),
            (1, 2, 60, false),
        ] {
            assert_eq!(
                ask(who, query, after_s),
                expected,
                "{who} {query} {after_s}"
            );
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut table = Table::default();
        let now = Instant::now();
        for n in 0..3 * CLIENTS_MAX as u32 {
            assert!(table.may_ask(client(n), 1, 1, now));
            assert!(table.by_client.len() <= CLIENTS_MAX);
        }
        let mut table = Table::default();
        for n in 0..2 * QUERIES_MAX as u64 {
            table.may_ask(client((n % 7) as u32), n, usize::MAX, now);
        }
        assert!(table.queries <= QUERIES_MAX);
        let counted: usize = table
            .by_client
            .values()
            .map(|asked| asked.queries.len())
            .sum();
        assert_eq!(counted, table.queries);
    }
}
