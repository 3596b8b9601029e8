//! The items of feeds: their places, and how much is kept of them.

use super::limits::quick;
use super::*;

#[tokio::test]
async fn history_keeps_places_and_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    for store in [Store::open(quick(folder.path())).unwrap(), Store::memory()] {
        let items = |from: u32, to: u32, text: &str| -> Vec<HistoryItem> {
            let item = |n: u32| HistoryItem {
                guid: n.to_string(),
                bytes: format!("{n}{text}").into(),
            };
            (from..to).map(item).collect()
        };
        assert!(store.record_items("news", items(0, 6, "a"), 5).await);
        assert!(store.record_items("other", items(0, 3, "x"), 5).await);
        let before = store.newest_items("news", 10).await;
        assert!(store.record_items("news", items(4, 8, "b"), 5).await);
        let kept = store.newest_items("news", 10).await;
        let texts: Vec<_> = kept
            .iter()
            .map(|item| String::from_utf8_lossy(&item.bytes).into_owned())
            .collect();
        assert_eq!(texts, ["7b", "6b", "5b", "4b", "3a"]);
        // 5 was there before: its place and first sight stay.
        let old = before.iter().find(|item| item.guid == "5").unwrap();
        assert_eq!(
            (kept[2].place, kept[2].first_seen),
            (old.place, old.first_seen)
        );
        assert_eq!(store.newest_items("news", 2).await.len(), 2);
        // Put in order: what was there and what was not.
        let anew: Vec<_> = [items(1, 2, "c"), items(4, 6, "c")].concat();
        assert!(store.record_items_anew("news", anew, 4).await);
        let ordered = store.newest_items("news", 10).await;
        let guids: Vec<_> = ordered.iter().map(|item| item.guid.as_str()).collect();
        assert_eq!(guids, ["5", "4", "1", "7"]);
        assert_eq!(ordered[0].first_seen, old.first_seen);
        assert!(ordered[2].place > kept[0].place);
        assert!(store.forget_items("news").await);
        assert!(store.newest_items("news", 10).await.is_empty());
        assert_eq!(store.newest_items("other", 10).await.len(), 3);
        assert!(store.record_items("other", Vec::new(), 0).await);
        assert!(store.newest_items("other", 10).await.is_empty());
        store.close().await;
    }
}

fn totals(bytes_max: u64, feed_bytes_max: u64, when_full: WhenFull) -> StoreLimits {
    let history = Totals {
        bytes_max,
        feed_bytes_max,
        when_full,
    };
    StoreLimits {
        history,
        ..StoreLimits::default()
    }
}

/// An item of about so many bytes that no compression makes smaller.
fn item(guid: impl ToString, bytes: usize) -> HistoryItem {
    let guid = guid.to_string();
    let mut seed = guid
        .bytes()
        .fold(bytes as u64, |seed, byte| seed * 31 + u64::from(byte));
    let noise = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 56) as u8
    });
    let bytes = noise.take(bytes).collect::<Vec<_>>().into();
    HistoryItem { guid, bytes }
}

async fn guids(store: &Store, feed: &str) -> Vec<String> {
    let mut guids: Vec<_> = store
        .newest_items(feed, 1_000)
        .await
        .into_iter()
        .map(|item| item.guid)
        .collect();
    guids.reverse();
    guids
}

/// What the rows take, whatever was counted.
async fn taken(store: &Store, feeds: &[&str]) -> u64 {
    let mut taken = 0;
    for feed in feeds {
        let rows = store.newest_items(feed, 10_000).await;
        let of_one =
            |item: &KeptItem| (item.bytes.len() + item.guid.len() + feed.len() + 128) as u64;
        taken += rows.iter().map(of_one).sum::<u64>();
    }
    taken
}

#[tokio::test]
async fn what_is_full_refuses_and_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    for store in [Store::open(quick(folder.path())).unwrap(), Store::memory()] {
        store.set_limits(totals(5_000, 3_000, WhenFull::Refuse));
        for n in 0..6 {
            assert!(store.record_items("a", vec![item(n, 800)], 100).await);
        }
        assert_eq!(
            guids(&store, "a").await,
            ["0", "1", "2"],
            "the feed's own total"
        );
        for n in 0..6 {
            assert!(store.record_items("b", vec![item(n, 800)], 100).await);
        }
        assert_eq!(guids(&store, "b").await, ["0", "1"], "the total of all");
        assert_eq!(store.status().items_refused, 7);
        // A known one may change as long as it does not grow beyond; a small one still fits.
        assert!(
            store
                .record_items("b", vec![item("1", 700), item("0", 1_300)], 100)
                .await
        );
        assert_eq!(store.newest_items("b", 1).await[0].bytes.len(), 700);
        assert_eq!(guids(&store, "b").await, ["0", "1"]);
        let (of_b, all) = store.history_bytes("b").await;
        assert_eq!(all, taken(&store, &["a", "b"]).await);
        assert_eq!(of_b, taken(&store, &["b"]).await);
        assert!(all <= 5_000);
        // What waits for the archive is no feed's.
        assert!(
            store
                .record_items("archive of a", vec![item("w", 9_000)], 100)
                .await
        );
        assert_eq!(guids(&store, "archive of a").await, ["w"]);
        assert_eq!(store.history_bytes("a").await.1, all);
        // There is room again: by hand, or by a higher total.
        assert!(store.forget_items("a").await);
        assert!(store.record_items("b", vec![item("5", 800)], 100).await);
        assert_eq!(guids(&store, "b").await, ["0", "1", "5"]);
        store.set_limits(totals(0, 0, WhenFull::Refuse));
        assert!(store.record_items("b", vec![item("6", 90_000)], 100).await);
        assert_eq!(guids(&store, "b").await, ["0", "1", "5", "6"]);
        assert_eq!(
            store.history_bytes("b").await.0,
            taken(&store, &["b"]).await
        );
        // Items that are pruned by their number are not counted any more.
        assert!(store.record_items("b", Vec::new(), 1).await);
        assert_eq!(
            store.history_bytes("b").await.1,
            taken(&store, &["b"]).await
        );
        store.close().await;
    }
}

#[tokio::test]
async fn the_oldest_make_room_and_do_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        limits: totals(4_000, 3_000, WhenFull::Oldest),
        ..quick(folder.path())
    };
    let store = Store::open(options.clone()).unwrap();
    let record = async |feed: &str, items: Vec<HistoryItem>| {
        assert!(store.record_items(feed, items, 100).await);
        let (_, all) = store.history_bytes(feed).await;
        assert!(all <= 4_000, "{all}");
    };
    let five = || (0..5).map(|n| item(n, 800)).collect::<Vec<_>>();
    record("a", five()).await;
    assert_eq!(guids(&store, "a").await, ["2", "3", "4"]);
    // The feed still has what went: at the next fetch it is new again, and no newer than it was.
    for _ in 0..3 {
        record("a", five()[..2].to_vec()).await;
        assert_eq!(guids(&store, "a").await, ["2", "3", "4"]);
    }
    // A newer one of another feed takes the oldest of all.
    tokio::time::sleep(Duration::from_millis(2)).await;
    record("b", vec![item(0, 800)]).await;
    tokio::time::sleep(Duration::from_millis(2)).await;
    record("b", vec![item(1, 800)]).await;
    assert_eq!(
        (
            guids(&store, "a").await.len(),
            guids(&store, "b").await.len()
        ),
        (2, 2)
    );
    record("a", five()[..3].to_vec()).await;
    assert_eq!(guids(&store, "a").await, ["3", "4"]);
    // One that is larger than the total takes no other's place; never the one that is written goes.
    record("b", vec![item("huge", 3_500)]).await;
    assert_eq!(guids(&store, "b").await, ["0", "1"]);
    record("b", vec![item(0, 2_600)]).await;
    assert_eq!(guids(&store, "b").await, ["0"]);
    assert_eq!(guids(&store, "a").await, ["4"]);
    let all = store.history_bytes("a").await;
    store.close().await;

    let store = Store::open(options.clone()).unwrap();
    assert_eq!(store.history_bytes("a").await, all);
    assert!(store.record_items("a", five(), 100).await);
    assert_eq!(
        guids(&store, "a").await,
        ["4"],
        "what went came back after a restart"
    );
    // Once the feed doesn't have it any more it is forgotten that it went.
    assert!(store.record_items("a", vec![item(9, 100)], 100).await);
    assert!(store.record_items("a", vec![item(0, 100)], 100).await);
    assert_eq!(guids(&store, "a").await, ["9", "0"]);
    store.close().await;
}

#[tokio::test]
async fn what_an_earlier_version_left_is_counted_and_what_is_wrong_is_counted_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(quick(folder.path())).unwrap();
    for feed in ["a", "b"] {
        let items = (0..20).map(|n| item(n, 500)).collect();
        assert!(store.record_items(feed, items, 100).await);
    }
    let right = store.history_bytes("a").await;
    assert_eq!(right.1, taken(&store, &["a", "b"]).await);
    store.close().await;
    let change = |sql: &str| {
        let database = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
        database.execute_batch(sql).unwrap();
    };
    change("DROP TABLE history_total; DROP TABLE history_gone; DROP INDEX history_by_age;");
    let store = Store::open(quick(folder.path())).unwrap();
    assert_eq!(store.history_bytes("a").await, right);
    store.close().await;
    change("UPDATE history_total SET bytes = 7; INSERT INTO history_total VALUES ('nobody', 9);");
    let store = Store::open(quick(folder.path())).unwrap();
    for _ in 0..4_000 {
        if store.history_bytes("a").await == right {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(store.history_bytes("a").await, right);
    assert_eq!(store.history_bytes("nobody").await.0, 0);
    store.close().await;
}
