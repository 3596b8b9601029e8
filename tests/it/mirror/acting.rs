//! What an origin's answer would do in our name, on every way out of a mirror.

use super::mirror_of;
use crate::origin::{Origin, Reply};
use crate::reader::{Answer, get, send};
use crate::service::Service;

const ACTING: [(&str, &str); 16] = [
    ("x-accel-redirect", "/private/"),
    ("x-accel-buffering", "no"),
    ("x-sendfile", "/etc/passwd"),
    ("x-lighttpd-send-file", "/etc/passwd"),
    ("x-reproxy-url", "http://127.0.0.1/"),
    ("surrogate-control", "content=\"ESI/1.0\""),
    ("service-worker-allowed", "/"),
    ("clear-site-data", "\"*\""),
    ("nel", "{\"report_to\":\"a\",\"max_age\":9}"),
    ("report-to", "{\"group\":\"a\",\"max_age\":9}"),
    ("reporting-endpoints", "a=\"https://a.example/\""),
    ("origin-agent-cluster", "?1"),
    ("refresh", "0; url=https://a.example/"),
    ("accept-ch", "sec-ch-ua-model"),
    ("critical-ch", "sec-ch-ua-model"),
    ("public-key-pins", "max-age=9"),
];

#[track_caller]
fn check(answer: &Answer, is_document: bool, way: &str) {
    for (name, _) in ACTING {
        assert!(!answer.headers.contains_key(name), "{name}: {way}");
    }
    let policies: Vec<_> = answer
        .headers
        .get_all("content-security-policy")
        .iter()
        .collect();
    let expected: &[&str] = match is_document {
        true => &["img-src *", "sandbox"],
        false => &["img-src *"],
    };
    assert_eq!(policies, expected, "{way}");
    let is_named = answer.header("x-content-type-options") == "nosniff";
    assert_eq!(is_named, !is_document, "{way}");
}

fn fields<'a>(kind: &'a str, caching: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut fields = ACTING.to_vec();
    fields.extend([
        ("content-type", kind),
        ("cache-control", caching),
        ("content-security-policy", "img-src *"),
        ("etag", "\"1\""),
    ]);
    fields
}

#[tokio::test]
async fn nothing_acts_on_any_way_out() {
    for (kind, is_document) in [("text/html", true), ("image/png", false)] {
        let origin = Origin::start(move |head| {
            let caching = match head.contains("/kept") {
                true => "max-age=600",
                false => "no-store",
            };
            let fields = fields(kind, caching);
            match head.contains("if-none-match") {
                true => Reply::status(304, &fields, ""),
                false if head.contains("/away") => {
                    let away = [("location", "https://a.example/")];
                    Reply::status(302, &[&fields[..], &away].concat(), "body")
                }
                false if head.contains("/gone") => Reply::status(404, &fields, "body"),
                false if head.starts_with("HEAD") => Reply::head(200, &fields, Some("4")),
                false => Reply::status(200, &fields, "body"),
            }
        })
        .await;
        let service = mirror_of(&origin, "methods = [\"GET\", \"HEAD\", \"POST\"]").await;
        let tag = ("if-none-match", "\"1\"");
        for (request, field, status) in [
            ("GET /mirror/m/kept", ("a", "b"), 200),
            ("GET /mirror/m/kept", ("a", "b"), 200),
            ("GET /mirror/m/kept", tag, 304),
            ("HEAD /mirror/m/kept", ("a", "b"), 200),
            ("GET /mirror/m/kept", ("range", "bytes=1-2"), 206),
            ("GET /mirror/m/kept", ("range", "bytes=9-"), 416),
            ("GET /mirror/m/passed", ("a", "b"), 200),
            ("GET /mirror/m/passed", tag, 304),
            ("HEAD /mirror/m/passed", ("a", "b"), 200),
            ("POST /mirror/m/passed", ("content-length", "0"), 200),
            ("GET /mirror/m/away", ("a", "b"), 302),
            ("GET /mirror/m/gone", ("a", "b"), 404),
        ] {
            let answer = send(service.addr, request, &[field]).await;
            assert_eq!(answer.status, status, "{request}");
            check(&answer, is_document, request);
        }
        // Parts of a document are one as well; several of an image come in a type of their own.
        let several = ("range", "bytes=0-0,2-2");
        let answer = get(service.addr, "/mirror/m/kept", &[several]).await;
        assert_eq!(answer.status, 206);
        check(&answer, is_document, "several parts");
    }
}

#[tokio::test]
async fn what_was_stored_is_judged_when_it_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("[store]\npath = {:?}\n", folder.path().join("data"));
    let origin = Origin::start(|_| Reply::status(200, &fields("text/html", "max-age=600"), "x"));
    let origin = origin.await;
    let mirror = "[[mirror]]\nname = \"m\"\norigin = \"http://PUBLISHER/\"\nallow_private = [\"PUBLISHER\"]\n";
    for (keys, is_trusted) in [("trusted = true\n", true), ("", false)] {
        let toml = format!("{store}{mirror}{keys}");
        let service = Service::start(&toml, origin.address()).await;
        let answer = get(service.addr, "/mirror/m/a", &[]).await;
        assert_eq!(answer.text(), "x");
        let policies = answer.headers.get_all("content-security-policy").iter();
        assert_eq!(policies.count(), if is_trusted { 1 } else { 2 });
        assert!(!answer.headers.contains_key("x-accel-redirect"));
        let store = service.app.store.clone();
        service.drain().await;
        store.close().await;
    }
    assert_eq!(
        origin.seen().len(),
        1,
        "the second service had it from disk"
    );
}

#[tokio::test]
async fn trailers_and_interim_answers_stop_here() {
    let reply = Reply::default()
        .send("HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\nx-accel-redirect: /p\r\n\r\n")
        .send("HTTP/1.1 200 OK\r\ntrailer: x-accel-redirect\r\ntransfer-encoding: chunked\r\n")
        .send("content-type: text/html\r\n\r\n")
        .send("1\r\nx\r\n0\r\nx-accel-redirect: /private\r\nclear-site-data: \"*\"\r\n\r\n");
    let origin = Origin::start(move |_| reply.clone()).await;
    let service = mirror_of(&origin, "").await;
    // The reader of these tests knows no trailers: one would make the body broken.
    let answer = get(service.addr, "/mirror/m/a", &[("te", "trailers")]).await;
    assert_eq!((answer.status, answer.whole), (200, true));
    assert_eq!(answer.text(), "x");
    assert!(!answer.headers.contains_key("link") && !answer.headers.contains_key("trailer"));
}

#[tokio::test]
async fn service_workers_are_for_trusted_mirrors() {
    let script = [("content-type", "text/javascript")];
    let origin = Origin::start(move |_| Reply::status(200, &script, "1")).await;
    let asked = ("service-worker", "script");
    for (keys, status) in [("", 403), ("trusted = true", 200)] {
        let service = mirror_of(&origin, keys).await;
        let answer = get(service.addr, "/mirror/m/sw.js", &[asked]).await;
        assert_eq!(answer.status, status, "{keys}");
    }
    assert_eq!(origin.seen().len(), 1);
}
