//! A response's body: decoded, in small pieces, within every limit.
//!
//! Invariant: a body that ends with `Ok(None)` is complete as far as HTTP and its content coding
//! can tell; every other end is an error.

use super::chunks::Chunks;
use super::coding::{Coding, Decoder};
use super::{FetchError, FetchOptions, Limit, Phase};
use crate::inflight::{Denied, FIRST_BYTES, Grant, Holder, Inflight, PLAYED_WAIT_MAX, WAIT_MAX};
use bytes::Bytes;
use http::{Version, header};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How slow a body may be, once it had [`RATE_GRACE`] to start.
const RATE_BYTES_PER_SECOND_MIN: f64 = 1024.0;

/// How long a body may be slower than [`RATE_BYTES_PER_SECOND_MIN`].
const RATE_GRACE: Duration = Duration::from_secs(10);

/// Decoded bytes below which no ratio is judged: an empty table compresses well.
const RATIO_BYTES_MIN: u64 = 1 << 20;

/// A coded body is taken to unfold to so many times its length when it is first granted.
const UNFOLDS_BY: u64 = 16;

/// A body that is being read. What of it was handed out counts as held, until [`Body::into_grant`]
/// says otherwise.
#[derive(Debug)]
pub struct Body {
    chunks: Chunks,
    holding: Holding,
    decoder: Decoder,
    /// Received and not yet decoded.
    pending: Bytes,
    limits: Limits,
    deadline: Instant,
    /// The length that was declared.
    declared_bytes: Option<u64>,
    /// Time spent on waiting for upstream; what the reader takes between two chunks is not its fault.
    waited: Duration,
    wire_bytes: u64,
    decoded_bytes: u64,
    is_framed: bool,
    is_at_end: bool,
}

#[derive(Debug)]
struct Limits {
    idle_timeout: Duration,
    wire_bytes_max: u64,
    decoded_bytes_max: u64,
    ratio_max: u32,
}

/// A body's part of the budget of bytes in flight.
#[derive(Debug)]
struct Holding {
    budget: Inflight,
    holder: Holder,
    /// What is asked for at first; `None` where nobody knows.
    expected: Option<u64>,
    grant: Option<Grant>,
    /// What whoever reads it holds of it.
    held_bytes: u64,
    wait_max: Duration,
    /// Whether it goes on, uncounted, when it takes more than any body may.
    may_outgrow: bool,
    has_outgrown: bool,
}

impl Body {
    pub(super) fn new(
        response: reqwest::Response,
        options: &FetchOptions,
        deadline: Instant,
        (budget, holder): (Inflight, Holder),
    ) -> Result<Self, FetchError> {
        let coding = Coding::of(response.headers())?;
        let decoder = Decoder::new(coding);
        let declared = response.content_length();
        let body = Self {
            decoder,
            holding: Holding {
                budget,
                holder,
                expected: match coding {
                    Coding::Identity => declared,
                    _ => declared.map(|bytes| bytes.saturating_mul(UNFOLDS_BY).min(FIRST_BYTES)),
                },
                grant: None,
                held_bytes: 0,
                wait_max: WAIT_MAX,
                may_outgrow: false,
                has_outgrown: false,
            },
            pending: Bytes::new(),
            limits: Limits {
                idle_timeout: options.idle_timeout,
                wire_bytes_max: options.body_bytes_max,
                decoded_bytes_max: options.decoded_bytes_max,
                ratio_max: options.ratio_max,
            },
            deadline,
            declared_bytes: declared,
            waited: Duration::ZERO,
            wire_bytes: 0,
            decoded_bytes: 0,
            is_framed: is_framed(&response),
            is_at_end: false,
            chunks: Chunks::of(response),
        };
        // A declared length is judged before anything is read.
        body.check_wire(body.declared_bytes.unwrap_or(0))?;
        Ok(body)
    }

    /// The length that was declared, of the body as it is sent.
    #[must_use]
    pub fn declared_bytes(&self) -> Option<u64> {
        self.declared_bytes
    }

    /// Whether its end, once it is there, is told by its own framing, and not by the connection's end.
    #[must_use]
    pub fn is_framed(&self) -> bool {
        self.is_framed
    }

    /// The next piece, at most 64 KiB and never empty; `None` at the end. After an error the body is
    /// done for.
    ///
    /// # Errors
    /// When upstream is too slow or ends early, when a limit is passed, when the coding is broken, or
    /// when too many bytes are in flight.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        self.holding.begin().await?;
        let piece = self.decoded().await?;
        if let Some(piece) = &piece {
            let held = self.holding.held_bytes.saturating_add(piece.len() as u64);
            self.cover(held).await?;
        }
        Ok(piece)
    }

    /// Says how many bytes are held of it, and of what is made of it meanwhile.
    ///
    /// # Errors
    /// When too many bytes are in flight, or it is more than a body may take.
    pub async fn cover(&mut self, bytes: u64) -> Result<(), FetchError> {
        self.holding.cover(bytes).await
    }

    /// Gives back what is no longer held of it.
    pub fn shrink(&mut self, bytes: u64) {
        self.holding.held_bytes = bytes;
        if let Some(grant) = &mut self.holding.grant {
            grant.shrink(bytes);
        }
    }

    /// Readers play it: it is rather waited for than cut off.
    pub fn set_played(&mut self) {
        self.holding.wait_max = PLAYED_WAIT_MAX;
    }

    /// From now on it may take more than any body may: [`Body::has_outgrown`] says so then, and who
    /// reads it hands it on without holding it.
    pub fn let_outgrow(&mut self) {
        self.holding.may_outgrow = true;
    }

    /// Whether it takes more than half of the budget of bytes in flight.
    #[must_use]
    pub fn has_outgrown(&self) -> bool {
        self.holding.has_outgrown
    }

    /// What it has of the budget, for as long as its bytes are held.
    #[must_use]
    pub fn into_grant(self) -> Option<Grant> {
        let mut grant = self.holding.grant?;
        grant.settle(self.holding.held_bytes);
        Some(grant)
    }

    async fn decoded(&mut self) -> Result<Option<Bytes>, FetchError> {
        loop {
            let piece = self.decoder.step(&mut self.pending)?;
            if !piece.is_empty() {
                return self.count_decoded(piece).map(Some);
            }
            if self.is_at_end {
                return Ok(None);
            }
            match self.receive().await? {
                Some(received) => self.pending = received,
                None => {
                    self.is_at_end = true;
                    let rest = self.decoder.finish()?;
                    if !rest.is_empty() {
                        return self.count_decoded(rest).map(Some);
                    }
                }
            }
        }
    }

    async fn receive(&mut self) -> Result<Option<Bytes>, FetchError> {
        let begun = Instant::now();
        let idle = begun + self.limits.idle_timeout;
        let phase = if idle < self.deadline {
            Phase::Idle
        } else {
            Phase::Total
        };
        let received = timeout_at(idle.min(self.deadline), self.chunks.next())
            .await
            .map_err(|_| FetchError::Timeout { phase })?
            .map_err(FetchError::in_body)?;
        self.waited += begun.elapsed();
        match &received {
            Some(received) => {
                self.wire_bytes += received.len() as u64;
                self.check_wire(self.wire_bytes)?;
                self.check_rate()?;
            }
            None => check_end(self.declared_bytes, self.wire_bytes)?,
        }
        Ok(received)
    }

    fn count_decoded(&mut self, piece: Bytes) -> Result<Bytes, FetchError> {
        self.decoded_bytes += piece.len() as u64;
        // SECURITY: layers multiply; two of gzip unfold a million to one.
        let decoded_bytes = self.decoded_bytes.max(self.decoder.between_bytes());
        if decoded_bytes > self.limits.decoded_bytes_max {
            return Err(too_large(Limit::Decoded(self.limits.decoded_bytes_max)));
        }
        let read = self.wire_bytes - self.pending.len() as u64;
        let allowed = read.saturating_mul(self.limits.ratio_max.into());
        if decoded_bytes > RATIO_BYTES_MIN && decoded_bytes > allowed {
            return Err(too_large(Limit::Ratio(self.limits.ratio_max)));
        }
        Ok(piece)
    }

    fn check_wire(&self, wire_bytes: u64) -> Result<(), FetchError> {
        let max = self.limits.wire_bytes_max;
        if wire_bytes > max {
            return Err(too_large(Limit::Wire(max)));
        }
        Ok(())
    }

    fn check_rate(&self) -> Result<(), FetchError> {
        let rate = self.wire_bytes as f64 / self.waited.as_secs_f64();
        if self.waited > RATE_GRACE && rate < RATE_BYTES_PER_SECOND_MIN {
            return Err(FetchError::Timeout { phase: Phase::Rate });
        }
        Ok(())
    }
}

impl Holding {
    async fn begin(&mut self) -> Result<(), FetchError> {
        if self.grant.is_some() {
            return Ok(());
        }
        let most = self.budget.body_bytes_max();
        if self.expected.is_some_and(|bytes| bytes > most) {
            self.outgrow()?;
            self.expected = Some(0);
        }
        let grant = self.budget.begin(self.expected, self.holder).await;
        self.grant = Some(grant.map_err(denied)?);
        Ok(())
    }

    async fn cover(&mut self, bytes: u64) -> Result<(), FetchError> {
        let Some(grant) = self.grant.as_mut().filter(|_| !self.has_outgrown) else {
            return Ok(());
        };
        match grant.cover(bytes, self.wait_max).await {
            Ok(()) => self.held_bytes = bytes,
            Err(Denied::TooLarge(_)) => self.outgrow()?,
            Err(busy) => return Err(denied(busy)),
        }
        Ok(())
    }

    fn outgrow(&mut self) -> Result<(), FetchError> {
        self.has_outgrown = true;
        match self.may_outgrow {
            true => Ok(()),
            false => Err(denied(Denied::TooLarge(self.budget.body_bytes_max()))),
        }
    }
}

/// A budget that is used up is ours, not the server's fault.
fn denied(denied: Denied) -> FetchError {
    match denied {
        Denied::Busy => FetchError::Crowded,
        Denied::TooLarge(bytes) => too_large(Limit::InFlight(bytes)),
    }
}

/// Whether a body that has ended is as long as was declared. An HTTP/2 stream that is reset without
/// an error looks like one that has ended.
pub(super) fn check_end(declared_bytes: Option<u64>, bytes: u64) -> Result<(), FetchError> {
    match declared_bytes.filter(|declared| bytes < *declared) {
        None => Ok(()),
        Some(_) => Err(FetchError::Cut("it is shorter than was declared".into())),
    }
}

fn too_large(limit: Limit) -> FetchError {
    FetchError::TooLarge { limit }
}

/// Whether the framing of a response tells its end: a length, a last chunk, or the end of its stream.
/// Otherwise it ends with the connection, whatever ended that.
fn is_framed(response: &reqwest::Response) -> bool {
    let headers = response.headers();
    response.version() > Version::HTTP_11
        || headers.contains_key(header::CONTENT_LENGTH)
        || headers.contains_key(header::TRANSFER_ENCODING)
}
