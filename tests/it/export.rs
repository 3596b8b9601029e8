//! `feedwright export`: what is kept of a feed, as the service serves it, while it runs.

use std::path::Path;
use std::sync::{Arc, Mutex};

use feedwright::rewrite::entry::{self, Entry};

use crate::commands::{run, text};
use crate::full_text::{feed, own_host, page, path_of};
use crate::kept::{KEYS, Publisher, ask, recorded, rss, start, stop, titles};
use crate::origin::{Origin, Reply};
use crate::reader::get;

/// A configuration file for the store in `folder`.
fn write_config(folder: &Path, keys: &str) -> String {
    let path = folder.join("feedwright.toml");
    let toml = format!(
        "[store]\npath = \"{}\"\n[[feed]]\nname = \"news\"\nurl = \"http://127.0.0.1:1/feed.xml\"\n{keys}\n",
        folder.join("data").display()
    );
    std::fs::write(&path, toml).unwrap();
    path.display().to_string()
}

/// What the command writes.
fn export(config: &str, more: &[&str]) -> String {
    let mut arguments = vec!["export", "--config", config, "--feed", "news"];
    arguments.extend(more);
    let output = run(&arguments, b"");
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn lines(jsonl: &str) -> Vec<serde_json::Value> {
    let lines = jsonl.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn dated(id: &str, date: &str) -> String {
    format!("<guid isPermaLink=\"false\">{id}</guid><pubDate>{date}</pubDate>")
}

#[tokio::test]
async fn items_are_written_as_they_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let bare = |id: &str| format!("<guid isPermaLink=\"false\">{id}</guid>");
    let first = rss(&["2", "1"])
        .replace(&bare("1"), &dated("1", "Mon, 03 Jan 2022 10:00:00 GMT"))
        .replace(&bare("2"), &dated("2", "Tue, 04 Jan 2022 10:00:00 GMT"));
    let publisher = Publisher::start(first).await;
    let keys = "keep_items = 10\nlimit = 1\nimages = \"weserv\"\n\
                footer = \"<hr>{{ feed.title }}: {{ item.title }}\"\n\
                drop = [{ field = \"title\", pattern = \"Item 3\" }]";
    let service_keys = format!("{}\n{keys}", KEYS.replace("keep_items = 10\n", ""));
    let service = start(folder.path(), &publisher, &service_keys).await;
    ask(&service, |_, text| titles(text) == ["2"]).await;
    recorded(&service, 2).await;
    publisher.show(rss(&["4", "3"]));
    ask(&service, |_, text| titles(text) == ["4"]).await;
    recorded(&service, 4).await;
    let config = write_config(folder.path(), keys);
    // The service has the store.
    let items = lines(&export(&config, &[]));
    let found: Vec<_> = items
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect();
    assert_eq!(found, ["1", "2", "4"]);
    assert_eq!(items[0]["date"], "2022-01-03T10:00:00.000Z");
    let html = items[0]["html"].as_str().unwrap();
    assert!(html.contains("https://images.weserv.nl/?url=https%3A%2F%2Fimg.example.org%2F1.png"));
    assert!(html.contains("<hr>News: Item 1"), "{html}");
    // Those without a date count from when they were first seen.
    let since = lines(&export(&config, &["--since", "2022-01-04"]));
    assert_eq!(since.len(), 2);
    let since = lines(&export(&config, &["--since", "2022-01-04T10:00:01Z"]));
    assert_eq!(since.len(), 1);
    let since = lines(&export(&config, &["--since", "2999-01-01"]));
    assert_eq!(since.len(), 0);
    // Atom says the same.
    let atom = export(&config, &["--format", "atom"]);
    roxmltree::Document::parse(&atom).unwrap();
    let entries: Vec<Entry> = entry::entries(&atom, "https://example.org/".parse().unwrap());
    let ids: Vec<_> = entries.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, found);
    assert_eq!(entries[0].html, html);
    let markdown = export(&config, &["--format", "markdown"]);
    assert_eq!(markdown.matches("title: \"Item ").count(), 3);
    assert!(markdown.contains("date: 2022-01-03T10:00:00.000Z"));
    assert!(markdown.contains("News: Item 1"));
    stop(service).await;
    assert_eq!(lines(&export(&config, &[])), items);
}

#[tokio::test]
async fn what_falls_out_keeps_its_article() {
    let folder = tempfile::tempdir().unwrap();
    let shown = Arc::new(Mutex::new(vec!["/a"]));
    let paths = Arc::clone(&shown);
    let origin = Origin::start(move |head| match path_of(head) {
        "/feed.xml" => Reply::ok(feed(own_host(head), &paths.lock().unwrap())),
        path => {
            let headers = [("content-type", "text/html")];
            Reply::status(200, &headers, page(&format!("Page{path}"), 4))
        }
    });
    let publisher = Publisher {
        origin: origin.await,
        document: Arc::default(),
    };
    let service = start(
        folder.path(),
        &publisher,
        &format!("{KEYS}\nfull_text = true"),
    )
    .await;
    ask(&service, |_, text| text.contains("Page/a 3")).await;
    recorded(&service, 1).await;
    *shown.lock().unwrap() = vec!["/b"];
    ask(&service, |_, text| {
        text.contains("Page/b 3") && text.contains("Page/a 3")
    })
    .await;
    recorded(&service, 2).await;
    let seen = publisher.origin.seen();
    assert_eq!(seen.iter().filter(|head| path_of(head) == "/a").count(), 1);
    let page = get(service.addr, "/feeds/news/archive/1", &[]).await;
    assert!(page.text().contains("Page/a 3"), "{}", page.text());
    let config = write_config(folder.path(), "keep_items = 10\nfull_text = true");
    let items = lines(&export(&config, &[]));
    assert!(items[0]["html"].as_str().unwrap().contains("Page/a 3"));
    stop(service).await;
}

#[tokio::test]
async fn an_archived_feed_has_pages_and_serves_no_more_than_its_own_items() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::start(rss(&["2", "1"])).await;
    let archive = folder.path().join("archive");
    let keys = KEYS.replace("keep_items = 10", "archive = true");
    let keys = format!("{keys}\n[archive]\ndirectory = \"{}\"", archive.display());
    let service = start(folder.path(), &publisher, &keys).await;
    ask(&service, |_, text| titles(text) == ["2", "1"]).await;
    recorded(&service, 2).await;
    publisher.show(rss(&["4", "3", "2"]));
    let (_, text) = ask(&service, |_, text| titles(text) == ["4", "3", "2"]).await;
    assert!(text.contains("/feeds/news/archive/1\""), "{text}");
    recorded(&service, 4).await;
    let page = get(service.addr, "/feeds/news/archive/4", &[]).await;
    assert_eq!(titles(page.text()), ["4", "3", "2", "1"]);
    stop(service).await;
}

#[tokio::test]
async fn ten_thousand_items_are_written_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<_> = (0..10_000).rev().map(|n| n.to_string()).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let publisher = Publisher::start(rss(&all)).await;
    let service = start(folder.path(), &publisher, &KEYS.replace("10\n", "10000\n")).await;
    ask(&service, |_, text| titles(text).len() == 10_000).await;
    recorded(&service, 10_000).await;
    let config = write_config(folder.path(), "keep_items = 10000");
    let items = lines(&export(&config, &[]));
    let expected = (0..10_000).map(|n| n.to_string());
    assert!(
        items
            .iter()
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .eq(expected)
    );
    stop(service).await;
    // Put into another store, they are what they were; those without a date have no order there.
    let other = tempfile::tempdir().unwrap();
    let written = other.path().join("news.jsonl");
    let exported = export(&config, &[]);
    std::fs::write(&written, &exported).unwrap();
    let config = write_config(other.path(), "keep_items = 10000");
    let written = written.display().to_string();
    let arguments = ["import", "--config", &config, "--feed", "news", &written];
    let output = run(&arguments, b"");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    assert!(sorted(&export(&config, &[])) == sorted(&exported));
}

#[test]
fn what_can_not_be_exported_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let config = write_config(folder.path(), "");
    for (arguments, code, expected) in [
        (&["--feed", "other"][..], 2, "there are: news"),
        (&["--feed", "news"], 1, "data"),
        (&["--feed", "news", "--since", "soon"], 2, "expected a date"),
        (
            &["--feed", "news", "--format", "pdf"],
            2,
            "possible values: markdown, jsonl, atom",
        ),
    ] {
        let mut all = vec!["export", "--config", &config];
        all.extend(arguments);
        let output = run(&all, b"");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        let said = text(&output.stderr);
        assert!(said.contains(expected), "{said}");
    }
}
