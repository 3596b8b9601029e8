//! What is answered from what is kept: conditions, ranges, variants, freshness, stale copies.

use super::{counting, lines, mirror_of};
use crate::origin::{Origin, Reply, field};
use crate::reader::{get, send};

const FRESH: &[(&str, &str)] = &[
    ("cache-control", "max-age=60"),
    ("etag", "\"v1\""),
    ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
];

#[tokio::test]
async fn conditions_are_answered_from_what_is_kept() {
    let origin = counting(FRESH).await;
    let service = mirror_of(&origin, "").await;
    get(service.addr, "/mirror/m/a", &[]).await;
    for (condition, status) in [
        (("if-none-match", "\"v1\""), 304),
        (("if-none-match", "W/\"v1\""), 304),
        (("if-none-match", "\"v0\", \"v1\""), 304),
        (("if-none-match", "*"), 304),
        (("if-none-match", "\"v0\""), 200),
        (("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"), 304),
        (("if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT"), 200),
    ] {
        let answer = get(service.addr, "/mirror/m/a", &[condition]).await;
        assert_eq!(answer.status, status, "{condition:?}");
        assert_eq!(answer.header("etag"), "\"v1\"");
        assert_eq!(answer.headers.contains_key("content-length"), status == 200);
    }
    let head = send(service.addr, "HEAD /mirror/m/a", &[]).await;
    assert_eq!(
        (head.status, head.header("content-length"), head.body.len()),
        (200, "1", 0)
    );
    assert_eq!(origin.seen().len(), 1);
}

#[tokio::test]
async fn conditions_for_what_is_not_kept_are_the_origins() {
    let origin = Origin::script(vec![Reply::status(304, &[("etag", "\"x\"")], "")]).await;
    let service = mirror_of(&origin, "").await;
    let answer = get(service.addr, "/mirror/m/a", &[("if-none-match", "\"x\"")]).await;
    assert_eq!((answer.status, answer.header("etag")), (304, "\"x\""));
    assert_eq!(field(&origin.seen()[0], "if-none-match"), Some("\"x\""));
}

#[tokio::test]
async fn parts_of_a_whole_that_is_kept() {
    let reply = Reply::status(
        200,
        &[
            ("cache-control", "max-age=60"),
            ("etag", "\"v1\""),
            ("content-type", "text/x"),
        ],
        "0123456789",
    );
    let origin = Origin::start(move |_| reply.clone()).await;
    let service = mirror_of(&origin, "").await;
    get(service.addr, "/mirror/m/a", &[]).await;
    for (range, status, content_range, body) in [
        ("bytes=0-1", 206, "bytes 0-1/10", "01"),
        ("bytes=7-", 206, "bytes 7-9/10", "789"),
        ("bytes=-1", 206, "bytes 9-9/10", "9"),
        ("bytes=10-", 416, "bytes */10", ""),
        ("bytes=x", 200, "", "0123456789"),
    ] {
        let answer = get(service.addr, "/mirror/m/a", &[("range", range)]).await;
        let found = (answer.status, answer.header("content-range"), answer.text());
        assert_eq!(found, (status, content_range, body), "{range}");
        assert!(answer.whole);
    }
    let several = get(service.addr, "/mirror/m/a", &[("range", "bytes=0-1,8-9")]).await;
    let kind = several.header("content-type");
    let boundary = kind
        .strip_prefix("multipart/byteranges; boundary=")
        .unwrap();
    let expected = format!(
        "\r\n--{boundary}\r\ncontent-type: text/x\r\ncontent-range: bytes 0-1/10\r\n\r\n01\
         \r\n--{boundary}\r\ncontent-type: text/x\r\ncontent-range: bytes 8-9/10\r\n\r\n89\r\n--{boundary}--\r\n"
    );
    assert_eq!((several.status, several.text()), (206, expected.as_str()));
    for (condition, status) in [("\"v1\"", 206), ("\"v0\"", 200), ("W/\"v1\"", 200)] {
        let headers = [("range", "bytes=0-1"), ("if-range", condition)];
        assert_eq!(
            get(service.addr, "/mirror/m/a", &headers).await.status,
            status
        );
    }
    assert_eq!(origin.seen().len(), 1);
}

#[tokio::test]
async fn a_part_of_what_is_not_kept_is_passed_on_and_all_of_it_is_kept() {
    let origin = Origin::start(|head| match field(head, "range") {
        Some(_) => Reply::status(206, &[("content-range", "bytes 1-2/4")], "bc"),
        None => Reply::status(200, &[("cache-control", "max-age=60")], "abcd"),
    })
    .await;
    let service = mirror_of(&origin, "").await;
    for _ in 0..2 {
        let part = get(service.addr, "/mirror/m/a", &[("range", "bytes=1-2")]).await;
        assert_eq!((part.status, part.text()), (206, "bc"));
    }
    let all = get(service.addr, "/mirror/m/a", &[("range", "bytes=0-")]).await;
    assert_eq!((all.status, all.text()), (206, "abcd"));
    let part = get(service.addr, "/mirror/m/a", &[("range", "bytes=1-2")]).await;
    assert_eq!((part.status, part.text()), (206, "bc"));
    let ranges: Vec<_> = origin
        .seen()
        .iter()
        .map(|head| field(head, "range").is_some())
        .collect();
    assert_eq!(ranges, [true, true, false]);
}

#[tokio::test]
async fn variants_are_told_apart() {
    let origin = Origin::start(|head| {
        let language = field(head, "accept-language").unwrap_or("none");
        let headers = [
            ("cache-control", "max-age=60"),
            ("vary", "Accept-Language, Cookie"),
        ];
        Reply::status(200, &headers, language)
    })
    .await;
    let service = mirror_of(&origin, "").await;
    let ask = async |language: &str, cookie: &str| {
        let headers = [("accept-language", language), ("cookie", cookie)];
        get(service.addr, "/mirror/m/a", &headers)
            .await
            .text()
            .to_owned()
    };
    for _ in 0..2 {
        assert_eq!(ask("de", "a=1").await, "de");
        // Cookies are not passed: what the origin doesn't see makes no difference.
        assert_eq!(ask("de", "a=2").await, "de");
        assert_eq!(ask("en, fr;q=0.5", "a=1").await, "en, fr;q=0.5");
        assert_eq!(ask("fr; q=0.5,EN", "").await, "en, fr;q=0.5");
    }
    assert_eq!(origin.seen().len(), 2);
}

#[tokio::test]
async fn unsafe_methods_drop_what_they_outdate() {
    let origin = Origin::start(|head| match head {
        head if head.starts_with("POST") && head.contains("/fails") => {
            Reply::status(500, &[], "no")
        }
        head if head.starts_with("POST") => {
            Reply::status(201, &[("location", "/base/other")], "").close()
        }
        _ => Reply::status(200, &[("cache-control", "max-age=60")], "x"),
    })
    .await;
    let service = mirror_of(&origin, "methods = [\"GET\", \"POST\"]").await;
    let read = async |path: &str| {
        let answer = get(service.addr, &format!("/mirror/m/{path}"), &[]).await;
        answer.header("cache-status").contains("; hit")
    };
    for path in ["a", "other", "third", "fails"] {
        assert!(!read(path).await);
        assert!(read(path).await);
    }
    for path in ["a", "fails"] {
        let path = format!("POST /mirror/m/{path}");
        send(service.addr, &path, &[("content-length", "0")]).await;
    }
    assert!(!read("a").await, "the address itself");
    assert!(!read("other").await, "Location");
    assert!(
        read("third").await && read("fails").await,
        "what nobody changed"
    );
}

#[tokio::test]
async fn an_answer_that_was_outdated_on_its_way_is_not_kept() {
    let (release, released) = tokio::sync::watch::channel(false);
    let slow = Reply::head(200, &[("cache-control", "max-age=60")], Some("3"))
        .wait_for(released)
        .send("old");
    let origin = Origin::start(move |head| match head.starts_with("POST") {
        true => Reply::ok("done").close(),
        false => slow.clone(),
    })
    .await;
    let service = mirror_of(&origin, "methods = [\"GET\", \"POST\"]").await;
    let mut early = crate::reader::ask(service.addr, "GET /mirror/m/a", &[]).await;
    early.readable().await.unwrap();
    send(service.addr, "POST /mirror/m/a", &[("content-length", "0")]).await;
    release.send(true).unwrap();
    assert_eq!(crate::reader::read(&mut early).await.text(), "old");
    let late = get(service.addr, "/mirror/m/a", &[]).await;
    assert!(
        late.header("cache-status")
            .starts_with("Feedwright; fwd=uri-miss")
    );
    assert_eq!(origin.seen().len(), 3);
}

#[tokio::test]
async fn a_stale_response_is_validated_and_updated() {
    let replies = vec![
        Reply::status(
            200,
            &[
                ("cache-control", "max-age=0"),
                ("etag", "\"v1\""),
                ("x", "old"),
                ("y", "kept"),
            ],
            "body",
        ),
        Reply::status(
            304,
            &[
                ("cache-control", "max-age=60"),
                ("etag", "\"v1\""),
                ("x", "new"),
            ],
            "",
        ),
    ];
    let origin = Origin::script(replies).await;
    let service = mirror_of(&origin, "").await;
    get(service.addr, "/mirror/m/a", &[]).await;
    for _ in 0..2 {
        let answer = get(service.addr, "/mirror/m/a", &[]).await;
        assert_eq!((answer.status, answer.text()), (200, "body"));
        assert_eq!((answer.header("x"), answer.header("y")), ("new", "kept"));
    }
    assert_eq!(origin.seen().len(), 2);
    assert_eq!(field(&origin.seen()[1], "if-none-match"), Some("\"v1\""));
}

#[tokio::test]
async fn a_304_for_something_else_is_asked_again() {
    let replies = vec![
        Reply::status(
            200,
            &[("cache-control", "max-age=0"), ("etag", "\"v1\"")],
            "one",
        ),
        Reply::status(304, &[("etag", "\"v2\"")], ""),
        Reply::status(
            200,
            &[("cache-control", "max-age=60"), ("etag", "\"v2\"")],
            "two",
        ),
    ];
    let origin = Origin::script(replies).await;
    let service = mirror_of(&origin, "").await;
    get(service.addr, "/mirror/m/a", &[]).await;
    assert_eq!(get(service.addr, "/mirror/m/a", &[]).await.text(), "two");
    assert_eq!(field(&origin.seen()[2], "if-none-match"), None);
}

#[tokio::test]
async fn while_the_origin_fails_something_older_stands_in_if_it_may() {
    for (failure, detail) in [
        (Reply::default().close(), "detail=cut"),
        (Reply::status(503, &[], "busy"), "detail=status"),
        (
            Reply::head(200, &[], Some("9")).send("short").close(),
            "detail=cut",
        ),
    ] {
        for (directives, stands_in) in [
            ("max-age=0", true),
            ("max-age=0, stale-if-error=60", true),
            ("max-age=0, stale-if-error=0", false),
            ("max-age=0, must-revalidate", false),
            ("s-maxage=0", false),
            ("no-cache", false),
        ] {
            let good = Reply::status(200, &[("cache-control", directives)], "good");
            let origin = Origin::script(vec![good, failure.clone()]).await;
            let service = mirror_of(&origin, "").await;
            get(service.addr, "/mirror/m/a", &[]).await;
            let answer = get(service.addr, "/mirror/m/a", &[]).await;
            let is_good = answer.status == 200 && answer.body == b"good" && answer.whole;
            assert_eq!(is_good, stands_in, "{directives} {detail}: {answer:?}");
            if stands_in {
                let status = answer.header("cache-status");
                assert!(
                    status.starts_with("Feedwright; hit; ") && status.ends_with(detail),
                    "{status}"
                );
            }
        }
    }
}

#[tokio::test]
async fn stale_while_revalidate_serves_at_once_and_refreshes_behind() {
    let (release, released) = tokio::sync::watch::channel(false);
    let headers = [
        ("cache-control", "max-age=0, stale-while-revalidate=60"),
        ("etag", "\"v\""),
    ];
    let old = Reply::status(200, &headers, "old");
    let new = Reply::default()
        .wait_for(released)
        .send(b"HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 3\r\n\r\nnew");
    let origin = Origin::script(vec![old, new]).await;
    let service = mirror_of(&origin, "").await;
    get(service.addr, "/mirror/m/a", &[]).await;
    for _ in 0..3 {
        let answer = get(service.addr, "/mirror/m/a", &[]).await;
        assert_eq!(answer.text(), "old");
        assert!(
            answer
                .header("cache-status")
                .ends_with("detail=revalidating")
        );
    }
    while origin.seen().len() < 2 {
        tokio::task::yield_now().await;
    }
    release.send(true).unwrap();
    while get(service.addr, "/mirror/m/a", &[]).await.text() != "new" {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(origin.seen().len(), 2, "{:?}", lines(&origin));
}

#[tokio::test]
async fn readers_directives_count_where_the_mirror_says_so() {
    let origin = counting(FRESH).await;
    let service = mirror_of(&origin, "").await;
    let no_cache = [("cache-control", "no-cache")];
    for _ in 0..3 {
        assert_eq!(
            get(service.addr, "/mirror/m/a", &no_cache).await.text(),
            "1"
        );
    }
    let origin = counting(FRESH).await;
    let service = mirror_of(&origin, "honor_request_cache_control = true").await;
    let only = [("cache-control", "only-if-cached")];
    assert_eq!(get(service.addr, "/mirror/m/a", &only).await.status, 504);
    assert_eq!(get(service.addr, "/mirror/m/a", &[]).await.text(), "1");
    assert_eq!(get(service.addr, "/mirror/m/a", &only).await.text(), "1");
    assert_eq!(
        get(service.addr, "/mirror/m/a", &no_cache).await.text(),
        "2"
    );
    assert_eq!(get(service.addr, "/mirror/m/a", &[]).await.text(), "2");
}

#[tokio::test]
async fn fields_that_are_for_one_reader_reach_only_that_one() {
    let origin = Origin::start(|_| {
        let headers = [
            (
                "cache-control",
                "max-age=60, no-cache=\"set-cookie\", private=\"x-mine\"",
            ),
            ("set-cookie", "session=1"),
            ("x-mine", "1"),
        ];
        Reply::status(200, &headers, "x")
    })
    .await;
    let service = mirror_of(&origin, "cookies = true").await;
    let first = get(service.addr, "/mirror/m/a", &[]).await;
    assert_eq!(
        (first.header("set-cookie"), first.header("x-mine")),
        ("session=1", "1")
    );
    let second = get(service.addr, "/mirror/m/a", &[]).await;
    assert_eq!(
        (second.header("set-cookie"), second.header("x-mine")),
        ("", "")
    );
    assert_eq!(origin.seen().len(), 1);
}
