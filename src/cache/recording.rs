//! A body written once and played to any number of readers while it grows: the tee, the single
//! flight and the cache entry in one.
//!
//! Invariant: a recording whose writer is dropped before `finish` is broken; its players end with
//! an error, never with a clean end.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::stream::{self, Stream};
use tokio::sync::{Notify, watch};

use super::body::Body;

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

/// Nobody plays what would have to be passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("every reader has left")]
pub struct Abandoned;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Growing,
    Finished,
    Broken,
}

/// The pieces that are held. All there are, unless the body outgrew its limit and is passed on.
#[derive(Debug, Default)]
struct Pieces {
    held: VecDeque<Bytes>,
    /// How many were let go before them.
    gone: usize,
    bytes: usize,
    /// The next piece of each player; `None` for one who left.
    players: Vec<Option<usize>>,
}

impl Pieces {
    fn get(&self, index: usize) -> Option<Bytes> {
        self.held.get(index.checked_sub(self.gone)?).cloned()
    }

    /// Lets go of what every player has had; whether there is any player.
    fn let_go(&mut self) -> bool {
        let Some(slowest) = self.players.iter().flatten().min() else {
            return false;
        };
        while self.gone < *slowest
            && let Some(piece) = self.held.pop_front()
        {
            self.gone += 1;
            self.bytes -= piece.len();
        }
        true
    }
}

/// A body that grows, or has ended.
#[derive(Debug)]
pub struct Recording {
    pieces: Mutex<Pieces>,
    /// How many pieces there have been, and whether more will come.
    progress: watch::Sender<(usize, End)>,
    /// Told when a player moved on or left.
    moved: Notify,
}

impl Recording {
    /// Plays the body from its start: what is there at once, the rest as it comes.
    ///
    /// # Errors
    /// The stream ends with [`Broken`] when the writer went away before its end, or when the start
    /// is no longer held.
    pub fn play(self: &Arc<Self>) -> impl Stream<Item = Result<Bytes, Broken>> + Send + 'static {
        stream_of(self.join())
    }

    /// A place at the start of the body, held until it is played or dropped; `None` when the start
    /// is no longer held.
    #[must_use]
    pub fn join(self: &Arc<Self>) -> Option<Player> {
        let mut pieces = self.lock();
        if pieces.gone > 0 {
            return None;
        }
        let free = pieces.players.iter().position(Option::is_none);
        let place = free.unwrap_or(pieces.players.len());
        match free {
            Some(place) => pieces.players[place] = Some(0),
            None => pieces.players.push(Some(0)),
        }
        drop(pieces);
        Some(Player {
            progress: self.progress.subscribe(),
            recording: Arc::clone(self),
            place,
            played: 0,
        })
    }

    /// Waits for the end and gives the whole body.
    ///
    /// # Errors
    /// When the writer goes away before its end.
    pub async fn whole(self: &Arc<Self>) -> Result<Body, Broken> {
        self.play().try_collect().await.map(Body::new)
    }

    fn lock(&self) -> MutexGuard<'_, Pieces> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One reader's place in a recording.
#[derive(Debug)]
pub struct Player {
    recording: Arc<Recording>,
    progress: watch::Receiver<(usize, End)>,
    place: usize,
    played: usize,
}

impl Player {
    /// The pieces from the start on.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Broken>> + Send + 'static {
        stream_of(Some(self))
    }

    async fn next(&mut self) -> Option<Result<Bytes, Broken>> {
        loop {
            let (pieces, end) = *self.progress.borrow_and_update();
            if self.played < pieces {
                return Some(self.take());
            }
            match end {
                End::Finished => return None,
                End::Broken => return Some(Err(Broken)),
                End::Growing => {}
            }
            if self.progress.changed().await.is_err() {
                return None;
            }
        }
    }

    fn take(&mut self) -> Result<Bytes, Broken> {
        let mut pieces = self.recording.lock();
        let piece = pieces.get(self.played).ok_or(Broken)?;
        self.played += 1;
        pieces.players[self.place] = Some(self.played);
        drop(pieces);
        self.recording.moved.notify_one();
        Ok(piece)
    }
}

/// What a player gets, and an error for one who came too late.
fn stream_of(player: Option<Player>) -> impl Stream<Item = Result<Bytes, Broken>> + Send + 'static {
    stream::unfold(Some(player), |player| async move {
        let Some(mut player) = player? else {
            return Some((Err(Broken), None));
        };
        match player.next().await? {
            Ok(piece) => Some((Ok(piece), Some(Some(player)))),
            Err(broken) => Some((Err(broken), None)),
        }
    })
}

impl Drop for Player {
    fn drop(&mut self) {
        self.recording.lock().players[self.place] = None;
        self.recording.moved.notify_one();
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
            moved: Notify::new(),
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
        self.push(self.recording.lock(), piece);
        Ok(())
    }

    /// Adds a piece to a body that has outgrown its limit. It is a recording no more: what all
    /// players have had is let go, and a player who lags behind by the limit is waited for.
    ///
    /// # Errors
    /// When there is no player.
    pub async fn pass_on(&mut self, piece: Bytes) -> Result<(), Abandoned> {
        loop {
            let moved = self.recording.moved.notified();
            {
                let mut pieces = self.recording.lock();
                if !pieces.let_go() {
                    return Err(Abandoned);
                }
                if pieces.held.is_empty() || pieces.bytes + piece.len() <= self.bytes_max {
                    self.push(pieces, piece);
                    return Ok(());
                }
            }
            moved.await;
        }
    }

    fn push(&self, mut pieces: MutexGuard<'_, Pieces>, piece: Bytes) {
        pieces.bytes += piece.len();
        pieces.held.push_back(piece);
        let count = pieces.gone + pieces.held.len();
        drop(pieces);
        self.recording.progress.send_replace((count, End::Growing));
    }

    /// Ends the recording cleanly and gives the pieces that are held.
    #[must_use]
    pub fn finish(self) -> Vec<Bytes> {
        let (count, pieces) = {
            let pieces = self.recording.lock();
            let held = Vec::from_iter(pieces.held.iter().cloned());
            (pieces.gone + held.len(), held)
        };
        self.recording.progress.send_replace((count, End::Finished));
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

    #[tokio::test]
    async fn a_body_that_outgrows_its_limit_is_passed_on_within_it() {
        let mut recorder = Recorder::new(4);
        let recording = recorder.recording();
        let (first, second) = (recording.join().unwrap(), recording.join().unwrap());
        recorder.append(Bytes::from("abcd")).unwrap();
        let writer = async {
            for piece in ["ef", "gh", "ij"] {
                recorder.pass_on(Bytes::from(piece)).await.unwrap();
                assert!(recording.lock().bytes <= 4);
            }
            assert!(recording.join().is_none(), "the start is gone");
            recorder.finish()
        };
        let read = |player: Player| player.into_stream().try_collect::<Vec<Bytes>>();
        let (first, second, _) = tokio::join!(read(first), read(second), writer);
        assert_eq!(first.unwrap().concat(), b"abcdefghij");
        assert_eq!(second.unwrap().concat(), b"abcdefghij");
        assert_eq!(play(&recording).await, (Vec::new(), false));
    }

    #[tokio::test]
    async fn what_nobody_plays_is_not_passed_on() {
        let mut recorder = Recorder::new(2);
        let player = recorder.recording().join();
        recorder.append(Bytes::from("ab")).unwrap();
        let waiting = recorder.pass_on(Bytes::from("cd"));
        let (passed, ()) = tokio::join!(waiting, async { drop(player) });
        assert_eq!(passed, Err(Abandoned));
    }
}
