//! Holds docs/ARCHITECTURE.md to the code: modules and their order, routes, commands, paths.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use super::tidy::ARROWS;

const PAGE: &str = include_str!("../../docs/ARCHITECTURE.md");

/// The code spans of a text.
fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The code spans in the first column of the table under a heading.
fn first_column(heading: &str) -> Vec<&'static str> {
    let (_, part) = PAGE
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("no {heading}"));
    let part = part.split("\n## ").next().unwrap_or_default();
    let rows = part.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.filter_map(|row| row.split('|').nth(1))
        .flat_map(spans)
        .collect()
}

fn source(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(root.join(path)).expect("a source file")
}

#[test]
fn the_map_has_every_module_in_the_order_of_the_arrows() {
    let listed = first_column("Map");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let modules: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("the sources")
        .filter_map(|entry| entry.ok()?.path().file_stem()?.to_str().map(str::to_owned))
        .filter(|module| module != "lib")
        .collect();
    let top = listed.iter().filter(|module| !module.contains("::"));
    assert_eq!(
        top.map(|&top| top.to_owned()).collect::<BTreeSet<_>>(),
        modules
    );
    let rows: BTreeSet<&str> = ARROWS.iter().map(|(module, _)| *module).collect();
    let with_rows: BTreeSet<&str> = listed
        .iter()
        .copied()
        .filter(|module| *module != "main")
        .collect();
    assert_eq!(with_rows, rows);
    assert_eq!(listed.len(), rows.len() + 1, "a module twice");
    let place = |module: &str| listed.iter().position(|listed| *listed == module);
    for (module, uses) in ARROWS {
        for used in *uses {
            assert!(
                place(module) < place(used),
                "{module} uses {used}, which the map has above it"
            );
        }
    }
}

#[test]
fn the_routes_are_those_of_the_code() {
    let code = source("src/http/route.rs");
    let variants = code.split("pub enum Route").nth(1).unwrap_or_default();
    let variants = variants.split("\n}").next().unwrap_or_default();
    let docs = variants.lines().filter(|line| line.starts_with("    ///"));
    let paths: BTreeSet<&str> = docs
        .flat_map(spans)
        .filter(|span| span.starts_with('/'))
        .collect();
    assert!(paths.len() >= 8, "{paths:?}");
    let listed: BTreeSet<&str> = first_column("Routes").into_iter().collect();
    assert_eq!(listed, paths);
}

#[test]
fn the_commands_are_those_of_the_program() {
    let output = Command::new(env!("CARGO_BIN_EXE_feedwright"))
        .arg("--help")
        .output()
        .expect("the help");
    let help = String::from_utf8(output.stdout).expect("text");
    let commands = help.split("Commands:\n").nth(1).unwrap_or_default();
    let mut commands: BTreeSet<&str> = commands
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    // It is for the service alone, and help does not show it.
    commands.insert("worker");
    let listed: BTreeSet<&str> = first_column("Commands").into_iter().collect();
    assert_eq!(listed, commands);
}

/// Whether a path such as `rewrite::passes` is a file of ours.
fn is_module(path: &str) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let path = path.replace("::", "/");
    root.join(format!("{path}.rs")).exists() || root.join(path).join("mod.rs").exists()
}

#[test]
fn every_path_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Code spans never go over the end of a line but in blocks, of which there are none.
    for span in PAGE.lines().flat_map(spans) {
        let is_module_path = span.contains("::")
            && span
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b == b':' || b == b'_');
        if is_module_path {
            assert!(is_module(span), "`{span}` is no file");
        }
        let file = span.split(' ').next().unwrap_or_default();
        if ["tests/", "docs/", "config/", "fuzz/", "benches/"]
            .iter()
            .any(|folder| file.starts_with(folder))
        {
            assert!(root.join(file).exists(), "`{file}` is not there");
        }
    }
}

/// Every Rust file below a folder, in one text.
fn sources(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .map(
            |path| match path.extension().and_then(|ending| ending.to_str()) {
                _ if path.is_dir() => sources(&path),
                Some("rs") => std::fs::read_to_string(path).expect("a source file"),
                _ => String::new(),
            },
        )
        .collect()
}

#[test]
fn the_messages_that_troubleshooting_quotes_are_those_of_the_code() {
    let page = include_str!("../../docs/troubleshooting.md");
    let code = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let mut quoted = 0;
    for line in page.lines() {
        let plain: String = line.split('`').step_by(2).collect();
        for message in plain.split('"').skip(1).step_by(2) {
            quoted += 1;
            assert!(code.contains(message.trim()), "nothing says \"{message}\"");
        }
    }
    assert!(quoted >= 15, "{quoted} messages");
}
