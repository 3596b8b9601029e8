//! One connection: protocol detection, limits, requests, and its graceful end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::FutureExt as _;
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::body::{self, ReplyBody};
use super::failure::Failure;
use super::head::{self, HEADERS_MAX, HeadLimits};
use super::meter::{MeteredIo, Patience, Verdict, Watchdog};
use super::origin::Origin;
use super::places::Place;
use super::stream::{Stream, Streams};
use super::{Answer, RequestBody};
use crate::config::ServerSettings;

/// Bytes of a request's body that HTTP/2 lets a client send before they are read, of one stream
/// and of a whole connection.
const HTTP2_WINDOW_BYTES: u32 = 256 << 10;
/// Streams that a client has reset and that we have not seen yet; more end the connection.
const HTTP2_RESETS_MAX: usize = 20;
/// Streams that we had to reset for what the client did; more end the connection.
const HTTP2_ERRORS_MAX: usize = 100;

/// A builder of connections whose tasks `tasks` tracks.
pub(super) fn builder(settings: &ServerSettings, tasks: TaskTracker) -> auto::Builder<Streams> {
    let mut builder = auto::Builder::new(Streams(tasks));
    let head_bytes_max = settings.head_bytes_max;
    builder
        .http1()
        .timer(TokioTimer::new())
        // Heads and idle connections are judged by the watchdog: hyper's timeout begins when the
        // connection falls idle, not with the head.
        .header_read_timeout(None)
        .max_headers(HEADERS_MAX)
        .max_buf_size(head_bytes_max as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(settings.http2_streams_max)
        .max_header_list_size(head_bytes_max)
        .max_send_buf_size(settings.http2_buffer_bytes)
        .initial_stream_window_size(HTTP2_WINDOW_BYTES)
        .initial_connection_window_size(HTTP2_WINDOW_BYTES)
        .max_pending_accept_reset_streams(HTTP2_RESETS_MAX)
        .max_local_error_reset_streams(HTTP2_ERRORS_MAX)
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
    pub(super) builder: auto::Builder<Streams>,
    pub(super) patience: Patience,
    pub(super) head_limits: HeadLimits,
    /// The largest piece of a body that is handed over to HTTP/2 at once.
    pub(super) http2_piece_bytes_max: usize,
    pub(super) drain: CancellationToken,
    pub(super) answer: A,
}

/// A connection that was accepted and has a place.
pub(super) struct Accepted {
    pub(super) stream: TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) origin: Origin,
    pub(super) place: Place,
}

/// What the requests of one connection share.
struct Shared<A> {
    terms: Terms<A>,
    origin: Origin,
    place: Place,
}

/// Serves one connection until it ends, is given up or evicted, or `drain` asks it to end after
/// what is in flight.
pub(super) async fn serve<A: Answer>(terms: Terms<A>, accepted: Accepted) {
    let Accepted {
        stream,
        peer,
        origin,
        place,
    } = accepted;
    let builder = terms.builder.clone();
    let (patience, drain) = (terms.patience, terms.drain.clone());
    let meter = Arc::clone(place.meter());
    let mut evicted = std::pin::pin!(place.evicted());
    let shared = Arc::new(Shared {
        terms,
        origin,
        place,
    });
    let service = service_fn(move |request| respond(Arc::clone(&shared), request));
    let io = TokioIo::new(MeteredIo::new(stream, Arc::clone(&meter)));
    let mut connection = std::pin::pin!(builder.serve_connection(io, service));
    let mut watchdog = Watchdog::new(&meter, patience);
    let mut is_ending = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, error, "connection ended");
                }
                return;
            }
            verdict = watchdog.verdict() => match verdict {
                Verdict::GoAway => {}
                Verdict::SlowReader => {
                    tracing::info!(%peer, "connection given up: the reader takes too little");
                    return;
                }
                Verdict::Idle | Verdict::SlowHead => return,
            },
            () = evicted.as_mut() => {
                tracing::debug!(%peer, "idle connection given up for another");
                connection.as_mut().graceful_shutdown();
                // HTTP/2 says good-bye, as far as the socket takes it at once.
                connection.as_mut().now_or_never();
                return;
            }
            () = drain.cancelled(), if !is_ending => {}
        }
        is_ending = true;
        connection.as_mut().graceful_shutdown();
    }
}

async fn respond<A: Answer>(
    shared: Arc<Shared<A>>,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, Infallible> {
    let Shared {
        terms,
        origin,
        place,
    } = &*shared;
    let (mut head, request_body) = request.into_parts();
    let client = origin.client(&head);
    head.extensions.insert(client);
    let head = Arc::new(head);
    if head.version == Version::HTTP_2 {
        place.meter().set_http2();
    }
    // Else the connection is what counts.
    let request_place = match origin.is_proxy() {
        true => place.places().begin_request(client),
        false => Ok(None),
    };
    let (request_place, busy) = match request_place {
        Ok(request_place) => (request_place, None),
        Err(_) => (None, Some(Failure::ClientBusy)),
    };
    let stream = Stream::begin(place.meter(), request_place);
    let record = body::Request::begin(stream, Arc::clone(&head), (origin.address(), client));
    let refusal = head::refusal(&head, &terms.head_limits);
    let mut reply = match refusal.or(busy) {
        Some(failure) => failure.into_reply(),
        None => {
            let body = RequestBody(Some(request_body));
            terms.answer.answer(Arc::clone(&head), body).await
        }
    };
    if head::has_odd_body(&head) {
        // SECURITY: what follows on the connection may be meant as its body or as a request.
        let close = HeaderValue::from_static("close");
        reply.headers_mut().insert(CONNECTION, close);
    }
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
    let bytes_max = match head.version {
        Version::HTTP_2 => terms.http2_piece_bytes_max,
        _ => usize::MAX,
    };
    let reply_body = reply_body.for_request(record, &parts, bytes_max);
    Ok(Response::from_parts(parts, reply_body))
}
