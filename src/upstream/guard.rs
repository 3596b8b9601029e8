//! The address policy: where an outgoing request may go. Pure.
//!
//! Invariants. A URL is parsed once, by `url`, and judged by [`url::Host`], never by its text.
//! The order is scheme, userinfo, exceptions, downgrade, port, host: `gopher://127.0.0.1` parses to
//! the *domain* `127.0.0.1`, so the scheme comes first. What is not known to be a public unicast
//! address is refused; IPv4 addresses inside IPv6 ones (mapped, NAT64, 6to4, Teredo, ISATAP) are
//! not decoded but refused, so an IPv6-only host behind DNS64 reaches IPv6 upstreams only.

use super::HostPort;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// Under which terms a hop may be dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permit {
    /// A public host: every address that is dialled for it must pass [`check_address`].
    Public,
    /// A host and port that the configuration excepts from the policy: any address will do.
    Excepted,
}

/// Who wrote a URL.
#[derive(Debug, Clone, Copy)]
pub enum Hop<'a> {
    /// The operator: any port of a public host, userinfo allowed.
    Configured,
    /// A URL from untrusted content: usual ports, no userinfo.
    Untrusted,
    /// A server that sent us on; the configured URL that led there says what is allowed with it.
    Redirect(&'a Url),
}

/// Why the policy refuses a URL or an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Neither `http` nor `https`.
    #[error("the scheme `{0}` is not fetched")]
    Scheme(String),
    /// A user name or password in a URL that nobody configured.
    #[error("an address that nobody configured may not carry a user name or password")]
    Userinfo,
    /// From `https` to `http`.
    #[error("a redirect may not lead from https to http")]
    Downgrade,
    /// A port that is neither usual nor the upstream's own.
    #[error("port {0} is not allowed")]
    Port(u16),
    /// A name that means a machine nearby.
    #[error("`{0}` is a local name")]
    Name(String),
    /// An address that is not public.
    #[error("{0} is not a public address")]
    Address(IpAddr),
    /// An outbound proxy of ours.
    #[error("`{0}` is an outbound proxy")]
    Proxy(String),
    /// No host at all.
    #[error("the URL names no host")]
    NoHost,
    /// The connection's other end is not known, so that it cannot be judged.
    #[error("the address that answered is unknown")]
    Unknown,
}

/// Ports that any URL may name.
const PORTS: [u16; 2] = [80, 443];

/// Ports that a redirect may name besides.
const PORTS_REDIRECT: [u16; 2] = [8080, 8443];

/// Names that never leave the local network or machine; single labels are refused besides.
const LOCAL_SUFFIXES: [&str; 10] = [
    "localhost",
    "localdomain",
    "local",
    "internal",
    "lan",
    "home.arpa",
    "svc",
    "cluster.local",
    "onion",
    "intranet",
];

/// IPv4 blocks that are not public unicast (IANA special-purpose registry and cloud metadata).
const REFUSED_V4: [(Ipv4Addr, u32); 19] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Shared address space; holds Alibaba's metadata address 100.100.100.200.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Azure's WireServer, public by its looks only.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    // IETF protocol assignments; holds Oracle's metadata address 192.0.0.192.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(192, 175, 48, 0), 24),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    // Reserved, and the broadcast address.
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// IPv6 global unicast: nothing outside it is allowed.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Blocks inside [`GLOBAL_V6`] that are refused.
const REFUSED_V6: [(Ipv6Addr, u32); 4] = [
    // Teredo, benchmarking, ORCHID and the other protocol assignments.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4: any IPv4 address inside.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether `url` may be fetched, and under which terms. Names are judged as far as that is possible
/// before DNS; the addresses they resolve to go through [`check_address`].
///
/// # Errors
/// The first rule that `url` breaks.
pub fn check_url(url: &Url, hop: Hop<'_>, allow: &[HostPort]) -> Result<Permit, Refusal> {
    // SECURITY: before anything else; other schemes have no parsed host to judge.
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refusal::Scheme(url.scheme().to_owned()));
    }
    let host = url.host().ok_or(Refusal::NoHost)?;
    let port = url.port_or_known_default().unwrap_or(0);
    match hop {
        Hop::Configured => {}
        Hop::Untrusted => check_userinfo(url)?,
        Hop::Redirect(configured) => check_redirect(url, configured)?,
    }
    if allow.iter().any(|exception| exception.covers(url)) {
        return Ok(Permit::Excepted);
    }
    if !is_port_allowed(port, url, hop) {
        return Err(Refusal::Port(port));
    }
    match host {
        Host::Domain(name) => check_name(name)?,
        Host::Ipv4(address) => check_address(address.into())?,
        Host::Ipv6(address) => check_address(address.into())?,
    }
    Ok(Permit::Public)
}

/// Whether `address` is public: global unicast, and nothing that leads back inside.
///
/// # Errors
/// [`Refusal::Address`] when it is not.
pub fn check_address(address: IpAddr) -> Result<(), Refusal> {
    let public = match address {
        IpAddr::V4(v4) => !REFUSED_V4.iter().any(|&block| is_in_v4(v4, block)),
        IpAddr::V6(v6) => {
            is_in_v6(v6, GLOBAL_V6)
                && !REFUSED_V6.iter().any(|&block| is_in_v6(v6, block))
                && !is_isatap(v6)
        }
    };
    public.then_some(()).ok_or(Refusal::Address(address))
}

/// SECURITY: `https://good.example@10.0.0.1/` reads like another host to people.
fn check_userinfo(url: &Url) -> Result<(), Refusal> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refusal::Userinfo);
    }
    Ok(())
}

fn check_redirect(url: &Url, configured: &Url) -> Result<(), Refusal> {
    check_userinfo(url)?;
    if url.scheme() == "http" && configured.scheme() == "https" {
        return Err(Refusal::Downgrade);
    }
    Ok(())
}

fn is_port_allowed(port: u16, url: &Url, hop: Hop<'_>) -> bool {
    match hop {
        Hop::Configured => port != 0,
        Hop::Untrusted => PORTS.contains(&port),
        Hop::Redirect(configured) => {
            PORTS.contains(&port)
                || PORTS_REDIRECT.contains(&port)
                || (port != 0
                    && url.host() == configured.host()
                    && Some(port) == configured.port_or_known_default())
        }
    }
}

/// Refuses names that mean something nearby, so that no query for them leaves and no search domain
/// or hosts file answers.
fn check_name(name: &str) -> Result<(), Refusal> {
    let refuse = || Err(Refusal::Name(name.to_owned()));
    let bare = name.trim_end_matches('.').to_ascii_lowercase();
    let is_local = |suffix: &str| {
        bare.strip_suffix(suffix)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    if !bare.contains('.') || bare.split('.').any(str::is_empty) {
        return refuse();
    }
    if LOCAL_SUFFIXES.into_iter().any(is_local) {
        return refuse();
    }
    Ok(())
}

fn is_in_v4(address: Ipv4Addr, (base, bits): (Ipv4Addr, u32)) -> bool {
    (address.to_bits() ^ base.to_bits()) >> (32 - bits) == 0
}

fn is_in_v6(address: Ipv6Addr, (base, bits): (Ipv6Addr, u32)) -> bool {
    (address.to_bits() ^ base.to_bits()) >> (128 - bits) == 0
}

/// `…:0[02]00:5efe:a.b.c.d`: a tunnel to the IPv4 address in the last 32 bits (RFC 5214 §6.1).
fn is_isatap(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    segments[4] & !0x0200 == 0 && segments[5] == 0x5efe
}

#[cfg(test)]
mod tests;
