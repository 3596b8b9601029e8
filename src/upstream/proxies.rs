//! The outbound proxies that are configured: ways, never targets.

use std::sync::{Arc, PoisonError, RwLock};

use url::Url;

use super::guard::{Permit, Refusal};
use super::hostport::HostPort;

/// The port of a SOCKS proxy that names none.
const SOCKS_PORT: u16 = 1080;

/// Who configured them.
#[derive(Debug, Clone, Copy)]
pub enum ProxyUser {
    /// Feeds and mirrors.
    Settings,
    /// Rules for image hosts.
    Images,
}

/// The outbound proxies that anything goes through. All clones are one, so that another
/// configuration is heeded by fetches at once; for the same reason all are equal.
#[derive(Clone, Default)]
pub struct Proxies(Arc<RwLock<[Vec<HostPort>; 2]>>);

/// Without the addresses, which may be secrets.
impl std::fmt::Debug for Proxies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxies").finish_non_exhaustive()
    }
}

impl PartialEq for Proxies {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Proxies {
    /// These are one user's from now on.
    pub fn set<'a>(&self, user: ProxyUser, urls: impl Iterator<Item = &'a Url>) {
        let proxies = urls.filter_map(address).collect();
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known[user as usize] = proxies;
    }

    /// Whether a fetch may lead to `url`, on a way through `own`.
    ///
    /// # Errors
    /// When a proxy is there.
    pub(super) fn check(
        &self,
        url: &Url,
        own: Option<&Url>,
        permit: Permit,
    ) -> Result<(), Refusal> {
        // SECURITY: whoever is let in by a proxy because of our address must not be sent there by us;
        // and the name of the way's own proxy is the one that nobody judges the addresses of.
        let is_own = own
            .and_then(address)
            .is_some_and(|own| own.covers(url) || permit == Permit::Public && own.is_host_of(url));
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if is_own || known.iter().flatten().any(|proxy| proxy.covers(url)) {
            let host = url.host_str().unwrap_or_default().to_owned();
            return Err(Refusal::Proxy(host));
        }
        Ok(())
    }
}

/// Where a proxy listens.
fn address(url: &Url) -> Option<HostPort> {
    let port = url.port_or_known_default().unwrap_or(SOCKS_PORT);
    // Schemes of SOCKS are not special to the URL standard: their hosts are read here.
    let host = url.host_str()?;
    HostPort::parse(&format!("{host}:{port}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_no_target() {
        let url = |text: &str| Url::parse(text).unwrap();
        let proxies = Proxies::default();
        let settings = [
            url("http://u:p@Proxy.example:3128"),
            url("socks5://192.0.2.9"),
        ];
        proxies.set(ProxyUser::Settings, settings.iter());
        proxies.set(ProxyUser::Images, [url("https://tls.example")].iter());
        let own = url("socks5://way.example");
        for (target, public, excepted) in [
            ("http://proxy.example:3128/", false, false),
            ("https://PROXY.example.:3128/x", false, false),
            ("http://proxy.example/", true, true),
            ("http://192.0.2.9:1080/", false, false),
            ("http://192.0.2.9/", true, true),
            ("https://tls.example/", false, false),
            ("http://tls.example/", true, true),
            ("http://way.example:1080/", false, false),
            ("http://way.example/", false, true),
            ("https://Way.example./", false, true),
            ("http://other.example/", true, true),
        ] {
            let check = |permit| proxies.check(&url(target), Some(&own), permit).is_ok();
            assert_eq!(check(Permit::Public), public, "{target}");
            assert_eq!(check(Permit::Excepted), excepted, "{target}");
        }
        let clone = proxies.clone();
        clone.set(ProxyUser::Settings, std::iter::empty());
        let freed = url("http://proxy.example:3128/");
        assert!(proxies.check(&freed, None, Permit::Public).is_ok());
    }
}
