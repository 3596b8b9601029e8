//! Whatever happens to the files: what is read is what was written, or nothing, and the record goes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::*;

/// A store with two bodies in files (`one`, `two`) and two in the database (`three`, `four`).
struct Fixture {
    folder: tempfile::TempDir,
    bodies: [(&'static str, String); 4],
}

impl Fixture {
    async fn new() -> Self {
        let fixture = Self {
            folder: tempfile::tempdir().unwrap(),
            bodies: [
                ("one", large(1)),
                ("two", large(2)),
                ("three", "the third body ".repeat(20)),
                ("four", "the fourth body ".repeat(20)),
            ],
        };
        let store = fixture.open();
        for (key, body) in &fixture.bodies {
            assert!(
                store
                    .put(Space::Mirror, key, (*key).into(), pieces(body))
                    .await
            );
        }
        store.close().await;
        fixture
    }

    fn copy(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let copied = std::process::Command::new("cp")
            .arg("-r")
            .arg(self.folder.path().join("."))
            .arg(folder.path())
            .status();
        assert!(copied.unwrap().success());
        Self {
            folder,
            bodies: self.bodies.clone(),
        }
    }

    fn open(&self) -> Store {
        Store::open(Options::at(self.folder.path())).unwrap()
    }

    fn database(&self) -> Connection {
        Connection::open(self.folder.path().join("store.db")).unwrap()
    }

    fn file(&self, key: &str) -> PathBuf {
        let sql = "SELECT id FROM entry WHERE key = ?1";
        let id: i64 = (self.database())
            .query_row(sql, [key], |row| row.get(0))
            .unwrap();
        let shard = format!("bodies/{:02x}/{id}", id & 0xff);
        self.folder.path().join(shard)
    }

    /// Reads everything: true values, or misses of these keys, which are gone for good then.
    async fn check(&self, damage: &str, lost: &[&str]) {
        let store = self.open();
        for round in 0..2 {
            for (key, body) in &self.bodies {
                let found = store.get(Space::Mirror, key).await;
                let is_lost = lost.contains(key);
                assert_eq!(found.is_none(), is_lost, "{damage}: {key}, round {round}");
                if let Some(entry) = found {
                    assert_eq!(entry.body.concat(), body.as_bytes(), "{damage}: {key}");
                    assert_eq!(entry.meta, key.as_bytes(), "{damage}: {key}");
                }
            }
            store.flush().await;
        }
        assert_eq!(store.status().bad, lost.len() as u64, "{damage}");
        assert_eq!(store.status().degraded, None, "{damage}");
        let list = store.list(Space::Mirror, "", None, 10).await;
        assert_eq!(list.len(), 4 - lost.len(), "{damage}");
        // What is lost can be put again.
        for key in lost {
            let put = store.put(Space::Mirror, key, b"new".to_vec(), pieces(&large(3)));
            assert!(put.await, "{damage}: {key}");
            let entry = store.get(Space::Mirror, key).await.unwrap();
            assert_eq!(entry.body.concat(), large(3).as_bytes(), "{damage}: {key}");
        }
        store.close().await;
    }
}

fn rewrite(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

fn replace(path: &Path, with: impl FnOnce(&Path)) {
    fs::remove_file(path).unwrap();
    with(path);
}

#[tokio::test]
async fn a_damaged_file_is_a_miss() {
    type Damage = (&'static str, fn(&Path, &Path));
    let table: [Damage; 10] = [
        ("bit flip", |one, _| rewrite(one, |bytes| bytes[1_000] ^= 1)),
        ("truncated", |one, _| {
            rewrite(one, |bytes| bytes.truncate(bytes.len() - 1));
        }),
        ("emptied", |one, _| rewrite(one, Vec::clear)),
        ("longer", |one, _| rewrite(one, |bytes| bytes.push(0))),
        ("zeros", |one, _| rewrite(one, |bytes| bytes.fill(0))),
        ("missing", |one, _| fs::remove_file(one).unwrap()),
        ("symbolic link", |one, two| {
            replace(one, |one| symlink(two, one).unwrap());
        }),
        ("directory", |one, _| {
            replace(one, |one| fs::create_dir_all(one.join("below")).unwrap());
        }),
        ("FIFO", |one, _| replace(one, fifo)),
        ("dangling link", |one, _| {
            replace(one, |one| symlink("/nowhere", one).unwrap());
        }),
    ];
    let pristine = Fixture::new().await;
    for (damage, spoil) in table {
        let fixture = pristine.copy();
        spoil(&fixture.file("one"), &fixture.file("two"));
        fixture.check(damage, &["one"]).await;
    }
    let fixture = pristine.copy();
    let (one, two) = (fixture.file("one"), fixture.file("two"));
    let bytes = fs::read(&one).unwrap();
    fs::copy(&two, &one).unwrap();
    fs::write(&two, bytes).unwrap();
    fixture.check("swapped", &["one", "two"]).await;
}

fn fifo(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

#[tokio::test]
async fn a_damaged_record_is_a_miss() {
    let pristine = Fixture::new().await;
    for (sql, lost) in [
        (
            "UPDATE entry SET version = 2 WHERE key = 'one'",
            &["one"][..],
        ),
        ("UPDATE entry SET coding = 7 WHERE key = 'one'", &["one"]),
        (
            "UPDATE entry SET coding = 1 - coding WHERE key = 'three'",
            &["three"],
        ),
        (
            "UPDATE entry SET stored_bytes = 8e18 WHERE key = 'one'",
            &["one"],
        ),
        (
            "UPDATE entry SET body_bytes = 8e18 WHERE key = 'one'",
            &["one"],
        ),
        (
            "UPDATE entry SET body_bytes = -1 WHERE key = 'three'",
            &["three"],
        ),
        ("UPDATE entry SET is_file = 0 WHERE key = 'one'", &["one"]),
        (
            "UPDATE entry SET is_file = 1 WHERE key = 'three'",
            &["three"],
        ),
        (
            "UPDATE entry SET meta = x'00' WHERE key = 'three'",
            &["three"],
        ),
        ("UPDATE entry SET sum = x'' WHERE key = 'three'", &["three"]),
        (
            "UPDATE entry SET body_sum = zeroblob(16) WHERE key = 'one'",
            &["one"],
        ),
        (
            "UPDATE entry SET stored_at_ms = 1 WHERE key = 'one'",
            &["one"],
        ),
        (
            "UPDATE body SET bytes = zeroblob(length(bytes))",
            &["three", "four"],
        ),
        (
            "UPDATE body SET bytes = substr(bytes, 2)",
            &["three", "four"],
        ),
        ("DELETE FROM body", &["three", "four"]),
        // Each under the other's key.
        (
            "UPDATE entry SET key = 'x' WHERE key = 'three'; \
             UPDATE entry SET key = 'three' WHERE key = 'four'; \
             UPDATE entry SET key = 'four' WHERE key = 'x'",
            &["three", "four"],
        ),
    ] {
        let fixture = pristine.copy();
        fixture.database().execute_batch(sql).unwrap();
        fixture.check(sql, lost).await;
    }
}

#[tokio::test]
async fn damaged_states_and_items_are_misses() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::at(folder.path());
    let store = Store::open(options.clone()).unwrap();
    for key in ["a", "b"] {
        store.set_state(Space::Hosts, key, Some(key.into()));
    }
    let items = ["1", "2", "3"].map(|guid| HistoryItem {
        guid: guid.into(),
        bytes: guid.into(),
    });
    assert!(store.record_items("news", items.to_vec(), 10).await);
    store.close().await;
    Connection::open(folder.path().join("store.db"))
        .unwrap()
        .execute_batch(
            "UPDATE state SET value = x'ff' WHERE key = 'a'; \
             UPDATE history SET bytes = x'ff' WHERE guid = '1'; \
             UPDATE history SET place = 99 WHERE guid = '2';",
        )
        .unwrap();
    let store = Store::open(options).unwrap();
    assert_eq!(store.state(Space::Hosts, "a").await, None);
    assert_eq!(store.states(Space::Hosts).await.len(), 1);
    assert_eq!(store.state(Space::Hosts, "b").await, Some(b"b".to_vec()));
    let kept = store.newest_items("news", 10).await;
    assert_eq!(kept.len(), 1);
    assert_eq!(
        (kept[0].guid.as_str(), &kept[0].bytes[..]),
        ("3", &b"3"[..])
    );
    store.flush().await;
    assert_eq!(store.newest_items("news", 10).await.len(), 1);
    assert_eq!(store.status().bad, 3);
    store.close().await;
}

#[tokio::test]
async fn a_damaged_database_never_tells_a_lie() {
    let pristine = Fixture::new().await;
    let database = fs::read(pristine.folder.path().join("store.db")).unwrap();
    let mut state = 7_u64;
    let mut lost = 0;
    for _ in 0..60 {
        let fixture = Fixture::new().await;
        let mut bytes = database.clone();
        for _ in 0..4 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let at = usize::try_from(state >> 33).unwrap() % bytes.len();
            bytes[at] ^= 1 << (state & 7);
        }
        fs::write(fixture.folder.path().join("store.db"), bytes).unwrap();
        let store = Store::open_or_retry(Options {
            probe_every: Duration::from_millis(5),
            ..Options::at(fixture.folder.path())
        })
        .unwrap();
        for (key, body) in &fixture.bodies {
            match store.get(Space::Mirror, key).await {
                Some(entry) => assert_eq!(entry.body.concat(), body.as_bytes()),
                None => lost += 1,
            }
        }
        // Sooner or later it writes again, as it is or anew.
        let put = async || {
            store
                .put(Space::Feeds, "new", Vec::new(), pieces("new"))
                .await
        };
        while !put().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(store.get(Space::Feeds, "new").await.is_some());
        store.close().await;
    }
    assert!((1..200).contains(&lost), "{lost} of 240 were lost");
}

#[tokio::test]
async fn what_can_be_read_of_a_damaged_database_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::at(folder.path());
    let store = Store::open(options.clone()).unwrap();
    let items: Vec<_> = (0..500)
        .map(|guid| HistoryItem {
            guid: guid.to_string(),
            bytes: large(guid).into(),
        })
        .collect();
    for batch in items.chunks(50) {
        assert!(store.record_items("news", batch.to_vec(), 1_000).await);
    }
    store.set_state(Space::Hosts, "example.org", Some(b"kept".to_vec()));
    store.close().await;
    // One of the pages that hold rows (leaves of a table, 0x0d) is lost.
    let path = folder.path().join("store.db");
    rewrite(&path, |bytes| {
        let leaves: Vec<&mut [u8]> = bytes
            .chunks_mut(4_096)
            .filter(|page| page[0] == 0x0d)
            .collect();
        assert!(leaves.len() > 10, "{} leaves", leaves.len());
        let middle = leaves.len() / 2;
        leaves.into_iter().nth(middle).unwrap().fill(0xaa);
    });
    let store = Store::open_or_retry(Options {
        probe_every: Duration::from_millis(5),
        ..options
    })
    .unwrap();
    // A transaction over all of it finds the damage.
    while store.newest_items("news", 1_000).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let kept = store.newest_items("news", 1_000).await;
    assert!(kept.len() > 400, "{} of 500 items", kept.len());
    assert!(folder.path().join("store.db.damaged").exists());
    let state = store.state(Space::Hosts, "example.org").await;
    assert_eq!(state, Some(b"kept".to_vec()));
    store.close().await;
}

#[tokio::test]
async fn what_has_the_place_of_our_files_is_refused_or_replaced() {
    let refused: [(&str, fn(&Path)); 6] = [
        ("a file for the directory", |path| {
            fs::write(path, "").unwrap();
        }),
        ("a directory for the database", |path| {
            fs::create_dir_all(path.join("store.db")).unwrap();
        }),
        ("a link for the database", |path| {
            fs::create_dir_all(path).unwrap();
            symlink("/etc/passwd", path.join("store.db")).unwrap();
        }),
        ("a FIFO for the database", |path| {
            fs::create_dir_all(path).unwrap();
            fifo(&path.join("store.db"));
        }),
        ("a link for the lock", |path| {
            fs::create_dir_all(path).unwrap();
            symlink("/etc/passwd", path.join("lock")).unwrap();
        }),
        ("a link for the bodies", |path| {
            fs::create_dir_all(path).unwrap();
            symlink("/tmp", path.join("bodies")).unwrap();
        }),
    ];
    for (what, make) in refused {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        make(&path);
        let error = Store::open(Options::at(&path)).expect_err(what);
        assert!(
            matches!(error, OpenError::Unusable { .. }),
            "{what}: {error}"
        );
    }
    // No database at all, and one that isn't ours, give way.
    for content in ["", "no database", &"x".repeat(100_000)] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("store.db"), content).unwrap();
        let store = Store::open(Options::at(folder.path())).unwrap();
        assert!(store.put(Space::Feeds, "a", Vec::new(), Vec::new()).await);
        store.close().await;
    }
    // A later version's is left alone.
    let folder = tempfile::tempdir().unwrap();
    let open = || Store::open(Options::at(folder.path()));
    open().unwrap().close().await;
    let database = Connection::open(folder.path().join("store.db")).unwrap();
    database.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(database);
    assert!(matches!(open(), Err(OpenError::Newer { version: 99, .. })));
    assert!(!folder.path().join("store.db.damaged").exists());
}
