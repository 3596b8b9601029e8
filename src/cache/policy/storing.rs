//! Whether a response may be stored (RFC 9111 §3), and which of its fields (§3.1).

use http::header::{AUTHORIZATION, CONNECTION};
use http::{HeaderMap, HeaderName, Method, StatusCode};

use super::PolicyOptions;
use super::directives::{Directives, Listed};
use super::freshness::HEURISTICALLY_CACHEABLE;
use super::list::all_members;
use super::targeted::governing;
use super::vary;

/// Fields of one connection or one exchange (RFC 9110 §7.6.1), never stored and never passed on.
const HOP_BY_HOP: [&str; 12] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-authentication",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// Status codes whose meaning for a cache we know, for `must-understand` (RFC 9111 §5.2.2.3).
const UNDERSTOOD: [u16; 16] = [
    200, 203, 204, 300, 301, 302, 303, 307, 308, 400, 404, 405, 410, 414, 500, 501,
];
const UNDERSTOOD_GATEWAY: [u16; 3] = [502, 503, 504];

/// Why a response is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotStored {
    /// The method of the request.
    Method,
    /// A status that is never stored here: interim, partial, 304, or not understood although it must be.
    Status,
    /// `no-store`, of the response or of the request.
    NoStore,
    /// `private`.
    Private,
    /// The request carried `Authorization`, and the response does not allow it (§3.5).
    Authorization,
    /// Nothing says that it may be stored (§3, the last point).
    NoPermission,
    /// `Vary: *`: no later request matches.
    VaryStar,
}

impl NotStored {
    /// One stable word.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Status => "status",
            Self::NoStore => "no-store",
            Self::Private => "private",
            Self::Authorization => "authorization",
            Self::NoPermission => "no-freshness",
            Self::VaryStar => "vary",
        }
    }
}

/// Whether a shared cache may store this response, and if so, with which fields.
///
/// # Errors
/// Why it may not.
pub fn storable(
    (method, asked): (&Method, &HeaderMap),
    (status, headers): (StatusCode, &HeaderMap),
    options: &PolicyOptions,
) -> Result<HeaderMap, NotStored> {
    let (directives, is_targeted) = governing(headers);
    if *method != Method::GET {
        return Err(NotStored::Method);
    }
    let is_understood = is_understood(status);
    // 206 is not combined here; 304 is no response of its own.
    if status.as_u16() < 200 || matches!(status.as_u16(), 206 | 304) {
        return Err(NotStored::Status);
    }
    if directives.must_understand && !is_understood {
        return Err(NotStored::Status);
    }
    if directives.no_store && !directives.must_understand {
        return Err(NotStored::NoStore);
    }
    if options.honor_request_cache_control && Directives::of_request(asked).no_store {
        return Err(NotStored::NoStore);
    }
    if directives.private == Listed::Whole {
        return Err(NotStored::Private);
    }
    let opens_up = directives.public || directives.s_maxage.is_some() || directives.must_revalidate;
    if asked.contains_key(AUTHORIZATION) && !opens_up {
        return Err(NotStored::Authorization);
    }
    let has_expires = !is_targeted && headers.contains_key(http::header::EXPIRES);
    let is_permitted = directives.public
        || directives.has_lifetime()
        || has_expires
        || matches!(directives.private, Listed::Fields(_))
        || HEURISTICALLY_CACHEABLE.contains(&status.as_u16());
    if !is_permitted {
        return Err(NotStored::NoPermission);
    }
    if vary::is_star(headers) {
        return Err(NotStored::VaryStar);
    }
    Ok(stored_fields(headers, &directives))
}

/// The fields that go end to end: without those of one connection, the ones that `Connection`
/// names among them.
#[must_use]
pub fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let named = all_members(headers, &CONNECTION);
    let is_hop = |name: &HeaderName| {
        HOP_BY_HOP.contains(&name.as_str())
            || named
                .iter()
                .any(|named| named.eq_ignore_ascii_case(name.as_str()))
    };
    let kept = headers.iter().filter(|(name, _)| !is_hop(name));
    let mut fields = HeaderMap::with_capacity(headers.len());
    for (name, value) in kept {
        fields.append(name.clone(), value.clone());
    }
    fields
}

fn stored_fields(headers: &HeaderMap, directives: &Directives) -> HeaderMap {
    let mut fields = end_to_end(headers);
    for listed in [&directives.no_cache, &directives.private] {
        if let Listed::Fields(names) = listed {
            names.iter().for_each(|name| {
                fields.remove(name);
            });
        }
    }
    fields
}

fn is_understood(status: StatusCode) -> bool {
    UNDERSTOOD.contains(&status.as_u16()) || UNDERSTOOD_GATEWAY.contains(&status.as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[&str]) -> HeaderMap {
        let split = lines.iter().map(|line| line.split_once(": ").unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in split {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        headers
    }

    fn check(asked: &[&str], status: u16, lines: &[&str], expected: Result<(), NotStored>) {
        let options = PolicyOptions {
            honor_request_cache_control: true,
            ..PolicyOptions::default()
        };
        let status = StatusCode::from_u16(status).unwrap();
        let request = (&Method::GET, &map(asked));
        let found = storable(request, (status, &map(lines)), &options).map(|_| ());
        assert_eq!(found, expected, "{asked:?} {status} {lines:?}");
    }

    #[test]
    fn rfc_9111_3_what_may_be_stored() {
        let fresh = "cache-control: max-age=60";
        check(&[], 200, &[], Ok(()));
        check(&[], 200, &[fresh], Ok(()));
        check(&[], 201, &[], Err(NotStored::NoPermission));
        check(&[], 201, &[fresh], Ok(()));
        check(&[], 201, &["expires: 0"], Ok(()));
        check(&[], 299, &[fresh], Ok(()));
        check(&[], 599, &[fresh], Ok(()));
        check(&[], 599, &["cache-control: public"], Ok(()));
        check(&[], 206, &[fresh], Err(NotStored::Status));
        check(&[], 304, &[fresh], Err(NotStored::Status));
        check(
            &[],
            200,
            &["cache-control: no-store"],
            Err(NotStored::NoStore),
        );
        check(
            &[],
            200,
            &["cache-control: No-StOrE, max-age=1"],
            Err(NotStored::NoStore),
        );
        check(
            &[],
            200,
            &["cache-control: private, max-age=1"],
            Err(NotStored::Private),
        );
        check(&[], 200, &["cache-control: private=\"a\""], Ok(()));
        check(
            &["cache-control: no-store"],
            200,
            &[fresh],
            Err(NotStored::NoStore),
        );
        check(&[], 200, &[fresh, "vary: *"], Err(NotStored::VaryStar));
        check(&[], 200, &[fresh, "vary: , *"], Err(NotStored::VaryStar));
        check(
            &[],
            200,
            &[fresh, "vary: a", "vary: *"],
            Err(NotStored::VaryStar),
        );
        let get = (StatusCode::OK, &map(&[fresh]));
        let head = storable((&Method::HEAD, &map(&[])), get, &PolicyOptions::default());
        assert_eq!(head, Err(NotStored::Method));
    }

    #[test]
    fn rfc_9111_5_2_2_3_must_understand() {
        let value = &["cache-control: max-age=3600, no-store, must-understand"];
        check(&[], 200, value, Ok(()));
        check(&[], 599, value, Err(NotStored::Status));
    }

    #[test]
    fn rfc_9111_3_5_authorization() {
        for (value, expected) in [
            ("max-age=60", Err(NotStored::Authorization)),
            ("max-age=60, public", Ok(())),
            ("max-age=60, must-revalidate", Ok(())),
            ("s-maxage=60", Ok(())),
        ] {
            let line = format!("cache-control: {value}");
            check(&["authorization: Basic eDp5"], 200, &[&line], expected);
        }
    }

    #[test]
    fn rfc_9213_a_targeted_field_goes_first() {
        let stale = "cache-control: no-store";
        check(&[], 200, &["cdn-cache-control: max-age=1", stale], Ok(()));
        let no = Err(NotStored::NoStore);
        check(&[], 200, &["cdn-cache-control: max-age=1, &", stale], no);
        check(
            &[],
            200,
            &["cdn-cache-control: no-store", "cache-control: max-age=9"],
            no,
        );
        let private = Err(NotStored::Private);
        check(&[], 200, &["cdn-cache-control: private"], private);
    }

    #[test]
    fn rfc_9111_3_1_fields_that_are_stored() {
        let headers = map(&[
            "connection: close, X-Hop",
            "x-hop: 1",
            "keep-alive: 2",
            "te: 3",
            "transfer-encoding: gzip",
            "upgrade: 4",
            "proxy-authenticate: 5",
            "cache-control: max-age=60, no-cache=\"a, b\", private=c",
            "a: 6",
            "b: 7",
            "c: 8",
            "d: 9",
            "set-cookie: x=1",
            "set-cookie: y=2",
        ]);
        let request = (&Method::GET, &HeaderMap::new());
        let stored = storable(
            request,
            (StatusCode::OK, &headers),
            &PolicyOptions::default(),
        );
        let fields = stored.unwrap();
        let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
        let expected = ["cache-control", "set-cookie", "set-cookie", "d"];
        assert_eq!(names, expected);
    }
}
