//! Recordings as their players find them.

use super::*;
use futures_util::{StreamExt, TryStreamExt};

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
    assert_eq!(body.pieces(), ["abcdef"]);
    assert!(recording.lock().held.is_empty(), "held twice");
}

#[tokio::test]
async fn a_player_goes_on_when_the_recording_has_become_a_body() {
    let mut recorder = Recorder::new(100);
    let recording = recorder.recording();
    recorder.append(Bytes::from("ab")).unwrap();
    let mut player = std::pin::pin!(recording.play());
    assert_eq!(player.next().await, Some(Ok(Bytes::from("ab"))));
    recorder.append(Bytes::from("cd")).unwrap();
    recorder.append(Bytes::from("ef")).unwrap();
    drop(recorder.finish());
    assert_eq!(recording.whole().await.unwrap().len(), 6);
    assert_eq!(player.next().await, Some(Ok(Bytes::from("cdef"))));
    assert_eq!(player.next().await, None);
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
    assert_eq!(recorder.finish().pieces(), ["abc"]);
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
        recorder.end();
    };
    let read = |player: Player| player.into_stream().try_collect::<Vec<Bytes>>();
    let (first, second, ()) = tokio::join!(read(first), read(second), writer);
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
