//! A reader that keeps its connection, and many of them at once.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;

/// What is read at a time.
const READ_BYTES: usize = 256 << 10;
/// No answer takes this long; a benchmark that hangs says so.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

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

impl Reader {
    /// Connects.
    pub(crate) fn connect(addr: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(READ_TIMEOUT))?;
        Ok(Self {
            stream: BufReader::with_capacity(READ_BYTES, stream),
            line: String::new(),
        })
    }

    /// Asks for `path` and reads the answer to its end; `sink` is shown the body.
    pub(crate) fn get(
        &mut self,
        path: &str,
        coding: &str,
        mut sink: impl FnMut(&[u8]),
    ) -> anyhow::Result<Answered> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {coding}\r\nUser-Agent: benchmark\r\n\r\n"
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let length = self
            .read_head()
            .with_context(|| format!("{path} ({coding})"))?;
        let (mut bytes, mut first_byte_at) = (0, None);
        loop {
            let part = match length {
                Length::Whole(length) => length - bytes,
                Length::Chunked => self.read_chunk_size()?,
            };
            let mut left = part;
            while left > 0 {
                let seen = self.stream.fill_buf()?;
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
                    self.stream.read_exact(&mut [0; 2])?;
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

    fn read_line(&mut self) -> anyhow::Result<&str> {
        self.line.clear();
        self.stream.read_line(&mut self.line)?;
        anyhow::ensure!(
            self.line.ends_with('\n'),
            "the connection ended within a head"
        );
        self.line.make_ascii_lowercase();
        Ok(self.line.trim_end())
    }

    fn read_head(&mut self) -> anyhow::Result<Length> {
        let status = self.read_line()?;
        anyhow::ensure!(status.starts_with("http/1.1 200"), "answered {status}");
        let mut length = None;
        loop {
            let line = self.read_line()?;
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

    fn read_chunk_size(&mut self) -> anyhow::Result<usize> {
        let line = self.read_line()?;
        let digits = line.split(';').next().unwrap_or_default();
        usize::from_str_radix(digits, 16).context("a chunk without a size")
    }
}

#[derive(Clone, Copy)]
enum Length {
    Whole(usize),
    Chunked,
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
    path: impl Fn(usize) -> Option<String> + Sync,
) -> anyhow::Result<Load> {
    let (next, path) = (AtomicUsize::new(0), &path);
    let begun = Instant::now();
    let read = || -> anyhow::Result<Load> {
        let mut reader = Reader::connect(addr)?;
        let mut load = Load::default();
        while let Some(path) = path(next.fetch_add(1, Ordering::Relaxed)) {
            load.bytes += reader.get(&path, coding, |_| {})?.bytes;
            load.answers += 1;
        }
        Ok(load)
    };
    let loads: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..readers).map(|_| scope.spawn(read)).collect();
        threads.into_iter().map(|thread| thread.join()).collect()
    });
    let mut sum = Load {
        seconds: begun.elapsed().as_secs_f64(),
        ..Load::default()
    };
    for load in loads {
        let load = load.map_err(|_| anyhow::anyhow!("a reader panicked"))??;
        sum.answers += load.answers;
        sum.bytes += load.bytes;
    }
    Ok(sum)
}
