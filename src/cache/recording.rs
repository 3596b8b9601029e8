//! A body written once and played to any number of readers while it grows: the tee, the single
//! flight and the cache entry in one.
//!
//! Invariant: a recording whose writer is dropped before `finish` is broken; its players end with
//! an error, never with a clean end.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use futures_util::stream::{self, Stream};
use tokio::sync::watch;

/// Finished bodies up to this many bytes are kept in one piece, so that a hit is one write;
/// larger ones stay in pieces, so that finishing does not double their memory.
const COALESCE_BYTES_MAX: usize = 1 << 20;

/// A finished body, cheap to clone.
#[derive(Debug, Clone)]
pub struct Body {
    pieces: Arc<[Bytes]>,
    bytes: usize,
}

impl Body {
    /// A body of these pieces, in order.
    #[must_use]
    pub fn new(pieces: Vec<Bytes>) -> Self {
        let bytes = pieces.iter().map(Bytes::len).sum();
        if pieces.len() > 1 && bytes <= COALESCE_BYTES_MAX {
            let mut whole = BytesMut::with_capacity(bytes);
            pieces
                .iter()
                .for_each(|piece| whole.extend_from_slice(piece));
            return Self {
                pieces: Arc::new([whole.freeze()]),
                bytes,
            };
        }
        Self {
            pieces: pieces.into(),
            bytes,
        }
    }

    /// The length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes
    }

    /// Whether there is not one byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// The pieces, in order.
    #[must_use]
    pub fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }
}

/// The writer of a recording went away before its end, or the body was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the recording broke off")]
pub struct Broken;

/// A piece would make the recording larger than its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is larger than {bytes_max} bytes")]
pub struct TooLarge {
    /// The limit.
    pub bytes_max: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Growing,
    Finished,
    Broken,
}

/// A body that grows, or has ended.
#[derive(Debug)]
pub struct Recording {
    pieces: Mutex<Vec<Bytes>>,
    /// How many pieces there are, and whether more will come.
    progress: watch::Sender<(usize, End)>,
}

impl Recording {
    /// Plays the body from its start: what is there at once, the rest as it comes.
    ///
    /// # Errors
    /// The stream ends with [`Broken`] when the writer went away before its end.
    pub fn play(self: &Arc<Self>) -> impl Stream<Item = Result<Bytes, Broken>> + Send + 'static {
        let player = (Arc::clone(self), self.progress.subscribe(), 0_usize);
        stream::unfold(player, |(recording, mut progress, played)| async move {
            // It broke off, and that was said.
            if played == usize::MAX {
                return None;
            }
            loop {
                let (pieces, end) = *progress.borrow_and_update();
                if played < pieces {
                    let piece = recording.lock().get(played).cloned();
                    let next = (recording, progress, played + 1);
                    return piece.map(|piece| (Ok(piece), next));
                }
                match end {
                    End::Finished => return None,
                    End::Broken => return Some((Err(Broken), (recording, progress, usize::MAX))),
                    End::Growing => {}
                }
                if progress.changed().await.is_err() {
                    return None;
                }
            }
        })
    }

    /// Waits for the end and gives the whole body.
    ///
    /// # Errors
    /// When the writer goes away before its end.
    pub async fn whole(self: &Arc<Self>) -> Result<Body, Broken> {
        self.play().try_collect().await.map(Body::new)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Bytes>> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one writer of a [`Recording`].
#[derive(Debug)]
pub struct Recorder {
    recording: Arc<Recording>,
    bytes: usize,
    bytes_max: usize,
}

impl Recorder {
    /// A recording of at most `bytes_max` bytes, empty yet.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        let recording = Recording {
            pieces: Mutex::default(),
            progress: watch::Sender::new((0, End::Growing)),
        };
        Self {
            recording: Arc::new(recording),
            bytes: 0,
            bytes_max,
        }
    }

    /// What readers play.
    #[must_use]
    pub fn recording(&self) -> Arc<Recording> {
        Arc::clone(&self.recording)
    }

    /// Adds a piece and wakes the players.
    ///
    /// # Errors
    /// When the body would outgrow its limit; the recording is then as it was.
    pub fn append(&mut self, piece: Bytes) -> Result<(), TooLarge> {
        if piece.is_empty() {
            return Ok(());
        }
        let bytes = self.bytes.saturating_add(piece.len());
        if bytes > self.bytes_max {
            return Err(TooLarge {
                bytes_max: self.bytes_max,
            });
        }
        self.bytes = bytes;
        let count = {
            let mut pieces = self.recording.lock();
            pieces.push(piece);
            pieces.len()
        };
        self.recording.progress.send_replace((count, End::Growing));
        Ok(())
    }

    /// Ends the recording cleanly and gives its pieces.
    #[must_use]
    pub fn finish(self) -> Vec<Bytes> {
        let pieces = self.recording.lock().clone();
        self.recording
            .progress
            .send_replace((pieces.len(), End::Finished));
        pieces
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.recording.progress.send_if_modified(|(_, end)| {
            let growing = *end == End::Growing;
            if growing {
                *end = End::Broken;
            }
            growing
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;

    async fn play(recording: &Arc<Recording>) -> (Vec<u8>, bool) {
        let mut player = std::pin::pin!(recording.play());
        let mut bytes = Vec::new();
        while let Some(piece) = player.next().await {
            match piece {
                Ok(piece) => bytes.extend_from_slice(&piece),
                Err(Broken) => return (bytes, false),
            }
        }
        (bytes, true)
    }

    #[tokio::test]
    async fn players_that_come_early_and_late_read_the_same() {
        let mut recorder = Recorder::new(100);
        let recording = recorder.recording();
        let early = play(&recording);
        let writer = async {
            for piece in ["a", "bc", "", "def"] {
                recorder.append(Bytes::from(piece)).unwrap();
                tokio::task::yield_now().await;
            }
            recorder.finish()
        };
        let (early, body) = tokio::join!(early, writer);
        assert_eq!(early, (b"abcdef".to_vec(), true));
        assert_eq!(play(&recording).await, (b"abcdef".to_vec(), true));
        assert_eq!(Body::new(body).pieces(), ["abcdef"]);
    }

    #[tokio::test]
    async fn a_dropped_writer_breaks_every_player() {
        let mut recorder = Recorder::new(100);
        let recording = recorder.recording();
        recorder.append(Bytes::from("half")).unwrap();
        drop(recorder);
        assert_eq!(play(&recording).await, (b"half".to_vec(), false));
    }

    #[test]
    fn the_limit_holds_and_spoils_nothing() {
        let mut recorder = Recorder::new(3);
        recorder.append(Bytes::from("abc")).unwrap();
        assert_eq!(
            recorder.append(Bytes::from("d")),
            Err(TooLarge { bytes_max: 3 })
        );
        assert_eq!(recorder.finish(), ["abc"]);
    }
}
