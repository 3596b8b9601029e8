//! Publishers who say when to come back, who fail, and who are gone: what they see of us meanwhile.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::origin::{Origin, Reply, field};
use crate::service::feed_of;
use crate::simulation::Simulation;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// A publisher whose answers a test changes, with the seconds at which it was asked for what.
struct Publisher {
    origin: Origin,
    answer: Arc<Mutex<Reply>>,
    asked: Arc<Mutex<Vec<(u64, String)>>>,
}

impl Publisher {
    async fn start(first: Reply) -> Self {
        let started = Instant::now();
        let answer = Arc::new(Mutex::new(first));
        let asked: Arc<Mutex<Vec<(u64, String)>>> = Arc::default();
        let origin = {
            let (answer, asked) = (Arc::clone(&answer), Arc::clone(&asked));
            Origin::start(move |head| {
                let path = head.split(' ').nth(1).unwrap().to_owned();
                let at = (Instant::now() - started).as_secs();
                asked.lock().unwrap().push((at, path));
                answer.lock().unwrap().clone()
            })
            .await
        };
        Self {
            origin,
            answer,
            asked,
        }
    }

    fn says(&self, reply: Reply) {
        *self.answer.lock().unwrap() = reply;
    }

    /// The seconds since the start at which it was asked, since the last call.
    fn take_times(&self) -> Vec<u64> {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.into_iter().map(|(at, _)| at).collect()
    }

    /// A service with feeds of this publisher.
    async fn served(&self, feeds: &[&str], keys: &str) -> Simulation {
        let mut toml = format!("[defaults]\nallow_private = [\"PUBLISHER\"]\n{keys}\n");
        for name in feeds {
            toml += &format!("[[feed]]\nname = \"{name}\"\nurl = \"http://PUBLISHER/{name}\"\n");
        }
        Simulation::start(&toml, self.origin.address()).await
    }
}

fn good() -> Reply {
    Reply::ok(feed_of(3, 100))
}

fn busy(status: u16, retry_after: &str) -> Reply {
    let headers = [("retry-after", retry_after)];
    let headers = if retry_after.is_empty() {
        &headers[..0]
    } else {
        &headers
    };
    Reply::status(status, headers, "")
}

/// Two feeds of one host are read and stale; one of them meets `reply`. Says after how many seconds
/// the host is asked again, by whichever of them.
async fn away_for(reply: Reply, step: Duration) -> u64 {
    let publisher = Publisher::start(good()).await;
    let mut service = publisher
        .served(&["a", "b"], "refresh = \"10m\"\nrefresh_max = \"10m\"")
        .await;
    for path in ["/feeds/a", "/feeds/b"] {
        assert_eq!(service.read(path, &[]).await.status, 200);
    }
    publisher.take_times();
    publisher.says(reply);
    let mut asked = Vec::new();
    while asked.is_empty() {
        service.pass(SECOND).await;
        asked = publisher.take_times();
    }
    assert_eq!(
        asked.len(),
        1,
        "one of the host's feeds was asked for, not the other"
    );
    publisher.says(good());
    let mut passed = Duration::ZERO;
    loop {
        // Readers of both get the copies, and their asking makes no difference.
        for path in ["/feeds/a", "/feeds/b"] {
            let answer = service.read(path, &[]).await;
            assert_eq!((answer.status, answer.header("retry-after")), (200, ""));
        }
        if let Some(again) = publisher.take_times().first() {
            service.pass(2 * MINUTE).await;
            let back = service.read("/feeds/a", &[]).await;
            assert!(!back.header("cache-status").contains("detail"));
            service.stop().await;
            return again - asked[0];
        }
        assert!(passed < 3 * DAY, "never asked again");
        service.pass_in(step, 5 * MINUTE).await;
        passed += 5 * MINUTE;
    }
}

#[tokio::test(start_paused = true)]
async fn u16_retry_after_keeps_all_feeds_of_the_host_away() {
    let in_two_hours = httpdate::fmt_http_date(SystemTime::now() + 2 * HOUR);
    let long_ago = "Sun, 06 Nov 1994 08:49:37 GMT".to_owned();
    let (minutes, hours) = (60, 3_600);
    for (status, retry_after, least, most) in [
        (429, "7200".to_owned(), 2 * hours, 2 * hours + 20),
        (503, "7200".to_owned(), 2 * hours, 2 * hours + 20),
        (503, in_two_hours, 2 * hours - 30, 2 * hours + 20),
        (429, "315360000".to_owned(), 24 * hours, 24 * hours + 90),
        (429, long_ago, 30, 10 * minutes),
        (429, "soon".to_owned(), 30, 10 * minutes),
        (429, "0".to_owned(), 30, 10 * minutes),
        (429, String::new(), 30, 10 * minutes),
    ] {
        let away = away_for(busy(status, &retry_after), 5 * SECOND).await;
        println!("{status} Retry-After: {retry_after:30} asked again after {away} s");
        assert!(
            (least..=most).contains(&away),
            "{status} {retry_after}: {away} s"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn u16_without_a_copy_the_answer_is_an_error_that_says_nothing_about_later() {
    let publisher = Publisher::start(busy(503, "7200")).await;
    let mut service = publisher.served(&["a", "b"], "").await;
    for path in ["/feeds/a", "/feeds/a", "/feeds/b"] {
        let answer = service.read(path, &[]).await;
        assert_eq!(answer.status, 502, "{path}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("retry-after"), "");
    }
    assert_eq!(publisher.take_times().len(), 1);
    publisher.says(good());
    service.pass_in(10 * SECOND, 2 * HOUR - MINUTE).await;
    assert_eq!(publisher.take_times().len(), 0);
    service.pass(2 * MINUTE).await;
    assert_eq!(service.read("/feeds/b", &[]).await.status, 200);
    service.stop().await;
}

#[tokio::test(start_paused = true)]
async fn u15_a_feed_that_is_gone_is_not_asked_for_again() {
    let publisher = Publisher::start(good()).await;
    let keys = "refresh = \"10m\"\nrefresh_max = \"10m\"\nstale_if_error = \"2h\"";
    let mut service = publisher.served(&["a"], keys).await;
    let before = service.read("/feeds/a", &[]).await;
    publisher.says(Reply::status(410, &[], ""));
    publisher.take_times();
    service.pass(HOUR).await;
    let copy = service.read("/feeds/a", &[]).await;
    assert_eq!((copy.status, copy.body), (200, before.body));
    let status = copy.headers["cache-status"].to_str().unwrap();
    assert!(status.ends_with("; detail=gone"), "{status}");
    service.pass(90 * MINUTE).await;
    for _ in 0..5 {
        let answer = service.read("/feeds/a", &[]).await;
        assert_eq!(answer.status, 410);
        assert_eq!(answer.header("cache-control"), "no-store");
        service.pass_in(MINUTE, DAY).await;
    }
    assert_eq!(
        publisher.take_times().len(),
        1,
        "asked once, and told that it is gone"
    );
    service.stop().await;
}

#[tokio::test(start_paused = true)]
async fn u15_a_feed_that_is_not_found_is_asked_for_less_and_less() {
    let publisher = Publisher::start(good()).await;
    let mut service = publisher.served(&["a"], "refresh = \"10m\"").await;
    service.read("/feeds/a", &[]).await;
    publisher.says(Reply::status(404, &[], ""));
    publisher.take_times();
    service.pass_in(5 * SECOND, DAY).await;
    let times = publisher.take_times();
    let gaps: Vec<_> = times.windows(2).map(|two| two[1] - two[0]).collect();
    println!("404: asked again after {gaps:?} s");
    assert!((8..=13).contains(&times.len()), "{times:?}");
    assert!(gaps.windows(3).all(|three| three[2] > three[0]), "{gaps:?}");
    let copy = service.read("/feeds/a", &[]).await;
    assert_eq!(copy.status, 200);
    publisher.says(good());
    service.pass_in(MINUTE, DAY).await;
    let back = service.read("/feeds/a", &[]).await;
    assert!(
        back.header("cache-status")
            .starts_with("Feedwright; hit; ttl=")
    );
    assert!(!back.header("cache-status").contains("detail"));
    service.stop().await;
}

#[tokio::test(start_paused = true)]
async fn u17_a_failing_host_is_left_alone_and_then_probed_by_one() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let publisher = Publisher::start(good()).await;
    let mut service = publisher
        .served(&names, "refresh = \"1h\"\nrefresh_max = \"1h\"")
        .await;
    let asked = || {
        names
            .map(|name| (format!("/feeds/{name}"), Vec::new()))
            .to_vec()
    };
    service.read_all(asked()).await;
    // All of them are stale, and read at once while everything fails.
    service.app.stop();
    service.pass_in(MINUTE, 73 * MINUTE).await;
    publisher.says(Reply::status(500, &[], ""));
    publisher.take_times();
    service.read_all(asked()).await;
    service.pass(15 * SECOND).await;
    let times = publisher.take_times();
    assert_eq!(
        times.len(),
        5,
        "five failures in a row open the breaker: {times:?}"
    );
    let spaced = times.windows(2).all(|two| two[1] > two[0]);
    assert!(spaced, "{times:?}");
    let mut probes = Vec::new();
    for _ in 0..10 * 60 {
        service.read_all(asked()).await;
        service.pass(10 * SECOND).await;
        probes.extend(publisher.take_times());
    }
    let gaps: Vec<_> = probes.windows(2).map(|two| two[1] - two[0]).collect();
    println!("8 feeds of a failing host, read every 10 s for 100 min: asked after {gaps:?} s");
    assert!(gaps.iter().all(|gap| *gap >= 30), "one at a time: {gaps:?}");
    // Waits are a random part of up to 15 minutes: 17 on average, hardly ever more than 21.
    assert!(probes.len() <= 30, "{}", probes.len());
    publisher.says(good());
    service.pass_in(10 * SECOND, HOUR).await;
    service.read_all(asked()).await;
    service.pass(20 * SECOND).await;
    let all = service.read_all(asked()).await;
    assert!(all.iter().all(|answer| answer.status == 200));
    service.stop().await;
}

#[tokio::test(start_paused = true)]
async fn validators_that_never_change_are_left_out_once_a_week() {
    let conditional: Arc<Mutex<Vec<bool>>> = Arc::default();
    let origin = {
        let conditional = Arc::clone(&conditional);
        Origin::start(move |head| {
            let asked = field(head, "if-none-match").is_some();
            conditional.lock().unwrap().push(asked);
            match asked {
                true => Reply::status(304, &[("etag", "\"for ever\"")], ""),
                false => Reply::status(200, &[("etag", "\"for ever\"")], feed_of(3, 100)),
            }
        })
        .await
    };
    let toml = "[[feed]]\nname = \"a\"\nurl = \"http://PUBLISHER/\"\nallow_private = [\"PUBLISHER\"]\nactive_for = \"30d\"";
    let mut service = Simulation::start(toml, origin.address()).await;
    service.read("/feeds/a", &[]).await;
    service.pass_in(5 * MINUTE, 15 * DAY).await;
    let conditional = conditional.lock().unwrap().clone();
    let without: Vec<_> = conditional
        .iter()
        .enumerate()
        .filter(|(_, asked)| !**asked)
        .collect();
    println!(
        "15 days: {} requests, {} without conditions",
        conditional.len(),
        without.len()
    );
    assert!(conditional.len() > 50);
    assert_eq!(without.len(), 3, "{without:?}");
    service.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_nobody_reads_is_left_alone() {
    let publisher = Publisher::start(good()).await;
    let mut service = publisher
        .served(&["read", "unread"], "active_for = \"1d\"")
        .await;
    service.read("/feeds/read", &[]).await;
    service.pass_in(MINUTE, DAY).await;
    let asked = std::mem::take(&mut *publisher.asked.lock().unwrap());
    assert!(
        asked.len() > 5 && asked.iter().all(|(_, path)| path == "/read"),
        "{asked:?}"
    );
    service.pass_in(MINUTE, DAY).await;
    assert!(
        publisher.take_times().len() <= 1,
        "nobody read it for a day"
    );
    // Asked for, it is fetched, and kept fresh again.
    let answer = service.read("/feeds/read", &[]).await;
    assert!(
        answer
            .header("cache-status")
            .starts_with("Feedwright; fwd=stale; stored; ")
    );
    service.pass_in(MINUTE, DAY / 2).await;
    assert!(publisher.take_times().len() > 2);
    service.stop().await;
}
