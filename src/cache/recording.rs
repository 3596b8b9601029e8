//! A body written once and played to any number of readers while it grows: the tee, the single
//! flight and the cache entry in one.
//!
//! Invariant: a recording whose writer is dropped before `finish` is broken; its players end with
//! an error, never with a clean end.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use tokio::sync::{Notify, watch};

use super::body::Body;
use super::error::Broken;
use super::playback::Playback;
use crate::inflight::STREAM_BYTES_MAX;

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
    /// The body that it became: its players go on there, and no pieces are held here.
    finished: OnceLock<Playback>,
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
        if pieces.gone > 0 && self.finished.get().is_none() {
            return None;
        }
        let free = pieces.players.iter().position(Option::is_none);
        let place = free.unwrap_or(pieces.players.len());
        match free {
            Some(place) => pieces.players[place] = Some(0),
            None => pieces.players.push(Some(0)),
        }
        drop(pieces);
        self.moved.notify_one();
        Some(Player {
            progress: self.progress.subscribe(),
            recording: Arc::clone(self),
            place,
            played: 0,
            bytes: 0,
            rest: None,
        })
    }

    /// Waits for the end and gives the whole body.
    ///
    /// # Errors
    /// When the writer goes away before its end, or the body outgrew its limit.
    pub async fn whole(self: &Arc<Self>) -> Result<Body, Broken> {
        let mut progress = self.progress.subscribe();
        let ended = progress.wait_for(|(_, end)| *end != End::Growing).await;
        ended.map_err(|_| Broken)?;
        let finished = self.finished.get().ok_or(Broken)?;
        finished.start_over().whole().await
    }

    /// Whether somebody plays it.
    pub(super) fn is_played(&self) -> bool {
        self.progress.receiver_count() > 0
    }

    /// Returns when nobody does.
    pub(super) async fn unplayed(&self) {
        self.progress.closed().await;
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
    /// How many pieces, and bytes, were played.
    played: usize,
    bytes: usize,
    /// What is left, once the recording is finished.
    rest: Option<Playback>,
}

impl Player {
    /// The pieces from the start on.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Broken>> + Send + 'static {
        stream_of(Some(self))
    }

    async fn next(&mut self) -> Option<Result<Bytes, Broken>> {
        loop {
            if let Some(rest) = &mut self.rest {
                return rest.next().await;
            }
            let (pieces, end) = *self.progress.borrow_and_update();
            if let Some(finished) = self.recording.finished.get() {
                self.rest = Some(finished.from(self.bytes));
                continue;
            }
            if self.played < pieces {
                match self.take() {
                    Some(piece) => return Some(Ok(piece)),
                    None if self.recording.finished.get().is_some() => continue,
                    None => return Some(Err(Broken)),
                }
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

    fn take(&mut self) -> Option<Bytes> {
        let mut pieces = self.recording.lock();
        let piece = pieces.get(self.played)?;
        self.played += 1;
        self.bytes += piece.len();
        pieces.players[self.place] = Some(self.played);
        drop(pieces);
        self.recording.moved.notify_one();
        Some(piece)
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
            finished: OnceLock::new(),
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

    /// The bytes that were added.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The bytes that are held; fewer once the body is passed on.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.recording.lock().bytes
    }

    /// Waits until there is a player.
    pub async fn joined(&self) {
        loop {
            let moved = self.recording.moved.notified();
            if self.recording.lock().players.iter().any(Option::is_some) {
                return;
            }
            moved.await;
        }
    }

    /// Adds a piece to a body that has outgrown its limit. It is a recording no more: what all
    /// players have had is let go, and a player who lags behind by what a stream may hold is waited
    /// for.
    ///
    /// # Errors
    /// When there is no player.
    pub async fn pass_on(&mut self, piece: Bytes) -> Result<(), Abandoned> {
        let lag_max = self.bytes_max.min(STREAM_BYTES_MAX);
        loop {
            let moved = self.recording.moved.notified();
            {
                let mut pieces = self.recording.lock();
                if !pieces.let_go() {
                    return Err(Abandoned);
                }
                if pieces.held.is_empty() || pieces.bytes + piece.len() <= lag_max {
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

    /// Ends a recording cleanly, and gives the body that it became.
    #[must_use]
    pub fn finish(self) -> Body {
        let mut pieces = self.recording.lock();
        let body = Body::new(pieces.held.iter().cloned().collect());
        // Before the pieces are gone: a player finds them at one place or the other.
        self.recording.finished.set(body.play()).ok();
        let count = pieces.held.len();
        pieces.held = VecDeque::new();
        drop(pieces);
        self.recording.progress.send_replace((count, End::Finished));
        body
    }

    /// Ends a body cleanly that was passed on: its players get what is held.
    pub fn end(self) {
        let pieces = self.recording.lock();
        let count = pieces.gone + pieces.held.len();
        drop(pieces);
        self.recording.progress.send_replace((count, End::Finished));
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
mod tests;
