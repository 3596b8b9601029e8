//! A request's conditions against a stored response (RFC 9110 §13, RFC 9111 §4.3.2).

use std::time::{Duration, SystemTime};

use http::header::{
    ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, LAST_MODIFIED,
};

use super::age::{date_of, since};
use super::date::parse_http_date;
use super::list::text;

/// Entity tags of one `If-None-Match` that are looked at; the rest is as if not there.
const ENTITY_TAGS_MAX: usize = 100;
/// A `Last-Modified` so much older than `Date` counts as a strong validator (RFC 9110 §8.8.2.2).
const STRONG_AFTER: Duration = Duration::from_secs(1);

/// What the conditions of a request come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The response is sent.
    Send,
    /// The reader holds it already: 304.
    NotModified,
}

/// Evaluates `If-None-Match`, or else `If-Modified-Since`, for GET and HEAD. Of the stored response
/// without `Last-Modified`, `Date` or the time it came counts as that.
#[must_use]
pub fn evaluate(asked: &HeaderMap, stored: &HeaderMap, received_at: SystemTime) -> Condition {
    let is_held = if asked.contains_key(IF_NONE_MATCH) {
        let tag = stored.get(ETAG).map(HeaderValue::as_bytes);
        tags(asked, &IF_NONE_MATCH)
            .any(|asked| asked == b"*" || tag.is_some_and(|tag| is_same(asked, tag)))
    } else {
        let date =
            |headers: &HeaderMap, name| parse_http_date(&text(headers.get(name)?), received_at);
        let modified = date(stored, LAST_MODIFIED)
            .or_else(|| date_of(stored, received_at))
            .unwrap_or(received_at);
        date(asked, IF_MODIFIED_SINCE).is_some_and(|since| modified <= since)
    };
    match is_held {
        true => Condition::NotModified,
        false => Condition::Send,
    }
}

/// Whether the request has conditions that are for the origin alone: a cache answers none of them
/// (RFC 9111 §4.3.2).
#[must_use]
pub fn has_unsafe_conditions(asked: &HeaderMap) -> bool {
    asked.contains_key(IF_MATCH) || asked.contains_key(IF_UNMODIFIED_SINCE)
}

/// Whether a range request is still about the stored response (RFC 9110 §13.1.5): no `If-Range`,
/// or one that compares strongly.
#[must_use]
pub fn if_range_holds(asked: &HeaderMap, stored: &HeaderMap, received_at: SystemTime) -> bool {
    let Some(asked) = asked.get(IF_RANGE) else {
        return true;
    };
    if asked.as_bytes().contains(&b'"') {
        let is_weak = asked.as_bytes().starts_with(b"W/");
        return !is_weak && stored.get(ETAG) == Some(asked);
    }
    let Some(modified) = stored.get(LAST_MODIFIED) else {
        return false;
    };
    let moment = |value| parse_http_date(&text(value), received_at);
    let (Some(modified_at), Some(since_at)) = (moment(modified), moment(asked)) else {
        return false;
    };
    let date = date_of(stored, received_at).unwrap_or(received_at);
    modified_at == since_at && since(date, modified_at) >= STRONG_AFTER
}

/// Weak comparison (RFC 9110 §8.8.3.2), tags without quotes as they stand.
fn is_same(asked: &[u8], stored: &[u8]) -> bool {
    let opaque = |tag: &[u8]| tag.strip_prefix(b"W/").unwrap_or(tag).to_vec();
    opaque(asked) == opaque(stored)
}

/// The entity tags of a list; a comma inside quotes is part of a tag, and there is no escaping.
fn tags<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let members = lines.flat_map(|line| {
        let mut quoted = false;
        line.split(move |byte| {
            quoted ^= *byte == b'"';
            *byte == b',' && !quoted
        })
    });
    let trimmed = members
        .map(<[u8]>::trim_ascii)
        .filter(|tag| !tag.is_empty());
    trimmed.take(ENTITY_TAGS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    fn map(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines.iter().map(|line| line.split_once(": ").unwrap()) {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(name.parse::<HeaderName>().unwrap(), value);
        }
        headers
    }

    fn received_at() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(784_111_777)
    }

    #[test]
    fn rfc_9110_13_1_conditions() {
        let check = |asked: &[&str], stored: &[&str], is_held: bool| {
            let found = evaluate(&map(asked), &map(stored), received_at());
            assert_eq!(
                found == Condition::NotModified,
                is_held,
                "{asked:?} {stored:?}"
            );
        };
        let tag = &[r#"etag: "abc""#];
        check(&[], tag, false);
        check(&[r#"if-none-match: "abc""#], tag, true);
        check(&[r#"if-none-match: W/"abc""#], tag, true);
        check(&[r#"if-none-match: "abc""#], &[r#"etag: W/"abc""#], true);
        check(&[r#"if-none-match: "x", "abc", "y""#], tag, true);
        check(
            &[r#"if-none-match: "x""#, r#"if-none-match: "abc""#],
            tag,
            true,
        );
        check(&["if-none-match: *"], &[], true);
        check(&[r#"if-none-match: "x,abc""#], tag, false);
        check(&[r#"if-none-match: "x,abc""#], &[r#"etag: "x,abc""#], true);
        check(&["if-none-match: abc"], tag, false);
        check(&["if-none-match: abc"], &["etag: abc"], true);
        check(&["if-none-match: \"abcü\""], &["etag: \"abcü\""], true);
        let (earlier, date, later) = (
            "Sun, 06 Nov 1994 07:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 09:49:37 GMT",
        );
        let modified = &format!("last-modified: {date}");
        let since = |date: &str| format!("if-modified-since: {date}");
        check(&[&since(date)], &[modified], true);
        check(&[&since(later)], &[modified], true);
        check(
            &[&since("Sunday, 06-Nov-94 08:49:37 GMT")],
            &[modified],
            true,
        );
        check(&[&since(earlier)], &[modified], false);
        check(&[&since("yesterday")], &[modified], false);
        check(&[&since(later)], &[], true);
        check(&[&since(earlier)], &[], false);
        check(
            &[r#"if-none-match: "x""#, &since(later)],
            &[modified],
            false,
        );
    }

    #[test]
    fn rfc_9110_13_1_5_if_range_compares_strongly() {
        let modified = "last-modified: Sun, 06 Nov 1994 07:49:37 GMT";
        let check = |asked: &[&str], stored: &[&str], expected: bool| {
            let found = if_range_holds(&map(asked), &map(stored), received_at());
            assert_eq!(found, expected, "{asked:?} {stored:?}");
        };
        check(&[], &[], true);
        check(&[r#"if-range: "a""#], &[r#"etag: "a""#], true);
        check(&[r#"if-range: "b""#], &[r#"etag: "a""#], false);
        check(&[r#"if-range: W/"a""#], &[r#"etag: W/"a""#], false);
        check(&[r#"if-range: "a""#], &[r#"etag: W/"a""#], false);
        check(
            &["if-range: Sun, 06 Nov 1994 07:49:37 GMT"],
            &[modified],
            true,
        );
        check(
            &["if-range: Sun, 06 Nov 1994 07:49:38 GMT"],
            &[modified],
            false,
        );
        let now = "last-modified: Sun, 06 Nov 1994 08:49:37 GMT";
        check(&["if-range: Sun, 06 Nov 1994 08:49:37 GMT"], &[now], false);
        check(&["if-range: nonsense"], &[modified], false);
    }
}
