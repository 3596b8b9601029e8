//! Where clients are sent instead of an error: nowhere that an image could not have come from.

use super::{ask, closed, open, signed};
use crate::origin::{Origin, Reply};
use crate::reader::get;
use crate::service::Service;

async fn broken() -> Origin {
    Origin::start(|_| Reply::status(404, &[], "")).await
}

/// Addresses that no image is fetched from, whoever asks.
fn nowhere(service: &Service) -> Vec<String> {
    let own = service.app.settings.server.public_url.clone();
    [
        "http://10.0.0.1/a.png",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://2130706433/",
        "http://localhost/",
        "http://router.lan/",
        "http://intranet/",
        "http://user:password@example.org/",
        "https://example.org@evil.example:22/",
        "https://example.org:22/",
        "javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "file:///etc/passwd",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain([format!("{own}/image?url=example.org")])
    .collect()
}

fn escaped(url: &str) -> String {
    url.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

#[tokio::test]
async fn an_open_service_sends_to_public_hosts_only() {
    let origin = broken().await;
    let service = open(&origin, "").await;
    for name in ["default", "errorredirect"] {
        for url in nowhere(&service) {
            let options = format!("&{name}={}", escaped(&url));
            let answer = ask(&service, &origin, "/a", &options).await;
            assert_eq!(
                (answer.status, answer.header("location")),
                (404, ""),
                "{url}"
            );
            let bad = get(service.addr, &format!("/image?url=x{options}"), &[]).await;
            assert_eq!((bad.status, bad.header("location")), (400, ""), "{url}");
        }
        let options = format!("&{name}={}", escaped("https://example.org/a.png"));
        let answer = ask(&service, &origin, "/a", &options).await;
        assert_eq!(answer.header("location"), "https://example.org/a.png");
    }
    // Nor to the image itself, where that is nowhere.
    for url in nowhere(&service) {
        let path = format!("/image?default=1&url={}", escaped(&url));
        let answer = get(service.addr, &path, &[]).await;
        assert!(answer.status >= 400, "{url}: {}", answer.status);
        assert_eq!(answer.header("location"), "", "{url}");
    }
}

#[tokio::test]
async fn without_a_signature_only_to_hosts_that_need_none() {
    let origin = broken().await;
    let hosts = "unsigned_hosts = [\"127.0.0.1\", \"good.example.org\"]";
    let service = closed(&origin, hosts).await;
    for (url, is_sent) in [
        ("https://good.example.org/a.png", true),
        ("https://img.good.example.org/a.png", true),
        ("https://evil.example.org/a.png", false),
        ("https://notgood.example.org/a.png", false),
        ("https://good.example.org.evil.example/", false),
        ("https://good.example.org:22/", false),
    ] {
        let options = format!("&default={}", escaped(url));
        let answer = ask(&service, &origin, "/a", &options).await;
        let expected = if is_sent { url } else { "" };
        assert_eq!(answer.header("location"), expected, "{url}");
        // A wrong signature vouches for nothing more than none.
        let wrong = ask(&service, &origin, "/a", &format!("{options}&s=AAAA")).await;
        assert_eq!(wrong.header("location"), expected, "{url}");
    }
}

#[tokio::test]
async fn what_was_signed_goes_where_it_was_signed_for() {
    let origin = broken().await;
    let service = closed(&origin, "").await;
    let image = origin.url("/a");
    let fallback = escaped("https://example.org/fallback.png");
    let path = signed(&service, &image, &format!("default={fallback}"));
    let answer = get(service.addr, &path, &[]).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (302, "https://example.org/fallback.png")
    );
    let path = signed(
        &service,
        &image,
        &format!("default={}", escaped("http://10.0.0.1/")),
    );
    let answer = get(service.addr, &path, &[]).await;
    assert_eq!((answer.status, answer.header("location")), (404, ""));
    // The signature is for all of the options: another fallback needs another one.
    let path = signed(&service, &image, "w=5");
    let signature = path.split('/').nth(2).unwrap();
    let forged = format!("&w=5&default={fallback}&s={signature}");
    let answer = ask(&service, &origin, "/a", &forged).await;
    assert_eq!((answer.status, answer.header("location")), (403, ""));
}
