//! Two weeks of archives and history that grow, against their totals.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use feedwright::store::{self, Store, StoreLimits, Totals, WhenFull};

use crate::origin::{Origin, Reply};
use crate::simulation::Simulation;

const HOUR: Duration = Duration::from_secs(3_600);
const DAYS: u32 = 14;
/// Items that a feed gets with each of four fetches a day, and shows.
const NEWS: u32 = 3;
const SHOWN: u32 = 10;
const ARCHIVE_BYTES_MAX: u64 = 120 << 10;
const ARCHIVE_FEED_BYTES_MAX: u64 = 90 << 10;
const HISTORY_BYTES_MAX: u64 = 80 << 10;
const HISTORY_FEED_BYTES_MAX: u64 = 60 << 10;

/// The item of this number, all of one size and none the smaller for being compressed.
fn item(feed: &str, n: u32) -> String {
    let noise = |at: u32| (at ^ (n << 9)).wrapping_mul(2_654_435_761).rotate_left(11);
    let text: String = (0..250).map(|at| format!("{:08x}", noise(at))).collect();
    let date = UNIX_EPOCH + 400_000 * HOUR + n * HOUR;
    let date = httpdate::fmt_http_date(date);
    format!(
        "<item><title>Item {n:05}</title><guid>{feed}-{n:05}</guid><pubDate>{date}</pubDate>\
         <description>{text}</description></item>"
    )
}

/// The feed whose newest item has this number, the newest first.
fn feed(name: &str, newest: u32) -> String {
    let items = (newest.saturating_sub(SHOWN - 1)..=newest).rev();
    let items: String = items.map(|n| item(name, n)).collect();
    format!("<rss version=\"2.0\"><channel><title>News</title>{items}</channel></rss>")
}

fn toml(root: &Path, when_full: &str) -> String {
    let feed = |name: &str| {
        format!(
            "[[feed]]\nname = '{name}'\nurl = 'http://PUBLISHER/{name}'\nallow_private = ['PUBLISHER']\n\
             refresh = '4h'\nrefresh_min = '4h'\nrefresh_max = '4h'\narchive = true\nkeep_items = 10000\n"
        )
    };
    format!(
        "[archive]\ndirectory = '{root}/archive'\nbytes_max = '{ARCHIVE_BYTES_MAX}B'\n\
         feed_bytes_max = '{ARCHIVE_FEED_BYTES_MAX}B'\nwhen_full = '{when_full}'\n\
         [fetch]\nhost_spacing = '0s'\n{}{}",
        feed("a"),
        feed("b"),
        root = root.display()
    )
}

fn open(root: &Path, when_full: WhenFull) -> Store {
    let history = Totals {
        bytes_max: HISTORY_BYTES_MAX,
        feed_bytes_max: HISTORY_FEED_BYTES_MAX,
        when_full,
    };
    Store::open(store::StoreOptions {
        limits: StoreLimits {
            history,
            ..StoreLimits::default()
        },
        ..store::StoreOptions::at(root.join("data"))
    })
    .unwrap()
}

/// Bytes of all files below.
fn bytes_below(path: &Path) -> u64 {
    let entries = fs::read_dir(path).into_iter().flatten().map(Result::unwrap);
    let bytes = entries.map(|entry| match entry.path().is_dir() {
        true => bytes_below(&entry.path()),
        false => entry.metadata().unwrap().len(),
    });
    bytes.sum()
}

/// The numbers of a feed's items that are archived.
fn archived(root: &Path, feed: &str) -> Vec<u32> {
    fn walk(path: &Path, found: &mut Vec<u32>) {
        for entry in fs::read_dir(path).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
                continue;
            }
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            found.push(name.rsplit('-').next().unwrap().parse().unwrap());
        }
    }
    let mut found = Vec::new();
    walk(&root.join("archive").join(feed), &mut found);
    found.sort_unstable();
    found
}

/// The same of those in the history.
async fn recorded(store: &Store, feed: &str) -> Vec<u32> {
    let items = store.newest_items(feed, 10_000).await;
    let number = |guid: &str| guid.rsplit('-').next().unwrap().parse().unwrap();
    let mut found: Vec<u32> = items.iter().map(|item| number(&item.guid)).collect();
    found.sort_unstable();
    found
}

/// Waits until what was fetched is written.
async fn written(simulation: &Simulation) {
    for _ in 0..5_000 {
        let is_idle = simulation.app.refresher.archiver.is_idle();
        if is_idle && simulation.app.refresher.tasks.is_empty() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
        simulation.settle().await;
    }
}

async fn check_totals(root: &Path, store: &Store, day: u32) -> (u64, u64) {
    let archive = bytes_below(&root.join("archive"));
    assert!(
        archive <= ARCHIVE_BYTES_MAX,
        "archive, day {day}: {archive}"
    );
    let mut history = 0;
    for feed in ["a", "b"] {
        let index = root.join(format!("archive/.index/{feed}.jsonl"));
        let bytes = bytes_below(&root.join("archive").join(feed))
            + fs::metadata(index).map_or(0, |found| found.len());
        assert!(
            bytes <= ARCHIVE_FEED_BYTES_MAX,
            "archive of {feed}, day {day}: {bytes}"
        );
        let (of_feed, all) = store.history_bytes(feed).await;
        assert!(
            of_feed <= HISTORY_FEED_BYTES_MAX,
            "history of {feed}, day {day}: {of_feed}"
        );
        assert!(all <= HISTORY_BYTES_MAX, "history, day {day}: {all}");
        history = all;
    }
    (archive, history)
}

/// How often each feed was asked for.
fn asked(origin: &Origin) -> [usize; 2] {
    let seen = origin.seen();
    let of = |name: &str| seen.iter().filter(|head| head.starts_with(name)).count();
    [of("GET /a"), of("GET /b")]
}

/// Lets the feeds grow; with a restart in the middle.
async fn grow(
    root: &Path,
    (name, when_full): (&str, WhenFull),
    origin: &Origin,
    newest: &Mutex<u32>,
) {
    let toml = toml(root, name);
    for week in 0..2 {
        let store = open(root, when_full);
        let mut simulation = Simulation::with_store(&toml, origin.address(), store.clone()).await;
        for day in 0..DAYS / 2 {
            for _ in 0..4 {
                let before = asked(origin);
                *newest.lock().unwrap() += NEWS;
                simulation.pass_in(HOUR, 6 * HOUR).await;
                // On a busy machine the store is read while hours pass.
                for _ in 0..1_000 {
                    if asked(origin)
                        .iter()
                        .zip(before)
                        .all(|(now, before)| *now > before)
                    {
                        break;
                    }
                    std::thread::sleep(Duration::from_millis(2));
                    simulation.pass_in(HOUR / 6, HOUR / 6).await;
                }
                written(&simulation).await;
                let day = week * DAYS / 2 + day;
                let (archive, history) = check_totals(root, &store, day).await;
                if day.is_multiple_of(3) {
                    println!(
                        "{name}, day {day}: archive {archive} of {ARCHIVE_BYTES_MAX}, history {history} of {HISTORY_BYTES_MAX}"
                    );
                }
            }
        }
        simulation.stop().await;
    }
}

/// Asserts that the oldest of these follow one another from what the first fetch saw on, but for a few
/// that are a little smaller than what was refused before them; or the newest up to the last one.
fn assert_order(kept: &[u32], when_full: WhenFull, last: u32, what: &str) {
    let mut numbers = kept.to_vec();
    if when_full == WhenFull::Oldest {
        numbers = numbers.iter().rev().map(|number| last - number).collect();
    }
    // A machine under load may fetch for the first time when a step has gone by.
    let first = match when_full {
        WhenFull::Oldest => 0,
        WhenFull::Refuse => numbers[0],
    };
    assert!(first <= NEWS, "{what}: {kept:?}");
    let in_order = numbers
        .iter()
        .zip(first..)
        .take_while(|(number, at)| **number == *at);
    // Items that came together are written in any order, and a few more are a little smaller.
    let others_max = if when_full == WhenFull::Oldest { 0 } else { 4 };
    assert!(
        numbers.len() > 5 && in_order.count() + others_max >= numbers.len(),
        "{what}: {kept:?}"
    );
}

async fn two_weeks(name: &'static str, when_full: WhenFull) {
    let root = tempfile::tempdir().unwrap();
    let newest = Arc::new(Mutex::new(SHOWN - 1 - NEWS));
    let served = Arc::clone(&newest);
    let origin = Origin::start(move |head| {
        let name = if head.starts_with("GET /a") { "a" } else { "b" };
        Reply::ok(feed(name, *served.lock().unwrap()).as_str())
    })
    .await;
    grow(root.path(), (name, when_full), &origin, &newest).await;
    let last = *newest.lock().unwrap();
    assert_eq!(last, SHOWN - 1 - NEWS + DAYS * 4 * NEWS);
    let store = open(root.path(), when_full);
    for feed in ["a", "b"] {
        for (what, kept) in [
            ("archive", archived(root.path(), feed)),
            ("history", recorded(&store, feed).await),
        ] {
            let what = format!("{what} of {feed}, {name}");
            println!("{what}: {} to {} of {last}", kept[0], kept[kept.len() - 1]);
            assert_order(&kept, when_full, last, &what);
        }
    }
    // The room that there is, is used.
    let (archive, history) = check_totals(root.path(), &store, DAYS).await;
    assert!(archive > ARCHIVE_BYTES_MAX / 10 * 9 && history > HISTORY_BYTES_MAX / 10 * 9);
    store.close().await;
}

#[tokio::test(start_paused = true)]
async fn d8_two_weeks_of_growth_refuse_what_is_too_much() {
    two_weeks("refuse", WhenFull::Refuse).await;
}

#[tokio::test(start_paused = true)]
async fn d8_two_weeks_of_growth_let_the_oldest_go() {
    two_weeks("oldest", WhenFull::Oldest).await;
}
