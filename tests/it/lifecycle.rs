//! The beginning and the end of the process, and what is asked of it in between, by signals.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::origin::{Origin, Reply};
use crate::process::{Process, command, half_held_back, until};
use crate::reader::{ask, read};
use crate::service::feed_of;

/// A configuration without a store, with feeds of this publisher.
fn feeds(publisher: &Origin, names: &[&str]) -> String {
    let host = publisher.address();
    let mut toml = "[store]\npath = \"\"\n".to_owned();
    for name in names {
        toml += &format!(
            "[[feed]]\nname = \"{name}\"\nurl = \"http://{host}/{name}\"\nallow_private = [\"{host}\"]\n"
        );
    }
    toml
}

/// Asks on new connections until it is over: each is refused, or served whole; nothing in between.
async fn ask_again_and_again(
    service: SocketAddr,
    is_over: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
) {
    while !is_over.load(Ordering::SeqCst) {
        let Ok(mut stream) = TcpStream::connect(service).await else {
            continue;
        };
        let request = b"GET /feeds/quick HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        if stream.write_all(request).await.is_err() {
            continue;
        }
        let answer = read(&mut stream).await;
        let is_refused = answer.status == 0 && answer.body.is_empty();
        let is_whole = (answer.status, answer.whole) == (200, true);
        assert!(is_refused || is_whole, "{answer:?}");
        served.fetch_add(usize::from(is_whole), Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_sigterm_under_load_cuts_no_answer() {
    let feed = feed_of(100, 3_000);
    let (publisher, released) = half_held_back(&feed, Reply::ok(&feed)).await;
    let folder = tempfile::tempdir().unwrap();
    let mut service = Process::start(folder.path(), &feeds(&publisher, &["quick", "slow"]));
    let address = service.address;
    service.get("/feeds/quick").await;
    // One that is on its way, one that is idle and kept alive, and many that come and go.
    let mut slow = ask(address, "GET /feeds/slow", &[]).await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    idle.read_exact(&mut [0; 15]).await.unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let served = Arc::new(AtomicUsize::new(0));
    let mut readers = JoinSet::new();
    for _ in 0..20 {
        let (is_over, served) = (Arc::clone(&is_over), Arc::clone(&served));
        readers.spawn(ask_again_and_again(address, is_over, served));
    }
    until("the slow feed is on its way", async || {
        publisher.seen().len() == 2
    })
    .await;
    until("many were served", async || {
        served.load(Ordering::SeqCst) > 200
    })
    .await;
    service.signal("TERM");
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.ok();
    released.send(true).unwrap();
    let answer = read(&mut slow).await;
    assert!(
        answer.whole && answer.text().ends_with("</rss>\n"),
        "{}",
        answer.status
    );
    assert_eq!(service.ended().await.code(), Some(0), "{}", service.log());
    is_over.store(true, Ordering::SeqCst);
    readers.join_all().await;
    until("it is logged", async || service.log().contains("drained")).await;
    let log = service.log();
    assert!(!log.contains("was cut") && !log.contains("ERROR"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_a_second_signal_ends_it_at_once() {
    let hang = Reply::head(200, &[], Some("9999"))
        .send("<rss><channel>")
        .hang();
    let publisher = Origin::start(move |_| hang.clone()).await;
    for (first, second) in [("TERM", "TERM"), ("INT", "INT"), ("INT", "TERM")] {
        let folder = tempfile::tempdir().unwrap();
        let mut service = Process::start(folder.path(), &feeds(&publisher, &["news"]));
        let before = publisher.seen().len();
        let _waiting = ask(service.address, "GET /feeds/news", &[]).await;
        until("it is asked for", async || publisher.seen().len() > before).await;
        service.signal(first);
        until("it drains", async || service.log().contains("draining")).await;
        service.signal(second);
        assert_eq!(service.ended().await.code(), Some(1), "{first} {second}");
    }
}

#[test]
fn p3_a_wrong_configuration_is_told_where_and_why_and_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let feed = "[[feed]]\nname = \"a\"\nurl = \"https://a.example.org/\"\n";
    for (what, toml, code, said) in [
        ("syntax", "[server\n".to_owned(), 2, "feedwright.toml:1"),
        (
            "a key",
            "[server]\nlissten = \"x\"\n".to_owned(),
            2,
            "lissten",
        ),
        (
            "a name twice",
            format!("{feed}{feed}"),
            2,
            "feedwright.toml:5",
        ),
        (
            "a template",
            format!("{feed}footer = \"{{{{ item.\"\n"),
            2,
            "footer",
        ),
        (
            "a pattern",
            format!("{feed}drop = [{{ title = \"(\" }}]\n"),
            2,
            "title",
        ),
        (
            "a port",
            format!("[store]\npath = \"\"\n[server]\nlisten = \"{taken}\"\n"),
            1,
            "server.listen",
        ),
    ] {
        let file = folder.path().join("feedwright.toml");
        std::fs::write(&file, toml).unwrap();
        let output = command("", &["serve", "--config", file.to_str().unwrap()])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{what}: {text}");
        assert!(text.contains(said), "{what}: {text}");
        assert!(!text.contains("panicked"), "{what}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_without_any_publisher_it_starts_and_serves_as_soon_as_one_is_there() {
    let everywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let origin = Origin::bind(everywhere, |_| Reply::default())
        .await
        .unwrap();
    let address = origin.address();
    let toml =
        "[defaults]\nretry_after_error = \"1s\"\n".to_owned() + &feeds(&origin, &["a", "b", "c"]);
    drop(origin);
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start(folder.path(), &toml);
    assert_eq!(service.readiness().await, "ready\n");
    for name in ["a", "b", "c"] {
        let answer = service.get(&format!("/feeds/{name}")).await;
        assert_eq!(answer.status, 502);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.header("cache-status").ends_with("detail=connect"));
    }
    let _origin = Origin::bind(address, |_| Reply::ok(feed_of(3, 100)))
        .await
        .unwrap();
    for name in ["a", "b", "c"] {
        until("it is served", async || {
            let answer = service.get(&format!("/feeds/{name}")).await;
            (answer.status, answer.whole) == (200, true)
        })
        .await;
    }
    assert_eq!(service.terminate().await, Some(0));
}
