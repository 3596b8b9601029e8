//! The watchdog of a connection: ends those that are idle or too slow.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::meter::Meter;
use super::transfer::{LeastRate, Transfer};

/// How long a connection may take for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    /// Without a request, from accept or the last response on.
    pub(super) idle: Duration,
    /// For the head of a request, from its first byte on.
    pub(super) head: Duration,
    /// The rate that a reader must keep.
    pub(super) rate: LeastRate,
}

/// What is to be done with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// End it: nothing was asked for.
    Idle,
    /// End it: a request's head took too long.
    SlowHead,
    /// End it: the reader took less than the least rate.
    SlowReader,
    /// Take no more requests: one of its streams is slow and can't be reset alone.
    GoAway,
}

/// The watchdog of one connection.
pub(super) struct Watchdog<'m> {
    meter: &'m Meter,
    timeouts: Timeouts,
    idle_since: Instant,
    requests: u64,
    /// Since when the socket is blocked, and the bytes it had taken then.
    window: Option<(Instant, u64)>,
    /// Since when a head is being read, and the number of its request.
    head: Option<(Instant, u64)>,
    goes_away: bool,
}

impl<'m> Watchdog<'m> {
    pub(super) fn new(meter: &'m Meter, timeouts: Timeouts) -> Self {
        Self {
            meter,
            timeouts,
            idle_since: Instant::now(),
            requests: 0,
            window: None,
            head: None,
            goes_away: false,
        }
    }

    /// The next verdict. May be dropped and called again.
    pub(super) async fn verdict(&mut self) -> Verdict {
        let Timeouts { idle, head, rate } = self.timeouts;
        let tick = (idle.min(rate.window).min(head) / 4).max(Duration::from_millis(10));
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
        let (meter, timeouts) = (self.meter, &self.timeouts);
        let seen = meter.requests();
        if meter.in_flight() > 0 || meter.is_blocked() || seen != self.requests {
            (self.idle_since, self.requests) = (now, seen);
        } else if now - self.idle_since >= timeouts.idle {
            return Some(Verdict::Idle);
        }
        self.head = match self.head {
            _ if !meter.reads_head() => None,
            None => Some((now, seen)),
            // A head that was finished and followed by another is another head.
            Some((_, before)) if before != seen => Some((now, seen)),
            Some((since, _)) if now - since >= timeouts.head => return Some(Verdict::SlowHead),
            reading => reading,
        };
        None
    }

    fn judge_socket(&mut self, now: Instant) -> Option<Verdict> {
        let written = self.meter.written_bytes();
        self.window = match self.window {
            _ if !self.meter.is_blocked() => None,
            None => Some((now, written)),
            Some((since, before)) if now - since >= self.timeouts.rate.window => {
                if written - before < self.timeouts.rate.window_bytes() {
                    return Some(Verdict::SlowReader);
                }
                Some((now, written))
            }
            open => open,
        };
        None
    }

    /// Gives slow streams up. One that is still there at the next tick could not be reset by hyper:
    /// then the connection goes away, and ends when no other stream is left.
    fn judge_streams(&mut self) -> Option<Verdict> {
        let streams = self.meter.running_transfers();
        let is_given_up = |stream: &Arc<Transfer>| stream.is_given_up();
        let is_stuck = streams.iter().any(is_given_up);
        let is_slow =
            |stream: &&Arc<Transfer>| !stream.is_given_up() && stream.is_slow(&self.timeouts.rate);
        let slow = streams.iter().filter(is_slow);
        let given_up = slow.map(|stream| stream.give_up()).count();
        if given_up > 0 {
            tracing::info!(streams = given_up, "streams reset: reader too slow");
        }
        let is_http1 = !self.meter.is_http2();
        let is_over = streams.iter().all(is_given_up);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::exchange::Exchange;
    use crate::http::meter::MeteredIo;
    use bytes::Bytes;
    use tokio::io::AsyncWriteExt;

    const TIMEOUTS: Timeouts = Timeouts {
        idle: Duration::from_secs(60),
        head: Duration::from_secs(10),
        rate: LeastRate {
            window: Duration::from_secs(30),
            bytes_per_second: 1024,
        },
    };

    async fn verdict(meter: &Meter) -> Verdict {
        Watchdog::new(meter, TIMEOUTS).verdict().await
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_is_given_up() {
        let started = Instant::now();
        assert_eq!(verdict(&Meter::default()).await, Verdict::Idle);
        assert!(started.elapsed() <= Duration::from_secs(75));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_nothing_is_given_up() {
        let meter = Arc::new(Meter::default());
        let _stream = Exchange::begin(&meter, None);
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
        let _stream = Exchange::begin(&meter, None);
        let watched = tokio::time::timeout(Duration::from_secs(600), verdict(&meter));
        assert!(watched.await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn on_http_1_a_slow_stream_is_a_slow_reader() {
        let meter = Arc::new(Meter::default());
        let stream = Exchange::begin(&meter, None);
        let _piece = stream.piece(Bytes::from_static(b"some"));
        assert_eq!(verdict(&meter).await, Verdict::SlowReader);
    }

    #[tokio::test(start_paused = true)]
    async fn on_http_2_a_connection_ends_with_the_last_stream_that_moves() {
        let meter = Arc::new(Meter::default());
        meter.set_http2();
        let (stuck, moving) = (Exchange::begin(&meter, None), Exchange::begin(&meter, None));
        let _piece = stuck.piece(Bytes::from_static(b"some"));
        let mut watchdog = Watchdog::new(&meter, TIMEOUTS);
        assert_eq!(watchdog.verdict().await, Verdict::GoAway);
        let watched = tokio::time::timeout(Duration::from_secs(600), watchdog.verdict());
        assert!(watched.await.is_err(), "another stream moves");
        drop(moving);
        assert_eq!(watchdog.verdict().await, Verdict::SlowReader);
    }
}
