//! Many at once: cold feeds, feeds that expire together, a network that is down for all of them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use crate::origin::{Origin, Reply};
use crate::reader::get;
use crate::service::{Service, feed_of};
use crate::simulation::Simulation;
use feedwright::http::{Answer as _, RequestBody};
use feedwright::refresh::Refresher;
use feedwright::routes::Routes;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// An upstream on every address of loopback, so that it is as many hosts as a test wants; with the
/// second of each request.
struct Hosts {
    origin: Option<Origin>,
    address: SocketAddr,
    asked: Arc<Mutex<Vec<u64>>>,
    started: Instant,
}

impl Hosts {
    async fn start() -> Self {
        let mut hosts = Self {
            origin: None,
            address: SocketAddr::from(([0, 0, 0, 0], 0)),
            asked: Arc::default(),
            started: Instant::now(),
        };
        hosts.up().await;
        hosts
    }

    async fn up(&mut self) {
        let (asked, started) = (Arc::clone(&self.asked), self.started);
        let feed = feed_of(3, 100);
        let origin = Origin::bind(self.address, move |_| {
            asked
                .lock()
                .unwrap()
                .push((Instant::now() - started).as_secs());
            Reply::ok(&feed)
        });
        let origin = origin.await.expect("the port is free");
        self.address = origin.address();
        self.origin = Some(origin);
    }

    /// From now on connections are refused.
    async fn down(&mut self) {
        self.origin = None;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    /// A configuration of so many feeds on so many hosts, `f0` and so on.
    fn feeds(&self, feeds: usize, hosts: usize, keys: &str) -> String {
        let port = self.address.port();
        let mut toml = format!("[defaults]\n{keys}\n");
        for feed in 0..feeds {
            let host = feed % hosts;
            let host = format!("127.77.{}.{}:{port}", host / 200, host % 200 + 1);
            toml += &format!(
                "[[feed]]\nname = \"f{feed}\"\nurl = \"http://{host}/{feed}\"\nallow_private = [\"{host}\"]\n"
            );
        }
        toml
    }

    /// Requests per second since the last call.
    fn take_rates(&self) -> BTreeMap<u64, usize> {
        let mut rates = BTreeMap::new();
        for second in std::mem::take(&mut *self.asked.lock().unwrap()) {
            *rates.entry(second).or_default() += 1;
        }
        rates
    }
}

fn all(feeds: usize) -> Vec<(String, Vec<(String, String)>)> {
    (0..feeds)
        .map(|feed| (format!("/feeds/f{feed}"), Vec::new()))
        .collect()
}

/// Reads every feed until all have a copy.
async fn warm_up(service: &mut Simulation, feeds: usize) {
    for wave in all(feeds).chunks(500) {
        let answers = service.read_all(wave.to_vec()).await;
        assert!(answers.iter().all(|answer| answer.status == 200));
    }
}

#[tokio::test(start_paused = true)]
async fn n4_ten_minutes_without_a_network_and_its_return() {
    const FEEDS: usize = 500;
    let mut hosts = Hosts::start().await;
    let toml = hosts.feeds(FEEDS, 100, "");
    let mut service = Simulation::start(&toml, hosts.address).await;
    warm_up(&mut service, FEEDS).await;
    // The copies expire between an hour and 72 minutes: the network is away in the middle.
    service.pass_until(HOUR + 2 * MINUTE).await;
    hosts.take_rates();
    hosts.down().await;
    let before = tasks_alive();
    for _ in 0..10 {
        service.pass(MINUTE).await;
        let answers = service.read_all(all(FEEDS)).await;
        assert!(
            answers
                .iter()
                .all(|answer| answer.status == 200 && answer.whole)
        );
    }
    assert!(hosts.take_rates().is_empty());
    assert_eq!(service.app.refresher.tasks.len(), 0, "no fetch is left");
    assert!(tasks_alive() <= before, "nor anything else");
    hosts.up().await;
    service.pass(30 * MINUTE).await;
    let rates = hosts.take_rates();
    let (count, most) = (
        rates.values().sum::<usize>(),
        *rates.values().max().unwrap(),
    );
    println!("the network is back: {count} requests within 30 min, at most {most} in a second");
    assert!(count >= FEEDS * 3 / 4, "{count}");
    assert!(most <= 16, "a burst of {most}: {rates:?}");
    let answers = service.read_all(all(FEEDS)).await;
    let is_back =
        |status: &str| status.starts_with("Feedwright; hit; ttl=") && !status.contains("detail");
    for (feed, answer) in answers.iter().enumerate() {
        let status = answer.header("cache-status");
        assert!(is_back(status), "f{feed} was not tried again: {status}");
        let track = &service.app.feed(&format!("f{feed}")).unwrap().track;
        let due_at = track.due_at_ms().expect("every feed is planned");
        assert!(due_at > service.app.refresher.now_ms(Instant::now()));
        assert_eq!(track.past().failures, 0);
    }
    service.stop().await;
}

/// Tasks of this test's runtime.
fn tasks_alive() -> usize {
    tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
}

#[tokio::test(start_paused = true)]
async fn l6_five_thousand_feeds_that_were_fetched_together_expire_apart() {
    const FEEDS: usize = 5_000;
    let hosts = Hosts::start().await;
    let toml = hosts.feeds(FEEDS, 1_000, "");
    let mut service = Simulation::start(&toml, hosts.address).await;
    warm_up(&mut service, FEEDS).await;
    let warm = hosts.take_rates();
    println!("5,000 feeds were fetched in {} s", warm.len());
    service.pass_in(10 * SECOND, 58 * MINUTE).await;
    service.pass_until(HOUR - SECOND).await;
    assert!(hosts.take_rates().is_empty());
    service.pass_until(HOUR + 20 * MINUTE).await;
    let rates = hosts.take_rates();
    let (count, most) = (
        rates.values().sum::<usize>(),
        *rates.values().max().unwrap(),
    );
    println!(
        "they were fetched again within {} s, at most {most} in a second",
        rates.len()
    );
    assert_eq!(count, FEEDS);
    assert!(most <= 16, "a burst of {most}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l5_ten_thousand_cold_feeds_at_once_are_queued_or_turned_away() {
    const FEEDS: usize = 10_000;
    const HOSTS: usize = 50;
    let silent = Origin::bind(SocketAddr::from(([0, 0, 0, 0], 0)), |_| {
        Reply::default().hang()
    });
    let silent = silent.await.unwrap();
    let hosts = Hosts {
        origin: None,
        address: silent.address(),
        asked: Arc::default(),
        started: Instant::now(),
    };
    let service = Service::start(&hosts.feeds(FEEDS, HOSTS, ""), silent.address()).await;
    let mut readers = tokio::task::JoinSet::new();
    for (path, _) in all(FEEDS) {
        let app = Arc::clone(&service.app);
        readers.spawn(async move {
            let request = http::Request::get(path).body(()).unwrap();
            Routes(app)
                .answer(Arc::new(request.into_parts().0), RequestBody::default())
                .await
        });
    }
    // Each host has two places, and a thousand feeds may wait for one.
    let room = 2 * HOSTS + Refresher::FETCHES_WAITING_MAX;
    let mut turned_away = 0;
    while turned_away < FEEDS - room {
        let reply = readers.join_next().await.unwrap().unwrap();
        assert_eq!(reply.status(), 503);
        assert!(!reply.headers().contains_key("retry-after"));
        assert_eq!(reply.headers()["cache-control"], "no-store");
        turned_away += 1;
    }
    let asked = std::time::Instant::now();
    let health = get(service.addr, "/healthz", &[]).await;
    println!(
        "{turned_away} turned away, {room} waiting; /healthz took {:?}",
        asked.elapsed()
    );
    assert_eq!((health.status, readers.len()), (200, room));
    assert!(silent.accepts() <= 2 * HOSTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn l3_a_herd_on_a_failing_feed_is_one_request_and_one_answer() {
    let failing = Origin::start(|_| {
        Reply::default()
            .wait(SECOND / 5)
            .send("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n")
    })
    .await;
    let service = Service::with_feed("", failing.address()).await;
    herd(&service, 502, 300).await;
    // Those who come later don't try in turn either.
    herd(&service, 502, 300).await;
    assert_eq!(failing.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn l4_a_herd_on_a_feed_that_may_not_be_stored_is_one_request_too() {
    let headers = [("cache-control", "no-store, private, max-age=0")];
    let private = Origin::start(move |_| {
        let reply = Reply::status(200, &headers, feed_of(10, 1_000));
        Reply::default().wait(SECOND / 5).then(reply)
    })
    .await;
    let service = Service::with_feed("", private.address()).await;
    herd(&service, 200, 300).await;
    assert_eq!(private.seen().len(), 1);
}

async fn herd(service: &Service, status: u16, readers: usize) {
    let begun = std::time::Instant::now();
    let mut herd = tokio::task::JoinSet::new();
    for _ in 0..readers {
        let address = service.addr;
        herd.spawn(async move { get(address, "/feeds/news", &[]).await });
    }
    for answer in herd.join_all().await {
        assert_eq!((answer.status, answer.whole), (status, true));
    }
    println!(
        "{readers} readers got {status} within {:?}",
        begun.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_host_is_asked_by_more_than_two_fetches_at_once() {
    let most = Arc::new(Mutex::new((0_usize, 0_usize)));
    let (released, release) = tokio::sync::watch::channel(false);
    let origin = {
        let most = Arc::clone(&most);
        Origin::start(move |_| {
            let mut now_and_most = most.lock().unwrap();
            now_and_most.0 += 1;
            now_and_most.1 = now_and_most.1.max(now_and_most.0);
            Reply::default()
                .wait_for(release.clone())
                .then(Reply::ok(feed_of(3, 100)))
        })
        .await
    };
    let mut toml = "[defaults]\nallow_private = [\"PUBLISHER\"]\n".to_owned();
    for feed in 0..12 {
        toml += &format!("[[feed]]\nname = \"f{feed}\"\nurl = \"http://PUBLISHER/{feed}\"\n");
    }
    let service = Service::start(&toml, origin.address()).await;
    let mut readers = tokio::task::JoinSet::new();
    for (path, _) in all(12) {
        let address = service.addr;
        readers.spawn(async move { get(address, &path, &[]).await });
    }
    while most.lock().unwrap().0 < 2 || service.app.refresher.hosts.in_flight() < 2 {
        tokio::time::sleep(SECOND / 100).await;
    }
    tokio::time::sleep(SECOND / 4).await;
    assert_eq!(
        most.lock().unwrap().0,
        2,
        "the others wait while two are under way"
    );
    released.send(true).unwrap();
    for answer in readers.join_all().await {
        assert_eq!(answer.status, 200);
    }
    assert_eq!(origin.seen().len(), 12);
}
