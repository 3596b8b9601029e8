//! The accept loop: a bounded number of connections, and an end that waits for what is in flight.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Answer;
use super::connection::{self, Terms};
use super::origin::Clients;
use crate::config::ServerSettings;

/// How long accepting pauses when the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How often that is said, at most.
const ACCEPT_SAID_EVERY: Duration = Duration::from_secs(60);

/// How the end went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Everything in flight was answered.
    Whole,
    /// The time for it ran out; what was left was cut.
    Cut,
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
        builder: connection::builder(settings),
        patience: connection::patience(settings),
        clients: Clients::new(settings.trusted_proxies.clone()),
        drain: CancellationToken::new(),
        answer,
    };
    let drain = terms.drain.clone();
    tokio::select! {
        () = accept(listener, settings.connections_max, &connections, terms) => {}
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

async fn accept<A: Answer>(
    listener: TcpListener,
    connections_max: usize,
    connections: &TaskTracker,
    terms: Terms<A>,
) {
    let places = Arc::new(Semaphore::new(connections_max));
    let mut said_at: Option<Instant> = None;
    loop {
        // Whoever finds no place waits in the kernel's queue.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let accepted = match accept_one(&listener).await {
            Ok(accepted) => accepted,
            Err(error) => {
                let now = Instant::now();
                if said_at.is_none_or(|at| now - at >= ACCEPT_SAID_EVERY) {
                    tracing::warn!(%error, connections = connections.len(), "accept failed");
                    said_at = Some(now);
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let serving = connection::serve(terms.clone(), accepted);
        connections.spawn(async move {
            serving.await;
            drop(place);
        });
    }
}

/// Accepts, past errors that concern one connection only.
async fn accept_one(listener: &TcpListener) -> io::Result<(TcpStream, std::net::SocketAddr)> {
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
