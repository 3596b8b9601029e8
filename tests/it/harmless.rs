//! What passes through us does nothing in our name: feeds, pages and errors in a browser, and what
//! strangers write in the log. tests/browser/run asks a browser itself.

use crate::origin::{Origin, Reply};
use crate::process::Process;
use crate::reader::{Answer, get, send};
use crate::service::Service;

#[track_caller]
fn check(answer: &Answer, status: u16, way: &str) {
    assert_eq!(answer.status, status, "{way}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{way}");
    let policy = answer.header("content-security-policy");
    let is_closed = policy.contains("default-src 'none'") && !policy.contains("script-src");
    assert!(is_closed, "{way}: {policy}");
}

const FEED: &str = "<?xml version=\"1.0\"?><!DOCTYPE rss [<!ENTITY nbsp \"&#160;\"><!ENTITY run \"<x/>\">]>\
    <rss version=\"2.0\" xmlns:h=\"http://www.w3.org/1999/xhtml\" xmlns:s=\"http://www.w3.org/2000/svg\">\
    <channel><title>T<h:script>1</h:script></title><link>http://a.example/</link>\
    <h:script>2</h:script><s:svg onload=\"3\"><s:path d=\"M0\"/></s:svg>\
    <item><title>I</title><guid>g</guid><pubDate>now</pubDate><h:iframe src=\"x\"/>\
    <description>a&nbsp;b &lt;b onclick=\"4\"&gt;c&lt;/b&gt;&lt;script&gt;5&lt;/script&gt;</description></item>\
    </channel></rss>";

#[tokio::test]
async fn whatever_type_a_feed_has_nothing_in_it_runs() {
    let json = "{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"t\",\"items\":[{\"id\":\"1\"}]}";
    for (kind, body) in [
        ("text/xml", FEED),
        ("application/rss+xml", FEED),
        ("application/xhtml+xml", FEED),
        ("text/html", FEED),
        ("image/svg+xml", FEED),
        ("application/json", json),
        ("text/html", json),
    ] {
        for sanitize in ["off", "scripts", "strict"] {
            let publisher =
                Origin::start(move |_| Reply::status(200, &[("content-type", kind)], body)).await;
            let keys = format!("sanitize = \"{sanitize}\"\nkeep_items = 5");
            let service = Service::with_feed(&keys, publisher.address()).await;
            let way = format!("{kind}, {sanitize}");
            let answer = get(service.addr, "/feeds/news", &[]).await;
            check(&answer, 200, &way);
            assert!(answer.header("content-security-policy").contains("sandbox"));
            // The first answer may have left before there was a tag.
            let mut tag = String::new();
            while tag.is_empty() {
                let answer = get(service.addr, "/feeds/news", &[]).await;
                tag = answer.header("etag").to_owned();
            }
            let again = get(service.addr, "/feeds/news", &[("if-none-match", &tag)]).await;
            check(&again, 304, &way);
            let head = send(service.addr, "HEAD /feeds/news", &[]).await;
            check(&head, 200, &way);
        }
    }
}

#[tokio::test]
async fn what_runs_outside_of_html_is_stripped_and_nothing_else() {
    let publisher = Origin::start(|_| Reply::ok(FEED)).await;
    let keys = "images = \"none\"\nenvelope = \"keep\"\nrepair = false\n";
    let off = Service::with_feed(&format!("{keys}sanitize = \"off\""), publisher.address()).await;
    let answer = get(off.addr, "/feeds/news", &[]).await;
    assert_eq!(answer.text(), FEED, "without rules nothing changes");
    let on = Service::with_feed(keys, publisher.address()).await;
    let answer = get(on.addr, "/feeds/news", &[]).await;
    let expected = FEED
        .replace("<h:script>1</h:script>", "")
        .replace("<h:script>2</h:script>", "")
        .replace(" onload=\"3\"", "")
        .replace("<h:iframe src=\"x\"/>", "")
        .replace(" onclick=\"4\"", "")
        .replace("&lt;script&gt;5&lt;/script&gt;", "")
        .replace("\"<x/>\"", "\"\"");
    assert_eq!(answer.text(), expected);
}

#[tokio::test]
async fn more_elements_than_are_read_hide_nothing() {
    let evil = "<description>&lt;script&gt;1&lt;/script&gt;</description>";
    let many = "<a/>".repeat(20_500);
    let item = |inside: &str| FEED.replace("<h:iframe src=\"x\"/>", inside);
    for inside in [
        format!("{many}{evil}"),
        format!("<b>{many}{evil}</b>{evil}"),
    ] {
        let feed = item(&inside);
        let publisher = Origin::start(move |_| Reply::ok(&feed)).await;
        let service = Service::with_feed("", publisher.address()).await;
        let answer = get(service.addr, "/feeds/news", &[]).await;
        assert!(answer.text().ends_with("</item></channel></rss>"));
        assert!(!answer.text().contains("script"), "{inside:.40}");
        assert!(answer.text().contains("<guid>g</guid>"));
    }
}

#[tokio::test]
async fn errors_and_pages_of_ours_are_what_they_say() {
    let publisher = Origin::start(|_| Reply::status(500, &[], "<script>1</script>")).await;
    let toml = "[[mirror]]\nname = \"m\"\norigin = \"http://PUBLISHER/\"\nallow_private = [\"PUBLISHER\"]\n\
        [[feed]]\nname = \"news\"\nurl = \"http://PUBLISHER/\"\nallow_private = [\"PUBLISHER\"]\n";
    let service = Service::start(toml, publisher.address()).await;
    for (request, status) in [
        ("GET /", 200),
        ("GET /healthz", 200),
        ("GET /readyz", 200),
        ("GET /feeds/news", 502),
        ("GET /feeds/none", 404),
        ("GET /feeds/news/archive", 404),
        ("GET /%3Cscript%3E", 404),
        ("POST /", 405),
        ("GET /mirror/none/a", 404),
        ("PUT /mirror/m/a", 405),
        ("GET /image/a/b/c", 400),
        ("GET /image?url=http://10.0.0.1/", 403),
    ] {
        let answer = send(service.addr, request, &[]).await;
        check(&answer, status, request);
        assert!(!answer.text().contains("<script>"), "{request}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_writes_lines_of_the_log() {
    let publisher = Origin::start(|_| {
        let forged = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>\
            <rect width='9' height='9' fill='url(#x\n2026-01-01T00:00:00Z ERROR forged \u{1b}[31m\u{202e}'/></svg>";
        Reply::status(200, &[("content-type", "image/svg+xml")], forged)
    })
    .await;
    for format in ["text", "json"] {
        let folder = tempfile::tempdir().unwrap();
        let toml = format!(
            "[store]\npath = \"\"\n[log]\nformat = \"{format}\"\nlevel = \"debug\"\n[image]\nopen = true\n\
             allow_private = [\"{0}\"]\n[[mirror]]\nname = \"m\"\norigin = \"http://{0}/\"\n",
            publisher.address()
        );
        let service = Process::start(folder.path(), &toml);
        let forging = "%0A2026-01-01T00:00:00Z%20ERROR%20forged";
        let path = format!("/image?url={}/a.svg&w=5&x={forging}", publisher.address());
        service.get(&path).await;
        service.get(&format!("/mirror/m/{forging}")).await;
        service.get("/a\u{202e}b\u{2028}2026-01-01T00:00:00Z").await;
        service.get(&format!("/{}", "a".repeat(20_000))).await;
        crate::process::until("it is logged", async || {
            service.log().contains(&"a".repeat(500))
        })
        .await;
        for line in service.log().lines() {
            let is_line = match format {
                "json" => serde_json::from_str::<serde_json::Value>(line).is_ok(),
                _ => line.split(' ').next().unwrap().ends_with('Z') && !line.contains("  ERROR"),
            };
            assert!(is_line && line.len() < 12_000, "{line}");
            assert!(!line.starts_with("2026-01-01"), "{line}");
            assert!(!line.contains(['\u{1b}', '\u{202e}', '\u{2028}']), "{line}");
        }
    }
}
