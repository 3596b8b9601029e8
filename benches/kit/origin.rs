//! A publisher on loopback: HTTP/1.1 with keep-alive, one thread per connection.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// What the publisher answers.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The body, as it is sent.
    pub(crate) body: Arc<[u8]>,
    /// The value of `Content-Encoding`.
    pub(crate) coding: Option<&'static str>,
    /// After so many bytes it pauses.
    pub(crate) pause: Option<(usize, Duration)>,
}

impl Answer {
    /// This body, at once and as it is.
    pub(crate) fn plain(body: Arc<[u8]>) -> Self {
        Self {
            body,
            coding: None,
            pause: None,
        }
    }
}

/// Answers requests by their path, for as long as the process lives.
pub(crate) fn start(
    address: &str,
    answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(address)?;
    let addr = listener.local_addr()?;
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            // A connection that breaks is the reader's business.
            std::thread::spawn(move || serve(&stream, &*answer).ok());
        }
    });
    Ok(addr)
}

fn serve(mut stream: &TcpStream, answer: &dyn Fn(&str) -> Answer) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    loop {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        while line.trim_end() != "" {
            line.clear();
            lines.read_line(&mut line)?;
        }
        let Answer {
            body,
            coding,
            pause,
        } = answer(&path);
        let coding = coding.map_or_else(String::new, |coding| {
            format!("Content-Encoding: {coding}\r\n")
        });
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml; charset=utf-8\r\n{coding}ETag: \"{path}\"\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        match pause {
            Some((bytes, pause)) if bytes < body.len() => {
                stream.write_all(&body[..bytes])?;
                std::thread::sleep(pause);
                stream.write_all(&body[bytes..])?;
            }
            _ => stream.write_all(&body)?,
        }
    }
}
