//! A day of a full-text feed of a hundred items, beside the same feed without full texts.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::full_text::{feed, own_host, page, path_of};
use crate::origin::{Origin, Reply};
use crate::simulation::Simulation;

const QUARTER: Duration = Duration::from_secs(15 * 60);
const ITEMS: usize = 100;
const READERS: usize = 10;

/// The times within which 99 of 100 readers were answered, and half of them.
fn percentiles(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    (times[times.len() * 99 / 100], times[times.len() / 2])
}

#[tokio::test(start_paused = true)]
async fn in_a_day_each_article_is_fetched_once_and_readers_get_what_is_there() {
    let started = Instant::now();
    // Every hour an item comes, and the oldest goes.
    let origin = Origin::start(move |head| {
        let hour = (started.elapsed().as_secs() / 3_600) as usize;
        match path_of(head) {
            "/full.xml" | "/plain.xml" => {
                let paths: Vec<_> = (hour..hour + ITEMS)
                    .rev()
                    .map(|n| format!("/{n}"))
                    .collect();
                let paths: Vec<_> = paths.iter().map(String::as_str).collect();
                let tag = format!("\"{hour}\"");
                let headers = [
                    ("content-type", "application/rss+xml"),
                    ("etag", tag.as_str()),
                ];
                Reply::status(200, &headers, feed(own_host(head), &paths))
            }
            path => Reply::status(200, &[("content-type", "text/html")], page(path, 8)),
        }
    })
    .await;
    let toml = "[defaults]\nallow_private = [\"PUBLISHER\"]\n\
                [[feed]]\nname = \"full\"\nurl = \"http://PUBLISHER/full.xml\"\nfull_text = true\n\
                [[feed]]\nname = \"plain\"\nurl = \"http://PUBLISHER/plain.xml\"\n";
    let mut service = Simulation::start(toml, origin.address()).await;
    let (mut full, mut plain, mut hits) = (Vec::new(), Vec::new(), 0);
    for quarter in 0..4 * 24 {
        service.pass_until(QUARTER * quarter).await;
        for _ in 0..READERS {
            for (path, times) in [("/feeds/full", &mut full), ("/feeds/plain", &mut plain)] {
                let asked = std::time::Instant::now();
                let answer = service.read(path, &[]).await;
                assert_eq!((answer.status, answer.whole), (200, true), "{path}");
                hits += usize::from(answer.header("cache-status").starts_with("Feedwright; hit"));
                times.push(asked.elapsed());
            }
        }
    }
    let answers = full.len() + plain.len();
    assert!(
        hits > answers * 9 / 10,
        "{hits} of {answers} answers are hits"
    );
    let last = service.read("/feeds/full", &[]).await;
    let there = last.text().matches("</content:encoded>").count();
    assert!(there >= ITEMS - 1, "{there} of {ITEMS} have their article");
    let mut asked: HashMap<String, usize> = HashMap::new();
    for head in origin.seen() {
        *asked.entry(path_of(&head).to_owned()).or_default() += 1;
    }
    let (feeds, articles): (Vec<_>, Vec<_>) = asked
        .into_iter()
        .partition(|(path, _)| path.ends_with(".xml"));
    assert!(
        articles.iter().all(|(_, times)| *times == 1),
        "{articles:?}"
    );
    assert!(articles.len() >= ITEMS + 22, "{}", articles.len());
    println!(
        "{hits} hits of {answers} answers; {} articles, each fetched once; feeds: {feeds:?}; p99 and median with full texts {:?}, without {:?}",
        articles.len(),
        percentiles(full),
        percentiles(plain)
    );
    service.stop().await;
}
