//! Defects of our own, and clocks that jump: one fetch fails, and nothing else does.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use feedwright::store::{Store, StoreOptions};
use tokio::time::Instant;

use crate::origin::{Origin, Reply};
use crate::service::feed_of;
use crate::simulation::{Simulation, break_clock, set_clock_forward};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const YEAR_S: i64 = 365 * 86_400;

const FEEDS: &str = "[defaults]\nallow_private = [\"PUBLISHER\"]\nactive_for = \"0s\"\n\
    [[feed]]\nname = \"known\"\nurl = \"http://PUBLISHER/known\"\n\
    [[feed]]\nname = \"cold\"\nurl = \"http://PUBLISHER/cold\"\n\
    [[feed]]\nname = \"other\"\nurl = \"http://PUBLISHER/other\"\n";

#[tokio::test(start_paused = true)]
async fn r4_a_panic_while_a_feed_is_made_is_that_fetchs_failure_and_nobody_elses() {
    let origin = Origin::start(|_| Reply::ok(feed_of(3, 100))).await;
    let mut service = Simulation::start(FEEDS, origin.address()).await;
    let before = service.read("/feeds/known", &[]).await;
    service.read("/feeds/other", &[]).await;
    service.pass_in(MINUTE, 2 * HOUR).await;

    break_clock(1);
    let known = service.read("/feeds/known", &[]).await;
    assert_eq!((known.status, &known.body), (200, &before.body));
    let status = known.header("cache-status");
    assert!(status.ends_with("detail=internal-error"), "{status}");
    // So that the next fetch waits for no turn: who looks at the clock meanwhile is another.
    service.pass(Duration::from_secs(5)).await;
    // A herd without a copy: it is too late to hold back what they got, and that is whole.
    break_clock(1);
    let herd = vec![("/feeds/cold".to_owned(), Vec::new()); 50];
    for answer in service.read_all(herd).await {
        let is_whole = answer.whole && answer.text().ends_with("</rss>\n");
        assert!(is_whole || answer.status == 502, "{}", answer.text());
    }
    assert_eq!(origin.seen().len(), 4, "once each");
    let page = service.read("/", &[]).await;
    let told = page
        .text()
        .matches("The last fetch failed: internal-error.")
        .count();
    assert_eq!(told, 2, "{}", page.text());
    let other = service.read("/feeds/other", &[]).await;
    assert_eq!((other.status, other.whole), (200, true));

    // Nothing is locked, nobody holds a place, and the next try is like any other.
    service.pass(2 * MINUTE).await;
    for path in ["/feeds/known", "/feeds/cold"] {
        let back = service.read(path, &[]).await;
        assert_eq!((back.status, back.whole), (200, true), "{path}");
        assert!(!back.header("cache-status").contains("detail"), "{path}");
    }
    assert_eq!(service.app.refresher.tasks.len(), 0);
    service.stop().await;
}

#[tokio::test(start_paused = true)]
async fn r4_a_panic_while_a_stored_copy_is_made_leaves_nobody_waiting() {
    let origin = Origin::start(|_| Reply::ok(feed_of(3, 100))).await;
    let folder = tempfile::tempdir().unwrap();
    let open = || Store::open(StoreOptions::at(folder.path())).unwrap();
    let mut service = Simulation::with_store(FEEDS, origin.address(), open()).await;
    let before = service.read("/feeds/known", &[]).await;
    service.stop().await;
    let mut service = Simulation::with_store(FEEDS, origin.address(), open()).await;
    break_clock(1);
    let herd = vec![("/feeds/known".to_owned(), Vec::new()); 20];
    for answer in service.read_all(herd).await {
        let is_copy = answer.status == 200 && answer.body == before.body;
        assert!(is_copy, "{}", answer.status);
    }
    let back = service.read("/feeds/known", &[]).await;
    assert_eq!((back.status, &back.body), (200, &before.body));
    service.stop().await;
}

/// A publisher that notes when it was asked.
async fn publisher() -> (Origin, Arc<Mutex<Vec<Instant>>>) {
    let asked: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let origin = Origin::start(move |_| {
        seen.lock().unwrap().push(Instant::now());
        Reply::status(200, &[("etag", "\"1\"")], feed_of(3, 100))
    });
    (origin.await, asked)
}

fn many(count: usize) -> String {
    let mut toml = "[defaults]\nallow_private = [\"PUBLISHER\"]\n".to_owned();
    for n in 0..count {
        toml += &format!("[[feed]]\nname = \"f{n}\"\nurl = \"http://PUBLISHER/{n}\"\n");
    }
    toml
}

fn all(count: usize) -> Vec<(String, Vec<(String, String)>)> {
    (0..count)
        .map(|n| (format!("/feeds/f{n}"), Vec::new()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn d5_a_clock_that_jumps_while_we_run_changes_nothing() {
    const FEEDS: usize = 20;
    for seconds in [YEAR_S, -YEAR_S, 3_600, -3_600, -70 * YEAR_S] {
        let (origin, asked) = publisher().await;
        let mut service = Simulation::start(&many(FEEDS), origin.address()).await;
        service.read_all(all(FEEDS)).await;
        service.pass(10 * MINUTE).await;
        asked.lock().unwrap().clear();
        set_clock_forward(seconds);
        service.pass(20 * MINUTE).await;
        for answer in service.read_all(all(FEEDS)).await {
            let status = answer.header("cache-status");
            assert!(
                status.starts_with("Feedwright; hit; ttl="),
                "{seconds}: {status}"
            );
            assert!(!status.contains("detail"), "{seconds}: {status}");
        }
        assert_eq!(asked.lock().unwrap().len(), 0, "{seconds}: no mass expiry");
        // Nor is anything kept for ever.
        service.pass(2 * HOUR).await;
        let count = asked.lock().unwrap().len();
        assert!((FEEDS..=3 * FEEDS).contains(&count), "{seconds}: {count}");
        service.stop().await;
        set_clock_forward(-seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn d5_a_clock_that_jumped_between_two_processes_makes_no_burst_and_nothing_immortal() {
    const FEEDS: usize = 40;
    for seconds in [YEAR_S, -YEAR_S, 7_200, -7_200] {
        let (origin, asked) = publisher().await;
        let folder = tempfile::tempdir().unwrap();
        let open = || Store::open(StoreOptions::at(folder.path())).unwrap();
        let toml = many(FEEDS);
        let mut service = Simulation::with_store(&toml, origin.address(), open()).await;
        let before = service.read_all(all(FEEDS)).await;
        service.pass(MINUTE).await;
        service.stop().await;
        asked.lock().unwrap().clear();
        set_clock_forward(seconds);
        let mut service = Simulation::with_store(&toml, origin.address(), open()).await;
        let started = Instant::now();
        service.pass(11 * MINUTE).await;
        let times = asked.lock().unwrap().clone();
        let in_a_minute = |minute: u64| {
            let is_in = |at: &&Instant| (**at - started).as_secs() / 60 == minute;
            times.iter().filter(is_in).count()
        };
        let most = (0..11).map(in_a_minute).max().unwrap();
        println!(
            "{seconds} s: {} requests in 11 min, {most} in a minute",
            times.len()
        );
        assert!(most <= FEEDS / 3, "{seconds}: {most}");
        for (old, new) in before.iter().zip(service.read_all(all(FEEDS)).await) {
            assert_eq!((new.status, &new.body), (200, &old.body), "{seconds}");
        }
        // Whatever its stamps say, each was asked for within two intervals.
        service.pass(3 * HOUR).await;
        let mut paths: Vec<_> = origin.seen().split_off(FEEDS);
        paths
            .iter_mut()
            .for_each(|head| head.truncate(head.find(" HTTP").unwrap()));
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), FEEDS, "{seconds}");
        service.stop().await;
        set_clock_forward(-seconds);
    }
}
