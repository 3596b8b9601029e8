//! SIGHUP: another configuration in the place of the one that runs.

use std::path::Path;

use tokio::io::AsyncReadExt;

use crate::origin::{Origin, Reply, field};
use crate::process::{Process, half_held_back, until};
use crate::reader::{ask, read};
use crate::service::feed_of;

/// A configuration without a store, with feeds of this publisher and these keys.
fn config(publisher: &Origin, feeds: &[(&str, &str)]) -> String {
    let host = publisher.address();
    let mut toml = "[store]\npath = \"\"\n".to_owned();
    for (name, keys) in feeds {
        toml += &format!(
            "[[feed]]\nname = \"{name}\"\nurl = \"http://{host}/{name}\"\nallow_private = [\"{host}\"]\n{keys}\n"
        );
    }
    toml
}

/// Writes it, tells the service, and waits until it has said something of it once more.
async fn reload(service: &Process, folder: &Path, toml: &str) -> String {
    let said = |log: &str| log.matches("reloaded").count();
    let before = service.log();
    std::fs::write(folder.join("feedwright.toml"), toml).unwrap();
    service.signal("HUP");
    until("it has read it", async || {
        said(&service.log()) > said(&before)
    })
    .await;
    // What belongs to the line comes with it.
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    service.log()[before.len()..].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_reload_changes_what_changed_and_nothing_else() {
    let feed = feed_of(40, 2_000);
    let quick = Reply::status(200, &[("etag", "\"1\"")], &feed);
    let (publisher, released) = half_held_back(&feed, quick).await;
    let folder = tempfile::tempdir().unwrap();
    let old = "footer = \"<p>old</p>\"";
    let feeds = [("same", ""), ("other", old), ("gone", ""), ("slow", old)];
    let service = Process::start(folder.path(), &config(&publisher, &feeds));
    let same = service.get("/feeds/same").await;
    let other = service.get("/feeds/other").await;
    assert!(other.text().contains("<p>old</p>"));
    assert_eq!(service.get("/feeds/gone").await.status, 200);
    // On its way by the old rules, and being played.
    let mut slow = ask(service.address, "GET /feeds/slow", &[]).await;
    slow.read_exact(&mut [0; 1]).await.unwrap();
    assert_eq!(publisher.seen().len(), 4);

    let new = "footer = \"<p>new</p>\"";
    let feeds = [("same", ""), ("other", new), ("slow", new), ("added", "")];
    let said = reload(&service, folder.path(), &config(&publisher, &feeds)).await;
    assert!(said.contains("configuration reloaded feeds=4"), "{said}");
    let again = service.get("/feeds/same").await;
    assert_eq!(
        (again.header("etag"), &again.body),
        (same.header("etag"), &same.body)
    );
    assert!(
        again
            .header("cache-status")
            .starts_with("Feedwright; hit; ")
    );
    assert_eq!(service.get("/feeds/gone").await.status, 404);
    assert_eq!(service.get("/feeds/added").await.status, 200);
    let changed = service.get("/feeds/other").await;
    assert!(changed.text().contains("<p>new</p>") && !changed.text().contains("<p>old</p>"));
    assert_ne!(changed.header("etag"), other.header("etag"));
    // The feed is whole, by the rules under which it was asked for; it is nobody else's.
    released.send(true).unwrap();
    let answer = {
        let mut rest = Vec::new();
        slow.read_to_end(&mut rest).await.unwrap();
        String::from_utf8(rest).unwrap()
    };
    assert!(answer.contains("<p>old</p>") && !answer.contains("<p>new</p>"));
    assert!(answer.ends_with("0\r\n\r\n"), "it was cut");
    let later = service.get("/feeds/slow").await;
    assert!(later.text().contains("<p>new</p>") && !later.text().contains("<p>old</p>"));
    let seen = publisher.seen();
    let asked = |path: &str| seen.iter().filter(|head| head.starts_with(path)).count();
    assert_eq!((asked("GET /same "), asked("GET /gone ")), (1, 1));
    assert!(seen.iter().all(|head| field(head, "cookie").is_none()));
    assert_eq!(service.terminate().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_changed_feed_that_is_stored_is_made_again_without_asking() {
    let publisher =
        Origin::start(|_| Reply::status(200, &[("etag", "\"1\"")], feed_of(9, 900))).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let with_store = |keys: &str| {
        let toml = config(&publisher, &[("news", keys)]);
        toml.replace("path = \"\"", &format!("path = \"{}\"", path.display()))
    };
    let service = Process::start(folder.path(), &with_store(""));
    let before = service.get("/feeds/news").await;
    until("it is stored", async || {
        crate::process::run(&[
            "cache",
            "list",
            "--config",
            folder.path().join("feedwright.toml").to_str().unwrap(),
        ])
        .stdout
        .windows(5)
        .any(|text| text == b"news ")
    })
    .await;
    for n in 0..3 {
        let said = reload(
            &service,
            folder.path(),
            &with_store(&format!("footer = \"<p>{n}</p>\"")),
        )
        .await;
        assert!(said.contains("configuration reloaded"), "{said}");
        let after = service.get("/feeds/news").await;
        assert!(after.text().contains(&format!("<p>{n}</p>")));
        assert_ne!(after.header("etag"), before.header("etag"));
    }
    reload(&service, folder.path(), &with_store("")).await;
    let back = service.get("/feeds/news").await;
    assert_eq!(
        (back.header("etag"), &back.body),
        (before.header("etag"), &before.body)
    );
    assert_eq!(publisher.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_a_reload_of_what_is_wrong_changes_nothing() {
    let publisher = Origin::start(|_| Reply::ok(feed_of(9, 900))).await;
    let folder = tempfile::tempdir().unwrap();
    let good = config(&publisher, &[("news", ""), ("other", "")]);
    let service = Process::start(folder.path(), &good);
    let before = service.get("/feeds/news").await;
    for (what, toml, expected) in [
        ("syntax", format!("{good}[[feed\n"), "feedwright.toml:"),
        ("a key", format!("{good}colour = 1\n"), "colour"),
        (
            "a name twice",
            config(&publisher, &[("news", ""), ("news", "")]),
            "news",
        ),
        (
            "a template",
            config(&publisher, &[("news", "footer = \"{{ item.\"")]),
            "footer",
        ),
        (
            "what takes a restart",
            format!("{good}[server]\nconnections_max = 5\n"),
            "[server] takes a restart",
        ),
        (
            "more of that",
            good.replace(
                "[store]",
                "[fetch]\nidle_timeout = \"1s\"\n[store]\nmemory_bytes = \"1MiB\"",
            ),
            "[store] path or memory_bytes, [fetch] takes a restart",
        ),
    ] {
        let said = reload(&service, folder.path(), &toml).await;
        assert!(
            said.contains("configuration not reloaded"),
            "{what}: {said}"
        );
        assert!(said.contains(expected), "{what}: {said}");
        assert!(said.contains("ERROR"), "{what}: {said}");
        let after = service.get("/feeds/news").await;
        assert_eq!((after.status, &after.body), (200, &before.body), "{what}");
        assert!(
            after
                .header("cache-status")
                .starts_with("Feedwright; hit; "),
            "{what}"
        );
        assert_eq!(service.get("/feeds/other").await.status, 200, "{what}");
    }
    std::fs::remove_file(folder.path().join("feedwright.toml")).unwrap();
    service.signal("HUP");
    until("it misses the file", async || {
        service.log().contains("can't be read")
    })
    .await;
    let said = reload(&service, folder.path(), &good).await;
    assert!(said.contains("configuration reloaded feeds=2"), "{said}");
    assert_eq!(publisher.seen().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_reloads_under_load_fail_no_request() {
    let publisher = Origin::start(|_| Reply::ok(feed_of(20, 900))).await;
    let folder = tempfile::tempdir().unwrap();
    let toml = |n: usize| {
        config(
            &publisher,
            &[
                ("same", ""),
                ("other", &format!("footer = \"<p>v{n}.</p>\"")),
            ],
        )
    };
    let service = Process::start(folder.path(), &toml(0));
    let (address, stop) = (service.address, tokio_util::sync::CancellationToken::new());
    let mut readers = tokio::task::JoinSet::new();
    for n in 0..8 {
        let stop = stop.clone();
        let path = ["GET /feeds/same", "GET /feeds/other"][n % 2];
        readers.spawn(async move {
            let mut count = 0;
            while !stop.is_cancelled() {
                let answer = read(&mut ask(address, path, &[]).await).await;
                assert_eq!((answer.status, answer.whole), (200, true));
                let versions: std::collections::BTreeSet<_> = answer
                    .text()
                    .match_indices("<p>v")
                    .map(|(at, _)| answer.text()[at..].split('.').next().unwrap().to_owned())
                    .collect();
                assert_eq!(
                    versions.len(),
                    n % 2,
                    "rules of two configurations in one answer"
                );
                count += 1;
            }
            count
        });
    }
    for n in 1..15 {
        reload(&service, folder.path(), &toml(n)).await;
    }
    let last = service.get("/feeds/other").await;
    assert!(last.text().contains("<p>v14.</p>"));
    stop.cancel();
    let count: usize = readers.join_all().await.into_iter().sum();
    println!("{count} requests during 14 reloads");
    assert!(count > 50);
    assert!(!service.log().contains("ERROR"), "{}", service.log());
}
