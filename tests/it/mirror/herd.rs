//! Many readers at once: one request where the answer may be shared, no queue where it may not.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::mirror_of;
use crate::origin::{Origin, Reply};
use crate::reader::{ask, get, read};

const READERS: usize = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_herd_on_a_cold_key_is_one_request() {
    let (release, released) = tokio::sync::watch::channel(false);
    let body = "x".repeat(50_000);
    let head = format!(
        "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let reply = Reply::default().wait_for(released).send(head + &body);
    let origin = Origin::start(move |_| reply.clone()).await;
    let service = mirror_of(&origin, "").await;
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        let addr = service.addr;
        readers.spawn(async move { get(addr, "/mirror/m/a", &[]).await });
    }
    while origin.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    release.send(true).unwrap();
    let mut collapsed = 0;
    while let Some(answer) = readers.join_next().await {
        let answer = answer.unwrap();
        assert!(answer.whole && answer.body == body.as_bytes());
        collapsed += usize::from(answer.header("cache-status").contains("collapsed"));
    }
    assert_eq!(origin.seen().len(), 1);
    assert!(collapsed > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_herd_on_a_failing_key_is_one_request() {
    let (release, released) = tokio::sync::watch::channel(false);
    let reply = Reply::default().wait_for(released).reset();
    let origin = Origin::start(move |_| reply.clone()).await;
    let service = mirror_of(&origin, "").await;
    let mut readers = Vec::new();
    for _ in 0..100 {
        readers.push(ask(service.addr, "GET /mirror/m/a", &[]).await);
    }
    while origin.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // All of them are waiting once each has had time to be read.
    tokio::time::sleep(Duration::from_millis(300)).await;
    release.send(true).unwrap();
    for mut reader in readers {
        assert_eq!(read(&mut reader).await.status, 502);
    }
    assert_eq!(origin.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_whose_answers_cannot_be_shared_do_not_wait_for_each_other() {
    for directives in ["no-store", "private, max-age=60", "no-cache", "max-age=0"] {
        let (release, released) = tokio::sync::watch::channel(false);
        let first = std::sync::atomic::AtomicBool::new(true);
        let headers = [("cache-control", directives)];
        let (ready, late) = (
            Reply::status(200, &headers, "first"),
            Reply::default().wait_for(released).send(format!(
                "HTTP/1.1 200 OK\r\ncache-control: {directives}\r\ncontent-length: 4\r\n\r\nlate"
            )),
        );
        let origin =
            Origin::start(
                move |_| match first.swap(false, std::sync::atomic::Ordering::SeqCst) {
                    true => ready.clone(),
                    false => late.clone(),
                },
            )
            .await;
        let service = mirror_of(&origin, "").await;
        assert_eq!(get(service.addr, "/mirror/m/a", &[]).await.text(), "first");
        let mut readers = Vec::new();
        for _ in 0..20 {
            readers.push(ask(service.addr, "GET /mirror/m/a", &[]).await);
        }
        // None is answered yet, and all have reached the origin.
        while origin.seen().len() < 21 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        release.send(true).unwrap();
        for mut reader in readers {
            assert_eq!(read(&mut reader).await.text(), "late", "{directives}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_who_leave_cancel_only_their_own_playback() {
    let (release, released) = tokio::sync::watch::channel(false);
    let half = "x".repeat(20_000);
    let reply = Reply::head(200, &[("cache-control", "max-age=60")], Some("40000"))
        .send(&half)
        .wait_for(released)
        .send(&half);
    let origin = Origin::start(move |_| reply.clone()).await;
    let service = Arc::new(mirror_of(&origin, "").await);
    let mut readers = Vec::new();
    for _ in 0..100 {
        readers.push(ask(service.addr, "GET /mirror/m/a", &[]).await);
    }
    for reader in &readers {
        reader.readable().await.unwrap();
    }
    // The first one to ask, who started the fetch, is among those who leave.
    let stay = readers.split_off(50);
    drop(readers);
    release.send(true).unwrap();
    for mut reader in stay {
        let answer = read(&mut reader).await;
        assert!(answer.whole && answer.body.len() == 40_000);
    }
    let kept = get(service.addr, "/mirror/m/a", &[]).await;
    assert!(kept.header("cache-status").contains("; hit"));
    assert_eq!(origin.seen().len(), 1);
}
