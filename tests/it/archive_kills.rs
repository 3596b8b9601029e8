//! `kill -9` while the archive is written: every file is whole, and in the end every item has one.
//!
//! This binary runs itself as the process that is killed. `FEEDTEST_KILLS` says how often, and
//! `FEEDTEST_ITEMS` with how many items.

use std::collections::HashSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use feedwright::archive::path::PathTemplate;
use feedwright::archive::render::{Format, jsonl};
use feedwright::archive::{
    ArchiveLimits, ArchiveOptions, ArchivedFeed, Archiver, ArchiverSettings, ArchiverShared,
    FeedSnapshot, OwnImageUrls,
};
use feedwright::images::signed_url::SigningKeys;
use feedwright::rewrite::entry::Entry;
use feedwright::store::{self, Store};
use feedwright::upstream::hosts::{self, Hosts};
use feedwright::upstream::{self, Jitter, Upstream};
use tokio_util::task::TaskTracker;
use url::Url;

/// Where the process that is killed writes.
const FOLDER: &str = "FEEDTEST_ARCHIVE_FOLDER";

fn number(name: &str, default: usize) -> usize {
    let text = std::env::vars().find(|(key, _)| key == name);
    text.map_or(default, |(_, text)| text.parse().unwrap())
}

/// What the item of this number says; some are long.
fn html(n: usize) -> String {
    format!("<p>The text of item {n}.</p>").repeat(1 + (n * 37) % 400)
}

fn feed(items: usize) -> String {
    let items: Vec<_> = (0..items)
        .map(|n| {
            format!(
                "<item><title>Item {n}</title><guid>{n}</guid><pubDate>{} Jan 2022 01:17:04 GMT</pubDate>\
                 <description><![CDATA[{}]]></description></item>",
                1 + n % 28,
                html(n)
            )
        })
        .collect();
    format!(
        "<rss version=\"2.0\"><channel><title>T</title>{}</channel></rss>",
        items.concat()
    )
}

fn archiver(folder: &Path) -> Arc<Archiver> {
    let setting = ArchiverSettings {
        limits: ArchiveLimits {
            directory: folder.join("archive"),
            ..ArchiveLimits::default()
        },
        fetch: upstream::FetchOptions::default(),
        inflight: feedwright::inflight::Inflight::unlimited(),
        lookup: upstream::names(upstream::ResolverKind::Dns),
        own: OwnImageUrls {
            keys: SigningKeys::default(),
            public_url: "http://127.0.0.1:1".to_owned(),
        },
    };
    let shared = ArchiverShared {
        store: Store::open(store::StoreOptions::at(folder.join("data"))).unwrap(),
        hosts: Arc::new(Hosts::new(hosts::HostOptions::default(), Jitter::random())),
        tasks: TaskTracker::new(),
        wall_clock: SystemTime::now,
    };
    Arc::new(Archiver::new(setting, shared).unwrap())
}

fn archived_feed() -> Arc<ArchivedFeed> {
    let options = ArchiveOptions {
        path: PathTemplate::parse("{feed}/{title}.jsonl").unwrap(),
        ..ArchiveOptions::usual(Format::JsonLines).unwrap()
    };
    let upstream = Upstream {
        url: Url::parse("http://127.0.0.1:1/").unwrap(),
        user_agent: None,
        headers: Vec::new(),
        cookies: None,
        proxy: None,
        allow_private: Vec::new(),
    };
    Arc::new(ArchivedFeed::new("news".into(), options, upstream))
}

/// Has all items written.
async fn write(folder: &Path, items: usize) {
    let document = FeedSnapshot {
        url: Arc::new(Url::parse("http://127.0.0.1:1/").unwrap()),
        body: vec![feed(items).into()],
        awaited: Vec::new().into(),
    };
    let archiver = archiver(folder);
    let before = Instant::now();
    // A minute is not enough for many items on a slow disk.
    archiver.offer(&archived_feed(), document).wait().await;
    while !archiver.is_idle() && before.elapsed() < Duration::from_secs(600) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(archiver.status().degraded, None);
}

#[test]
#[ignore = "the process that the kill loop starts and kills"]
fn write_until_killed() {
    let Some((_, folder)) = std::env::vars().find(|(name, _)| name == FOLDER) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(write(Path::new(&folder), number("FEEDTEST_ITEMS", 300)));
}

/// How many files there are.
fn count(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder.join("archive/news"));
    files.map_or(0, Iterator::count)
}

/// Lets a process write until there are so many files, then kills it.
fn kill_at(folder: &Path, files: usize) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "archive_kills::write_until_killed", "--ignored"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while count(folder) < files && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The items that have a file; each is whole and in one file only.
fn whole(folder: &Path) -> HashSet<usize> {
    let mut found = HashSet::new();
    for day in std::fs::read_dir(folder.join("archive"))
        .into_iter()
        .flatten()
    {
        let day = day.unwrap().path();
        if day.file_name().unwrap() == ".index" {
            continue;
        }
        for file in std::fs::read_dir(day).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let entries = jsonl::parse(&text).unwrap();
            let [Entry { id, html: text, .. }] = &entries[..] else {
                panic!("{} has {} items", path.display(), entries.len());
            };
            let n: usize = id.parse().unwrap();
            assert_eq!(*text, html(n), "{}", path.display());
            assert!(found.insert(n), "{n} has two files");
        }
    }
    found
}

#[tokio::test]
async fn every_file_is_whole_however_often_the_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (kills, items) = (number("FEEDTEST_KILLS", 8), number("FEEDTEST_ITEMS", 300));
    let mut before = HashSet::new();
    let mut between = 0;
    for round in 0..kills {
        kill_at(folder.path(), 1 + items * round / kills);
        let found = whole(folder.path());
        assert!(found.is_superset(&before), "round {round}");
        between += usize::from(!found.is_empty() && found.len() < items);
        before = found;
    }
    let begun = Instant::now();
    write(folder.path(), items).await;
    let found = whole(folder.path());
    assert_eq!(found.len(), items);
    println!(
        "{kills} kills, {between} of them while files were written: {items} items, all whole; the rest took {:.1} s",
        begun.elapsed().as_secs_f64()
    );
}
