//! The accept loop: a bounded number of connections, and an end that waits for what is in flight.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Answer;
use super::connection::{self, Accepted, Terms};
use super::head::HeadLimits;
use super::origin::Clients;
use super::places::{Place, Places, Refused};
use crate::client::Client;
use crate::config::ServerSettings;

/// Connections that may wait to be accepted; the kernel holds it to `net.core.somaxconn`. When a feed is
/// new, thousands of readers come at once, and those beyond it are not heard for a second or more.
const LISTEN_BACKLOG: u32 = 4096;

/// How long accepting pauses when the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Idle connections that are ended then.
const EVICTED_AT_ONCE: usize = 8;

/// How often the log says the same of connections that can't be had, at most.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// How the end went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Everything in flight was answered.
    Whole,
    /// The time for it ran out; what was left was cut.
    Cut,
}

/// Listens on an address.
///
/// # Errors
/// When somebody else listens there, or it is no address of this machine.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // After a restart, connections of before may still be ending.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(LISTEN_BACKLOG)
}

/// Serves until `shutdown` resolves, then stops accepting, answers what is in flight, waits for
/// `tasks` and returns, after `drain_timeout` in any case.
pub async fn run<A: Answer>(
    listener: TcpListener,
    settings: &ServerSettings,
    answer: A,
    tasks: &TaskTracker,
    shutdown: impl Future<Output = ()>,
) -> Drained {
    let connections = TaskTracker::new();
    let terms = Terms {
        builder: connection::builder(settings, connections.clone()),
        patience: connection::patience(settings),
        head_limits: HeadLimits {
            url_bytes_max: settings.url_bytes_max,
        },
        http2_piece_bytes_max: settings.http2_buffer_bytes,
        drain: CancellationToken::new(),
        answer,
    };
    let drain = terms.drain.clone();
    let door = Door {
        clients: Clients::new(settings.trusted_proxies.clone()),
        places: Places::new(settings.connections_max, settings.client_connections_max),
        connections: connections.clone(),
        said_failed: Seldom::default(),
        said_refused: Seldom::default(),
        said_full: Seldom::default(),
    };
    tokio::select! {
        () = door.accept(listener, terms) => {}
        () = shutdown => {}
    }
    tracing::info!(connections = connections.len(), "draining");
    drain.cancel();
    connections.close();
    tasks.close();
    let finished = async {
        connections.wait().await;
        tasks.wait().await;
    };
    match tokio::time::timeout(settings.drain_timeout, finished).await {
        Ok(()) => Drained::Whole,
        Err(_) => Drained::Cut,
    }
}

/// Lets connections in.
struct Door {
    clients: Clients,
    places: Arc<Places>,
    connections: TaskTracker,
    said_failed: Seldom,
    said_refused: Seldom,
    said_full: Seldom,
}

impl Door {
    async fn accept<A: Answer>(mut self, listener: TcpListener, terms: Terms<A>) {
        loop {
            let (stream, peer) = match accept_one(&listener).await {
                Ok(accepted) => accepted,
                Err(error) => {
                    self.make_room(&error).await;
                    continue;
                }
            };
            let origin = self.clients.origin(peer.ip());
            // Whoever finds no place is refused here: the stream is dropped.
            let Some(place) = self.place(origin.connection_client()).await else {
                continue;
            };
            let accepted = Accepted {
                stream,
                peer,
                origin,
                place,
            };
            self.connections
                .spawn(connection::serve(terms.clone(), accepted));
        }
    }

    /// A place for a client's connection, if it may have one more.
    async fn place(&mut self, client: Client) -> Option<Place> {
        let mut place = self.places.take(client);
        if matches!(place, Err(Refused::All)) {
            if self.said_full.is_due() {
                tracing::warn!(
                    "every connection has a request under way: new ones wait; see `[server] connections_max`"
                );
            }
            // The others wait in the kernel's queue meanwhile.
            place = self.places.wait(client).await;
        }
        if place.is_err() && self.said_refused.is_due() {
            tracing::warn!(
                %client,
                "connection refused: the client has as many as `[server] client_connections_max` allows"
            );
        }
        place.ok()
    }

    /// Mostly there are no file descriptors left.
    async fn make_room(&mut self, error: &io::Error) {
        let evicted = self.places.evict_idle(EVICTED_AT_ONCE);
        if self.said_failed.is_due() {
            let connections = self.connections.len();
            tracing::warn!(%error, connections, evicted, "accept failed");
        }
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

/// Something that the log says once in a while.
#[derive(Default)]
struct Seldom(Option<Instant>);

impl Seldom {
    fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let is_due = self.0.is_none_or(|at| now - at >= SAID_EVERY);
        if is_due {
            self.0 = Some(now);
        }
        is_due
    }
}

/// Accepts, past errors that concern one connection only.
async fn accept_one(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // A reply is written whole; waiting for more would only delay it.
                stream.set_nodelay(true).ok();
                return Ok((stream, peer));
            }
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}
