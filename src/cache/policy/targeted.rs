//! Targeted cache control (RFC 9213): a shared cache follows `CDN-Cache-Control` instead of
//! `Cache-Control` and `Expires`.

use std::time::Duration;

use http::{HeaderMap, HeaderName};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use super::delta::DELTA_MAX;
use super::directives::{Directives, Listed, field_names};

/// The field that is meant for caches like this one.
const TARGETED: HeaderName = HeaderName::from_static("cdn-cache-control");

/// The directives that govern a response, and whether they are targeted, so that `Expires` is
/// ignored. A targeted field is ignored where it is empty, no dictionary, or gives a directive a
/// value of the wrong type (RFC 9213 §2.1, §2.2).
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
    let members: Dictionary = Parser::new(&lines.join(&b", "[..])).parse().ok()?;
    if members.is_empty() {
        return None;
    }
    let mut found = Directives::default();
    for (name, value) in &members {
        add(&mut found, name.as_str(), value)?;
    }
    Some(found)
}

/// Adds one directive; `None` where its value is of the wrong type.
fn add(found: &mut Directives, name: &str, value: &ListEntry) -> Option<()> {
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

fn bare(value: &ListEntry) -> Option<&BareItem> {
    match value {
        ListEntry::Item(item) => Some(&item.bare_item),
        ListEntry::InnerList(_) => None,
    }
}

fn seconds(value: &ListEntry) -> Option<Duration> {
    let BareItem::Integer(seconds) = bare(value)? else {
        return None;
    };
    let seconds = u64::try_from(*seconds).ok()?;
    Some(Duration::from_secs(seconds).min(DELTA_MAX))
}

fn switch(value: &ListEntry) -> Option<bool> {
    match bare(value)? {
        BareItem::Boolean(switch) => Some(*switch),
        _ => None,
    }
}

fn listed(value: &ListEntry) -> Option<Listed> {
    match bare(value)? {
        BareItem::Boolean(true) => Some(Listed::Whole),
        BareItem::Boolean(false) => Some(Listed::No),
        BareItem::String(names) => {
            let names = field_names(&format!("\"{}\"", names.as_str()));
            Some(names.map_or(Listed::Whole, Listed::Fields))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use http::header::CACHE_CONTROL;

    fn check(targeted: &[&str], expected: Option<Directives>) {
        let mut headers = HeaderMap::from_iter([(CACHE_CONTROL, "max-age=7".parse().unwrap())]);
        for line in targeted {
            headers.append(TARGETED, HeaderValue::from_bytes(line.as_bytes()).unwrap());
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

    #[test]
    fn unknown_directives_are_checked_and_skipped() {
        let expected = Directives {
            max_age: Some(Duration::from_secs(9)),
            ..Directives::default()
        };
        for valid in [
            "a",
            "a=?0, b",
            "a=-12;x;y=1",
            "a=1 ,\tb=2",
            "a=1, b, a=2",
            r#"a="x\"y""#,
            "a=tok/en:x",
            "a=:aGk=:",
            "a=1.5",
            "a=@1659578233",
            "a=%\"f%c3%bc\"",
            "a=(1 x;y \"z\" )",
            "a=()",
        ] {
            check(&["max-age=9", valid], Some(expected.clone()));
        }
    }

    #[test]
    fn one_mistake_invalidates_the_field() {
        for invalid in [
            "&&&&&",
            "A=1",
            "MaX-aGe=1",
            "a=",
            "a =1",
            "a= 1",
            "a=1,",
            "a=1 b=2",
            ",a",
            "a=\"open",
            "a=\"\\x\"",
            "a=\"\u{fc}\"",
            "a=1234567890123456",
            "a=1234567890123.1",
            "a=1.",
            "a=1.2345",
            "a=--1",
            "a=-",
            "a=?2",
            "a=:a!:",
            "a=:aGk=",
            "a=(1 2",
            "a=(1,2)",
            "a=(1\"x\")",
            "a=@1.5",
            "a=%\"%C3\"",
            "a=%\"%c3\"",
            "a=%x",
            "a;=1",
            "a;x=",
            "a='1'",
        ] {
            check(&["max-age=9", invalid], None);
        }
        check(&["\tmax-age=9"], None);
    }
}
