//! The client of a request: whose share of the limits a request counts against. Pure.
//!
//! Invariant: what a header field says counts only where a trusted proxy hands it over, and of what
//! it says only what was added behind the last address that is not trusted.

mod forwarded;
mod network;

use core::fmt;
use core::net::{IpAddr, Ipv6Addr};

use http::HeaderMap;

pub use network::{Network, NetworkError};

use forwarded::Hop;

/// The most proxies between us and a client.
const HOPS_MAX: usize = 16;
/// The prefix length by which IPv6 clients are told apart: a subscriber has the rest.
const IPV6_CLIENT_BITS: u8 = 64;

/// Whose share a request counts against. Every request has one among its extensions.
///
/// Limits per client hold for known clients. [`Client::UNKNOWN`] is everybody who can't be told from
/// others, so no limit for one client applies to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Client(Option<IpAddr>);

impl Client {
    /// A client that can't be identified.
    pub const UNKNOWN: Self = Self(None);

    /// The client at an address: IPv4 as it is (also where it is written as IPv6), IPv6 by /64.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        Self(Some(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => first_bits(address, IPV6_CLIENT_BITS).into(),
        }))
    }

    /// Whether limits per client apply.
    #[must_use]
    pub fn is_known(self) -> bool {
        self.0.is_some()
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("unknown"),
            Some(IpAddr::V4(address)) => write!(f, "{address}"),
            Some(IpAddr::V6(address)) => write!(f, "{address}/{IPV6_CLIENT_BITS}"),
        }
    }
}

fn first_bits(address: Ipv6Addr, bits: u8) -> Ipv6Addr {
    let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
    Ipv6Addr::from_bits(address.to_bits() & mask)
}

/// Who opened a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// A client of its own.
    Client(Client),
    /// A loopback or private address that is not listed: perhaps a proxy with many clients.
    Unlisted,
    /// A listed proxy: each request on the connection has a client of its own.
    Trusted,
}

impl Peer {
    /// Classifies the address that a connection comes from.
    #[must_use]
    pub fn at(address: IpAddr, trusted: &[Network]) -> Self {
        if is_trusted(address, trusted) {
            Self::Trusted
        } else if is_private(address.to_canonical()) {
            Self::Unlisted
        } else {
            Self::Client(Client::at(address))
        }
    }

    /// The client of all that comes over the connection, as far as the peer tells.
    #[must_use]
    pub fn client(self) -> Client {
        match self {
            Self::Client(client) => client,
            Self::Unlisted | Self::Trusted => Client::UNKNOWN,
        }
    }
}

fn is_trusted(address: IpAddr, trusted: &[Network]) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// Addresses that a proxy on the same machine or network has: loopback, RFC 1918, link-local,
/// shared (RFC 6598), unique local.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            address.is_loopback()
                || address.is_private()
                || address.is_link_local()
                || (first == 100 && second & 0xc0 == 64)
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

/// The client of a request that the trusted proxy at `peer` handed over; `None` where it says
/// nothing of clients.
///
/// It is the last address that is not trusted. Without one (a chain of trusted addresses alone,
/// `unknown`, an obfuscated name) it is [`Client::UNKNOWN`]. What can't be read is the share of the
/// proxy that handed it over.
#[must_use]
pub fn forwarded(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> Option<Client> {
    let walk = |hops: &mut dyn Iterator<Item = Hop>| client_of(peer, hops, trusted);
    let standard = headers
        .contains_key(http::header::FORWARDED)
        .then(|| walk(&mut forwarded::standard(headers)));
    let usual = headers
        .contains_key(forwarded::X_FORWARDED_FOR)
        .then(|| walk(&mut forwarded::usual(headers)));
    match (standard, usual) {
        // SECURITY: a proxy adds to one of the two and may pass on what a client wrote into the
        // other. Who writes one can't choose whose share is used, only end up in the proxy's.
        (Some(standard), Some(usual)) if standard != usual => Some(Client::at(peer)),
        (standard, usual) => standard.or(usual),
    }
}

/// Walks from the peer towards the client.
fn client_of(peer: IpAddr, hops: &mut dyn Iterator<Item = Hop>, trusted: &[Network]) -> Client {
    let mut nearest = peer;
    for hop in hops.take(HOPS_MAX) {
        match hop {
            Hop::Address(address) if is_trusted(address, trusted) => nearest = address,
            Hop::Address(address) => return Client::at(address),
            Hop::Hidden => return Client::UNKNOWN,
            Hop::Unreadable => return Client::at(nearest),
        }
    }
    Client::UNKNOWN
}

#[cfg(test)]
mod tests;
