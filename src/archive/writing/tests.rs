//! Items into files, again and again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::*;
use crate::archive::path::PathTemplate;
use crate::archive::render::Format;
use crate::store::Totals;

const NOW_MS: i64 = 1_700_000_000_000;

fn options(path: &str) -> ArchiveOptions {
    ArchiveOptions {
        path: PathTemplate::parse(path).unwrap(),
        ..ArchiveOptions::usual(Format::Seed).unwrap()
    }
}

fn open(root: &Path, options: &ArchiveOptions) -> ItemWriter {
    let folder = Arc::new(ArchiveFolder::new(root.to_owned()));
    let usage = Arc::new(Usage::new(Arc::clone(&folder), Totals::default()));
    ItemWriter::open(folder, usage, "news", options.clone()).unwrap()
}

fn entry(id: &str, title: &str, html: &str) -> Entry {
    Entry {
        id: id.to_owned(),
        link: id.to_owned(),
        title: title.to_owned(),
        date_ms: Some(1_642_555_024_000),
        html: html.to_owned(),
        ..Entry::default()
    }
}

/// Writes what is fresh of these; how much was new, and how much changed.
fn keep(writer: &mut ItemWriter, entries: &[Entry]) -> (u64, u64) {
    let fresh = writer.fresh(entries.to_vec());
    let outcome = writer.write_all(fresh, NOW_MS);
    assert!(outcome.error.is_none() && outcome.failed.is_empty());
    (outcome.items, outcome.changes)
}

/// The archive's files, by path.
fn files(root: &Path) -> BTreeMap<String, String> {
    fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            if name.starts_with('.') {
                continue;
            }
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(root, root, &mut found);
    found
}

#[test]
fn items_are_written_once_and_changes_beside_them() {
    let root = tempfile::tempdir().unwrap();
    let options = ArchiveOptions::usual(Format::Seed).unwrap();
    let mut writer = open(root.path(), &options);
    let items = [entry("a", "One", "<p>1</p>"), entry("b", "Two", "<p>2</p>")];
    assert_eq!(keep(&mut writer, &items), (2, 0));
    assert_eq!(keep(&mut writer, &items), (0, 0));
    let changed = [entry("a", "Another title", "<p>new</p>")];
    assert_eq!(keep(&mut writer, &changed), (0, 1));
    // What it was before is kept already.
    assert_eq!(keep(&mut writer, &items), (0, 0));
    drop(writer);
    let mut writer = open(root.path(), &options);
    assert_eq!(keep(&mut writer, &items), (0, 0));
    assert_eq!(keep(&mut writer, &changed), (0, 0));
    let again = [entry("a", "One", "<p>newer</p>")];
    assert_eq!(keep(&mut writer, &again), (0, 1));
    let found = files(root.path());
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        [
            "news/2022/01/2022-01-19-One.html",
            "news/2022/01/2022-01-19-One.v2.html",
            "news/2022/01/2022-01-19-One.v3.html",
            "news/2022/01/2022-01-19-Two.html",
        ]
    );
    assert!(found["news/2022/01/2022-01-19-One.html"].contains("<p>1</p>"));
    assert!(found["news/2022/01/2022-01-19-One.v2.html"].contains("[Another title](a)"));
}

#[test]
fn changes_are_written_over_where_the_operator_says_so() {
    let root = tempfile::tempdir().unwrap();
    let options = ArchiveOptions {
        versions: Versions::Overwrite,
        ..options("{title}.html")
    };
    let mut writer = open(root.path(), &options);
    let old = [entry("a", "One", "1")];
    let new = [entry("a", "Other", "2")];
    for (items, expected) in [
        (&old, (1, 0)),
        (&new, (0, 1)),
        (&old, (0, 1)),
        (&new, (0, 1)),
    ] {
        assert_eq!(keep(&mut writer, items), expected);
    }
    let found = files(root.path());
    assert_eq!(found.len(), 1);
    assert!(found["One.html"].contains("[Other](a)"));
    // Two items that say they are one: the first counts, each time.
    let twins = [entry("a", "Other", "2"), entry("a", "Other", "3")];
    assert_eq!(keep(&mut writer, &twins), (0, 0));
}

#[test]
fn items_of_one_name_lie_beside_each_other() {
    let root = tempfile::tempdir().unwrap();
    let mut writer = open(root.path(), &options("{title}.html"));
    let items: Vec<_> = (0..50)
        .map(|n| entry(&n.to_string(), "Same", "x"))
        .collect();
    assert_eq!(keep(&mut writer, &items), (50, 0));
    assert_eq!(files(root.path()).len(), 50);
    // Items that all say they are one are versions of it, each once.
    let twins = [entry("t", "Twin", "1"), entry("t", "Twin", "2")];
    assert_eq!(keep(&mut writer, &twins), (1, 1));
    assert_eq!(keep(&mut writer, &twins), (0, 0));
}

#[test]
fn one_that_changes_for_ever_fills_no_disk() {
    let root = tempfile::tempdir().unwrap();
    let mut writer = open(root.path(), &options("{title}.html"));
    for n in 0..VERSIONS_MAX + 20 {
        keep(&mut writer, &[entry("a", "One", &n.to_string())]);
    }
    let found = files(root.path());
    assert_eq!(found.len(), VERSIONS_MAX as usize);
    let newest = &found[&format!("One.v{VERSIONS_MAX}.html")];
    assert!(
        newest.contains(&format!("{}", VERSIONS_MAX + 19)),
        "{newest}"
    );
}

#[test]
fn an_item_without_a_date_keeps_when_it_was_first_seen() {
    let root = tempfile::tempdir().unwrap();
    let options = options("{date}-{title}.html");
    let undated = |html: &str| Entry {
        date_ms: None,
        ..entry("", "", html)
    };
    keep(&mut open(root.path(), &options), &[undated("1")]);
    let writer = open(root.path(), &options);
    let fresh = writer.fresh(vec![undated("1")]);
    assert!(fresh.is_empty());
    let found = files(root.path());
    assert_eq!(
        found["2023-11-14-untitled.html"],
        format!("<!--{NOW_MS}-->\n[]()\n------\n\n1\n")
    );
}

#[test]
fn what_was_written_and_not_noted_is_found() {
    let root = tempfile::tempdir().unwrap();
    let options = options("{title}.html");
    let items = [
        entry("a", "One", "1"),
        Entry {
            date_ms: None,
            ..entry("b", "Two", "2")
        },
    ];
    keep(&mut open(root.path(), &options), &items);
    let before = files(root.path());
    let index = root.path().join(".index/news.jsonl");
    let text = fs::read_to_string(&index).unwrap();
    let seen = text.lines().find(|line| line.contains("seen_ms")).unwrap();
    fs::write(&index, format!("{seen}\n{{\"id\":\"torn")).unwrap();
    let mut writer = open(root.path(), &options);
    let fresh = writer.fresh(items.to_vec());
    writer.write_all(fresh, NOW_MS + 1);
    assert_eq!(files(root.path()), before);
    assert!(writer.fresh(items.to_vec()).is_empty());
}

#[test]
fn a_directory_that_was_removed_is_noticed() {
    let root = tempfile::tempdir().unwrap();
    let options = options("{title}.html");
    let mut writer = open(root.path(), &options);
    keep(&mut writer, &[entry("a", "One", "1")]);
    fs::remove_dir_all(root.path().join(".index")).unwrap();
    let items = vec![entry("b", "Two", "2"), entry("c", "Three", "3")];
    let outcome = writer.write_all(items.clone(), NOW_MS);
    assert!(outcome.error.is_some());
    let mut writer = open(root.path(), &options);
    let all = [items, vec![entry("a", "One", "1")]].concat();
    assert_eq!(keep(&mut writer, &all), (3, 0));
    assert_eq!(files(root.path()).len(), 3);
}

#[test]
fn what_lies_in_the_way_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("One.html"), "mine").unwrap();
    fs::create_dir(root.path().join("Two.html")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", root.path().join("Three.html")).unwrap();
    let mut writer = open(root.path(), &options("{title}.html"));
    let items = ["One", "Two", "Three"].map(|title| entry(title, title, "x"));
    assert_eq!(keep(&mut writer, &items), (3, 0));
    assert_eq!(
        fs::read_to_string(root.path().join("One.html")).unwrap(),
        "mine"
    );
    assert!(root.path().join("Three.html").is_symlink());
}

#[test]
fn items_that_share_an_id_are_each_written() {
    for versions in [Versions::Keep, Versions::Overwrite] {
        let root = tempfile::tempdir().unwrap();
        let options = ArchiveOptions {
            versions,
            ..options("{title}.html")
        };
        let item = |link: &str, title: &str, html: &str| Entry {
            link: link.to_owned(),
            ..entry("same", title, html)
        };
        let told = |entries: &[Entry]| {
            let mut entries = entries.to_vec();
            duplicates::tell_apart(&mut entries);
            entries
        };
        let [a, b, c, d] = [
            item("1", "A", "a"),
            item("2", "B", "b"),
            item("3", "C", "c"),
            item("4", "D", "d"),
        ];
        let mut writer = open(root.path(), &options);
        // Alone, or as a version that told none apart has kept it.
        assert_eq!(keep(&mut writer, &told(std::slice::from_ref(&a))), (1, 0));
        let all = told(&[c.clone(), b.clone(), a, b.clone()]);
        assert_eq!(all.len(), 3);
        assert_eq!(keep(&mut writer, &all), (2, 0));
        for _ in 0..2 {
            assert_eq!(keep(&mut writer, &all), (0, 0));
            // By itself it is what it was, and another one is another one.
            assert_eq!(keep(&mut writer, &told(std::slice::from_ref(&c))), (0, 0));
            drop(writer);
            writer = open(root.path(), &options);
        }
        assert_eq!(keep(&mut writer, &told(std::slice::from_ref(&d))), (1, 0));
        assert_eq!(keep(&mut writer, &told(&[item("2", "B", "new")])), (0, 1));
        let expected = match versions {
            Versions::Keep => 5,
            Versions::Overwrite => 4,
        };
        assert_eq!(files(root.path()).len(), expected);
    }
}
