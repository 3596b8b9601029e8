//! What of a request an answer is kept by besides `Vary`, where a mirror passes on what nobody listed.
//! Pure.
//!
//! SECURITY: an origin that heeds a field and does not say so by `Vary` would answer everybody by
//! what one reader sent. So all that is passed on unlisted tells answers apart.

use http::header::{
    AUTHORIZATION, CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, PRAGMA, RANGE, VIA,
};
use sha2::{Digest, Sha256};

/// What HTTP itself needs of a request, whatever a mirror lists.
pub(super) const OF_HTTP: [HeaderName; 6] = [
    RANGE,
    IF_RANGE,
    IF_MATCH,
    IF_NONE_MATCH,
    IF_MODIFIED_SINCE,
    IF_UNMODIFIED_SINCE,
];

/// Stands for all that was passed on by `*`. It never leaves.
pub(super) const FIELD: HeaderName = HeaderName::from_static("feedwright-passed");

/// What HTTP's own rules look after.
const NOT_KEYED: [HeaderName; 4] = [AUTHORIZATION, CACHE_CONTROL, PRAGMA, VIA];

/// Adds what stands for these fields.
pub(super) fn add(fields: &mut HeaderMap) {
    let mut lines: Vec<(&str, &[u8])> = fields
        .iter()
        .filter(|(name, _)| !OF_HTTP.contains(name) && !NOT_KEYED.contains(name))
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    // Lines of one name keep their order.
    lines.sort_by_key(|(name, _)| *name);
    let mut hash = Sha256::new();
    for (name, value) in lines {
        for part in [name.as_bytes(), value] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    let digest = hash.finalize();
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let digest = HeaderValue::try_from(digest);
    fields.insert(FIELD, digest.unwrap_or(HeaderValue::from_static("")));
}

/// The fields that are sent, of those that an answer is kept by.
pub(super) fn sent(seen: &HeaderMap) -> HeaderMap {
    let mut fields = seen.clone();
    fields.remove(FIELD);
    fields
}

/// The fields that an answer depends on besides those that its `Vary` names.
pub(super) fn names(seen: &HeaderMap) -> &'static [HeaderName] {
    static NAMES: [HeaderName; 1] = [FIELD];
    match seen.contains_key(FIELD) {
        true => &NAMES,
        false => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(lines: &[&str]) -> HeaderValue {
        let mut headers = HeaderMap::new();
        for (name, value) in lines.iter().map(|line| line.split_once(": ").unwrap()) {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        add(&mut headers);
        assert_eq!(sent(&headers).len(), headers.len() - 1);
        headers[FIELD].clone()
    }

    #[test]
    fn every_field_tells_answers_apart() {
        let plain = key(&["accept: */*"]);
        for other in [
            "accept: text/html",
            "accept-language: de",
            "cookie: a=b",
            "origin: https://evil.example",
            "referer: https://evil.example",
            "user-agent: evil",
            "x-other: evil",
        ] {
            assert_ne!(key(&["accept: */*", other]), plain, "{other}");
        }
        for same in [
            "range: bytes=0-1",
            "if-none-match: \"1\"",
            "cache-control: no-cache",
            "via: 1.1 front",
        ] {
            assert_eq!(key(&["accept: */*", same]), plain, "{same}");
        }
        assert_eq!(key(&["a: b", "c: d"]), key(&["c: d", "a: b"]));
        // One field's end is not another's beginning.
        assert_ne!(key(&["a: bc", "d: e"]), key(&["a: b", "cd: e"]));
        assert_ne!(key(&["a: b", "a: c"]), key(&["a: bc"]));
    }
}
