//! A restart is no burst: what was known of feeds and hosts is known again.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use feedwright::store::{Space, Store, StoreOptions};
use tokio::time::Instant;

use crate::origin::{Origin, Reply};
use crate::service::feed_of;
use crate::simulation::Simulation;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// An upstream with the minute and path of each request; `/busy` first asks us to wait for two hours.
async fn publisher() -> (Origin, Arc<Mutex<Vec<(u64, String)>>>) {
    let asked: Arc<Mutex<Vec<(u64, String)>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let was_busy = AtomicBool::new(false);
    let started = Instant::now();
    let origin = Origin::start(move |head| {
        let path = head.split(' ').nth(1).unwrap().to_owned();
        let at = (Instant::now() - started).as_secs() / 60;
        seen.lock().unwrap().push((at, path.clone()));
        match path.as_str() {
            "/busy" if !was_busy.swap(true, Ordering::Relaxed) => {
                Reply::status(429, &[("retry-after", "7200")], "")
            }
            _ => Reply::ok(feed_of(3, 100)),
        }
    });
    (origin.await, asked)
}

fn feeds(names: &[&str]) -> String {
    let mut toml = "[defaults]\nallow_private = [\"PUBLISHER\"]\n".to_owned();
    for name in names {
        toml += &format!("[[feed]]\nname = \"{name}\"\nurl = \"http://PUBLISHER/{name}\"\n");
    }
    toml
}

#[tokio::test(start_paused = true)]
async fn feeds_that_were_read_are_fetched_when_they_are_due_not_when_we_start() {
    let (origin, asked) = publisher().await;
    let store = Store::memory();
    let toml = feeds(&["a", "b", "c", "unread"]);
    for _ in 0..6 {
        let mut service = Simulation::with_store(&toml, origin.address(), store.clone()).await;
        if asked.lock().unwrap().is_empty() {
            for name in ["a", "b", "c"] {
                service.read(&format!("/feeds/{name}"), &[]).await;
            }
        }
        service.pass(40 * MINUTE).await;
        service.stop().await;
    }
    let asked = asked.lock().unwrap().clone();
    println!("six runs of 40 min: {asked:?}");
    for name in ["a", "b", "c"] {
        let times = asked.iter().filter(|(_, path)| path[1..] == *name);
        let times: Vec<_> = times.map(|(minute, _)| *minute).collect();
        assert!((3..=4).contains(&times.len()), "{name}: {times:?}");
        let gaps = times.windows(2).map(|two| two[1] - two[0]);
        assert!(gaps.min().unwrap() >= 59, "{name}: {times:?}");
    }
    assert!(asked.iter().all(|(_, path)| path != "/unread"));
}

#[tokio::test(start_paused = true)]
async fn u16_a_host_that_asked_us_to_wait_is_not_asked_after_a_restart() {
    let (origin, asked) = publisher().await;
    let store = Store::memory();
    let toml = feeds(&["busy", "other"]);
    let mut service = Simulation::with_store(&toml, origin.address(), store.clone()).await;
    assert_eq!(service.read("/feeds/busy", &[]).await.status, 502);
    service.pass(2 * MINUTE).await;
    service.stop().await;
    let mut service = Simulation::with_store(&toml, origin.address(), store).await;
    for _ in 0..11 {
        let answer = service.read("/feeds/other", &[]).await;
        assert_eq!(answer.status, 502);
        assert!(answer.header("cache-status").ends_with("detail=backoff"));
        service.pass_in(MINUTE, 10 * MINUTE).await;
    }
    assert_eq!(asked.lock().unwrap().len(), 1);
    service.pass_in(MINUTE, HOUR).await;
    let answer = service.read("/feeds/other", &[]).await;
    assert_eq!(answer.status, 200);
    service.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_fell_due_meanwhile_is_spread() {
    const FEEDS: u64 = 120;
    let asked: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let origin = Origin::bind(everywhere, move |_| {
        seen.lock().unwrap().push(Instant::now());
        Reply::ok(feed_of(3, 100))
    });
    let origin = origin.await.unwrap();
    let mut toml = String::new();
    for feed in 0..FEEDS {
        let host = format!("127.78.0.{}:{}", feed + 1, origin.address().port());
        toml += &format!(
            "[[feed]]\nname = \"f{feed}\"\nurl = \"http://{host}/\"\nallow_private = [\"{host}\"]\n"
        );
    }
    let store = Store::memory();
    let mut service = Simulation::with_store(&toml, origin.address(), store.clone()).await;
    let all = (0..FEEDS).map(|feed| (format!("/feeds/f{feed}"), Vec::new()));
    service.read_all(all.collect()).await;
    service.stop().await;
    tokio::time::advance(5 * HOUR).await;
    asked.lock().unwrap().clear();
    let mut service = Simulation::with_store(&toml, origin.address(), store).await;
    let started = Instant::now();
    service.pass(11 * MINUTE).await;
    let times = asked.lock().unwrap().clone();
    let mut minutes = [0; 11];
    for at in &times {
        minutes[((*at - started).as_secs() / 60) as usize] += 1;
    }
    println!("after five hours away, requests by minute: {minutes:?}");
    assert_eq!(times.len() as u64, FEEDS);
    assert!(
        minutes.iter().all(|count| *count <= FEEDS / 4),
        "{minutes:?}"
    );
    service.stop().await;
}

/// What is remembered of a feed says that it is due, as where a process was killed before it had noted
/// that the feed was fetched.
async fn forget_the_plan(store: &Store, feed: &str) {
    let known = store.state(Space::Feeds, feed).await.unwrap();
    let mut known: serde_json::Value = serde_json::from_slice(&known).unwrap();
    assert!(known["due_at"].is_u64());
    known["due_at"] = 1_000.into();
    store.set_state(Space::Feeds, feed, Some(known.to_string().into()));
}

#[tokio::test(start_paused = true)]
async fn d2_a_stored_copy_that_is_fresh_is_not_fetched_and_keeps_no_other_feed_waiting() {
    let (origin, asked) = publisher().await;
    let folder = tempfile::tempdir().unwrap();
    let open = || Store::open(StoreOptions::at(folder.path())).unwrap();
    let names = ["a", "b", "c", "d"];
    let toml = feeds(&names);
    let store = open();
    let mut service = Simulation::with_store(&toml, origin.address(), store.clone()).await;
    for name in names {
        service.read(&format!("/feeds/{name}"), &[]).await;
    }
    service.pass(MINUTE).await;
    for name in names {
        forget_the_plan(&store, name).await;
    }
    // One of them is to be fetched indeed.
    assert!(store.remove(Space::Feeds, "d").await);
    store.flush().await;
    // Dropped without its end: what it would remember then is not.
    drop(service);
    store.close().await;
    asked.lock().unwrap().clear();

    let store = open();
    let mut service = Simulation::with_store(&toml, origin.address(), store).await;
    // Two are in memory again before they fall due, one is not.
    for name in ["a", "b"] {
        let answer = service.read(&format!("/feeds/{name}"), &[]).await;
        assert!(answer.header("cache-status").starts_with("Feedwright; hit"));
    }
    service.pass(12 * MINUTE).await;
    let paths: Vec<_> = asked
        .lock()
        .unwrap()
        .iter()
        .map(|(_, path)| path.clone())
        .collect();
    assert_eq!(paths, ["/d"]);
    for name in names {
        assert!(service.app.feed(name).unwrap().track.due_at_ms().is_some());
    }
    service.stop().await;
}
