//! weserv's nginx tests, and how images are handed over.

use image::ImageFormat;

use super::{ask, image, look, open, refused};
use crate::origin::{Origin, Reply, field};
use crate::reader::get;

/// An origin whose paths say what they answer.
async fn origin() -> Origin {
    let gif = image(9, 7, ImageFormat::Gif);
    Origin::start(move |head| {
        let path = head.split(' ').nth(1).unwrap().to_owned();
        let redirect = |to: &str| Reply::redirect(302, to);
        match path.as_str() {
            "/self" => redirect("/self"),
            "/a" => redirect("/b"),
            "/b" => redirect("/a"),
            "/418" => Reply::status(418, &[], "<script>teapot</script>"),
            "/x/y/relative" => redirect("./../../418"),
            "/spaced" => redirect(" /418"),
            "/moved" => Reply::redirect(301, "/gif"),
            "/206" => Reply::status(206, &[("content-range", "bytes 0-3/4")], "GIF8"),
            "/html" => Reply::status(
                200,
                &[("content-type", "image/png")],
                "<!DOCTYPE html><script>alert(1)</script>",
            ),
            "/cut" => Reply::head(200, &[], Some("9999")).send(b"GIF89a").close(),
            "/chunked" => Reply::head(200, &[("transfer-encoding", "chunked")], None)
                .send(format!("{:x}\r\n", gif.len()))
                .send(&gif)
                .send("\r\n0\r\n\r\n"),
            "/slow" => Reply::default().hang(),
            _ => Reply::ok(&gif),
        }
    })
    .await
}

#[tokio::test]
async fn failures_are_told_as_weserv_tells_them() {
    let origin = origin().await;
    let service = open(&origin, "fetch_timeout = \"1s\"").await;
    for (path, code, message) in [
        ("/self", 404, "Will not follow a redirection to itself"),
        ("/a", 404, "Will not follow more than 10 redirects"),
        ("/418", 404, "The requested URL returned error: 418"),
        (
            "/x/y/relative",
            404,
            "The requested URL returned error: 418",
        ),
        ("/spaced", 404, "The requested URL returned error: 418"),
        ("/206", 404, "The requested URL returned error: 206"),
        (
            "/html",
            404,
            "Invalid or unsupported image format. Is it a valid image?",
        ),
        ("/slow", 404, "The requested URL timed out."),
        ("/cut", 404, ""),
    ] {
        let answer = ask(&service, &origin, path, "&w=5").await;
        refused(&answer, code, message);
        assert!(
            !answer.text().contains("script"),
            "{path}: what upstream sent"
        );
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    for (query, code, message) in [
        ("url=http:\\\\foobar", 400, "Unable to parse URI"),
        ("url=", 400, "Unable to parse URI"),
        ("w=5", 400, "url is missing"),
        (
            "url=http://10.0.0.1/a.png",
            400,
            "IP address blocked by policy",
        ),
        (
            "url=http://[::1]/a.png",
            400,
            "IP address blocked by policy",
        ),
        (
            "url=http://2130706433/a.png",
            400,
            "IP address blocked by policy",
        ),
        (
            "url=http://%E2%99%A5.localhost/",
            404,
            "unresolvable (DNS) or blocked by policy",
        ),
        ("url=unix:/var/run/x", 404, "blocked by policy"),
    ] {
        let answer = get(service.addr, &format!("/image?{query}"), &[]).await;
        refused(&answer, code, message);
    }
    let large = open(&origin, "body_bytes_max = \"1KiB\"").await;
    let huge = Origin::start(|_| Reply::ok(vec![b'x'; 2000])).await;
    let service = open(&huge, "body_bytes_max = \"1KiB\"").await;
    let answer = ask(&service, &huge, "/x", "").await;
    refused(
        &answer,
        404,
        "The image is too large to be downloaded. Max image size: 1024 bytes",
    );
    drop(large);
    let answer = crate::reader::send(service.addr, "POST /image?url=x", &[]).await;
    assert_eq!(answer.status, 405);
}

#[tokio::test]
async fn statuses_may_say_more_than_weserv() {
    let origin = Origin::start(|head| match head.split(' ').nth(1).unwrap() {
        "/410" => Reply::status(410, &[], ""),
        "/500" => Reply::status(500, &[], ""),
        "/html" => Reply::ok("<html>"),
        _ => Reply::default().hang(),
    })
    .await;
    let service = open(&origin, "weserv_statuses = false\nfetch_timeout = \"1s\"").await;
    for (path, code) in [("/410", 410), ("/500", 502), ("/html", 415), ("/slow", 504)] {
        assert_eq!(
            ask(&service, &origin, path, "").await.status,
            code,
            "{path}"
        );
    }
    let answer = get(service.addr, "/image?url=http://10.0.0.1/", &[]).await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn instead_of_an_error_clients_are_sent_on() {
    let origin = origin().await;
    let service = open(&origin, "").await;
    let bad = get(
        service.addr,
        "/image?url=http:\\\\foobar&default=https://example.org",
        &[],
    )
    .await;
    assert_eq!(
        (bad.status, bad.header("location")),
        (302, "https://example.org/")
    );
    assert!(bad.text().contains("\"code\":400"), "{}", bad.text());
    let own = ask(&service, &origin, "/418", "&default=1").await;
    assert_eq!(
        (own.status, own.header("location")),
        (302, origin.url("/418").as_str())
    );
    assert_eq!(
        ask(&service, &origin, "/self", "&default=1").await.status,
        404
    );
    let older = ask(
        &service,
        &origin,
        "/418",
        "&errorredirect=example.org%2Fa%26b",
    )
    .await;
    assert_eq!(older.header("location"), "http://example.org/a&b");
    // A closed service sends nobody anywhere that nobody signed.
    let closed = super::closed(&origin, "").await;
    let answer = ask(&closed, &origin, "/418", "&default=https://evil.example").await;
    assert_eq!((answer.status, answer.header("location")), (403, ""));
}

#[tokio::test]
async fn images_are_handed_over_as_asked() {
    let origin = origin().await;
    let service = open(&origin, "").await;
    for (options, max_age, name) in [
        ("", 31_536_000, "inline; filename=image.gif"),
        (
            "&maxage=1w&filename=test",
            604_800,
            "inline; filename=test.gif",
        ),
        (
            "&maxage=1h&filename=../test",
            31_536_000,
            "inline; filename=image.gif",
        ),
        ("&maxage=2y&w=5", 31_536_000, "inline; filename=image.gif"),
        (
            "&w=5&output=jpg&filename=a",
            31_536_000,
            "inline; filename=a.jpg",
        ),
    ] {
        let answer = ask(&service, &origin, "/gif", options).await;
        assert_eq!(answer.status, 200, "{options}");
        assert_eq!(
            answer.header("cache-control"),
            format!("public, max-age={max_age}"),
            "{options}"
        );
        assert_eq!(answer.header("content-disposition"), name, "{options}");
        assert!(!answer.header("expires").is_empty());
    }
    let text = ask(&service, &origin, "/gif", "&encoding=base64&w=5").await;
    assert_eq!(
        (
            text.header("content-type"),
            text.header("content-disposition")
        ),
        ("text/plain", "")
    );
    assert!(
        text.text().starts_with("data:image/gif;base64,R0lGOD"),
        "{}",
        text.text()
    );
    let text = ask(&service, &origin, "/gif", "&encoding=BASE64").await;
    assert!(text.text().starts_with("data:image/gif;base64,"));
    let moved = ask(&service, &origin, "/moved", "&w=5").await;
    assert_eq!(
        moved.header("link"),
        format!("<{}>; rel=\"canonical\"", origin.url("/gif"))
    );
    assert_eq!(
        look(&ask(&service, &origin, "/chunked", "&w=5").await),
        (5, 4, ImageFormat::Gif)
    );
}

#[tokio::test]
async fn requests_tell_upstream_little() {
    let origin = origin().await;
    let service = open(&origin, "").await;
    let path = format!("/image?url={}/moved", origin.address());
    let headers = [
        ("cookie", "secret=1"),
        ("authorization", "Basic x"),
        ("x-forwarded-for", "203.0.113.9"),
        ("referer", "https://reader.example/private"),
        ("accept-language", "tlh"),
        ("user-agent", "Reader/1"),
    ];
    assert_eq!(get(service.addr, &path, &headers).await.status, 200);
    let seen = origin.seen();
    assert_eq!(seen.len(), 2, "{seen:?}");
    for head in &seen {
        for (name, value) in headers {
            assert!(!head.contains(value), "{name}: {head}");
        }
        assert!(
            field(head, "user-agent")
                .unwrap()
                .starts_with("Feedwright/"),
            "{head}"
        );
        assert!(
            field(head, "accept").unwrap().starts_with("image/"),
            "{head}"
        );
        assert!(
            field(head, "via").unwrap().starts_with("1.1 feedwright-"),
            "{head}"
        );
    }
    assert_eq!(field(&seen[0], "referer"), None);
    assert_eq!(
        field(&seen[1], "referer"),
        Some(origin.url("/moved").as_str())
    );
}

#[tokio::test]
async fn addresses_reach_upstream_as_they_are_meant() {
    let origin = origin().await;
    let service = open(&origin, "").await;
    for (asked, expected) in [
        ("/r/!*'();:@=+$,[]-_.~", "/r/!*'();:@=+$,[]-_.~"),
        (
            "/%22%3C%3E%5C%5E%60%7B%7C%7D",
            "/%22%3C%3E%5C%5E%60%7B%7C%7D",
        ),
        ("/%252D%252E", "/%2D%2E"),
        ("/q%3Fa=1%26b=2", "/q?a=1&b=2"),
        ("/q?a=1", "/q?a=1"),
    ] {
        let path = format!("/image?url={}{asked}", origin.address());
        assert_eq!(get(service.addr, &path, &[]).await.status, 200, "{asked}");
        let seen = origin.seen();
        let line = seen.last().unwrap().lines().next().unwrap().to_owned();
        assert_eq!(line, format!("GET {expected} HTTP/1.1"));
    }
}
