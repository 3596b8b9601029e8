//! Upstreams that misbehave on the wire, one after the other in the same frame: a feed of which there is
//! a copy, one of which there is none, and one of another host that has nothing to do with it.
//!
//! For each of them holds: a 200 that ends cleanly is a whole feed; the copy stays; the other feed is
//! served; `Cache-Status` and the page for people say what happened; and once the publisher is back,
//! so is everything, with no task left over.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::origin::{Origin, Reply};
use crate::reader::Answer;
use crate::service::feed_of;
use crate::simulation::Simulation;

const HOUR: Duration = Duration::from_secs(3_600);
const MINUTE: Duration = Duration::from_secs(60);

/// What such a fault may come to.
#[derive(Clone, Copy)]
enum Outcome {
    /// An error with one of these words.
    Error(&'static [&'static str]),
    /// It does no harm: this many items arrive.
    Feed(usize),
}
use Outcome::{Error, Feed};

/// Tasks of this test's runtime.
fn tasks_alive() -> usize {
    tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
}

/// Three feeds: two of the host that comes to misbehave, and one of another.
fn feeds(port: u16) -> String {
    let mut toml = String::new();
    for (name, host) in [("known", 1), ("cold", 1), ("other", 2)] {
        let host = format!("127.78.1.{host}:{port}");
        toml += &format!(
            "[[feed]]\nname = \"{name}\"\nurl = \"http://{host}/{name}\"\nallow_private = [\"{host}\"]\nactive_for = \"0s\"\n"
        );
    }
    toml
}

/// Plays one fault in the frame above.
async fn check(what: &str, bad: Reply, outcome: Outcome) {
    let is_bad = Arc::new(AtomicBool::new(false));
    let origin = {
        let is_bad = Arc::clone(&is_bad);
        let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let good = Reply::ok(feed_of(3, 100));
        let answer = move |head: &str| match head.starts_with("GET /other ") {
            false if is_bad.load(Ordering::SeqCst) => bad.clone(),
            _ => good.clone(),
        };
        Origin::bind(everywhere, answer).await.unwrap()
    };
    let toml = feeds(origin.address().port());
    let mut service = Simulation::start(&toml, origin.address()).await;
    let before = service.read("/feeds/known", &[]).await;
    service.pass_in(10 * MINUTE, 2 * HOUR).await;
    let tasks = tasks_alive();

    is_bad.store(true, Ordering::SeqCst);
    let asked = ["/feeds/known", "/feeds/cold", "/feeds/other"];
    let asked = asked.map(|path| (path.to_owned(), Vec::new())).to_vec();
    let answers = service.read_all(asked).await;
    assert!(
        (answers[2].status, answers[2].whole) == (200, true),
        "{what}: another host's"
    );
    let page = service.read("/", &[]).await;
    let page = page.text();
    match outcome {
        Error(words) => refused(what, words, (&answers[0], &answers[1]), (&before, page)),
        Feed(items) => {
            for answer in &answers[..2] {
                assert_eq!((answer.status, answer.whole), (200, true), "{what}");
                assert_eq!(answer.text().matches("</item>").count(), items, "{what}");
            }
            assert!(!page.contains("The last fetch failed"), "{what}");
        }
    }

    is_bad.store(false, Ordering::SeqCst);
    service.pass_in(10 * MINUTE, 25 * HOUR).await;
    for path in ["/feeds/known", "/feeds/cold"] {
        let back = service.read(path, &[]).await;
        assert_eq!((back.status, back.whole), (200, true), "{what}");
        assert!(!back.header("cache-status").contains("detail"), "{what}");
    }
    service.pass_in(10 * MINUTE, HOUR).await;
    assert!(tasks_alive() <= tasks, "{what}: a task is left");
    service.stop().await;
}

/// The copy is served, without one there is an error, and both say one of these words.
#[track_caller]
fn refused(
    what: &str,
    words: &[&str],
    (known, cold): (&Answer, &Answer),
    (before, page): (&Answer, &str),
) {
    assert_eq!((known.status, known.whole), (200, true), "{what}");
    assert_eq!(known.body, before.body, "{what}: the copy was replaced");
    let says = |text: &str| words.iter().any(|word| text.ends_with(word));
    let status = known.header("cache-status");
    assert!(says(status), "{what}: {status}");
    assert!(
        status.starts_with("Feedwright; fwd=stale; "),
        "{what}: {status}"
    );
    // Where it broke off before the head left, there is not even that.
    if matches!(cold.status, 0 | 200) {
        assert!(!cold.whole, "{what}: half a feed as if it were whole");
    } else {
        assert_eq!(cold.status, 502, "{what}");
        assert!(says(cold.header("cache-status")), "{what}");
        assert_eq!(cold.header("cache-control"), "no-store", "{what}");
        assert_eq!(cold.header("retry-after"), "", "{what}");
    }
    let told = words
        .iter()
        .map(|word| format!("The last fetch failed: {word}."));
    let told: usize = told.map(|line| page.matches(&line).count()).sum();
    assert_eq!(told, 2, "{what}: {page}");
}

fn raw(answer: impl AsRef<[u8]>) -> Reply {
    Reply::default().send(answer).close()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(start_paused = true)]
async fn u1_a_connection_that_is_reset_or_closed_before_there_is_an_answer() {
    check("reset", Reply::default().reset(), Error(&["cut"])).await;
    check("closed", Reply::default().close(), Error(&["cut"])).await;
    check(
        "half a head",
        raw("HTTP/1.1 200 OK\r\nserver: x"),
        Error(&["cut"]),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn u2_u3_u5_u6_bodies_that_end_too_early() {
    let feed = feed_of(10, 1_000);
    let half = &feed[..feed.len() / 2];
    let length = feed.len().to_string();
    let declared = || Reply::head(200, &[], Some(&length)).send(half);
    check("u2: reset", declared().reset(), Error(&["cut"])).await;
    check(
        "u3: less than was declared",
        declared().close(),
        Error(&["cut"]),
    )
    .await;
    let chunked = Reply::head(200, &[("transfer-encoding", "chunked")], None);
    let chunk = format!("{:x}\r\n{half}\r\n", half.len());
    check(
        "u5: no last chunk",
        chunked.send(chunk).close(),
        Error(&["cut"]),
    )
    .await;
    let old = format!("HTTP/1.0 200 OK\r\n\r\n{half}");
    check(
        "u6: the end of an HTTP/1.0 connection",
        raw(old),
        Error(&["truncated"]),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn u4_more_than_was_declared_is_not_read_and_the_connection_not_used_again() {
    let feed = feed_of(2, 100);
    let more = |length: usize, rest: &str| {
        let length = length.to_string();
        Reply::head(200, &[], Some(&length)).send(format!("{feed}{rest}"))
    };
    // What follows looks like the answer to the next request.
    let smuggled = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong";
    check("a second answer", more(feed.len(), smuggled), Feed(2)).await;
    check("junk", more(feed.len(), "\0\0\0"), Feed(2)).await;
    check(
        "too little",
        more(feed.len() - 20, ""),
        Error(&["truncated"]),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn u7_answers_that_are_not_http() {
    let feed = feed_of(2, 100);
    let many: String = (0..150).map(|n| format!("x-{n}: y\r\n")).collect();
    let large = "y".repeat(1 << 20);
    let length = feed.len();
    for (what, head) in [
        (
            "two lengths",
            format!("content-length: {length}\r\ncontent-length: 7\r\n"),
        ),
        ("a folded line", "server: a\r\n b\r\n".to_owned()),
        ("NUL", "server: a\0b\r\n".to_owned()),
        ("150 header fields", many),
        ("1 MB in one field", format!("x: {large}\r\n")),
        ("no number", "content-length: ten\r\n".to_owned()),
        ("no colon", "server\r\n".to_owned()),
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n{feed}");
        // Where we hang up before all was sent, that may show first.
        check(what, raw(answer), Error(&["protocol", "cut"])).await;
    }
    for (what, answer) in [
        ("no HTTP", "SSH-2.0-OpenSSH_9.2\r\n"),
        (
            "a chunk of size zz",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n<rss",
        ),
        (
            "a chunk of 2^70 bytes",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n400000000000000000\r\n<rss",
        ),
        ("status 1000", "HTTP/1.1 1000 OK\r\n\r\n"),
    ] {
        check(what, raw(answer), Error(&["protocol", "cut"])).await;
    }
    // RFC 9112 §6.3: chunked goes before a length; what such a message says twice is read once.
    let both = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{feed}\r\n0\r\n\r\n"
    );
    check("a length and chunks", raw(both), Feed(2)).await;
}

#[tokio::test(start_paused = true)]
async fn u10_u11_answers_that_are_no_feed() {
    let html = [("content-type", "text/html")];
    let xml = [("content-type", "application/rss+xml")];
    let page = "<!doctype html><html><body><form action=/login></form></body></html>";
    for (what, reply) in [
        ("a login page", Reply::status(200, &html, page)),
        (
            "one that calls itself a feed",
            Reply::status(200, &xml, page),
        ),
        ("nothing", Reply::status(200, &xml, "")),
        ("white space", Reply::status(200, &xml, " \r\n\t ")),
        ("JSON", Reply::ok("{\"error\": 1}")),
        ("an image", Reply::ok(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")),
    ] {
        check(what, reply, Error(&["not-a-feed"])).await;
    }
    let feed = Reply::status(200, &html, feed_of(2, 100));
    check("a feed that calls itself a page", feed, Feed(2)).await;
}

#[tokio::test(start_paused = true)]
async fn u21_bodies_without_an_end_and_bombs() {
    let length = (10_u64 << 30).to_string();
    let start = "<rss><channel><item><title>";
    let declared = Reply::head(200, &[], Some(&length)).send(start);
    check("10 GB are declared", declared, Error(&["too-large"])).await;
    let endless = Reply::head(200, &[], None)
        .send(start)
        .send("x".repeat(17 << 20))
        .close();
    check("more and more", endless, Error(&["too-large"])).await;
    let bomb = gzip(&[start.as_bytes(), &vec![b' '; 40 << 20]].concat());
    let coded = [("content-encoding", "gzip")];
    let bomb = Reply::status(200, &coded, bomb);
    check("a bomb", bomb, Error(&["too-large"])).await;
    let layered = Reply::status(200, &[("content-encoding", "gzip, gzip, gzip")], "x");
    check("layers", layered, Error(&["coding"])).await;
}

#[tokio::test(start_paused = true)]
async fn u22_content_codings_that_lie() {
    let feed = feed_of(2, 1_000);
    let coded = gzip(feed.as_bytes());
    let says =
        |coding: &str, body: &[u8]| Reply::status(200, &[("content-encoding", coding)], body);
    check(
        "plain, said to be gzip",
        says("gzip", feed.as_bytes()),
        Feed(2),
    )
    .await;
    check("gzip, said to be plain", Reply::ok(&coded), Feed(2)).await;
    check(
        "junk behind",
        says("gzip", &[&coded[..], b"\0\0junk"].concat()),
        Feed(2),
    )
    .await;
    let cut = &coded[..coded.len() - 9];
    check("cut", says("gzip", cut), Error(&["cut"])).await;
    check(
        "gzip, said to be br",
        says("br", &coded),
        Error(&["coding", "cut"]),
    )
    .await;
    check("unheard of", says("compress", &coded), Error(&["coding"])).await;
}

#[tokio::test(start_paused = true)]
async fn u24_times_that_no_clock_shows() {
    let huge = "99999999999999999999";
    let long_ago = "Thu, 01 Jan 1970 00:00:00 GMT";
    let far_ahead = "Fri, 31 Dec 9999 23:59:59 GMT";
    for headers in [
        [("date", far_ahead), ("expires", long_ago)],
        [("date", long_ago), ("expires", far_ahead)],
        [("age", "-5"), ("cache-control", "max-age=60")],
        [("age", huge), ("cache-control", "max-age=600")],
        [("age", "1.5"), ("cache-control", "max-age=-1")],
        [
            ("cache-control", "max-age=99999999999999999999"),
            ("age", "0"),
        ],
        [("date", "yesterday"), ("expires", "0")],
        [("last-modified", far_ahead), ("date", long_ago)],
    ] {
        let origin = Origin::start(move |_| Reply::status(200, &headers, feed_of(2, 100))).await;
        let toml = "[[feed]]\nname = \"news\"\nurl = \"http://PUBLISHER/\"\nallow_private = [\"PUBLISHER\"]\nrefresh_max = \"12h\"\n";
        let mut service = Simulation::start(toml, origin.address()).await;
        let answer = service.read("/feeds/news", &[]).await;
        assert_eq!((answer.status, answer.whole), (200, true), "{headers:?}");
        let max_age = answer.header("cache-control").rsplit('=').next().unwrap();
        let max_age: u64 = max_age.parse().unwrap();
        // Between `refresh_min` (here `refresh`, an hour) and `refresh_max`, and a fifth.
        assert!(
            (3_600..=51_840).contains(&max_age),
            "{headers:?}: {max_age}"
        );
        service.pass_in(10 * MINUTE, 48 * HOUR).await;
        let asked = origin.seen().len();
        assert!(
            (4..=49).contains(&asked),
            "{headers:?}: {asked} requests in two days"
        );
        service.stop().await;
    }
}
