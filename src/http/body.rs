//! The body of a reply, and the log line of its request, written when the body ends.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use futures_util::Stream;
use http::request::Parts;
use http::{HeaderValue, StatusCode, response};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::exchange::{Exchange, Piece};
use crate::cache::{Body, Broken, Next, Playback};
use crate::client::Client;

/// The largest frame. hyper drops a body once it has its last frame, and buffers what the reader has not
/// taken: frames of this size keep the body, and with it the request, in flight until near its end.
const FRAME_BYTES_MAX: usize = 64 << 10;

type Player = Pin<Box<dyn Stream<Item = Result<Bytes, Broken>> + Send>>;

enum Source {
    /// A complete body, and the rest of its last piece.
    Whole { playback: Playback, rest: Bytes },
    /// A recording that still grows, or a body that is read from the store.
    Growing {
        player: Player,
        rest: Bytes,
        ended: bool,
    },
}

/// The body of a reply.
pub struct ReplyBody {
    source: Source,
    /// The largest frame that is handed over at once.
    frame_bytes_max: usize,
    request: Option<Request>,
}

/// A request; its log line is written on drop.
#[derive(Debug)]
pub(super) struct Request {
    exchange: Arc<Exchange>,
    started: Instant,
    head: Arc<Parts>,
    peer: IpAddr,
    client: Client,
    /// Status and `Cache-Status`; `None` when the reader left before.
    answer: Option<(StatusCode, Option<HeaderValue>)>,
    sent_bytes: u64,
    is_whole: bool,
}

impl Request {
    pub(super) fn begin(
        exchange: Arc<Exchange>,
        head: Arc<Parts>,
        (peer, client): (IpAddr, Client),
    ) -> Self {
        let started = Instant::now();
        Self {
            exchange,
            started,
            head,
            peer,
            client,
            answer: None,
            sent_bytes: 0,
            is_whole: false,
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let (status, cache) = match &self.answer {
            Some((status, cache)) => (Some(status.as_u16()), cache.as_ref()),
            None => (None, None),
        };
        tracing::info!(
            target: "feedwright::request",
            method = %self.head.method,
            path = %self.head.uri.path(),
            status,
            bytes = self.sent_bytes,
            whole = self.is_whole,
            cache = cache.and_then(|value| value.to_str().ok()),
            duration_ms = self.started.elapsed().as_secs_f64() * 1e3,
            peer = %self.peer,
            client = self.client.is_known().then(|| tracing::field::display(self.client)),
            "request"
        );
    }
}

impl ReplyBody {
    /// An empty body.
    #[must_use]
    pub fn empty() -> Self {
        Self::whole(Body::new(Vec::new()))
    }

    /// A short text.
    #[must_use]
    pub fn text(text: impl Into<Bytes>) -> Self {
        Self::whole(Body::new(vec![text.into()]))
    }

    /// A complete body.
    #[must_use]
    pub fn whole(body: Body) -> Self {
        Self::part(body.play())
    }

    /// The rest of a complete body.
    #[must_use]
    pub fn part(playback: Playback) -> Self {
        Self::new(Source::Whole {
            playback,
            rest: Bytes::new(),
        })
    }

    /// A body that still grows.
    #[must_use]
    pub fn growing(player: impl Stream<Item = Result<Bytes, Broken>> + Send + 'static) -> Self {
        Self::new(Source::Growing {
            player: Box::pin(player),
            rest: Bytes::new(),
            ended: false,
        })
    }

    fn new(source: Source) -> Self {
        Self {
            source,
            frame_bytes_max: FRAME_BYTES_MAX,
            request: None,
        }
    }

    /// Ties the body to the request it answers.
    pub(super) fn for_request(
        mut self,
        mut request: Request,
        answer: &response::Parts,
        frame_bytes_max: usize,
    ) -> Self {
        let cache = answer.headers.get("cache-status").cloned();
        request.answer = Some((answer.status, cache));
        request.is_whole = HttpBody::is_end_stream(&self);
        self.frame_bytes_max = frame_bytes_max.min(FRAME_BYTES_MAX);
        self.request = Some(request);
        self
    }
}

impl Source {
    /// The next frame, if there is one now.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        bytes_max: usize,
    ) -> Poll<Option<Result<Bytes, Broken>>> {
        let (Self::Whole { rest, .. } | Self::Growing { rest, .. }) = self;
        if !rest.is_empty() {
            return Poll::Ready(Some(Ok(rest.split_to(rest.len().min(bytes_max)))));
        }
        if let Self::Whole { playback, .. } = self {
            match playback.next_in_memory() {
                Next::Piece(piece) => return Poll::Ready(Some(Ok(self.cut(piece, bytes_max)))),
                Next::End => return Poll::Ready(None),
                Next::Elsewhere => {}
            }
        }
        let player = match self {
            Self::Growing { player, .. } => player,
            Self::Whole { playback, .. } => {
                let player: Player = Box::pin(playback.take().into_stream());
                *self = Self::Growing {
                    player,
                    rest: Bytes::new(),
                    ended: false,
                };
                return self.poll(cx, bytes_max);
            }
        };
        let piece = std::task::ready!(player.as_mut().poll_next(cx));
        if let Self::Growing { ended, .. } = self {
            *ended = piece.is_none();
        }
        Poll::Ready(piece.map(|piece| piece.map(|piece| self.cut(piece, bytes_max))))
    }

    /// Cuts one frame from a piece; the rest is kept for the next.
    fn cut(&mut self, mut piece: Bytes, bytes_max: usize) -> Bytes {
        let (Self::Whole { rest, .. } | Self::Growing { rest, .. }) = self;
        if piece.len() > bytes_max {
            *rest = piece.split_off(bytes_max);
        }
        piece
    }

    fn is_over(&self) -> bool {
        match self {
            Self::Whole { playback, rest } => rest.is_empty() && playback.bytes_left() == 0,
            Self::Growing { rest, ended, .. } => rest.is_empty() && *ended,
        }
    }
}

impl HttpBody for ReplyBody {
    type Data = Piece;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, Broken>>> {
        let bytes_max = self.frame_bytes_max;
        let next = self.source.poll(cx, bytes_max);
        let is_over = self.source.is_over();
        let Some(request) = &mut self.request else {
            return next.map_ok(|bytes| Frame::data(bytes.into()));
        };
        request.is_whole = is_over;
        next.map_ok(|bytes| {
            request.sent_bytes += bytes.len() as u64;
            Frame::data(request.exchange.piece(bytes))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.source.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Whole { playback, rest } => {
                SizeHint::with_exact((rest.len() + playback.bytes_left()) as u64)
            }
            Source::Growing { .. } => SizeHint::default(),
        }
    }
}
