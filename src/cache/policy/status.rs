//! `Cache-Status` (RFC 9211): how the cache handled a request.

use std::fmt::{self, Display, Formatter};

/// Why a request went on to upstream (RFC 9211 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forwarded {
    /// Nothing is stored for this URL.
    UriMiss,
    /// Stored responses, but none for this request's fields.
    VaryMiss,
    /// What is stored was stale.
    Stale,
    /// The method is not answered from a cache.
    Method,
    /// The request's own directives or conditions asked for it.
    Request,
    /// The cache was set up, or learnt, to pass it on.
    Bypass,
}

impl Forwarded {
    fn token(self) -> &'static str {
        match self {
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Stale => "stale",
            Self::Method => "method",
            Self::Request => "request",
            Self::Bypass => "bypass",
        }
    }
}

/// One member of the field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheStatus {
    /// `None`: it was a hit.
    pub forwarded: Option<Forwarded>,
    /// Upstream's status code, where the reader got another.
    pub forwarded_status: Option<u16>,
    /// Seconds that the response stays fresh; below zero since it went stale.
    pub ttl_s: Option<i64>,
    /// Whether the response is kept.
    pub stored: bool,
    /// Whether the request waited for another one's answer.
    pub collapsed: bool,
    /// One word: why a stale response is served, or why one was not stored.
    pub detail: Option<&'static str>,
}

impl Display for CacheStatus {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Feedwright")?;
        match self.forwarded {
            None => f.write_str("; hit")?,
            Some(forwarded) => write!(f, "; fwd={}", forwarded.token())?,
        }
        if let Some(status) = self.forwarded_status {
            write!(f, "; fwd-status={status}")?;
        }
        if self.stored {
            f.write_str("; stored")?;
        }
        if self.collapsed {
            f.write_str("; collapsed")?;
        }
        if let Some(ttl) = self.ttl_s {
            write!(f, "; ttl={ttl}")?;
        }
        match self.detail {
            Some(detail) => write!(f, "; detail={detail}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_9211_members() {
        let check = |status: CacheStatus, expected: &str| {
            assert_eq!(status.to_string(), expected);
        };
        let none = CacheStatus::default();
        check(none, "Feedwright; hit");
        check(
            CacheStatus {
                ttl_s: Some(-9),
                forwarded: Some(Forwarded::Stale),
                forwarded_status: Some(503),
                detail: Some("status"),
                ..none
            },
            "Feedwright; fwd=stale; fwd-status=503; ttl=-9; detail=status",
        );
        check(
            CacheStatus {
                forwarded: Some(Forwarded::UriMiss),
                stored: true,
                collapsed: true,
                ttl_s: Some(60),
                ..none
            },
            "Feedwright; fwd=uri-miss; stored; collapsed; ttl=60",
        );
    }
}
