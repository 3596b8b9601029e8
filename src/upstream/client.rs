//! The HTTP client: one pool of connections per outbound proxy and per term of the address policy.
//!
//! Invariants. A connection that was opened under an exception of the policy is never used for a
//! public hop, because the pools are apart. Proxies from the environment, redirects, cookies,
//! `Referer` and decoding of the underlying client are off: what of it we want, we do ourselves.

#[cfg(test)]
mod tests;

use super::guard::{self, Hop, Permit};
use super::resolver::{Lookup, Resolver, query};
use super::{Cause, FetchError, FetchOptions, Phase, Upstream};
use crate::inflight::{Holder, Inflight};
use http::HeaderValue;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use url::{Host, Url};

/// Connections kept open per host between two requests.
const IDLE_CONNECTIONS_MAX: usize = 2;

/// How long an unused connection is kept.
const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);

/// Pools kept at once: four per outbound proxy in use.
const POOLS_MAX: u64 = 128;

/// Origins whose connections are kept open, or were lately: an open file each, and two at most.
const WARM_ORIGINS_MAX: u64 = 256;

/// Header fields of a response.
const HEADERS_MAX: usize = 100;

/// Bytes of a response's header section.
pub(super) const HEADER_BYTES_MAX: u32 = 64 << 10;

/// Fetches upstreams. Cheap to clone.
#[derive(Clone)]
pub struct UpstreamClient {
    pub(super) options: Arc<FetchOptions>,
    /// What bodies count against, and for whom.
    pub(super) inflight: (Inflight, Holder),
    lookup: Lookup,
    tls: ClientConfig,
    /// By the connections that they keep open for each host.
    pools: moka::sync::Cache<(Route, usize), reqwest::Client>,
    warm: moka::sync::Cache<(Route, String), ()>,
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamClientError {
    /// [`FetchOptions::user_agent`] holds what no header field may hold.
    #[error("the user agent is no header value")]
    UserAgent(#[source] http::header::InvalidHeaderValue),
    /// The TLS library refuses its own defaults.
    #[error("TLS could not be set up")]
    Tls(#[source] rustls::Error),
}

/// The way a hop takes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Route {
    /// The outbound proxy.
    pub(super) proxy: Option<Url>,
    /// The terms.
    pub(super) permit: Permit,
}

impl UpstreamClient {
    /// A client that resolves names through `lookup` ([`super::names`] outside tests).
    ///
    /// # Errors
    /// When an option is unusable.
    pub fn new(options: FetchOptions, lookup: Lookup) -> Result<Self, UpstreamClientError> {
        HeaderValue::from_str(&options.user_agent).map_err(UpstreamClientError::UserAgent)?;
        let warm_for = IDLE_CONNECTION_TIMEOUT + options.total_timeout;
        Ok(Self {
            tls: tls_config().map_err(UpstreamClientError::Tls)?,
            options: Arc::new(options),
            inflight: (Inflight::unlimited(), None),
            lookup,
            pools: moka::sync::Cache::new(POOLS_MAX),
            warm: moka::sync::Cache::builder()
                .max_capacity(2 * WARM_ORIGINS_MAX)
                .time_to_live(warm_for)
                .build(),
        })
    }

    /// Looks up the name that a fetch begins with, before it takes a slot, so that names that do not
    /// resolve hold none. A cached name is ready at the first poll.
    ///
    /// # Errors
    /// When it does not resolve within the connect timeout. The fetch itself checks the addresses.
    pub async fn prepare(&self, upstream: &Upstream) -> Result<(), FetchError> {
        let hop = match self.options.request.trusts_urls {
            true => Hop::Configured,
            false => Hop::Untrusted,
        };
        let permit = guard::check_url(&upstream.url, hop, &upstream.allow_private);
        let (Ok(permit), Some(Host::Domain(name))) = (permit, upstream.url.host()) else {
            return Ok(());
        };
        // A proxy in between limits lookups itself.
        if upstream.proxy.is_some() {
            return Ok(());
        }
        let name = query(name.to_owned(), permit == Permit::Public);
        let looking_up = timeout(self.options.connect_timeout, (self.lookup)(name));
        match looking_up.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(FetchError::Resolve(error.into())),
            Err(_) => Err(FetchError::Timeout {
                phase: Phase::Connect,
            }),
        }
    }

    /// This client with a budget that its bodies count against.
    #[must_use]
    pub fn within(mut self, budget: &Inflight) -> Self {
        self.inflight.0 = budget.clone();
        self
    }

    /// This client on behalf of a holder, limited to the holder's share of the budget.
    #[must_use]
    pub fn on_behalf_of(&self, holder: Holder) -> Self {
        let mut client = self.clone();
        client.inflight.1 = holder;
        client
    }

    /// The budget that bodies count against.
    #[must_use]
    pub fn budget(&self) -> &Inflight {
        &self.inflight.0
    }

    /// The pool for a route, made on first use. Where connections to many origins are kept open
    /// already, one whose connections are not.
    pub(super) fn pool(&self, route: &Route, url: &Url) -> Result<reqwest::Client, FetchError> {
        match self.may_keep_open(route, url) {
            true => self.client(route, IDLE_CONNECTIONS_MAX),
            false => self.fresh(route),
        }
    }

    /// A client whose next request opens a new connection.
    pub(super) fn fresh(&self, route: &Route) -> Result<reqwest::Client, FetchError> {
        self.client(route, 0)
    }

    fn client(&self, route: &Route, idle_max: usize) -> Result<reqwest::Client, FetchError> {
        let key = (route.clone(), idle_max);
        if let Some(client) = self.pools.get(&key) {
            return Ok(client);
        }
        let client = self.build(route, idle_max)?;
        self.pools.insert(key, client.clone());
        Ok(client)
    }

    /// Notes that a connection to `url` may now wait in its pool.
    pub(super) fn note_pooled(&self, route: &Route, url: &Url) {
        if self.may_keep_open(route, url) {
            let origin = url.origin().ascii_serialization();
            self.warm.insert((route.clone(), origin), ());
        }
    }

    fn may_keep_open(&self, route: &Route, url: &Url) -> bool {
        self.warm.entry_count() < WARM_ORIGINS_MAX || self.may_have_pooled(route, url)
    }

    /// Whether a request to `url` may have met a connection that upstream had closed meanwhile.
    pub(super) fn may_have_pooled(&self, route: &Route, url: &Url) -> bool {
        self.warm
            .contains_key(&(route.clone(), url.origin().ascii_serialization()))
    }

    fn build(&self, route: &Route, idle_max: usize) -> Result<reqwest::Client, FetchError> {
        let resolver = Resolver {
            lookup: Arc::clone(&self.lookup),
            permit: route.permit,
            proxy_host: route
                .proxy
                .as_ref()
                .and_then(Url::host_str)
                .map(str::to_owned),
            is_for_socks: route.proxy.as_ref().is_some_and(|p| p.scheme() == "socks5"),
        };
        let mut builder = reqwest::Client::builder()
            // SECURITY: with a proxy from the environment the guard would judge the proxy's address
            // and never the target's.
            .no_proxy()
            // SECURITY: redirects are followed by our own loop, which judges each of them.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .dns_resolver(resolver)
            .tls_backend_preconfigured(self.tls.clone())
            .connect_timeout(self.options.connect_timeout)
            .pool_max_idle_per_host(idle_max)
            .pool_idle_timeout(IDLE_CONNECTION_TIMEOUT)
            .http1_max_headers(HEADERS_MAX)
            .http2_max_header_list_size(HEADER_BYTES_MAX);
        if let Some(proxy) = &route.proxy {
            let proxy = reqwest::Proxy::all(proxy.clone())
                .map_err(|error| FetchError::Settings(Cause::from(error.without_url())))?;
            builder = builder.proxy(proxy);
        }
        builder
            .build()
            .map_err(|error| FetchError::Settings(Cause::from(error.without_url())))
    }
}

impl std::fmt::Debug for UpstreamClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpstreamClient")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// TLS 1.2 and 1.3 with the bundled roots: the same in a container without a system store.
fn tls_config() -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    let provider = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
