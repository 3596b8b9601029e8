//! A reader's body on its way to the origin: streamed, within its limits.

use std::io;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use http_body::Body;
use http_body_util::BodyExt;

use super::Trouble;

/// How long the next piece may take.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

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
                let frame = match tokio::time::timeout(IDLE_TIMEOUT, next).await {
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

    /// The pieces, cut off where they become more than `bytes_max`; the verdict tells afterwards.
    pub(super) fn within(
        self,
        bytes_max: u64,
    ) -> (Option<BoxStream<'static, io::Result<Bytes>>>, Verdict) {
        let verdict = Verdict::default();
        let said = verdict.clone();
        let counted = |pieces: BoxStream<'static, io::Result<Bytes>>| {
            let mut bytes = 0_u64;
            let counted = pieces.map(move |piece| {
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

impl Verdict {
    /// The trouble that the body made, where it was the body.
    pub(super) fn trouble(&self, bytes_max: u64) -> Option<Trouble> {
        match self.0.get()? {
            Wrong::TooLarge => Some(Trouble::BodyTooLarge(bytes_max)),
            Wrong::Broken => Some(Trouble::BodyBroken),
        }
    }
}
