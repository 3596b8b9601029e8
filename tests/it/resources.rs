//! A process that runs out of file descriptors or of the memory it was given, and readers who see to
//! that: it goes on, and gives back what it took.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::origin::{Origin, Reply};
use crate::process::{Process, children, until};
use crate::reader::ask;
use crate::service::feed_of;

/// A configuration with one feed of this publisher.
fn news(publisher: &Origin, server: &str) -> String {
    let host = publisher.address();
    format!(
        "[store]\npath = \"\"\n[server]\n{server}\n[[feed]]\nname = \"news\"\nurl = \"http://{host}/\"\nallow_private = [\"{host}\"]\n"
    )
}

/// Whether a connection that is kept alive gets what it asks for.
async fn is_served(stream: &mut TcpStream, path: &str) -> bool {
    ask_one(stream, path).await.starts_with("HTTP/1.1 200")
}

/// Asks on a connection that is kept alive; the head of the answer, or nothing.
async fn ask_one(stream: &mut TcpStream, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = tokio::time::timeout(Duration::from_secs(10), read_one(stream)).await;
    answer.unwrap_or_default()
}

/// Reads one answer of known length, and no more; its head.
async fn read_one(stream: &mut TcpStream) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else {
            return String::new();
        };
        head.push(char::from(byte));
    }
    let length = head.split("content-length: ").nth(1).unwrap();
    let length = length.split("\r\n").next().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    head
}

#[tokio::test(flavor = "multi_thread")]
async fn r1_the_limit_of_open_files_is_raised_and_connections_stay_below_it() {
    let publisher = Origin::start(|_| Reply::ok(feed_of(3, 100))).await;
    let folder = tempfile::tempdir().unwrap();
    let toml = news(&publisher, "");
    let service = Process::start_with(folder.path(), &toml, "ulimit -Sn 40; ulimit -Hn 160");
    let log = service.log();
    assert!(log.contains("limit=160 before=40"), "{log}");
    assert!(
        log.contains("fits=80") && log.contains("hard limit"),
        "{log}"
    );
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(TcpStream::connect(service.address).await.unwrap());
        // What is fetched and stored finds room beside any number of connections.
    }
    assert_eq!(service.get("/feeds/news").await.status, 200);
    assert!(!service.log().contains("accept failed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn r1_without_file_descriptors_those_who_are_connected_are_served_and_the_others_later() {
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let publisher = Origin::bind(everywhere, |_| Reply::ok(feed_of(3, 100)));
    let publisher = publisher.await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let port = publisher.address().port();
    let mut toml = "[store]\npath = \"\"\n".to_owned();
    for (name, host) in [("news", 1), ("cold", 2)] {
        let host = format!("127.79.2.{host}:{port}");
        toml += &format!(
            "[[feed]]\nname = \"{name}\"\nurl = \"http://{host}/\"\nallow_private = [\"{host}\"]\n"
        );
    }
    let service = Process::start(folder.path(), &toml);
    assert_eq!(service.get("/feeds/news").await.status, 200);
    // The worker that is tried at the start has files open to it.
    let (mut last, mut times) = (0, 0);
    until("the service has settled", async || {
        let open = service.open_files();
        times = if open == last { times + 1 } else { 0 };
        last = open;
        times > 20 && children(service.id()).is_empty()
    })
    .await;
    let before = service.open_files();
    let mut connected = TcpStream::connect(service.address).await.unwrap();
    assert!(is_served(&mut connected, "/healthz").await);
    let mut silent = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(service.address).await.unwrap();
        assert!(is_served(&mut stream, "/healthz").await, "it is accepted");
        silent.push(stream);
    }
    // Each got the lowest number that was free, so that none is left between them.
    service.limit_open_files(service.lowest_free_file());
    // What can't be fetched for want of a socket is not its publisher's fault.
    let cold = ask_one(&mut connected, "/feeds/cold").await;
    assert!(cold.starts_with("HTTP/1.1 503"), "{cold}");
    assert!(cold.contains("detail=busy"), "{cold}");
    let spent = cpu_ticks(service.id());
    let mut others = Vec::new();
    for _ in 0..30 {
        let mut other = TcpStream::connect(service.address).await.unwrap();
        assert!(is_served(&mut other, "/feeds/news").await, "it waits");
        others.push(other);
        assert!(is_served(&mut connected, "/healthz").await, "it was used");
    }
    let spent = cpu_ticks(service.id()) - spent;
    assert!(spent < 300, "it spins: {spent} ticks of 10 ms");
    let said = service.log().matches("accept failed").count();
    assert!((1..=2).contains(&said), "{said} lines about it");
    assert_eq!(publisher.seen().len(), 1, "it was not asked");
    drop((connected, others, silent));
    until("all is given back", async || service.open_files() <= before).await;
    assert_eq!(service.get("/feeds/news").await.status, 200);
    until("the other feed is fetched", async || {
        service.get("/feeds/cold").await.status == 200
    })
    .await;
    assert_eq!(service.terminate().await, Some(0));
}

/// Time on a processor, in ticks of 10 ms.
fn cpu_ticks(process: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = text
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn r2_the_memory_of_copies_stays_within_its_budget() {
    const FEEDS: usize = 150;
    const BUDGET_KB: u64 = 16 << 10;
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    // 150 feeds of a megabyte, which don't get smaller by compression: nine times the budget.
    let origin = Origin::bind(everywhere, |head| {
        let path = head.split(' ').nth(1).unwrap();
        let mut state = path
            .bytes()
            .fold(7_u64, |sum, byte| sum * 31 + u64::from(byte));
        let noise: String = (0..60_000)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                format!("{:016x} ", state ^ (state >> 31))
            })
            .collect();
        Reply::ok(feed_of(1, 10).replace("Sentence", &noise))
    });
    let origin = origin.await.unwrap();
    let mut toml = format!("[store]\npath = \"\"\nmemory_bytes = \"{BUDGET_KB}KiB\"\n");
    for n in 0..FEEDS {
        let host = format!("127.79.1.{}:{}", n + 1, origin.address().port());
        toml += &format!(
            "[[feed]]\nname = \"f{n}\"\nurl = \"http://{host}/{n}\"\nallow_private = [\"{host}\"]\n"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    // What is freed goes back at once, so that the figure is of what is held.
    let allocator = "export MALLOC_CONF=dirty_decay_ms:0,muzzy_decay_ms:0";
    let service = Process::start_with(folder.path(), &toml, allocator);
    // What one fetch needs, and the program itself, is no copy.
    let first = service.get("/feeds/f0").await;
    assert!(first.whole && first.body.len() > 1_000_000);
    let base = service.status_of("VmHWM:");
    for n in 0..FEEDS {
        let answer = service.get(&format!("/feeds/f{n}")).await;
        assert_eq!((answer.status, answer.whole), (200, true));
    }
    let most = service.status_of("VmHWM:");
    println!(
        "{FEEDS} feeds of 1 MB with a budget of {BUDGET_KB} kB: from {base} kB to {most} kB at most"
    );
    let allowed = base + BUDGET_KB * 13 / 10 + (8 << 10);
    assert!(most <= allowed, "{most} kB, more than {allowed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn k1_readers_who_take_nothing_are_cut_off_and_cost_nobody_anything() {
    const SLOW: usize = 200;
    let publisher = Origin::start(|_| Reply::ok(feed_of(100, 100_000))).await;
    let folder = tempfile::tempdir().unwrap();
    let toml = news(&publisher, "write_timeout = \"2s\"");
    let service = Process::start(folder.path(), &toml);
    let whole = service.get("/feeds/news").await.body.len();
    let (files, memory) = (service.open_files(), service.status_of("VmRSS:"));
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        let mut stream = ask(service.address, "GET /feeds/news", &[]).await;
        stream.read_exact(&mut [0; 1]).await.unwrap();
        slow.push(stream);
    }
    // 10 MB for each of 200 would be 2 GB.
    let more = service.status_of("VmRSS:").saturating_sub(memory);
    let others = service.get("/feeds/news").await;
    assert!(others.whole && others.body.len() == whole);
    println!("{SLOW} readers who take nothing of 10 MB: {more} kB more");
    assert!(more < 100 << 10, "{more} kB for {SLOW} slow readers");
    until("they are cut off", async || service.open_files() <= files).await;
    for mut stream in slow {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.ok();
        assert!(rest.len() < whole);
    }
    assert!(!service.log().contains("ERROR"), "{}", service.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn k2_readers_who_leave_cancel_nothing_and_are_no_news() {
    let feed = feed_of(400, 2_000);
    let (start, rest) = feed.split_at(feed.len() / 2);
    let (released, release) = tokio::sync::watch::channel(false);
    let length = feed.len().to_string();
    let reply = Reply::head(200, &[], Some(&length))
        .send(start)
        .wait_for(release)
        .send(rest);
    let publisher = Origin::start(move |_| reply.clone()).await;
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start(folder.path(), &news(&publisher, ""));
    service.get("/healthz").await;
    let files = service.open_files();
    let mut readers = Vec::new();
    for n in 0..50 {
        let mut stream = ask(service.address, "GET /feeds/news", &[]).await;
        stream.read_exact(&mut [0; 100]).await.unwrap();
        if n % 2 == 0 {
            stream.set_zero_linger().unwrap();
        }
        readers.push(stream);
    }
    drop(readers);
    // The connection to the publisher is one more.
    until("they are gone", async || service.open_files() <= files + 1).await;
    released.send(true).unwrap();
    until("the copy is whole", async || {
        let answer = service.get("/feeds/news").await;
        answer.whole
            && answer
                .header("cache-status")
                .starts_with("Feedwright; hit; ")
    })
    .await;
    assert_eq!(publisher.seen().len(), 1);
    let log = service.log();
    assert!(!log.contains("ERROR") && !log.contains("WARN"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn k3_silent_connections_are_closed_and_cost_little_meanwhile() {
    const SILENT: usize = 400;
    let publisher = Origin::start(|_| Reply::ok(feed_of(3, 100))).await;
    let folder = tempfile::tempdir().unwrap();
    let toml = news(&publisher, "header_timeout = \"2s\"\nidle_timeout = \"2s\"");
    let service = Process::start(folder.path(), &toml);
    service.get("/feeds/news").await;
    let (files, memory) = (service.open_files(), service.status_of("VmRSS:"));
    let mut silent = Vec::new();
    for n in 0..SILENT {
        let mut stream = TcpStream::connect(service.address).await.unwrap();
        let starts = [
            "",
            "GET /feeds/news HTTP/1.1\r\nhost: x\r\nx-slow: ",
            "PRI * HTTP/2.0\r\n\r\nSM",
            "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        ];
        stream.write_all(starts[n % 4].as_bytes()).await.unwrap();
        silent.push(stream);
    }
    until("all are accepted", async || {
        service.open_files() >= files + SILENT / 2
    })
    .await;
    let more = service.status_of("VmRSS:").saturating_sub(memory);
    println!("{SILENT} silent connections: {more} kB more");
    assert!(more < 50 << 10, "{more} kB");
    assert_eq!(service.get("/feeds/news").await.status, 200);
    until("they are closed", async || service.open_files() <= files).await;
    drop(silent);
}
