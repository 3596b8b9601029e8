//! `kill -9` while the store writes: everything that was said to be stored is there, whole, and the
//! next start is quick.
//!
//! This binary runs itself as the process that is killed. `FEEDTEST_KILLS` says how often, and
//! `FEEDTEST_ENTRIES` with how many bodies besides.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use feedwright::store::{HistoryItem, Space, Store, StoreOptions};

const START_MAX: Duration = Duration::from_secs(2);
const KEYS: u64 = 40;
/// Where the process that is killed writes.
const FOLDER: &str = "FEEDTEST_STORE_FOLDER";

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::vars().find(|(key, _)| key == name);
    text.map_or(default, |(_, text)| text.parse().unwrap())
}

/// The body that version `n` of a key has: some in a file, some in the database.
fn body(key: u64, n: u64) -> Vec<Bytes> {
    let words = if (key + n).is_multiple_of(3) {
        12_000
    } else {
        40
    };
    let mut state = key << 32 | n;
    let mut word = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        format!("{:x} ", state >> 40)
    };
    let text: String = (0..words).map(|_| word()).collect();
    vec![text.into()]
}

fn open(folder: &Path) -> Store {
    Store::open(StoreOptions {
        flush_every: Duration::from_millis(2),
        ..StoreOptions::at(folder)
    })
    .unwrap()
}

/// Writes until it is killed, and says on standard output what was stored. Each key's versions count
/// up from the one that is there.
#[test]
#[ignore = "the process that the kill loop starts and kills"]
fn write_until_killed() {
    let Some((_, folder)) = std::env::vars().find(|(name, _)| name == FOLDER) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = open(Path::new(&folder));
        let writers = (0..4).map(|writer| write(store.clone(), writer));
        futures_util::future::join_all(writers).await;
    });
}

async fn write(store: Store, writer: u64) {
    let mut round = 0;
    loop {
        round += 1;
        let key = writer + 4 * (round % (KEYS / 4));
        let name = key.to_string();
        let known = store.get_meta(Space::Mirror, &name).await;
        let (before, with) = known.map_or((0, 0), |entry| versions(&entry.meta));
        let n = before + 1;
        let is_stored = if round.is_multiple_of(7) && with > 0 {
            // The body that is there: where a process was killed between the two, an older one than
            // that of the version before.
            let meta = format!("{n} {with}");
            store.set_meta(Space::Mirror, &name, meta.into()).await;
            let meta = format!("{n} {n}");
            store
                .put(Space::Mirror, &name, meta.into(), body(key, n))
                .await
        } else {
            let meta = format!("{n} {n}");
            store
                .put(Space::Mirror, &name, meta.into(), body(key, n))
                .await
        };
        let item = HistoryItem {
            guid: format!("{key} {n}"),
            bytes: format!("<item>{key} {n}</item>").into(),
        };
        let is_kept = store.record_items(&name, vec![item], 20).await;
        store.set_state(Space::Hosts, &name, Some(n.to_string().into()));
        assert!(is_stored && is_kept);
        let mut out = std::io::stdout().lock();
        writeln!(out, "stored {key} {n}").unwrap();
        out.flush().unwrap();
    }
}

/// The version that a meta is of, and the version whose body is beside it.
fn versions(meta: &[u8]) -> (u64, u64) {
    let text = std::str::from_utf8(meta).unwrap();
    let (of, body) = text.split_once(' ').unwrap();
    (of.parse().unwrap(), body.parse().unwrap())
}

/// Lets a process write until it has said `lines` things, then kills it; what it said last of each
/// key.
fn kill_after(folder: &Path, lines: usize) -> HashMap<u64, u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "durability::write_until_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let mut said = HashMap::new();
    let mut count = 0;
    for line in out.lines() {
        let line = line.unwrap();
        let Some(words) = line.split_once("stored ").map(|(_, rest)| rest) else {
            continue;
        };
        let (key, n) = words.split_once(' ').unwrap();
        said.insert(key.parse().unwrap(), n.parse().unwrap());
        count += 1;
        if count == lines {
            // What it says until it is dead was stored as well.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(count >= lines, "it ended by itself after {count} lines");
    said
}

#[tokio::test]
async fn d2_whatever_was_stored_survives_kill_9_whole() {
    let folder = tempfile::tempdir().unwrap();
    let kills = number("FEEDTEST_KILLS", 20);
    fill(folder.path(), number("FEEDTEST_ENTRIES", 2_000)).await;
    let mut stored: HashMap<u64, u64> = HashMap::new();
    let mut slowest = Duration::ZERO;
    let mut read = 0;
    for round in 0..kills {
        let lines = 1 + (round as usize * 7) % 60;
        stored.extend(kill_after(folder.path(), lines));
        let begun = Instant::now();
        let store = open(folder.path());
        slowest = slowest.max(begun.elapsed());
        for (key, n) in &stored {
            let entry = store.get(Space::Mirror, &key.to_string()).await;
            let entry = entry.unwrap_or_else(|| panic!("round {round}: {key} is gone"));
            let (of, with) = versions(&entry.meta);
            assert!(of >= *n, "round {round}: {key} is {of}, and {n} was stored");
            assert_eq!(entry.body, body(*key, with), "round {round}: {key} {of}");
            let items = store.newest_items(&key.to_string(), 100).await;
            assert!(
                items[0].guid >= format!("{key} {n}") || of > *n,
                "round {round}"
            );
            assert!(items.windows(2).all(|two| two[0].place > two[1].place));
            read += 1;
        }
        let status = store.status();
        assert_eq!((status.bad, status.degraded), (0, None), "round {round}");
        store.close().await;
        let left = std::fs::read_dir(folder.path().join("temp")).unwrap();
        assert_eq!(left.count(), 0, "round {round}");
    }
    println!(
        "{kills} kills: {read} values read, all whole; slowest start {:.0} ms",
        slowest.as_secs_f64() * 1e3
    );
    assert!(slowest < START_MAX, "{slowest:?}");
}

/// Puts so many small bodies there.
async fn fill(folder: &Path, entries: u64) {
    let store = open(folder);
    let begun = Instant::now();
    let puts = (0..entries).map(|n| {
        let store = &store;
        async move {
            let key = format!("{n:06}");
            let meta = format!("about {n}").repeat(20);
            store
                .put(
                    Space::Images,
                    &key,
                    meta.into(),
                    vec![key.repeat(50).into()],
                )
                .await
        }
    });
    let mut puts = std::pin::pin!(futures_util::StreamExt::buffer_unordered(
        futures_util::stream::iter(puts),
        64
    ));
    let mut count = 0;
    while let Some(is_stored) = futures_util::StreamExt::next(&mut puts).await {
        assert!(is_stored);
        count += 1;
    }
    assert_eq!(count, entries);
    println!(
        "{entries} bodies stored in {:.1} s, {:.0} in a second",
        begun.elapsed().as_secs_f64(),
        entries as f64 / begun.elapsed().as_secs_f64()
    );
    store.close().await;
}
