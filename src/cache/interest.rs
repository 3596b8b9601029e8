//! Who still wants what is being fetched.
//!
//! A fetch that readers asked for is for readers: when the last has left it is given up, unless so
//! much of it is there that the rest costs less than to begin again. A feed is fetched to its end in
//! any case, and so is what takes the place of a copy that readers were served meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::{InFlight, Recording};

/// How long nobody must have waited: whoever opens a page anew comes back within that.
const ABANDONED_AFTER: Duration = Duration::from_secs(1);
/// The share of the declared length, in quarters, from which a body is fetched to its end.
const NEARLY_WHOLE_QUARTERS: u64 = 3;

/// How far a fetch has come, for the decision.
#[derive(Debug, Default)]
pub struct Interest {
    recording: OnceLock<Arc<Recording>>,
    declared_bytes: AtomicU64,
    received_bytes: AtomicU64,
    is_whole: AtomicBool,
}

impl Interest {
    /// The body begins to come, of this length if that was declared.
    pub fn begin(&self, recording: Arc<Recording>, declared_bytes: Option<u64>) {
        self.recording.set(recording).ok();
        let declared = declared_bytes.unwrap_or(0);
        self.declared_bytes.store(declared, Ordering::Relaxed);
    }

    /// So much more of it is there.
    pub fn receive(&self, bytes: usize) {
        self.received_bytes
            .fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// All of it is.
    pub fn complete(&self) {
        self.is_whole.store(true, Ordering::Relaxed);
    }

    /// Returns when nobody waits for `in_flight`, plays the recording, or holds what `asker` gave out,
    /// and has not for `ABANDONED_AFTER`; never when the body is nearly whole by then.
    pub async fn lost<E, C>(
        &self,
        in_flight: Option<&InFlight<E, C>>,
        asker: Option<&watch::Sender<()>>,
    ) where
        E: Send + Sync,
        C: Send + Sync,
    {
        loop {
            if let Some(in_flight) = in_flight {
                in_flight.unwatched().await;
            }
            if let Some(asker) = asker {
                asker.closed().await;
            }
            if let Some(recording) = self.recording.get() {
                recording.unplayed().await;
            }
            sleep(ABANDONED_AFTER).await;
            let is_wanted = in_flight.is_some_and(InFlight::is_wanted)
                || asker.is_some_and(|asker| asker.receiver_count() > 0)
                || self
                    .recording
                    .get()
                    .is_some_and(|recording| recording.is_played());
            if is_wanted {
                continue;
            }
            if self.is_nearly_whole() {
                std::future::pending::<()>().await;
            }
            return;
        }
    }

    fn is_nearly_whole(&self) -> bool {
        let declared = self.declared_bytes.load(Ordering::Relaxed);
        let received = self.received_bytes.load(Ordering::Relaxed);
        let is_most = declared > 0 && received >= declared / 4 * NEARLY_WHOLE_QUARTERS;
        is_most || self.is_whole.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Recorder;
    use bytes::Bytes;
    use tokio::time::timeout;

    type Fetch = InFlight<(), ()>;

    async fn is_lost(interest: &Interest, in_flight: &Fetch) -> bool {
        let lost = interest.lost(Some(in_flight), None);
        timeout(Duration::from_secs(60), lost).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_fetch_is_lost_when_nobody_waits_or_plays() {
        let (interest, in_flight) = (Interest::default(), Fetch::default());
        let waiting = timeout(Duration::from_secs(61), in_flight.outcome());
        let (found, is_early) = tokio::join!(is_lost(&interest, &in_flight), waiting);
        assert!(!found && is_early.is_err());
        assert!(is_lost(&interest, &in_flight).await);

        let mut recorder = Recorder::new(100);
        recorder.append(Bytes::from_static(b"start")).unwrap();
        interest.begin(recorder.recording(), None);
        let player = recorder.recording().join();
        assert!(!is_lost(&interest, &in_flight).await);
        drop(player);
        assert!(is_lost(&interest, &in_flight).await);
        in_flight.keep_going();
        assert!(!is_lost(&interest, &in_flight).await);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_nearly_whole_goes_on() {
        for (declared, received, expected) in [
            (Some(100), 74, true),
            (Some(100), 75, false),
            (None, 1_000_000, true),
        ] {
            let (interest, in_flight) = (Interest::default(), Fetch::default());
            interest.begin(Recorder::new(100).recording(), declared);
            interest.receive(received);
            assert_eq!(is_lost(&interest, &in_flight).await, expected, "{received}");
            interest.complete();
            assert!(!is_lost(&interest, &in_flight).await);
        }
    }
}
