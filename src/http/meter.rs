//! What a connection is doing, counted where it happens, and judged by one watchdog.
//!
//! Why not a timeout in the body: hyper stops polling a body once the socket is full, so a timer
//! inside it never fires against a slow reader.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Version;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// Counters of one connection.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// Bytes the socket took.
    written_bytes: AtomicU64,
    /// The socket took less than there was to write.
    is_blocked: AtomicBool,
    /// Requests whose response has not been handed over whole.
    in_flight: AtomicUsize,
    /// Of these, how many wait for us (or upstream), not for the reader.
    waiting_for_us: AtomicUsize,
    /// Requests begun so far.
    requests: AtomicU64,
    /// Whether something was read that no request has come of yet. On HTTP/2 that says nothing
    /// after the first request: its connections talk between requests, too.
    has_partial_head: AtomicBool,
    is_http2: AtomicBool,
}

impl Meter {
    pub(super) fn begin(self: &Arc<Self>, version: Version) -> InFlight {
        self.has_partial_head.store(false, Ordering::Relaxed);
        self.is_http2
            .store(version == Version::HTTP_2, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.waiting_for_us.fetch_add(1, Ordering::Relaxed);
        InFlight {
            meter: Arc::clone(self),
            waits_for_us: true,
        }
    }

    fn reads_a_head(&self) -> bool {
        self.has_partial_head.load(Ordering::Relaxed) && !self.is_http2.load(Ordering::Relaxed)
    }

    fn is_blocked(&self) -> bool {
        self.is_blocked.load(Ordering::Relaxed)
    }

    fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// There is something to send, and the reader does not take it.
    fn waits_for_reader(&self) -> bool {
        self.is_blocked() || self.in_flight() > self.waiting_for_us.load(Ordering::Relaxed)
    }
}

/// One request in flight, until it is dropped.
#[derive(Debug)]
pub(super) struct InFlight {
    meter: Arc<Meter>,
    waits_for_us: bool,
}

impl InFlight {
    /// Whether the response waits for us, or has something that the reader may take.
    pub(super) fn set_waits_for_us(&mut self, waits: bool) {
        match (self.waits_for_us, waits) {
            (true, false) => self.meter.waiting_for_us.fetch_sub(1, Ordering::Relaxed),
            (false, true) => self.meter.waiting_for_us.fetch_add(1, Ordering::Relaxed),
            _ => return,
        };
        self.waits_for_us = waits;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.set_waits_for_us(false);
        self.meter.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What connections may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Without a request, from accept or the last response on.
    pub(super) idle: Duration,
    /// For the head of a request, from its first byte on.
    pub(super) head: Duration,
    /// The span over which a reader's rate is judged.
    pub(super) write: Duration,
    /// Bytes a second a reader must take while there is something to take.
    pub(super) write_bytes_per_second_min: u64,
}

/// Why a connection was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GivenUp {
    /// Nothing was asked for.
    Idle,
    /// A request's head took too long.
    SlowHead,
    /// The reader took less than the least rate.
    SlowReader,
}

/// Returns when the connection has used up our patience.
pub(super) async fn watch(meter: &Meter, patience: Patience) -> GivenUp {
    let shortest = patience.idle.min(patience.write).min(patience.head);
    let tick = (shortest / 4).max(Duration::from_millis(10));
    let window_bytes = patience
        .write_bytes_per_second_min
        .saturating_mul(patience.write.as_secs().max(1));
    let (mut idle_since, mut requests) = (Instant::now(), 0);
    let (mut window, mut head_since) = (None, None);
    loop {
        tokio::time::sleep(tick).await;
        let now = Instant::now();
        let seen = meter.requests.load(Ordering::Relaxed);
        if meter.in_flight() > 0 || meter.is_blocked() || seen != requests {
            (idle_since, requests) = (now, seen);
        } else if now - idle_since >= patience.idle {
            return GivenUp::Idle;
        }
        head_since = match head_since {
            _ if !meter.reads_a_head() => None,
            None => Some((now, seen)),
            // A head that was finished and followed by another is another head.
            Some((_, before)) if before != seen => Some((now, seen)),
            Some((since, _)) if now - since >= patience.head => return GivenUp::SlowHead,
            reading => reading,
        };
        let written = meter.written_bytes.load(Ordering::Relaxed);
        window = match window {
            _ if !meter.waits_for_reader() => None,
            None => Some((now, written)),
            Some((since, before)) if now - since >= patience.write => {
                if written - before < window_bytes {
                    return GivenUp::SlowReader;
                }
                Some((now, written))
            }
            open => open,
        };
    }
}

/// A socket that counts into a [`Meter`].
#[derive(Debug)]
pub(super) struct MeteredIo<S> {
    inner: S,
    meter: Arc<Meter>,
}

impl<S> MeteredIo<S> {
    pub(super) fn new(inner: S, meter: Arc<Meter>) -> Self {
        Self { inner, meter }
    }

    fn count(&self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = written {
            self.meter
                .written_bytes
                .fetch_add(*bytes as u64, Ordering::Relaxed);
        }
        self.meter
            .is_blocked
            .store(written.is_pending(), Ordering::Relaxed);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for MeteredIo<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        if buf.filled().len() > before && self.meter.in_flight() == 0 {
            self.meter.has_partial_head.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for MeteredIo<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.count(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.count(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    fn patience() -> Patience {
        let idle = Duration::from_secs(60);
        Patience {
            idle,
            head: Duration::from_secs(10),
            write: Duration::from_secs(30),
            write_bytes_per_second_min: 1024,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_is_given_up() {
        let started = Instant::now();
        assert_eq!(watch(&Meter::default(), patience()).await, GivenUp::Idle);
        assert!(started.elapsed() <= Duration::from_secs(75));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_who_takes_nothing_is_given_up() {
        let meter = Arc::new(Meter::default());
        let mut request = meter.begin(Version::HTTP_11);
        let (ours, _theirs) = tokio::io::duplex(1000);
        let mut io = MeteredIo::new(ours, Arc::clone(&meter));
        request.set_waits_for_us(false);
        let writing = io.write_all(&[0; 2000]);
        tokio::select! {
            _ = writing => panic!("nobody read, yet all was written"),
            given_up = watch(&meter, patience()) => assert_eq!(given_up, GivenUp::SlowReader),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_upstream_is_not_the_readers_fault() {
        let meter = Arc::new(Meter::default());
        let _request = meter.begin(Version::HTTP_11);
        let watched = tokio::time::timeout(Duration::from_secs(600), watch(&meter, patience()));
        assert!(watched.await.is_err());
    }
}
