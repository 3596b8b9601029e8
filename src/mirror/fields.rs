//! Which header fields go through, in both directions. Pure.
//!
//! Invariants: fields of one connection never do. Cookies and credentials do where the mirror says
//! so. A request that has been here before is recognised by `Via`.

use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderMap, HeaderName,
    HeaderValue, LOCATION, PRAGMA, SET_COOKIE, VIA,
};
use http::{Method, Version};
use percent_encoding::{AsciiSet, percent_encode};
use url::Url;

use super::keyed::OF_HTTP;
use super::withheld::is_withheld;
use super::{keyed, stated, target};
use crate::cache::policy;
use crate::config::{MirrorSettings, RequestHeaders};

/// What goes with a body.
const OF_THE_BODY: [&str; 5] = [
    "content-type",
    "content-encoding",
    "content-language",
    "content-disposition",
    "content-range",
];

/// Nothing: bytes that are not ASCII are always encoded.
const NO_ASCII: &AsciiSet = &AsciiSet::EMPTY;

/// Directives of a request (RFC 9111 §5.2.1, RFC 5861 §4).
const CONTROLS: [&str; 8] = [
    "max-age",
    "max-stale",
    "min-fresh",
    "no-cache",
    "no-store",
    "no-transform",
    "only-if-cached",
    "stale-if-error",
];

/// Members of a request's `Via`: one that has come further goes round in circles.
const VIA_MEMBERS_MAX: usize = 16;
/// Bytes of its `Via`.
const VIA_BYTES_MAX: usize = 1 << 10;
/// Bytes of each `Accept…` field that goes on; a longer one is left out, since browsers have none.
const ACCEPT_BYTES_MAX: usize = 1 << 10;

/// Whether the request passed this process before, by the name that it puts into `Via`, or more
/// proxies than there are on any way that leads somewhere.
pub(super) fn is_loop(headers: &HeaderMap, pseudonym: &str) -> bool {
    let via = || headers.get_all(VIA).iter().map(HeaderValue::as_bytes);
    let members: usize = via()
        .map(|line| line.split(|byte| *byte == b',').count())
        .sum();
    if members > VIA_MEMBERS_MAX || via().map(<[u8]>::len).sum::<usize>() > VIA_BYTES_MAX {
        return true;
    }
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
    let end_to_end = policy::end_to_end(asked);
    let passes_all = mirror.request_headers == RequestHeaders::All;
    for (name, value) in &end_to_end {
        let is_meant = is_passed(name, mirror) && is_short_enough(name, &end_to_end);
        if is_meant && (!passes_all || is_usual_control(&end_to_end, name)) {
            fields.append(name.clone(), value.clone());
        }
    }
    if passes_all {
        keyed::add(&mut fields);
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

/// Whether a field is none of those with which readers say what they take, or a believable one.
fn is_short_enough(name: &HeaderName, fields: &HeaderMap) -> bool {
    let bytes = || {
        fields
            .get_all(name)
            .iter()
            .map(HeaderValue::len)
            .sum::<usize>()
    };
    !name.as_str().starts_with("accept") || bytes() <= ACCEPT_BYTES_MAX
}

/// What a reader's `Cache-Control` and `Pragma` may say to the origin: what HTTP has for requests.
/// Anything else in them is for some cache in between.
fn is_usual_control(fields: &HeaderMap, name: &HeaderName) -> bool {
    let is_usual = |member: &str| {
        let (directive, value) = member.split_once('=').unwrap_or((member, ""));
        CONTROLS.contains(&directive.trim().to_ascii_lowercase().as_str())
            && value.trim().len() <= 10
            && value.trim().bytes().all(|byte| byte.is_ascii_digit())
    };
    let mut lines = fields.get_all(name).iter();
    ![CACHE_CONTROL, PRAGMA].contains(name)
        || lines.all(|line| {
            line.to_str()
                .is_ok_and(|line| line.split(',').all(is_usual))
        })
}

fn is_passed(name: &HeaderName, mirror: &MirrorSettings) -> bool {
    match name {
        &COOKIE => mirror.cookies,
        &AUTHORIZATION => mirror.authorization,
        // They follow from the address, the body, or what we answer ourselves.
        &HOST | &CONTENT_LENGTH | &EXPECT | &VIA => false,
        name if *name == keyed::FIELD => false,
        name if OF_HTTP.contains(name) => true,
        name => match &mirror.request_headers {
            RequestHeaders::All => !is_withheld(name.as_str()),
            RequestHeaders::Listed(names) => names.contains(name),
        },
    }
}

/// The fields that may be kept; what a reader gets of them, `safety` decides.
pub(super) fn response(headers: &HeaderMap, mirror: &MirrorSettings) -> HeaderMap {
    let mut fields = policy::end_to_end(headers);
    if !mirror.cookies {
        fields.remove(SET_COOKIE);
    }
    stated::mend(&mut fields);
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
    // Raw UTF-8 in it is common: it becomes what browsers make of it.
    let found = fields
        .get(LOCATION)
        .map(|value| percent_encode(value.as_bytes(), NO_ASCII).to_string());
    let mirrored = found.and_then(|text| target::location(origin, home, from, &text));
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
        "x_real_ip: 10.0.0.1",
        "proxy: http://evil.example/",
        "feedwright-passed: mine",
        "content-length: 3",
        "expect: 100-continue",
        "range: bytes=0-1",
        "te: trailers",
        "via: 1.1 front",
    ];

    #[test]
    fn what_the_origin_gets() {
        let check = |keys: &str, expected: &[&str]| {
            let seen = request(&map(ASKED), Version::HTTP_11, &settings(keys), "us");
            assert_eq!(lines(&keyed::sent(&seen)), expected, "{keys}");
            assert_eq!(
                !keyed::names(&seen).is_empty(),
                keys.contains('*'),
                "{keys}"
            );
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
    fn what_readers_say_they_take_is_bounded() {
        let long = format!("accept-language: {}", "de,".repeat(400));
        let controls = "cache-control: max-age=0, no-cache";
        for keys in ["", "request_headers = [\"*\"]"] {
            let asked = map(&[
                &long,
                "accept: */*",
                controls,
                "pragma: akamai-x-get-cache-key",
            ]);
            let seen = request(&asked, Version::HTTP_11, &settings(keys), "us");
            assert!(!seen.contains_key("accept-language"), "{keys}");
            assert!(seen.contains_key("accept"), "{keys}");
            assert!(!seen.contains_key(PRAGMA), "{keys}");
            assert_eq!(
                seen.contains_key(CACHE_CONTROL),
                keys.contains('*'),
                "{keys}"
            );
        }
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
        assert!(is_loop(&map(&["via: 1.1 a"; VIA_MEMBERS_MAX + 1]), "us"));
        assert!(!is_loop(&map(&["via: 1.1 a"; VIA_MEMBERS_MAX]), "us"));
        let long = format!("via: 1.1 a ({})", "x".repeat(VIA_BYTES_MAX));
        assert!(is_loop(&map(&[&long]), "us"));
    }

    #[test]
    fn a_location_may_be_raw_utf_8() {
        let origin = Url::parse("https://a.example/blog/").unwrap();
        let from = origin.join("x").unwrap();
        let check = |location: &[u8], expected: &str| {
            let mut fields = HeaderMap::new();
            fields.insert(LOCATION, HeaderValue::from_bytes(location).unwrap());
            mirror_location(&mut fields, &origin, "https://us.example/mirror/m", &from);
            assert_eq!(fields[LOCATION], expected);
        };
        check(
            "/blog/größe?q=ß".as_bytes(),
            "https://us.example/mirror/m/gr%C3%B6%C3%9Fe?q=%C3%9F",
        );
        check(b"gr\xF6\xDFe", "https://us.example/mirror/m/gr%F6%DFe");
        check("/größe".as_bytes(), "https://a.example/gr%C3%B6%C3%9Fe");
        check(
            "https://ä.example/é".as_bytes(),
            "https://xn--4ca.example/%C3%A9",
        );
    }

    #[test]
    fn what_may_be_kept() {
        let came = map(&["connection: close", "set-cookie: a=b", "etag: \"1\""]);
        let fields = response(&came, &settings(""));
        assert_eq!(lines(&fields), ["etag: \"1\""]);
        let fields = response(&came, &settings("cookies = true"));
        assert_eq!(lines(&fields), ["etag: \"1\"", "set-cookie: a=b"]);
    }
}
