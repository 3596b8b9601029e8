//! Image proxies, the rules for some images, and the key of our own.

use feedwright::rewrite::Rules;
use feedwright::rewrite::target::Images;

use super::rules::check_refused;
use super::{report_on, settings};

/// What rules ask of the image proxies there are.
#[test]
fn image_rules() {
    let text = "
        [image]
        key = ['0123456789abcdef', 'hex:30313233343536373839616263646566']
        [image_proxy.mine]
        preset = 'imgproxy'
        base = 'https://p.example'
        options = 'rs:fit:800:0'
        [image_proxy.own]
        preset = 'builtin'
        options = 'w=800'
        [defaults]
        images = 'mine'
        image_rules = [
          { host = 'x.org', path = '*.gif', images = 'none' },
          { selector = '.wide img', options = 'rs:fit:1600:0' },
          { host = 'y.org', images = 'weserv', options = 'w=9' },
          { path = '/a/*', images = 'own', options = 'output=webp' },
        ]
        [[feed]]
        name = 'a'
        url = 'http://x/'
        [[feed]]
        name = 'b'
        url = 'http://x/'
        images = 'own'
        image_rules = [{ host = 'z.org', options = '' }]
    ";
    let settings = settings(text);
    let rules = &settings.feeds[0].rules;
    let made: Vec<String> = rules
        .image_rules
        .iter()
        .map(|rule| match &rule.images {
            None => "none".into(),
            Some(Images::Proxy(proxy)) => proxy.template.clone(),
            Some(Images::Builtin(options)) => options.to_string(),
        })
        .collect();
    let expected = [
        "none",
        "https://p.example/unsafe/rs:fit:1600:0/{url_b64}",
        "https://images.weserv.nl/?url={url_enc}&w=9",
        "output-webp",
    ];
    assert_eq!(made, expected);
    assert_eq!(rules.image_rules[1].selector.as_deref(), Some(".wide img"));
    let other = &settings.feeds[1].rules;
    assert!(matches!(&other.images, Some(Images::Builtin(own)) if own.as_str() == "w-800"));
    let of_rule = &other.image_rules[0].images;
    assert!(matches!(of_rule, Some(Images::Builtin(none)) if none.as_str() == "-"));
    for feed in settings.feeds {
        Rules::new(feed.rules).expect("the rules are right");
    }
}

#[test]
fn image_rules_that_are_refused() {
    let check = |rule: &str, path: &str| {
        check_refused(
            &format!("image_rules = [{rule}]"),
            &format!("{path} (feed \"a\")"),
        );
    };
    let at = "feed[0].image_rules[0]";
    check("{ images = 'none' }", at);
    check("{ host = 'x.org' }", at);
    check("{ host = 'x/', images = 'none' }", &format!("{at}.host"));
    check("{ path = '[', images = 'none' }", &format!("{at}.path"));
    check(
        "{ selector = 'a:has(b)', images = 'none' }",
        &format!("{at}.selector"),
    );
    check("{ host = 'x', images = 'nobody' }", &format!("{at}.images"));
    check(
        "{ host = 'x', images = 'none', options = 'w=1' }",
        &format!("{at}.options"),
    );
    check(
        "{ host = 'x', images = 'builtin', options = 'widht=1' }",
        &format!("{at}.options"),
    );
}

#[test]
fn options_that_an_image_proxy_does_not_take() {
    let rules = "image_rules = [{ host = 'x', options = 'w=1' }]";
    let feed = |images: &str| format!("images = '{images}'\n{rules}\n");
    let mine = "[image_proxy.mine]\n";
    let template = format!(
        "{}{mine}template = 'https://p.example/{{url}}'",
        feed("mine")
    );
    check_refused(&template, "feed[0].image_rules[0].options (feed \"a\")");
    let camo = format!(
        "{}{mine}preset = 'camo'\nbase = 'https://p.example'\nkey = 'k'",
        feed("mine")
    );
    check_refused(&camo, "feed[0].image_rules[0].options (feed \"a\")");
    // Two feeds that inherit the same mistake have it once.
    let feeds = "[[feed]]\nname = 'b'\nurl = 'http://x/'\n[[feed]]\nname = 'c'\nurl = 'http://x/'";
    let inherited = format!(
        "[defaults]\nimages = 'builtin'\nimage_rules = [{{ host = 'x', options = 'z=1' }}]\n{feeds}"
    );
    let report = report_on(&inherited);
    assert!(report.starts_with("error: defaults.image_rules[0].options: there is no option `z`"));
    assert_eq!(report.matches("error: ").count(), 1, "{report}");
}

#[test]
fn keys_of_our_own_image_proxy() {
    let check = |value: &str, path: &str| {
        let report = report_on(&format!("[image]\nkey = {value}"));
        assert!(report.starts_with(&format!("error: {path}: ")), "{report}");
        assert!(!report.contains("tooshort"), "{report}");
    };
    check("'tooshort'", "image.key");
    check("['0123456789abcdef', 'tooshort']", "image.key");
    check("['hex:0123456789abcdef', 'hex:xtooshort']", "image.key[1]");
    check("5", "image.key");
    check("{ env = 'NOBODY' }", "image.key.env");
    let feed = "[[feed]]\nname = 'a'\nurl = 'http://x/'\nimages = 'builtin'";
    assert!(settings(feed).lacks_image_key());
    let keyed = settings(&format!("[image]\nkey = '0123456789abcdef'\n{feed}"));
    assert!(!keyed.lacks_image_key() && !keyed.image_keys.is_empty());
    let shown = format!("{keyed:?}");
    assert!(!shown.contains("0123456789abcdef"), "{shown}");
    let elsewhere = settings(&feed.replace("builtin", "weserv"));
    assert!(!elsewhere.lacks_image_key());
    check_refused(
        "[image_proxy.own]\npreset = 'builtin'\nkey = '0123456789abcdef'",
        "image_proxy.own.preset",
    );
}

#[test]
fn images_may_be_asked_for_smaller() {
    let of = |images: &str| {
        let feed = "[[feed]]\nname = \"a\"\nurl = \"https://a.example/\"\n";
        let toml = format!("{feed}images = {images}\n");
        feedwright::config::parse("t.toml", &toml, std::iter::empty())
            .map(|settings| settings.feeds[0].rules.images.clone())
    };
    let asked = |images: &str| match of(images).unwrap() {
        Some(Images::Builtin(options)) => options.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        asked("{ proxy = \"builtin\", w = 800, output = \"webp\" }"),
        "output-webp_w-800"
    );
    assert_eq!(
        asked("{ proxy = \"builtin\", we = true, dpr = 1.5 }"),
        "dpr-1.5_we-true"
    );
    assert_eq!(asked("{ proxy = \"builtin\" }"), "-");
    for (images, reason) in [
        ("{ w = 800 }", "`proxy` is missing"),
        ("{ proxy = \"builtin\", widht = 5 }", "widht"),
        ("{ proxy = \"builtin\", w = [5] }", "`w` must be"),
        ("{ proxy = \"nobody\" }", "no such image proxy"),
    ] {
        let problems = of(images).unwrap_err().to_string();
        assert!(problems.contains(reason), "{images}: {problems}");
    }
}

/// Where nothing is said of images they come through us, if readers and we can reach them.
#[test]
fn images_that_nobody_wrote() {
    let check = |server: &str, defaults: &str, own: &str, expected: &str| {
        let text = format!(
            "[server]\n{server}\n[defaults]\n{defaults}\n[[feed]]\nname = 'a'\nurl = 'http://x/'\n{own}"
        );
        let found = match &settings(&text).feeds[0].rules.images {
            None => "none".to_owned(),
            Some(Images::Builtin(options)) => format!("builtin {options}"),
            Some(Images::Proxy(_)) => "another".to_owned(),
        };
        assert_eq!(found, expected, "{text}");
    };
    let public = "public_url = 'https://feeds.example.org'";
    check(public, "", "", "builtin -");
    check("", "", "", "none");
    check("", "", "images = 'builtin'", "builtin -");
    check(public, "", "images = 'none'", "none");
    check(public, "images = 'none'", "", "none");
    check(public, "images = 'weserv'", "", "another");
    check(public, "", "allow_private = ['x:80']", "none");
    check(public, "allow_private = ['x:80']", "", "none");
    check(
        public,
        "allow_private = ['x:80']",
        "allow_private = []",
        "builtin -",
    );
    check(
        public,
        "",
        "allow_private = ['x:80']\nimages = { proxy = 'builtin', w = 9 }",
        "builtin w-9",
    );
}
