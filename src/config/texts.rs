//! Parsers of texts: URLs, hosts, header names and values.
//!
//! Invariant: a refusal never repeats the text; the report shows it where it stands, or masks it.

use std::net::SocketAddr;

use http::{HeaderName, HeaderValue};
use tracing_subscriber::EnvFilter;
use url::{Host, Url};

use crate::upstream::HostPort;

/// Headers that a fetch sets on its own or that make no sense, with the reason they are refused.
const REFUSED_HEADERS: [(&str, &[&str]); 5] = [
    (
        "it belongs to one connection, not to the request",
        &[
            "connection",
            "keep-alive",
            "proxy-authenticate",
            "proxy-authorization",
            "proxy-connection",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "http2-settings",
        ],
    ),
    (
        "it follows from the address and the body",
        &["host", "content-length", "content-encoding", "expect"],
    ),
    (
        "conditional requests are made from the copy in the cache",
        &[
            "if-none-match",
            "if-modified-since",
            "if-match",
            "if-unmodified-since",
            "if-range",
            "range",
        ],
    ),
    (
        "the codings are those that can be decoded",
        &["accept-encoding"],
    ),
    (
        "there is a key of its own for it",
        &["cookie", "user-agent"],
    ),
];

/// `listen`: an IP address and a port.
pub(super) fn socket_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "expected an IP address and a port, such as `127.0.0.1:8080` or `[::]:8080`".into()
    })
}

/// `path` of the store; empty for none.
pub(super) fn path(text: &str) -> Result<String, &'static str> {
    if text.contains('\0') {
        return Err("a path has no zero byte");
    }
    Ok(text.to_owned())
}

/// `public_url`: start of our own URLs, without a slash at the end.
pub(super) fn public_url(text: &str) -> Result<String, String> {
    let url = http_url(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must have no `?` and no `#`: our paths are put after it".into());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// `url` of a feed.
pub(super) fn feed_url(text: &str) -> Result<Url, String> {
    let mut url = http_url(text)?;
    // A fragment is never sent; two spellings of one URL would be two cache keys.
    url.set_fragment(None);
    Ok(url)
}

/// An absolute http(s) URL without a user and password.
fn http_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| {
        format!("expected an address that starts with `https://` or `http://`: {error}")
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must start with `https://` or `http://`".into());
    }
    // SECURITY: URLs are written to logs, pages and templates; credentials in one would be too.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "must have no user and password; put an `Authorization` into `headers`, it stays secret"
                .into(),
        );
    }
    Ok(url)
}

/// `proxy`: an outbound proxy, with a user and password if it wants them.
pub(super) fn proxy_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("expected an address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") {
        return Err("must start with `http://`, `https://`, `socks5://` or `socks5h://`".into());
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("must name a host".into());
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("must end after the host and port".into());
    }
    Ok(url)
}

/// `skip_hosts`: a name that covers itself and what is below it, or an IP address.
pub(super) fn host_suffix(text: &str) -> Result<String, String> {
    host(text).map_err(|reason| {
        format!("{reason}; `example.org` covers `example.org` and all hosts below it")
    })
}

/// `hosts`: a host as it is written in URLs.
pub(super) fn host_name(text: &str) -> Result<String, String> {
    host(text)
}

/// `allow_private`: a host and its port, `rss-bridge:80`, `127.0.0.1:3000`, `[::1]:3000`.
pub(super) fn host_port(text: &str) -> Result<HostPort, String> {
    let (name, port) = text
        .rsplit_once(':')
        .ok_or("expected a host and a port, such as `rss-bridge:80`")?;
    let port = port
        .parse()
        .ok()
        .filter(|port| *port > 0)
        .ok_or("the port must be a number from 1 to 65535")?;
    let host = host(name)?;
    Ok(HostPort { host, port })
}

/// A host in the form that a URL has it in: lower case, punycode; IPv6 without its brackets.
fn host(text: &str) -> Result<String, String> {
    // The URL's own rules for a host accept percent signs; nobody means them here.
    let plain = !text.contains(['%', '*', '@', '/']) && !text.starts_with('.');
    match Host::parse(text) {
        Ok(Host::Domain(name)) if plain => Ok(name),
        Ok(Host::Ipv4(address)) if plain => Ok(address.to_string()),
        Ok(Host::Ipv6(address)) if plain => Ok(address.to_string()),
        _ => Err("expected a host name or an IP address, IPv6 in brackets".into()),
    }
}

/// The name of an extra request header.
pub(super) fn header_name(text: &str) -> Result<HeaderName, String> {
    let name: HeaderName = text.parse().map_err(|_| "this is no name of a header")?;
    let refused = REFUSED_HEADERS
        .iter()
        .find(|(_, names)| names.contains(&name.as_str()));
    match refused {
        Some((reason, _)) => Err(format!("this header can't be set: {reason}")),
        None => Ok(name),
    }
}

/// The value of a request header.
pub(super) fn header_value(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text)
        .map_err(|_| "a header's value is printable ASCII in one line".into())
}

/// `user_agent`: printable, and present.
pub(super) fn user_agent(text: &str) -> Result<String, String> {
    header_value(text)?;
    match text.trim() {
        "" => Err("must not be empty: an honest name is what publishers ask for".into()),
        name => Ok(name.to_owned()),
    }
}

/// `level`: directives of tracing's `EnvFilter`.
pub(super) fn log_level(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("expected a level, such as `info`".into());
    }
    match EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!(
            "expected `error`, `warn`, `info`, `debug` or `trace`, or directives such as `info,hyper=warn`: {error}"
        )),
    }
}
