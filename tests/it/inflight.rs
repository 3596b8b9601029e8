//! One budget for what is under way: whoever holds it keeps nobody else from being served, and all of
//! it comes back.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::origin::{Origin, Reply};
use crate::reader::{Answer, ask, get, parse, read};
use crate::service::{Service, feed_of};

const MIB: usize = 1 << 20;
/// What is not to be held in memory of one reader, or of one upload.
const STREAM_BYTES: u64 = 1 << 20;

/// A service with a mirror `m`, a feed `news` and an open image proxy, and these keys of `[server]`.
async fn start(origin: &Origin, server: &str, more: &str) -> Service {
    let toml = format!(
        "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n{server}\n\
         [image]\nopen = true\nallow_private = [\"PUBLISHER\"]\n\
         [[mirror]]\nname = \"m\"\norigin = \"http://PUBLISHER/\"\nallow_private = [\"PUBLISHER\"]\n\
         methods = [\"GET\", \"POST\"]\n\
         [[feed]]\nname = \"news\"\nurl = \"http://PUBLISHER/feed.xml\"\nallow_private = [\"PUBLISHER\"]\n\
         refresh = \"1s\"\nrefresh_min = \"1s\"\nrefresh_max = \"1s\"\nserve_stale_after = \"20s\"\n{more}\n"
    );
    Service::start(&toml, origin.address()).await
}

/// Asks for a client of this number.
async fn ask_as(service: &Service, client: u8, path: &str) -> TcpStream {
    let address = format!("203.0.113.{client}");
    let request = format!("GET {path}");
    ask(service.addr, &request, &[("x-forwarded-for", &address)]).await
}

async fn get_as(service: &Service, client: u8, path: &str) -> Answer {
    read(&mut ask_as(service, client, path).await).await
}

/// Reads until the answer's head begins, and no further than need be.
async fn read_a_little(stream: &mut TcpStream) -> Vec<u8> {
    let mut seen = [0; 64];
    let got = stream.read(&mut seen).await.unwrap();
    assert!(seen[..got].starts_with(b"HTTP/1.1 200"), "no answer");
    seen[..got].to_vec()
}

/// Reads on to the end.
async fn read_on(stream: &mut TcpStream, mut seen: Vec<u8>) -> Answer {
    stream.read_to_end(&mut seen).await.unwrap();
    parse(&seen)
}

/// Waits until nothing is under way any more.
async fn wait_for_nothing(service: &Service) {
    for _ in 0..1_000 {
        if service.app.inflight.held_bytes() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!(
        "{} bytes are held by nobody",
        service.app.inflight.held_bytes()
    );
}

/// What an encoder can't make smaller.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut noise: Vec<u8> = (0..bytes.div_ceil(8))
        .flat_map(|_| next().to_be_bytes())
        .collect();
    noise.truncate(bytes);
    noise
}

/// `transfer-encoding: chunked`, in chunks of this size.
fn chunked(body: &[u8], size: usize) -> Reply {
    let mut coded = Vec::new();
    for chunk in body.chunks(size) {
        coded.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        coded.extend_from_slice(chunk);
        coded.extend_from_slice(b"\r\n");
    }
    let fields = [
        ("transfer-encoding", "chunked"),
        ("cache-control", "max-age=600"),
    ];
    Reply::head(200, &fields, None)
        .send(coded)
        .send("0\r\n\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn r5_slow_readers_of_what_passes_keep_nobody_else_from_being_served() {
    let large = Reply::head(200, &[("cache-control", "no-store")], Some("1000000000"))
        .send(vec![7; 64 << 10])
        .hang();
    let kept = Reply::status(200, &[("cache-control", "max-age=600")], "kept");
    let origin = Origin::start(move |head| match head.contains("/large") {
        true => large.clone(),
        false => kept.clone(),
    })
    .await;
    let service = start(&origin, "inflight_bytes = \"1MiB\"", "").await;
    assert_eq!(get_as(&service, 1, "/mirror/m/kept").await.text(), "kept");
    // A quarter each, and half of it all: the other half is for bodies that grow.
    let mut slow = Vec::new();
    for client in [2, 2, 3, 3] {
        let mut stream = ask_as(&service, client, "/mirror/m/large").await;
        read_a_little(&mut stream).await;
        slow.push(stream);
    }
    let refused = get_as(&service, 2, "/mirror/m/large").await;
    assert_eq!(refused.status, 503);
    assert!(refused.header("cache-status").contains("detail=busy"));
    let refused = get_as(&service, 4, "/mirror/m/large").await;
    assert_eq!(refused.status, 503, "all is given away");
    let hit = get_as(&service, 4, "/mirror/m/kept").await;
    assert!(hit.header("cache-status").contains("hit"));
    assert_eq!(get_as(&service, 4, "/mirror/m/other").await.text(), "kept");
    slow.truncate(3);
    let mut again = ask_as(&service, 4, "/mirror/m/large").await;
    read_a_little(&mut again).await;
    drop((slow, again));
    wait_for_nothing(&service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r5_where_nothing_comes_free_a_feed_is_stale_and_an_image_busy() {
    let feed = feed_of(3, 200);
    let start_of_png = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &[7; 4096]].concat();
    let hanging = Reply::head(200, &[("transfer-encoding", "chunked")], None)
        .send(format!("{:x}\r\n", start_of_png.len()))
        .send(&start_of_png)
        .send("\r\n")
        .hang();
    let origin = Origin::start(move |head| match head.contains("/feed.xml") {
        // Nobody knows how long it is.
        true => chunked(feed.as_bytes(), 1 << 20),
        false => hanging.clone(),
    })
    .await;
    let service = start(&origin, "inflight_bytes = \"4MiB\"", "").await;
    assert_eq!(get(service.addr, "/feeds/news", &[]).await.status, 200);
    let mut held = Vec::new();
    for number in 0..3 {
        let path = format!("/image?url={}/{number}.png", origin.address());
        let mut stream = ask(service.addr, &format!("GET {path}"), &[]).await;
        read_a_little(&mut stream).await;
        held.push(stream);
    }
    let path = format!("/image?url={}/more.png", origin.address());
    let refused = get(service.addr, &path, &[]).await;
    assert_eq!(refused.status, 503);
    assert!(refused.header("cache-status").contains("detail=busy"));
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let stale = get(service.addr, "/feeds/news", &[]).await;
    assert_eq!(stale.status, 200);
    let status = stale.header("cache-status");
    assert!(status.contains("detail=busy"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r5_fifty_bodies_of_unknown_length_all_come_to_their_end() {
    let body = noise(1_500_000);
    let expected = body.clone();
    let origin = Origin::start(move |_| chunked(&body, 16 << 10)).await;
    let service = start(&origin, "inflight_bytes = \"4MiB\"", "").await;
    let mut readers = JoinSet::new();
    for number in 0..50 {
        let (addr, expected) = (service.addr, expected.clone());
        readers.spawn(async move {
            for _ in 0..40 {
                let answer = get(addr, &format!("/mirror/m/{number}"), &[]).await;
                if answer.status == 200 {
                    assert!(answer.whole && answer.body == expected, "cut off");
                    return;
                }
                assert_eq!(answer.status, 503);
            }
            panic!("it never had its turn");
        });
    }
    readers.join_all().await;
    wait_for_nothing(&service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r6_a_body_above_half_the_budget_is_passed_through_whole_and_not_kept() {
    let png = [b"\x89PNG\r\n\x1a\n".to_vec(), noise(6 * MIB)].concat();
    let expected = png.clone();
    let origin = Origin::start(move |head| match head.contains("/long") {
        true => chunked(&png, 32 << 10),
        false => Reply::status(200, &[("cache-control", "max-age=600")], &png),
    })
    .await;
    let service = start(&origin, "inflight_bytes = \"8MiB\"", "").await;
    let image = format!("/image?url={}", origin.address());
    for path in [
        "/mirror/m/long".to_owned(),
        "/mirror/m/declared".to_owned(),
        format!("{image}/long.png"),
        format!("{image}/declared.png"),
    ] {
        for round in 1..=2 {
            let before = origin.seen().len();
            let mut stream = ask(service.addr, &format!("GET {path}"), &[]).await;
            let seen = read_a_little(&mut stream).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
            let held = service.app.inflight.held_bytes();
            assert!(held <= 4 * MIB as u64, "{path}: {held} bytes are held");
            let answer = read_on(&mut stream, seen).await;
            assert!(
                answer.whole && answer.body == expected,
                "{path}, round {round}"
            );
            assert_eq!(origin.seen().len(), before + 1, "{path}, round {round}");
        }
    }
    wait_for_nothing(&service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r6_a_slow_reader_of_what_is_stored_reads_it_from_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let bodies = [noise(24 * MIB), b"text that can be packed, ".repeat(MIB)];
    let served = bodies.clone();
    let origin = Origin::start(move |head| {
        let body = &served[usize::from(head.contains("/text"))];
        Reply::status(200, &[("cache-control", "max-age=600")], body)
    })
    .await;
    // No body of this size stays in memory.
    let store = format!(
        "[store]\npath = {:?}\nmemory_bytes = \"2MiB\"",
        folder.path()
    );
    let service = start(&origin, "", &store).await;
    for (path, body) in ["/mirror/m/noise", "/mirror/m/text"].iter().zip(&bodies) {
        let mut stream = ask(service.addr, &format!("GET {path}"), &[]).await;
        let seen = read_a_little(&mut stream).await;
        for _ in 0..3_000 {
            if service.app.inflight.held_bytes() <= STREAM_BYTES {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let held = service.app.inflight.held_bytes();
        assert!(held <= STREAM_BYTES, "{held} bytes are held for one reader");
        let answer = read_on(&mut stream, seen).await;
        assert!(answer.whole && answer.body == *body, "{path}");
        // Until it is saved it counts. Who comes then has it from the store, too, and a part as well.
        wait_for_nothing(&service).await;
        let part = get(service.addr, path, &[("range", "bytes=3000000-20000000")]).await;
        assert!(part.status == 206 && part.body == body[3_000_000..=20_000_000]);
    }
    assert_eq!(origin.seen().len(), 2);
    wait_for_nothing(&service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r7_an_upload_below_the_least_rate_ends() {
    let origin = Origin::start(|_| Reply::default().hang()).await;
    let limits = "write_timeout = \"1s\"\nwrite_bytes_per_second_min = \"10KiB\"";
    let service = start(&origin, limits, "").await;
    let mut stream = TcpStream::connect(service.addr).await.unwrap();
    let head = "POST /mirror/m/a HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let sending = async {
        for _ in 0..600 {
            if writing.write_all(b"slow").await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let mut answer = Vec::new();
    tokio::select! {
        () = sending => panic!("the upload was let go on"),
        read = reading.read_to_end(&mut answer) => drop(read),
    }
    assert!(
        answer.starts_with(b"HTTP/1.1 400"),
        "{:?}",
        String::from_utf8_lossy(&answer)
    );
    wait_for_nothing(&service).await;
}
