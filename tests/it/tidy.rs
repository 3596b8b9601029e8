//! Holds the tree to its shape: file lengths, module arrows, pure modules, module docs.

mod file_cycles;

use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 400;

/// Each top-level module and what it may use, besides itself. A module that has a row of its own is
/// no part of the one that it is in.
pub(crate) const ARROWS: &[(&str, &[&str])] = &[
    (
        "cli",
        &[
            "app",
            "archive",
            "causes",
            "config",
            "demo",
            "feed",
            "fulltext",
            "http",
            "images",
            "images::processing",
            "mirror",
            "refresh",
            "rewrite",
            "routes",
            "store",
            "upstream",
            "workers",
        ],
    ),
    ("demo", &["config"]),
    (
        "routes",
        &[
            "app",
            "archive",
            "cache",
            "http",
            "images",
            "images::fetching",
            "inflight",
            "mirror",
            "refresh",
            "upstream",
        ],
    ),
    (
        "app",
        &[
            "archive",
            "cache",
            "causes",
            "config",
            "images",
            "images::fetching",
            "inflight",
            "mirror",
            "refresh",
            "rewrite",
            "shares",
            "store",
            "upstream",
            "workers",
        ],
    ),
    (
        "http",
        &[
            "cache",
            "client",
            "config",
            "images",
            "images::fetching",
            "images::processing",
            "inflight",
            "mirror",
            "refresh",
            "upstream",
        ],
    ),
    (
        "mirror",
        &[
            "cache", "causes", "client", "config", "inflight", "shares", "store", "upstream",
        ],
    ),
    (
        "refresh",
        &[
            "archive", "cache", "causes", "config", "feed", "fulltext", "inflight", "rewrite",
            "store", "upstream", "workers",
        ],
    ),
    (
        "config",
        &[
            "archive",
            "causes",
            "client",
            "fulltext",
            "images",
            "images::fetching",
            "images::processing",
            "rewrite",
            "secret",
            "shares",
            "store",
            "upstream",
            "workers",
        ],
    ),
    (
        "images::fetching",
        &[
            "cache",
            "images",
            "images::processing",
            "inflight",
            "shares",
            "store",
            "upstream",
            "workers",
        ],
    ),
    (
        "archive",
        &[
            "feed", "images", "inflight", "rewrite", "store", "upstream", "workers",
        ],
    ),
    (
        "fulltext",
        &[
            "causes", "feed", "html", "inflight", "rewrite", "store", "upstream", "workers",
        ],
    ),
    ("cache", &["inflight", "shares", "store", "upstream"]),
    ("upstream", &["inflight"]),
    ("store", &["causes", "inflight", "secret", "shares"]),
    ("images::processing", &["images"]),
    ("workers", &[]),
    ("rewrite", &["feed", "html", "images", "secret"]),
    ("inflight", &["client"]),
    ("client", &[]),
    ("shares", &[]),
    ("feed", &["html"]),
    ("html", &[]),
    ("images", &["secret"]),
    ("secret", &[]),
    ("causes", &[]),
];

/// Folders of modules that do no I/O, read no clock and know no settings.
const PURE: &[&str] = &[
    "src/client/",
    "src/secret.rs",
    "src/shares.rs",
    "src/feed/",
    "src/html/",
    "src/images/",
    "src/rewrite/",
    "src/cache/policy/",
    "src/fulltext/extract/",
    "src/fulltext/job.rs",
    "src/fulltext/recipe/",
    "src/archive/render/",
    "src/archive/path.rs",
    "src/archive/raw.rs",
];
/// What is in those folders and does I/O.
const NOT_PURE: &[&str] = &["src/images/fetching/", "src/images/processing/fonts.rs"];
const IMPURE: &[&str] = &[
    "tokio",
    "hyper",
    "reqwest",
    "moka",
    "std::fs",
    "std::net",
    "std::env",
    "std::time::Instant",
    "std::time::SystemTime",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
];

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

/// Every Rust file with its path from the repository's root.
fn sources(folders: &[&str]) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = folders
        .iter()
        .flat_map(|folder| rust_files(&root.join(folder)));
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root).unwrap().display().to_string();
        (name, fs::read_to_string(path).unwrap())
    };
    files.map(read).collect()
}

/// The module of `src/module/file.rs` or `src/module.rs`, in the words of a path.
fn module_of(name: &str) -> String {
    let name = name.trim_start_matches("src/").trim_end_matches(".rs");
    name.trim_end_matches("/mod").replace('/', "::")
}

/// The row of [`ARROWS`] that a module belongs to: the one that names the most of its path.
fn row_of(module: &str) -> Option<usize> {
    let is_in = |row: &str| {
        let rest = module.strip_prefix(row);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    let rows = ARROWS.iter().enumerate();
    let rows = rows.filter(|(_, (row, _))| is_in(row));
    rows.max_by_key(|(_, (row, _))| row.len()).map(|(at, _)| at)
}

/// The code without comment lines.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
}

/// The paths that a file names through `crate::`, without it; of a list in braces what is before it.
fn uses(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in code(text) {
        for (at, _) in line.match_indices("crate::") {
            let starts_path =
                !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            let rest = &line[at + "crate::".len()..];
            assert!(
                !rest.starts_with('{'),
                "write one `use crate::…` per module: {line}"
            );
            if starts_path {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
                let path = &rest[..end.unwrap_or(rest.len())];
                found.push(path.trim_end_matches(':').to_owned());
            }
        }
    }
    found
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let sources = sources(&["src", "tests", "benches"]);
    assert!(
        sources.len() > 30,
        "the walk found only {} files",
        sources.len()
    );
    for (name, text) in sources {
        let lines = text.lines().count();
        assert!(
            lines <= FILE_LINES_MAX,
            "{name} has {lines} lines; the most is {FILE_LINES_MAX}"
        );
        assert!(text.starts_with("//!"), "{name} does not open with //!");
    }
}

#[test]
fn arrows_point_down() {
    for (name, text) in sources(&["src"]) {
        let module = module_of(&name);
        if matches!(module.as_str(), "main" | "lib") {
            continue;
        }
        let row = row_of(&module);
        let row = row.unwrap_or_else(|| panic!("{name}: `{module}` is in no row of ARROWS"));
        let (from, allowed) = ARROWS[row];
        for path in uses(&text) {
            let used = row_of(&path).map(|row| ARROWS[row].0);
            let is_fine = used.is_some_and(|used| used == from || allowed.contains(&used));
            assert!(
                is_fine,
                "{name} uses crate::{path}; {from} may use {allowed:?}"
            );
        }
    }
}

#[test]
fn arrows_hold_no_cycle() {
    for (row, (from, allowed)) in ARROWS.iter().enumerate() {
        for used in *allowed {
            let to = ARROWS
                .iter()
                .position(|(module, _)| module == used)
                .unwrap();
            assert!(to > row, "{from} → {used} points up");
        }
    }
}

#[test]
fn the_core_is_pure() {
    for (name, text) in sources(&["src"]) {
        let is_in = |folders: &[&str]| folders.iter().any(|folder| name.starts_with(folder));
        if !is_in(PURE) || is_in(NOT_PURE) {
            continue;
        }
        for line in code(&text) {
            for word in IMPURE {
                let is_used = line.match_indices(word).any(|(at, _)| {
                    !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
                        && line[at + word.len()..].starts_with([':', ';', '(', '{', ' ', ','])
                });
                assert!(!is_used, "{name} is pure, yet: {}", line.trim());
            }
        }
    }
}
