//! Requests that no reader should send: each gets one answer or none, and what follows on the
//! connection is never taken for something else.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::origin::{Origin, Reply};
use crate::reader::get;
use crate::service::{Service, feed_of};

/// The statuses that come back on one connection until it ends, or falls silent.
async fn statuses(service: &Service, request: &[u8]) -> Vec<u16> {
    let mut stream = TcpStream::connect(service.addr).await.unwrap();
    // It may hang up before all is written.
    stream.write_all(request).await.ok();
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(5), reading)
        .await
        .ok();
    let text = String::from_utf8_lossy(&answer).into_owned();
    let lines = text.split("HTTP/1.1 ").skip(1);
    lines.map(|rest| rest[..3].parse().unwrap()).collect()
}

#[tokio::test]
async fn k4_requests_that_are_wrong_or_strange() {
    let publisher = Origin::start(|_| Reply::ok(feed_of(3, 100))).await;
    let service = Service::with_feed("", publisher.address()).await;
    let get_it = "GET /feeds/news HTTP/1.1\r\nhost: x\r\n";
    let end = "connection: close\r\n\r\n";
    let long = "a".repeat(64 << 10);
    let tags: Vec<String> = (0..10_000).map(|n| format!("\"{n}\"")).collect();
    let (few, many) = (tags[..5_000].join(","), tags.join(","));
    // Statuses in the order of the answers; 0 stands for none, the connection being closed.
    for (what, request, expected) in [
        (
            "64 KB of path",
            format!("GET /{long} HTTP/1.1\r\nhost: x\r\n{end}"),
            &[&[400_u16, 404, 414, 431, 0][..]][..],
        ),
        (
            "bad percent",
            format!("GET /feeds/%zz HTTP/1.1\r\nhost: x\r\n{end}"),
            &[&[404]],
        ),
        (
            "a NUL",
            format!("GET /feeds/%00 HTTP/1.1\r\nhost: x\r\n{end}"),
            &[&[404]],
        ),
        (
            "upwards",
            format!("GET /feeds/../../etc/passwd HTTP/1.1\r\nhost: x\r\n{end}"),
            &[&[404]],
        ),
        (
            "a space",
            format!("GET /feeds/a b HTTP/1.1\r\nhost: x\r\n{end}"),
            &[&[400]],
        ),
        (
            "a whole address",
            format!("GET http://other.example/feeds/news HTTP/1.1\r\nhost: x\r\n{end}"),
            &[&[200]],
        ),
        (
            "CONNECT",
            format!("CONNECT example.org:443 HTTP/1.1\r\nhost: x\r\n{end}"),
            &[&[400, 404, 405]],
        ),
        (
            "TRACE",
            format!("TRACE / HTTP/1.1\r\nhost: x\r\n{end}"),
            &[&[405]],
        ),
        (
            "POST",
            format!("POST /feeds/news HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n{end}abc"),
            &[&[405]],
        ),
        (
            "an upgrade to h2c",
            format!(
                "{get_it}upgrade: h2c\r\nhttp2-settings: AAMAAABk\r\nconnection: upgrade, http2-settings, close\r\n\r\n"
            ),
            &[&[200]],
        ),
        (
            "no host",
            format!("GET /feeds/news HTTP/1.1\r\n{end}"),
            &[&[400]],
        ),
        ("two hosts", format!("{get_it}host: y\r\n{end}"), &[&[400]]),
        (
            "two lengths",
            format!("{get_it}content-length: 3\r\ncontent-length: 4\r\n{end}abcd"),
            &[&[400, 0]],
        ),
        (
            "a length and chunks",
            format!(
                "{get_it}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /no HTTP/1.1\r\nhost: x\r\n{end}"
            ),
            &[&[400, 200], &[404, 0]],
        ),
        (
            "another coding",
            format!("{get_it}transfer-encoding: gzip\r\n{end}"),
            &[&[400, 501, 0]],
        ),
        (
            "a folded line",
            format!("{get_it}x: a\r\n b\r\n{end}"),
            &[&[400]],
        ),
        (
            "a space before the colon",
            format!("{get_it}x : a\r\n{end}"),
            &[&[400]],
        ),
        (
            "Range",
            format!("{get_it}range: bytes=\r\n{end}"),
            &[&[200]],
        ),
        (
            "more of Range",
            format!("{get_it}range: bytes=9-1,-,a-b,99999999999999999999-\r\n{end}"),
            &[&[200]],
        ),
        (
            "5,000 tags",
            format!("{get_it}if-none-match: {few}\r\n{end}"),
            &[&[200]],
        ),
        (
            "10,000 tags",
            format!("{get_it}if-none-match: {many}\r\n{end}"),
            &[&[200, 431, 400, 0]],
        ),
        (
            "a date of nonsense",
            format!("{get_it}if-modified-since: the day after\r\n{end}"),
            &[&[200]],
        ),
        (
            "a body",
            format!("{get_it}content-length: 5\r\n\r\nGET /GET /no HTTP/1.1\r\nhost: x\r\n{end}"),
            &[&[200], &[404]],
        ),
        (
            "a body that is announced",
            format!("{get_it}expect: 100-continue\r\ncontent-length: 2\r\n{end}hi"),
            &[&[100, 200], &[200, 0]],
        ),
        (
            "three at once",
            format!(
                "{get_it}\r\nGET /no HTTP/1.1\r\nhost: x\r\n\r\nHEAD /feeds/news HTTP/1.1\r\nhost: x\r\n{end}"
            ),
            &[&[200], &[404], &[200]],
        ),
    ] {
        let statuses = statuses(&service, request.as_bytes()).await;
        assert!(statuses.len() <= expected.len(), "{what}: {statuses:?}");
        for (n, allowed) in expected.iter().enumerate() {
            let status = statuses.get(n).copied().unwrap_or(0);
            assert!(allowed.contains(&status), "{what}: {statuses:?}");
        }
        let after = get(service.addr, "/feeds/news", &[]).await;
        assert_eq!((after.status, after.whole), (200, true), "{what}");
    }
    assert_eq!(publisher.seen().len(), 1, "none of it got to the publisher");
}
