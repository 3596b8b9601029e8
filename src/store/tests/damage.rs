//! Whatever happens to the database, or has its place: no lie is told, what can be read is kept, and
//! nothing that isn't ours is touched.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rusqlite::Connection;

use super::corruption::{Fixture, fifo, rewrite};
use super::limits::quick;
use super::*;

#[tokio::test]
async fn a_damaged_database_never_tells_a_lie() {
    const ROUNDS: usize = 40;
    let pristine = Fixture::new().await;
    let database = fs::read(pristine.folder.path().join("store.db")).unwrap();
    let mut state = 7_u64;
    let mut lost = 0;
    for _ in 0..ROUNDS {
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
        let store = Store::open_or_retry(StoreOptions {
            probe_every: Duration::from_millis(5),
            ..StoreOptions::at(fixture.folder.path())
        })
        .unwrap();
        for (key, body) in &fixture.bodies {
            match store.get(Space::Mirror, key).await {
                Some(entry) => assert_eq!(entry.body.concat(), body.as_bytes()),
                None => lost += 1,
            }
        }
        // Sooner or later it keeps what is put again, as it is or anew.
        let is_kept = async || {
            let put = store.put(Space::Feeds, "new", Vec::new(), pieces("new"));
            put.await && store.get(Space::Feeds, "new").await.is_some()
        };
        let mut tries = 0;
        while !is_kept().await {
            tries += 1;
            assert!(
                tries < 2_000,
                "nothing is kept any more: {:?}",
                store.status()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        store.close().await;
    }
    assert!((1..3 * ROUNDS).contains(&lost), "{lost} of {}", 4 * ROUNDS);
}

#[tokio::test]
async fn what_can_be_read_of_a_damaged_database_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions::at(folder.path());
    let store = Store::open(options.clone()).unwrap();
    let items: Vec<_> = (0..500)
        .map(|guid| HistoryItem {
            guid: guid.to_string(),
            bytes: large(guid)[..8_000].to_owned().into(),
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
    let store = Store::open_or_retry(StoreOptions {
        probe_every: Duration::from_millis(5),
        ..options
    })
    .unwrap();
    // Reading all of it finds the damage.
    let mut tries = 0;
    while store.newest_items("news", 1_000).await.is_empty() {
        tries += 1;
        assert!(tries < 2_000, "it does not come back");
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
async fn damage_that_a_probe_finds_first_is_put_aside_too() {
    let folder = tempfile::tempdir().unwrap();
    Store::open(quick(folder.path())).unwrap().close().await;
    let path = folder.path().join("store.db");
    let sql = "SELECT rootpage FROM sqlite_master WHERE name = 'state'";
    let database = Connection::open(&path).unwrap();
    let page: u32 = database.query_row(sql, [], |row| row.get(0)).unwrap();
    drop(database);
    rewrite(&path, |bytes| {
        let pages = bytes.chunks_mut(4_096);
        pages.zip(1..).for_each(|(bytes, number)| {
            if number == page {
                bytes.fill(0xaa);
            }
        });
    });
    let store = Store::open(quick(folder.path())).unwrap();
    assert!(store.status().degraded.is_none(), "nobody has read it yet");
    let health = &store.shared().unwrap().health;
    health.trip("the disk was full".to_owned(), 0);
    until("it begins anew", || store.status().degraded.is_none()).await;
    assert!(folder.path().join("store.db.damaged").exists());
    let put = store.put(Space::Feeds, "new", Vec::new(), pieces("new"));
    assert!(put.await);
    store.close().await;
}

#[tokio::test]
async fn what_has_the_place_of_our_files_is_refused_or_replaced() {
    type Made = (&'static str, fn(&Path));
    let refused: [Made; 6] = [
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
        let error = Store::open(StoreOptions::at(&path)).expect_err(what);
        assert!(
            matches!(error, OpenError::Unusable { .. }),
            "{what}: {error}"
        );
    }
    // No database at all, and one that isn't ours, give way.
    for content in ["", "no database", &"x".repeat(100_000)] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("store.db"), content).unwrap();
        let store = Store::open(StoreOptions::at(folder.path())).unwrap();
        assert!(store.put(Space::Feeds, "a", Vec::new(), Vec::new()).await);
        store.close().await;
    }
    // A later version's is not touched.
    let folder = tempfile::tempdir().unwrap();
    let open = || Store::open(StoreOptions::at(folder.path()));
    open().unwrap().close().await;
    let database = Connection::open(folder.path().join("store.db")).unwrap();
    database.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(database);
    let error = open().expect_err("a later version's");
    let is_newer = matches!(error, OpenError::Newer { version: 99, .. });
    assert!(is_newer, "{error}");
    assert!(!folder.path().join("store.db.damaged").exists());
}

#[tokio::test]
async fn what_is_dropped_when_the_store_has_just_recovered_hides_nothing_newer() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(StoreOptions::at(folder.path())).unwrap();
    let put = |body| store.put(Space::Feeds, "news", Vec::new(), pieces(body));
    assert!(put("old").await);
    let outdated = &store.shared().unwrap().outdated;
    // As somebody does who found the store off, and was held up until it was on again.
    outdated.add(Space::Feeds, "news");
    assert!(put("new").await);
    let entry = store.get(Space::Feeds, "news").await.unwrap();
    assert_eq!(entry.body.concat(), b"new");
    // Without a newer one, the older one goes for good.
    outdated.add(Space::Feeds, "news");
    assert!(store.get(Space::Feeds, "news").await.is_none());
    until("it is deleted", || store.status().entries == 0).await;
    store.close().await;
    let store = Store::open(StoreOptions::at(folder.path())).unwrap();
    assert!(store.get(Space::Feeds, "news").await.is_none());
}
