//! The URL of an image in a `url` parameter, in the forms that weserv reads (its `uri_parser.cpp`).
//!
//! Invariant: the value is percent-decoded exactly once. What was escaped twice stays escaped, and so
//! does what is no UTF-8.

use std::borrow::Cow;
use std::fmt::Write as _;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use url::Url;

/// A shorter value is no URL.
const VALUE_BYTES_MIN: usize = 4;
/// Bytes of a URL, at most.
const URL_BYTES_MAX: usize = 8 << 10;
/// Characters that are escaped. The URL standard leaves some of them, and reads `\` as `/`.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Parses a raw query value; without a scheme the URL is `http`, or `https` where `secure`. `None`
/// when it is no URL.
#[must_use]
pub fn parse(value: &str, secure: bool) -> Option<Url> {
    if value.len() < VALUE_BYTES_MIN {
        return None;
    }
    parse_decoded(&unescaped(value), secure)
}

/// A value percent-decoded once. Bytes that are no UTF-8, as servers of other encodings have them in
/// their paths, are escaped again.
pub(super) fn unescaped(value: &str) -> Cow<'_, str> {
    let bytes: Cow<'_, [u8]> = percent_decode_str(value).into();
    let bytes = match bytes {
        Cow::Borrowed(_) => return value.into(),
        Cow::Owned(bytes) => bytes,
    };
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text.into()
}

/// The same for a value that has been decoded.
#[must_use]
pub fn parse_decoded(decoded: &str, secure: bool) -> Option<Url> {
    if decoded.len() < VALUE_BYTES_MIN {
        return None;
    }
    let starts = |prefix: &str| {
        let start = decoded.get(..prefix.len())?;
        start
            .eq_ignore_ascii_case(prefix)
            .then(|| &decoded[prefix.len()..])
    };
    let (scheme, rest) = None
        .or_else(|| starts("http://").map(|rest| ("http", rest)))
        .or_else(|| starts("https://").map(|rest| ("https", rest)))
        .or_else(|| starts("ssl:").map(|rest| ("https", rest)))
        .or_else(|| starts("//").map(|rest| ("https", rest)))
        .unwrap_or((if secure { "https" } else { "http" }, decoded));
    let rest = rest.trim_start_matches('/');
    let path_at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(path_at);
    // SECURITY: the URL standard would take a backslash for a slash, and so another host.
    let is_odd = |c: char| c == '\\' || c.is_whitespace() || c.is_control();
    if authority.is_empty() || authority.contains(is_odd) {
        return None;
    }
    let path = utf8_percent_encode(path, ESCAPED);
    let mut url = Url::parse(&format!("{scheme}://{authority}{path}")).ok()?;
    url.set_fragment(None);
    (url.has_host() && url.as_str().len() <= URL_BYTES_MAX).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (value, expected) in [
            ("example.org/a.jpg", "http://example.org/a.jpg"),
            ("http://example.org", "http://example.org/"),
            ("HTTPS://example.org/a", "https://example.org/a"),
            ("ssl:example.org/a", "https://example.org/a"),
            ("ssl:/example.org/a", "https://example.org/a"),
            ("//example.org/a", "https://example.org/a"),
            ("///example.org/a", "https://example.org/a"),
            ("http:///example.org/a", "http://example.org/a"),
            (
                "http%3A%2F%2Fexample.org%2Fa%3Fb%3D1%26c%3D2",
                "http://example.org/a?b=1&c=2",
            ),
            ("example.org?x=1", "http://example.org/?x=1"),
            ("example.org/a%23b", "http://example.org/a"),
            ("example.org/a%2523b", "http://example.org/a%23b"),
            ("example.org/%252D%252E", "http://example.org/%2D%2E"),
            (
                "example.org/r/!*'();:@=+$,[]-_.~",
                "http://example.org/r/!*'();:@=+$,[]-_.~",
            ),
            (
                "example.org/%22%3C%3E%5C%5E%60%7B%7C%7D",
                "http://example.org/%22%3C%3E%5C%5E%60%7B%7C%7D",
            ),
            ("example.org/a b", "http://example.org/a%20b"),
            ("example.org/a+b", "http://example.org/a+b"),
            ("http://♥.localhost", "http://xn--g6h.localhost/"),
            ("example。org/é", "http://example.org/%C3%A9"),
            ("http://example.org:8080/a", "http://example.org:8080/a"),
            ("i.nl", "http://i.nl/"),
            ("example.org/caf%E9.jpg", "http://example.org/caf%E9.jpg"),
            (
                "http%3A%2F%2Fexample.org%2F%ff%C3%A9%c3%3F%E9",
                "http://example.org/%FF%C3%A9%C3?%E9",
            ),
            ("example.org/%25E9", "http://example.org/%E9"),
        ] {
            assert_eq!(parse(value, false).unwrap().as_str(), expected, "{value}");
        }
        assert_eq!(
            parse("example.org/a", true).unwrap().as_str(),
            "https://example.org/a"
        );
        assert_eq!(
            parse("http://example.org/", true).unwrap().as_str(),
            "http://example.org/"
        );
    }

    #[test]
    fn no_urls() {
        let long = format!("example.org/{}", "a".repeat(URL_BYTES_MAX));
        for value in [
            "",
            "a.b",
            "http:\\\\foobar",
            "http://",
            "http:///",
            "https://?x",
            "a b.org/x",
            "example.org\\@evil.org/",
            "ex\u{0}ample.org",
            "http://[::1/",
            "http://a:b:c/",
            "%FF%FE.org",
            &long,
        ] {
            assert_eq!(parse(value, false), None, "{value}");
        }
    }

    #[test]
    fn other_schemes_are_hosts_that_are_none() {
        // weserv takes what it doesn't know for a host without a scheme.
        for value in [
            "file:///etc/passwd",
            "data:image/png;base64,AAAA",
            "javascript:alert(1)",
        ] {
            assert!(
                parse(value, false).is_none_or(|url| url.scheme() == "http"),
                "{value}"
            );
        }
    }
}
