//! What is known after a restart, whatever the file went through.

use super::*;

fn line(id: u128, sum: u128, version: u32, path: &str) -> IndexLine {
    IndexLine {
        id: format!("{id:x}"),
        sum: format!("{sum:x}"),
        version,
        path: path.to_owned(),
        ..IndexLine::default()
    }
}

#[test]
fn what_was_noted_is_known_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("news.jsonl");
    let mut index = Index::open(&path).unwrap();
    index.note(&line(1, 10, 1, "a.html"));
    index.note(&line(2, 20, 1, "b.html"));
    index.note(&line(1, 11, 2, "a.v2.html"));
    index.note(&IndexLine {
        id: "3".to_owned(),
        seen_ms: Some(7),
        ..IndexLine::default()
    });
    let known = index.known(1).unwrap();
    assert_eq!(index.first_path(known).unwrap(), "a.html");
    index.flush().unwrap();
    let mut index = Index::open(&path).unwrap();
    let known = index.known(1).unwrap();
    assert_eq!((known.sum, known.version), (11, 2));
    assert_eq!(index.first_path(known).unwrap(), "a.html");
    assert!(index.has_version(1, 10) && index.has_version(1, 11));
    assert!(!index.has_version(2, 10));
    assert_eq!(index.seen_ms(3), Some(7));
    assert!(index.known(3).is_none());
}

#[test]
fn a_torn_line_is_cut_off_and_a_bad_one_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("news.jsonl");
    let whole = "no line\n{\"id\":\"1\",\"sum\":\"a\",\"version\":1,\"path\":\"a.html\"}\n";
    for torn in [
        "{\"id\":\"2\",\"su",
        "{\"id\":\"2\",\"sum\":\"a\",\"version\":1}",
    ] {
        std::fs::write(&path, format!("{whole}{torn}")).unwrap();
        let mut index = Index::open(&path).unwrap();
        assert!(index.known(1).is_some() && index.known(2).is_none());
        index.note(&line(4, 4, 1, "d.html"));
        index.flush().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with(whole) && text.ends_with("d.html\"}\n"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 3);
    }
}

#[test]
fn what_went_is_known_to_have_gone_until_the_feed_has_it_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("news.jsonl");
    let mut index = Index::open(&path).unwrap();
    for id in 1..=4 {
        index.note(&line(id, 10, 1, "a.html"));
        index.note(&line(id, 11, 2, "a.v2.html"));
    }
    for id in 1..=3 {
        index.note_gone(id);
    }
    index.flush().unwrap();
    let index = Index::open(&path).unwrap();
    assert!(index.known(1).is_none() && index.is_gone(1) && !index.is_gone(4));
    assert!(!index.is_worth_compacting());
    let before = std::fs::metadata(&path).unwrap().len();
    let less = index.compact(&path, &HashSet::from([2, 4])).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), before - less);
    let mut index = Index::open(&path).unwrap();
    assert_eq!(
        (1..=4).map(|id| index.is_gone(id)).collect::<Vec<_>>(),
        [false, true, false, false]
    );
    let known = index.known(4).unwrap();
    assert_eq!(
        (known.version, index.first_path(known).unwrap().as_str()),
        (2, "a.html")
    );
    assert!(!index.has_version(1, 10) && index.has_version(4, 11));
}
