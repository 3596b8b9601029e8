//! Pieces of a feed on their way: chunks in, rewritten text out, in sizes that cost little.

use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::Error;
use super::intake::Incoming;
use crate::cache::Recorder;
use crate::rewrite::FeedRewriter;

/// Rewritten text is handed to readers in pieces of at least this size, while upstream is fast.
const PIECE_BYTES: usize = 64 << 10;
/// A chunk is taken in parts of this size until readers have their first piece.
const FIRST_BYTES: usize = 8 << 10;
/// Rewriting so much at once may take longer than a worker should be kept.
const LONG_WORK_BYTES: usize = 256 << 10;
/// When upstream pauses for so long, readers get what there is.
const PIECE_PAUSE: Duration = Duration::from_millis(5);

/// Rewrites a chunk; one that may end a large item lets the other tasks of this worker move on to
/// another thread meanwhile.
pub(super) fn push(rewriter: &mut FeedRewriter, chunk: &[u8], out: &mut String) {
    let is_long = rewriter.held_bytes() >= LONG_WORK_BYTES;
    if is_long && Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
        tokio::task::block_in_place(|| rewriter.push(chunk, out));
    } else {
        rewriter.push(chunk, out);
    }
}

/// The next chunk. What was rewritten before is handed to readers in pieces of some size, or at
/// once when upstream pauses: a wake-up for each small chunk costs more than the rewriting.
pub(super) async fn next_chunk(
    source: &mut Incoming,
    recorder: &mut Recorder,
    out: &mut String,
    is_feed: bool,
) -> Result<Option<Bytes>, Error> {
    if !is_feed {
        let mut chunk = source.chunk().await?;
        if let Some(chunk) = chunk.as_mut().filter(|chunk| chunk.len() > FIRST_BYTES) {
            source.unread(chunk.split_off(FIRST_BYTES));
        }
        return Ok(chunk);
    }
    if out.len() >= PIECE_BYTES {
        recorder.append(take(out))?;
    }
    let mut next = std::pin::pin!(source.chunk());
    if !out.is_empty() {
        tokio::select! {
            biased;
            chunk = next.as_mut() => return Ok(chunk?),
            () = tokio::time::sleep(PIECE_PAUSE) => recorder.append(take(out))?,
        }
    }
    Ok(next.await?)
}

/// What was written, in memory of its own.
pub(super) fn take(out: &mut String) -> Bytes {
    let piece = Bytes::copy_from_slice(out.as_bytes());
    out.clear();
    piece
}
