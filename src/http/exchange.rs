//! One request and its reply, until the reader has taken all of it.
//!
//! Why not a timeout in the body: hyper polls a body only while there is room for more, so a timer
//! in it never fires against a reader who takes nothing. The pieces themselves count instead, in
//! hyper's buffers too, and the watchdog of the connection looks at the counts.

use std::io::IoSlice;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use futures_util::future::{AbortHandle, abortable};
use tokio_util::task::TaskTracker;

use super::meter::Meter;
use super::slots::RequestSlot;
use super::transfer::Transfer;

tokio::task_local! {
    /// Ends the HTTP/2 stream that this task serves.
    static ABORT: AbortHandle;
}

/// Runs each stream of an HTTP/2 connection in a task, so that it can be reset alone: when its task is
/// dropped, h2 resets the stream and drops what it still had to send.
#[derive(Debug, Clone)]
pub(super) struct StreamExecutor(pub(super) TaskTracker);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for StreamExecutor {
    fn execute(&self, serving: F) {
        let (serving, abort) = abortable(serving);
        self.0.spawn(ABORT.scope(abort, serving));
    }
}

/// A request until its reply is taken. It lives as long as the reply's body or any piece of it.
#[derive(Debug)]
pub(super) struct Exchange {
    meter: Arc<Meter>,
    transfer: Arc<Transfer>,
    _slot: Option<RequestSlot>,
}

impl Exchange {
    /// Begins the exchange that the calling task serves.
    pub(super) fn begin(meter: &Arc<Meter>, slot: Option<RequestSlot>) -> Arc<Self> {
        let abort = ABORT.try_with(AbortHandle::clone).ok();
        let transfer = Arc::new(Transfer::new(abort));
        meter.begin(&transfer);
        Arc::new(Self {
            meter: Arc::clone(meter),
            transfer,
            _slot: slot,
        })
    }

    /// Hands over some of the body.
    pub(super) fn piece(self: &Arc<Self>, bytes: Bytes) -> Piece {
        self.transfer.hold(bytes.len());
        Piece {
            bytes,
            exchange: Some(Arc::clone(self)),
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.meter.end();
    }
}

/// Bytes of a reply's body that count when they are taken.
#[derive(Debug)]
pub struct Piece {
    bytes: Bytes,
    exchange: Option<Arc<Exchange>>,
}

impl From<Bytes> for Piece {
    fn from(bytes: Bytes) -> Self {
        Self {
            bytes,
            exchange: None,
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
        if let Some(exchange) = &self.exchange {
            exchange.transfer.take(bytes);
        }
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some(exchange) = &self.exchange {
            exchange.transfer.discard(self.bytes.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_ends_with_its_last_piece() {
        let meter = Arc::new(Meter::default());
        let exchange = Exchange::begin(&meter, None);
        let piece = exchange.piece(Bytes::from_static(b"some"));
        assert_eq!(meter.in_flight(), 1);
        drop(exchange);
        assert_eq!(meter.in_flight(), 1);
        drop(piece);
        assert_eq!(meter.in_flight(), 0);
    }
}
