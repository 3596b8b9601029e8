//! What may be done with a stored response that matches a request (RFC 9111 §4, RFC 5861).

use std::time::{Duration, SystemTime};

use super::PolicyOptions;
use super::directives::{Directives, Listed};
use super::freshness::Terms;

/// What may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// It answers the request.
    Fresh,
    /// It answers the request, although stale, since the reader takes that (`max-stale`).
    Stale,
    /// It answers the request while it is refreshed (RFC 5861 §3).
    WhileRevalidate,
    /// Upstream has to be asked first.
    Validate,
}

/// Judges a stored response; `asked` are the request's directives, heeded only as far as the
/// options say.
#[must_use]
pub fn reuse(asked: &Directives, terms: &Terms, now: SystemTime, options: &PolicyOptions) -> Reuse {
    let nothing = Directives::default();
    let asked = match options.honor_request_cache_control {
        true => asked,
        false => &nothing,
    };
    if terms.always_validate || asked.no_cache == Listed::Whole {
        return Reuse::Validate;
    }
    if asked
        .max_age
        .is_some_and(|max| max.is_zero() || terms.age(now) > max)
    {
        return Reuse::Validate;
    }
    let remaining = terms.remaining(now);
    let rest_min = asked.min_fresh.unwrap_or_default();
    match remaining {
        Some(rest) if rest >= rest_min => return Reuse::Fresh,
        Some(_) => return Reuse::Validate,
        None if terms.never_stale || !rest_min.is_zero() => return Reuse::Validate,
        None => {}
    }
    let stale_for = terms.stale_for(now);
    if asked.max_stale.is_some_and(|max| stale_for <= max) {
        return Reuse::Stale;
    }
    if stale_for < terms.stale_while_revalidate {
        return Reuse::WhileRevalidate;
    }
    Reuse::Validate
}

/// Whether a stored response may be served stale while upstream fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaleOnError {
    /// It may.
    Allowed,
    /// It has been stale for too long.
    TooOld,
    /// Its own directives forbid it (§4.2.4).
    Forbidden,
}

/// Judges a response that is not fresh enough while upstream fails (RFC 5861 §4; RFC 9111 §4.2.4).
#[must_use]
pub fn stale_on_error(terms: &Terms, now: SystemTime, options: &PolicyOptions) -> StaleOnError {
    let stale_for = terms.stale_for(now);
    if terms.never_stale {
        return StaleOnError::Forbidden;
    }
    let window = terms.stale_if_error.unwrap_or(options.stale_if_error);
    let window = window.max(terms.stale_while_revalidate);
    match window {
        Duration::ZERO => StaleOnError::TooOld,
        window if stale_for <= window => StaleOnError::Allowed,
        _ => StaleOnError::TooOld,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::CACHE_CONTROL;
    use http::{HeaderMap, StatusCode};
    use std::time::UNIX_EPOCH;

    use crate::cache::policy::{Received, terms};

    fn terms_of(value: &str) -> Terms {
        let received_at = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let headers = HeaderMap::from_iter([(CACHE_CONTROL, value.parse().unwrap())]);
        let response = Received {
            status: StatusCode::OK,
            headers: &headers,
            requested_at: received_at,
            received_at,
        };
        terms(response, None)
    }

    fn asked(value: &str) -> Directives {
        let headers = HeaderMap::from_iter([(CACHE_CONTROL, value.parse().unwrap())]);
        Directives::of_request(&headers)
    }

    fn check(request: &str, response: &str, age_s: u64, expected: Reuse) {
        let terms = terms_of(response);
        let now = terms.received_at + Duration::from_secs(age_s);
        let options = PolicyOptions {
            honor_request_cache_control: true,
            ..PolicyOptions::default()
        };
        let found = reuse(&asked(request), &terms, now, &options);
        assert_eq!(found, expected, "{request} | {response} | {age_s}");
    }

    #[test]
    fn rfc_9111_4_2_fresh_and_stale() {
        check("x", "max-age=60", 0, Reuse::Fresh);
        check("x", "max-age=60", 59, Reuse::Fresh);
        check("x", "max-age=60", 60, Reuse::Validate);
        check("x", "max-age=0", 0, Reuse::Validate);
        check("x", "x", 0, Reuse::Validate);
        check("x", "max-age=60, no-cache", 0, Reuse::Validate);
        check("x", "max-age=60, must-revalidate", 0, Reuse::Fresh);
    }

    #[test]
    fn rfc_9111_5_2_1_request_directives() {
        check("max-age=0", "max-age=60", 0, Reuse::Validate);
        check("max-age=5", "max-age=60", 5, Reuse::Fresh);
        check("max-age=5", "max-age=60", 6, Reuse::Validate);
        check("no-cache", "max-age=60", 0, Reuse::Validate);
        check("min-fresh=10", "max-age=60", 50, Reuse::Fresh);
        check("min-fresh=10", "max-age=60", 51, Reuse::Validate);
        check("min-fresh=10, max-stale", "max-age=60", 70, Reuse::Validate);
        check("max-stale=10", "max-age=60", 70, Reuse::Stale);
        check("max-stale=10", "max-age=60", 71, Reuse::Validate);
        check("max-stale", "max-age=60", 9_999, Reuse::Stale);
        check(
            "max-stale",
            "max-age=60, must-revalidate",
            70,
            Reuse::Validate,
        );
        check("max-stale", "s-maxage=60", 70, Reuse::Validate);
        check("max-stale", "no-cache", 70, Reuse::Validate);
    }

    #[test]
    fn request_directives_are_not_heeded_unless_told() {
        let terms = terms_of("max-age=60");
        let judge = |request: &str, age_s: u64| {
            let now = terms.received_at + Duration::from_secs(age_s);
            reuse(&asked(request), &terms, now, &PolicyOptions::default())
        };
        assert_eq!(judge("no-cache, max-age=0", 5), Reuse::Fresh);
        assert_eq!(judge("max-stale", 65), Reuse::Validate);
    }

    #[test]
    fn rfc_5861_3_while_revalidate() {
        check(
            "x",
            "max-age=60, stale-while-revalidate=10",
            60,
            Reuse::WhileRevalidate,
        );
        check(
            "x",
            "max-age=60, stale-while-revalidate=10",
            69,
            Reuse::WhileRevalidate,
        );
        check(
            "x",
            "max-age=60, stale-while-revalidate=10",
            70,
            Reuse::Validate,
        );
        let forbidden = "max-age=60, stale-while-revalidate=10, must-revalidate";
        check("x", forbidden, 60, Reuse::Validate);
    }

    #[test]
    fn rfc_5861_4_on_errors() {
        let check = |response: &str, contract_s: u64, stale_s: u64, expected| {
            let terms = terms_of(response);
            let now = terms.received_at + terms.lifetime + Duration::from_secs(stale_s);
            let options = PolicyOptions {
                stale_if_error: Duration::from_secs(contract_s),
                ..PolicyOptions::default()
            };
            let found = stale_on_error(&terms, now, &options);
            assert_eq!(found, expected, "{response} {contract_s} {stale_s}");
        };
        check("max-age=9", 60, 60, StaleOnError::Allowed);
        check("max-age=9", 60, 61, StaleOnError::TooOld);
        check("max-age=9", 0, 1, StaleOnError::TooOld);
        check("max-age=9, stale-if-error=99", 0, 99, StaleOnError::Allowed);
        check("max-age=9, stale-if-error=0", 60, 1, StaleOnError::TooOld);
        for forbidden in [
            "must-revalidate",
            "proxy-revalidate",
            "no-cache",
            "s-maxage=2",
        ] {
            let response = format!("max-age=9, stale-if-error=99, {forbidden}");
            check(&response, 60, 1, StaleOnError::Forbidden);
        }
    }
}
