//! The publisher as a reader, a browser and Feedwright meet it.

use std::net::SocketAddr;
use std::sync::LazyLock;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

const PUBLISHER: &str = "127.0.0.1:4321";
const PUBLIC_URL: &str = "http://127.0.0.1:8080";

/// One for all tests: painting takes its time without optimisation.
static SITE: LazyLock<Site> = LazyLock::new(|| Site::new(publisher()));

fn publisher() -> SocketAddr {
    PUBLISHER.parse().unwrap()
}

fn ask(path: &str, header: Option<(&str, &str)>) -> Response<Full<Bytes>> {
    let mut request = Request::builder().uri(path);
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    SITE.answer(&request.body(()).unwrap())
}

async fn body(response: Response<Full<Bytes>>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[track_caller]
fn check(path: &str, header: Option<(&str, &str)>, expected: u16) {
    assert_eq!(ask(path, header).status(), expected, "{path} {header:?}");
}

#[test]
fn images_show_on_own_pages_only() {
    let own = format!("http://{PUBLISHER}/articles/3");
    let (reader, site) = (
        format!("http://{PUBLISHER}/reader"),
        format!("http://{PUBLISHER}/"),
    );
    for name in texts::DRAWINGS
        .iter()
        .map(|(name, _)| *name)
        .chain(["weather.png"])
    {
        let path = format!("/images/{name}");
        check(&path, None, 403);
        check(&path, Some(("referer", "https://reader.example/")), 403);
        check(&path, Some(("referer", &reader)), 403);
        check(&path, Some(("referer", &own)), 200);
        check(&path, Some(("referer", &site)), 200);
    }
    check("/images/none.svg", Some(("referer", &own)), 404);
}

#[test]
fn pages_are_there() {
    for path in [
        "/reader",
        "/reader.js",
        "/reader.css",
        "/articles/1",
        "/articles/7",
    ] {
        check(path, None, 200);
    }
    for path in ["/articles/8", "/articles/0", "/hub", "/feed.xml/"] {
        check(path, None, 404);
    }
    let post = Request::builder()
        .method(Method::POST)
        .uri("/reader")
        .body(())
        .unwrap();
    let refused = SITE.answer(&post);
    assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn feeds_have_validators() {
    for path in ["/feed.xml", "/atom.xml", "/feed.json"] {
        let response = ask(path, None);
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        let (tag, date) = (header("etag"), header("last-modified"));
        check(path, Some(("if-none-match", &tag)), 304);
        check(
            path,
            Some(("if-none-match", &format!("\"x\", W/{tag}"))),
            304,
        );
        check(path, Some(("if-none-match", "\"x\"")), 200);
        check(path, Some(("if-modified-since", &date)), 304);
        check(
            path,
            Some(("if-modified-since", "Sat, 31 Oct 2026 00:00:00 GMT")),
            200,
        );
        assert_eq!(body(ask(path, Some(("if-none-match", &tag)))).await, "");
    }
}

/// Every address in a feed leads to something, and nothing was left to fill in.
#[tokio::test]
async fn feeds_name_what_there_is() {
    for path in ["/feed.xml", "/atom.xml", "/feed.json"] {
        let text = body(ask(path, None)).await;
        assert!(!text.contains("{{"), "{path}");
        let own = format!("http://{PUBLISHER}/articles/1");
        let starts = text
            .match_indices("/images/")
            .chain(text.match_indices("/articles/"));
        for (at, _) in starts {
            let end = text[at..]
                .find(['"', '\'', '?', '<', ' ', '\\', '&'])
                .unwrap();
            let found = &text[at..at + end];
            if found != "/images/" {
                check(found, Some(("referer", &own)), 200);
            }
        }
    }
    let json = body(ask("/feed.json", None)).await;
    serde_json::from_str::<serde_json::Value>(&json).unwrap();
}

#[test]
fn the_configuration_is_valid() {
    let toml = configuration(publisher(), PUBLIC_URL);
    assert!(
        !toml.contains("{{publisher") && !toml.contains("{{listen"),
        "{toml}"
    );
    let settings = crate::config::parse("demo.toml", &toml, std::iter::empty())
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(settings.server.public_url, PUBLIC_URL);
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.feeds.len(), 4);
    let text = greeting(publisher(), &settings);
    assert!(
        text.contains("http://127.0.0.1:4321/reader#http://127.0.0.1:8080"),
        "{text}"
    );
    assert!(
        text.contains("http://127.0.0.1:8080/feeds/demo-json"),
        "{text}"
    );
    let behind_tls = configuration(publisher(), "https://feeds.example.org");
    assert!(!behind_tls.contains("listen ="), "{behind_tls}");
}

#[tokio::test]
async fn serves_until_told_to_stop() {
    let publisher = Publisher::start().await.unwrap();
    let addr = publisher.addr();
    assert!(addr.ip().is_loopback());
    let stop = CancellationToken::new();
    let client = async {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream
            .write_all(b"GET /feed.xml HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.unwrap();
        // This one stays open; shutdown does not wait for it.
        let idle = TcpStream::connect(addr).await.unwrap();
        stop.cancel();
        (reply, idle)
    };
    let ((reply, _idle), ()) = tokio::join!(client, publisher.run(stop.clone()));
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(reply.contains(&format!("http://{addr}/articles/1")));
}
