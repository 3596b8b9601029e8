//! Holds the tree to its shape: file lengths, module arrows, pure modules, module docs.

use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 400;

/// Each top-level module and what it may use, besides itself.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "cli",
        &[
            "app", "archive", "causes", "config", "demo", "feed", "fulltext", "http", "image",
            "mirror", "pixels", "refresh", "rewrite", "routes", "store", "upstream", "workers",
        ],
    ),
    ("demo", &["config"]),
    (
        "routes",
        &[
            "app", "archive", "cache", "http", "image", "imaging", "inflight", "mirror", "refresh",
            "upstream",
        ],
    ),
    (
        "app",
        &[
            "archive", "cache", "causes", "config", "image", "imaging", "inflight", "mirror",
            "refresh", "rewrite", "shares", "store", "upstream", "workers",
        ],
    ),
    (
        "http",
        &[
            "cache", "client", "config", "image", "imaging", "inflight", "mirror", "pixels",
            "refresh", "upstream",
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
            "archive", "causes", "client", "fulltext", "image", "imaging", "pixels", "rewrite",
            "shares", "store", "upstream", "workers",
        ],
    ),
    (
        "imaging",
        &[
            "cache", "image", "inflight", "pixels", "shares", "store", "upstream", "workers",
        ],
    ),
    (
        "archive",
        &[
            "feed", "image", "inflight", "rewrite", "store", "upstream", "workers",
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
    ("store", &["causes", "image", "inflight", "shares"]),
    ("pixels", &["image"]),
    ("workers", &[]),
    ("rewrite", &["feed", "html", "image"]),
    ("inflight", &["client"]),
    ("client", &[]),
    ("shares", &[]),
    ("feed", &["html"]),
    ("html", &[]),
    ("image", &[]),
    ("causes", &[]),
];

/// Folders of modules that do no I/O, read no clock and know no settings.
const PURE: &[&str] = &[
    "src/client/",
    "src/shares.rs",
    "src/feed/",
    "src/html/",
    "src/image/",
    "src/rewrite/",
    "src/cache/policy/",
    "src/fulltext/extract/",
    "src/fulltext/job.rs",
    "src/fulltext/recipe/",
    "src/archive/render/",
    "src/archive/path.rs",
    "src/archive/raw.rs",
];
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

/// The top-level module of `src/module/file.rs` or `src/module.rs`.
fn module_of(name: &str) -> &str {
    name.trim_start_matches("src/")
        .split(['/', '.'])
        .next()
        .unwrap()
}

/// The code without comment lines.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
}

/// The top-level modules that a file names through `crate::`.
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
                found.push(
                    rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                        .next()
                        .unwrap()
                        .to_owned(),
                );
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
        if matches!(module, "main" | "lib") {
            continue;
        }
        let row = ARROWS.iter().find(|(from, _)| *from == module);
        let (_, allowed) =
            row.unwrap_or_else(|| panic!("{name}: `{module}` is in no row of ARROWS"));
        for used in uses(&text) {
            let is_fine = used == module || allowed.contains(&used.as_str());
            assert!(
                is_fine,
                "{name} uses crate::{used}; {module} may use {allowed:?}"
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
        if !PURE.iter().any(|folder| name.starts_with(folder)) {
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
