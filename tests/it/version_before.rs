//! A data directory and an archive as the version before left them (`version_before/`: store version 1,
//! after two documents with items 1 to 3 and 3 to 5): this version goes on with them as if nothing had
//! changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::Connection;

use crate::origin::{Origin, Reply, field};
use crate::process::Process;

/// The articles have this many of these sentences in their two paragraphs.
const SENTENCES: usize = 12;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/version_before")
}

fn fixture(name: &str) -> String {
    std::fs::read_to_string(fixtures().join(name)).unwrap()
}

/// Lays out what the version before left.
fn lay_out(folder: &Path) {
    let data = folder.join("data");
    std::fs::create_dir(&data).unwrap();
    let database = Connection::open(data.join("store.db")).unwrap();
    database.pragma_update(None, "auto_vacuum", 2).unwrap();
    database.pragma_update(None, "journal_mode", "wal").unwrap();
    database.execute_batch(&fixture("store.sql")).unwrap();
    drop(database);
    std::fs::write(data.join("signing.key"), fixture("signing.key")).unwrap();
    for (path, bytes) in files(&fixtures().join("archive")) {
        let to = folder.join("archive").join(path);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::write(to, bytes).unwrap();
    }
}

/// All files below a directory.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_owned();
                found.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    found
}

fn version(folder: &Path) -> i32 {
    let database = Connection::open(folder.join("data/store.db")).unwrap();
    database
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

fn document(numbers: &[u32]) -> String {
    let items: String = numbers
        .iter()
        .map(|n| {
            format!(
                "<item><title>Story {n}</title><link>http://news.example/{n}</link>\
                 <guid isPermaLink=\"false\">story-{n}</guid>\
                 <pubDate>Mon, 0{n} Jun 2026 10:00:00 GMT</pubDate>\
                 <description>Summary {n} &lt;img src=\"http://news.example/{n}.png\"&gt;</description></item>"
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\"><channel><title>News</title>\
         <link>http://news.example/</link><description>d</description>{items}</channel></rss>\n"
    )
}

fn article(path: &str) -> String {
    let n = path.trim_start_matches('/');
    let sentences: Vec<_> = (0..SENTENCES)
        .map(|i| {
            format!(
                "This is sentence {i} of the story, with a few commas, so that it counts as prose."
            )
        })
        .collect();
    let prose = sentences.join(" ");
    format!(
        "<!DOCTYPE html><html><head><title>Story {n}</title></head><body><article><h1>Story {n}</h1>\
         <p>Article {n}. {prose}</p><p>{prose}</p></article></body></html>"
    )
}

/// The publisher, behind a proxy on loopback: whole addresses are asked for, so that they are the
/// fixture's. What it shows is the newest item's number and the document's items.
struct Publisher {
    origin: Origin,
    shown: Arc<Mutex<Vec<u32>>>,
}

impl Publisher {
    async fn start() -> Self {
        let shown = Arc::new(Mutex::new(vec![3, 4, 5]));
        let items = Arc::clone(&shown);
        let origin = Origin::start(move |head| {
            let target = head.split(' ').nth(1).unwrap();
            let path = target.trim_start_matches("http://news.example");
            if path != "/feed.xml" {
                return Reply::status(200, &[("content-type", "text/html")], article(path));
            }
            let items = items.lock().unwrap();
            let tag = format!("\"feed-{}\"", items.iter().max().unwrap());
            if field(head, "if-none-match") == Some(&tag) {
                return Reply::head(304, &[("etag", &tag)], None);
            }
            Reply::status(200, &[("etag", &tag)], document(&items))
        });
        Self {
            origin: origin.await,
            shown,
        }
    }

    /// What was asked for, with the validator, in order.
    fn asked(&self) -> Vec<(String, String)> {
        let heads = self.origin.seen();
        let lines = heads.iter().map(|head| {
            let target = head.split(' ').nth(1).unwrap();
            let tag = field(head, "if-none-match").unwrap_or_default();
            (target.to_owned(), tag.to_owned())
        });
        lines.collect()
    }

    fn rules(&self, folder: &Path) -> String {
        let (folder, proxy) = (folder.display(), self.origin.address());
        format!(
            "[server]\npublic_url = \"https://feeds.example.org\"\n[store]\npath = \"{folder}/data\"\n\
             [archive]\ndirectory = \"{folder}/archive\"\n[fetch]\nhost_spacing = \"0s\"\n\
             [[feed]]\nname = \"news\"\nurl = \"http://news.example/feed.xml\"\nproxy = \"http://{proxy}\"\nproxy_resolves = true\n\
             allow_private = [\"{proxy}\"]\nimages = \"builtin\"\nfull_text = true\nkeep_items = 10\n\
             archive = true\nrefresh = \"1s\"\nrefresh_min = \"1s\"\nrefresh_max = \"1s\"\nstale_if_error = \"365d\"\n"
        )
    }
}

/// The feed, once it is as the test wants it.
async fn feed(service: &Process, is_right: impl Fn(&str) -> bool) -> String {
    for _ in 0..400 {
        let answer = service.get("/feeds/news").await;
        if answer.status == 200 && is_right(answer.text()) {
            return answer.text().to_owned();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never was:\n{}", service.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_version_before_left_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    lay_out(folder.path());
    assert_eq!(version(folder.path()), 1);
    let archived = files(&folder.path().join("archive"));
    assert_eq!(archived.len(), 6, "five items and an index");
    let publisher = Publisher::start().await;
    let rules = publisher.rules(folder.path());

    for _ in 0..2 {
        let service = Process::start(folder.path(), &rules);
        // Kept items, articles, signatures: byte for byte what readers have seen.
        let text = feed(&service, |text| text.matches("<item>").count() == 5).await;
        assert_eq!(text, fixture("feed.xml"));
        let page = service.get("/feeds/news/archive/5").await;
        assert_eq!(page.text(), fixture("page.xml"));
        service.terminate().await;
        assert_eq!(version(folder.path()), 2);
        assert_eq!(files(&folder.path().join("archive")), archived);
    }
    for (target, tag) in publisher.asked() {
        assert_eq!(target, "http://news.example/feed.xml", "no article again");
        assert_eq!(tag, "\"feed-5\"");
    }

    // And the next document adds to it what is new.
    *publisher.shown.lock().unwrap() = vec![4, 5, 6];
    let service = Process::start(folder.path(), &rules);
    let text = feed(&service, |text| text.contains("Article 6")).await;
    let order = text.match_indices("<guid isPermaLink=\"false\">story-");
    let order = order.map(|(at, found)| &text[at + found.len()..][..1]);
    assert_eq!(order.collect::<String>(), "456123");
    let new = loop {
        let now = files(&folder.path().join("archive"));
        if now.len() == 7 {
            break now;
        }
        feed(&service, |_| true).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let articles = archived
        .iter()
        .filter(|(name, _)| !name.starts_with(".index"));
    assert!(
        articles
            .into_iter()
            .all(|(name, bytes)| new[name] == *bytes)
    );
    service.terminate().await;
    let asked = publisher.asked();
    let pages = asked
        .iter()
        .filter(|(target, _)| !target.ends_with("/feed.xml"));
    let pages: Vec<_> = pages.map(|(target, _)| target.as_str()).collect();
    assert_eq!(pages, ["http://news.example/6"]);
}
