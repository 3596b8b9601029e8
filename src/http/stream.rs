//! One request and its reply, as far as the reader has taken it.
//!
//! Why not a timeout in the body: hyper polls a body only while there is room for more, so a timer
//! in it never fires against a reader who takes nothing. The pieces themselves count instead, in
//! hyper's buffers too, and the watchdog of the connection looks at the counts.

use std::io::IoSlice;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_util::future::{AbortHandle, abortable};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::meter::{Meter, Patience};
use super::places::RequestPlace;

tokio::task_local! {
    /// What ends the HTTP/2 stream that this task serves.
    static ABORT: AbortHandle;
}

/// Runs the streams of HTTP/2 connections, so that each can be ended alone: when its task is
/// dropped, h2 resets the stream and drops what it still had to send.
#[derive(Debug, Clone)]
pub(super) struct Streams(pub(super) TaskTracker);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Streams {
    fn execute(&self, serving: F) {
        let (serving, abort) = abortable(serving);
        self.0.spawn(ABORT.scope(abort, serving));
    }
}

/// A request until its reply is taken. It lives as long as the reply's body or any piece of it.
#[derive(Debug)]
pub(super) struct Stream {
    meter: Arc<Meter>,
    /// `None` on HTTP/1, where the stream is the connection.
    abort: Option<AbortHandle>,
    /// Bytes of the body that were written, or will be with what the socket takes next.
    taken_bytes: AtomicU64,
    /// Bytes that were handed over and are not taken.
    held_bytes: AtomicU64,
    /// Whether all was taken at some time since the watchdog looked.
    was_taken: AtomicBool,
    is_given_up: AtomicBool,
    /// Since when the reader has something to take, and what it had taken then.
    window: Mutex<Option<(Instant, u64)>>,
    _place: Option<RequestPlace>,
}

impl Stream {
    /// Begins the stream of the task that calls.
    pub(super) fn begin(meter: &Arc<Meter>, place: Option<RequestPlace>) -> Arc<Self> {
        let stream = Arc::new(Self {
            meter: Arc::clone(meter),
            abort: ABORT.try_with(AbortHandle::clone).ok(),
            taken_bytes: AtomicU64::new(0),
            held_bytes: AtomicU64::new(0),
            was_taken: AtomicBool::new(false),
            is_given_up: AtomicBool::new(false),
            window: Mutex::default(),
            _place: place,
        });
        meter.begin(&stream);
        stream
    }

    /// Hands over some of the body.
    pub(super) fn piece(self: &Arc<Self>, bytes: Bytes) -> Piece {
        self.held_bytes
            .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Piece {
            bytes,
            stream: Some(Arc::clone(self)),
        }
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.is_given_up.load(Ordering::Relaxed)
    }

    /// Whether the reader took less than the least rate, over a whole span of patience in which
    /// there always was something to take.
    pub(super) fn is_slow(&self, patience: &Patience) -> bool {
        let now = Instant::now();
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let was_taken = self.was_taken.swap(false, Ordering::Relaxed);
        if was_taken || self.held_bytes.load(Ordering::Relaxed) == 0 {
            *window = None;
            return false;
        }
        let taken = self.taken_bytes.load(Ordering::Relaxed);
        let (since, before) = *window.get_or_insert((now, taken));
        if now - since < patience.write {
            return false;
        }
        *window = Some((now, taken));
        taken - before < patience.window_bytes()
    }

    /// Ends the stream alone, if it can be: not on HTTP/1, nor when hyper has handed all of it to
    /// h2. Where it can't, the stream is still there afterwards.
    pub(super) fn give_up(&self) {
        self.is_given_up.store(true, Ordering::Relaxed);
        if let Some(abort) = &self.abort {
            abort.abort();
        }
    }

    fn leave(&self, bytes: usize, is_taken: bool) {
        let bytes = bytes as u64;
        if is_taken {
            self.taken_bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        if self.held_bytes.fetch_sub(bytes, Ordering::Relaxed) == bytes {
            self.was_taken.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.meter.end();
    }
}

/// Some bytes of a reply's body that say when they are taken.
#[derive(Debug)]
pub struct Piece {
    bytes: Bytes,
    stream: Option<Arc<Stream>>,
}

impl From<Bytes> for Piece {
    fn from(bytes: Bytes) -> Self {
        Self {
            bytes,
            stream: None,
        }
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        self.bytes.chunks_vectored(slices)
    }

    fn advance(&mut self, bytes: usize) {
        self.bytes.advance(bytes);
        if let Some(stream) = &self.stream {
            stream.leave(bytes, true);
        }
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some(stream) = &self.stream {
            stream.leave(self.bytes.len(), false);
        }
    }
}

/// The rate that a reader must keep, as bytes of one span.
impl Patience {
    pub(super) fn window_bytes(&self) -> u64 {
        let span = self.write.max(Duration::from_secs(1)).as_secs();
        self.write_bytes_per_second_min.saturating_mul(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience() -> Patience {
        let second = Duration::from_secs(1);
        Patience {
            idle: 60 * second,
            head: 10 * second,
            write: 30 * second,
            write_bytes_per_second_min: 10,
        }
    }

    async fn after(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_is_slow_when_it_takes_less_than_the_rate() {
        let stream = Stream::begin(&Arc::default(), None);
        let mut piece = stream.piece(Bytes::from(vec![0; 10_000]));
        assert!(!stream.is_slow(&patience()));
        after(29).await;
        piece.advance(299);
        assert!(!stream.is_slow(&patience()));
        after(1).await;
        assert!(stream.is_slow(&patience()));
        after(30).await;
        piece.advance(300);
        assert!(!stream.is_slow(&patience()));
        after(30).await;
        drop(piece);
        assert!(!stream.is_slow(&patience()), "there is nothing to take");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_waits_for_us_now_and_then_is_not_slow() {
        let stream = Stream::begin(&Arc::default(), None);
        for _ in 0..100 {
            let mut piece = stream.piece(Bytes::from_static(b"x"));
            assert!(!stream.is_slow(&patience()));
            after(10).await;
            assert!(!stream.is_slow(&patience()));
            piece.advance(1);
        }
    }

    #[test]
    fn a_stream_ends_with_its_last_piece() {
        let meter = Arc::new(Meter::default());
        let stream = Stream::begin(&meter, None);
        let piece = stream.piece(Bytes::from_static(b"some"));
        assert_eq!(meter.in_flight(), 1);
        drop(stream);
        assert_eq!(meter.in_flight(), 1);
        drop(piece);
        assert_eq!(meter.in_flight(), 0);
    }
}
