//! The accept loop: a bounded number of connections, and a shutdown that drains them.

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
use super::connection::{self, Accepted, ConnectionContext};
use super::head::HeadLimits;
use super::origin::Clients;
use super::slots::{ConnectionSlot, ConnectionSlots, Refused};
use crate::client::Client;
use crate::config::ServerSettings;

/// Connections that may wait to be accepted; the kernel caps it at `net.core.somaxconn`. When a feed is
/// new, thousands of readers connect at once, and one beyond the backlog tries again after a second or more.
const LISTEN_BACKLOG: u32 = 4096;

/// How long accepting pauses when the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Idle connections that are evicted then.
const EVICTED_AT_ONCE: usize = 8;

/// The least interval between two log lines of one kind about connections.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// How draining ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Everything in flight was answered.
    Complete,
    /// The timeout passed; what was left was cut off.
    TimedOut,
}

/// Listens on an address.
///
/// # Errors
/// When another process listens there, or it is no address of this machine.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // After a restart, earlier connections may still be closing.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(LISTEN_BACKLOG)
}

/// Serves until `shutdown` resolves, then stops accepting, answers the requests in flight, waits
/// for `tasks` and returns, after `drain_timeout` at the latest.
pub async fn run<A: Answer>(
    listener: TcpListener,
    settings: &ServerSettings,
    answer: A,
    tasks: &TaskTracker,
    shutdown: impl Future<Output = ()>,
) -> Drained {
    let connections = TaskTracker::new();
    let context = ConnectionContext {
        builder: connection::builder(settings, connections.clone()),
        timeouts: connection::timeouts(settings),
        head_limits: HeadLimits {
            url_bytes_max: settings.url_bytes_max,
        },
        http2_piece_bytes_max: settings.http2_buffer_bytes,
        drain: CancellationToken::new(),
        answer,
    };
    let drain = context.drain.clone();
    let acceptor = Acceptor {
        clients: Clients::new(settings.trusted_proxies.clone()),
        slots: ConnectionSlots::new(settings.connections_max, settings.client_connections_max),
        connections: connections.clone(),
        failed_log: LogLimiter::default(),
        refused_log: LogLimiter::default(),
        full_log: LogLimiter::default(),
    };
    tokio::select! {
        () = acceptor.accept(listener, context) => {}
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
        Ok(()) => Drained::Complete,
        Err(_) => Drained::TimedOut,
    }
}

/// Accepts connections, as many as there are slots.
struct Acceptor {
    clients: Clients,
    slots: Arc<ConnectionSlots>,
    connections: TaskTracker,
    failed_log: LogLimiter,
    refused_log: LogLimiter,
    full_log: LogLimiter,
}

impl Acceptor {
    async fn accept<A: Answer>(mut self, listener: TcpListener, context: ConnectionContext<A>) {
        loop {
            let (stream, peer) = match accept_one(&listener).await {
                Ok(accepted) => accepted,
                Err(error) => {
                    self.make_room(&error).await;
                    continue;
                }
            };
            let origin = self.clients.origin(peer.ip());
            // Without a slot the connection is refused: the stream is dropped.
            let Some(slot) = self.slot(origin.connection_client()).await else {
                continue;
            };
            let accepted = Accepted {
                stream,
                peer,
                origin,
                slot,
            };
            self.connections
                .spawn(connection::serve(context.clone(), accepted));
        }
    }

    /// Takes a slot for a client's connection, if it may have one more.
    async fn slot(&mut self, client: Client) -> Option<ConnectionSlot> {
        let mut slot = self.slots.take(client);
        if matches!(slot, Err(Refused::All)) {
            if self.full_log.is_due() {
                tracing::warn!(
                    "every connection has a request in flight: new ones wait; see `[server] connections_max`"
                );
            }
            // Others wait in the listen backlog meanwhile.
            slot = self.slots.wait(client).await;
        }
        if slot.is_err() && self.refused_log.is_due() {
            tracing::warn!(
                %client,
                "connection refused: the client has as many as `[server] client_connections_max` allows"
            );
        }
        slot.ok()
    }

    /// Evicts idle connections after a failed accept: usually no file descriptors are left.
    async fn make_room(&mut self, error: &io::Error) {
        let evicted = self.slots.evict_idle(EVICTED_AT_ONCE);
        if self.failed_log.is_due() {
            let connections = self.connections.len();
            tracing::warn!(%error, connections, evicted, "accept failed");
        }
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

/// Lets a log line through once per [`LOG_INTERVAL`].
#[derive(Default)]
struct LogLimiter(Option<Instant>);

impl LogLimiter {
    fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let is_due = self.0.is_none_or(|at| now - at >= LOG_INTERVAL);
        if is_due {
            self.0 = Some(now);
        }
        is_due
    }
}

/// Accepts the next connection, skipping errors that concern one connection only.
async fn accept_one(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Nagle's algorithm would only delay replies.
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
