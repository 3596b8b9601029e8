//! Updating a stored response from a 304 (RFC 9111 §3.2, §4.3.4) or from an answer to HEAD (§4.3.5).

use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED,
};

use super::storing::end_to_end;

/// Fields that say how the stored body is to be read: they stay with it.
const OF_THE_BODY: [HeaderName; 3] = [CONTENT_LENGTH, CONTENT_ENCODING, CONTENT_RANGE];

/// The stored fields, with those of `news` in place of the ones of the same name.
#[must_use]
pub fn updated(stored: &HeaderMap, news: &HeaderMap) -> HeaderMap {
    let news = end_to_end(news);
    let mut fields = stored.clone();
    for name in news.keys().filter(|name| !OF_THE_BODY.contains(name)) {
        fields.remove(name);
        for value in news.get_all(name) {
            fields.append(name.clone(), value.clone());
        }
    }
    // `Age` is of one exchange: the stored one's does not outlive it.
    if !news.contains_key(http::header::AGE) {
        fields.remove(http::header::AGE);
    }
    fields
}

/// What a 200 to HEAD means for a stored response to GET.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadEffect {
    /// It is the same: its fields are updated.
    Update,
    /// It is another: the stored one is no longer used without asking.
    Invalidate,
}

/// Judges by validators and length (§4.3.5).
#[must_use]
pub fn head_effect(stored: &HeaderMap, head: &HeaderMap, stored_bytes: Option<u64>) -> HeadEffect {
    let differs = |name: &HeaderName| {
        let (old, new) = (stored.get(name), head.get(name));
        new.is_some() && new != old
    };
    let length = head
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let other_length = matches!((length, stored_bytes), (Some(new), Some(old)) if new != old);
    match differs(&ETAG) || differs(&LAST_MODIFIED) || other_length {
        true => HeadEffect::Invalidate,
        false => HeadEffect::Update,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines.iter().map(|line| line.split_once(": ").unwrap()) {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn rfc_9111_3_2_fields_are_replaced_but_for_the_bodys() {
        let stored = map(&[
            "content-length: 36",
            "content-encoding: gzip",
            "test: a",
            "set-cookie: a=1",
            "set-cookie: b=1",
            "kept: 1",
            "age: 9",
        ]);
        let news = map(&[
            "content-length: 10",
            "content-encoding: br",
            "test: b",
            "set-cookie: a=2",
            "new: 1",
            "connection: hop",
            "hop: 1",
        ]);
        let mut found: Vec<String> = updated(&stored, &news)
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        found.sort();
        let expected = [
            "content-encoding: gzip",
            "content-length: 36",
            "kept: 1",
            "new: 1",
            "set-cookie: a=2",
            "test: b",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn rfc_9111_4_3_5_head() {
        for (stored, head, expected) in [
            (&[][..], &[][..], HeadEffect::Update),
            (&["etag: \"1\""], &["etag: \"1\""], HeadEffect::Update),
            (&["etag: \"1\""], &[], HeadEffect::Update),
            (&["etag: \"1\""], &["etag: \"2\""], HeadEffect::Invalidate),
            (&[], &["last-modified: x"], HeadEffect::Invalidate),
            (&[], &["content-length: 36"], HeadEffect::Update),
            (&[], &["content-length: 37"], HeadEffect::Invalidate),
        ] {
            let found = head_effect(&map(stored), &map(head), Some(36));
            assert_eq!(found, expected, "{stored:?} {head:?}");
        }
    }
}
