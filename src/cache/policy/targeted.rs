//! Targeted cache control (RFC 9213): `CDN-Cache-Control` governs a shared cache before
//! `Cache-Control` and `Expires`.

use std::time::Duration;

use http::{HeaderMap, HeaderName};

use super::delta::DELTA_MAX;
use super::directives::{Directives, Listed, field_names};
use super::structured::{Bare, Member, parse_dictionary};

/// The field that is meant for caches like this one.
const TARGETED: HeaderName = HeaderName::from_static("cdn-cache-control");

/// The directives that govern a response, and whether they are targeted ones, which make
/// `Expires` count for nothing. A targeted field that is empty or no dictionary, or in which a
/// directive has a value of the wrong type, is as if not there (RFC 9213 §2.1, §2.2).
#[must_use]
pub fn governing(headers: &HeaderMap) -> (Directives, bool) {
    match targeted(headers) {
        Some(directives) => (directives, true),
        None => (Directives::of_response(headers), false),
    }
}

fn targeted(headers: &HeaderMap) -> Option<Directives> {
    let lines: Vec<&[u8]> = headers
        .get_all(TARGETED)
        .iter()
        .map(|line| line.as_bytes())
        .collect();
    let members = parse_dictionary(&lines.join(&b", "[..])).ok()?;
    if members.is_empty() {
        return None;
    }
    let mut found = Directives::default();
    for (name, value) in &members {
        add(&mut found, name, value)?;
    }
    Some(found)
}

/// Takes in one directive; `None` where its value is of the wrong type.
fn add(found: &mut Directives, name: &str, value: &Member) -> Option<()> {
    match name {
        "max-age" => found.max_age = Some(seconds(value)?),
        "s-maxage" => found.s_maxage = Some(seconds(value)?),
        "stale-while-revalidate" => found.stale_while_revalidate = Some(seconds(value)?),
        "stale-if-error" => found.stale_if_error = Some(seconds(value)?),
        "no-cache" => found.no_cache = listed(value)?,
        "private" => found.private = listed(value)?,
        "no-store" => found.no_store = switch(value)?,
        "public" => found.public = switch(value)?,
        "must-revalidate" => found.must_revalidate = switch(value)?,
        "proxy-revalidate" => found.proxy_revalidate = switch(value)?,
        "must-understand" => found.must_understand = switch(value)?,
        _ => {}
    }
    Some(())
}

fn seconds(value: &Member) -> Option<Duration> {
    match value {
        Member::Item(Bare::Integer(seconds)) => {
            let seconds = u64::try_from(*seconds).ok()?;
            Some(Duration::from_secs(seconds).min(DELTA_MAX))
        }
        _ => None,
    }
}

fn switch(value: &Member) -> Option<bool> {
    match value {
        Member::Item(Bare::Boolean(switch)) => Some(*switch),
        _ => None,
    }
}

fn listed(value: &Member) -> Option<Listed> {
    match value {
        Member::Item(Bare::Boolean(true)) => Some(Listed::Whole),
        Member::Item(Bare::Boolean(false)) => Some(Listed::No),
        Member::Item(Bare::String(names)) => {
            let names = field_names(&format!("\"{names}\""));
            Some(names.map_or(Listed::Whole, Listed::Fields))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::CACHE_CONTROL;

    fn check(targeted: &[&str], expected: Option<Directives>) {
        let mut headers = HeaderMap::from_iter([(CACHE_CONTROL, "max-age=7".parse().unwrap())]);
        for line in targeted {
            headers.append(TARGETED, line.parse().unwrap());
        }
        let fallback = Directives {
            max_age: Some(Duration::from_secs(7)),
            ..Directives::default()
        };
        let expected = match expected {
            Some(directives) => (directives, true),
            None => (fallback, false),
        };
        assert_eq!(governing(&headers), expected, "{targeted:?}");
    }

    #[test]
    fn a_good_field_governs_and_a_bad_one_is_not_there() {
        let age = |seconds| Directives {
            max_age: Some(Duration::from_secs(seconds)),
            ..Directives::default()
        };
        check(&[], None);
        check(&[""], None);
        check(&["max-age=3600"], Some(age(3600)));
        check(&["max-age=0"], Some(age(0)));
        check(&["max-age=99999999999"], Some(age(1 << 31)));
        check(&["foobar, max-age=3600"], Some(age(3600)));
        check(&["foobar", "max-age=3600;x=y"], Some(age(3600)));
        check(&["max-age=1, max-age=2"], Some(age(2)));
        let no_store = Directives {
            no_store: true,
            ..Directives::default()
        };
        check(&["no-store"], Some(no_store));
        let private = Directives {
            private: Listed::Fields(vec![HeaderName::from_static("set-cookie")]),
            ..Directives::default()
        };
        check(&["private=\"set-cookie\""], Some(private));
        for ignored in [
            "max-age=10000, &&&&&",
            "max-age=\"10000\"",
            "max-age=10.0",
            "max-age=-1",
            "max-age",
            "no-store=1",
            "private=(a)",
            "MaX-aGe=3600",
            "max-age =100",
            "max-age= 100",
        ] {
            check(&[ignored], None);
        }
    }
}
