//! Connection slots: limits in all and per client, and the eviction of idle connections.
//!
//! Invariant: a client that is refused or evicted delays no other. A new connection waits only
//! while every other one has a request in flight.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::meter::Meter;
use crate::client::Client;

/// How often a waiting connection looks for others that have become idle.
const IDLE_CHECK_INTERVAL: Duration = Duration::from_millis(100);
/// A search for idle connections reads all of them and remembers one in so many, so that only one
/// of many new connections pays for a search.
const REMEMBERED_PART: usize = 32;

/// Why a connection or request gets no slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The client has as many as it may have.
    Client,
    /// All are taken, each by a connection with a request in flight.
    All,
}

/// The connection slots of a server.
#[derive(Debug)]
pub(super) struct ConnectionSlots {
    connections_max: usize,
    client_max: usize,
    taken: Mutex<Taken>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    last_id: u64,
    connections: HashMap<u64, Arc<Connection>>,
    /// How many slots each client has.
    clients: HashMap<Client, usize>,
    /// The connections that were idle for longest at the last search, the longest last, and since
    /// when.
    idle: Vec<(Instant, Arc<Connection>)>,
}

#[derive(Debug)]
struct Connection {
    id: u64,
    client: Client,
    meter: Arc<Meter>,
    evicted: CancellationToken,
}

impl ConnectionSlots {
    pub(super) fn new(connections_max: usize, client_max: usize) -> Arc<Self> {
        Arc::new(Self {
            connections_max,
            client_max,
            taken: Mutex::default(),
            freed: Notify::new(),
        })
    }

    /// Takes a slot for a connection of this client. Where all are taken, the connection that has
    /// been idle for longest is evicted.
    pub(super) fn take(self: &Arc<Self>, client: Client) -> Result<ConnectionSlot, Refused> {
        let mut taken = self.taken();
        if !taken.has_room(client, self.client_max) {
            return Err(Refused::Client);
        }
        if taken.connections.len() >= self.connections_max && !taken.evict_idle() {
            return Err(Refused::All);
        }
        taken.last_id += 1;
        let connection = Arc::new(Connection {
            id: taken.last_id,
            client,
            meter: Arc::default(),
            evicted: CancellationToken::new(),
        });
        taken.add(client);
        taken
            .connections
            .insert(connection.id, Arc::clone(&connection));
        Ok(ConnectionSlot {
            connection,
            slots: Arc::clone(self),
        })
    }

    /// Takes a slot as soon as there is one.
    pub(super) async fn wait(self: &Arc<Self>, client: Client) -> Result<ConnectionSlot, Refused> {
        loop {
            tokio::select! {
                () = self.freed.notified() => {}
                () = tokio::time::sleep(IDLE_CHECK_INTERVAL) => {}
            }
            match self.take(client) {
                Err(Refused::All) => {}
                taken => return taken,
            }
        }
    }

    /// Takes a slot for a request over a proxy's connection: it counts as one connection of its
    /// client. `Ok(None)` where the client is unknown.
    pub(super) fn begin_request(
        self: &Arc<Self>,
        client: Client,
    ) -> Result<Option<RequestSlot>, Refused> {
        if !client.is_known() {
            return Ok(None);
        }
        let mut taken = self.taken();
        if !taken.has_room(client, self.client_max) {
            return Err(Refused::Client);
        }
        taken.add(client);
        Ok(Some(RequestSlot {
            client,
            slots: Arc::clone(self),
        }))
    }

    /// Evicts up to `count` idle connections, those idle for longest, and returns how many.
    pub(super) fn evict_idle(&self, count: usize) -> usize {
        let mut taken = self.taken();
        (0..count).take_while(|_| taken.evict_idle()).count()
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn has_room(&self, client: Client, client_max: usize) -> bool {
        !client.is_known()
            || self
                .clients
                .get(&client)
                .is_none_or(|has| *has < client_max)
    }

    fn add(&mut self, client: Client) {
        if client.is_known() {
            *self.clients.entry(client).or_default() += 1;
        }
    }

    fn subtract(&mut self, client: Client) {
        if let Some(has) = self.clients.get_mut(&client) {
            *has -= 1;
            if *has == 0 {
                self.clients.remove(&client);
            }
        }
    }

    /// Frees the slot of a connection, if it still has one.
    fn remove(&mut self, connection: &Connection) -> bool {
        let had_slot = self.connections.remove(&connection.id).is_some();
        if had_slot {
            self.subtract(connection.client);
        }
        had_slot
    }

    fn evict_idle(&mut self) -> bool {
        loop {
            if self.idle.is_empty() {
                self.find_idle();
            }
            let Some((since, connection)) = self.idle.pop() else {
                return false;
            };
            if connection.meter.idle_since() == Some(since) && self.remove(&connection) {
                connection.evicted.cancel();
                return true;
            }
        }
    }

    fn find_idle(&mut self) {
        let idle = self.connections.values();
        let mut idle: Vec<_> = idle
            .filter_map(|connection| Some((connection.meter.idle_since()?, connection)))
            .collect();
        let remembered = (self.connections.len() / REMEMBERED_PART).max(1);
        if idle.len() > remembered {
            idle.select_nth_unstable_by_key(remembered, |(since, _)| *since);
            idle.truncate(remembered);
        }
        idle.sort_unstable_by_key(|(since, _)| *since);
        let longest_last = idle.into_iter().rev();
        self.idle = longest_last
            .map(|(since, connection)| (since, Arc::clone(connection)))
            .collect();
    }
}

/// A connection's slot, freed on drop.
#[derive(Debug)]
pub(super) struct ConnectionSlot {
    connection: Arc<Connection>,
    slots: Arc<ConnectionSlots>,
}

impl ConnectionSlot {
    /// The counters of the slot's connection.
    pub(super) fn meter(&self) -> &Arc<Meter> {
        &self.connection.meter
    }

    pub(super) fn slots(&self) -> &Arc<ConnectionSlots> {
        &self.slots
    }

    /// Resolves when the connection is to end to make room for another.
    pub(super) fn evicted(&self) -> impl Future<Output = ()> + use<> {
        self.connection.evicted.clone().cancelled_owned()
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.slots.taken().remove(&self.connection);
        self.slots.freed.notify_one();
    }
}

/// A request's slot, freed on drop.
#[derive(Debug)]
pub(super) struct RequestSlot {
    client: Client,
    slots: Arc<ConnectionSlots>,
}

impl Drop for RequestSlot {
    fn drop(&mut self) {
        self.slots.taken().subtract(self.client);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::exchange::Exchange;

    fn client(number: u8) -> Client {
        Client::at([192, 0, 2, number].into())
    }

    async fn is_evicted(slot: &ConnectionSlot) -> bool {
        tokio::time::timeout(Duration::ZERO, slot.evicted())
            .await
            .is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn the_connection_idle_for_longest_is_evicted() {
        let slots = ConnectionSlots::new(3, 256);
        let second = Duration::from_secs(1);
        let busy = slots.take(Client::UNKNOWN).unwrap();
        let request = Exchange::begin(busy.meter(), None);
        let used = slots.take(Client::UNKNOWN).unwrap();
        let silent = slots.take(Client::UNKNOWN).unwrap();
        tokio::time::advance(second).await;
        drop(Exchange::begin(used.meter(), None));
        tokio::time::advance(second).await;
        let next = slots.take(Client::UNKNOWN).unwrap();
        assert!(is_evicted(&silent).await && !is_evicted(&used).await);
        tokio::time::advance(second).await;
        let _next_but_one = slots.take(Client::UNKNOWN).unwrap();
        assert!(is_evicted(&used).await && !is_evicted(&next).await);
        assert!(!is_evicted(&busy).await);
        drop(request);
    }

    #[tokio::test(start_paused = true)]
    async fn without_an_idle_connection_a_new_one_waits() {
        let slots = ConnectionSlots::new(2, 256);
        let (first, second) = (slots.take(client(1)), slots.take(client(2)));
        let (first, second) = (first.unwrap(), second.unwrap());
        let _request = Exchange::begin(first.meter(), None);
        let ending = Exchange::begin(second.meter(), None);
        assert_eq!(slots.take(client(3)).unwrap_err(), Refused::All);
        let mut waiting = std::pin::pin!(slots.wait(client(3)));
        let early = tokio::time::timeout(Duration::from_secs(60), waiting.as_mut());
        assert!(early.await.is_err());
        drop(ending);
        let third = waiting.await.unwrap();
        assert!(is_evicted(&second).await);
        drop((second, third));
        assert!(slots.take(client(4)).is_ok());
    }

    #[tokio::test]
    async fn one_clients_limit_leaves_the_others_theirs() {
        let slots = ConnectionSlots::new(10, 2);
        let taken = [slots.take(client(1)), slots.take(client(1))];
        assert!(taken.iter().all(Result::is_ok));
        assert_eq!(slots.take(client(1)).unwrap_err(), Refused::Client);
        assert!(slots.take(client(2)).is_ok());
        let unknown: Vec<_> = (0..8).map(|_| slots.take(Client::UNKNOWN)).collect();
        assert!(unknown.iter().all(Result::is_ok));
        drop(taken);
        let request = slots.begin_request(client(1)).unwrap();
        assert!(slots.take(client(1)).is_ok(), "its slots are free again");
        let _other = slots.begin_request(client(1)).unwrap();
        assert!(slots.begin_request(client(1)).is_err());
        drop(request);
        assert!(slots.begin_request(client(1)).is_ok());
        assert!(slots.begin_request(Client::UNKNOWN).unwrap().is_none());
    }
}
