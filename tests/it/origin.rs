//! A scripted upstream on loopback: raw TCP, so that a test can say everything a broken or hostile
//! server can say. It records the requests it saw and counts the connections it accepted.
//!
//! It lives as long as the value: dropped, it closes its port and its connections.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What is done with a connection, in order, once a request's head was read.
#[derive(Clone)]
enum Step {
    Send(Vec<u8>),
    Wait(Duration),
    /// Waits until the test says so.
    WaitFor(tokio::sync::watch::Receiver<bool>),
    /// Sends FIN.
    Close,
    /// Sends RST.
    Reset,
    /// Says nothing more and keeps the connection open.
    Hang,
}

/// The answer to one request. Without `close`, `reset` or `hang` at its end the connection waits for
/// the next request.
#[derive(Clone, Default)]
pub(crate) struct Reply(Vec<Step>);

impl Reply {
    /// 200 with a body of known length.
    pub(crate) fn ok(body: impl AsRef<[u8]>) -> Self {
        Self::status(200, &[], body)
    }

    /// Any status, header fields and a body of known length.
    pub(crate) fn status(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let length = body.len().to_string();
        let bodiless = matches!(status, 100..200 | 204 | 304);
        let mut reply = Self::head(status, headers, (!bodiless).then_some(length.as_str()));
        if !bodiless {
            reply = reply.send(body);
        }
        reply
    }

    /// A head that promises what the test wants; the body follows by [`Reply::send`].
    pub(crate) fn head(status: u16, headers: &[(&str, &str)], length: Option<&str>) -> Self {
        let mut head = format!("HTTP/1.1 {status} Scripted\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if let Some(length) = length {
            head += &format!("content-length: {length}\r\n");
        }
        Self::default().send(head + "\r\n")
    }

    /// A redirect.
    pub(crate) fn redirect(status: u16, location: &str) -> Self {
        Self::status(status, &[("location", location)], "")
    }

    /// Bytes as they are.
    pub(crate) fn send(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.push(Step::Send(bytes.as_ref().to_vec()));
        self
    }

    /// The same bytes in pieces of `size`, with a pause before each.
    pub(crate) fn drip(mut self, bytes: &[u8], size: usize, pause: Duration) -> Self {
        for piece in bytes.chunks(size) {
            self.0.push(Step::Wait(pause));
            self.0.push(Step::Send(piece.to_vec()));
        }
        self
    }

    pub(crate) fn wait(mut self, pause: Duration) -> Self {
        self.0.push(Step::Wait(pause));
        self
    }

    /// Goes on once `released` holds true.
    pub(crate) fn wait_for(mut self, released: tokio::sync::watch::Receiver<bool>) -> Self {
        self.0.push(Step::WaitFor(released));
        self
    }

    /// Goes on with another reply.
    pub(crate) fn then(mut self, mut reply: Self) -> Self {
        self.0.append(&mut reply.0);
        self
    }

    pub(crate) fn close(mut self) -> Self {
        self.0.push(Step::Close);
        self
    }

    pub(crate) fn reset(mut self) -> Self {
        self.0.push(Step::Reset);
        self
    }

    pub(crate) fn hang(mut self) -> Self {
        self.0.push(Step::Hang);
        self
    }
}

/// Chooses the reply by the request's head.
type Answer = Arc<dyn Fn(&str) -> Reply + Send + Sync>;

/// The running server.
pub(crate) struct Origin {
    address: SocketAddr,
    accepts: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Origin {
    /// A server on a free port of 127.0.0.1 whose replies `answer` chooses by the request's head.
    pub(crate) async fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::bind(free, answer).await.expect("a free port")
    }

    /// A server that gives these replies in order, and the last one again and again.
    pub(crate) async fn script(replies: Vec<Reply>) -> Self {
        let replies = Mutex::new(VecDeque::from(replies));
        Self::start(move |_| {
            let mut replies = replies.lock().unwrap();
            match replies.len() {
                1 => replies[0].clone(),
                _ => replies.pop_front().expect("a script has a reply"),
            }
        })
        .await
    }

    /// A server at a given address; fails where that is taken or forbidden.
    pub(crate) async fn bind(
        address: SocketAddr,
        answer: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let accepts = Arc::new(AtomicUsize::new(0));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(
            listener,
            Arc::clone(&accepts),
            Arc::clone(&seen),
            Arc::new(answer),
        ));
        Ok(Self {
            address,
            accepts,
            seen,
            _tasks: tasks,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Connections accepted so far.
    pub(crate) fn accepts(&self) -> usize {
        self.accepts.load(Ordering::SeqCst)
    }

    /// The heads of the requests so far, each byte as one character.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until every connection that was opened before is counted: the backlog is a queue, and
    /// this stands at its end. The call's own connection is not part of the figure.
    pub(crate) async fn settled_accepts(&self) -> usize {
        let mut marker = self.address;
        if marker.ip().is_unspecified() {
            marker.set_ip([127, 0, 0, 1].into());
        }
        let before = self.accepts();
        let _marker = TcpStream::connect(marker)
            .await
            .expect("the origin listens");
        while self.accepts() == before {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.accepts.fetch_sub(1, Ordering::SeqCst) - 1
    }
}

/// The value of a header field in a head that an [`Origin`] recorded.
pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

async fn accept(
    listener: TcpListener,
    accepts: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<String>>>,
    answer: Answer,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        accepts.fetch_add(1, Ordering::SeqCst);
        connections.spawn(converse(stream, Arc::clone(&seen), Arc::clone(&answer)));
    }
}

async fn converse(mut stream: TcpStream, seen: Arc<Mutex<Vec<String>>>, answer: Answer) {
    while let Some(head) = read_head(&mut stream).await {
        seen.lock().unwrap().push(head.clone());
        for step in answer(&head).0 {
            match step {
                Step::Send(bytes) => {
                    if stream.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                Step::Wait(pause) => tokio::time::sleep(pause).await,
                Step::WaitFor(mut released) => {
                    released.wait_for(|released| *released).await.ok();
                }
                Step::Close => return,
                Step::Reset => {
                    let _ = stream.set_zero_linger();
                    return;
                }
                Step::Hang => std::future::pending().await,
            }
        }
    }
}

async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(head.into_iter().map(char::from).collect())
}
