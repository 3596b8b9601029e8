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
use super::exchange::{Exchange, StreamExecutor};
use super::failure::Failure;
use super::head::{self, HEADERS_MAX, HeadLimits};
use super::meter::MeteredIo;
use super::origin::Origin;
use super::slots::ConnectionSlot;
use super::transfer::LeastRate;
use super::watchdog::{Timeouts, Verdict, Watchdog};
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
pub(super) fn builder(
    settings: &ServerSettings,
    tasks: TaskTracker,
) -> auto::Builder<StreamExecutor> {
    let mut builder = auto::Builder::new(StreamExecutor(tasks));
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

pub(super) fn timeouts(settings: &ServerSettings) -> Timeouts {
    Timeouts {
        idle: settings.idle_timeout,
        head: settings.header_timeout,
        rate: LeastRate {
            window: settings.write_timeout,
            bytes_per_second: settings.write_bytes_per_second_min,
        },
    }
}

/// What all connections of a server share.
#[derive(Clone)]
pub(super) struct ConnectionContext<A> {
    pub(super) builder: auto::Builder<StreamExecutor>,
    pub(super) timeouts: Timeouts,
    pub(super) head_limits: HeadLimits,
    /// The largest piece of a body that is handed over to HTTP/2 at once.
    pub(super) http2_piece_bytes_max: usize,
    pub(super) drain: CancellationToken,
    pub(super) answer: A,
}

/// An accepted connection with its slot.
pub(super) struct Accepted {
    pub(super) stream: TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) origin: Origin,
    pub(super) slot: ConnectionSlot,
}

/// What the requests of one connection share.
struct ConnectionState<A> {
    context: ConnectionContext<A>,
    origin: Origin,
    slot: ConnectionSlot,
}

/// Serves one connection until it ends, is too slow or evicted, or `drain` asks it to end after
/// the requests in flight.
pub(super) async fn serve<A: Answer>(context: ConnectionContext<A>, accepted: Accepted) {
    let Accepted {
        stream,
        peer,
        origin,
        slot,
    } = accepted;
    let builder = context.builder.clone();
    let (timeouts, drain) = (context.timeouts, context.drain.clone());
    let meter = Arc::clone(slot.meter());
    let mut evicted = std::pin::pin!(slot.evicted());
    let state = Arc::new(ConnectionState {
        context,
        origin,
        slot,
    });
    let service = service_fn(move |request| respond(Arc::clone(&state), request));
    let io = TokioIo::new(MeteredIo::new(stream, Arc::clone(&meter)));
    let mut connection = std::pin::pin!(builder.serve_connection(io, service));
    let mut watchdog = Watchdog::new(&meter, timeouts);
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
                    tracing::info!(%peer, "connection closed: reader too slow");
                    return;
                }
                Verdict::Idle | Verdict::SlowHead => return,
            },
            () = evicted.as_mut() => {
                tracing::debug!(%peer, "idle connection evicted");
                connection.as_mut().graceful_shutdown();
                // HTTP/2 sends its GOAWAY, as far as the socket takes it at once.
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
    state: Arc<ConnectionState<A>>,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, Infallible> {
    let ConnectionState {
        context,
        origin,
        slot,
    } = &*state;
    let (mut head, request_body) = request.into_parts();
    let client = origin.client(&head);
    head.extensions.insert(client);
    let head = Arc::new(head);
    if head.version == Version::HTTP_2 {
        slot.meter().set_http2();
    }
    // Else the connection is what counts.
    let request_slot = match origin.is_proxy() {
        true => slot.slots().begin_request(client),
        false => Ok(None),
    };
    let (request_slot, busy) = match request_slot {
        Ok(request_slot) => (request_slot, None),
        Err(_) => (None, Some(Failure::ClientBusy)),
    };
    let exchange = Exchange::begin(slot.meter(), request_slot);
    let record = body::Request::begin(exchange, Arc::clone(&head), (origin.address(), client));
    let refusal = head::refusal(&head, &context.head_limits);
    let mut reply = match refusal.or(busy) {
        Some(failure) => failure.into_reply(),
        None => {
            let body = RequestBody(Some(request_body));
            context.answer.answer(Arc::clone(&head), body).await
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
        Version::HTTP_2 => context.http2_piece_bytes_max,
        _ => usize::MAX,
    };
    let reply_body = reply_body.for_request(record, &parts, bytes_max);
    Ok(Response::from_parts(parts, reply_body))
}
