//! Readers of HTTP/2 who take little or nothing of some streams of a connection.

use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream};
use http::Request;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::origin::{Origin, Reply};
use crate::process::Process;
use crate::reader::get;
use crate::service::{Service, feed_of};

/// How long what must happen may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection whose streams have this window.
struct Reader {
    requests: SendRequest<Bytes>,
    connection: JoinHandle<Result<(), h2::Error>>,
}

impl Reader {
    async fn connect(service: std::net::SocketAddr, window: u32) -> Self {
        let stream = TcpStream::connect(service).await.unwrap();
        let (requests, connection) = h2::client::Builder::new()
            .initial_window_size(window)
            .initial_connection_window_size(64 << 20)
            .handshake(stream)
            .await
            .unwrap();
        #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
        let connection = tokio::spawn(connection);
        Self {
            requests,
            connection,
        }
    }

    async fn ask(&mut self, path: &str) -> ResponseFuture {
        let uri = format!("http://service{path}");
        let request = Request::get(uri).body(()).unwrap();
        let mut requests = self.requests.clone().ready().await.unwrap();
        requests.send_request(request, true).unwrap().0
    }

    /// The body of an answer that is not taken.
    async fn begin(&mut self, path: &str) -> RecvStream {
        let answer = self.ask(path).await.await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.into_body()
    }
}

/// Takes all of a body, with a pause after each frame; its length.
async fn take(body: &mut RecvStream, pause: Duration) -> Result<usize, h2::Error> {
    let mut length = 0;
    while let Some(data) = body.data().await {
        let bytes = data?.len();
        length += bytes;
        body.flow_control().release_capacity(bytes)?;
        tokio::time::sleep(pause).await;
    }
    Ok(length)
}

/// Waits for the end of a stream of which nothing more is taken.
async fn reset(body: &mut RecvStream) -> Option<Reason> {
    let waiting = async {
        loop {
            match body.data().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => return error.reason(),
                None => panic!("it ended as if it were whole"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("it is kept")
}

#[tokio::test]
async fn k5_slow_streams_are_reset_and_the_others_go_on() {
    let publisher = Origin::start(|_| Reply::ok(feed_of(100, 20_000))).await;
    let keys = "[server]\nwrite_timeout = \"1s\"";
    let service = Service::with_feed(keys, publisher.address()).await;
    let whole = get(service.addr, "/feeds/news", &[]).await.body.len();
    let mut reader = Reader::connect(service.addr, 65_535).await;
    let mut slow = [
        reader.begin("/feeds/news").await,
        reader.begin("/feeds/news").await,
    ];
    let mut moving = reader.begin("/feeds/news").await;
    // It takes about four seconds: longer than the slow ones have.
    let pause = Duration::from_millis(30);
    let (taken, ..) = tokio::join!(take(&mut moving, pause), async {
        for body in &mut slow {
            assert_eq!(reset(body).await, Some(Reason::CANCEL));
        }
    });
    assert_eq!(taken.unwrap(), whole);
    let mut next = reader.begin("/feeds/news").await;
    let taken = take(&mut next, Duration::ZERO).await;
    assert_eq!(taken.unwrap(), whole, "the connection is as good as new");
}

#[tokio::test]
async fn k5_a_connection_whose_slow_streams_cannot_be_reset_ends() {
    let publisher = Origin::start(|_| Reply::ok(feed_of(1, 100))).await;
    let keys = "[server]\nwrite_timeout = \"1s\"";
    let service = Service::with_feed(keys, publisher.address()).await;
    // All of the answer is in HTTP/2's buffer, and ten bytes of it are taken.
    let mut reader = Reader::connect(service.addr, 10).await;
    let _slow = reader.begin("/feeds/news").await;
    let ended = tokio::time::timeout(PATIENCE, &mut reader.connection);
    ended.await.expect("it is kept").unwrap().ok();
    assert_eq!(get(service.addr, "/feeds/news", &[]).await.status, 200);
}

#[tokio::test]
async fn k5_a_reader_of_little_who_goes_on_is_left_alone() {
    let publisher = Origin::start(|_| Reply::ok(feed_of(1, 4_000))).await;
    let keys = "[server]\nwrite_timeout = \"1s\"\nwrite_bytes_per_second_min = \"500B\"";
    let service = Service::with_feed(keys, publisher.address()).await;
    let whole = get(service.addr, "/feeds/news", &[]).await.body.len();
    let mut reader = Reader::connect(service.addr, 300).await;
    let mut body = reader.begin("/feeds/news").await;
    // 300 bytes each time.
    let taken = take(&mut body, Duration::from_millis(200)).await;
    assert_eq!(taken.unwrap(), whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn k5_a_hundred_slow_streams_keep_nobody_else_waiting() {
    let publisher = Origin::start(|_| Reply::ok(feed_of(100, 50_000))).await;
    let folder = tempfile::tempdir().unwrap();
    let host = publisher.address();
    let toml = format!(
        "[store]\npath = \"\"\n[server]\nwrite_timeout = \"3s\"\n[[feed]]\nname = \"news\"\nurl = \"http://{host}/\"\nallow_private = [\"{host}\"]\n"
    );
    let service = Process::start(folder.path(), &toml);
    let whole = service.get("/feeds/news").await.body.len();
    let memory = service.status_of("VmRSS:");
    let mut reader = Reader::connect(service.address, 1_000).await;
    let mut slow = Vec::new();
    for _ in 0..100 {
        slow.push(reader.begin("/feeds/news").await);
    }
    let begun = Instant::now();
    let more = service.status_of("VmRSS:").saturating_sub(memory);
    println!("100 slow streams: {more} kB more");
    assert!(more < 100 << 10, "{more} kB");
    while begun.elapsed() < Duration::from_secs(1) {
        let answer = service.get("/feeds/news").await;
        assert_eq!((answer.status, answer.body.len()), (200, whole));
    }
    for body in &mut slow {
        assert_eq!(reset(body).await, Some(Reason::CANCEL));
    }
}
