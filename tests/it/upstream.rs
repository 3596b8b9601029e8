//! Fetching: what is sent, what comes back, what fails.

mod body;
mod interim;
mod proxy;
mod redirect;
mod socks;

use crate::origin::{Origin, Reply, field};
use feedwright::upstream::{
    FetchError, FetchOptions, Fetched, Found, HostPort, Lookup, Upstream, UpstreamClient,
    Validators,
};
use http::HeaderValue;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use url::Url;

/// Names it was asked for.
type Asked = Arc<Mutex<Vec<String>>>;

/// Answers every name with `addresses`.
fn names(addresses: &[&str]) -> (Lookup, Asked) {
    let addresses: Vec<IpAddr> = addresses.iter().map(|a| a.parse().unwrap()).collect();
    let asked = Asked::default();
    let log = Arc::clone(&asked);
    let lookup: Lookup = Arc::new(move |name| {
        log.lock().unwrap().push(name);
        let addresses = addresses.clone();
        Box::pin(async move { Ok(addresses) })
    });
    (lookup, asked)
}

fn client(options: FetchOptions) -> UpstreamClient {
    UpstreamClient::new(options, names(&["127.0.0.1"]).0).unwrap()
}

/// An upstream at `url` that may reach these hosts and ports.
fn upstream(url: &str, allow: &[String]) -> Upstream {
    Upstream {
        url: Url::parse(url).unwrap(),
        user_agent: None,
        headers: Vec::new(),
        cookies: None,
        proxy: None,
        allow_private: allow.iter().map(|a| HostPort::parse(a).unwrap()).collect(),
    }
}

fn at(origin: &Origin, path: &str) -> Upstream {
    upstream(&origin.url(path), &[origin.address().to_string()])
}

async fn fetch(client: &UpstreamClient, upstream: &Upstream) -> Result<Fetched, FetchError> {
    client.fetch(upstream, &Validators::default()).await
}

async fn read(found: &mut Found) -> Result<Vec<u8>, FetchError> {
    let mut whole = Vec::new();
    while let Some(chunk) = found.body.chunk().await? {
        assert!(!chunk.is_empty() && chunk.len() <= 64 << 10);
        whole.extend_from_slice(&chunk);
    }
    Ok(whole)
}

async fn get(client: &UpstreamClient, upstream: &Upstream) -> Result<(Found, Vec<u8>), FetchError> {
    match fetch(client, upstream).await? {
        Fetched::Found(mut found) => {
            let body = read(&mut found).await?;
            Ok((*found, body))
        }
        Fetched::NotModified(_) => panic!("a 304 was not expected"),
    }
}

async fn reason(client: &UpstreamClient, upstream: &Upstream) -> String {
    match get(client, upstream).await {
        Ok(_) => "ok".into(),
        Err(FetchError::Redirect { problem }) => format!("redirect: {problem}"),
        Err(FetchError::Timeout { phase }) => format!("timeout: {phase:?}"),
        Err(FetchError::TooLarge { limit }) => format!("too-large: {limit:?}"),
        Err(FetchError::Status { status, .. }) => format!("status: {}", status.as_u16()),
        Err(error) => error.reason().into(),
    }
}

#[tokio::test]
async fn a_plain_fetch_says_who_we_are_and_what_we_read() {
    let origin = Origin::script(vec![Reply::status(
        200,
        &[
            ("etag", "W/\"x\""),
            ("content-type", "application/rss+xml"),
            ("age", "3"),
        ],
        "<rss/>",
    )])
    .await;
    let (found, body) = get(
        &client(FetchOptions::default()),
        &at(&origin, "/feed?a=%0d%0aX:1#top"),
    )
    .await
    .unwrap();
    assert_eq!(body, b"<rss/>");
    assert_eq!(found.url.as_str(), origin.url("/feed?a=%0d%0aX:1"));
    assert_eq!(found.content_type(), Some("application/rss+xml"));
    assert_eq!(found.headers["age"], "3");
    assert_eq!(found.validators.etag.unwrap(), "W/\"x\"");
    assert_eq!(found.moved_to, None);
    let head = &origin.seen()[0];
    assert!(
        head.starts_with("GET /feed?a=%0d%0aX:1 HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(field(head, "user-agent").unwrap().contains("(+https://"));
    assert!(
        field(head, "accept")
            .unwrap()
            .contains("application/rss+xml")
    );
    assert_eq!(
        field(head, "accept-encoding"),
        Some("gzip, br, zstd, deflate")
    );
    for absent in [
        "cookie",
        "referer",
        "authorization",
        "if-none-match",
        "if-modified-since",
    ] {
        assert_eq!(field(head, absent), None);
    }
}

#[tokio::test]
async fn validators_go_back_byte_for_byte_on_every_hop() {
    for (etag, last_modified) in [
        (Some("unquoted"), Some("yesterday, sort of")),
        (Some("W/\"a,b\" "), None),
        (Some("\"\u{e9}\""), Some("Thu, 01 Jan 1970 00:00:00 GMT")),
        (None, Some("2026-01-02T03:04:05Z")),
    ] {
        let origin = Origin::script(vec![
            Reply::redirect(302, "/b"),
            Reply::status(304, &[("cache-control", "max-age=60"), ("etag", "new")], ""),
        ])
        .await;
        let latin1 = |text: &str| {
            let bytes: Vec<u8> = text.trim().chars().map(|c| c as u8).collect();
            HeaderValue::from_bytes(&bytes).unwrap()
        };
        let sent = Validators {
            etag: etag.map(latin1),
            last_modified: last_modified.map(latin1),
        };
        let client = client(FetchOptions::default());
        let outcome = client.fetch(&at(&origin, "/a"), &sent).await.unwrap();
        let Fetched::NotModified(news) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(news.validators.etag.unwrap(), "new");
        assert_eq!(news.validators.last_modified, sent.last_modified);
        assert_eq!(news.headers["cache-control"], "max-age=60");
        assert_eq!(origin.seen().len(), 2);
        for head in origin.seen() {
            assert_eq!(field(&head, "if-none-match"), etag.map(str::trim));
            assert_eq!(field(&head, "if-modified-since"), last_modified);
        }
    }
}

#[tokio::test]
async fn every_other_answer_is_an_error() {
    for (reply, expected) in [
        (Reply::status(304, &[], ""), "protocol"),
        (Reply::status(204, &[], ""), "status: 204"),
        (Reply::status(206, &[], "x"), "status: 206"),
        (Reply::status(404, &[], "x"), "status: 404"),
        (Reply::status(410, &[], "x"), "status: 410"),
        (Reply::status(503, &[], "x"), "status: 503"),
        (Reply::status(300, &[("location", "/x")], ""), "status: 300"),
        (Reply::default().reset(), "cut"),
        (Reply::default().close(), "cut"),
        (
            Reply::default().send("HTTP/1.1 200 OK\r\nA: b").close(),
            "cut",
        ),
        (Reply::default().send("SSH-2.0-OpenSSH\r\n"), "protocol"),
        (
            Reply::default().send("HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n"),
            "protocol",
        ),
        (
            Reply::head(200, &[("content-length", "3")], Some("4")).send("xxxx"),
            "protocol",
        ),
        (Reply::status(200, &vec![("a", "b"); 101], ""), "protocol"),
        (
            Reply::status(200, &[("a", &"b".repeat(70 << 10))], ""),
            "protocol",
        ),
        (
            Reply::status(200, &[("a", &"b".repeat(1 << 20))], ""),
            "protocol",
        ),
    ] {
        let origin = Origin::script(vec![reply]).await;
        let reason = reason(&client(FetchOptions::default()), &at(&origin, "/")).await;
        assert_eq!(reason, expected);
        // An error is no reason to ask twice.
        assert_eq!(origin.accepts(), 1, "{expected}");
    }
}

#[tokio::test]
async fn retry_after_is_kept() {
    let origin = Origin::script(vec![Reply::status(429, &[("retry-after", "120")], "")]).await;
    match fetch(&client(FetchOptions::default()), &at(&origin, "/")).await {
        Err(FetchError::Status {
            status,
            retry_after,
        }) => {
            assert_eq!(
                (status.as_u16(), retry_after),
                (429, Some(Duration::from_secs(120)))
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_stale_pooled_connection_is_tried_again_once() {
    let origin = Origin::script(vec![
        Reply::ok("one"),
        Reply::default().reset(),
        Reply::ok("two"),
        Reply::default().reset(),
        Reply::default().reset(),
        Reply::ok("three"),
    ])
    .await;
    let client = client(FetchOptions::default());
    let feed = at(&origin, "/");
    assert_eq!(get(&client, &feed).await.unwrap().1, b"one");
    assert_eq!(get(&client, &feed).await.unwrap().1, b"two");
    assert_eq!(origin.accepts(), 2, "the second connection is new");
    assert_eq!(reason(&client, &feed).await, "cut");
    assert_eq!(origin.seen().len(), 5, "and there is no third try");
}

#[tokio::test]
async fn failures_to_connect_are_told_apart() {
    let (lookup, _) = names(&[]);
    let client = UpstreamClient::new(FetchOptions::default(), lookup).unwrap();
    assert_eq!(
        reason(&client, &upstream("http://gone.example/", &[])).await,
        "dns"
    );
    // A port that was free a moment ago.
    let closed = Origin::script(vec![Reply::ok("")]).await.url("/");
    let port = Url::parse(&closed).unwrap().port().unwrap();
    let allow = [format!("127.0.0.1:{port}")];
    assert_eq!(reason(&client, &upstream(&closed, &allow)).await, "connect");
    // A server that speaks no TLS, and one that says nothing.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let secure = upstream(&format!("https://{address}/"), &[address]);
    let speak = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 No\r\n\r\n").await.unwrap();
        stream
    };
    let (outcome, _stream) = tokio::join!(reason(&client, &secure), speak);
    assert_eq!(outcome, "tls");
    let options = FetchOptions {
        connect_timeout: Duration::from_millis(50),
        ..FetchOptions::default()
    };
    let silent: Lookup = Arc::new(|_| Box::pin(std::future::pending()));
    let quick = UpstreamClient::new(options, silent).unwrap();
    assert_eq!(reason(&quick, &secure).await, "timeout: Connect");
    let unresolved = upstream("http://silent.example/", &[]);
    assert_eq!(reason(&quick, &unresolved).await, "timeout: Connect");
}

#[tokio::test]
async fn errors_keep_their_causes_and_no_address() {
    let origin = Origin::script(vec![Reply::default().reset()]).await;
    let mut secret = at(&origin, "/private-token");
    secret.url.set_password(Some("hunter2")).unwrap();
    let error = get(&client(FetchOptions::default()), &secret)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "the transfer ended early");
    let mut chain = format!("{error:?}");
    let mut cause = std::error::Error::source(&error);
    assert!(cause.is_some());
    while let Some(error) = cause {
        chain += &error.to_string();
        cause = error.source();
    }
    assert!(
        !chain.contains("private-token") && !chain.contains("hunter2"),
        "{chain}"
    );
}
