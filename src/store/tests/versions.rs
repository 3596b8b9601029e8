//! Directories of other versions.

use rusqlite::Connection;

use super::*;

/// A directory of the first version: what later ones added is not there.
async fn first_version(options: &StoreOptions) {
    let store = Store::open(options.clone()).unwrap();
    let put = |space, key: &'static str| store.put(space, key, b"said".to_vec(), pieces(key));
    for (space, key) in [
        (Space::Feeds, "news"),
        (Space::Articles, "news https://example.org/1"),
        (Space::Mirror, "mirror m https://example.org/"),
    ] {
        assert!(put(space, key).await);
    }
    store.set_state(Space::Hosts, "example.org", Some(b"later".to_vec()));
    assert!(store.record_items("news", items(1..=3), 10).await);
    assert!(
        store
            .record_items("archive of news", items(3..=3), 10)
            .await
    );
    store.close().await;
    let database = database(options);
    database
        .execute_batch(
            "DROP TABLE history_total; DROP TABLE history_gone; DROP INDEX history_by_age;
             DROP INDEX entry_by_space;
             CREATE INDEX entry_by_use ON entry (space, weight, used_at_ms);
             PRAGMA user_version = 1;",
        )
        .unwrap();
}

fn items(numbers: std::ops::RangeInclusive<u32>) -> Vec<HistoryItem> {
    let item = |number: u32| HistoryItem {
        guid: number.to_string(),
        bytes: format!("<item>{number}</item>").into(),
    };
    numbers.map(item).collect()
}

fn database(options: &StoreOptions) -> Connection {
    Connection::open(options.path.join("store.db")).unwrap()
}

fn version(options: &StoreOptions) -> i32 {
    let database = database(options);
    database
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

async fn seen(store: &Store, feed: &str) -> Vec<(String, u64, SystemTime)> {
    let items = store.items(feed, ItemWindow::newest(10, usize::MAX)).await;
    let seen = items.into_iter();
    seen.map(|item| (item.guid, item.place, item.first_seen))
        .collect()
}

#[tokio::test]
async fn a_directory_of_the_version_before_is_carried_over() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions::at(folder.path().join("data"));
    first_version(&options).await;
    // Looked into, it stays what it is.
    let inspection = Inspection::open(&options.path).unwrap();
    assert!(matches!(
        inspection.get(Space::Feeds, "news"),
        Ok(Inspected::Entry(_))
    ));
    assert_eq!(version(&options), 1);

    for _ in 0..2 {
        let store = Store::open(options.clone()).unwrap();
        for (space, key) in [
            (Space::Feeds, "news"),
            (Space::Articles, "news https://example.org/1"),
            (Space::Mirror, "mirror m https://example.org/"),
        ] {
            let entry = store.get(space, key).await.unwrap();
            assert_eq!(entry.body.concat(), key.as_bytes());
        }
        let state = store.state(Space::Hosts, "example.org").await;
        assert_eq!(state.as_deref(), Some(&b"later"[..]));
        let kept = seen(&store, "news").await;
        let places: Vec<_> = kept
            .iter()
            .map(|(guid, place, _)| (guid.as_str(), *place))
            .collect();
        assert_eq!(places, [("3", 3), ("2", 2), ("1", 1)]);
        assert_eq!(seen(&store, "archive of news").await.len(), 1);
        // Known items are known.
        assert!(store.record_items("news", items(1..=3), 10).await);
        assert_eq!(seen(&store, "news").await, kept);
        store.close().await;
        assert_eq!(version(&options), 2);
    }
    let total: i64 = database(&options)
        .query_row(
            "SELECT bytes FROM history_total WHERE feed = 'news'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert!(total > 3 * 128);
}

#[tokio::test]
async fn a_carry_over_that_fails_leaves_all_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions::at(folder.path().join("data"));
    first_version(&options).await;
    // A name that is in the way of what has to be made.
    let in_the_way = "CREATE TABLE history_by_age (a)";
    database(&options).execute_batch(in_the_way).unwrap();
    assert!(Store::open(options.clone()).is_err());
    assert_eq!(version(&options), 1);
    let clear = "DROP TABLE history_by_age";
    database(&options).execute_batch(clear).unwrap();
    let store = Store::open(options.clone()).unwrap();
    assert_eq!(seen(&store, "news").await.len(), 3);
    store.close().await;
}

#[tokio::test]
async fn a_later_version_is_refused_and_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions::at(folder.path().join("data"));
    Store::open(options.clone()).unwrap().close().await;
    database(&options)
        .execute_batch("PRAGMA user_version = 3")
        .unwrap();
    let error = Store::open_or_retry(options.clone())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("was made by a later version of Feedwright (its version is 3)"),
        "{error}"
    );
    let error = Inspection::open(&options.path).unwrap_err().to_string();
    assert!(error.contains("(its version is 3)"), "{error}");
}
