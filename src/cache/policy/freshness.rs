//! How long a response is fresh, and what may be done with it afterwards (RFC 9111 §4.2, RFC 5861),
//! worked out once when it arrives.

use std::time::{Duration, SystemTime};

use http::header::{EXPIRES, LAST_MODIFIED};
use http::{HeaderMap, StatusCode};

use super::age::{date_of, initial_age, since};
use super::date::parse_http_date;
use super::directives::{Directives, Listed};
use super::list::text;
use super::targeted::governing;

/// Status codes that may be cached without explicit freshness (RFC 9110 §15.1), but for 206.
pub(super) const HEURISTICALLY_CACHEABLE: [u16; 11] =
    [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501];

/// How freshness is estimated where a response does not say (RFC 9111 §4.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heuristic {
    /// Of the time since `Last-Modified`.
    pub percent: u32,
    /// No estimate is longer.
    pub lifetime_max: Duration,
}

impl Default for Heuristic {
    fn default() -> Self {
        Self {
            percent: 10,
            lifetime_max: Duration::from_secs(86_400),
        }
    }
}

/// The head of a response, and when it was asked for and came.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// The status code.
    pub status: StatusCode,
    /// The header fields, as they came.
    pub headers: &'a HeaderMap,
    /// When the request was sent.
    pub requested_at: SystemTime,
    /// When the head was there.
    pub received_at: SystemTime,
}

/// What a response says about its reuse, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// When it arrived.
    pub received_at: SystemTime,
    /// How old it was then.
    pub initial_age: Duration,
    /// Up to which age it is fresh.
    pub lifetime: Duration,
    /// Whether the lifetime comes from the response, not from an estimate or from nothing.
    pub is_explicit: bool,
    /// `no-cache`: never used without asking upstream.
    pub always_validate: bool,
    /// Whether it must never be used stale (§4.2.4).
    pub never_stale: bool,
    /// How long beyond `lifetime` it may be used while it is refreshed.
    pub stale_while_revalidate: Duration,
    /// How long beyond `lifetime` it may be served stale while upstream fails; `None` where it
    /// does not say.
    pub stale_if_error: Option<Duration>,
}

impl Terms {
    /// The current age (§4.2.3).
    #[must_use]
    pub fn age(&self, now: SystemTime) -> Duration {
        self.initial_age
            .saturating_add(since(now, self.received_at))
    }

    /// How long it stays fresh; `None` when it is stale.
    #[must_use]
    pub fn remaining(&self, now: SystemTime) -> Option<Duration> {
        let rest = self.lifetime.checked_sub(self.age(now));
        rest.filter(|rest| !rest.is_zero())
    }

    /// How long it has been stale; zero while it is fresh.
    #[must_use]
    pub fn stale_for(&self, now: SystemTime) -> Duration {
        self.age(now).saturating_sub(self.lifetime)
    }
}

/// The terms of a response that was just received. Without a heuristic, a response that says
/// nothing about its freshness has a lifetime of zero.
#[must_use]
pub fn terms(response: Received<'_>, heuristic: Option<Heuristic>) -> Terms {
    let Received {
        headers,
        received_at,
        ..
    } = response;
    let (directives, is_targeted) = governing(headers);
    let explicit = explicit_lifetime(headers, &directives, is_targeted, received_at);
    let estimated = || estimate(response, &directives, heuristic?);
    Terms {
        received_at,
        initial_age: initial_age(headers, response.requested_at, received_at),
        lifetime: explicit.or_else(estimated).unwrap_or_default(),
        is_explicit: explicit.is_some(),
        always_validate: directives.no_cache == Listed::Whole,
        never_stale: directives.must_revalidate
            || directives.proxy_revalidate
            || directives.s_maxage.is_some()
            || directives.no_cache == Listed::Whole,
        stale_while_revalidate: directives.stale_while_revalidate.unwrap_or_default(),
        stale_if_error: directives.stale_if_error,
    }
}

/// §4.2.1: `s-maxage`, then `max-age`, then `Expires` less `Date`.
fn explicit_lifetime(
    headers: &HeaderMap,
    directives: &Directives,
    is_targeted: bool,
    received_at: SystemTime,
) -> Option<Duration> {
    let told = directives.s_maxage.or(directives.max_age);
    if told.is_some() || is_targeted || !headers.contains_key(EXPIRES) {
        return told;
    }
    let mut lines = headers.get_all(EXPIRES).iter();
    let expires = lines
        .next()
        .and_then(|line| parse_http_date(&text(line), received_at));
    // What is no date, "0" above all, is in the past (§5.3); so are two that need not agree.
    let expires = expires.filter(|_| lines.next().is_none());
    let from = date_of(headers, received_at).unwrap_or(received_at);
    Some(expires.map_or(Duration::ZERO, |expires| since(expires, from)))
}

fn estimate(
    response: Received<'_>,
    directives: &Directives,
    heuristic: Heuristic,
) -> Option<Duration> {
    let is_cacheable = HEURISTICALLY_CACHEABLE.contains(&response.status.as_u16());
    if !is_cacheable && !directives.public {
        return None;
    }
    let modified = text(response.headers.get(LAST_MODIFIED)?);
    let modified = parse_http_date(&modified, response.received_at)?;
    let from = date_of(response.headers, response.received_at).unwrap_or(response.received_at);
    let estimate = since(from, modified).as_secs() / 100 * u64::from(heuristic.percent);
    Some(Duration::from_secs(estimate).min(heuristic.lifetime_max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    /// Fields as `name: value` lines, received at `Sun, 06 Nov 1994 08:49:37 GMT`.
    fn terms_of(status: u16, lines: &[&str]) -> Terms {
        let received_at = UNIX_EPOCH + Duration::from_secs(784_111_777);
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            let name: http::HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        let response = Received {
            status: StatusCode::from_u16(status).unwrap(),
            headers: &headers,
            requested_at: received_at,
            received_at,
        };
        terms(response, Some(Heuristic::default()))
    }

    const DATE: &str = "date: Sun, 06 Nov 1994 08:49:37 GMT";

    #[test]
    fn rfc_9111_4_2_1_lifetimes() {
        let check = |lines: &[&str], lifetime_s: u64, is_explicit: bool| {
            let terms = terms_of(200, lines);
            let found = (terms.lifetime.as_secs(), terms.is_explicit);
            assert_eq!(found, (lifetime_s, is_explicit), "{lines:?}");
        };
        let later = "expires: Sun, 06 Nov 1994 09:49:37 GMT";
        let past = "expires: Sun, 06 Nov 1994 07:49:37 GMT";
        check(&[], 0, false);
        check(&["cache-control: max-age=60"], 60, true);
        check(&["cache-control: max-age=60, s-maxage=5"], 5, true);
        check(&["cache-control: s-maxage=500, max-age=60"], 500, true);
        check(&["cache-control: max-age=0, s-maxage=x"], 0, true);
        check(&["cache-control: max-age=60", past, DATE], 60, true);
        check(&["cache-control: max-age=0", later, DATE], 0, true);
        check(&[later, DATE], 3600, true);
        check(&[later], 3600, true);
        check(&[later, "date: foo"], 3600, true);
        check(&[past, DATE], 0, true);
        check(&[later, "date: Sun, 06 Nov 1994 09:59:37 GMT"], 0, true);
        check(&["expires: 0", DATE], 0, true);
        check(&["expires: -1"], 0, true);
        check(&[later, later, DATE], 0, true);
        check(
            &["cdn-cache-control: max-age=9", "cache-control: max-age=60"],
            9,
            true,
        );
        check(
            &["cdn-cache-control: max-age=9", "cache-control: no-store"],
            9,
            true,
        );
        check(
            &[
                "cdn-cache-control: max-age=\"9\"",
                "cache-control: max-age=60",
            ],
            60,
            true,
        );
        check(&["cdn-cache-control: foo", later, DATE], 0, false);
    }

    #[test]
    fn rfc_9111_4_2_2_estimates() {
        let check = |status: u16, lines: &[&str], lifetime_s: u64| {
            let terms = terms_of(status, lines);
            let found = (terms.lifetime.as_secs(), terms.is_explicit);
            assert_eq!(found, (lifetime_s, false), "{status} {lines:?}");
        };
        let an_hour = "last-modified: Sun, 06 Nov 1994 07:49:37 GMT";
        check(200, &[an_hour, DATE], 360);
        check(200, &[an_hour], 360);
        check(
            200,
            &["last-modified: Sun, 06 Nov 1984 07:49:37 GMT"],
            86_400,
        );
        check(200, &["last-modified: Sun, 06 Nov 2044 07:49:37 GMT"], 0);
        check(200, &["last-modified: yesterday"], 0);
        check(404, &[an_hour], 360);
        check(201, &[an_hour], 0);
        check(503, &[an_hour], 0);
        check(599, &[an_hour], 0);
        check(599, &[an_hour, "cache-control: public"], 360);
    }

    #[test]
    fn rfc_9111_4_2_4_what_forbids_stale_use() {
        for (value, never_stale, always_validate) in [
            ("max-age=60", false, false),
            ("max-age=60, must-revalidate", true, false),
            ("max-age=60, proxy-revalidate", true, false),
            ("s-maxage=60", true, false),
            ("max-age=60, no-cache", true, true),
            ("max-age=60, no-cache=\"set-cookie\"", false, false),
        ] {
            let terms = terms_of(200, &[&format!("cache-control: {value}")]);
            assert_eq!(terms.never_stale, never_stale, "{value}");
            assert_eq!(terms.always_validate, always_validate, "{value}");
        }
    }

    #[test]
    fn age_and_rest() {
        let terms = terms_of(200, &["cache-control: max-age=60", "age: 20", DATE]);
        for (after_s, age_s, remaining_s, stale_s) in [
            (0, 20, Some(40), 0),
            (39, 59, Some(1), 0),
            (40, 60, None, 0),
            (45, 65, None, 5),
        ] {
            let now = terms.received_at + Duration::from_secs(after_s);
            let remaining = terms.remaining(now).map(|rest| rest.as_secs());
            let found = (
                terms.age(now).as_secs(),
                remaining,
                terms.stale_for(now).as_secs(),
            );
            assert_eq!(found, (age_s, remaining_s, stale_s), "{after_s}");
        }
        let before = terms.received_at - Duration::from_secs(9);
        assert_eq!(terms.age(before).as_secs(), 20, "the clock was set back");
    }
}
