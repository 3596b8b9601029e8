//! Upstreams that fail: a clean 200 is whole, and a good copy is never replaced by a worse one.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::origin::{Origin, Reply, field};
use crate::reader::{get, read};
use crate::service::{Service, feed_of};

/// Every request after the first second finds the copy stale.
const SHORT: &str = "images = \"weserv\"\nrefresh = \"1s\"\nretry_after_error = \"1s\"\nserve_stale_after = \"300ms\"";

/// A copy is fresh for a second and up to a fifth of one.
const PAST_FRESH: Duration = Duration::from_millis(1_250);

/// What upstream says instead of a feed, and the word for it.
fn bad_replies() -> Vec<(&'static str, Reply)> {
    let html = "<!doctype html><html><head><title>Log in</title></head><body>…</body></html>";
    let feed = feed_of(10, 1_000);
    let cut = &feed[..feed.len() / 2];
    let length = feed.len().to_string();
    let chunk = format!("{:x}\r\n{cut}\r\n", cut.len());
    vec![
        ("not-a-feed", Reply::ok(html)),
        ("not-a-feed", Reply::ok("")),
        ("not-a-feed", Reply::ok(" \n\n ")),
        ("not-a-feed", Reply::ok("{\"error\": \"no such feed\"}")),
        // `<?xml` in EBCDIC.
        ("not-a-feed", Reply::ok(b"\x4C\x6F\xA7\x94\x93\x40")),
        ("truncated", Reply::ok(cut)),
        (
            "truncated",
            Reply::head(200, &[("connection", "close")], None)
                .send(cut)
                .close(),
        ),
        (
            "cut",
            Reply::head(200, &[], Some(&length)).send(cut).close(),
        ),
        (
            "cut",
            Reply::head(200, &[], Some(&length)).send(cut).reset(),
        ),
        (
            "cut",
            Reply::head(200, &[("transfer-encoding", "chunked")], None)
                .send(chunk)
                .close(),
        ),
        ("status", Reply::status(500, &[], "")),
        ("status", Reply::status(404, &[], "gone fishing")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn u2_u3_u5_u6_u10_u11_with_a_copy_at_hand_the_copy_is_served() {
    let mut cases = JoinSet::new();
    let busy = ("status", Reply::status(429, &[], ""));
    for (reason, bad) in bad_replies().into_iter().chain([busy]) {
        cases.spawn(serve_the_copy_when(reason, bad));
    }
    cases.join_all().await;
}

async fn serve_the_copy_when(reason: &str, bad: Reply) {
    let good = Reply::ok(feed_of(10, 1_000));
    let publisher = Origin::script(vec![good, bad]).await;
    let service = Service::with_feed(SHORT, publisher.address()).await;
    let before = get(service.addr, "/feeds/news", &[]).await;
    tokio::time::sleep(PAST_FRESH).await;
    let after = get(service.addr, "/feeds/news", &[]).await;
    assert_eq!(publisher.seen().len(), 2, "{reason}");
    assert_eq!((after.status, after.whole), (200, true), "{reason}");
    assert_eq!(after.body, before.body, "{reason}");
    let status = after.header("cache-status");
    assert!(
        status.starts_with("Feedwright; fwd=stale; ") && status.ends_with(reason),
        "{reason}: {status}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn u2_u3_u5_u6_u10_u11_without_a_copy_the_answer_is_an_error_or_breaks_off() {
    let mut cases = JoinSet::new();
    for (reason, bad) in bad_replies() {
        cases.spawn(never_pretend_when(reason, bad));
    }
    cases.join_all().await;
}

async fn never_pretend_when(reason: &str, bad: Reply) {
    let publisher = Origin::script(vec![bad, Reply::ok(feed_of(10, 1_000))]).await;
    let service = Service::with_feed(SHORT, publisher.address()).await;
    let answer = get(service.addr, "/feeds/news", &[]).await;
    // Where the head was still in hyper's buffer when the body broke off, not even that is sent.
    if matches!(answer.status, 0 | 200) {
        assert!(!answer.whole, "{reason}: a clean 200 of half a feed");
    } else {
        assert!(
            matches!(answer.status, 404 | 502),
            "{reason}: {}",
            answer.status
        );
        assert_eq!(answer.header("cache-control"), "no-store", "{reason}");
        assert_eq!(answer.header("retry-after"), "", "{reason}");
    }
    tokio::time::sleep(PAST_FRESH).await;
    let later = get(service.addr, "/feeds/news", &[]).await;
    assert_eq!((later.status, later.whole), (200, true), "{reason}");
}

#[tokio::test]
async fn upstream_is_asked_conditionally_and_a_304_keeps_the_copy() {
    let headers = [
        ("etag", "RSS-f3fd without quotes"),
        ("last-modified", "some day in 1980"),
    ];
    let good = Reply::status(200, &headers, feed_of(10, 1_000));
    let publisher = Origin::script(vec![good, Reply::status(304, &[], "")]).await;
    let service = Service::with_feed(SHORT, publisher.address()).await;
    let before = get(service.addr, "/feeds/news", &[]).await;
    tokio::time::sleep(PAST_FRESH).await;
    let after = get(service.addr, "/feeds/news", &[]).await;
    let seen = publisher.seen();
    assert_eq!(field(&seen[0], "if-none-match"), None);
    assert_eq!(
        field(&seen[1], "if-none-match"),
        Some("RSS-f3fd without quotes")
    );
    assert_eq!(
        field(&seen[1], "if-modified-since"),
        Some("some day in 1980")
    );
    assert_eq!(after.body, before.body);
    assert_eq!(after.header("etag"), before.header("etag"));
    assert!(
        after
            .header("cache-status")
            .starts_with("Feedwright; fwd=stale; stored")
    );
}

#[tokio::test]
async fn u23_the_same_feed_under_new_validators_stays_unmodified_for_readers() {
    let reply = |tag: &str| Reply::status(200, &[("etag", tag)], feed_of(10, 1_000));
    let publisher = Origin::script(vec![reply("\"1\""), reply("\"2\"")]).await;
    let service = Service::with_feed(SHORT, publisher.address()).await;
    let before = get(service.addr, "/feeds/news", &[]).await;
    tokio::time::sleep(PAST_FRESH).await;
    let condition = [("if-none-match", before.header("etag"))];
    let after = get(service.addr, "/feeds/news", &condition).await;
    assert_eq!(after.status, 304);
    assert_eq!(publisher.seen().len(), 2);
}

#[tokio::test]
async fn u20_a_slow_upstream_does_not_keep_a_reader_who_can_have_the_copy() {
    let good = Reply::ok(feed_of(10, 1_000));
    let slow = Reply::default()
        .wait(Duration::from_secs(2))
        .send("HTTP/1.1 500 No\r\n\r\n")
        .close();
    let publisher = Origin::script(vec![good, slow]).await;
    let service = Service::with_feed(SHORT, publisher.address()).await;
    get(service.addr, "/feeds/news", &[]).await;
    tokio::time::sleep(PAST_FRESH).await;
    let answer = get(service.addr, "/feeds/news", &[]).await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.header("cache-status").ends_with("detail=slow"),
        "{}",
        answer.header("cache-status")
    );
}

#[tokio::test]
async fn a_private_upstream_that_nobody_allowed_is_refused_without_a_connection() {
    let publisher = Origin::start(|_| Reply::ok(feed_of(1, 10))).await;
    let toml = "[[feed]]\nname = \"news\"\nurl = \"http://PUBLISHER/feed.xml\"";
    let service = Service::start(toml, publisher.address()).await;
    let answer = get(service.addr, "/feeds/news", &[]).await;
    assert_eq!(answer.status, 502);
    assert_eq!(publisher.settled_accepts().await, 0);
}

#[tokio::test]
async fn retry_after_keeps_us_away() {
    let busy = Reply::status(429, &[("retry-after", "3600")], "");
    let publisher = Origin::script(vec![busy, Reply::ok(feed_of(1, 10))]).await;
    let service = Service::with_feed(SHORT, publisher.address()).await;
    assert_eq!(get(service.addr, "/feeds/news", &[]).await.status, 502);
    tokio::time::sleep(PAST_FRESH).await;
    let later = get(service.addr, "/feeds/news", &[]).await;
    assert_eq!(later.status, 502);
    assert_eq!(later.header("retry-after"), "");
    assert_eq!(publisher.seen().len(), 1);
}

#[tokio::test]
async fn a_feed_that_lost_all_items_does_not_replace_one_that_has_some() {
    let empty = Reply::ok("<rss><channel><title>News</title></channel></rss>");
    let publisher = Origin::script(vec![Reply::ok(feed_of(3, 10)), empty]).await;
    let service = Service::with_feed(SHORT, publisher.address()).await;
    let before = get(service.addr, "/feeds/news", &[]).await;
    tokio::time::sleep(PAST_FRESH).await;
    let after = get(service.addr, "/feeds/news", &[]).await;
    assert_eq!(after.body, before.body);
    assert!(after.header("cache-status").ends_with("detail=no-items"));
}

#[tokio::test]
async fn a_feed_that_stays_without_items_is_believed_in_the_end() {
    let empty = Reply::ok("<rss><channel><title>News</title></channel></rss>");
    let publisher = Origin::script(vec![Reply::ok(feed_of(3, 10)), empty]).await;
    let keys = format!("{SHORT}\nstale_if_error = \"1s\"");
    let service = Service::with_feed(&keys, publisher.address()).await;
    let before = get(service.addr, "/feeds/news", &[]).await;
    assert!(before.text().contains("news-0</guid>"));
    for _ in 0..100 {
        let now = get(service.addr, "/feeds/news", &[]).await;
        if now.status == 200 && !now.text().contains("<item>") {
            assert!(now.text().contains("<title>News</title>"));
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the publisher's feed never came");
}

#[tokio::test]
async fn u23_new_items_under_old_validators_reach_readers() {
    let reply = |items| Reply::status(200, &[("etag", "\"same\"")], feed_of(items, 10));
    let publisher = Origin::script(vec![reply(1), reply(2)]).await;
    let service = Service::with_feed(SHORT, publisher.address()).await;
    get(service.addr, "/feeds/news", &[]).await;
    let before = get(service.addr, "/feeds/news", &[]).await;
    tokio::time::sleep(PAST_FRESH).await;
    let condition = [("if-none-match", before.header("etag"))];
    let after = get(service.addr, "/feeds/news", &condition).await;
    assert_eq!(after.status, 200);
    assert!(after.text().contains("news-1</guid>"));
}

#[tokio::test]
async fn http_1_0_never_ends_half_a_feed_as_if_it_were_whole() {
    let feed = feed_of(40, 2_000);
    let half = &feed[..feed.len() / 2];
    let length = feed.len().to_string();
    let cut = Reply::head(200, &[], Some(&length))
        .send(half)
        .wait(Duration::from_millis(200))
        .close();
    let publisher = Origin::script(vec![cut, Reply::ok(&feed)]).await;
    let service = Service::with_feed(SHORT, publisher.address()).await;
    let ask = async || {
        let mut stream = TcpStream::connect(service.addr).await.unwrap();
        stream
            .write_all(b"GET /feeds/news HTTP/1.0\r\n\r\n")
            .await
            .unwrap();
        read(&mut stream).await
    };
    assert_eq!(ask().await.status, 502);
    tokio::time::sleep(PAST_FRESH).await;
    let whole = ask().await;
    assert_eq!(
        (whole.status, whole.text().ends_with("</rss>\n")),
        (200, true)
    );
}

#[tokio::test]
async fn rules_that_would_fill_the_memory_are_given_up() {
    let base = "x".repeat(8_000);
    let images = "<img src=a>".repeat(20_000);
    let feed = format!(
        "<rss><channel><item><link>https://x.example/{base}/</link><description><![CDATA[{images}]]>\
         </description></item></channel></rss>"
    );
    let publisher = Origin::start(move |_| Reply::ok(&feed)).await;
    let service = Service::with_feed(SHORT, publisher.address()).await;
    let answer = get(service.addr, "/feeds/news", &[]).await;
    assert!(
        answer.status == 502 || !answer.whole,
        "a clean 200 of what no rule asked for"
    );
    let later = get(service.addr, "/feeds/news", &[]).await;
    assert!(later.text().contains("too-large"), "{}", later.text());
}

#[tokio::test]
async fn a_root_with_nothing_in_it_is_no_feed() {
    for document in [
        "<rss/>",
        "<rss><error>no database</error></rss>",
        "<feed></feed>",
    ] {
        let publisher = Origin::start(move |_| Reply::ok(document)).await;
        let service = Service::with_feed(SHORT, publisher.address()).await;
        let answer = get(service.addr, "/feeds/news", &[]).await;
        assert_eq!(answer.status, 502, "{document}");
    }
}
