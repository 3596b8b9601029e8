//! A reader's way through a finished body: from memory while it is there, from the store otherwise.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::stream::{self, Stream};

use super::body::{Body, Whole};
use super::error::Broken;
use crate::inflight::Grant;
use crate::store::{PIECE_BYTES, StoredBody};

/// What comes next, without waiting.
#[derive(Debug)]
pub enum Next {
    /// A piece, never empty.
    Piece(Bytes),
    /// Nothing: all was played.
    End,
    /// It is no longer in memory: [`Playback::next`] reads it from the store.
    Elsewhere,
}

/// What of a finished body a reader has yet to get.
#[derive(Debug)]
pub struct Playback {
    whole: Arc<Whole>,
    left: Range<usize>,
    /// The piece in memory that was looked at last, and where it begins.
    place: (usize, usize),
    stored: Option<Stored>,
}

/// The body in the store.
#[derive(Debug)]
struct Stored {
    body: StoredBody,
    /// Where in it the body begins.
    start: usize,
    _charge: Option<Grant>,
}

impl Body {
    /// All of it, for a reader.
    #[must_use]
    pub fn play(&self) -> Playback {
        self.play_part(0..self.len())
    }

    /// A part of it, for a reader. What of `range` lies behind the end is left out.
    #[must_use]
    pub fn play_part(&self, range: Range<usize>) -> Playback {
        Playback::new(Arc::clone(&self.whole), range)
    }
}

impl Playback {
    pub(super) fn new(whole: Arc<Whole>, range: Range<usize>) -> Self {
        let end = range.end.min(whole.bytes());
        whole.add_reader();
        Self {
            left: range.start.min(end)..end,
            place: (0, 0),
            stored: None,
            whole,
        }
    }

    /// The same from this byte of the body on.
    pub(super) fn from(&self, at: usize) -> Self {
        Self::new(Arc::clone(&self.whole), at..self.whole.bytes())
    }

    /// The same from the start.
    pub(super) fn start_over(&self) -> Self {
        self.from(0)
    }

    /// All that is left, in memory.
    ///
    /// # Errors
    /// When it is neither in memory nor in the store.
    pub(super) async fn whole(self) -> Result<Body, Broken> {
        if let Some(body) = Body::of(&self.whole) {
            return Ok(body);
        }
        let charge = self.whole.charge(self.left.len());
        let body = Body::new(self.into_stream().try_collect().await?);
        if let Some(charge) = charge {
            body.hold(&Arc::new(charge));
        }
        Ok(body)
    }

    /// What is left, taken out of it.
    #[must_use]
    pub fn take(&mut self) -> Self {
        let left = std::mem::replace(&mut self.left, 0..0);
        Self::new(Arc::clone(&self.whole), left)
    }

    /// How many bytes are left.
    #[must_use]
    pub fn bytes_left(&self) -> usize {
        self.left.len()
    }

    /// The next piece, if it is in memory.
    pub fn next_in_memory(&mut self) -> Next {
        if self.left.is_empty() {
            return Next::End;
        }
        let Some(memory) = self.whole.memory() else {
            return Next::Elsewhere;
        };
        let (mut index, mut before) = self.place;
        while let Some(piece) = memory.get(index) {
            let end = before + piece.len();
            if self.left.start < end {
                let piece = piece.slice(self.left.start - before..self.left.end.min(end) - before);
                self.left.start += piece.len();
                self.place = (index, before);
                return Next::Piece(piece);
            }
            (index, before) = (index + 1, end);
        }
        Next::End
    }

    /// The next piece, wherever it is; `None` at the end.
    ///
    /// # Errors
    /// When it is neither in memory nor in the store.
    pub async fn next(&mut self) -> Option<Result<Bytes, Broken>> {
        match self.next_in_memory() {
            Next::Piece(piece) => Some(Ok(piece)),
            Next::End => None,
            Next::Elsewhere => {
                let read = self.read_stored().await.filter(|piece| !piece.is_empty());
                let read = read.ok_or(Broken);
                if let Ok(piece) = &read {
                    self.left.start += piece.len();
                }
                Some(read)
            }
        }
    }

    /// The pieces.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Broken>> + Send + 'static {
        stream::unfold(Some(self), |playback| async move {
            let mut playback = playback?;
            match playback.next().await? {
                Ok(piece) => Some((Ok(piece), Some(playback))),
                Err(broken) => Some((Err(broken), None)),
            }
        })
    }

    async fn read_stored(&mut self) -> Option<Bytes> {
        let stored = match &mut self.stored {
            Some(stored) => stored,
            none => {
                let (body, start) = self.whole.open().await?;
                none.insert(Stored {
                    body,
                    start,
                    _charge: self.whole.charge(PIECE_BYTES),
                })
            }
        };
        let at = stored.start + self.left.start;
        let mut piece = stored.body.read(at).await?;
        piece.truncate(self.left.len());
        Some(piece)
    }
}

impl Drop for Playback {
    fn drop(&mut self) {
        self.whole.remove_reader();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn parts_of_a_body_in_pieces() {
        let filler = Bytes::from(vec![b'-'; 1 << 20]);
        let pieces = ["ab", "", "cde", "f"].map(Bytes::from);
        let body = Body::new([pieces.to_vec(), vec![filler]].concat());
        for (range, expected) in [
            (0..6, "abcdef"),
            (0..1, "a"),
            (1..3, "bc"),
            (2..5, "cde"),
            (5..6, "f"),
            (1..7, "bcdef-"),
            (3..3, ""),
            (2_000_000..3_000_000, ""),
        ] {
            let part = body.play_part(range.clone());
            assert_eq!(part.bytes_left(), expected.len(), "{range:?}");
            let pieces: Vec<Bytes> = part.into_stream().try_collect().await.unwrap();
            assert_eq!(pieces.concat(), expected.as_bytes(), "{range:?}");
        }
    }
}
