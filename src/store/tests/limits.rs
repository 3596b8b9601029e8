//! Budgets, what goes first, clocks that jump, purges, many at once.

use super::*;
use std::fs;

pub(super) fn quick(path: &std::path::Path) -> StoreOptions {
    StoreOptions {
        flush_every: Duration::from_millis(5),
        probe_every: Duration::from_millis(5),
        touch_after: Duration::ZERO,
        ..StoreOptions::at(path)
    }
}

pub(super) fn disk(disk_bytes: u64) -> StoreLimits {
    StoreLimits {
        disk_bytes,
        ..StoreLimits::default()
    }
}

fn files_below(path: &std::path::Path) -> usize {
    let entries = fs::read_dir(path).unwrap();
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            match entry.file_type().unwrap().is_dir() {
                true => files_below(&entry.path()),
                false => 1,
            }
        })
        .sum()
}

#[tokio::test]
async fn the_least_recently_used_go_first_and_files_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(StoreOptions {
        limits: disk(2 << 20),
        ..quick(folder.path())
    })
    .unwrap();
    store.set_state(Space::Hosts, "example.org", Some(b"pinned".to_vec()));
    let item = HistoryItem {
        guid: "1".into(),
        bytes: "pinned".into(),
    };
    assert!(store.record_items("news", vec![item], 10).await);
    let body = pieces(&large(1));
    for n in 0..60 {
        let key = format!("{n:02}");
        assert!(
            store
                .put(Space::Images, &key, Vec::new(), body.clone())
                .await
        );
        // The first two are used all the time, by reading and by saying so.
        if n > 0 {
            assert!(store.get(Space::Images, "00").await.is_some(), "{n}");
            store.touch(Space::Images, "01");
        }
    }
    store.flush().await;
    until("the budget holds", || store.status().disk_bytes <= 2 << 20).await;
    let status = store.status();
    assert!(status.evicted > 0 && status.entries > 5, "{status:?}");
    let kept: Vec<String> = (store.list(Space::Images, "", None, 100).await.into_iter())
        .map(|listed| listed.key)
        .collect();
    assert_eq!(kept.len() as u64, status.entries);
    assert_eq!(kept[..2], ["00", "01"]);
    assert_eq!(kept.last().map(String::as_str), Some("59"));
    assert!(kept[2..].is_sorted() && kept[2].as_str() > "20", "{kept:?}");
    assert_eq!(files_below(&folder.path().join("bodies")), kept.len());
    let state = store.state(Space::Hosts, "example.org").await;
    assert_eq!(state, Some(b"pinned".to_vec()));
    assert_eq!(store.newest_items("news", 10).await.len(), 1);
    // One body may not push everything else out.
    let huge = vec![Bytes::from(vec![0; 1 << 20])];
    assert!(!store.put(Space::Images, "00", Vec::new(), huge).await);
    assert!(store.get(Space::Images, "00").await.is_none());
    store.close().await;
}

#[tokio::test]
async fn a_replaced_or_removed_body_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(quick(folder.path())).unwrap();
    let files = || files_below(&folder.path().join("bodies"));
    for n in 0..5 {
        let put = store.put(Space::Feeds, "news", vec![n], pieces(&large(n.into())));
        assert!(put.await);
    }
    assert_eq!(files(), 1);
    assert!(
        store
            .set_meta(Space::Feeds, "news", b"confirmed".to_vec())
            .await
    );
    let entry = store.get(Space::Feeds, "news").await.unwrap();
    assert_eq!(entry.meta, b"confirmed");
    assert_eq!(entry.body.concat(), large(4).as_bytes());
    let meta = store.get_meta(Space::Feeds, "news").await.unwrap();
    assert_eq!((meta.meta, meta.body.len()), (b"confirmed".to_vec(), 0));
    assert!(
        store
            .put(Space::Feeds, "news", Vec::new(), pieces("short"))
            .await
    );
    assert_eq!(files(), 0);
    assert!(
        store
            .put(Space::Feeds, "news", Vec::new(), pieces(&large(7)))
            .await
    );
    assert!(store.remove(Space::Feeds, "news").await);
    assert!(!store.remove(Space::Feeds, "news").await);
    assert!(!store.set_meta(Space::Feeds, "news", Vec::new()).await);
    assert_eq!(files(), 0);
    assert_eq!((store.status().entries, store.status().disk_bytes), (0, 0));
    store.close().await;
}

#[tokio::test]
async fn files_that_no_record_has_are_swept() {
    let folder = tempfile::tempdir().unwrap();
    let options = quick(folder.path());
    let store = Store::open(options.clone()).unwrap();
    assert!(
        store
            .put(Space::Feeds, "news", Vec::new(), pieces(&large(1)))
            .await
    );
    store.close().await;
    let bodies = folder.path().join("bodies");
    for stray in ["01/999", "07/7", "07/nonsense", "ff/255"] {
        let path = bodies.join(stray);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "orphan").unwrap();
    }
    fs::write(folder.path().join("temp/half"), "written").unwrap();
    let store = Store::open(options).unwrap();
    assert_eq!(files_below(&folder.path().join("temp")), 0);
    until("orphans are swept", || files_below(&bodies) == 1).await;
    let found = store.get(Space::Feeds, "news").await;
    assert!(found.is_some(), "{:?}", store.status());
    store.close().await;
}

#[tokio::test]
async fn states_are_read_at_once_and_written_together() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        flush_every: Duration::from_secs(3_600),
        ..StoreOptions::at(folder.path())
    };
    let store = Store::open(options.clone()).unwrap();
    for n in 0..100_u8 {
        store.set_state(Space::Hosts, "a", Some(vec![n]));
    }
    store.set_state(Space::Hosts, "b", Some(b"b".to_vec()));
    assert_eq!(store.state(Space::Hosts, "a").await, Some(vec![99]));
    assert_eq!(store.state(Space::Feeds, "a").await, None);
    assert!(store.flush().await);
    store.set_state(Space::Hosts, "a", None);
    store.set_state(Space::Hosts, "c", Some(b"c".to_vec()));
    let all = store.states(Space::Hosts).await;
    assert_eq!(all.into_keys().collect::<Vec<_>>(), ["b", "c"]);
    store.close().await;
    let store = Store::open(options).unwrap();
    assert_eq!(store.state(Space::Hosts, "a").await, None);
    let all = store.states(Space::Hosts).await;
    assert_eq!(all.into_keys().collect::<Vec<_>>(), ["b", "c"]);
    assert!(!store.set_state(Space::Hosts, "a", Some(vec![0; STATE_BYTES_MAX + 1])));
    store.close().await;
}

#[tokio::test]
async fn purging_takes_what_is_meant_and_tells() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(quick(folder.path())).unwrap();
    let mut told = store.purges();
    let fill = async || {
        for (space, key) in [
            (Space::Feeds, "news"),
            (Space::Feeds, "newsletter"),
            (Space::Mirror, "news"),
        ] {
            assert!(store.put(space, key, Vec::new(), pieces("x")).await);
        }
        let item = HistoryItem {
            guid: "1".into(),
            bytes: "1".into(),
        };
        assert!(store.record_items("news", vec![item], 9).await);
    };
    let feeds = |key| Purge {
        space: Some(Space::Feeds),
        key: Some(key),
        ..Purge::default()
    };
    let hour = Duration::from_secs(3_600);
    for (purge, expected, items) in [
        (feeds(PurgeKey::Is("news".into())), 1, 1),
        (feeds(PurgeKey::StartsWith("news".into())), 2, 1),
        (feeds(PurgeKey::Is("new".into())), 0, 1),
        (Purge::default(), 3, 1),
        (
            Purge {
                with_items: true,
                ..feeds(PurgeKey::Is("news".into()))
            },
            1,
            0,
        ),
        (
            Purge {
                stored_before: Some(SystemTime::now() - hour),
                ..Purge::default()
            },
            0,
            1,
        ),
        (
            Purge {
                stored_before: Some(SystemTime::now() + hour),
                ..Purge::default()
            },
            3,
            1,
        ),
    ] {
        fill().await;
        assert_eq!(store.purge(purge.clone()).await, expected, "{purge:?}");
        assert_eq!(
            store.newest_items("news", 9).await.len(),
            items,
            "{purge:?}"
        );
        assert_eq!(told.recv().await.unwrap(), purge);
    }
    store.close().await;
}

#[tokio::test]
async fn another_process_looks_and_asks() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(quick(folder.path())).unwrap();
    let mut told = store.purges();
    for n in 0..5 {
        let key = format!("news/{n}");
        assert!(
            store
                .put(Space::Mirror, &key, b"meta".to_vec(), pieces(&large(n)))
                .await
        );
    }
    let path = folder.path().to_owned();
    let asking = tokio::task::spawn_blocking(move || {
        let seen = Inspection::open(&path).unwrap();
        let list = seen
            .list(Space::Mirror, ("news/", Some("news/1")), 2)
            .unwrap();
        let keys: Vec<_> = list.into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["news/2", "news/3"]);
        match seen.get(Space::Mirror, "news/3").unwrap() {
            Inspected::Entry(entry) => assert_eq!(entry.body.concat(), large(3).as_bytes()),
            other => panic!("{other:?}"),
        }
        assert_eq!(seen.get(Space::Mirror, "none").unwrap(), Inspected::Nothing);
        let purge = Purge {
            key: Some(PurgeKey::StartsWith("news/".into())),
            ..Purge::default()
        };
        seen.ask_to_purge(&purge, Duration::from_secs(10)).unwrap()
    });
    assert_eq!(asking.await.unwrap(), Some(5));
    assert!(told.recv().await.is_ok());
    assert!(store.get(Space::Mirror, "news/0").await.is_none());
    store.close().await;
    // Nobody answers; the request doesn't wait for the next process to start.
    let seen = Inspection::open(folder.path()).unwrap();
    let asked = seen.ask_to_purge(&Purge::default(), Duration::from_millis(100));
    assert_eq!(asked.unwrap(), None);
}

#[tokio::test]
async fn a_directory_that_goes_away_is_noticed_and_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let store = Store::open(quick(&path)).unwrap();
    assert!(
        store
            .put(Space::Feeds, "news", Vec::new(), pieces(&large(1)))
            .await
    );
    fs::remove_dir_all(&path).unwrap();
    assert!(
        !store
            .put(Space::Feeds, "news", Vec::new(), pieces(&large(2)))
            .await
    );
    assert!(store.get(Space::Feeds, "news").await.is_none());
    until("it is back", || store.status().degraded.is_none()).await;
    assert!(
        store
            .put(Space::Feeds, "news", Vec::new(), pieces(&large(3)))
            .await
    );
    store.close().await;
    let store = Store::open(quick(&path)).unwrap();
    let entry = store.get(Space::Feeds, "news").await;
    let entry = entry.unwrap_or_else(|| panic!("{:?}", store.status()));
    assert_eq!(entry.body.concat(), large(3).as_bytes());
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_read_whole_values() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(StoreOptions {
        limits: disk(8 << 20),
        ..quick(folder.path())
    })
    .unwrap();
    let tasks = tokio_util::task::TaskTracker::new();
    for worker in 0..8_u32 {
        let store = store.clone();
        tasks.spawn(async move {
            for round in 0..40_u32 {
                let key = format!("{}", (worker * 7 + round) % 10);
                if (worker + round) % 3 == 0 {
                    // In a file or in the database, by turns.
                    let seed = round % 4;
                    let body = if round % 2 == 0 {
                        large(seed)
                    } else {
                        key.repeat(50)
                    };
                    let meta = format!("{key} {}", body.len());
                    store
                        .put(Space::Mirror, &key, meta.into(), pieces(&body))
                        .await;
                    continue;
                }
                let Some(entry) = store.get(Space::Mirror, &key).await else {
                    continue;
                };
                let body = String::from_utf8(entry.body.concat()).unwrap();
                assert_eq!(entry.meta, format!("{key} {}", body.len()).as_bytes());
                let is_known = body == key.repeat(50) || (0..4).any(|seed| body == large(seed));
                assert!(is_known, "{key}: {} bytes", body.len());
            }
        });
    }
    tasks.close();
    tasks.wait().await;
    let status = store.status();
    assert_eq!((status.bad, status.degraded.as_deref()), (0, None));
    store.close().await;
    assert_eq!(files_below(&folder.path().join("temp")), 0);
}
