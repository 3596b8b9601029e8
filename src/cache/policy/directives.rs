//! `Cache-Control` (RFC 9111 §5.2), in requests and responses.
//!
//! Tolerant: names in any case, values as tokens or quoted strings, unknown directives skipped. Of
//! a directive that comes twice with different values the first counts (§4.2.1).

use std::time::Duration;

use http::header::{CACHE_CONTROL, PRAGMA};
use http::{HeaderMap, HeaderName};

use super::delta::{DELTA_MAX, delta_seconds};
use super::list::{all_members, is_token, members, unquote};

/// A directive that may name fields: `no-cache`, `private`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Listed {
    /// It is not there.
    #[default]
    No,
    /// It concerns these fields only.
    Fields(Vec<HeaderName>),
    /// It concerns the whole response.
    Whole,
}

/// The directives that we act upon. A time that is no number of seconds is zero in a response, so
/// that it is stale (§4.2.1), and not there in a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directives {
    /// §5.2.1.1, §5.2.2.1.
    pub max_age: Option<Duration>,
    /// §5.2.2.10.
    pub s_maxage: Option<Duration>,
    /// RFC 5861 §3.
    pub stale_while_revalidate: Option<Duration>,
    /// RFC 5861 §4.
    pub stale_if_error: Option<Duration>,
    /// §5.2.1.2; without a value any staleness will do.
    pub max_stale: Option<Duration>,
    /// §5.2.1.3.
    pub min_fresh: Option<Duration>,
    /// §5.2.1.4, §5.2.2.4.
    pub no_cache: Listed,
    /// §5.2.2.7.
    pub private: Listed,
    /// §5.2.1.5, §5.2.2.5.
    pub no_store: bool,
    /// §5.2.2.9.
    pub public: bool,
    /// §5.2.2.2.
    pub must_revalidate: bool,
    /// §5.2.2.8.
    pub proxy_revalidate: bool,
    /// §5.2.2.3.
    pub must_understand: bool,
    /// §5.2.1.7.
    pub only_if_cached: bool,
}

impl Directives {
    /// Those of a response's `Cache-Control`.
    #[must_use]
    pub fn of_response(headers: &HeaderMap) -> Self {
        let mut found = Self::default();
        for member in all_members(headers, &CACHE_CONTROL) {
            found.add(&member, Some(Duration::ZERO));
        }
        found
    }

    /// Those of a request's `Cache-Control`, or what `Pragma: no-cache` means where there is none
    /// (§5.4).
    #[must_use]
    pub fn of_request(headers: &HeaderMap) -> Self {
        let mut found = Self::default();
        for member in all_members(headers, &CACHE_CONTROL) {
            found.add(&member, None);
        }
        if !headers.contains_key(CACHE_CONTROL) {
            let pragma = all_members(headers, &PRAGMA);
            if pragma
                .iter()
                .any(|word| word.eq_ignore_ascii_case("no-cache"))
            {
                found.no_cache = Listed::Whole;
            }
        }
        found
    }

    /// Whether there is a time that says how long the response is fresh.
    #[must_use]
    pub fn has_lifetime(&self) -> bool {
        self.s_maxage.is_some() || self.max_age.is_some()
    }

    fn add(&mut self, member: &str, invalid: Option<Duration>) {
        let (name, value) = match member.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (member, None),
        };
        // `max-age = 1` is no directive by the grammar: whoever means it gets the careful reading.
        let seconds = || value.and_then(delta_seconds).or(invalid);
        match name.trim().to_ascii_lowercase().as_str() {
            "max-age" => keep_first(&mut self.max_age, seconds()),
            "s-maxage" => keep_first(&mut self.s_maxage, seconds()),
            "stale-while-revalidate" => keep_first(&mut self.stale_while_revalidate, seconds()),
            "stale-if-error" => keep_first(&mut self.stale_if_error, seconds()),
            "min-fresh" => keep_first(&mut self.min_fresh, seconds()),
            "max-stale" => {
                let any = value.is_none().then_some(DELTA_MAX);
                keep_first(&mut self.max_stale, any.or_else(seconds));
            }
            "no-cache" => widen(&mut self.no_cache, value),
            "private" => widen(&mut self.private, value),
            "no-store" => self.no_store = true,
            "public" => self.public = true,
            "must-revalidate" => self.must_revalidate = true,
            "proxy-revalidate" => self.proxy_revalidate = true,
            "must-understand" => self.must_understand = true,
            "only-if-cached" => self.only_if_cached = true,
            _ => {}
        }
    }
}

fn keep_first(slot: &mut Option<Duration>, found: Option<Duration>) {
    *slot = slot.or(found);
}

/// Adds what a field list says; a list that can't be read means the whole response.
fn widen(slot: &mut Listed, value: Option<&str>) {
    let Some(fields) = value.and_then(field_names) else {
        *slot = Listed::Whole;
        return;
    };
    match slot {
        Listed::Whole => {}
        Listed::Fields(known) => known.extend(fields),
        Listed::No => *slot = Listed::Fields(fields),
    }
}

/// The names in `"a, b"`, or in a bare `a`; `None` where there are none or one is no name.
pub(super) fn field_names(value: &str) -> Option<Vec<HeaderName>> {
    let list = match unquote(value) {
        Some(list) => list,
        None if is_token(value) => value.to_owned(),
        None => return None,
    };
    let names: Option<Vec<HeaderName>> = members(&list).map(|name| name.parse().ok()).collect();
    names.filter(|names| !names.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        let lines = lines
            .iter()
            .map(|line| (CACHE_CONTROL, line.parse().unwrap()));
        lines.collect()
    }

    #[test]
    fn times_in_responses() {
        let check = |lines: &[&str], expected: Option<u64>| {
            let found = Directives::of_response(&headers(lines)).max_age;
            assert_eq!(found.map(|age| age.as_secs()), expected, "{lines:?}");
        };
        check(&[], None);
        check(&["foobar"], None);
        check(&["max-age=3600"], Some(3600));
        check(&["MaX-aGe=3600"], Some(3600));
        check(&["foobar, max-age=3600"], Some(3600));
        check(&["max-age=003600"], Some(3600));
        check(&["max-age=\"3600\""], Some(3600));
        check(&["max-age=2147483649"], Some(2_147_483_648));
        check(&["max-age=99999999999999999999999"], Some(2_147_483_648));
        check(&["max-age=1800, max-age=1"], Some(1800));
        check(&["max-age=1", "max-age=1800"], Some(1));
        check(&["extension=\"max-age=3600\", max-age=1"], Some(1));
        check(&["max-age=1, extension=\"max-age=3600\""], Some(1));
        for invalid in [
            "max-age",
            "max-age=",
            "max-age=-3600",
            "max-age='3600'",
            "max-age=3600.0",
            "max-age=a100",
            "max-age=100a",
            "max-age= 3600",
            "max-age =x",
        ] {
            check(&[invalid], Some(0));
        }
    }

    #[test]
    fn fields_named_by_directives() {
        let field = |name: &str| name.parse::<HeaderName>().unwrap();
        for (line, expected) in [
            ("max-age=1", Listed::No),
            ("no-cache", Listed::Whole),
            ("No-CaChE", Listed::Whole),
            ("no-cache=\"a\"", Listed::Fields(vec![field("a")])),
            (
                "no-cache=\"a, B\"",
                Listed::Fields(vec![field("a"), field("b")]),
            ),
            ("no-cache=a", Listed::Fields(vec![field("a")])),
            ("no-cache=\"\"", Listed::Whole),
            ("no-cache=\"a b\"", Listed::Whole),
            ("no-cache=\"a\", no-cache", Listed::Whole),
            ("no-cache, no-cache=\"a\"", Listed::Whole),
        ] {
            let found = Directives::of_response(&headers(&[line]));
            assert_eq!(found.no_cache, expected, "{line}");
        }
    }

    #[test]
    fn requests_read_differently() {
        let found = Directives::of_request(&headers(&["max-age=x, min-fresh=y, max-stale"]));
        assert_eq!((found.max_age, found.min_fresh), (None, None));
        assert_eq!(found.max_stale, Some(DELTA_MAX));
        let found = Directives::of_request(&headers(&["max-stale=5, only-if-cached"]));
        assert_eq!(found.max_stale, Some(Duration::from_secs(5)));
        assert!(found.only_if_cached);
        let pragma = HeaderMap::from_iter([(PRAGMA, "No-Cache".parse().unwrap())]);
        assert_eq!(Directives::of_request(&pragma).no_cache, Listed::Whole);
        let mut both = headers(&["nothing-to-see-here"]);
        both.insert(PRAGMA, "no-cache".parse().unwrap());
        assert_eq!(Directives::of_request(&both).no_cache, Listed::No);
    }
}
