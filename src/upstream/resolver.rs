//! Names to addresses, through the address policy.
//!
//! Invariant: what [`Permit::Public`] connects to passed [`guard::check_address`] in the very answer
//! that is dialled; there is no second lookup between the check and the connection, so a name that
//! changes its answer (DNS rebinding) gains nothing.

use super::guard::{self, Permit, Refusal};
use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// How names become addresses; tests bring their own.
pub type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Addresses of one name that are tried at most.
const ADDRESSES_MAX: usize = 16;

/// The resolver of one pool of connections.
pub(super) struct Resolver {
    /// Asked for every name.
    pub(super) lookup: Lookup,
    /// Whether answers go through the policy.
    pub(super) permit: Permit,
    /// The outbound proxy's own host, which the operator named: not judged.
    pub(super) proxy_host: Option<String>,
    /// Whether the proxy is told addresses: it is told the first one, and none of IPv6, which the
    /// client would write as if it were a name.
    pub(super) is_for_socks: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        let is_judged =
            self.permit == Permit::Public && self.proxy_host.as_deref() != Some(name.as_str());
        let is_for_socks = self.is_for_socks && self.proxy_host.as_deref() != Some(name.as_str());
        let lookup = Arc::clone(&self.lookup);
        Box::pin(async move {
            let addresses = match literal(&name) {
                // A SOCKS proxy with local lookup asks for literals too.
                Some(address) => vec![address],
                None => lookup(query(name, is_judged)).await?,
            };
            let addresses = if is_judged {
                keep_public(addresses)?
            } else {
                addresses
            };
            let is_known_to_it = |address: &IpAddr| !is_for_socks || address.is_ipv4();
            let addresses: Vec<_> = addresses.into_iter().filter(is_known_to_it).collect();
            if addresses.is_empty() {
                return Err(
                    io::Error::new(io::ErrorKind::NotFound, "the name has no address").into(),
                );
            }
            // The port is filled in by the connector.
            let dialled = addresses
                .into_iter()
                .take(ADDRESSES_MAX)
                .map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(dialled) as Addrs)
        })
    }
}

/// SECURITY: the trailing dot keeps the search domains of `/etc/resolv.conf` out of it, which could
/// turn a public name into a local one. An excepted name stays as the operator wrote it: it may
/// live in `/etc/hosts` or a container's search domain.
pub(super) fn query(name: String, is_judged: bool) -> String {
    if is_judged && name.contains('.') && !name.ends_with('.') {
        return name + ".";
    }
    name
}

/// Drops the addresses that the policy refuses.
fn keep_public(addresses: Vec<IpAddr>) -> Result<Vec<IpAddr>, Refusal> {
    let mut refusal = None;
    let mut public = Vec::with_capacity(addresses.len().min(ADDRESSES_MAX));
    for address in addresses {
        match guard::check_address(address) {
            Ok(()) => public.push(address),
            Err(refused) => refusal = Some(refused),
        }
    }
    match refusal {
        Some(refusal) if public.is_empty() => Err(refusal),
        _ => Ok(public),
    }
}

fn literal(name: &str) -> Option<IpAddr> {
    let bare = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    bare.unwrap_or(name).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn check(permit: Permit, name: &str, answer: &[&str]) -> (Result<Vec<String>, String>, String) {
        let asked = Arc::new(Mutex::new(String::new()));
        let answer: Vec<IpAddr> = answer.iter().map(|text| text.parse().unwrap()).collect();
        let seen = Arc::clone(&asked);
        let resolver = Resolver {
            lookup: Arc::new(move |name| {
                *seen.lock().unwrap() = name;
                let answer = answer.clone();
                Box::pin(async move { Ok(answer) })
            }),
            permit,
            proxy_host: Some("proxy.lan".into()),
            is_for_socks: false,
        };
        let resolving = resolver.resolve(name.parse().unwrap());
        let outcome = futures_util::FutureExt::now_or_never(resolving).unwrap();
        let outcome = outcome
            .map(|addresses| addresses.map(|a| a.ip().to_string()).collect())
            .map_err(|error| error.to_string());
        let asked = asked.lock().unwrap().clone();
        (outcome, asked)
    }

    #[test]
    fn answers_go_through_the_policy() {
        let kept = |addresses: &[&str]| Ok(addresses.iter().map(|a| (*a).to_owned()).collect());
        for (permit, name, answer, expected, asked) in [
            (
                Permit::Public,
                "a.example",
                &["1.1.1.1"][..],
                kept(&["1.1.1.1"]),
                "a.example.",
            ),
            (
                Permit::Public,
                "a.example.",
                &["1.1.1.1"],
                kept(&["1.1.1.1"]),
                "a.example.",
            ),
            (
                Permit::Public,
                "mixed.example",
                &["10.0.0.1", "1.1.1.1", "::1"],
                kept(&["1.1.1.1"]),
                "mixed.example.",
            ),
            (
                Permit::Public,
                "inside.example",
                &["10.0.0.1"],
                Err("10.0.0.1 is not a public address".to_owned()),
                "inside.example.",
            ),
            (
                Permit::Public,
                "empty.example",
                &[],
                Err("the name has no address".to_owned()),
                "empty.example.",
            ),
            (
                Permit::Public,
                "127.0.0.1",
                &["1.1.1.1"],
                Err("127.0.0.1 is not a public address".to_owned()),
                "",
            ),
            (
                Permit::Public,
                "proxy.lan",
                &["10.0.0.1"],
                kept(&["10.0.0.1"]),
                "proxy.lan",
            ),
            (
                Permit::Excepted,
                "nas.lan",
                &["10.0.0.1"],
                kept(&["10.0.0.1"]),
                "nas.lan",
            ),
        ] {
            assert_eq!(
                check(permit, name, answer),
                (expected, asked.to_owned()),
                "{name}"
            );
        }
    }

    #[test]
    fn a_long_answer_is_cut() {
        let answer = vec!["1.1.1.1"; ADDRESSES_MAX * 8];
        let (addresses, _) = check(Permit::Public, "many.example", &answer);
        assert_eq!(addresses.unwrap().len(), ADDRESSES_MAX);
    }
}
