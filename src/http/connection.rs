//! One connection: protocol detection, limits, requests, and its graceful end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use http::header::{CONTENT_LENGTH, HOST};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::body::{self, ReplyBody};
use super::failure::Failure;
use super::meter::{self, GivenUp, Meter, MeteredIo, Patience};
use super::origin::{Clients, Origin};
use super::{Answer, RequestBody};
use crate::config::ServerSettings;

/// Header fields of one request.
const HEADERS_MAX: usize = 100;
/// Bytes of one request's header section, HTTP/1 and HTTP/2 alike.
const HEADER_BYTES_MAX: u32 = 64 << 10;
/// Requests at once on one HTTP/2 connection.
const STREAMS_MAX: u32 = 100;
/// Bytes that hyper keeps for an HTTP/2 stream that the reader does not take.
const STREAM_BUFFER_BYTES_MAX: usize = 64 << 10;

pub(super) fn builder(settings: &ServerSettings) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // Heads and idle connections are judged by the watchdog: hyper's timeout begins when the
        // connection falls idle, not with the head.
        .header_read_timeout(None)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADER_BYTES_MAX as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADER_BYTES_MAX)
        .max_send_buf_size(STREAM_BUFFER_BYTES_MAX)
        .keep_alive_interval(settings.idle_timeout)
        .keep_alive_timeout(settings.header_timeout);
    builder
}

pub(super) fn patience(settings: &ServerSettings) -> Patience {
    Patience {
        idle: settings.idle_timeout,
        head: settings.header_timeout,
        write: settings.write_timeout,
        write_bytes_per_second_min: settings.write_bytes_per_second_min,
    }
}

/// What every connection of a server shares.
#[derive(Clone)]
pub(super) struct Terms<A> {
    pub(super) builder: auto::Builder<TokioExecutor>,
    pub(super) patience: Patience,
    pub(super) clients: Clients,
    pub(super) drain: CancellationToken,
    pub(super) answer: A,
}

/// Serves one connection until it ends, is given up, or `drain` asks it to end after what is in
/// flight.
pub(super) async fn serve<A: Answer>(terms: Terms<A>, (stream, peer): (TcpStream, SocketAddr)) {
    let Terms {
        builder,
        patience,
        clients,
        drain,
        answer,
    } = terms;
    let meter = Arc::new(Meter::default());
    let origin = clients.origin(peer.ip());
    let service = service_fn({
        let meter = Arc::clone(&meter);
        move |request| respond(answer.clone(), Arc::clone(&meter), origin.clone(), request)
    });
    let io = TokioIo::new(MeteredIo::new(stream, Arc::clone(&meter)));
    let mut connection = std::pin::pin!(builder.serve_connection(io, service));
    let mut watchdog = std::pin::pin!(meter::watch(&meter, patience));
    let mut draining = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, error, "connection ended");
                }
                return;
            }
            given_up = watchdog.as_mut() => {
                if given_up == GivenUp::SlowReader {
                    tracing::info!(%peer, "connection given up: the reader takes too little");
                }
                return;
            }
            () = drain.cancelled(), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

async fn respond<A: Answer>(
    answer: A,
    meter: Arc<Meter>,
    origin: Origin,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, Infallible> {
    let (mut head, request_body) = request.into_parts();
    let client = origin.client(&head);
    head.extensions.insert(client);
    let head = Arc::new(head);
    let in_flight = meter.begin(head.version);
    let record = body::Request::begin(in_flight, Arc::clone(&head), (origin.address(), client));
    let reply = if names_its_host(&head) {
        answer
            .answer(Arc::clone(&head), RequestBody(Some(request_body)))
            .await
    } else {
        Failure::NoHost.into_reply()
    };
    let (mut parts, mut reply_body) = reply.into_parts();
    if head.method == Method::HEAD {
        // A 304 has no content of its own whose length could be told (RFC 9110 §8.6).
        if parts.status != StatusCode::NOT_MODIFIED
            && !parts.headers.contains_key(CONTENT_LENGTH)
            && let Some(bytes) = http_body::Body::size_hint(&reply_body).exact()
        {
            parts.headers.insert(CONTENT_LENGTH, bytes.into());
        }
        reply_body = ReplyBody::empty();
    }
    let reply_body = reply_body.for_request(record, &parts);
    Ok(Response::from_parts(parts, reply_body))
}

/// RFC 9112 §3.2: HTTP/1.1 names the host, once.
fn names_its_host(head: &Parts) -> bool {
    head.version != Version::HTTP_11 || head.headers.get_all(HOST).iter().count() == 1
}
