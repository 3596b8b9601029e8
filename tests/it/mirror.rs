//! Mirrors: an origin under a prefix, byte for byte, and never anything else than that origin.

mod abandoned;
mod acting;
mod caching;
mod herd;
mod keeping;
mod mending;
mod queries;

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::origin::{Origin, Reply, field};
use crate::reader::{get, send};
use crate::service::Service;

/// A service with one mirror called `m` of the scripted origin, whose folder is `/base/`.
pub(crate) async fn mirror_of(origin: &Origin, keys: &str) -> Service {
    let toml = format!(
        "[[mirror]]\nname = \"m\"\norigin = \"http://PUBLISHER/base/\"\nallow_private = [\"PUBLISHER\"]\n{keys}\n"
    );
    Service::start(&toml, origin.address()).await
}

/// The request lines that an origin saw.
pub(crate) fn lines(origin: &Origin) -> Vec<String> {
    let line = |head: &String| head.lines().next().unwrap_or_default().to_owned();
    origin.seen().iter().map(line).collect()
}

#[tokio::test]
async fn what_comes_is_what_the_origin_sent() {
    let body: Vec<u8> = (0..70_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    let headers = [
        ("content-type", "application/x-anything; v=\"1\""),
        ("content-encoding", "gzip"),
        ("etag", "\"abc-1\""),
        ("cache-control", "max-age=60"),
        ("x-custom", "kept"),
        ("connection", "x-hop"),
        ("x-hop", "gone"),
        ("keep-alive", "timeout=5"),
        ("set-cookie", "a=b"),
        ("strict-transport-security", "max-age=9"),
        ("alt-svc", "h3=\":443\""),
    ];
    let reply = Reply::status(200, &headers, &body);
    let origin = Origin::start(move |_| reply.clone()).await;
    let service = mirror_of(&origin, "").await;
    for round in ["first", "second"] {
        let answer = get(
            service.addr,
            "/mirror/m/a.bin",
            &[("accept-encoding", "gzip")],
        )
        .await;
        assert!(answer.whole && answer.body == body, "{round}");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), headers[0].1);
        assert_eq!(answer.header("content-encoding"), "gzip");
        assert_eq!(answer.header("etag"), "\"abc-1\"");
        assert_eq!(answer.header("x-custom"), "kept");
        for gone in [
            "x-hop",
            "keep-alive",
            "set-cookie",
            "strict-transport-security",
            "alt-svc",
        ] {
            assert!(!answer.headers.contains_key(gone), "{gone}");
        }
        let (has_age, status) = (
            answer.headers.contains_key("age"),
            answer.header("cache-status"),
        );
        match round {
            "first" => {
                assert!(!has_age && status.starts_with("Feedwright; fwd=uri-miss; stored; ttl="))
            }
            _ => assert!(
                has_age && status.starts_with("Feedwright; hit; ttl="),
                "{status}"
            ),
        }
    }
    assert_eq!(lines(&origin), ["GET /base/a.bin HTTP/1.1"]);
    let seen = origin.seen().remove(0);
    assert_eq!(field(&seen, "accept-encoding"), Some("gzip"));
    assert!(field(&seen, "via").unwrap().starts_with("1.1 feedwright-"));
    assert!(
        field(&seen, "user-agent")
            .unwrap()
            .starts_with("Feedwright/")
    );
}

#[tokio::test]
async fn a_path_stays_a_path_of_the_origin() {
    let elsewhere = Origin::start(|_| Reply::ok("elsewhere")).await;
    let origin = Origin::start(|_| Reply::ok("here")).await;
    let service = mirror_of(&origin, "").await;
    let other = elsewhere.address();
    let cases = [
        ("/mirror/m/".to_owned(), Some("/base/".to_owned())),
        (
            "/mirror/m/a?x=1&y=%20".into(),
            Some("/base/a?x=1&y=%20".into()),
        ),
        ("/mirror/m/../../secret".into(), Some("/base/secret".into())),
        (
            "/mirror/m/%2e%2e/%2E./secret".into(),
            Some("/base/secret".into()),
        ),
        ("/mirror/m/%2e%2e%2fsecret".into(), None),
        ("/mirror/m/..%5csecret".into(), None),
        (
            format!("/mirror/m//{other}/x"),
            Some(format!("/base//{other}/x")),
        ),
        (
            format!("/mirror/m/@{other}/x"),
            Some(format!("/base/@{other}/x")),
        ),
        (
            format!("/mirror/m/http://{other}/x"),
            Some(format!("/base/http://{other}/x")),
        ),
        (
            format!("/mirror/m/?url=http://{other}/"),
            Some(format!("/base/?url=http://{other}/")),
        ),
        (format!("http://{other}/mirror/m/x"), Some("/base/x".into())),
        (format!("http://{other}/x"), None),
        (format!("/mirror/{other}/x"), None),
    ];
    let mut expected = Vec::new();
    for (path, target) in cases {
        let answer = get(service.addr, &path, &[]).await;
        match target {
            Some(target) => {
                assert_eq!((answer.status, answer.text()), (200, "here"), "{path}");
                expected.push(format!("GET {target} HTTP/1.1"));
            }
            None => assert!(
                matches!(answer.status, 400 | 404),
                "{path}: {}",
                answer.status
            ),
        }
    }
    assert_eq!(lines(&origin), expected);
    assert_eq!(elsewhere.accepts(), 0, "another host was reached");
}

#[tokio::test]
async fn an_address_that_the_policy_refuses_is_not_reached() {
    let origin = Origin::start(|_| Reply::ok("inside")).await;
    let toml = "[[mirror]]\nname = \"m\"\norigin = \"http://PUBLISHER/\"\n";
    let service = Service::start(toml, origin.address()).await;
    let answer = get(service.addr, "/mirror/m/x", &[]).await;
    assert_eq!(answer.status, 502);
    assert!(answer.header("cache-status").ends_with("detail=refused"));
    assert_eq!(origin.settled_accepts().await, 0);
}

#[tokio::test]
async fn redirects_are_passed_on_and_stay_in_the_mirror_where_they_can() {
    let origin = Origin::start(|head| {
        let to = match head {
            h if h.contains("/inside") => "/base/new?x#y",
            h if h.contains("/relative") => "new",
            h if h.contains("/outside") => "/other",
            _ => "https://elsewhere.example/",
        };
        Reply::redirect(302, to)
    })
    .await;
    let service = mirror_of(&origin, "").await;
    let home = &service.app.settings.server.public_url;
    let outside = origin.url("/other");
    for (path, expected) in [
        ("/mirror/m/inside", format!("{home}/mirror/m/new?x#y")),
        ("/mirror/m/dir/relative", format!("{home}/mirror/m/dir/new")),
        ("/mirror/m/outside", outside),
        ("/mirror/m/elsewhere", "https://elsewhere.example/".into()),
    ] {
        let answer = get(service.addr, path, &[]).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (302, expected.as_str())
        );
    }
    assert_eq!(origin.seen().len(), 4, "a redirect was followed");
    let answer = get(service.addr, "/mirror/m", &[]).await;
    assert_eq!((answer.status, answer.header("location")), (308, "m/"));
    assert_eq!(get(service.addr, "/mirror/nobody/x", &[]).await.status, 404);
}

#[tokio::test]
async fn a_request_that_comes_back_is_refused() {
    let origin = Origin::start(|_| Reply::ok("here")).await;
    let service = mirror_of(&origin, "").await;
    get(service.addr, "/mirror/m/a", &[("via", "1.0 front")]).await;
    let seen = origin.seen().remove(0);
    let names: Vec<&str> = seen
        .lines()
        .filter(|line| line.starts_with("via: "))
        .collect();
    assert_eq!(names.len(), 2, "{seen}");
    let ours = names[1].trim_start_matches("via: ");
    let again = get(service.addr, "/mirror/m/b", &[("via", ours)]).await;
    assert_eq!(again.status, 508);
    assert_eq!(origin.seen().len(), 1);
}

#[tokio::test]
async fn methods_and_bodies_go_where_the_mirror_says() {
    let origin = Origin::start(|_| Reply::ok("done").close()).await;
    let service = mirror_of(&origin, "").await;
    let refused = send(service.addr, "POST /mirror/m/a", &[("content-length", "0")]).await;
    assert_eq!(
        (refused.status, refused.header("allow")),
        (405, "GET, HEAD")
    );
    assert_eq!(origin.accepts(), 0);

    let keys = "methods = [\"GET\", \"PUT\"]\nrequest_bytes_max = \"1KiB\"";
    let service = mirror_of(&origin, keys).await;
    let large = [("content-length", "1025")];
    assert_eq!(
        send(service.addr, "PUT /mirror/m/a", &large).await.status,
        413
    );
    let headers = [("content-length", "0"), ("content-type", "text/x")];
    let put = send(service.addr, "PUT /mirror/m/a", &headers).await;
    assert_eq!((put.status, put.text()), (200, "done"));
    assert_eq!(put.header("cache-status"), "Feedwright; fwd=method");
    assert_eq!(lines(&origin), ["PUT /base/a HTTP/1.1"]);
}

#[tokio::test]
async fn a_body_is_streamed_to_the_origin_and_cut_at_its_limit() {
    use tokio::io::AsyncWriteExt;
    let origin = Origin::start(|_| Reply::default().hang()).await;
    let keys = "methods = [\"PUT\"]\nrequest_bytes_max = \"1KiB\"";
    let service = mirror_of(&origin, keys).await;
    let mut stream = crate::reader::ask(
        service.addr,
        "PUT /mirror/m/a",
        &[("transfer-encoding", "chunked")],
    )
    .await;
    stream.write_all(b"5\r\nhello\r\n").await.unwrap();
    // The head is there before the body is whole.
    while origin.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    let chunk = format!("800\r\n{}\r\n0\r\n\r\n", "x".repeat(0x800));
    stream.write_all(chunk.as_bytes()).await.unwrap();
    assert_eq!(crate::reader::read(&mut stream).await.status, 413);
}

/// An origin that answers with how many requests it has seen.
pub(crate) async fn counting(headers: &'static [(&'static str, &'static str)]) -> Origin {
    let count = AtomicUsize::new(0);
    Origin::start(move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        Reply::status(200, headers, number.to_string())
    })
    .await
}
