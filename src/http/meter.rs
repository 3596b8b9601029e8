//! What a connection is doing, counted where it happens, and judged by one watchdog.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::stream::Stream;

/// Counters of one connection.
#[derive(Debug)]
pub(super) struct Meter {
    /// Bytes the socket took.
    written_bytes: AtomicU64,
    /// The socket took less than there was to write.
    is_blocked: AtomicBool,
    /// Requests whose reply is not taken whole.
    in_flight: AtomicUsize,
    /// Requests begun so far.
    requests: AtomicU64,
    /// Whether something was read that no request has come of yet. On HTTP/2 that says nothing
    /// after the first request: its connections talk between requests, too.
    has_partial_head: AtomicBool,
    is_http2: AtomicBool,
    opened: Instant,
    /// When the last request ended, in milliseconds since the connection was opened.
    idle_since_ms: AtomicU64,
    /// Those in flight, and some that are over.
    streams: Mutex<Vec<Weak<Stream>>>,
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
            streams: Mutex::default(),
        }
    }
}

impl Meter {
    pub(super) fn begin(&self, stream: &Arc<Stream>) {
        self.has_partial_head.store(false, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if streams.len() == streams.capacity() {
            streams.retain(|stream| stream.strong_count() > 0);
        }
        streams.push(Arc::downgrade(stream));
    }

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

    fn reads_a_head(&self) -> bool {
        self.has_partial_head.load(Ordering::Relaxed) && !self.is_http2.load(Ordering::Relaxed)
    }

    fn is_blocked(&self) -> bool {
        self.is_blocked.load(Ordering::Relaxed)
    }

    fn streams(&self) -> Vec<Arc<Stream>> {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.iter().filter_map(Weak::upgrade).collect()
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

/// What is to become of a connection that has used up our patience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It ends: nothing was asked for.
    Idle,
    /// It ends: a request's head took too long.
    SlowHead,
    /// It ends: the reader took less than the least rate.
    SlowReader,
    /// It takes no more requests: one of its streams is slow and can't be ended alone.
    GoAway,
}

/// The watchdog of one connection.
pub(super) struct Watchdog<'m> {
    meter: &'m Meter,
    patience: Patience,
    idle_since: Instant,
    requests: u64,
    /// Since when the socket is blocked, and what it had taken then.
    window: Option<(Instant, u64)>,
    /// Since when a head is read, and which request's.
    head: Option<(Instant, u64)>,
    goes_away: bool,
}

impl<'m> Watchdog<'m> {
    pub(super) fn new(meter: &'m Meter, patience: Patience) -> Self {
        Self {
            meter,
            patience,
            idle_since: Instant::now(),
            requests: 0,
            window: None,
            head: None,
            goes_away: false,
        }
    }

    /// The next verdict. May be dropped and called again.
    pub(super) async fn verdict(&mut self) -> Verdict {
        let Patience {
            idle, head, write, ..
        } = self.patience;
        let tick = (idle.min(write).min(head) / 4).max(Duration::from_millis(10));
        loop {
            tokio::time::sleep(tick).await;
            let now = Instant::now();
            let verdict = self
                .judge_requests(now)
                .or_else(|| self.judge_socket(now))
                .or_else(|| self.judge_streams());
            if let Some(verdict) = verdict {
                return verdict;
            }
        }
    }

    fn judge_requests(&mut self, now: Instant) -> Option<Verdict> {
        let (meter, patience) = (self.meter, &self.patience);
        let seen = meter.requests.load(Ordering::Relaxed);
        if meter.in_flight() > 0 || meter.is_blocked() || seen != self.requests {
            (self.idle_since, self.requests) = (now, seen);
        } else if now - self.idle_since >= patience.idle {
            return Some(Verdict::Idle);
        }
        self.head = match self.head {
            _ if !meter.reads_a_head() => None,
            None => Some((now, seen)),
            // A head that was finished and followed by another is another head.
            Some((_, before)) if before != seen => Some((now, seen)),
            Some((since, _)) if now - since >= patience.head => return Some(Verdict::SlowHead),
            reading => reading,
        };
        None
    }

    fn judge_socket(&mut self, now: Instant) -> Option<Verdict> {
        let written = self.meter.written_bytes.load(Ordering::Relaxed);
        self.window = match self.window {
            _ if !self.meter.is_blocked() => None,
            None => Some((now, written)),
            Some((since, before)) if now - since >= self.patience.write => {
                if written - before < self.patience.window_bytes() {
                    return Some(Verdict::SlowReader);
                }
                Some((now, written))
            }
            open => open,
        };
        None
    }

    /// A slow stream is given up. If it is still there a tick later, hyper could not reset it:
    /// then the connection goes away, and ends when no other stream is left.
    fn judge_streams(&mut self) -> Option<Verdict> {
        let streams = self.meter.streams();
        let is_stuck = streams.iter().any(|stream| stream.is_given_up());
        let slow = streams
            .iter()
            .filter(|stream| !stream.is_given_up() && stream.is_slow(&self.patience));
        let given_up = slow.map(|stream| stream.give_up()).count();
        if given_up > 0 {
            tracing::info!(
                streams = given_up,
                "streams given up: the reader takes too little"
            );
        }
        let is_http1 = !self.meter.is_http2.load(Ordering::Relaxed);
        let is_over = streams.iter().all(|stream| stream.is_given_up());
        match is_stuck {
            false if !is_http1 => None,
            _ if is_over && !streams.is_empty() => Some(Verdict::SlowReader),
            true if !self.goes_away => {
                self.goes_away = true;
                Some(Verdict::GoAway)
            }
            _ => None,
        }
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
    use bytes::Bytes;
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

    async fn verdict(meter: &Meter) -> Verdict {
        Watchdog::new(meter, patience()).verdict().await
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_is_given_up() {
        let started = Instant::now();
        assert_eq!(verdict(&Meter::default()).await, Verdict::Idle);
        assert!(started.elapsed() <= Duration::from_secs(75));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_who_takes_nothing_is_given_up() {
        let meter = Arc::new(Meter::default());
        let _stream = Stream::begin(&meter, None);
        let (ours, _theirs) = tokio::io::duplex(1000);
        let mut io = MeteredIo::new(ours, Arc::clone(&meter));
        let writing = io.write_all(&[0; 2000]);
        tokio::select! {
            _ = writing => panic!("nobody read, yet all was written"),
            given_up = verdict(&meter) => assert_eq!(given_up, Verdict::SlowReader),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_upstream_is_not_the_readers_fault() {
        let meter = Arc::new(Meter::default());
        let _stream = Stream::begin(&meter, None);
        let watched = tokio::time::timeout(Duration::from_secs(600), verdict(&meter));
        assert!(watched.await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn on_http_1_a_slow_stream_is_a_slow_reader() {
        let meter = Arc::new(Meter::default());
        let stream = Stream::begin(&meter, None);
        let _piece = stream.piece(Bytes::from_static(b"some"));
        assert_eq!(verdict(&meter).await, Verdict::SlowReader);
    }

    #[tokio::test(start_paused = true)]
    async fn on_http_2_a_connection_ends_with_the_last_stream_that_moves() {
        let meter = Arc::new(Meter::default());
        meter.set_http2();
        let (stuck, moving) = (Stream::begin(&meter, None), Stream::begin(&meter, None));
        let _piece = stuck.piece(Bytes::from_static(b"some"));
        let mut watchdog = Watchdog::new(&meter, patience());
        assert_eq!(watchdog.verdict().await, Verdict::GoAway);
        let watched = tokio::time::timeout(Duration::from_secs(600), watchdog.verdict());
        assert!(watched.await.is_err(), "another stream moves");
        drop(moving);
        assert_eq!(watchdog.verdict().await, Verdict::SlowReader);
    }
}
