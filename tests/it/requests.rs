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

/// What is sent, and the statuses that may come back, in their order; 0 stands for none, the connection
/// being closed.
type Case = (&'static str, String, &'static [&'static [u16]]);

const GET: &str = "GET /feeds/news HTTP/1.1\r\nhost: x\r\n";
const END: &str = "connection: close\r\n\r\n";

/// A request with this first line.
fn line(line: &str) -> String {
    format!("{line} HTTP/1.1\r\nhost: x\r\n{END}")
}

/// A request for the feed with these header fields.
fn with(fields: &str) -> String {
    format!("{GET}{fields}\r\n{END}")
}

fn targets() -> Vec<Case> {
    let long = "a".repeat(64 << 10);
    vec![
        (
            "64 KB of path",
            line(&format!("GET /{long}")),
            &[&[404, 414, 431, 0]],
        ),
        ("bad percent", line("GET /feeds/%zz"), &[&[404]]),
        ("a NUL", line("GET /feeds/%00"), &[&[404]]),
        ("upwards", line("GET /feeds/../../etc/passwd"), &[&[404]]),
        ("a space", line("GET /feeds/a b"), &[&[400]]),
        (
            "a whole address",
            line("GET http://other.example/feeds/news"),
            &[&[200]],
        ),
        (
            "CONNECT",
            line("CONNECT example.org:443"),
            &[&[400, 404, 405]],
        ),
        ("TRACE", line("TRACE /"), &[&[405]]),
        (
            "no host",
            format!("GET /feeds/news HTTP/1.1\r\n{END}"),
            &[&[400]],
        ),
        ("two hosts", with("host: y"), &[&[400]]),
    ]
}

fn fields() -> Vec<Case> {
    let tags: Vec<String> = (0..10_000).map(|n| format!("\"{n}\"")).collect();
    let (few, many) = (tags[..2_000].join(","), tags.join(","));
    let ranges = "range: bytes=9-1,-,a-b,99999999999999999999-";
    let upgrade = "upgrade: h2c\r\nhttp2-settings: AAMAAABk\r\nconnection: upgrade, http2-settings";
    vec![
        ("an upgrade to h2c", with(upgrade), &[&[200]]),
        ("a folded line", with("x: a\r\n b"), &[&[400]]),
        ("a space before the colon", with("x : a"), &[&[400]]),
        ("Range", with("range: bytes="), &[&[200]]),
        ("more of Range", with(ranges), &[&[200]]),
        (
            "2,000 tags",
            with(&format!("if-none-match: {few}")),
            &[&[200]],
        ),
        (
            "10,000 tags",
            with(&format!("if-none-match: {many}")),
            &[&[431, 0]],
        ),
        (
            "nonsense for a date",
            with("if-modified-since: the day after"),
            &[&[200]],
        ),
        (
            "another coding",
            with("transfer-encoding: gzip"),
            &[&[400, 501, 0]],
        ),
    ]
}

fn bodies() -> Vec<Case> {
    let next = line("GET /no");
    let lengths = format!("{GET}content-length: 3\r\ncontent-length: 4\r\n{END}abcd");
    let both =
        format!("{GET}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{next}");
    let body = format!("{GET}content-length: 5\r\n\r\nGET /{next}");
    let announced = format!("{GET}expect: 100-continue\r\ncontent-length: 2\r\n{END}hi");
    let three = format!(
        "{GET}\r\nGET /no HTTP/1.1\r\nhost: x\r\n\r\n{}",
        line("HEAD /feeds/news")
    );
    let post = "POST /feeds/news HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n";
    vec![
        ("POST", format!("{post}{END}abc"), &[&[405]]),
        ("two lengths", lengths, &[&[400, 0]]),
        ("a length and chunks", both, &[&[200, 400]]),
        ("a body that looks like a request", body, &[&[200], &[404]]),
        (
            "a body that is announced",
            announced,
            &[&[100, 200], &[200, 0]],
        ),
        ("three at once", three, &[&[200], &[404], &[200]]),
    ]
}

const REFUSED: &[&[u16]] = &[&[400]];
const REFUSED_OR_CLOSED: &[&[u16]] = &[&[400, 0]];
const ANSWERED: &[&[u16]] = &[&[200], &[404]];

/// Codings of a body that a proxy in front may understand otherwise, with a request where it may
/// see none: one refusal each, and nothing behind it is a request.
fn codings() -> Vec<Case> {
    let next = line("GET /no");
    [
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: chunked;q=1",
        "Transfer-Encoding: ,chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding:\x0bchunked",
        "Transfer-Encoding:",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\ntransfer-ENCODING: identity",
        "Content-Length: 5\r\nTransfer-Encoding: gzip, chunked",
    ]
    .into_iter()
    .map(|fields| {
        let request = format!("{GET}{fields}\r\n\r\n0\r\n\r\n{next}");
        (fields, request, REFUSED)
    })
    .chain([
        (
            "odd case and white space",
            format!("{GET}tRANSFER-encoding:\t CHUNKED \r\n\r\n0\r\n\r\n{next}"),
            ANSWERED,
        ),
        (
            "HTTP/1.0 has no chunks",
            format!("GET /no HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{next}"),
            REFUSED_OR_CLOSED,
        ),
    ])
    .collect()
}

#[tokio::test]
async fn k4_requests_that_are_wrong_or_strange() {
    let publisher = Origin::start(|_| Reply::ok(feed_of(3, 100))).await;
    let service = Service::with_feed("", publisher.address()).await;
    for (what, request, expected) in [targets(), fields(), bodies(), codings()].concat() {
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
