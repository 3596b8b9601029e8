//! The configuration from outside: files, the commented example, its documentation.

mod images;
mod rules;
mod schema;

use std::collections::BTreeSet;
use std::path::Path;

use feedwright::config::{Error, Settings, load, parse};

const EXAMPLE: &str = include_str!("../../config/feedwright.toml");
const DOCUMENTATION: &str = concat!(
    include_str!("../../docs/configuration.md"),
    include_str!("../../docs/configuration/server.md"),
    include_str!("../../docs/configuration/store.md"),
    include_str!("../../docs/configuration/fetch.md"),
    include_str!("../../docs/configuration/images.md"),
    include_str!("../../docs/configuration/full-text-and-archive.md"),
    include_str!("../../docs/configuration/feeds.md"),
    include_str!("../../docs/configuration/sanitize.md"),
    include_str!("../../docs/configuration/templates.md"),
    include_str!("../../docs/configuration/mirrors.md"),
    include_str!("../../docs/configuration/secrets.md"),
    include_str!("../../docs/configuration/environment.md"),
);

/// Every table there is, as the example and the documentation name it.
const SECTIONS: [&str; 12] = [
    "[server]",
    "[log]",
    "[store]",
    "[fetch]",
    "[image]",
    "[image_proxy.weserv]",
    "[workers]",
    "[full_text]",
    "[archive]",
    "[defaults]",
    "[[feed]]",
    "[[mirror]]",
];

fn parse_text(text: &str) -> Result<Settings, Error> {
    parse("f.toml", text, [])
}

/// What is said about a text that is refused.
#[track_caller]
fn report_on(text: &str) -> String {
    match parse_text(text) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(problems) => problems.to_string(),
    }
}

/// The example with its keys switched on: `#key = value` but not `# Prose.`
fn uncommented() -> String {
    let switch_on = |line: &'static str| match line.strip_prefix('#') {
        Some(key) if !key.is_empty() && !key.starts_with(' ') => key,
        _ => line,
    };
    EXAMPLE
        .lines()
        .map(switch_on)
        .collect::<Vec<_>>()
        .join("\n")
}

/// `(section, key, value)` of every line that sets a key.
fn example_keys() -> Vec<(String, String, String)> {
    let mut section = String::new();
    let mut keys = Vec::new();
    for line in uncommented().lines() {
        if line.starts_with('[') {
            section = line.into();
        } else if let Some((key, value)) = line.split_once(" = ").filter(|_| !line.starts_with('#'))
        {
            keys.push((section.clone(), key.into(), value.into()));
        }
    }
    keys
}

/// The keys that the code knows in a section: an unknown key's report lists them.
fn known_keys(section: &str) -> BTreeSet<String> {
    let report = report_on(&format!("{section}\nzzzzzzzz = 1"));
    let list = report.split("known keys here: ").nth(1).unwrap_or_default();
    let list = list.lines().next().unwrap_or_default();
    list.split(", ")
        .map(|key| key.trim_matches('`').to_owned())
        .collect()
}

fn settings(text: &str) -> Settings {
    parse_text(text).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn the_example_is_what_no_configuration_is() {
    let nothing = load(None, []).expect("defaults");
    for text in [EXAMPLE, &uncommented()] {
        let example = settings(text);
        assert_eq!(example.server, nothing.server);
        assert_eq!(example.log, nothing.log);
        assert_eq!(example.store, nothing.store);
        assert_eq!(example.memory_bytes, nothing.memory_bytes);
        assert_eq!(example.image_keys, nothing.image_keys);
        assert_eq!(example.fetch, nothing.fetch);
    }
    assert_eq!(nothing.fetch, feedwright::upstream::FetchOptions::default());
    assert_eq!(
        nothing.server,
        feedwright::config::ServerSettings::default()
    );
    assert!(nothing.feeds.is_empty());
}

#[test]
fn the_examples_feed_is_one_that_says_nothing() {
    let bare = settings(
        "[server]\npublic_url = 'http://127.0.0.1:8080'\n[[feed]]\nname = 'example'\nurl = 'https://example.org/feed.xml'",
    );
    let example = settings(&uncommented());
    // `Debug` leaves out what is secret.
    assert_eq!(format!("{:?}", example.feeds), format!("{:?}", bare.feeds));
    let upstream = &example.feeds[0].upstream;
    assert_eq!(upstream.user_agent, None);
    assert!(upstream.headers.is_empty() && upstream.cookies.is_none());
    assert!(upstream.proxy.is_none() && upstream.allow_private.is_empty());
}

#[test]
fn the_examples_mirror_is_one_that_says_nothing() {
    let bare = "[[mirror]]\nname = 'example'\norigin = 'https://static.example.org/'";
    let (bare, example) = (settings(bare), settings(&uncommented()));
    let (bare, example) = (&bare.mirrors[0], &example.mirrors[0]);
    assert_eq!(format!("{example:?}"), format!("{bare:?}"));
    assert_eq!(example.stale_if_error, bare.stale_if_error);
    assert_eq!(example.total_timeout, bare.total_timeout);
    let sizes = |mirror: &feedwright::config::MirrorSettings| {
        (
            mirror.object_bytes_max,
            mirror.body_bytes_max,
            mirror.request_bytes_max,
        )
    };
    assert_eq!(sizes(example), sizes(bare));
    let switches = |mirror: &feedwright::config::MirrorSettings| {
        [
            mirror.cookies,
            mirror.authorization,
            mirror.trusted,
            mirror.honor_request_cache_control,
        ]
    };
    assert_eq!(switches(example), [false; 4]);
    assert_eq!(switches(bare), [false; 4]);
}

#[test]
fn mirrors_that_are_no_good_are_refused() {
    for (keys, reason) in [
        (
            "name = 'A'\norigin = 'https://x.example/'",
            "a mirror's name has",
        ),
        (
            "name = 'a'\norigin = 'https://x.example/b'",
            "must end with a slash",
        ),
        (
            "name = 'a'\norigin = 'https://x.example/?q'",
            "must have no `?`",
        ),
        (
            "name = 'a'\norigin = 'https://u:p@x.example/'",
            "must have no user",
        ),
        ("name = 'a'\norigin = 'ftp://x.example/'", "must start with"),
        ("name = 'a'", "`origin` is missing"),
    ] {
        let report = report_on(&format!("[[mirror]]\n{keys}"));
        assert!(report.contains(reason), "{report}");
    }
    let mirror = "[[mirror]]\nname = 'a'\norigin = 'https://x.example/'\n";
    for (key, reason) in [
        ("methods = ['CONNECT']", "never passed on"),
        ("methods = ['a b']", "no name of a method"),
        (
            "request_headers = ['cookie']",
            "a key of its own for it: `cookies`",
        ),
        ("request_headers = ['host']", "follows from the origin"),
        ("object_bytes_max = '1GiB'", "must be from"),
        ("total_timeout = '2d'", "must be from"),
        ("query = 'drop'", "expected `\"keep\"`, `\"ignore\"`"),
        ("query = true", "or a list of the parameters"),
        ("query = []", "`\"ignore\"` keeps no parameter"),
        ("query = ['']", "a parameter's name is empty"),
        ("query = [1]", "the name of a parameter in quotes"),
        ("queries_max = -1", "must be from 0 to 100000"),
    ] {
        let report = report_on(&format!("{mirror}{key}"));
        assert!(report.contains(reason), "{report}");
    }
    assert!(report_on(&format!("{mirror}{mirror}")).contains("another mirror has this name"));
}

#[test]
fn the_example_names_every_key_and_no_other() {
    let mut written: BTreeSet<(String, String)> = BTreeSet::new();
    for (section, key, _) in example_keys() {
        assert!(
            written.insert((section.clone(), key.clone())),
            "{section} {key} twice"
        );
    }
    for section in SECTIONS {
        let known = known_keys(section);
        assert!(!known.is_empty());
        for key in &known {
            let here = written.contains(&(section.into(), key.clone()));
            // The example says that a feed takes every key of the defaults.
            let inherited =
                section == "[[feed]]" && written.contains(&("[defaults]".into(), key.clone()));
            assert!(here || inherited, "{section} {key} isn't in the example");
        }
        let strange = written
            .iter()
            .find(|(of, key)| of == section && !known.contains(key));
        assert_eq!(strange, None);
    }
    assert!(
        written
            .iter()
            .all(|(section, _)| SECTIONS.contains(&section.as_str()))
    );
}

#[test]
fn the_documentation_names_every_key_with_its_default() {
    for (section, key, value) in example_keys() {
        let heading = match section.as_str() {
            "[image_proxy.weserv]" => "## `[image_proxy.NAME]`".to_owned(),
            section => format!("## `{section}`"),
        };
        let (_, part) = DOCUMENTATION
            .split_once(&heading)
            .unwrap_or_else(|| panic!("no {heading}"));
        let part = part.split("\n## ").next().unwrap_or_default();
        // These have no default.
        let row = match (section.as_str(), key.as_str()) {
            ("[[feed]]", "name" | "url")
            | ("[[mirror]]", "name" | "origin")
            | ("[image_proxy.weserv]", _) => format!("| `{key}` | "),
            _ => format!("| `{key}` | `{value}` |"),
        };
        assert!(part.contains(&row), "{heading}: no row {row}");
    }
}

#[test]
fn files() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("f.toml");
    let refused = |path: &Path| load(Some(path), []).expect_err("refused").to_string();

    assert!(refused(&path).contains("f.toml: the file can't be read: "));
    assert!(refused(directory.path()).contains("the file can't be read: "));

    std::fs::write(&path, b"[log]\nlevel = '\xff'").expect("a file");
    assert!(refused(&path).contains("f.toml: the file is no UTF-8 text: see line 2"));

    std::fs::write(&path, "#".repeat((4 << 20) + 1)).expect("a file");
    assert!(refused(&path).contains("the file has more than 4194304 bytes"));

    std::fs::write(&path, "[log]\nlevel = 5").expect("a file");
    assert!(refused(&path).contains(&format!("--> {}:2:9", path.display())));

    std::fs::write(&path, "\u{feff}[log]\r\nlevel = 'warn'\r\n").expect("a file");
    assert_eq!(load(Some(&path), []).expect("valid").log.level, "warn");
}

#[test]
fn secrets_come_from_files_and_variables() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("cookies");
    std::fs::write(&path, "sid=1\r\n").expect("a file");
    let text = format!(
        "[[feed]]\nname = 'a'\nurl = 'http://x/'\ncookies = {{ file = '{}' }}\nproxy = {{ env = 'P' }}\nproxy_resolves = true",
        path.display()
    );
    let env = [("P".to_owned(), "http://u:p@127.0.0.1:3128\n".to_owned())];
    let settings = parse("f.toml", &text, env).expect("valid");
    let upstream = &settings.feeds[0].upstream;
    assert!(
        upstream
            .cookies
            .as_ref()
            .is_some_and(|cookies| cookies == "sid=1")
    );
    let proxy = upstream.proxy.as_ref().map(url::Url::as_str);
    assert_eq!(proxy, Some("http://u:p@127.0.0.1:3128/"));

    std::fs::write(&path, "x".repeat((64 << 10) + 1)).expect("a file");
    let problems =
        parse("f.toml", &text, [("P".to_owned(), String::new())]).expect_err("too large");
    assert!(
        problems
            .to_string()
            .contains("feed[0].cookies.file (feed \"a\"): the file has more than")
    );
}
