//! A reader's body on its way to the origin: streamed, within its limits.

use std::io;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout};

use super::Error;

/// How long the next piece may take.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How fast a body has to come: so many bytes a second, on the average over a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeastRate {
    /// The rate; 0 for none.
    pub bytes_per_second: u64,
    /// The time. What the origin takes to read does not count.
    pub over: Duration,
}

impl Default for LeastRate {
    fn default() -> Self {
        Self {
            bytes_per_second: 1 << 10,
            over: Duration::from_secs(30),
        }
    }
}

/// What has come since the rate was last judged, and how long it was waited for.
#[derive(Debug, Default)]
struct Pace {
    bytes: u64,
    waited: Duration,
}

impl Pace {
    /// Whether what came is enough for the time that it took.
    fn keeps(&mut self, rate: LeastRate) -> bool {
        if self.waited < rate.over {
            return true;
        }
        let least = rate.over.as_secs_f64() * rate.bytes_per_second as f64;
        let is_enough = self.bytes as f64 >= least;
        *self = Self::default();
        is_enough
    }
}

/// What is wrong with the reader's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    TooLarge,
    Broken,
}

/// What of a reader's body went wrong, if anything did.
#[derive(Debug, Clone, Default)]
pub(super) struct Verdict(Arc<OnceLock<Wrong>>);

/// A reader's body.
pub struct Upload {
    pieces: Option<BoxStream<'static, io::Result<Bytes>>>,
}

impl Upload {
    /// No body.
    #[must_use]
    pub fn none() -> Self {
        Self { pieces: None }
    }

    /// A body, unless it is known to be none.
    pub fn new<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        if body.is_end_stream() {
            return Self::none();
        }
        let pieces = stream::unfold(Some(Box::pin(body)), |body| async move {
            let mut body = body?;
            loop {
                let next = pin!(body.frame());
                let frame = match timeout(IDLE_TIMEOUT, next).await {
                    Ok(frame) => frame?,
                    Err(_) => return Some((Err(io::ErrorKind::TimedOut.into()), None)),
                };
                match frame.map(http_body::Frame::into_data) {
                    Ok(Ok(data)) => return Some((Ok(data), Some(body))),
                    // Trailers stay here.
                    Ok(Err(_)) => {}
                    Err(error) => return Some((Err(io::Error::other(error)), None)),
                }
            }
        });
        Self {
            pieces: Some(pieces.boxed()),
        }
    }

    /// The pieces, cut off where they become more than `bytes_max` or come too slowly; the verdict
    /// tells afterwards.
    pub(super) fn within(
        self,
        bytes_max: u64,
        rate: LeastRate,
    ) -> (Option<BoxStream<'static, io::Result<Bytes>>>, Verdict) {
        let verdict = Verdict::default();
        let said = verdict.clone();
        let counted = |pieces: BoxStream<'static, io::Result<Bytes>>| {
            let mut bytes = 0_u64;
            let counted = at_least(pieces, rate).map(move |piece| {
                let piece = piece.inspect_err(|_| {
                    said.0.set(Wrong::Broken).ok();
                })?;
                bytes += piece.len() as u64;
                if bytes > bytes_max {
                    said.0.set(Wrong::TooLarge).ok();
                    return Err(io::ErrorKind::FileTooLarge.into());
                }
                Ok(piece)
            });
            counted.boxed()
        };
        (self.pieces.map(counted), verdict)
    }
}

/// The pieces, as long as they keep the rate.
fn at_least(
    pieces: BoxStream<'static, io::Result<Bytes>>,
    rate: LeastRate,
) -> BoxStream<'static, io::Result<Bytes>> {
    let too_slow = || Err(io::ErrorKind::TimedOut.into());
    let kept = stream::unfold(Some((pieces, Pace::default())), move |state| async move {
        let (mut pieces, mut pace) = state?;
        let begun = Instant::now();
        let mut next = pin!(pieces.next());
        let piece = loop {
            let left = rate.over.saturating_sub(pace.waited + begun.elapsed());
            match timeout(left, next.as_mut()).await {
                Ok(piece) => break piece?,
                Err(_) => {
                    let mut so_far = Pace {
                        bytes: pace.bytes,
                        waited: rate.over,
                    };
                    if !so_far.keeps(rate) {
                        return Some((too_slow(), None));
                    }
                    pace = Pace::default();
                }
            }
        };
        pace.waited += begun.elapsed();
        pace.bytes += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        match pace.keeps(rate) {
            true => Some((piece, Some((pieces, pace)))),
            false => Some((too_slow(), None)),
        }
    });
    kept.boxed()
}

impl Verdict {
    /// The error that the body made, where it was the body.
    pub(super) fn error(&self, bytes_max: u64) -> Option<Error> {
        match self.0.get()? {
            Wrong::TooLarge => Some(Error::BodyTooLarge(bytes_max)),
            Wrong::Broken => Some(Error::BodyBroken),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body of pieces of so many bytes, one every so often, and what of it gets through.
    async fn send(bytes: usize, every: Duration, pieces: usize) -> (usize, bool) {
        let body = stream::iter(0..pieces).then(move |_| async move {
            tokio::time::sleep(every).await;
            Ok(Bytes::from(vec![0; bytes]))
        });
        let upload = Upload {
            pieces: Some(body.boxed()),
        };
        let (counted, verdict) = upload.within(u64::MAX, LeastRate::default());
        let got: Vec<_> = counted.unwrap().collect().await;
        let whole = got.iter().filter(|piece| piece.is_ok()).count();
        (whole, verdict.error(u64::MAX).is_none())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_below_the_least_rate_is_cut_off() {
        let second = Duration::from_secs(1);
        assert_eq!(send(2 << 10, second, 100).await, (100, true));
        let (whole, is_good) = send(512, second, 100).await;
        assert!(!is_good && (28..=31).contains(&whole), "{whole}");
        // Fast, and then not at all for as long as a piece may take.
        assert_eq!(send(1 << 20, 29 * second, 3).await, (3, true));
        let (whole, is_good) = send(1, Duration::from_millis(20), 10_000).await;
        assert!(!is_good && whole < 1_600, "{whole}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_origin_takes_is_not_the_readers_fault() {
        let body = stream::iter(0..3).map(|_| Ok(Bytes::from_static(b"a")));
        let upload = Upload {
            pieces: Some(body.boxed()),
        };
        let (counted, verdict) = upload.within(10, LeastRate::default());
        let mut counted = counted.unwrap();
        while let Some(piece) = counted.next().await {
            assert!(piece.is_ok());
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        assert!(verdict.error(10).is_none());
    }
}
