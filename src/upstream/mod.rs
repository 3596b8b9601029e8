//! Fetching: one client, one guard, our own redirects, bounded bodies.
//!
//! Invariants. Nothing else in the crate opens an outgoing connection. Every hop passes
//! [`guard::check_url`] from the start, every address that is dialled passes
//! [`guard::check_address`], and proxies named in the environment are never used. Validators go out
//! as they came in. Every buffer and every wait is bounded by [`FetchOptions`] or by a named constant.

mod body;
mod chunks;
mod client;
mod coding;
mod error;
mod fetch;
pub mod guard;
mod hostport;
pub mod hosts;
mod jitter;
mod names;
mod pass;
mod proxies;
mod reply;
mod request;
mod resolver;

pub use body::Body;
pub use client::{UpstreamClient, UpstreamClientError};
pub use coding::CodingError;
pub use error::{Cause, FetchError, Limit, Phase, RedirectProblem};
pub use hostport::{HostPort, HostPortError};
pub use jitter::Jitter;
pub use names::{NamesOptions, ResolverKind, names};
pub use pass::{Outgoing, Passed, PassedBody};
pub use proxies::{Proxies, ProxyUser};
pub use reply::{Fetched, Found, NotModified, Validators};
pub use resolver::Lookup;

use std::time::Duration;
use url::Url;

/// Limits of every fetch.
#[derive(Debug, Clone, PartialEq)]
pub struct FetchOptions {
    /// DNS, TCP and TLS together, per hop.
    pub connect_timeout: Duration,
    /// From the request's last byte to the response's head, per hop. A hop that needs a new
    /// connection may take this and `connect_timeout` together.
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
    /// `User-Agent`, with a URL for questions.
    pub user_agent: String,
    /// The headers of requests, and whose URLs they go to.
    pub request: RequestOptions,
    /// The outbound proxies, none of which is ever a target.
    pub proxies: Proxies,
}

/// How requests for one kind of document are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestOptions {
    /// `Accept`.
    pub accept: http::HeaderValue,
    /// `Accept-Encoding`.
    pub accept_encoding: http::HeaderValue,
    /// `Via`, by which a request that comes back to us is recognised (RFC 9110 §7.6.3).
    pub via: Option<http::HeaderValue>,
    /// Whether a redirect is followed with the redirecting URL as `Referer`.
    pub sends_referer: bool,
    /// Whether the operator wrote the URLs. Others are checked like redirects: usual ports, no user
    /// name.
    pub trusts_urls: bool,
}

impl Default for RequestOptions {
    /// Those for feeds.
    fn default() -> Self {
        Self {
            accept: request::ACCEPT,
            accept_encoding: request::ACCEPT_ENCODING,
            via: None,
            sends_referer: false,
            trusts_urls: true,
        }
    }
}

impl Default for FetchOptions {
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
            request: RequestOptions::default(),
            proxies: Proxies::default(),
        }
    }
}

/// One configured source of documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// The URL. A user name and password in it become an `Authorization` header under the
    /// same rule as `headers`.
    pub url: Url,
    /// Overrides [`FetchOptions::user_agent`].
    pub user_agent: Option<String>,
    /// Extra request headers; sent to the configured origin only, never after a redirect to another.
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
    /// The value of the `Cookie` header, under the same rule.
    pub cookies: Option<http::HeaderValue>,
    /// An outbound proxy (`http`, `https`, `socks5`, `socks5h`). Names and literals are judged here
    /// before they are sent to it. With `socks5` it gets an IPv4 address that was judged; with the
    /// others the proxy resolves the names, so that the last word on addresses is its own access
    /// list: the configuration has to allow that.
    pub proxy: Option<Url>,
    /// Exceptions of the address policy for this upstream.
    pub allow_private: Vec<HostPort>,
}
