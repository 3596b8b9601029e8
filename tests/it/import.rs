//! Archived items back into what is kept of a feed.

use std::fs;
use std::path::{Path, PathBuf};

use feedwright::archive::render::{Format, jsonl};
use feedwright::feed::raw_item::RawItem;
use feedwright::rewrite::entry::{self, Entry};
use feedwright::store::{Store, StoreOptions};
use url::Url;

use crate::commands::{run, text};
use crate::origin::{Origin, Reply};
use crate::reader::get;
use crate::service::Service;

/// A folder with a configuration whose feed `news` keeps 100 items.
fn configured() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let toml = format!(
        "[store]\npath = \"{}/data\"\n[[feed]]\nname = \"news\"\n\
         url = \"https://news.example.org/feed.xml\"\nkeep_items = 100\n",
        folder.path().display()
    );
    let file = folder.path().join("feedwright.toml");
    fs::write(&file, toml).unwrap();
    (folder, file)
}

fn entry(n: u32) -> Entry {
    Entry {
        apart: String::new(),
        id: format!("urn:{n}"),
        link: format!("https://news.example.org/{n}?a=1&b=2"),
        title: format!("Item {n}: ]]> <b> \"q\""),
        date_ms: Some(1_642_555_024_000 + i64::from(n) * 86_400_123),
        updated_ms: n.is_multiple_of(2).then_some(1_700_000_000_001),
        author: "Ann & Bob".to_owned(),
        categories: vec!["x".to_owned(), "中".to_owned()],
        html: format!(
            "<p>Text {n} &amp; more ]]&gt; <img src=\"https://img.example.org/{n}.jpg\"></p>\n"
        ),
    }
}

fn import(config: &Path, paths: &[&Path]) -> (Option<i32>, String, String) {
    let config = config.display().to_string();
    let mut arguments = vec!["import", "--config", &config, "--feed", "news"];
    let paths: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    arguments.extend(paths.iter().map(String::as_str));
    let output = run(&arguments, b"");
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// What is kept of the feed, older ones first.
async fn kept(folder: &Path) -> Vec<Entry> {
    let store = Store::open(StoreOptions::at(folder.join("data"))).unwrap();
    let items = store.newest_items("news", 1_000).await;
    store.close().await;
    let read = items.iter().rev().map(|item| {
        let raw = RawItem::from_bytes(item.guid.clone(), &item.bytes).unwrap();
        let declared: String = raw
            .declarations
            .iter()
            .map(|(prefix, name)| format!(" xmlns:{prefix}=\"{name}\""))
            .collect();
        let document = format!("<rss{declared}><channel>{}</channel></rss>", raw.text);
        let url = Url::parse("https://news.example.org/feed.xml").unwrap();
        entry::entries(&document, url).remove(0)
    });
    read.collect()
}

#[tokio::test]
async fn what_was_archived_comes_back_as_it_was() {
    let entries: Vec<_> = (1..=30).map(entry).collect();
    for format in [Format::Seed, Format::JsonLines] {
        let (folder, config) = configured();
        let archive = folder.path().join("archive/news");
        fs::create_dir_all(archive.join("a.files")).unwrap();
        fs::write(archive.join("a.files/1.gif"), b"\xff\xfe").unwrap();
        fs::write(archive.join(".index"), b"no item").unwrap();
        for entry in &entries {
            let name = format!("{}.{}", entry.id.replace(':', "-"), format.ending());
            fs::write(archive.join(name), format.render(entry, "news")).unwrap();
        }
        let (code, out, err) = import(&config, &[folder.path().join("archive").as_path()]);
        assert_eq!((code, err.as_str()), (Some(0), ""));
        assert!(out.contains("30 of 30 items imported"), "{out}");
        let back = kept(folder.path()).await;
        assert_eq!(back, entries, "{format:?}");
        let lines = |entries: &[Entry]| -> String {
            entries
                .iter()
                .map(|entry| jsonl::render(entry, "news"))
                .collect()
        };
        assert_eq!(lines(&back), lines(&entries));
        // Once more, in one file of lines: they are all there.
        let all = folder.path().join("all.jsonl");
        fs::write(&all, lines(&entries)).unwrap();
        let (code, out, _) = import(&config, &[&all]);
        assert!(code == Some(0) && out.contains("0 of 30 items"), "{out}");
    }
}

#[test]
fn export_import_export_is_identical() {
    let export = |config: &Path| {
        let config = config.display().to_string();
        let arguments = [
            "export", "--config", &config, "--feed", "news", "--format", "jsonl",
        ];
        let output = run(&arguments, b"");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let (folder, config) = configured();
    let of_the_same_id = Entry {
        id: "urn:1".to_owned(),
        ..entry(31)
    };
    let entries = (1..=30).map(entry).chain([of_the_same_id]);
    let lines: String = entries.map(|entry| jsonl::render(&entry, "news")).collect();
    let all = folder.path().join("all.jsonl");
    fs::write(&all, &lines).unwrap();
    assert_eq!(import(&config, &[&all]).0, Some(0));
    let (_, out, _) = import(&config, &[&all]);
    assert!(out.contains("0 of 31 items"), "{out}");
    let exported = export(&config);
    assert_eq!(exported, lines);
    let (elsewhere, config) = configured();
    let all = elsewhere.path().join("all.jsonl");
    fs::write(&all, &exported).unwrap();
    assert_eq!(import(&config, &[&all]).0, Some(0));
    assert_eq!(export(&config), exported);
}

#[tokio::test]
async fn older_items_stand_before_what_is_kept_and_the_newest_version_counts() {
    let (folder, config) = configured();
    let write = |name: &str, entry: &Entry| {
        let path = folder.path().join(name);
        fs::write(&path, Format::Seed.render(entry, "news")).unwrap();
        path
    };
    let (code, ..) = import(
        &config,
        &[&write("5.html", &entry(5)), &write("4.html", &entry(4))],
    );
    assert_eq!(code, Some(0));
    let changed = Entry {
        html: "<p>changed</p>".to_owned(),
        ..entry(3)
    };
    let kept_already = Entry {
        html: "<p>not this</p>".to_owned(),
        ..entry(4)
    };
    let paths = [
        write("3.v10.html", &changed),
        write("3.html", &entry(3)),
        write("3.v2.html", &entry(3)),
        write("6.html", &entry(6)),
        write("4.v2.html", &kept_already),
    ];
    let paths: Vec<_> = paths.iter().map(PathBuf::as_path).collect();
    let (code, out, err) = import(&config, &paths);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.contains("2 of 5 items imported"), "{out}");
    let expected = [changed, entry(6), entry(4), entry(5)];
    assert_eq!(kept(folder.path()).await, expected);
}

#[test]
fn what_is_no_archive_is_named() {
    let (folder, config) = configured();
    for (name, bytes) in [
        ("page.html", &b"<html>"[..]),
        ("bad.jsonl", b"{\"id\":1}\n"),
        ("bytes.html", b"<!--1-->\xff"),
        (
            "good.md",
            b"---\ntitle: Good\nlink: https://a.example/\n---\n\n*text*\n",
        ),
    ] {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let (code, out, err) = import(&config, &[folder.path(), Path::new("/nowhere")]);
    assert_eq!(code, Some(1));
    assert!(out.contains("1 of 1 items imported"), "{out}");
    for expected in [
        "page.html: it is no archived item",
        "bad.jsonl: line 1: it is no item in JSON",
        "bytes.html: stream did not contain valid UTF-8",
        "/nowhere: No such file or directory",
    ] {
        assert!(err.contains(expected), "{expected}: {err}");
    }
    let config = config.display().to_string();
    let output = run(&["import", "--config", &config, "--feed", "none", "x"], b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("there is no feed `none`"));
}

#[tokio::test]
async fn readers_get_what_was_imported() {
    let origin = Origin::start(|_| {
        Reply::ok("<rss version=\"2.0\"><channel><title>T</title><item><title>New</title><guid>new</guid></item></channel></rss>")
    })
    .await;
    let (folder, config) = configured();
    let all = folder.path().join("all.jsonl");
    let lines: String = [entry(1), entry(2)]
        .iter()
        .map(|entry| jsonl::render(entry, "news"))
        .collect();
    fs::write(&all, lines).unwrap();
    assert_eq!(import(&config, &[&all]).0, Some(0));
    let toml = format!(
        "[store]\npath = \"{}/data\"\n[[feed]]\nname = \"news\"\nurl = \"http://PUBLISHER/\"\n\
         allow_private = [\"PUBLISHER\"]\nkeep_items = 100\n",
        folder.path().display()
    );
    let service = Service::start(&toml, origin.address()).await;
    let answer = get(service.addr, "/feeds/news", &[]).await;
    let url = Url::parse("http://127.0.0.1/feeds/news").unwrap();
    let read = entry::entries(answer.text(), url);
    assert_eq!(read.len(), 3, "{}", answer.text());
    assert_eq!(&read[1..], [entry(2), entry(1)]);
    // The service has the store.
    let (code, _, err) = import(&config, &[&all]);
    assert_eq!(code, Some(1));
    assert!(err.contains("has the store: stop it"), "{err}");
}
