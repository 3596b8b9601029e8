//! Nothing that a server or a reader writes into a header field makes these functions panic, and
//! nothing makes time run backwards.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use proptest::prelude::*;

use super::*;

const NAMES: [&str; 20] = [
    "accept-language",
    "age",
    "cache-control",
    "cdn-cache-control",
    "connection",
    "content-language",
    "content-length",
    "content-location",
    "date",
    "etag",
    "expires",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "last-modified",
    "location",
    "pragma",
    "range",
    "vary",
    "foo",
];

/// Values near what is meant, and any bytes that a field may hold.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let words = "((max-age|s-maxage|no-cache|private|stale-while-revalidate|bytes|q)?[=;, \"*-]?[0-9a-z\"*W/%@:?().-]{0,12}){0,4}";
    let dates = "[A-Z][a-z]{2}, [0-9]{2} (Jan|Feb|Nov) [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT";
    let bytes = prop::collection::vec(prop_oneof![0x20_u8..0x7f, 0x80_u8..=0xff], 0..24);
    prop_oneof![
        words.prop_map(String::into_bytes),
        dates.prop_map(String::into_bytes),
        bytes
    ]
}

fn fields() -> impl Strategy<Value = HeaderMap> {
    let field = (prop::sample::select(&NAMES[..]), value());
    prop::collection::vec(field, 0..8).prop_map(|fields| {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(HeaderName::from_static(name), value);
            }
        }
        headers
    })
}

proptest! {
    #[test]
    fn no_field_makes_anything_panic(
        asked in fields(),
        came in fields(),
        news in fields(),
        at_s in 0_u64..1 << 40,
        later_s in 0_u64..1 << 34,
        total in 0_u64..1000,
    ) {
        let received_at = UNIX_EPOCH + Duration::from_secs(at_s);
        let now = received_at + Duration::from_secs(later_s);
        let response = Received {
            status: StatusCode::OK,
            headers: &came,
            requested_at: received_at,
            received_at,
        };
        let terms = terms(response, Some(Heuristic::default()));
        prop_assert!(terms.age(now) >= terms.age(received_at));
        prop_assert!(terms.remaining(now) <= terms.remaining(received_at));
        prop_assert!(terms.lifetime <= Duration::from_secs(1 << 40));
        for honor_request_cache_control in [false, true] {
            let options = Options { honor_request_cache_control, ..Options::default() };
            let directives = Directives::of_request(&asked);
            if reuse(&directives, &terms, now, &options) == Reuse::Fresh {
                prop_assert!(terms.remaining(now).is_some() && !terms.always_validate);
            }
            let _ = stale_on_error(&terms, now, &options);
            let request = (&Method::GET, &asked);
            if let Ok(stored) = storable(request, (StatusCode::OK, &came), &options) {
                prop_assert!(stored.len() <= came.len());
                if let Some(selection) = Selection::of(&came, &asked) {
                    prop_assert!(selection.matches(&asked), "it does not match its own request");
                }
            }
        }
        let _ = evaluate(&asked, &came, received_at);
        let _ = if_range_holds(&asked, &came, received_at);
        let mut request = asked.clone();
        conditional(&mut request, Some(&came), [&news].into_iter());
        let _ = selects(&news, &came, true);
        let _ = updated(&came, &news);
        let _ = head_effect(&came, &news, Some(total));
        let target = url::Url::parse("http://a.example/b").unwrap();
        for url in invalidated(&Method::POST, &target, StatusCode::OK, &came) {
            prop_assert_eq!(url.origin(), target.origin());
        }
        if let Ranges::Parts(parts) = requested(&asked, total) {
            let within = |part: &std::ops::Range<u64>| part.start < part.end && part.end <= total;
            prop_assert!(!parts.is_empty() && parts.iter().all(within));
        }
    }

    #[test]
    fn dates_come_back(seconds in 0_u64..253_402_300_800) {
        let time = UNIX_EPOCH + Duration::from_secs(seconds);
        let text = httpdate::fmt_http_date(time);
        prop_assert_eq!(parse_http_date(&text, SystemTime::UNIX_EPOCH), Some(time));
    }
}
