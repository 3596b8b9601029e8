//! Places for connections: how many there are, how many one client may have, who gives one up.
//!
//! Invariant: whoever is refused or evicted delays nobody else. A new connection waits only while
//! every other one has a request under way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::meter::Meter;
use crate::client::Client;

/// How often somebody who waits for a place looks for connections that have become idle.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Idle connections are looked for among all at once, and this part of them is remembered: so one
/// of many new connections pays for the look.
const REMEMBERED_PART: usize = 32;

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The client has as many as one may have.
    Client,
    /// All are taken, and every one of them has a request under way.
    All,
}

/// The places of a server.
#[derive(Debug)]
pub(super) struct Places {
    connections_max: usize,
    client_max: usize,
    taken: Mutex<Taken>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    last_id: u64,
    connections: HashMap<u64, Arc<Connection>>,
    /// How many places each client has.
    clients: HashMap<Client, usize>,
    /// Connections that were idle for longest when they were looked for, the longest last, and
    /// since when.
    idle: Vec<(Instant, Arc<Connection>)>,
}

#[derive(Debug)]
struct Connection {
    id: u64,
    client: Client,
    meter: Arc<Meter>,
    evicted: CancellationToken,
}

impl Places {
    pub(super) fn new(connections_max: usize, client_max: usize) -> Arc<Self> {
        Arc::new(Self {
            connections_max,
            client_max,
            taken: Mutex::default(),
            freed: Notify::new(),
        })
    }

    /// A place for a connection of this client. Where all are taken, the connection that is idle
    /// for longest gives up its own.
    pub(super) fn take(self: &Arc<Self>, client: Client) -> Result<Place, Refused> {
        let mut taken = self.taken();
        if !taken.has_room_for(client, self.client_max) {
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
        Ok(Place {
            connection,
            places: Arc::clone(self),
        })
    }

    /// The same, as soon as there is one.
    pub(super) async fn wait(self: &Arc<Self>, client: Client) -> Result<Place, Refused> {
        loop {
            tokio::select! {
                () = self.freed.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            match self.take(client) {
                Err(Refused::All) => {}
                taken => return taken,
            }
        }
    }

    /// Lets a request over a proxy's connection begin: each counts as one connection of its client.
    /// `Ok(None)` where nobody knows whose it is.
    pub(super) fn begin_request(
        self: &Arc<Self>,
        client: Client,
    ) -> Result<Option<RequestPlace>, Refused> {
        if !client.is_known() {
            return Ok(None);
        }
        let mut taken = self.taken();
        if !taken.has_room_for(client, self.client_max) {
            return Err(Refused::Client);
        }
        taken.add(client);
        Ok(Some(RequestPlace {
            client,
            places: Arc::clone(self),
        }))
    }

    /// Ends up to `count` idle connections, those that are idle for longest.
    pub(super) fn evict_idle(&self, count: usize) -> usize {
        let mut taken = self.taken();
        (0..count).take_while(|_| taken.evict_idle()).count()
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn has_room_for(&self, client: Client, client_max: usize) -> bool {
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

    /// Takes the place of a connection, if it still has it.
    fn remove(&mut self, connection: &Connection) -> bool {
        let had_place = self.connections.remove(&connection.id).is_some();
        if had_place {
            self.subtract(connection.client);
        }
        had_place
    }

    fn evict_idle(&mut self) -> bool {
        loop {
            if self.idle.is_empty() {
                self.look_for_idle();
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

    fn look_for_idle(&mut self) {
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

/// A connection's place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    connection: Arc<Connection>,
    places: Arc<Places>,
}

impl Place {
    /// The counters of the connection that has it.
    pub(super) fn meter(&self) -> &Arc<Meter> {
        &self.connection.meter
    }

    pub(super) fn places(&self) -> &Arc<Places> {
        &self.places
    }

    /// Resolves when the connection is to end for the sake of another.
    pub(super) fn evicted(&self) -> impl Future<Output = ()> + use<> {
        self.connection.evicted.clone().cancelled_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken().remove(&self.connection);
        self.places.freed.notify_one();
    }
}

/// A request's part of what its client may have, until it is dropped.
#[derive(Debug)]
pub(super) struct RequestPlace {
    client: Client,
    places: Arc<Places>,
}

impl Drop for RequestPlace {
    fn drop(&mut self) {
        self.places.taken().subtract(self.client);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::stream::Stream;

    fn client(number: u8) -> Client {
        Client::at([192, 0, 2, number].into())
    }

    async fn is_evicted(place: &Place) -> bool {
        tokio::time::timeout(Duration::ZERO, place.evicted())
            .await
            .is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_idle_for_longest_gives_up_its_place() {
        let places = Places::new(3, 256);
        let second = Duration::from_secs(1);
        let busy = places.take(Client::UNKNOWN).unwrap();
        let request = Stream::begin(busy.meter(), None);
        let used = places.take(Client::UNKNOWN).unwrap();
        let silent = places.take(Client::UNKNOWN).unwrap();
        tokio::time::advance(second).await;
        drop(Stream::begin(used.meter(), None));
        tokio::time::advance(second).await;
        let next = places.take(Client::UNKNOWN).unwrap();
        assert!(is_evicted(&silent).await && !is_evicted(&used).await);
        tokio::time::advance(second).await;
        let _next_but_one = places.take(Client::UNKNOWN).unwrap();
        assert!(is_evicted(&used).await && !is_evicted(&next).await);
        assert!(!is_evicted(&busy).await);
        drop(request);
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_is_idle_a_new_one_waits() {
        let places = Places::new(2, 256);
        let (first, second) = (places.take(client(1)), places.take(client(2)));
        let (first, second) = (first.unwrap(), second.unwrap());
        let _request = Stream::begin(first.meter(), None);
        let ending = Stream::begin(second.meter(), None);
        assert_eq!(places.take(client(3)).unwrap_err(), Refused::All);
        let mut waiting = std::pin::pin!(places.wait(client(3)));
        let early = tokio::time::timeout(Duration::from_secs(60), waiting.as_mut());
        assert!(early.await.is_err());
        drop(ending);
        let third = waiting.await.unwrap();
        assert!(is_evicted(&second).await);
        drop((second, third));
        assert!(places.take(client(4)).is_ok());
    }

    #[tokio::test]
    async fn one_client_has_so_many_and_the_others_theirs() {
        let places = Places::new(10, 2);
        let taken = [places.take(client(1)), places.take(client(1))];
        assert!(taken.iter().all(Result::is_ok));
        assert_eq!(places.take(client(1)).unwrap_err(), Refused::Client);
        assert!(places.take(client(2)).is_ok());
        let unknown: Vec<_> = (0..8).map(|_| places.take(Client::UNKNOWN)).collect();
        assert!(unknown.iter().all(Result::is_ok));
        drop(taken);
        let request = places.begin_request(client(1)).unwrap();
        assert!(places.take(client(1)).is_ok(), "its places are free again");
        let _other = places.begin_request(client(1)).unwrap();
        assert!(places.begin_request(client(1)).is_err());
        drop(request);
        assert!(places.begin_request(client(1)).is_ok());
        assert!(places.begin_request(Client::UNKNOWN).unwrap().is_none());
    }
}
