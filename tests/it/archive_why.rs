//! `feedwright archive why`: each answer that it gives, while the service runs.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::archive::{item, publisher, rss, status, toml, wait_until};
use crate::commands::{run, text};
use crate::origin::{Origin, Reply};
use crate::service::Service;

/// A service, and a configuration file that says the same.
struct Archived {
    service: Service,
    config: String,
}

async fn start(root: &Path, toml: &str, origin: &Origin) -> Archived {
    let config = root.join("feedwright.toml");
    fs::write(
        &config,
        toml.replace("PUBLISHER", &origin.address().to_string()),
    )
    .unwrap();
    Archived {
        service: Service::start(toml, origin.address()).await,
        config: config.display().to_string(),
    }
}

impl Archived {
    /// The exit code, and what it writes to standard output and error.
    fn ask(&self, feed: &str, item: &str) -> (i32, String, String) {
        let arguments = [
            "archive",
            "why",
            "--config",
            &self.config,
            "--feed",
            feed,
            "--item",
            item,
        ];
        let output = run(&arguments, b"");
        (
            output.status.code().unwrap(),
            text(&output.stdout),
            text(&output.stderr),
        )
    }

    /// Asks until the answer has this text: the service stores what it has some time later.
    async fn says(&self, item: &str, expected: &str) -> String {
        let mut answer = String::new();
        for _ in 0..100 {
            let (code, out, error) = self.ask("news", item);
            if code == 0 && out.contains(expected) {
                return out;
            }
            answer = out + &error;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("`{expected}` is not in: {answer}");
    }
}

#[tokio::test]
async fn it_says_where_an_item_is_and_why_another_is_not() {
    let root = tempfile::tempdir().unwrap();
    let first = [
        item("a", "One", "<p>1</p>"),
        item("b", "Advertisement", "<p>2</p>"),
    ];
    let (origin, feed) = publisher(rss(&first)).await;
    let toml = toml(root.path(), "true")
        + "drop = [{ field = \"title\", pattern = \"Advert\" }]\n\
           [[feed]]\nname = \"plain\"\nurl = \"http://PUBLISHER/feed.xml\"\n";
    let archived = start(root.path(), &toml, &origin).await;
    let path = root.path().join("archive/news/2022/01/2022-01-19-One.html");
    let says = archived.says("a", "archived:\n  version 1: ").await;
    assert!(
        says.contains(&format!("{}, written 20", path.display())),
        "{says}"
    );
    assert_eq!(
        archived
            .says("https://news.example.org/a", "version 1")
            .await,
        says
    );
    archived
        .says("b", "not archived: the feed's rules leave it out")
        .await;
    *feed.lock().unwrap() = rss(&[item("a", "One", "<p>new</p>")]);
    let says = archived.says("a", "version 2: ").await;
    assert_eq!(says.lines().count(), 3, "{says}");
    fs::remove_file(&path).unwrap();
    archived.says("a", "One.html, removed since").await;
    let (code, out, error) = archived.ask("news", "https://news.example.org/x");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        error.contains("no item `https://news.example.org/x` is known"),
        "{error}"
    );
    assert!(error.contains("others are:\n  a"), "{error}");
    let (code, _, error) = archived.ask("new", "a");
    assert_eq!(code, 2);
    assert!(error.contains("no feed is called `new`"), "{error}");
    let (code, out, _) = archived.ask("plain", "a");
    assert_eq!(code, 0);
    assert!(
        out.starts_with("not archived: the feed has no archive"),
        "{out}"
    );
    archived.service.drain().await;
}

#[tokio::test]
async fn it_says_what_an_item_waits_for() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("archive"), "in the way").unwrap();
    let (origin, _feed) = publisher(rss(&[item("a", "One", "1")])).await;
    let archived = start(root.path(), &toml(root.path(), "true"), &origin).await;
    wait_until("an alarm", || status(&archived.service).degraded.is_some()).await;
    let says = archived
        .says("a", "not archived yet: it waits to be written")
        .await;
    assert!(says.contains("archive is no directory"), "{says}");
    archived.service.drain().await;
}

#[tokio::test]
async fn it_says_that_a_full_text_is_awaited() {
    let root = tempfile::tempdir().unwrap();
    let origin = Origin::start(move |head| match head {
        head if head.starts_with("GET /feed.xml") => {
            let host = head.lines().find_map(|line| line.strip_prefix("host: "));
            let host = host.or_else(|| head.lines().find_map(|line| line.strip_prefix("Host: ")));
            let page = format!("http://{}/", host.unwrap_or_default());
            Reply::ok(rss(&[item("a", "One", "1")]).replace("https://news.example.org/", &page))
        }
        _ => Reply::status(500, &[], ""),
    })
    .await;
    let toml = toml(root.path(), "true") + "full_text = true\n";
    let archived = start(root.path(), &toml, &origin).await;
    let says = archived
        .says("a", "not archived: its full text is still awaited")
        .await;
    assert!(!says.contains("archived:\n"), "{says}");
    archived.says("a", "the last try failed").await;
    archived.service.drain().await;
}

#[tokio::test]
async fn it_says_that_a_total_leaves_no_room() {
    let root = tempfile::tempdir().unwrap();
    let (origin, _feed) = publisher(rss(&[item("a", "One", &"x".repeat(5_000))])).await;
    let toml = toml(root.path(), "true").replace("[store]", "feed_bytes_max = \"4KB\"\n[store]");
    let archived = start(root.path(), &toml, &origin).await;
    wait_until("it is refused", || status(&archived.service).refused == 1).await;
    archived
        .says("a", "which is more than a total of the archive")
        .await;
    archived.service.drain().await;
}
