//! Whatever happens to the files: what is read is what was written, or nothing, and the record goes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::*;

/// A store with two bodies in files (`one`, `two`) and two in the database (`three`, `four`).
pub(super) struct Fixture {
    pub(super) folder: tempfile::TempDir,
    pub(super) bodies: [(&'static str, String); 4],
}

impl Fixture {
    pub(super) async fn new() -> Self {
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

    pub(super) fn copy(&self) -> Self {
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
        Store::open(StoreOptions::at(self.folder.path())).unwrap()
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

pub(super) fn rewrite(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
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

pub(super) fn fifo(path: &Path) {
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
    let options = StoreOptions::at(folder.path());
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
