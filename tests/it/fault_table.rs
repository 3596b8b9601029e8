//! Holds docs/faults.md to the tests: every fault has its row, and every row names tests that are there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The faults, by the letters that rows and tests begin with.
fn faults() -> Vec<String> {
    let of = |letter: &str, numbers: &[u32]| -> Vec<String> {
        let name = |number: &u32| format!("{letter}{number}");
        numbers.iter().map(name).collect()
    };
    let all: Vec<u32> = (1..=26).collect();
    [
        of("U", &all),
        of("N", &[1, 2, 4]),
        of("L", &all[..7]),
        of("K", &all[..6]),
        of("R", &[1, 2, 4, 5, 6, 7, 8, 9]),
        of("D", &all[..8]),
        of("P", &all[..5]),
        of("F", &all[..3]),
    ]
    .concat()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The names of all tests that a plain run runs.
fn tests(root: &Path) -> BTreeSet<String> {
    let mut files = Vec::new();
    for folder in ["src", "tests/it"] {
        rust_files(&root.join(folder), &mut files);
    }
    let mut names = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                is_test = true;
            } else if line.starts_with("#[ignore") {
                is_test = false;
            } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test) {
                names.insert(rest.split('(').next().unwrap().to_owned());
                is_test = false;
            }
        }
    }
    names
}

#[test]
fn every_fault_has_a_row_and_every_row_names_tests_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = tests(root);
    assert!(tests.len() > 400, "the walk found only {}", tests.len());
    let text = fs::read_to_string(root.join("docs/faults.md")).unwrap();
    let mut rows = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [fault, when, outcome, named] = cells[..] else {
            panic!("{line}");
        };
        if fault.is_empty() {
            continue;
        }
        assert!(
            !when.is_empty() && !outcome.is_empty(),
            "{fault} says nothing"
        );
        let named: Vec<&str> = named
            .split(", ")
            .map(|name| name.trim_matches('`'))
            .collect();
        for name in &named {
            assert!(
                tests.contains(*name),
                "{fault} names `{name}`: there is no such test"
            );
        }
        rows.push(fault.to_owned());
    }
    assert_eq!(rows, faults());
    // And the other way round: a test that is called after a fault stands in its row.
    for name in &tests {
        let start = name.split('_').next().unwrap().to_uppercase();
        if rows.contains(&start) {
            assert!(
                text.contains(&format!("`{name}`")),
                "{name} stands in no row"
            );
        }
    }
}
