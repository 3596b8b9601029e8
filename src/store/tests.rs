//! The store from outside: what is put is read, by whom and after what.

mod corruption;
mod damage;
mod limits;
mod shares;
mod totals;
mod versions;

use super::*;

fn pieces(text: &str) -> Vec<Bytes> {
    text.as_bytes()
        .chunks(1_000)
        .map(Bytes::copy_from_slice)
        .collect()
}

fn large(seed: u32) -> String {
    // Each word another number, so that it stays larger than a row may be.
    (0..40_000_u32)
        .map(|n| format!("{:x} ", n.wrapping_mul(2_654_435_761).rotate_left(seed)))
        .collect()
}

pub(super) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not within ten seconds: {what}");
}

#[tokio::test]
async fn what_is_put_is_read_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions::at(folder.path().join("data"));
    let store = Store::open(options.clone()).unwrap();
    let (small, big) = ("a short feed".to_owned(), large(1));
    for (space, key, body) in [
        (Space::Feeds, "news", &small),
        (Space::Feeds, "long", &big),
        (Space::Mirror, "news", &big),
    ] {
        assert!(store.put(space, key, key.into(), pieces(body)).await);
    }
    store.set_state(Space::Hosts, "example.org", Some(b"later".to_vec()));
    let item = |guid: &str| HistoryItem {
        guid: guid.into(),
        bytes: format!("<item>{guid}</item>").into(),
    };
    assert!(
        store
            .record_items("news", vec![item("1"), item("2")], 10)
            .await
    );
    store.close().await;
    assert!(
        !store
            .put(Space::Feeds, "late", Vec::new(), Vec::new())
            .await
    );

    let store = Store::open(options).unwrap();
    let entry = store.get(Space::Feeds, "news").await.unwrap();
    assert_eq!(entry.meta, b"news");
    assert_eq!(entry.body.concat(), small.as_bytes());
    for space in [Space::Feeds, Space::Mirror] {
        let key = if space == Space::Feeds {
            "long"
        } else {
            "news"
        };
        let entry = store.get(space, key).await.unwrap();
        assert_eq!(entry.body.concat(), big.as_bytes());
    }
    assert!(store.get(Space::Images, "news").await.is_none());
    assert!(store.get(Space::Feeds, "late").await.is_none());
    let state = store.state(Space::Hosts, "example.org").await;
    assert_eq!(state.as_deref(), Some(&b"later"[..]));
    let guids: Vec<String> = (store.newest_items("news", 10).await.into_iter())
        .map(|item| item.guid)
        .collect();
    assert_eq!(guids, ["2", "1"]);
    assert_eq!(store.status().entries, 3);
}

#[tokio::test]
async fn one_process_at_a_time_and_the_next_one_takes_over() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        probe_every: Duration::from_millis(20),
        ..StoreOptions::at(folder.path())
    };
    let first = Store::open(options.clone()).unwrap();
    assert!(
        first
            .put(Space::Feeds, "news", b"first".into(), pieces("body"))
            .await
    );
    match Store::open(options.clone()) {
        Err(OpenError::InUse { by, .. }) => assert_eq!(by, Some(std::process::id())),
        other => panic!("{other:?}"),
    }
    let second = Store::open_or_retry(options).unwrap();
    let reason = second.status().degraded.unwrap();
    assert!(reason.contains("in use by another process"), "{reason}");
    assert!(second.get(Space::Feeds, "news").await.is_none());
    assert!(
        !second
            .put(Space::Feeds, "news", b"second".into(), pieces("x"))
            .await
    );
    second.set_state(Space::Hosts, "example.org", Some(b"kept".to_vec()));

    assert!(
        first
            .put(Space::Feeds, "other", b"first".into(), pieces("body"))
            .await
    );
    first.close().await;
    until("it takes over", || second.status().degraded.is_none()).await;
    // What the second one could not write must not come back as the first one wrote it.
    assert!(second.get(Space::Feeds, "news").await.is_none());
    assert!(second.get(Space::Feeds, "other").await.is_some());
    assert!(second.flush().await);
    second.close().await;
}
