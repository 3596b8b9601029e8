//! Archives that grow to their totals.

use std::fs;
use std::path::Path;

use super::*;
use crate::archive::ArchiveOptions;
use crate::archive::path::PathTemplate;
use crate::archive::render::Format;
use crate::archive::writing::{ItemWriter, WriteOutcome};
use crate::rewrite::entry::Entry;

fn totals(bytes_max: u64, feed_bytes_max: u64, when_full: WhenFull) -> Totals {
    Totals {
        bytes_max,
        feed_bytes_max,
        when_full,
    }
}

fn usage_of(root: &Path, totals: Totals) -> Arc<Usage> {
    let folder = Arc::new(ArchiveFolder::new(root.to_owned()));
    Arc::new(Usage {
        count_after: Duration::ZERO,
        ..Usage::new(folder, totals)
    })
}

fn open(usage: &Arc<Usage>, feed: &str) -> ItemWriter {
    let options = ArchiveOptions {
        path: PathTemplate::parse("{feed}/{title}.html").unwrap(),
        ..ArchiveOptions::usual(Format::Seed).unwrap()
    };
    ItemWriter::open(Arc::clone(&usage.folder), Arc::clone(usage), feed, options).unwrap()
}

/// An item of that day, with a thousand bytes of text.
fn entry(day: i64) -> Entry {
    Entry {
        id: format!("{day:03}"),
        title: format!("{day:03}"),
        date_ms: Some(1_642_550_400_000 + day * 86_400_000),
        html: "x".repeat(1_000),
        ..Entry::default()
    }
}

fn keep(writer: &mut ItemWriter, entries: Vec<Entry>) -> WriteOutcome {
    let fresh = writer.fresh(entries);
    let outcome = writer.write_all(fresh, 0);
    assert!(outcome.error.is_none() && outcome.failed.is_empty());
    outcome
}

/// The days of a feed's items that are there.
fn days(root: &Path, feed: &str) -> Vec<i64> {
    let entries = fs::read_dir(root.join(feed)).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut days: Vec<i64> = names
        .filter_map(|name| name.strip_suffix(".html")?.parse().ok())
        .collect();
    days.sort_unstable();
    days
}

/// Bytes of all files.
fn bytes_below(path: &Path) -> u64 {
    let entries = fs::read_dir(path).into_iter().flatten().map(Result::unwrap);
    let bytes = entries.map(|entry| match entry.path().is_dir() {
        true => bytes_below(&entry.path()),
        false => entry.metadata().unwrap().len(),
    });
    bytes.sum()
}

#[test]
fn a_full_archive_refuses_and_goes_on_when_there_is_room() {
    let root = tempfile::tempdir().unwrap();
    let refuse = totals(20_000, 9_000, WhenFull::Refuse);
    let usage_before = usage_of(root.path(), refuse);
    let mut writer = open(&usage_before, "a");
    let all = || (0..20).map(entry).collect::<Vec<_>>();
    let outcome = keep(&mut writer, all());
    assert!((6..=7).contains(&outcome.items), "{outcome:?}");
    assert_eq!(outcome.items + outcome.refused, 20);
    assert_eq!(usage_before.counts().0, outcome.refused);
    let mut other = open(&usage_before, "b");
    keep(&mut other, all());
    let mut third = open(&usage_before, "c");
    keep(&mut third, all());
    assert!(bytes_below(root.path()) <= 20_000 && bytes_below(root.path()) > 17_000);
    assert_eq!(days(root.path(), "a").len(), days(root.path(), "b").len());
    assert!(days(root.path(), "c").len() < 5);
    // What is counted after a restart is what was counted all the time, or a little less.
    let again = usage_of(root.path(), refuse);
    again
        .admit(WriteRequest {
            feed: "a",
            id: 0,
            bytes: 0,
            replaced: 0,
            reserve: 0,
        })
        .unwrap();
    assert_eq!(again.lock().all, bytes_below(root.path()));
    assert!(usage_before.lock().all >= again.lock().all);
    // Somebody removes files: what the feed still has is written, what was there is not written again.
    for day in 0..3 {
        fs::remove_file(root.path().join(format!("a/{day:03}.html"))).unwrap();
    }
    let mut outcome = keep(&mut writer, all());
    // It is not counted again before twenty times as long has gone by as counting took.
    for _ in 0..1_000 {
        if outcome.items > 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
        outcome = keep(&mut writer, all());
    }
    assert!((2..=3).contains(&outcome.items), "{outcome:?}");
    assert_eq!(days(root.path(), "a")[..4], [3, 4, 5, 6]);
    // Totals may change while it runs.
    usage_before.set_totals(Totals::default());
    assert_eq!(keep(&mut writer, all()).refused, 0);
    assert_eq!(days(root.path(), "a"), (3..20).collect::<Vec<_>>());
}

#[test]
fn the_oldest_go_with_their_versions_images_and_lines() {
    let root = tempfile::tempdir().unwrap();
    let usage = usage_of(root.path(), totals(20_000, 12_000, WhenFull::Oldest));
    let mut writer = open(&usage, "a");
    // The newest first, as feeds have them.
    let outcome = keep(&mut writer, (0..20).rev().map(entry).collect());
    assert_eq!(outcome.refused, 0);
    let kept = days(root.path(), "a");
    assert_eq!(kept, (20 - kept.len() as i64..20).collect::<Vec<_>>());
    assert!(kept.len() >= 7, "{kept:?}");
    // Nothing comes back, and nothing newer goes for it.
    for _ in 0..3 {
        keep(&mut writer, (0..20).map(entry).collect());
        assert_eq!(days(root.path(), "a"), kept);
    }
    // Another version and images of the oldest one go with it.
    let oldest = kept[0];
    let mut changed = entry(oldest);
    changed.html = "y".repeat(500);
    keep(&mut writer, vec![changed]);
    let name = |rest: &str| {
        root.path()
            .join(format!("a/{:03}{rest}", days(root.path(), "a")[0]))
    };
    let (version, images) = (name(".v2.html"), name(".files"));
    fs::create_dir(&images).unwrap();
    fs::write(images.join("1.gif"), [0; 300]).unwrap();
    let oldest = days(root.path(), "a")[0];
    keep(&mut writer, (20..24).map(entry).collect());
    assert!(!version.exists() && !images.exists());
    assert!(days(root.path(), "a")[0] > oldest);
    // Of all feeds the oldest goes, whosever it is.
    let mut other = open(&usage, "b");
    keep(&mut other, (22..40).map(entry).collect());
    let (of_a, of_b) = (days(root.path(), "a"), days(root.path(), "b"));
    assert!(
        bytes_below(root.path()) <= 20_000,
        "{}",
        bytes_below(root.path())
    );
    assert_eq!(of_b.last(), Some(&39));
    assert!(of_a.len() < 6, "{of_a:?} {of_b:?}");
    writer.note_gone().unwrap();
    assert!(usage.feeds_with_unnoted().is_empty() || usage.feeds_with_unnoted() == ["b"]);
    // An old one that comes now is written, whatever goes for it; one that is too large takes nobody's place.
    keep(&mut other, vec![entry(1)]);
    assert_eq!(days(root.path(), "b")[0], 1);
    let before = (days(root.path(), "a"), days(root.path(), "b"));
    let mut huge = entry(90);
    huge.html = "z".repeat(13_000);
    assert_eq!(keep(&mut other, vec![huge]).refused, 1);
    assert_eq!((days(root.path(), "a"), days(root.path(), "b")), before);
    // After a restart nothing comes back either.
    let again = usage_of(root.path(), totals(20_000, 12_000, WhenFull::Oldest));
    let mut writer = open(&again, "a");
    keep(&mut writer, (0..24).map(entry).collect());
    assert_eq!(days(root.path(), "a"), before.0);
    assert!(bytes_below(root.path()) <= 20_000);
}

#[test]
fn an_index_that_somebody_wrote_leads_to_nothing_outside() {
    let root = tempfile::tempdir().unwrap();
    let archive = root.path().join("archive");
    let outside = root.path().join("outside.html");
    fs::create_dir_all(archive.join(".index")).unwrap();
    fs::write(&outside, [0; 5_000]).unwrap();
    let lines: String = ["../outside.html", "/etc/hostname", "", "./../outside.html"]
        .iter()
        .enumerate()
        .map(|(n, path)| {
            format!("{{\"id\":\"{n:x}\",\"sum\":\"1\",\"version\":1,\"path\":\"{path}\"}}\n")
        })
        .collect();
    fs::write(archive.join(".index/a.jsonl"), lines).unwrap();
    let usage = usage_of(&archive, totals(3_000, 0, WhenFull::Oldest));
    let mut writer = open(&usage, "a");
    keep(&mut writer, (0..4).map(entry).collect());
    assert!(outside.exists());
    assert!(bytes_below(&archive) <= 3_000);
    assert_eq!(days(&archive, "a").last(), Some(&3));
}
