//! What a restart leaves: the same bytes under the same tag, without asking the publisher while they
//! are fresh, and with its own validators when they are not.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::full_text::{self, own_host, path_of};
use crate::origin::{Origin, Reply};
use crate::process::Process;
use crate::reader::{Answer, get};
use crate::service::{Service, feed_of};

/// A feed in front of `publisher`, with a store in `folder`.
async fn start(folder: &Path, publisher: SocketAddr, keys: &str) -> Service {
    let path = folder.join("data");
    let toml = format!(
        "[store]\npath = \"{}\"\n[[feed]]\nname = \"news\"\nurl = \"http://PUBLISHER/feed.xml\"\n\
         allow_private = [\"PUBLISHER\"]\nimages = \"weserv\"\n{keys}\n",
        path.display()
    );
    Service::start(&toml, publisher).await
}

/// Stops a service and waits until the next one may have its directory.
async fn stop(service: Service) {
    let store = service.app.store.clone();
    service.drain().await;
    store.close().await;
}

/// What a service that ran before answered.
async fn served_before(folder: &Path, publisher: SocketAddr, keys: &str) -> Answer {
    let service = start(folder, publisher, keys).await;
    let answer = get(service.addr, "/feeds/news", &[]).await;
    assert_eq!(answer.status, 200);
    stop(service).await;
    answer
}

/// No header field should hold these bytes, and no date looks like this.
const TAG: &str = "W/\"ä\u{ff}\" \"";
const DATE: &str = "not a date";

/// Whether a request's head, in which each byte is a character, names exactly these.
fn is_conditional(head: &str) -> bool {
    let tag: String = TAG.bytes().map(char::from).collect();
    head.contains(&format!("if-none-match: {tag}\r\n"))
        && head.contains(&format!("if-modified-since: {DATE}\r\n"))
}

/// A publisher whose validators are unusual, and that answers 304 to them alone.
async fn publisher() -> Origin {
    Origin::start(|head| {
        let headers = [
            ("content-type", "text/xml"),
            ("etag", TAG),
            ("last-modified", DATE),
        ];
        if is_conditional(head) {
            return Reply::head(304, &[("x-news", "none")], None);
        }
        Reply::status(200, &headers, feed_of(50, 2_000))
    })
    .await
}

fn told(answer: &Answer) -> [String; 3] {
    ["etag", "last-modified", "content-type"].map(|name| answer.header(name).to_owned())
}

#[tokio::test]
async fn a_fresh_feed_is_served_after_a_restart_without_asking() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = publisher().await;
    let address = publisher.address();
    let first = served_before(folder.path(), address, "").await;

    let service = start(folder.path(), address, "").await;
    let second = get(service.addr, "/feeds/news", &[]).await;
    assert_eq!(second.body, first.body);
    assert_eq!(told(&second), told(&first));
    let status = second.header("cache-status");
    assert!(status.starts_with("Feedwright; hit; ttl="), "{status}");
    assert_eq!(publisher.seen().len(), 1);
    let tag = [("if-none-match", first.header("etag"))];
    assert_eq!(get(service.addr, "/feeds/news", &tag).await.status, 304);
    stop(service).await;
}

#[tokio::test]
async fn a_stale_feed_is_confirmed_by_the_publishers_own_validators() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = publisher().await;
    let address = publisher.address();
    let soon = "refresh = \"1s\"\nrefresh_min = \"1s\"\nrefresh_max = \"1s\"";
    let first = served_before(folder.path(), address, soon).await;
    tokio::time::sleep(Duration::from_millis(1_300)).await;

    let service = start(folder.path(), address, soon).await;
    let second = get(service.addr, "/feeds/news", &[]).await;
    assert_eq!(second.body, first.body);
    assert_eq!(told(&second), told(&first));
    let seen = publisher.seen();
    assert_eq!(seen.len(), 2);
    assert!(is_conditional(&seen[1]), "{}", seen[1]);
    stop(service).await;

    // The confirmation was stored, too: what comes next knows of it.
    let service = start(folder.path(), address, "").await;
    let third = get(service.addr, "/feeds/news", &[]).await;
    assert_eq!((told(&third), third.body), (told(&first), first.body));
    stop(service).await;
}

#[tokio::test]
async fn the_stored_feed_stands_in_for_a_publisher_that_is_down() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = publisher().await;
    let address = publisher.address();
    let soon = "refresh = \"1s\"\nrefresh_min = \"1s\"\nrefresh_max = \"1s\"";
    let first = served_before(folder.path(), address, soon).await;
    drop(publisher);
    tokio::time::sleep(Duration::from_millis(1_300)).await;

    let service = start(folder.path(), address, soon).await;
    for _ in 0..2 {
        let second = get(service.addr, "/feeds/news", &[]).await;
        assert_eq!((second.status, second.body), (200, first.body.clone()));
        assert_eq!(second.headers["etag"], first.headers["etag"]);
        let status = second.headers["cache-status"].to_str().unwrap().to_owned();
        assert!(status.contains("; detail=connect"), "{status}");
    }
    stop(service).await;
}

#[tokio::test]
async fn other_rules_and_other_addresses_make_other_feeds() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = publisher().await;
    let address = publisher.address();
    let first = served_before(folder.path(), address, "").await;

    // Rewritten anew, from what is stored, under another tag.
    let service = start(folder.path(), address, "footer = \"<p>new</p>\"").await;
    let second = get(service.addr, "/feeds/news", &[]).await;
    assert!(second.text().contains("<p>new</p>"));
    assert_ne!(second.header("etag"), first.header("etag"));
    assert_eq!(publisher.seen().len(), 1);
    stop(service).await;

    // Another publisher under the same name.
    let other = Origin::script(vec![Reply::ok(feed_of(3, 100))]).await;
    let service = start(folder.path(), other.address(), "").await;
    let third = get(service.addr, "/feeds/news", &[]).await;
    assert!(third.body.len() < first.body.len());
    assert_eq!(other.seen().len(), 1);
    assert!(!other.seen()[0].contains("if-none-match"));
    stop(service).await;
}

#[tokio::test]
async fn no_article_of_another_feed_under_the_same_name_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = async || {
        Origin::start(|head| match path_of(head) {
            "/feed.xml" => Reply::ok(full_text::feed(own_host(head), &["/a"])),
            // Each time such a page is read, the log says that there is no article on it.
            _ => Reply::status(200, &[("content-type", "text/html")], "<p>Short."),
        })
        .await
    };
    let serve = async |own: SocketAddr| {
        let toml = format!(
            "[[feed]]\nname = \"news\"\nurl = \"http://{own}/feed.xml\"\nallow_private = [\"{own}\"]\nfull_text = true\n"
        );
        let process = Process::start(folder.path(), &toml);
        assert_eq!(process.get("/feeds/news").await.status, 200);
        let mut tries = 0;
        while !process.log().contains(&format!(
            "no full text feed.name=\"news\" url=\"http://{own}/a"
        )) {
            tries += 1;
            assert!(tries < 1_000, "{}", process.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let log = process.log();
        assert_eq!(process.terminate().await, Some(0));
        log
    };
    let (first, second) = (publisher().await, publisher().await);
    serve(first.address()).await;
    let log = serve(second.address()).await;
    assert!(!log.contains(&first.address().to_string()), "{log}");
}

#[tokio::test]
async fn readers_that_come_at_once_after_a_restart_are_served_alike() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = publisher().await;
    let address = publisher.address();
    let first = served_before(folder.path(), address, "").await;
    let service = start(folder.path(), address, "").await;
    let gets = (0..50).map(|_| get(service.addr, "/feeds/news", &[]));
    for answer in futures_util::future::join_all(gets).await {
        assert_eq!((answer.status, answer.whole), (200, true));
        assert_eq!(
            (told(&answer), answer.body),
            (told(&first), first.body.clone())
        );
    }
    assert_eq!(publisher.seen().len(), 1);
    stop(service).await;
}

#[tokio::test]
async fn what_is_purged_is_fetched_anew() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = publisher().await;
    let service = start(folder.path(), publisher.address(), "").await;
    get(service.addr, "/feeds/news", &[]).await;
    // It is stored some time after it was served, and forgotten some time after it was purged.
    let mut tries = 0;
    while publisher.seen().len() == 1 {
        tries += 1;
        assert!(tries < 2_000);
        if service.app.store.status().entries == 1 {
            let purge = feedwright::store::Purge::default();
            assert_eq!(service.app.store.purge(purge).await, 1);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        get(service.addr, "/feeds/news", &[]).await;
    }
    assert!(!publisher.seen()[1].contains("if-none-match"));
    stop(service).await;
}
