//! What origins say wrong, and what a mirror makes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::mirror_of;
use crate::origin::{Origin, Reply, field};
use crate::reader::{get, send};

#[tokio::test]
async fn a_location_in_raw_utf_8_stays_in_the_mirror() {
    let reply = Reply::redirect(302, "/base/größe?q=ß");
    let origin = Origin::start(move |_| reply.clone()).await;
    let service = mirror_of(&origin, "").await;
    let answer = get(service.addr, "/mirror/m/a", &[]).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (
            302,
            "http://127.0.0.1:8080/mirror/m/gr%C3%B6%C3%9Fe?q=%C3%9F"
        )
    );
}

#[tokio::test]
async fn a_length_that_is_said_twice_is_one_length() {
    let fresh = ("cache-control", "max-age=60");
    let origin = Origin::start(move |head| match head.starts_with("HEAD") {
        true => Reply::head(200, &[], Some("4, 4")),
        false => Reply::head(200, &[fresh], Some("4, 4")).send("body"),
    })
    .await;
    let service = mirror_of(&origin, "").await;
    let head = send(service.addr, "HEAD /mirror/m/a", &[]).await;
    assert_eq!((head.status, head.header("content-length")), (200, "4"));
    for _ in 0..2 {
        let answer = get(service.addr, "/mirror/m/a", &[]).await;
        assert!(answer.whole);
        assert_eq!(
            (answer.text(), answer.header("content-length")),
            ("body", "4")
        );
    }
    assert_eq!(origin.seen().len(), 2);
}

#[tokio::test]
async fn head_asks_for_no_part() {
    let origin = Origin::start(|head| match field(head, "range") {
        Some(_) => Reply::head(206, &[("content-range", "bytes 0-1/10")], Some("2")),
        None => Reply::head(200, &[], Some("10")),
    })
    .await;
    let service = mirror_of(&origin, "").await;
    let range = [("range", "bytes=0-1"), ("if-range", "\"a\"")];
    let answer = send(service.addr, "HEAD /mirror/m/a", &range).await;
    assert_eq!(
        (answer.status, answer.header("content-length")),
        (200, "10")
    );
    assert_eq!(field(&origin.seen()[0], "if-range"), None);
}

#[tokio::test]
async fn what_is_no_content_coding_is_left_out() {
    for (said, expected) in [("UTF-8", ""), ("none", ""), ("aws-chunked,gzip", "gzip")] {
        let headers = [("content-encoding", said), ("cache-control", "max-age=60")];
        let reply = Reply::status(200, &headers, "body");
        let origin = Origin::start(move |_| reply.clone()).await;
        let service = mirror_of(&origin, "").await;
        for _ in 0..2 {
            let answer = get(service.addr, "/mirror/m/a", &[]).await;
            assert_eq!((answer.status, answer.text()), (200, "body"));
            assert_eq!(answer.header("content-encoding"), expected, "{said}");
        }
    }
}

#[tokio::test]
async fn a_404_that_was_kept_is_not_confirmed_by_a_304() {
    let validators = [("etag", "\"gone\""), ("cache-control", "no-cache")];
    let gone = Reply::status(404, &validators, "not there");
    // What is there by now is older than the 404: a server that looks at conditions first says 304.
    let there = [("etag", "\"there\""), ("cache-control", "no-cache")];
    let is_there = Arc::new(AtomicBool::new(false));
    let comes = Arc::clone(&is_there);
    let origin = Origin::start(move |head| {
        let is_conditional = field(head, "if-none-match").is_some();
        match (comes.load(Ordering::Relaxed), is_conditional) {
            (false, _) => gone.clone(),
            (true, true) => Reply::status(304, &there, ""),
            (true, false) => Reply::status(200, &there, "there"),
        }
    })
    .await;
    let service = mirror_of(&origin, "").await;
    for _ in 0..2 {
        let answer = get(service.addr, "/mirror/m/a", &[]).await;
        assert_eq!((answer.status, answer.text()), (404, "not there"));
    }
    is_there.store(true, Ordering::Relaxed);
    // What is confirmed is what came with 200.
    for _ in 0..3 {
        let answer = get(service.addr, "/mirror/m/a", &[]).await;
        assert_eq!((answer.status, answer.text()), (200, "there"));
    }
    let seen = origin.seen();
    let asked: Vec<_> = seen
        .iter()
        .map(|head| field(head, "if-none-match"))
        .collect();
    let there = Some("\"there\"");
    assert_eq!(asked, [None, None, None, there, there]);
}
