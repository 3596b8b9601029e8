//! A reader that keeps its connection, and many of them at once in one thread: a thread for each
//! would have to be woken for every answer, which the server would pay for.

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::future::try_join_all;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// What is read at a time.
const READ_BYTES: usize = 256 << 10;
/// Nothing takes this long; a benchmark that hangs says so.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Runs readers in this thread.
pub(crate) fn run<T>(reading: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async { tokio::time::timeout(TIMEOUT, reading).await })
        .context("a server does not answer")?
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Reader {
    stream: BufReader<TcpStream>,
    /// The line of a head that was read last, in lower case.
    line: String,
}

/// What was read of one answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered {
    /// Bytes of the body, without framing.
    pub(crate) bytes: usize,
    /// When the first of them was there.
    pub(crate) first_byte_at: Instant,
}

#[derive(Clone, Copy)]
enum Length {
    Whole(usize),
    Chunked,
}

impl Reader {
    /// Connects.
    pub(crate) async fn connect(addr: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::with_capacity(READ_BYTES, stream),
            line: String::new(),
        })
    }

    /// Asks for `path` and reads the answer to its end; `sink` is shown the body.
    pub(crate) async fn get(
        &mut self,
        path: &str,
        coding: &str,
        mut sink: impl FnMut(&[u8]),
    ) -> anyhow::Result<Answered> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {coding}\r\nUser-Agent: benchmark\r\n\r\n"
        );
        self.stream.write_all(request.as_bytes()).await?;
        let length = self
            .read_head()
            .await
            .with_context(|| format!("{path} ({coding})"))?;
        let (mut bytes, mut first_byte_at) = (0, None);
        loop {
            let part = match length {
                Length::Whole(length) => length - bytes,
                Length::Chunked => self.read_chunk_size().await?,
            };
            let mut left = part;
            while left > 0 {
                let seen = self.stream.fill_buf().await?;
                anyhow::ensure!(!seen.is_empty(), "the connection ended within a body");
                first_byte_at.get_or_insert_with(Instant::now);
                let taken = seen.len().min(left);
                sink(&seen[..taken]);
                self.stream.consume(taken);
                left -= taken;
            }
            bytes += part;
            match length {
                Length::Whole(_) => break,
                Length::Chunked => {
                    self.stream.read_exact(&mut [0; 2]).await?;
                    if part == 0 {
                        break;
                    }
                }
            }
        }
        Ok(Answered {
            bytes,
            first_byte_at: first_byte_at.context("the body is empty")?,
        })
    }

    async fn read_line(&mut self) -> anyhow::Result<&str> {
        self.line.clear();
        self.stream.read_line(&mut self.line).await?;
        anyhow::ensure!(
            self.line.ends_with('\n'),
            "the connection ended within a head"
        );
        self.line.make_ascii_lowercase();
        Ok(self.line.trim_end())
    }

    async fn read_head(&mut self) -> anyhow::Result<Length> {
        let status = self.read_line().await?;
        anyhow::ensure!(status.starts_with("http/1.1 200"), "answered {status}");
        let mut length = None;
        loop {
            let line = self.read_line().await?;
            if line.is_empty() {
                return length.context("an answer without a length");
            }
            if let Some(bytes) = line.strip_prefix("content-length:") {
                length = Some(Length::Whole(bytes.trim().parse()?));
            } else if line == "transfer-encoding: chunked" {
                length = Some(Length::Chunked);
            }
        }
    }

    async fn read_chunk_size(&mut self) -> anyhow::Result<usize> {
        let line = self.read_line().await?;
        let digits = line.split(';').next().unwrap_or_default();
        usize::from_str_radix(digits, 16).context("a chunk without a size")
    }
}

/// What many readers did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Load {
    /// Answers read whole.
    pub(crate) answers: usize,
    /// Bytes of their bodies.
    pub(crate) bytes: usize,
    /// How long it took.
    pub(crate) seconds: f64,
}

/// So many readers ask, each over its own connection, for what `path` names next, until it names
/// nothing more.
pub(crate) fn load(
    addr: SocketAddr,
    readers: usize,
    coding: &str,
    path: impl Fn(usize) -> Option<String>,
) -> anyhow::Result<Load> {
    let (next, path) = (Cell::new(0), &path);
    let begun = Instant::now();
    let read = async || -> anyhow::Result<Load> {
        let mut reader = Reader::connect(addr).await?;
        let mut load = Load::default();
        while let Some(path) = path(next.replace(next.get() + 1)) {
            load.bytes += reader.get(&path, coding, |_| {}).await?.bytes;
            load.answers += 1;
        }
        Ok(load)
    };
    let loads = run(try_join_all((0..readers).map(|_| read())))?;
    Ok(Load {
        answers: loads.iter().map(|load| load.answers).sum(),
        bytes: loads.iter().map(|load| load.bytes).sum(),
        seconds: begun.elapsed().as_secs_f64(),
    })
}
