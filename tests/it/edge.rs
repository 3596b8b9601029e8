//! The edge: limits that hold against readers who do not behave, and an end that loses nothing.

use std::time::Duration;

use feedwright::http::server::Drained;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::origin::{Origin, Reply};
use crate::reader::{ask, get, read};
use crate::service::{Service, feed_of};

async fn service(server: &str, publisher: &Origin) -> Service {
    let toml = format!(
        "[server]\n{server}\n[[feed]]\nname = \"news\"\nurl = \"http://PUBLISHER/feed.xml\"\n\
         allow_private = [\"PUBLISHER\"]\n"
    );
    Service::start(&toml, publisher.address()).await
}

/// Whether the service hangs up within three seconds.
async fn hangs_up(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(3), stream.read_to_end(&mut rest))
        .await
        .is_ok()
}

#[tokio::test]
async fn silent_and_trickling_connections_are_closed() {
    let publisher = Origin::start(|_| Reply::ok(feed_of(1, 10))).await;
    let service = service(
        "header_timeout = \"300ms\"\nidle_timeout = \"600ms\"",
        &publisher,
    )
    .await;
    for start in [
        "",
        "G",
        "GET /feeds/news HTTP/1.1\r\nx-slow: ",
        "PRI * HTTP/2.0\r\n",
    ] {
        let mut stream = TcpStream::connect(service.addr).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        assert!(hangs_up(&mut stream).await, "{start:?}");
    }
    let mut idle = TcpStream::connect(service.addr).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    assert!(hangs_up(&mut idle).await, "after a request, kept alive");
}

#[tokio::test]
async fn a_reader_who_takes_nothing_is_cut_and_the_others_are_served() {
    let publisher = Origin::start(|_| Reply::ok(feed_of(100, 100_000))).await;
    let service = service("write_timeout = \"1s\"", &publisher).await;
    let mut slow = ask(service.addr, "GET /feeds/news", &[]).await;
    let mut some = [0; 100];
    slow.read_exact(&mut some).await.unwrap();
    let whole = get(service.addr, "/feeds/news", &[]).await;
    assert!(whole.whole && whole.body.len() > 9_000_000);
    tokio::time::sleep(Duration::from_secs(4)).await;
    let taken = read_what_is_left(&mut slow).await;
    assert!(
        taken < whole.body.len(),
        "the slow reader still got everything"
    );
}

async fn read_what_is_left(stream: &mut TcpStream) -> usize {
    let mut rest = Vec::new();
    // The cut may show as a reset.
    let _ = stream.read_to_end(&mut rest).await;
    rest.len()
}

#[tokio::test]
async fn beyond_the_cap_an_idle_connection_gives_up_its_place() {
    let publisher = Origin::start(|_| Reply::ok(feed_of(1, 10))).await;
    let service = service("connections_max = 2", &publisher).await;
    let mut silent = TcpStream::connect(service.addr).await.unwrap();
    let mut used = TcpStream::connect(service.addr).await.unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    used.write_all(request).await.unwrap();
    assert!(used.read_u8().await.is_ok());
    assert_eq!(get(service.addr, "/healthz", &[]).await.status, 200);
    assert!(hangs_up(&mut silent).await, "it was idle for longest");
    used.write_all(request).await.unwrap();
    let mut answer = [0; 12];
    used.read_exact(&mut answer).await.unwrap();
}

#[tokio::test]
async fn beyond_the_cap_connections_wait_while_all_others_have_a_request_under_way() {
    let reply = Reply::head(200, &[], Some("1000"))
        .send("<rss><channel>")
        .hang();
    let publisher = Origin::start(move |_| reply.clone()).await;
    let service = service("connections_max = 2", &publisher).await;
    let first = ask(service.addr, "GET /feeds/news", &[]).await;
    let _second = ask(service.addr, "GET /feeds/news", &[]).await;
    while publisher.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    // Both were accepted before; that the second one's request is read takes no more than this.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let third = get(service.addr, "/healthz", &[]);
    let mut third = std::pin::pin!(third);
    let early = tokio::time::timeout(Duration::from_millis(300), third.as_mut()).await;
    assert!(
        early.is_err(),
        "a third connection was served beside two others"
    );
    drop(first);
    assert_eq!(third.await.status, 200);
}

#[tokio::test]
async fn heads_have_limits() {
    let publisher = Origin::start(|_| Reply::ok(feed_of(1, 10))).await;
    let service = service(
        "head_bytes_max = \"8KiB\"\nurl_bytes_max = \"1KiB\"",
        &publisher,
    )
    .await;
    let url = |bytes: usize| format!("/feeds/news?{}", "a".repeat(bytes - 12));
    let (fits, long) = ("a".repeat(1000), "a".repeat(2100));
    for (path, headers, expected) in [
        (url(1024), vec![("accept", fits.as_str())], 200),
        (url(1025), vec![], 414),
        (url(100), vec![("accept", long.as_str())], 431),
        (url(100), vec![("via", long.as_str())], 431),
        (url(100), vec![("accept-encoding", fits.as_str()); 2], 431),
        (url(100), vec![("x", fits.as_str()); 7], 200),
        (url(100), vec![("x", fits.as_str()); 9], 431),
        (url(100), vec![("x", "y"); 99], 431),
    ] {
        let answer = get(service.addr, &path, &headers).await;
        assert_eq!(answer.status, expected, "{headers:?}");
    }
}

#[tokio::test]
async fn malformed_requests_are_refused() {
    let publisher = Origin::start(|_| Reply::ok(feed_of(1, 10))).await;
    let service = service("", &publisher).await;
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(100_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(200));
    for request in [
        "nonsense\r\n\r\n",
        "GET / HTTP/1.1\r\nhost x\r\n\r\n",
        "GET /\u{1} HTTP/1.1\r\n\r\n",
        &long,
        &many,
    ] {
        let mut stream = TcpStream::connect(service.addr).await.unwrap();
        // The service may hang up before all is written.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let start = String::from_utf8_lossy(&answer[..answer.len().min(12)]).into_owned();
        assert!(
            answer.is_empty() || start.starts_with("HTTP/1.1 4"),
            "{start}"
        );
    }
    assert_eq!(get(service.addr, "/healthz", &[]).await.status, 200);
}

#[tokio::test]
async fn shutting_down_finishes_what_is_in_flight() {
    let feed = feed_of(40, 2_000);
    let (start, rest) = feed.split_at(feed.len() / 2);
    let length = feed.len().to_string();
    let pause = Duration::from_millis(500);
    let reply = Reply::head(200, &[], Some(&length))
        .send(start)
        .wait(pause)
        .send(rest);
    let publisher = Origin::start(move |_| reply.clone()).await;
    let service = service("", &publisher).await;
    let mut idle = TcpStream::connect(service.addr).await.unwrap();
    let mut stream = ask(service.addr, "GET /feeds/news", &[]).await;
    while publisher.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    service.begin_shutdown();
    let answer = read(&mut stream).await;
    assert!(answer.whole && answer.text().ends_with("</rss>\n"));
    assert!(
        hangs_up(&mut idle).await,
        "an idle connection outlives the shutdown"
    );
    assert_eq!(service.drain().await, Drained::Complete);
}

#[tokio::test]
async fn shutting_down_has_a_hard_end() {
    let reply = Reply::head(200, &[], Some("1000"))
        .send("<rss><channel>")
        .hang();
    let publisher = Origin::start(move |_| reply.clone()).await;
    let service = service("drain_timeout = \"300ms\"", &publisher).await;
    let _stuck = ask(service.addr, "GET /feeds/news", &[]).await;
    while publisher.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(service.drain().await, Drained::TimedOut);
}
