//! Counters of one connection: bytes written, requests, replies that are being taken.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::transfer::Transfer;

/// Counters of one connection.
#[derive(Debug)]
pub(super) struct Meter {
    /// Bytes the socket took.
    written_bytes: AtomicU64,
    /// The socket took less than there was to write.
    is_blocked: AtomicBool,
    /// Requests whose reply is not completely taken.
    in_flight: AtomicUsize,
    /// Requests begun so far.
    requests: AtomicU64,
    /// Whether bytes were read that are no request yet. On HTTP/2 this says nothing after the
    /// first request, because its connections also talk between requests.
    has_partial_head: AtomicBool,
    is_http2: AtomicBool,
    opened: Instant,
    /// When the last request ended, in milliseconds since the connection was opened.
    idle_since_ms: AtomicU64,
    /// Replies in flight, and some that are over.
    transfers: Mutex<Vec<Weak<Transfer>>>,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            written_bytes: AtomicU64::default(),
            is_blocked: AtomicBool::default(),
            in_flight: AtomicUsize::default(),
            requests: AtomicU64::default(),
            has_partial_head: AtomicBool::default(),
            is_http2: AtomicBool::default(),
            opened: Instant::now(),
            idle_since_ms: AtomicU64::default(),
            transfers: Mutex::default(),
        }
    }
}

impl Meter {
    /// Counts a request that begins.
    pub(super) fn begin(&self, transfer: &Arc<Transfer>) {
        self.has_partial_head.store(false, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let mut transfers = self.transfers();
        if transfers.len() == transfers.capacity() {
            transfers.retain(|transfer| transfer.strong_count() > 0);
        }
        transfers.push(Arc::downgrade(transfer));
    }

    /// Counts a request whose reply is taken, or given up.
    pub(super) fn end(&self) {
        let now = self.opened.elapsed().as_millis();
        self.idle_since_ms
            .store(u64::try_from(now).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn set_http2(&self) {
        self.is_http2.store(true, Ordering::Relaxed);
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Since when there is no request; `None` while there is one.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let since = Duration::from_millis(self.idle_since_ms.load(Ordering::Relaxed));
        (self.in_flight() == 0).then(|| self.opened + since)
    }

    pub(super) fn is_http2(&self) -> bool {
        self.is_http2.load(Ordering::Relaxed)
    }

    /// Requests begun so far.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Bytes the socket took.
    pub(super) fn written_bytes(&self) -> u64 {
        self.written_bytes.load(Ordering::Relaxed)
    }

    /// Whether a request's head has begun and not ended.
    pub(super) fn reads_head(&self) -> bool {
        self.has_partial_head.load(Ordering::Relaxed) && !self.is_http2()
    }

    /// Whether the socket took less than there was to write.
    pub(super) fn is_blocked(&self) -> bool {
        self.is_blocked.load(Ordering::Relaxed)
    }

    /// The replies that are being taken.
    pub(super) fn running_transfers(&self) -> Vec<Arc<Transfer>> {
        self.transfers().iter().filter_map(Weak::upgrade).collect()
    }

    fn transfers(&self) -> MutexGuard<'_, Vec<Weak<Transfer>>> {
        self.transfers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
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
