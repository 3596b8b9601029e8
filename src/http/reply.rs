//! Content negotiation and conditions: reads a request's headers. Pure.

use std::time::{SystemTime, UNIX_EPOCH};

use http::header::{ACCEPT_ENCODING, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName};

use crate::cache::Coding;

/// Entity tags of one `If-None-Match` that are read; further ones are ignored.
const ENTITY_TAGS_MAX: usize = 100;
/// Suffixes that proxies append to the opaque part of an entity tag when they compress.
const TAG_SUFFIXES: [&str; 5] = ["--gzip", "-gzip", ";gzip", "-br", "-zstd"];

/// The coding to answer with (RFC 9110 §12.5.3), gzip first where the reader has no preference,
/// since that is the form that is kept. `None`: the reader refuses every coding we have.
#[must_use]
pub fn choose_coding(headers: &HeaderMap) -> Option<Coding> {
    let mut quality = [None; Coding::ALL.len()];
    let mut any_other = None;
    let mut listed = false;
    for part in values(headers, &ACCEPT_ENCODING).flat_map(|value| value.split(',')) {
        let (name, q) = split_quality(part);
        listed |= !name.is_empty();
        match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => quality[Coding::Gzip.index()] = Some(q),
            "br" => quality[Coding::Brotli.index()] = Some(q),
            "zstd" => quality[Coding::Zstd.index()] = Some(q),
            "identity" => quality[Coding::Identity.index()] = Some(q),
            "*" => any_other = Some(q),
            _ => {}
        }
    }
    if !listed {
        return Some(Coding::Identity);
    }
    let identity = quality[Coding::Identity.index()]
        .or(any_other.filter(|q| *q == 0))
        .unwrap_or(1);
    let coded = [Coding::Gzip, Coding::Zstd, Coding::Brotli]
        .map(|coding| (coding, quality[coding.index()].or(any_other).unwrap_or(0)));
    let best = coded.iter().map(|(_, q)| *q).max().unwrap_or(0);
    let identity_is_preferred = quality[Coding::Identity.index()].is_some_and(|q| q > best);
    if best == 0 || identity_is_preferred {
        return (identity > 0).then_some(Coding::Identity);
    }
    coded
        .iter()
        .find(|(_, q)| *q == best)
        .map(|(coding, _)| *coding)
}

/// A list member and its weight in thousandths (RFC 9110 §12.4.2).
fn split_quality(part: &str) -> (&str, u32) {
    let mut parameters = part.split(';').map(str::trim);
    let name = parameters.next().unwrap_or_default();
    let q = parameters
        .find_map(|parameter| {
            parameter
                .strip_prefix("q=")
                .or(parameter.strip_prefix("Q="))
        })
        .map_or(1000, |q| {
            q.parse::<f32>()
                .map_or(0, |q| (q.clamp(0.0, 1.0) * 1000.0) as u32)
        });
    (name, q)
}

/// Whether the reader's copy is still the one we hold (RFC 9110 §13.1.2, §13.1.3): weak
/// comparison, lists, `*`, unquoted tags, and the suffixes of front proxies.
#[must_use]
pub fn is_not_modified(headers: &HeaderMap, etag: Option<&str>, last_modified: SystemTime) -> bool {
    if headers.contains_key(IF_NONE_MATCH) {
        return values(headers, &IF_NONE_MATCH)
            .flat_map(|value| value.split(','))
            .take(ENTITY_TAGS_MAX)
            .any(|tag| tag.trim() == "*" || etag.is_some_and(|etag| is_same_tag(tag, etag)));
    }
    let since = values(headers, &IF_MODIFIED_SINCE).next();
    since
        .and_then(|date| httpdate::parse_http_date(date).ok())
        .is_some_and(|since| {
            // HTTP dates have whole seconds.
            whole_seconds(last_modified) <= whole_seconds(since)
        })
}

fn is_same_tag(theirs: &str, ours: &str) -> bool {
    let tag = theirs.trim();
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    // Apache puts its suffix before the closing quote, some others behind it.
    let tag = TAG_SUFFIXES
        .iter()
        .find_map(|suffix| tag.strip_suffix(suffix))
        .unwrap_or(tag);
    let tag = tag.trim_matches('"');
    let tag = TAG_SUFFIXES
        .iter()
        .find_map(|suffix| tag.strip_suffix(suffix))
        .unwrap_or(tag);
    tag == ours
}

fn whole_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// The values of a header that are text.
fn values<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn codings() {
        for (accepted, expected) in [
            ("", Some(Coding::Identity)),
            ("gzip, deflate, br, zstd", Some(Coding::Gzip)),
            ("gzip;q=0.5, br", Some(Coding::Brotli)),
            ("br", Some(Coding::Brotli)),
            ("zstd, br", Some(Coding::Zstd)),
            ("*", Some(Coding::Gzip)),
            ("deflate", Some(Coding::Identity)),
            ("gzip;q=0", Some(Coding::Identity)),
            ("gzip;q=0.5, identity", Some(Coding::Identity)),
            ("identity;q=0, gzip", Some(Coding::Gzip)),
            ("identity;q=0", None),
            ("*;q=0", None),
            ("*;q=0, identity", Some(Coding::Identity)),
            ("GZIP ; Q=1.0", Some(Coding::Gzip)),
            ("gzip;q=nonsense", Some(Coding::Identity)),
        ] {
            assert_eq!(
                choose_coding(&headers(ACCEPT_ENCODING, accepted)),
                expected,
                "{accepted:?}"
            );
        }
        assert_eq!(choose_coding(&HeaderMap::new()), Some(Coding::Identity));
    }

    #[test]
    fn entity_tags_compare_weakly() {
        for (asked, expected) in [
            (r#""abc""#, true),
            (r#"W/"abc""#, true),
            (r#""x", W/"abc""#, true),
            ("*", true),
            (r#""abc-gzip""#, true),
            (r#"W/"abc--gzip""#, true),
            (r#""abc"-gzip"#, true),
            (r#""abc;gzip""#, true),
            ("abc", true),
            (r#""abcd""#, false),
            (r#""ABC""#, false),
            ("", false),
        ] {
            let headers = headers(IF_NONE_MATCH, asked);
            assert_eq!(
                is_not_modified(&headers, Some("abc"), UNIX_EPOCH),
                expected,
                "{asked}"
            );
        }
    }

    #[test]
    fn dates_count_only_without_tags() {
        let modified = UNIX_EPOCH + Duration::from_millis(1_642_555_024_900);
        let ask =
            |date: &str| is_not_modified(&headers(IF_MODIFIED_SINCE, date), Some("abc"), modified);
        assert!(ask("Wed, 19 Jan 2022 01:17:04 GMT"));
        assert!(ask("Thu, 20 Jan 2022 01:17:04 GMT"));
        assert!(!ask("Wed, 19 Jan 2022 01:17:03 GMT"));
        assert!(!ask("yesterday"));
        let mut both = headers(IF_MODIFIED_SINCE, "Thu, 20 Jan 2022 01:17:04 GMT");
        both.insert(IF_NONE_MATCH, "\"other\"".parse().unwrap());
        assert!(!is_not_modified(&both, Some("abc"), modified));
    }
}
