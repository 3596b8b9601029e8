//! Looks for cycles between files.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use regex::Regex;

use super::{code, module_of, sources};

/// The modules in which a file may use its parent, which uses it; nothing else may form a cycle there.
const CHILDREN_USE_PARENTS: &[&str] = &[
    "archive", "cli", "feed", "fulltext", "inflight", "refresh", "rewrite", "upstream",
];

/// Code by the path of its module; tests are left out.
type Files = BTreeMap<String, String>;

#[test]
fn files_form_no_cycle() {
    let files = read_files();
    assert!(files.len() > 300, "only {} files", files.len());
    let mut graph = edges(&files);
    for (name, used) in &mut graph {
        let module = name.split("::").next().unwrap();
        if let Some((parent, _)) = name.rsplit_once("::")
            && CHILDREN_USE_PARENTS.contains(&module)
        {
            used.remove(parent);
        }
    }
    for name in files.keys() {
        let cycle = cycle_through(name, &graph);
        assert!(cycle.is_none(), "cycle of files: {cycle:?}");
    }
}

#[test]
fn cycles_are_found_however_they_are_written() {
    let check = |child: &str, parent: &str, expected: bool| {
        let files = [("a", parent), ("a::b", child), ("a::c", "use super::b;")];
        let files = files.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let files = Files::from(files);
        let graph = edges(&files);
        let cycle = cycle_through("a::b", &graph);
        assert_eq!(cycle.is_some(), expected, "{child} in {parent}: {cycle:?}");
    };
    check("use super::c::C;", "mod b; mod c;", true);
    check("use crate::a::{c::{self, C}};", "mod b;", true);
    check("fn f() { super::c::f() }", "mod b;", true);
    check("use super::A;", "mod b; fn f() { b::g() }", true);
    check("use super::A;", "mod b;\nuse b::g;", true);
    check("use super::A;", "mod b;\npub use b::B;", false);
    check("use super::A;", "mod b;\npub(crate) use b::{B, D};", false);
    check("use std::fmt;", "mod b;\nuse b::g;", false);
}

/// The code of `src` without comments and tests.
fn read_files() -> Files {
    let tests =
        Regex::new(r"#\[cfg\(test\)\]\s*(#\[.*\]\s*)*(pub\([a-z: ]+\) )?mod \w+ \{").unwrap();
    let visibility = Regex::new(r"pub\(in [\w: ]+\)").unwrap();
    let mut files = Files::new();
    for (name, text) in sources(&["src"]) {
        let is_test = name.split(['/', '.']).any(|part| part == "tests");
        if !is_test {
            let text = code(&text).collect::<Vec<_>>().join("\n");
            let end = tests.find(&text).map_or(text.len(), |found| found.start());
            let text = visibility.replace_all(&text[..end], "pub(crate)");
            files.insert(module_of(&name), text.into_owned());
        }
    }
    files
}

/// The files that each file uses. What a file only exports from its own children is no use.
fn edges(files: &Files) -> BTreeMap<&str, BTreeSet<&str>> {
    let import = Regex::new(r"(?m)^\s*(pub(?:\([^)]*\))? )?use ([^;]+);").unwrap();
    let path = Regex::new(r"(?:^|[^\w:])((?:\w+::)+\w+)").unwrap();
    let mut graph = BTreeMap::new();
    for (name, text) in files {
        let mut used = BTreeSet::new();
        for found in import.captures_iter(text) {
            for leaf in leaves(&found[2]) {
                let target = target(&leaf, name, files);
                let own = format!("{name}::");
                let is_export = found.get(1).is_some();
                used.extend(target.filter(|to| !(is_export && to.starts_with(&own))));
            }
        }
        let rest = import.replace_all(text, "");
        for found in path.captures_iter(&rest) {
            used.extend(target(&found[1], name, files));
        }
        used.remove(name.as_str());
        graph.insert(name.as_str(), used);
    }
    graph
}

/// `a::{b, c::{self, D}}` as `a::b`, `a::c`, `a::c::D`.
fn leaves(import: &str) -> Vec<String> {
    let import = import.trim();
    let Some((start, inner)) = import.split_once('{') else {
        let path = import.split(" as ").next().unwrap_or_default();
        return vec![path.trim_end_matches("::self").trim().to_owned()];
    };
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for c in inner[..inner.rfind('}').unwrap()].chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        match c {
            ',' if depth == 0 => parts.push(String::new()),
            c => parts.last_mut().unwrap().push(c),
        }
    }
    let parts = parts.iter().filter(|part| !part.trim().is_empty());
    parts
        .flat_map(|part| leaves(&format!("{start}{}", part.trim())))
        .collect()
}

/// The file that a path in the code of `from` leads into, if it is one of ours.
fn target<'a>(path: &str, from: &str, files: &'a Files) -> Option<&'a str> {
    let mut parts: Vec<&str> = path.split("::").map(str::trim).collect();
    let mut here: Vec<&str> = from.split("::").collect();
    match parts[0] {
        "crate" => here.clear(),
        "self" | "super" => {}
        child if files.contains_key(&format!("{from}::{child}")) => {}
        _ => return None,
    }
    while matches!(parts.first(), Some(&("crate" | "self" | "super"))) {
        if parts.remove(0) == "super" {
            here.pop();
        }
    }
    (0..=parts.len()).rev().find_map(|count| {
        let name = [&here[..], &parts[..count]].concat().join("::");
        files.get_key_value(&name).map(|(name, _)| name.as_str())
    })
}

/// A shortest way from a file back to itself.
fn cycle_through<'a>(
    start: &'a str,
    graph: &BTreeMap<&'a str, BTreeSet<&'a str>>,
) -> Option<Vec<&'a str>> {
    let mut ways = VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in graph.get(way.last()?).into_iter().flatten() {
            let longer = [&way[..], &[*next]].concat();
            if *next == start {
                return Some(longer);
            }
            if seen.insert(*next) {
                ways.push_back(longer);
            }
        }
    }
    None
}
