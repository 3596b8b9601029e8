//! A reader on a raw socket, so that a test sees what came over the wire and whether it was whole.

use std::net::SocketAddr;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a reader got.
#[derive(Debug)]
pub(crate) struct Answer {
    /// 0 when the connection ended before there was a head.
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Whether the body ended as its framing said.
    pub(crate) whole: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// Opens a connection and asks; the answer is still to be read.
pub(crate) async fn ask(service: SocketAddr, request: &str, headers: &[(&str, &str)]) -> TcpStream {
    let mut stream = TcpStream::connect(service).await.unwrap();
    let mut head = format!("{request} HTTP/1.1\r\nhost: {service}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all((head + "\r\n").as_bytes()).await.unwrap();
    stream
}

/// Asks and reads the answer to its end.
pub(crate) async fn send(service: SocketAddr, request: &str, headers: &[(&str, &str)]) -> Answer {
    read(&mut ask(service, request, headers).await).await
}

/// GET, with header fields.
pub(crate) async fn get(service: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(service, &format!("GET {path}"), headers).await
}

/// Reads an answer to the end of the connection.
pub(crate) async fn read(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    // A reset ends an answer too; whether it was whole is judged below.
    let _ = stream.read_to_end(&mut bytes).await;
    parse(&bytes)
}

pub(crate) fn parse(bytes: &[u8]) -> Answer {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Answer {
            status: 0,
            headers: HeaderMap::new(),
            body: bytes.to_vec(),
            whole: false,
        };
    };
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        let name = HeaderName::try_from(name).unwrap();
        headers.append(name, HeaderValue::from_str(value.trim()).unwrap());
    }
    let rest = &bytes[end + 4..];
    let (body, whole) = if headers.contains_key("transfer-encoding") {
        unchunk(rest)
    } else {
        let length = headers
            .get("content-length")
            .map(|n| n.to_str().unwrap().parse().unwrap());
        (
            rest.to_vec(),
            length.is_none_or(|length: usize| length == rest.len()),
        )
    };
    Answer {
        status,
        headers,
        body,
        whole,
    }
}

fn unchunk(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(line) = bytes.windows(2).position(|two| two == b"\r\n") else {
            return (body, false);
        };
        let size = std::str::from_utf8(&bytes[..line]).unwrap();
        let size = usize::from_str_radix(size.split(';').next().unwrap(), 16).unwrap();
        bytes = &bytes[line + 2..];
        if size == 0 {
            return (body, bytes == b"\r\n");
        }
        if bytes.len() < size + 2 {
            body.extend_from_slice(bytes);
            return (body, false);
        }
        body.extend_from_slice(&bytes[..size]);
        bytes = &bytes[size + 2..];
    }
}
