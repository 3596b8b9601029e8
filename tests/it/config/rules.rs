//! What the rules of a feed refuse, as an operator sees it.

use feedwright::rewrite::target::Images;

use super::{DOCUMENTATION, EXAMPLE, parse, report_on, settings};

#[track_caller]
pub(super) fn check_refused(line: &str, path: &str) {
    let text = format!("[[feed]]\nname = 'a'\nurl = 'http://x/'\n{line}");
    let report = report_on(&text);
    assert!(report.starts_with(&format!("error: {path}: ")), "{report}");
    assert_eq!(report.matches("\nerror: ").count(), 0, "{report}");
}

#[test]
fn image_proxy_templates() {
    let check = |template: &str| {
        let line = format!("[image_proxy.mine]\ntemplate = '{template}'");
        check_refused(&line, "image_proxy.mine.template");
    };
    check("https://p.example/{nope}");
    check("https://p.example/");
    check("p.example/{url}");
}

#[test]
fn headers_and_footers() {
    check_refused("header = '{{ item.titel }}'", "feed[0].header (feed \"a\")");
    check_refused(
        "footer = '{{ item.title | shout }}'",
        "feed[0].footer (feed \"a\")",
    );
    check_refused("footer = '{% if %}'", "feed[0].footer (feed \"a\")");
}

#[test]
fn selectors() {
    check_refused(
        "skip_images = ['img', 'img:has(a)']",
        "feed[0].skip_images[1] (feed \"a\")",
    );
    check_refused("skip_images = ['']", "feed[0].skip_images[0] (feed \"a\")");
}

#[test]
fn presets() {
    let images = |name: &str, more: &str| {
        let text = format!("[[feed]]\nname = 'a'\nurl = 'http://x/'\nimages = '{name}'\n{more}");
        settings(&text).feeds[0].rules.images.clone()
    };
    let template = |name: &str| match images(name, "") {
        Some(Images::Proxy(proxy)) => proxy.template,
        other => panic!("{other:?}"),
    };
    let weserv = template("weserv");
    assert!(weserv.starts_with("https://images.weserv.nl/"), "{weserv}");
    assert!(template("wsrv").contains("wsrv.nl"));
    assert_eq!(images("none", ""), None);
    let mine = "[image_proxy.weserv]\ntemplate = 'https://p.example/{url_enc}'";
    assert_eq!(
        images("weserv", mine),
        Some("https://p.example/{url_enc}".into())
    );
    // The example shows the preset's own template.
    assert!(EXAMPLE.contains(&format!("#template = \"{weserv}\"\n")));
}

#[test]
fn near_misses_of_presets() {
    let text = "[defaults]\nimages = 'wsev'";
    let report = report_on(text);
    assert!(
        report.contains("known here: `none`, `builtin`, `weserv`, `wsrv`"),
        "{report}"
    );
}

#[test]
fn the_documentations_examples_are_valid() {
    let examples: Vec<&str> = DOCUMENTATION
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .collect();
    assert!(examples.len() >= 5);
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("token");
    std::fs::write(&file, "secret\n").expect("a file");
    for example in examples {
        let text = example.replace("/run/secrets/example", &file.display().to_string());
        let env = ["EXAMPLE_TOKEN", "EXAMPLE_COOKIES"].map(|name| (name.into(), "a=b".into()));
        if let Err(problems) = parse("docs/configuration/*.md", &text, env) {
            panic!("{problems}");
        }
    }
}
