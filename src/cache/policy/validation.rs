//! Asking upstream whether stored responses are still right (RFC 9111 §4.3.1, §4.3.3).

use http::HeaderMap;
use http::header::{
    ETAG, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE,
};

/// Entity tags that one conditional request names.
const TAGS_MAX: usize = 16;

/// What a conditional request asks with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Nothing stored had a validator.
    Unconditionally,
    /// With validators of stored responses.
    Conditionally,
}

/// Puts the validators of stored responses into a request, verbatim, in place of the reader's own
/// conditions: `matching` is the one that matches the request, if any; `others` were selected by
/// other requests, and only a tag can tell that one of them is right here, too.
pub fn conditional<'a>(
    request: &mut HeaderMap,
    matching: Option<&HeaderMap>,
    others: impl Iterator<Item = &'a HeaderMap>,
) -> Asked {
    let own = matching.and_then(|stored| stored.get(ETAG));
    let tags = own
        .into_iter()
        .chain(others.filter_map(|stored| stored.get(ETAG)));
    let mut list = Vec::new();
    for tag in tags.take(TAGS_MAX) {
        if !list.contains(&tag.as_bytes()) {
            list.push(tag.as_bytes());
        }
    }
    let tags = HeaderValue::from_bytes(&list.join(&b", "[..])).ok();
    let tags = tags.filter(|tags| !tags.is_empty());
    let modified = matching
        .and_then(|stored| stored.get(LAST_MODIFIED))
        .cloned();
    if tags.is_none() && modified.is_none() {
        return Asked::Unconditionally;
    }
    unconditional(request);
    if let Some(tags) = tags {
        request.insert(IF_NONE_MATCH, tags);
    }
    if let Some(modified) = modified {
        request.insert(IF_MODIFIED_SINCE, modified);
    }
    Asked::Conditionally
}

/// Takes the reader's own conditions and ranges out of a request, so that the answer is the whole.
pub fn unconditional(request: &mut HeaderMap) {
    for condition in [IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_RANGE, RANGE] {
        request.remove(condition);
    }
}

/// Whether a 304 is about this stored response (§4.3.4): its validators are the ones the 304
/// names; a 304 that names none is about the one that was asked for.
#[must_use]
pub fn selects(not_modified: &HeaderMap, stored: &HeaderMap, is_only_one: bool) -> bool {
    match (not_modified.get(ETAG), stored.get(ETAG)) {
        (Some(named), Some(tag)) => {
            let opaque = |tag: &HeaderValue| {
                let bytes = tag.as_bytes();
                bytes.strip_prefix(b"W/").unwrap_or(bytes).to_vec()
            };
            opaque(named) == opaque(tag)
        }
        (Some(_), None) => is_only_one,
        (None, _) => match not_modified.get(LAST_MODIFIED) {
            Some(modified) if !is_only_one => stored.get(LAST_MODIFIED) == Some(modified),
            _ => is_only_one,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn map(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines.iter().map(|line| line.split_once(": ").unwrap()) {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn rfc_9111_4_3_1_validators_go_out_verbatim() {
        let date = "last-modified: Sun, 06 Nov 1994 07:49:37 GMT";
        let check = |matching: Option<&[&str]>, others: &[&[&str]], expected: &[&str]| {
            let mut request = map(&["if-none-match: \"reader\"", "range: bytes=0-1", "a: b"]);
            let stored = matching.map(map);
            let others: Vec<HeaderMap> = others.iter().map(|lines| map(lines)).collect();
            let asked = conditional(&mut request, stored.as_ref(), others.iter());
            let mut found: Vec<String> = request
                .iter()
                .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
                .collect();
            found.sort();
            assert_eq!(found, expected);
            let is_conditional = !expected.contains(&"if-none-match: \"reader\"");
            assert_eq!(asked == Asked::Conditionally, is_conditional);
        };
        let untouched = &["a: b", "if-none-match: \"reader\"", "range: bytes=0-1"];
        check(None, &[], untouched);
        check(Some(&[]), &[&[date]], untouched);
        check(Some(&["etag: abc"]), &[], &["a: b", "if-none-match: abc"]);
        check(
            Some(&["etag: W/\"1\"", date]),
            &[&["etag: \"2\""], &["etag: W/\"1\""]],
            &[
                "a: b",
                "if-modified-since: Sun, 06 Nov 1994 07:49:37 GMT",
                "if-none-match: W/\"1\", \"2\"",
            ],
        );
        check(
            None,
            &[&["etag: \"2\"", date]],
            &["a: b", "if-none-match: \"2\""],
        );
    }

    #[test]
    fn rfc_9111_4_3_4_which_one_a_304_is_about() {
        for (named, stored, is_only_one, expected) in [
            (&[][..], &["etag: \"1\""][..], true, true),
            (&[], &["etag: \"1\""], false, false),
            (&["etag: \"1\""], &["etag: \"1\""], false, true),
            (&["etag: W/\"1\""], &["etag: \"1\""], true, true),
            (&["etag: \"2\""], &["etag: \"1\""], true, false),
            (&["etag: \"2\""], &["last-modified: x"], true, true),
            (&["last-modified: x"], &["last-modified: x"], false, true),
            (&["last-modified: x"], &["last-modified: y"], false, false),
        ] {
            let found = selects(&map(named), &map(stored), is_only_one);
            assert_eq!(found, expected, "{named:?} {stored:?}");
        }
    }
}
