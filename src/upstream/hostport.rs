//! `host:port`: what an exception of the address policy names.
//!
//! Invariant: both sides of a comparison went through the URL standard's host parser, so that
//! `127.1`, `0x7f.1` and `127.0.0.1` are one host, and a name never equals an address.

use url::{Host, Url};

/// A host and port that an upstream may reach although the address policy refuses it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// A name, an IPv4 address, or an IPv6 address without brackets; lower case.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl HostPort {
    /// Reads `host:port`; an IPv6 address is in brackets (`[::1]:8080`).
    ///
    /// # Errors
    /// When the port is missing or out of range, or the host is no host. The messages are for the
    /// person who wrote the configuration.
    pub fn parse(text: &str) -> Result<Self, HostPortError> {
        let fail = |reason| HostPortError {
            text: text.to_owned(),
            reason,
        };
        if text.contains("://") || text.contains('/') {
            return Err(fail(Reason::NotAUrl));
        }
        let (host, port) = match text.rsplit_once(':') {
            // Without brackets the last group of an IPv6 address would be taken for the port.
            Some((host, _)) if host.contains(':') && !host.starts_with('[') => {
                return Err(fail(Reason::Brackets));
            }
            Some(parts) if !parts.0.is_empty() => parts,
            _ => return Err(fail(Reason::NoPort)),
        };
        if text.ends_with(']') {
            return Err(fail(Reason::NoPort));
        }
        let port = match port.parse::<u16>() {
            Ok(port) if port > 0 && port.to_string().len() == text.len() - host.len() - 1 => port,
            _ => return Err(fail(Reason::Port)),
        };
        let host = Host::parse(host).map_err(|_| fail(Reason::Host))?;
        Ok(Self {
            host: host_text(&host),
            port,
        })
    }

    /// Whether `url` leads to exactly this host and port.
    pub fn covers(&self, url: &Url) -> bool {
        url.port_or_known_default() == Some(self.port) && self.is_host_of(url)
    }

    /// Whether `url` leads to this host, whatever the port.
    pub(super) fn is_host_of(&self, url: &Url) -> bool {
        let own = self.host.trim_end_matches('.').to_ascii_lowercase();
        url.host().is_some_and(|host| host_text(&host) == own)
    }
}

impl std::fmt::Display for HostPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Why a text is no [`HostPort`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not host:port: {reason}")]
pub struct HostPortError {
    text: String,
    reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Reason {
    #[error("leave out the scheme and the path")]
    NotAUrl,
    #[error("the port is missing (write `name:80`)")]
    NoPort,
    #[error("the port must be a number from 1 to 65535")]
    Port,
    #[error("put an IPv6 address in brackets (`[::1]:80`)")]
    Brackets,
    #[error("the host is neither a name nor an address")]
    Host,
}

/// A host as [`HostPort::host`] holds it.
fn host_text<S: AsRef<str>>(host: &Host<S>) -> String {
    match host {
        Host::Domain(name) => name.as_ref().trim_end_matches('.').to_ascii_lowercase(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_read_in_every_form() {
        for (text, expected) in [
            ("rsshub:1200", Some(("rsshub", 1200))),
            ("NAS.lan.:80", Some(("nas.lan", 80))),
            ("127.0.0.1:8080", Some(("127.0.0.1", 8080))),
            ("127.1:80", Some(("127.0.0.1", 80))),
            ("[::1]:80", Some(("::1", 80))),
            ("[0:0::1]:443", Some(("::1", 443))),
            ("::1:80", None),
            ("[::1]", None),
            ("host", None),
            (":80", None),
            ("host:", None),
            ("host:0", None),
            ("host:+80", None),
            ("host:080", None),
            ("host:65536", None),
            ("http://host:80", None),
            ("host:80/x", None),
            ("256.1.1.1:80", None),
            ("a b:80", None),
            ("", None),
        ] {
            let read = HostPort::parse(text);
            let read = read.as_ref().ok().map(|hp| (hp.host.as_str(), hp.port));
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn an_exception_covers_its_host_and_port_only() {
        for (exception, url, expected) in [
            ("127.0.0.1:80", "http://0x7f.1/", true),
            ("127.0.0.1:80", "http://localhost/", false),
            ("localhost:80", "http://127.0.0.1/", false),
            ("localhost:80", "http://LOCALHOST./", true),
            ("[::1]:80", "http://[0::1]/", true),
            ("[::1]:80", "http://[::ffff:127.0.0.1]/", false),
            ("nas.lan:80", "https://nas.lan/", false),
            ("nas.lan:80", "http://x.nas.lan/", false),
        ] {
            let exception = HostPort::parse(exception).unwrap();
            assert_eq!(
                exception.covers(&Url::parse(url).unwrap()),
                expected,
                "{exception} {url}"
            );
        }
    }

    #[test]
    fn messages_say_what_to_write() {
        let message = HostPort::parse("::1:80").unwrap_err().to_string();
        assert_eq!(
            message,
            "`::1:80` is not host:port: put an IPv6 address in brackets (`[::1]:80`)"
        );
    }
}
