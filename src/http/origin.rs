//! Where requests come from: the peer of a connection, and the client of each request on it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::header::FORWARDED;
use http::request::Parts;

use crate::client::{self, Client, Network, Peer};

/// The proxies that are trusted to name clients, and the origins of connections.
#[derive(Clone)]
pub(super) struct Clients(Arc<Shared>);

struct Shared {
    trusted: Vec<Network>,
    said: Said,
}

/// Log lines that are written once.
#[derive(Default)]
struct Said {
    may_be_proxy: AtomicBool,
    is_proxy: AtomicBool,
    names_nobody: AtomicBool,
}

impl Clients {
    pub(super) fn new(trusted: Vec<Network>) -> Self {
        let said = Said::default();
        Self(Arc::new(Shared { trusted, said }))
    }

    /// The origin of a connection from this peer.
    pub(super) fn origin(&self, address: IpAddr) -> Origin {
        Origin {
            address,
            peer: Peer::at(address, &self.0.trusted),
            shared: Arc::clone(&self.0),
        }
    }
}

/// The origin of a connection.
#[derive(Clone)]
pub(super) struct Origin {
    address: IpAddr,
    peer: Peer,
    shared: Arc<Shared>,
}

impl Origin {
    /// The address of the peer.
    pub(super) fn address(&self) -> IpAddr {
        self.address
    }

    /// The client whose connection it is; unknown where requests have clients of their own.
    pub(super) fn connection_client(&self) -> Client {
        self.peer.client()
    }

    /// Whether each request has a client of its own.
    pub(super) fn is_proxy(&self) -> bool {
        self.peer == Peer::Trusted
    }

    /// The client of one request.
    pub(super) fn client(&self, head: &Parts) -> Client {
        match self.peer {
            Peer::Client(client) => client,
            Peer::Unlisted => {
                self.say_unlisted(head);
                Client::UNKNOWN
            }
            Peer::Trusted => {
                let named = client::forwarded(self.address, &head.headers, &self.shared.trusted);
                if named.is_none() && !is_probe(head) {
                    self.say_names_nobody();
                }
                named.unwrap_or_default()
            }
        }
    }

    fn say_unlisted(&self, head: &Parts) {
        let said = &self.shared.said;
        let is_proxy = head.headers.contains_key(FORWARDED)
            || head.headers.contains_key("x-forwarded-for")
            || head.headers.contains_key("x-real-ip");
        if is_proxy && is_first(&said.is_proxy) {
            tracing::warn!(
                peer = %self.address,
                "a proxy that is not listed: its clients can't be told apart, and none of them is limited; list it in `[server] trusted_proxies`"
            );
        } else if !is_proxy && !is_probe(head) && is_first(&said.may_be_proxy) {
            tracing::info!(
                peer = %self.address,
                "a private address that may be a proxy is not limited as one client; if it is one, list it in `[server] trusted_proxies`"
            );
        }
    }

    fn say_names_nobody(&self) {
        if is_first(&self.shared.said.names_nobody) {
            tracing::warn!(
                peer = %self.address,
                "a proxy of `[server] trusted_proxies` says nothing of its clients, and none of them is limited; let it send X-Forwarded-For or Forwarded"
            );
        }
    }
}

/// Health checks come from the same machine.
fn is_probe(head: &Parts) -> bool {
    matches!(head.uri.path(), "/healthz" | "/readyz")
}

fn is_first(said: &AtomicBool) -> bool {
    !said.load(Ordering::Relaxed) && !said.swap(true, Ordering::Relaxed)
}
