//! The body of a reply, and the one log line that a request leaves when its body is done.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use futures_util::Stream;
use http::StatusCode;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::meter::InFlight;
use crate::cache::{Body, Broken};

type Player = Pin<Box<dyn Stream<Item = Result<Bytes, Broken>> + Send>>;

enum Source {
    /// Pieces that are all there; the next one's number.
    Whole(Body, usize),
    /// A recording that still grows.
    Growing(Player),
}

/// What a reply sends.
pub struct ReplyBody {
    source: Source,
    sent_bytes: u64,
    ended: bool,
    request: Option<Request>,
}

/// A request as its log line tells it.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) in_flight: InFlight,
    pub(super) started: Instant,
    pub(super) method: http::Method,
    pub(super) path: String,
    pub(super) status: StatusCode,
    pub(super) cache_status: Option<http::HeaderValue>,
    pub(super) peer: std::net::SocketAddr,
}

impl ReplyBody {
    /// Nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self::whole(Body::new(Vec::new()))
    }

    /// A short text.
    #[must_use]
    pub fn text(text: impl Into<Bytes>) -> Self {
        Self::whole(Body::new(vec![text.into()]))
    }

    /// A body that is all there.
    #[must_use]
    pub fn whole(body: Body) -> Self {
        Self::new(Source::Whole(body, 0))
    }

    /// A body that still grows.
    #[must_use]
    pub fn growing(player: impl Stream<Item = Result<Bytes, Broken>> + Send + 'static) -> Self {
        Self::new(Source::Growing(Box::pin(player)))
    }

    fn new(source: Source) -> Self {
        Self {
            source,
            sent_bytes: 0,
            ended: false,
            request: None,
        }
    }

    pub(super) fn for_request(mut self, mut request: Request) -> Self {
        request.in_flight.set_waits_for_us(false);
        self.request = Some(request);
        self
    }

    fn waits_for_us(&mut self, waits: bool) {
        if let Some(request) = &mut self.request {
            request.in_flight.set_waits_for_us(waits);
        }
    }
}

impl HttpBody for ReplyBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let next = match &mut self.source {
            Source::Whole(body, next) => {
                let piece = body.pieces().get(*next).cloned();
                *next += 1;
                Poll::Ready(piece.map(Ok))
            }
            Source::Growing(player) => player.as_mut().poll_next(cx),
        };
        self.waits_for_us(next.is_pending());
        match &next {
            Poll::Ready(Some(Ok(piece))) => self.sent_bytes += piece.len() as u64,
            Poll::Ready(None) => self.ended = true,
            _ => {}
        }
        next.map(|next| next.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Whole(body, next) => *next >= body.pieces().len(),
            Source::Growing(_) => self.ended,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Whole(body, next) => {
                let left = body
                    .pieces()
                    .iter()
                    .skip(*next)
                    .map(Bytes::len)
                    .sum::<usize>();
                SizeHint::with_exact(left as u64)
            }
            Source::Growing(_) => SizeHint::default(),
        }
    }
}

impl Drop for ReplyBody {
    fn drop(&mut self) {
        let complete = self.is_end_stream();
        let Some(request) = self.request.take() else {
            return;
        };
        tracing::info!(
            target: "feedwright::request",
            method = %request.method,
            path = %request.path,
            status = request.status.as_u16(),
            bytes = self.sent_bytes,
            complete,
            cache = request.cache_status.as_ref().and_then(|value| value.to_str().ok()),
            duration_ms = request.started.elapsed().as_secs_f64() * 1e3,
            peer = %request.peer.ip(),
            "request"
        );
    }
}
