//! Whose share of the limits a request counts against, over the wire.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::origin::{Origin, Reply};
use crate::process::{Process, until};
use crate::reader::{ask, get};
use crate::service::{Service, feed_of};

/// A feed that answers and one that never does.
fn feeds(publisher: &Origin, server: &str) -> String {
    let host = publisher.address();
    let mut toml = format!("[store]\npath = \"\"\n[server]\n{server}\n");
    for name in ["news", "stuck"] {
        toml += &format!(
            "[[feed]]\nname = \"{name}\"\nurl = \"http://{host}/{name}\"\nallow_private = [\"{host}\"]\n"
        );
    }
    toml
}

async fn publisher() -> Origin {
    let stuck = Reply::head(200, &[], Some("1000"))
        .send("<rss><channel>")
        .hang();
    Origin::start(move |head| match head.contains("/stuck") {
        true => stuck.clone(),
        false => Reply::ok(feed_of(3, 100)),
    })
    .await
}

/// Requests that stay under way.
async fn stuck(service: &Service, count: usize, headers: &[(&str, &str)]) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..count {
        streams.push(ask(service.addr, "GET /feeds/stuck", headers).await);
    }
    streams
}

#[tokio::test]
async fn k6_a_client_of_a_proxy_has_so_many_requests_under_way() {
    let publisher = publisher().await;
    let toml = feeds(
        &publisher,
        "client_connections_max = 2\ntrusted_proxies = [\"127.0.0.0/8\"]",
    );
    let service = Service::start(&toml, publisher.address()).await;
    let first = [("x-forwarded-for", "198.51.100.7, 192.0.2.1")];
    let same = [("forwarded", "for=192.0.2.1;proto=https")];
    let under_way = stuck(&service, 2, &first).await;
    let status = async |headers: &[(&str, &str)]| get(service.addr, "/feeds/news", headers).await;
    let begun = std::time::Instant::now();
    while status(&same).await.status != 429 {
        assert!(begun.elapsed() < Duration::from_secs(30), "never refused");
    }
    let refused = status(&first).await;
    assert_eq!(refused.header("cache-control"), "no-store");
    assert_eq!(refused.header("retry-after"), "");
    // Others, those of whom nobody says who they are among them.
    for headers in [
        &[("x-forwarded-for", "198.51.100.7")][..],
        &[("x-forwarded-for", "2001:db8::1")],
        &[("x-forwarded-for", "unknown")],
        &[],
    ] {
        assert_eq!(status(headers).await.status, 200, "{headers:?}");
    }
    drop(under_way);
    while status(&same).await.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(30), "never let in");
    }
}

#[tokio::test]
async fn a_private_address_that_is_not_listed_is_not_one_client() {
    let publisher = publisher().await;
    let toml = feeds(&publisher, "client_connections_max = 1");
    let service = Service::start(&toml, publisher.address()).await;
    let forged = [("x-forwarded-for", "192.0.2.1")];
    let mut under_way = stuck(&service, 5, &forged).await;
    let answer = get(service.addr, "/feeds/news", &forged).await;
    assert_eq!(answer.status, 200);
    for stream in &mut under_way {
        let read = tokio::time::timeout(Duration::from_millis(50), stream.read_u8());
        assert!(read.await.is_err(), "each of them is let in");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_who_asks_and_once_that_a_peer_may_be_a_proxy() {
    let publisher = publisher().await;
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start(folder.path(), &feeds(&publisher, ""));
    service.get("/healthz").await;
    assert!(!service.log().contains("trusted_proxies"), "a health check");
    let forwarded = [("x-forwarded-for", "192.0.2.1")];
    for _ in 0..3 {
        service.get("/feeds/news").await;
        get(service.address, "/feeds/news", &forwarded).await;
    }
    let said = |log: &str, what: &str| log.matches(what).count();
    until("six requests are logged", async || {
        said(&service.log(), "path=/feeds/news") == 6
    })
    .await;
    let log = service.log();
    assert_eq!(said(&log, "may be a proxy"), 1, "{log}");
    assert_eq!(said(&log, "a proxy that is not listed"), 1, "{log}");
    assert!(!log.contains("192.0.2.1"), "{log}");
    drop(service);

    let toml = feeds(&publisher, "trusted_proxies = [\"127.0.0.1\"]");
    let service = Process::start(folder.path(), &toml);
    for _ in 0..3 {
        service.get("/feeds/news").await;
        get(service.address, "/feeds/news", &forwarded).await;
    }
    until("six requests are logged", async || {
        said(&service.log(), "path=/feeds/news") == 6
    })
    .await;
    let log = service.log();
    assert_eq!(said(&log, "says nothing of its clients"), 1, "{log}");
    assert_eq!(said(&log, "client=192.0.2.1"), 3, "{log}");
}
