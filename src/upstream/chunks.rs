//! A response's body in chunks, where small ones are merged.
//!
//! Each chunk wakes its waiters and takes an entry in a list until the body is complete: a chunk of one
//! byte costs as much as one of 16 KiB.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::sleep;

/// Smaller chunks are merged.
const GATHER_BYTES: usize = 16 << 10;
/// For so long, unless the body ends: what upstream sends with pauses is handed on with these pauses.
const GATHER_FOR: Duration = Duration::from_millis(5);

/// The chunks of a response.
#[derive(Debug)]
pub(super) struct Chunks {
    response: reqwest::Response,
    /// How it ended, when that was seen while chunks were put together.
    end: Option<Result<(), reqwest::Error>>,
}

impl Chunks {
    pub(super) fn of(response: reqwest::Response) -> Self {
        Self {
            response,
            end: None,
        }
    }

    /// The next bytes, never empty; `None` at the end, after which it is not to be called again. In
    /// memory of their own where they are few: as they came they are a slice of a larger buffer.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, reqwest::Error> {
        if let Some(end) = self.end.take() {
            return end.map(|()| None);
        }
        loop {
            match self.response.chunk().await? {
                Some(chunk) if chunk.len() >= GATHER_BYTES => return Ok(Some(chunk)),
                Some(chunk) if chunk.is_empty() => {}
                Some(chunk) => return Ok(Some(self.gather(&chunk).await)),
                None => return Ok(None),
            }
        }
    }

    async fn gather(&mut self, first: &[u8]) -> Bytes {
        let mut gathered = BytesMut::from(first);
        let mut pause = std::pin::pin!(sleep(GATHER_FOR));
        while gathered.len() < GATHER_BYTES {
            let next = tokio::select! {
                biased;
                next = self.response.chunk() => next,
                () = pause.as_mut() => break,
            };
            match next {
                Ok(Some(chunk)) => gathered.extend_from_slice(&chunk),
                ended => {
                    self.end = Some(ended.map(drop));
                    break;
                }
            }
        }
        // No more than it holds: what is handed on may be kept for long.
        Bytes::copy_from_slice(&gathered)
    }
}
