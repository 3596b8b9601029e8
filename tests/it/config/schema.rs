//! The JSON Schema of the configuration: held to the example, to the keys that are read, and to the
//! settings.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use feedwright::config::{parse_duration, schema};
use serde_json::Value;

use super::{SECTIONS, example_keys, known_keys, settings, uncommented};

/// Keys whose default is none: they must be written, or say nothing.
const WITHOUT_DEFAULT: [(&str, &str); 4] = [
    ("[[feed]]", "name"),
    ("[[feed]]", "url"),
    ("[[mirror]]", "name"),
    ("[[mirror]]", "origin"),
];

/// The schema of a table that the example has under this heading.
fn table<'a>(schema: &'a Value, section: &str) -> &'a Value {
    let name = section.trim_matches(['[', ']']);
    let path = match name {
        "image_proxy.weserv" => "/properties/image_proxy/additionalProperties".to_owned(),
        name if section.starts_with("[[") => format!("/properties/{name}/items"),
        name => format!("/properties/{name}"),
    };
    schema
        .pointer(&path)
        .unwrap_or_else(|| panic!("no {section}"))
}

fn keys(table: &Value) -> BTreeSet<String> {
    let properties = table["properties"].as_object().expect("a table");
    properties.keys().cloned().collect()
}

/// The JSON of a TOML document.
fn json(text: &str) -> Value {
    let document: toml::Table = toml::from_str(text).expect("TOML");
    serde_json::to_value(document).expect("JSON")
}

#[test]
fn the_schema_has_the_keys_that_are_read() {
    let schema = schema();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    for section in SECTIONS {
        assert_eq!(
            keys(table(&schema, section)),
            known_keys(section),
            "{section}"
        );
    }
    let tables: BTreeSet<String> = SECTIONS
        .iter()
        .map(|section| {
            section
                .trim_matches(['[', ']'])
                .replace("image_proxy.weserv", "image_proxy")
        })
        .collect();
    assert_eq!(keys(&schema), tables);
    let defaults = &table(&schema, "[defaults]")["properties"];
    let inner = |key: &str, path: &str| keys(defaults[key].pointer(path).expect("a table"));
    for (key, path, section) in [
        ("full_text", "/anyOf/1", "[defaults.full_text]"),
        ("archive", "/anyOf/1", "[defaults.archive]"),
        ("image_rules", "/items", "[[defaults.image_rules]]"),
        ("replace", "/items", "[[defaults.replace]]"),
        (
            "remove_attributes",
            "/items",
            "[[defaults.remove_attributes]]",
        ),
        ("keep", "/items", "[[defaults.keep]]"),
        ("drop", "/items", "[[defaults.drop]]"),
    ] {
        assert_eq!(inner(key, path), known_keys(section), "{section}");
    }
    let shares = &table(&schema, "[store]")["properties"]["shares"];
    assert_eq!(keys(shares), known_keys("[store.shares]"));
}

#[test]
fn the_schema_has_the_keys_of_the_example_and_no_other() {
    let schema = schema();
    for section in SECTIONS {
        let mut written: BTreeSet<String> = example_keys()
            .into_iter()
            .filter(|(of, _, _)| of == section)
            .map(|(_, key, _)| key)
            .collect();
        if section == "[[feed]]" {
            // The example says that a feed takes every key of the defaults.
            written.extend(keys(table(&schema, "[defaults]")));
        }
        assert_eq!(keys(table(&schema, section)), written, "{section}");
    }
}

#[test]
fn every_key_is_described() {
    fn check(path: &str, schema: &Value) {
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{key}");
            let is_share = path.contains(".shares.");
            let description = property["description"].as_str().unwrap_or_default();
            assert!(is_share || description.ends_with('.'), "{path}: {property}");
            check(&path, property);
            check(&path, &property["items"]);
            check(&path, &property["additionalProperties"]);
            for choice in property["anyOf"].as_array().into_iter().flatten() {
                check(&path, choice);
            }
        }
    }
    check("", &schema());
}

#[test]
fn the_example_is_valid_and_mistakes_are_not() {
    let validator = jsonschema::draft202012::new(&schema()).expect("a schema");
    let errors = |text: &str| -> Vec<String> {
        let document = json(text);
        let errors = validator.iter_errors(&document);
        errors.map(|error| error.to_string()).collect()
    };
    assert_eq!(errors(super::EXAMPLE), Vec::<String>::new());
    assert_eq!(errors(&uncommented()), Vec::<String>::new());
    let feed = "[[feed]]\nname = 'a'\nurl = 'https://x.example/'\n";
    for line in [
        "refresh = '1h30m'",
        "images = { proxy = 'builtin', w = 800 }",
        "headers = { Authorization = { env = 'TOKEN' } }",
        "proxy = { file = '/run/secret' }",
        "archive = { format = 'markdown', versions = 'overwrite' }",
        "full_text = { content = 'article', remove = ['.ad'], hosts = ['x.example'] }",
        "image_attributes = { width = '100%', loading = false }",
        "keep = [{ field = ['title', 'link'], pattern = 'a' }]",
        "image_rules = [{ host = 'x.example', images = 'none' }]",
    ] {
        assert_eq!(
            errors(&format!("{feed}{line}")),
            Vec::<String>::new(),
            "{line}"
        );
    }
    for line in [
        "refresh = 30",
        "refresh = '30'",
        "refresh = ''",
        "refresh = '5m1h'",
        "refersh = '1h'",
        "sanitize = 'all'",
        "keep_items = -1",
        "keep = [{ pattern = 'a' }]",
        "archive = 'markdown'",
        "headers = { Authorization = 1 }",
        "images = { w = 800 }",
    ] {
        assert!(!errors(&format!("{feed}{line}")).is_empty(), "{line}");
    }
    assert!(!errors("[[feed]]\nname = 'a'").is_empty(), "a feed's URL");
    assert!(!errors("[store]\ndisk_bytes = '2gib'").is_empty());
}

#[test]
fn defaults_are_those_of_the_example() {
    let schema = schema();
    for (section, key, value) in example_keys() {
        let found = &table(&schema, &section)["properties"][&key]["default"];
        let has_default = !WITHOUT_DEFAULT.contains(&(section.as_str(), key.as_str()))
            && !matches!(section.as_str(), "[[feed]]" | "[image_proxy.weserv]");
        if !has_default {
            assert!(found.is_null(), "{section} {key}: {found}");
            continue;
        }
        let written = &json(&format!("x = {value}"))["x"];
        let same_time = |a: &Value, b: &Value| {
            let time = |value: &Value| parse_duration(value.as_str()?).ok();
            time(a).is_some() && time(a) == time(b)
        };
        assert!(
            found == written || same_time(found, written),
            "{section} {key}: {found} is not {written}"
        );
    }
}

#[test]
fn what_the_schema_says_by_default_changes_nothing() {
    let schema = schema();
    let mut text = String::new();
    for section in SECTIONS
        .iter()
        .filter(|section| !section.contains("image_proxy"))
    {
        writeln!(text, "{section}").expect("text");
        match *section {
            "[[feed]]" => text.push_str("name = 'a'\nurl = 'https://x.example/'\n"),
            "[[mirror]]" => text.push_str("name = 'a'\norigin = 'https://x.example/'\n"),
            _ => {}
        }
        let properties = table(&schema, section)["properties"].as_object();
        for (key, property) in properties.into_iter().flatten() {
            if let Some(default) = property.get("default") {
                let default: toml::Value = serde_json::from_value(default.clone()).expect("TOML");
                writeln!(text, "{key} = {default}").expect("text");
            }
        }
    }
    let bare = "[server]\npublic_url = 'http://127.0.0.1:8080'\n[[feed]]\nname = 'a'\nurl = 'https://x.example/'\n\
        [[mirror]]\nname = 'a'\norigin = 'https://x.example/'\n";
    assert_eq!(
        format!("{:?}", settings(&text)),
        format!("{:?}", settings(bare))
    );
}
