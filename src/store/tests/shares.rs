//! Whose bodies go when the disk is full: each space has its share.

use super::limits::{disk, quick};
use super::*;

fn body(n: usize, bytes: usize) -> Vec<Bytes> {
    let noise = (0..bytes).map(|at| (at * 7 + n * 31 + at * at % 251) as u8);
    vec![noise.collect::<Vec<_>>().into()]
}

fn open(path: &std::path::Path, disk_bytes: u64) -> Store {
    let options = StoreOptions {
        limits: disk(disk_bytes),
        inline_bytes_max: 4 << 10,
        ..quick(path)
    };
    Store::open(options).unwrap()
}

async fn feeds_there(store: &Store) -> usize {
    store.list(Space::Feeds, "", None, 20_000).await.len()
}

#[tokio::test]
async fn what_readers_ask_for_without_end_leaves_every_feed_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let total = 2_u64 << 20;
    let store = open(folder.path(), total);
    for n in 0..100 {
        assert!(
            store
                .put(
                    Space::Feeds,
                    &format!("feed-{n}"),
                    Vec::new(),
                    body(n, 3_000)
                )
                .await
        );
    }
    let attack = async |store: &Store, round: usize| {
        for n in 0..600 {
            let key = format!("{round} {n}");
            let (space, bytes) = match n % 2 {
                0 => (Space::Images, 9_000),
                _ => (Space::Mirror, 3_000),
            };
            store.put(space, &key, Vec::new(), body(n, bytes)).await;
        }
        let is_within = || store.status().disk_bytes <= total;
        until("the budget holds", is_within).await;
    };
    attack(&store, 0).await;
    assert_eq!(feeds_there(&store).await, 100);
    store.close().await;
    let store = open(folder.path(), total);
    attack(&store, 1).await;
    assert_eq!(feeds_there(&store).await, 100);
    let taken = store.status().taken;
    // What nobody else wants is used, and a burst of one leaves the other its share.
    assert!(taken.iter().sum::<u64>() > total / 10 * 8, "{taken:?}");
    for n in 0..300 {
        store
            .put(
                Space::Images,
                &format!("more {n}"),
                Vec::new(),
                body(n, 9_000),
            )
            .await;
    }
    until("the budget holds", || store.status().disk_bytes <= total).await;
    let taken = store.status().taken;
    assert!(
        taken[Share::Mirrors.index()] + 20_000 > total / 5,
        "{taken:?}"
    );
    assert_eq!(feeds_there(&store).await, 100);
    store.close().await;
}

#[tokio::test]
async fn of_too_many_feeds_the_longest_unread_go() {
    let folder = tempfile::tempdir().unwrap();
    let total = 1_u64 << 20;
    let store = open(folder.path(), total);
    let name = |n: usize| format!("feed-{n:05}");
    for n in 0..1_000 {
        assert!(
            store
                .put(Space::Feeds, &name(n), Vec::new(), body(n, 1_500))
                .await
        );
        if n % 100 == 99 {
            // Somebody reads the first one; the second one is only refreshed and looked at.
            store.touch(Space::Feeds, &name(0));
            store.flush().await;
            store
                .put(Space::Feeds, &name(1), Vec::new(), body(n, 1_500))
                .await;
            store.set_meta(Space::Feeds, &name(2), vec![1]).await;
            store.get(Space::Feeds, &name(3)).await;
        }
        if n == 900 {
            until("the budget holds", || store.status().disk_bytes <= total).await;
            assert!(
                store.status().taken[0] > total / 100 * 90,
                "free room is not used"
            );
        }
    }
    until("the budget holds", || store.status().disk_bytes <= total).await;
    let keys: Vec<_> = store
        .list(Space::Feeds, "", None, 20_000)
        .await
        .into_iter()
        .map(|listed| listed.key)
        .collect();
    assert_eq!(keys[0], name(0));
    // A feed that went and came again is a new one.
    let expected: Vec<_> = (1_000 - (keys.len() - 1)..1_000).map(name).collect();
    let others: Vec<_> = keys[1..]
        .iter()
        .filter(|key| **key != name(1))
        .cloned()
        .collect();
    assert!(expected.ends_with(&others), "{others:?}");
    // Others take their share back, and no more than that.
    for n in 0..600 {
        store
            .put(Space::Articles, &format!("{n}"), Vec::new(), body(n, 3_000))
            .await;
    }
    until("the budget holds", || store.status().disk_bytes <= total).await;
    let taken = store.status().taken;
    assert!(
        taken[0] > total / 10 * 7 && taken[1] > total / 100 * 15,
        "{taken:?}"
    );
    store.close().await;
}

#[tokio::test]
async fn shares_and_the_disk_change_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), 1 << 20);
    for n in 0..200 {
        let space = if n % 2 == 0 {
            Space::Images
        } else {
            Space::Mirror
        };
        store
            .put(space, &n.to_string(), Vec::new(), body(n, 3_500))
            .await;
    }
    let limits = StoreLimits {
        shares: Shares::new([10, 10, 70, 10]).unwrap(),
        ..disk(1 << 19)
    };
    store.set_limits(limits);
    // The room on the file system is looked at every ten seconds.
    for n in 0..1_500 {
        store
            .put(
                Space::Images,
                &format!("new {n}"),
                Vec::new(),
                body(n, 3_500),
            )
            .await;
        if store.status().disk_bytes <= 1 << 19 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let taken = store.status().taken;
    assert!(taken.iter().sum::<u64>() <= 1 << 19, "{taken:?}");
    assert!(
        taken[Share::Images.index()] > taken[Share::Mirrors.index()] * 2,
        "{taken:?}"
    );
    store.close().await;
}

#[tokio::test]
async fn while_nothing_can_be_written_what_readers_ask_for_outdates_no_feed() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path(), 64 << 20);
    for n in 0..10 {
        assert!(
            first
                .put(Space::Feeds, &format!("feed-{n}"), Vec::new(), body(n, 500))
                .await
        );
        assert!(
            first
                .put(Space::Images, &format!("{n}"), Vec::new(), body(n, 500))
                .await
        );
    }
    let second = Store::open_or_retry(StoreOptions {
        limits: disk(64 << 20),
        ..quick(folder.path())
    })
    .unwrap();
    for n in 0..4_100 {
        second.remove(Space::Images, &format!("attack {n}")).await;
    }
    first.close().await;
    until("it takes over", || second.status().degraded.is_none()).await;
    assert_eq!(feeds_there(&second).await, 10);
    assert_eq!(second.list(Space::Images, "", None, 100).await.len(), 0);
    second.close().await;
}
