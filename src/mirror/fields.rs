//! Which header fields go through, in both directions. Pure.
//!
//! Invariants: fields of one connection never do. Cookies and credentials do where the mirror says
//! so. A request that has been here before is recognised by `Via`.

use http::header::{
    ALT_SVC, AUTHORIZATION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderMap, HeaderName,
    HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
    LOCATION, RANGE, SET_COOKIE, STRICT_TRANSPORT_SECURITY, VIA,
};
use http::{Method, Version};
use url::Url;

use super::target;
use crate::cache::policy;
use crate::config::{MirrorSettings, RequestHeaders};

/// What HTTP itself needs of a request, whatever a mirror lists.
const OF_HTTP: [HeaderName; 6] = [
    RANGE,
    IF_RANGE,
    IF_MATCH,
    IF_NONE_MATCH,
    IF_MODIFIED_SINCE,
    IF_UNMODIFIED_SINCE,
];

/// What goes with a body.
const OF_THE_BODY: [&str; 5] = [
    "content-type",
    "content-encoding",
    "content-language",
    "content-disposition",
    "content-range",
];

/// SECURITY: they say where a request came from and whose it was, by word of the reader; an origin
/// that builds addresses of them would poison the cache. Passed where a mirror lists them by name.
const OF_THE_WAY: [&str; 14] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-scheme",
    "x-forwarded-server",
    "x-host",
    "x-http-host-override",
    "x-original-host",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
];

/// Whether the request passed this process before, by the name that it puts into `Via`.
pub(super) fn is_loop(headers: &HeaderMap, pseudonym: &str) -> bool {
    let is_us = |member: &str| member.split_ascii_whitespace().nth(1) == Some(pseudonym);
    let mut lines = headers
        .get_all(VIA)
        .iter()
        .filter_map(|line| line.to_str().ok());
    lines.any(|line| line.split(',').any(is_us))
}

/// The fields that the origin gets, without what belongs to a body.
pub(super) fn request(
    asked: &HeaderMap,
    version: Version,
    mirror: &MirrorSettings,
    pseudonym: &str,
) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for (name, value) in &policy::end_to_end(asked) {
        if is_passed(name, mirror) {
            fields.append(name.clone(), value.clone());
        }
    }
    let protocol = match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    };
    if let Ok(via) = HeaderValue::try_from(format!("{protocol} {pseudonym}")) {
        // What was there before goes on: a loop over several of us ends all the same.
        for earlier in asked.get_all(VIA) {
            fields.append(VIA, earlier.clone());
        }
        fields.append(VIA, via);
    }
    fields
}

/// What goes on with a body besides, its length among it.
pub(super) fn with_body(asked: &HeaderMap, fields: &mut HeaderMap) {
    for name in OF_THE_BODY {
        fields.remove(name);
        for value in asked.get_all(name) {
            fields.append(HeaderName::from_static(name), value.clone());
        }
    }
    if let Some(length) = asked.get(CONTENT_LENGTH) {
        fields.insert(CONTENT_LENGTH, length.clone());
    }
}

fn is_passed(name: &HeaderName, mirror: &MirrorSettings) -> bool {
    match name {
        &COOKIE => mirror.cookies,
        &AUTHORIZATION => mirror.authorization,
        // They follow from the address, the body, or what we answer ourselves.
        &HOST | &CONTENT_LENGTH | &EXPECT | &VIA => false,
        name if OF_HTTP.contains(name) => true,
        name => match &mirror.request_headers {
            RequestHeaders::All => !OF_THE_WAY.contains(&name.as_str()),
            RequestHeaders::Listed(names) => names.contains(name),
        },
    }
}

/// The fields that a reader gets and that may be kept.
pub(super) fn response(headers: &HeaderMap, mirror: &MirrorSettings) -> HeaderMap {
    let mut fields = policy::end_to_end(headers);
    // What a server says about its own host would be about ours.
    for name in [ALT_SVC, STRICT_TRANSPORT_SECURITY] {
        fields.remove(name);
    }
    if !mirror.cookies {
        fields.remove(SET_COOKIE);
    }
    fields
}

/// Fields in memory of their own: as they came they are slices of the buffer that was read, which
/// they would keep as long as they live.
pub(super) fn owned(headers: &HeaderMap) -> HeaderMap {
    let mut fields = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            fields.append(name.clone(), value);
        }
    }
    fields
}

/// Turns a redirect's `Location` into one that readers can follow.
pub(super) fn mirror_location(fields: &mut HeaderMap, origin: &Url, home: &str, from: &Url) {
    let found = fields.get(LOCATION).and_then(|value| value.to_str().ok());
    let mirrored = found.and_then(|text| target::location(origin, home, from, text));
    if let Some(value) = mirrored.and_then(|text| HeaderValue::try_from(text).ok()) {
        fields.insert(LOCATION, value);
    }
}

/// The methods of a mirror, for `Allow`.
pub(super) fn allow(methods: &[Method]) -> String {
    let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn settings(keys: &str) -> MirrorSettings {
        let toml = format!("[[mirror]]\nname = \"m\"\norigin = \"https://a.example/\"\n{keys}");
        let settings = config::parse("test.toml", &toml, []);
        settings.unwrap().mirrors.remove(0)
    }

    fn map(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines.iter().map(|line| line.split_once(": ").unwrap()) {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        headers
    }

    fn lines(headers: &HeaderMap) -> Vec<String> {
        let line = |(name, value): (&HeaderName, &HeaderValue)| {
            format!("{name}: {}", value.to_str().unwrap())
        };
        let mut lines: Vec<String> = headers.iter().map(line).collect();
        lines.sort();
        lines
    }

    const ASKED: &[&str] = &[
        "host: feeds.example",
        "accept: */*",
        "accept-language: de",
        "authorization: Basic x",
        "cookie: a=b",
        "connection: x-hop",
        "x-hop: 1",
        "x-other: 2",
        "x-forwarded-host: evil.example",
        "content-length: 3",
        "expect: 100-continue",
        "range: bytes=0-1",
        "te: trailers",
        "via: 1.1 front",
    ];

    #[test]
    fn what_the_origin_gets() {
        let check = |keys: &str, expected: &[&str]| {
            let fields = request(&map(ASKED), Version::HTTP_11, &settings(keys), "us");
            assert_eq!(lines(&fields), expected, "{keys}");
        };
        let usual = &["accept-language: de", "accept: */*", "range: bytes=0-1"];
        let via = &["via: 1.1 front", "via: 1.1 us"];
        let mut expected = [&usual[..], &via[..]].concat();
        check("", &expected);
        check("request_headers = []", &[&usual[2..], &via[..]].concat());
        check(
            "request_headers = [\"x-forwarded-host\"]",
            &[
                "range: bytes=0-1",
                via[0],
                via[1],
                "x-forwarded-host: evil.example",
            ],
        );
        expected.push("x-other: 2");
        check("request_headers = [\"*\"]", &expected);
        expected.extend(["authorization: Basic x", "cookie: a=b"]);
        expected.sort_unstable();
        check(
            "request_headers = [\"*\"]\ncookies = true\nauthorization = true",
            &expected,
        );
    }

    #[test]
    fn loops_are_recognised() {
        for (via, expected) in [
            ("1.1 front, 1.1 us", true),
            ("2 us (comment)", true),
            ("1.1 us2", false),
            ("us 1.1", false),
        ] {
            let headers = map(&[&format!("via: {via}")]);
            assert_eq!(is_loop(&headers, "us"), expected, "{via}");
        }
        assert!(is_loop(&map(&["via: 1.1 a", "via: 1.1 us"]), "us"));
    }

    #[test]
    fn what_readers_get() {
        let came = map(&[
            "connection: close",
            "alt-svc: h3=\":443\"",
            "strict-transport-security: max-age=9",
            "set-cookie: a=b",
            "etag: \"1\"",
        ]);
        let fields = response(&came, &settings(""));
        assert_eq!(lines(&fields), ["etag: \"1\""]);
        let fields = response(&came, &settings("cookies = true"));
        assert_eq!(lines(&fields), ["etag: \"1\"", "set-cookie: a=b"]);
    }
}
