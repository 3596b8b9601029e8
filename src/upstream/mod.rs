//! Fetching: one client, one guard, our own redirects, bounded bodies.

use std::time::Duration;
use url::Url;

/// Limits of every fetch.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// DNS, TCP and TLS together, per hop.
    pub connect_timeout: Duration,
    /// From the request's last byte to the response's head, per hop.
    pub first_byte_timeout: Duration,
    /// Between two chunks of the body.
    pub idle_timeout: Duration,
    /// The whole fetch, redirects and body included.
    pub total_timeout: Duration,
    /// Bytes of the body on the wire.
    pub body_bytes_max: u64,
    /// Bytes of the body once its content coding is undone.
    pub decoded_bytes_max: u64,
    /// Decoded bytes per byte on the wire, judged after the first MiB.
    pub ratio_max: u32,
    /// Redirects followed before the fetch fails.
    pub redirects_max: u32,
    /// What we call ourselves upstream, with a URL where we can be asked about it.
    pub user_agent: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            first_byte_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(60),
            body_bytes_max: 16 << 20,
            decoded_bytes_max: 32 << 20,
            ratio_max: 100,
            redirects_max: 5,
            user_agent: concat!(
                "Feedwright/",
                env!("CARGO_PKG_VERSION"),
                " (+https://github.com/feedwright/feedwright)"
            )
            .into(),
        }
    }
}

/// A host and port that an upstream may reach although the address policy refuses it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// A name, an IPv4 address, or an IPv6 address without brackets; lower case.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// One configured place that we fetch from.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// What is fetched.
    pub url: Url,
    /// Overrides [`Options::user_agent`].
    pub user_agent: Option<String>,
    /// Extra request headers; sent to the configured origin only, never after a redirect to another.
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
    /// The value of the `Cookie` header, under the same rule.
    pub cookies: Option<http::HeaderValue>,
    /// An outbound proxy (`http`, `https`, `socks5`, `socks5h`).
    pub proxy: Option<Url>,
    /// Exceptions of the address policy for this upstream.
    pub allow_private: Vec<HostPort>,
}
