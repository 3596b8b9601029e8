//! Serving: what a reader gets, and with which headers.

use crate::origin::{Origin, Reply};
use crate::reader::{get, send};
use crate::service::{Service, feed_of};

const RULES: &str = r#"images = "weserv""#;

async fn publisher() -> Origin {
    Origin::start(|_| Reply::status(200, &[("content-type", "text/xml")], feed_of(20, 500))).await
}

#[tokio::test]
async fn a_feed_is_fetched_once_rewritten_and_then_served_from_the_copy() {
    let publisher = publisher().await;
    let service = Service::with_feed(RULES, publisher.address()).await;
    let first = get(service.addr, "/feeds/news", &[]).await;
    assert_eq!(first.status, 200);
    assert!(first.whole);
    assert_eq!(first.header("content-type"), "text/xml; charset=utf-8");
    let max_age = first
        .header("cache-control")
        .trim_start_matches("public, max-age=");
    assert!(
        (3_590..=4_320).contains(&max_age.parse::<u32>().unwrap()),
        "{max_age}"
    );
    assert!(
        first
            .header("cache-status")
            .starts_with("Feedwright; fwd=uri-miss; ")
    );
    let proxied = "src=\"https://images.weserv.nl/?url=https%3A%2F%2Fimg.example.org%2F7.jpg\"";
    assert!(first.text().contains(proxied), "{}", first.text());
    assert!(!first.text().contains("src=\"https://img.example.org"));

    let second = get(service.addr, "/feeds/news?_=1234", &[]).await;
    assert_eq!(second.body, first.body);
    assert!(
        second
            .header("cache-status")
            .starts_with("Feedwright; hit; ttl=")
    );
    assert_eq!(second.header("vary"), "accept-encoding");
    assert_eq!(
        second.header("content-length"),
        second.body.len().to_string()
    );
    assert_eq!(publisher.seen().len(), 1);
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let publisher = publisher().await;
    let service = Service::with_feed(RULES, publisher.address()).await;
    let get = get(service.addr, "/feeds/news", &[]).await;
    let head = send(service.addr, "HEAD /feeds/news", &[]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), get.body.len().to_string());
    assert!(!head.header("etag").is_empty());
}

#[tokio::test]
async fn a_reader_who_holds_the_copy_gets_304() {
    let publisher = publisher().await;
    let service = Service::with_feed(RULES, publisher.address()).await;
    get(service.addr, "/feeds/news", &[]).await;
    let full = get(service.addr, "/feeds/news", &[("accept-encoding", "gzip")]).await;
    let (tag, date) = (
        full.header("etag").to_owned(),
        full.header("last-modified").to_owned(),
    );
    assert!(tag.starts_with("W/\""), "{tag}");
    let strong = tag.trim_start_matches("W/").to_owned();
    let suffixed = strong.replace("\"", "").to_string() + "-gzip";
    for conditions in [
        [("if-none-match", tag.as_str())],
        [("if-none-match", strong.as_str())],
        [("if-none-match", &format!("\"other\", \"{suffixed}\""))],
        [("if-none-match", "*")],
        [("if-modified-since", &date)],
    ] {
        let answer = get(service.addr, "/feeds/news", &conditions).await;
        assert_eq!(
            (answer.status, answer.body.len()),
            (304, 0),
            "{conditions:?}"
        );
        assert!(!answer.header("etag").is_empty());
        assert!(!answer.header("cache-control").is_empty());
    }
    let other = get(
        service.addr,
        "/feeds/news",
        &[("if-none-match", "\"other\"")],
    )
    .await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn each_coding_holds_the_same_feed() {
    use std::io::Read;
    let publisher = publisher().await;
    let service = Service::with_feed(RULES, publisher.address()).await;
    let plain = get(service.addr, "/feeds/news", &[]).await.body;
    for coding in ["gzip", "br", "zstd"] {
        let answer = get(service.addr, "/feeds/news", &[("accept-encoding", coding)]).await;
        assert_eq!(answer.header("content-encoding"), coding);
        assert!(answer.whole);
        let mut decoded = Vec::new();
        match coding {
            "gzip" => flate2::read::GzDecoder::new(&answer.body[..])
                .read_to_end(&mut decoded)
                .unwrap(),
            "br" => brotli::Decompressor::new(&answer.body[..], 4096)
                .read_to_end(&mut decoded)
                .unwrap(),
            _ => zstd::stream::read::Decoder::new(&answer.body[..])
                .unwrap()
                .read_to_end(&mut decoded)
                .unwrap(),
        };
        assert_eq!(decoded, plain, "{coding}");
        assert!(answer.body.len() < plain.len() / 2);
    }
    let refused = get(
        service.addr,
        "/feeds/news",
        &[("accept-encoding", "identity;q=0")],
    )
    .await;
    assert_eq!(refused.status, 406);
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let publisher = publisher().await;
    let service = Service::with_feed(RULES, publisher.address()).await;
    for (request, status) in [
        ("GET /feeds/nope", 404),
        ("GET /feeds/news/x", 404),
        ("GET /elsewhere", 404),
        ("POST /feeds/news", 405),
        ("DELETE /", 405),
        ("GET /healthz", 200),
        ("GET /readyz", 200),
        ("GET /", 200),
    ] {
        let answer = send(service.addr, request, &[]).await;
        assert_eq!(answer.status, status, "{request}");
        if status >= 400 {
            assert_eq!(answer.header("cache-control"), "no-store", "{request}");
            assert_eq!(answer.header("retry-after"), "", "{request}");
        }
    }
    assert_eq!(publisher.seen().len(), 0);
}

#[tokio::test]
async fn the_index_lists_addresses_and_explains_itself_when_there_are_none() {
    let publisher = publisher().await;
    let service = Service::with_feed("title = \"News & <more>\"", publisher.address()).await;
    let page = get(service.addr, "/", &[]).await;
    assert!(
        page.text().contains("127.0.0.1:8080&#x2f;feeds&#x2f;news"),
        "{}",
        page.text()
    );
    assert!(page.text().contains("News &amp; &lt;more&gt;"));
    let bare = Service::start("", publisher.address()).await;
    let page = get(bare.addr, "/", &[]).await;
    assert!(page.text().contains("[[feed]]"));
}

#[tokio::test]
async fn the_address_we_write_comes_from_the_configuration_and_never_from_host() {
    let feed = "<rss><channel><atom:link xmlns:atom=\"http://www.w3.org/2005/Atom\" rel=\"self\" \
                href=\"https://news.example.org/feed.xml\"/><item><guid>1</guid></item></channel></rss>";
    let publisher = Origin::start(move |_| Reply::ok(feed)).await;
    let toml = "[server]\npublic_url = \"https://feeds.example.org/mirror\"\n[[feed]]\nname = \"news\"\n\
                url = \"http://PUBLISHER/feed.xml\"\nallow_private = [\"PUBLISHER\"]\n";
    let service = Service::start(toml, publisher.address()).await;
    let headers = [
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "host=evil.example"),
    ];
    let answer = get(service.addr, "/feeds/news", &headers).await;
    assert!(
        answer
            .text()
            .contains("href=\"https://feeds.example.org/mirror/feeds/news\""),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn http2_without_tls_works() {
    let publisher = publisher().await;
    let service = Service::with_feed(RULES, publisher.address()).await;
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let client = reqwest::Client::builder()
        .http2_prior_knowledge()
        .no_proxy()
        .build()
        .unwrap();
    let answer = client
        .get(format!("http://{}/feeds/news", service.addr))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    let body = answer.bytes().await.unwrap();
    assert_eq!(body, get(service.addr, "/feeds/news", &[]).await.body);
}
