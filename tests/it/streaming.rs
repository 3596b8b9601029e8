//! Cold keys: readers play the feed while it comes, upstream is asked once, and nobody's leaving
//! stops the others.

use std::time::{Duration, Instant};

use feedwright::http::server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::kept::{KEYS, Publisher, rss};
use crate::origin::{Origin, Reply};
use crate::reader::{ask, get, read};
use crate::service::{Service, feed_of};

const READERS: usize = 1_000;

#[tokio::test]
async fn the_first_bytes_leave_before_the_upstream_has_sent_its_last() {
    first_bytes_leave_early("images = \"weserv\"").await;
}

#[tokio::test]
async fn so_they_do_where_items_are_kept_archived_or_get_full_texts() {
    first_bytes_leave_early("keep_items = 100").await;
    first_bytes_leave_early("full_text = true\nkeep_items = 100").await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().display();
    let keys = format!("archive = true\n[archive]\ndirectory = \"{folder}\"");
    first_bytes_leave_early(&keys).await;
}

#[tokio::test]
async fn what_streamed_is_compared_with_what_comes_next() {
    let publisher = Publisher::start(rss(&["b", "a"])).await;
    let service = Service::with_feed(KEYS, publisher.origin.address()).await;
    let answer = get(service.addr, "/feeds/news", &[]).await;
    assert!(answer.whole && answer.text().contains("Item a"));
    publisher.show(rss(&["d", "c", "b"]));
    for _ in 0..100 {
        let answer = get(service.addr, "/feeds/news", &[]).await;
        if answer.text().contains("Item d") {
            assert!(answer.text().contains("Item a"), "{}", answer.text());
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the new document never came");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_streams_has_an_entity_tag_from_its_start() {
    let publisher = Origin::start(|_| Reply::status(200, &[], feed_of(5, 200))).await;
    let mut tags = Vec::new();
    for keys in ["images = \"weserv\"", "keep_items = 9", "full_text = true"] {
        let service = Service::with_feed(keys, publisher.address()).await;
        let first = get(service.addr, "/feeds/news", &[]).await;
        assert_eq!(first.status, 200, "{keys}");
        let tag = first.header("etag").to_owned();
        let again = get(service.addr, "/feeds/news", &[("if-none-match", &tag)]).await;
        assert_eq!(again.status, 304, "{keys}: {tag}");
        assert_eq!(again.header("etag"), tag);
        tags.push(tag);
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 3, "{tags:?}");
}

async fn first_bytes_leave_early(keys: &str) {
    let feed = feed_of(40, 2_000);
    let (start, rest) = feed.split_at(feed.len() / 2);
    let length = feed.len().to_string();
    // The second half comes only when the test says so.
    let (release, released) = tokio::sync::watch::channel(false);
    let reply = Reply::head(200, &[], Some(&length))
        .send(start)
        .wait_for(released)
        .send(rest);
    let publisher = Origin::start(move |_| reply.clone()).await;
    let service = Service::with_feed(keys, publisher.address()).await;
    for coding in ["identity", "gzip"] {
        let mut stream = ask(
            service.addr,
            "GET /feeds/news",
            &[("accept-encoding", coding)],
        )
        .await;
        let mut seen = Vec::new();
        while seen.len() < 1_000 {
            let bytes = stream.read_buf(&mut seen).await.unwrap();
            assert!(
                bytes > 0,
                "{coding}: the answer ended after {} bytes",
                seen.len()
            );
        }
        assert!(!*release.borrow());
    }
    release.send(true).unwrap();
    let answer = get(service.addr, "/feeds/news", &[]).await;
    assert!(answer.whole && answer.text().ends_with("</rss>\n"));
    assert_eq!(publisher.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn l1_a_thousand_readers_on_a_cold_key_are_one_request_upstream() {
    let feed = feed_of(50, 2_000);
    let (start, rest) = feed.split_at(feed.len() / 3);
    let pause = Duration::from_millis(300);
    let length = feed.len().to_string();
    let reply = Reply::head(200, &[], Some(&length))
        .wait(pause)
        .send(start)
        .wait(pause)
        .send(rest);
    let publisher = Origin::start(move |_| reply.clone()).await;
    let service = Service::with_feed("images = \"weserv\"", publisher.address()).await;
    let begun = Instant::now();
    let mut readers = JoinSet::new();
    for number in 0..READERS {
        let addr = service.addr;
        let coding = if number % 2 == 0 { "gzip" } else { "identity" };
        readers
            .spawn(async move { get(addr, "/feeds/news", &[("accept-encoding", coding)]).await });
    }
    let answers = readers.join_all().await;
    println!(
        "{READERS} readers of a cold feed: all have it within {:?}",
        begun.elapsed()
    );
    assert_eq!(publisher.seen().len(), 1);
    let plain = get(service.addr, "/feeds/news", &[]).await.body;
    assert!(plain.ends_with(b"</rss>\n"));
    for answer in &answers {
        assert!(answer.status == 200 && answer.whole);
        match answer.header("content-encoding") {
            "gzip" => assert_eq!(gunzip(&answer.body), plain),
            _ => assert_eq!(answer.body, plain),
        }
    }
}

/// How many connections to this port wait to be accepted.
fn waiting_at(port: u16) -> usize {
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let own = format!(":{port:04X} 00000000:0000 0A");
    let line = sockets.lines().find(|line| line.contains(&own)).unwrap();
    let queues = line.split_whitespace().nth(4).unwrap();
    usize::from_str_radix(queues.split_once(':').unwrap().1, 16).unwrap()
}

#[tokio::test]
async fn a_herd_finds_room_before_it_is_accepted() {
    let listener = server::listen(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    // 4096, unless somebody lowered it.
    let most = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
    let herd = READERS.min(most.trim().parse().unwrap());
    let connect = (0..herd).map(|_| TcpStream::connect(address));
    let streams = connect.collect::<JoinSet<_>>().join_all().await;
    assert!(streams.iter().all(Result::is_ok));
    assert_eq!(waiting_at(address.port()), herd);
}

#[tokio::test(flavor = "multi_thread")]
async fn l2_half_of_the_readers_leave_the_first_among_them() {
    let feed = feed_of(50, 2_000);
    let (start, rest) = feed.split_at(feed.len() / 3);
    let pause = Duration::from_millis(400);
    let length = feed.len().to_string();
    let reply = Reply::head(200, &[], Some(&length))
        .send(start)
        .wait(pause)
        .send(rest);
    let publisher = Origin::start(move |_| reply.clone()).await;
    let service = Service::with_feed("images = \"weserv\"", publisher.address()).await;
    let begun = Instant::now();
    let first = ask(service.addr, "GET /feeds/news", &[]).await;
    while publisher.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    let mut readers = JoinSet::new();
    for number in 1..READERS {
        let addr = service.addr;
        readers.spawn(async move {
            let mut stream = ask(addr, "GET /feeds/news", &[]).await;
            if number % 2 == 0 {
                // Leaves in the middle of the answer.
                let mut some = [0; 1_000];
                stream.read_exact(&mut some).await.unwrap();
                return None;
            }
            Some(read(&mut stream).await)
        });
    }
    drop(first);
    let stayed: Vec<_> = readers.join_all().await.into_iter().flatten().collect();
    println!(
        "{} of {READERS} readers stayed: all have it within {:?}",
        stayed.len(),
        begun.elapsed()
    );
    assert_eq!(stayed.len(), READERS / 2);
    assert!(
        stayed
            .iter()
            .all(|answer| answer.whole && answer.body.ends_with(b"</rss>\n"))
    );
    assert_eq!(publisher.seen().len(), 1);
}

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let publisher = Origin::start(|_| Reply::ok(feed_of(3, 100))).await;
    let service = Service::with_feed("", publisher.address()).await;
    let mut stream = TcpStream::connect(service.addr).await.unwrap();
    // Pipelined: both are asked before either is answered.
    stream
        .write_all(b"GET /feeds/news HTTP/1.1\r\nhost: x\r\n\r\nGET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2);
    assert!(text.ends_with("ok\n"));
}

pub(crate) fn gunzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Read;
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(bytes)
        .read_to_end(&mut plain)
        .unwrap();
    plain
}
