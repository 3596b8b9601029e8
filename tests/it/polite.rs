//! How a publisher sees us: a day of ten readers, and what its server says about coming back.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use crate::origin::{Origin, Reply, field};
use crate::service::feed_of;
use crate::simulation::Simulation;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// Requests with their times, by path.
type Seen = Arc<Mutex<Vec<(Instant, String)>>>;

fn by_path(seen: &Seen) -> BTreeMap<String, Vec<(Instant, String)>> {
    let mut by_path: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (at, head) in seen.lock().unwrap().iter() {
        let path = head.split(' ').nth(1).unwrap().to_owned();
        by_path.entry(path).or_default().push((*at, head.clone()));
    }
    by_path
}

/// How a publisher of the audit behaves.
#[derive(Clone, Copy)]
struct Publisher {
    name: &'static str,
    /// Something new so often.
    news_every: Duration,
    /// What it says besides its validators.
    headers: &'static [(&'static str, &'static str)],
    /// Stands in the channel.
    element: &'static str,
    /// Makes its `ETag` of a number.
    etag: fn(u64) -> String,
    has_date: bool,
}

fn quoted(number: u64) -> String {
    format!("\"{number}\"")
}

const PUBLISHERS: [Publisher; 8] = [
    Publisher {
        name: "never-changes",
        news_every: Duration::from_secs(365 * 86_400),
        headers: &[],
        element: "",
        etag: quoted,
        has_date: true,
    },
    Publisher {
        name: "always-changes",
        news_every: MINUTE,
        headers: &[],
        element: "",
        etag: quoted,
        has_date: true,
    },
    Publisher {
        name: "max-age-60",
        news_every: HOUR,
        headers: &[("cache-control", "max-age=60")],
        element: "",
        etag: quoted,
        has_date: false,
    },
    Publisher {
        name: "no-cache",
        news_every: HOUR,
        headers: &[
            ("cache-control", "no-cache, must-revalidate, max-age=0"),
            ("expires", "0"),
        ],
        element: "",
        etag: |number| format!("W/\"{number}\""),
        has_date: true,
    },
    Publisher {
        name: "ttl-5",
        news_every: MINUTE,
        headers: &[],
        element: "<ttl>5</ttl>",
        etag: |number| format!("RSS-{number} without quotes"),
        has_date: true,
    },
    Publisher {
        name: "ttl-120",
        news_every: MINUTE,
        headers: &[("cache-control", "max-age=300")],
        element: "<ttl>120</ttl>",
        etag: quoted,
        has_date: false,
    },
    Publisher {
        name: "max-age-4h",
        news_every: HOUR,
        headers: &[("cache-control", "public, max-age=14400")],
        element: "",
        etag: |number| format!("\"caf\u{e9}-{number}\""),
        has_date: false,
    },
    Publisher {
        name: "one-tag-for-all",
        news_every: Duration::from_secs(3 * 3_600),
        headers: &[
            ("set-cookie", "id=1"),
            ("expires", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ],
        element: "<skipHours><hour>3</hour></skipHours>",
        etag: |_| "\"same\"".to_owned(),
        has_date: true,
    },
];

/// The validators that a publisher has at some time.
fn validators(publisher: &Publisher, edition: u64) -> (String, Option<String>) {
    let date = publisher.has_date.then(|| {
        let hour = edition % 24;
        format!("Thu, 01 Oct 2026 {hour:02}:00:00 +0000")
    });
    ((publisher.etag)(edition), date)
}

fn answer(publisher: &Publisher, since_start: Duration, head: &str) -> Reply {
    let edition = since_start.as_secs() / publisher.news_every.as_secs();
    let (etag, date) = validators(publisher, edition);
    let mut headers = publisher.headers.to_vec();
    headers.push(("etag", &etag));
    headers.extend(date.as_deref().map(|date| ("last-modified", date)));
    let is_same = field(head, "if-none-match").is_some_and(|asked| asked == latin(&etag))
        && field(head, "if-modified-since") == date.as_deref();
    if is_same {
        return Reply::status(304, &headers, "");
    }
    let channel = format!(
        "<channel>{}<description>{edition}</description>",
        publisher.element
    );
    let feed = feed_of(5, 200).replacen("<channel>", &channel, 1);
    Reply::status(200, &headers, feed)
}

/// As the origin records what is no ASCII: each byte as one character.
fn latin(text: &str) -> String {
    text.bytes().map(char::from).collect()
}

#[tokio::test(start_paused = true)]
async fn f1_a_day_of_ten_readers_every_quarter_of_an_hour() {
    let seen: Seen = Arc::default();
    let started = Instant::now();
    let origin = {
        let seen = Arc::clone(&seen);
        Origin::start(move |head| {
            let now = Instant::now();
            seen.lock().unwrap().push((now, head.to_owned()));
            let path = head.split(' ').nth(1).unwrap();
            let publisher = PUBLISHERS
                .iter()
                .find(|publisher| path[1..] == *publisher.name);
            answer(publisher.unwrap(), now - started, head)
        })
        .await
    };
    let mut toml = String::from("[defaults]\nallow_private = [\"PUBLISHER\"]\n");
    for Publisher { name, .. } in PUBLISHERS {
        toml += &format!("[[feed]]\nname = \"{name}\"\nurl = \"http://PUBLISHER/{name}\"\n");
    }
    let mut service = Simulation::start(&toml, origin.address()).await;
    let mut known: HashMap<(usize, &str), String> = HashMap::new();
    let mut hits = 0;
    for quarter in 0..4 * 24 {
        service.pass_until(15 * MINUTE * quarter).await;
        let readers =
            (0..10).flat_map(|reader| PUBLISHERS.map(|publisher| (reader, publisher.name)));
        let readers: Vec<_> = readers.collect();
        let asked = readers.iter().map(|key| {
            let tag = known.get(key).cloned();
            let condition = tag.map(|tag| ("if-none-match".to_owned(), tag));
            (format!("/feeds/{}", key.1), condition.into_iter().collect())
        });
        let answers = service.read_all(asked.collect()).await;
        for (key, answer) in readers.iter().zip(answers) {
            assert!(
                matches!(answer.status, 200 | 304),
                "{key:?}: {}",
                answer.status
            );
            assert!(answer.whole && answer.header("retry-after").is_empty());
            hits += usize::from(
                answer
                    .header("cache-status")
                    .starts_with("Feedwright; hit; ttl="),
            );
            known.insert(*key, answer.header("etag").to_owned());
        }
    }
    service.pass_until(DAY).await;
    println!(
        "{hits} of {} answers were fresh hits",
        4 * 24 * 10 * PUBLISHERS.len()
    );
    assert!(hits > 4 * 24 * 10 * PUBLISHERS.len() * 9 / 10);
    audit(&seen, started);
    service.stop().await;
}

fn audit(seen: &Seen, started: Instant) {
    for publisher in &PUBLISHERS {
        let path = format!("/{}", publisher.name);
        let requests = by_path(seen).remove(&path).expect("it was asked");
        let gaps = requests.windows(2).map(|two| two[1].0 - two[0].0);
        let least = gaps.min().unwrap();
        println!(
            "{:16} {:2} requests, at least {:3} min apart",
            publisher.name,
            requests.len(),
            least.as_secs() / 60
        );
        assert!(
            (4..=24).contains(&requests.len()),
            "{path}: {}",
            requests.len()
        );
        assert!(least >= HOUR, "{path}: {least:?}");
        let mut sent = None;
        for (at, head) in &requests {
            let edition = (*at - started).as_secs() / publisher.news_every.as_secs();
            let asked = (
                field(head, "if-none-match").map(str::to_owned),
                field(head, "if-modified-since").map(str::to_owned),
            );
            let expected = sent.map_or((None, None), |edition| {
                let (tag, date) = validators(publisher, edition);
                (Some(latin(&tag)), date)
            });
            assert_eq!(asked, expected, "{path}: what was sent is what was had");
            sent = Some(edition);
            for name in [
                "cookie",
                "referer",
                "authorization",
                "origin",
                "x-forwarded-for",
            ] {
                assert_eq!(field(head, name), None, "{path}: {name}");
            }
            assert!(
                head.starts_with(&format!("GET {path} HTTP/1.1\r\n")),
                "{head}"
            );
            let agent = field(head, "user-agent").unwrap();
            assert!(
                agent.starts_with("Feedwright/") && agent.contains("(+https://"),
                "{agent}"
            );
            assert!(
                field(head, "accept")
                    .unwrap()
                    .contains("application/rss+xml")
            );
            assert!(field(head, "accept-encoding").unwrap().contains("gzip"));
        }
    }
    let times: Vec<_> = seen.lock().unwrap().iter().map(|(at, _)| *at).collect();
    // Without the readers' first ones, which wait for no more than two seconds.
    let later = times.iter().filter(|at| **at - started > MINUTE);
    let later: Vec<_> = later.collect();
    let close = later
        .windows(2)
        .filter(|two| *two[1] - *two[0] < Duration::from_secs(1));
    assert_eq!(close.count(), 0, "the host's requests are spaced");
}
