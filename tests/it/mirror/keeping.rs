//! What is kept and what is only passed through: sizes, restarts.

use super::mirror_of;
use crate::origin::{Origin, Reply};
use crate::reader::get;
use crate::service::Service;

#[tokio::test]
async fn what_is_too_large_is_passed_through_and_not_kept() {
    let body = "0123456789".repeat(30_000);
    let declared = Reply::status(200, &[("cache-control", "max-age=60")], &body);
    let mut chunked = Reply::default()
        .send("HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked\r\n\r\n");
    for piece in body.as_bytes().chunks(7_000) {
        chunked = chunked
            .send(format!("{:x}\r\n", piece.len()))
            .send(piece)
            .send("\r\n");
    }
    for reply in [declared, chunked.send("0\r\n\r\n")] {
        let origin = Origin::start(move |_| reply.clone()).await;
        let service = mirror_of(&origin, "object_bytes_max = \"100KiB\"").await;
        for _ in 0..2 {
            let answer = get(service.addr, "/mirror/m/a", &[]).await;
            assert!(answer.whole && answer.body == body.as_bytes());
        }
        assert_eq!(origin.seen().len(), 2);
    }
}

#[tokio::test]
async fn more_than_may_be_passed_through_breaks_off() {
    let body = "x".repeat(100_000);
    let reply = Reply::status(200, &[("cache-control", "no-store")], body);
    let origin = Origin::start(move |_| reply.clone()).await;
    let service = mirror_of(&origin, "body_bytes_max = \"50KB\"").await;
    let answer = get(service.addr, "/mirror/m/a", &[]).await;
    assert!(!answer.whole && answer.body.len() < 100_000);
}

#[tokio::test]
async fn what_broke_off_is_not_kept() {
    let cut = Reply::head(200, &[("cache-control", "max-age=60")], Some("10"))
        .send("half")
        .close();
    let good = Reply::status(200, &[("cache-control", "max-age=60")], "whole");
    let origin = Origin::script(vec![cut, good]).await;
    let service = mirror_of(&origin, "").await;
    assert!(!get(service.addr, "/mirror/m/a", &[]).await.whole);
    let again = get(service.addr, "/mirror/m/a", &[]).await;
    assert!(again.whole && again.text() == "whole");
}

#[tokio::test]
async fn what_is_kept_survives_a_restart() {
    let large = "0123456789".repeat(20_000);
    let body = large.clone();
    let origin = Origin::start(move |head| {
        let headers = [
            ("cache-control", "max-age=600"),
            ("vary", "accept-language"),
            ("etag", "\"v\""),
        ];
        match head.contains("/large") {
            true => Reply::status(200, &headers, &body),
            false => Reply::status(200, &headers, "small"),
        }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let toml = format!(
        "[store]\npath = {:?}\n[[mirror]]\nname = \"m\"\norigin = \"http://PUBLISHER/base/\"\nallow_private = [\"PUBLISHER\"]\n",
        folder.path()
    );
    for round in 0..3 {
        let service = Service::start(&toml, origin.address()).await;
        for (path, language, expected) in [
            ("/mirror/m/large", "de", large.as_str()),
            ("/mirror/m/large", "en", large.as_str()),
            ("/mirror/m/small", "de", "small"),
        ] {
            let answer = get(service.addr, path, &[("accept-language", language)]).await;
            assert!(answer.whole && answer.text() == expected);
            let is_hit = answer.header("cache-status").starts_with("Feedwright; hit");
            assert_eq!(is_hit, round > 0, "{round} {path} {language}");
        }
        let condition = [("if-none-match", "\"v\""), ("accept-language", "de")];
        assert_eq!(
            get(service.addr, "/mirror/m/small", &condition)
                .await
                .status,
            304
        );
        let store = service.app.store.clone();
        service.drain().await;
        store.close().await;
    }
    assert_eq!(origin.seen().len(), 3);
}
