//! `feedwright cache purge` beside a service that runs: what is purged is gone from its memory as well.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use feedwright::store::{Purge, Store};
use tokio::task::JoinSet;

use crate::origin::{Origin, Reply, field};
use crate::process::{Process, run, until};
use crate::reader::Answer;
use crate::service::feed_of;
use crate::simulation::Simulation;

/// What the command says.
fn purge(folder: &Path, what: &[&str]) -> String {
    let file = folder.join("feedwright.toml");
    let start = ["cache", "purge", "--config", file.to_str().unwrap()];
    let output = run(&[&start[..], what].concat());
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn is_hit(answer: &Answer) -> bool {
    assert_eq!((answer.status, answer.whole), (200, true));
    answer.header("cache-status").starts_with("Feedwright; hit")
}

/// Feeds, and an image.
async fn publisher() -> Origin {
    let mut png = std::io::Cursor::new(Vec::new());
    let image = image::RgbImage::from_fn(60, 40, |x, y| image::Rgb([x as u8, y as u8, 7]));
    image.write_to(&mut png, image::ImageFormat::Png).unwrap();
    let png = png.into_inner();
    Origin::start(move |head| match head.starts_with("GET /image") {
        true => Reply::ok(&png),
        false => Reply::status(200, &[("etag", "\"1\"")], feed_of(9, 900)),
    })
    .await
}

/// Two of its feeds, stored at `path`, and its images for everybody.
fn config(path: &Path, publisher: &Origin) -> String {
    let (path, host) = (path.display(), publisher.address());
    let mut toml =
        format!("[store]\npath = \"{path}\"\n[image]\nopen = true\nallow_private = [\"{host}\"]\n");
    for name in ["a", "b"] {
        toml += &format!(
            "[[feed]]\nname = \"{name}\"\nurl = \"http://{host}/{name}\"\nallow_private = [\"{host}\"]\n"
        );
    }
    toml
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_purged_is_gone_from_the_memory_of_the_service_that_runs() {
    let publisher = publisher().await;
    let host = publisher.address();
    let folder = tempfile::tempdir().unwrap();
    let toml = config(&folder.path().join("data"), &publisher);
    let service = Process::start(folder.path(), &toml);
    let image = format!("/image?url={host}/image.png&w=20");
    let paths = ["/feeds/a", "/feeds/b", &image];
    let asked = || {
        let seen = publisher.seen();
        ["/a ", "/b ", "/image"].map(|path| {
            let of_it = |head: &&String| head.starts_with(&format!("GET {path}"));
            seen.iter().filter(of_it).count()
        })
    };
    for path in paths.iter().chain(&paths) {
        assert_eq!(service.get(path).await.status, 200);
    }
    assert_eq!(asked(), [1, 1, 1]);
    // Stored some time after they were served: two feeds, an image and what was made of it.
    let count = || {
        let file = folder.path().join("feedwright.toml");
        let list = run(&["cache", "list", "--config", file.to_str().unwrap()]);
        String::from_utf8(list.stdout).unwrap().lines().count() - 1
    };
    until("all is stored", async || count() == 4).await;
    for (what, removed, expected) in [
        (&["--feed", "a"][..], "1 removed\n", [2, 1, 1]),
        (&["--space", "images"], "2 removed\n", [2, 1, 2]),
        (
            &["--space", "images", "--prefix", "variant "],
            "1 removed\n",
            [2, 1, 2],
        ),
        (&["--feed", "nobody"], "0 removed\n", [2, 1, 2]),
        (&["--older-than", "1d"], "0 removed\n", [2, 1, 2]),
        (&["--all"], "4 removed\n", [3, 2, 3]),
    ] {
        assert_eq!(purge(folder.path(), what), removed, "{what:?}");
        until("it has forgotten", async || {
            for path in paths {
                assert_eq!(service.get(path).await.status, 200);
            }
            asked() == expected
        })
        .await;
        for path in &paths[..2] {
            assert!(is_hit(&service.get(path).await), "{what:?}: {path}");
        }
        until("all is stored", async || count() == 4).await;
    }
    // Nobody was asked conditionally about what is gone.
    assert!(
        publisher
            .seen()
            .iter()
            .all(|head| field(head, "if-none-match").is_none())
    );
    assert_eq!(service.terminate().await, Some(0));
}

#[tokio::test(start_paused = true)]
async fn what_is_purged_while_it_is_confirmed_does_not_come_back() {
    let (released, release) = tokio::sync::watch::channel(false);
    let is_asked = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&is_asked);
    let origin = Origin::start(move |head| {
        if field(head, "if-none-match").is_none() {
            return Reply::status(200, &[("etag", "\"1\"")], feed_of(3, 100));
        }
        noted.store(true, Ordering::SeqCst);
        Reply::default()
            .wait_for(release.clone())
            .then(Reply::status(304, &[], ""))
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(feedwright::store::StoreOptions::at(folder.path())).unwrap();
    let toml = "[[feed]]\nname = \"news\"\nurl = \"http://PUBLISHER/\"\nallow_private = [\"PUBLISHER\"]\nactive_for = \"0s\"\n";
    let mut service = Simulation::with_store(toml, origin.address(), store.clone()).await;
    service.read("/feeds/news", &[]).await;
    service
        .pass_in(Duration::from_secs(60), Duration::from_secs(7_200))
        .await;
    let app = Arc::clone(&service.app);
    let key: Arc<str> = "news".into();
    let feed = Arc::clone(app.feed("news").unwrap());
    let refresher = Arc::clone(&app.refresher);
    let mut asking = JoinSet::new();
    asking.spawn(async move { refresher.get(&feed).await.is_ok() });
    while !is_asked.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(store.purge(Purge::default()).await, 1);
    while app.refresher.cache.peek(&key).is_some() {
        tokio::task::yield_now().await;
    }
    released.send(true).unwrap();
    let answered = asking.join_next().await.unwrap().unwrap();
    assert!(answered, "who asked before gets an answer");
    service.settle().await;
    assert!(app.refresher.cache.peek(&key).is_none());
    service.pass(Duration::from_secs(5)).await;
    assert!(
        store
            .get(feedwright::store::Space::Feeds, "news")
            .await
            .is_none()
    );
    let anew = service.read("/feeds/news", &[]).await;
    assert!(
        anew.header("cache-status")
            .starts_with("Feedwright; fwd=uri-miss; stored")
    );
    let seen = origin.seen();
    assert_eq!((seen.len(), field(&seen[2], "if-none-match")), (3, None));
    service.stop().await;
}
