//! What is refused, where, and with which words; what is read.

mod refusals;

use super::*;

fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

/// Every report as `line:column title`, and its lines of advice.
fn reports(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let Err(problems) = parse("f.toml", text, env(variables)) else {
        return Vec::new();
    };
    let mut reports: Vec<String> = Vec::new();
    for line in problems.to_string().lines() {
        let line = line.trim();
        if let Some(title) = line.strip_prefix("error: ") {
            reports.push(title.into());
        } else if let Some(position) = line.strip_prefix("--> f.toml:") {
            let title = reports.last_mut().expect("a title comes first");
            *title = format!("{position} {title}");
        } else if let Some(advice) = line.strip_prefix("= ") {
            let title = reports.last_mut().expect("a title comes first");
            *title = format!("{title} [{advice}]");
        }
    }
    assert_eq!(reports.len(), problems.count());
    reports
}

/// Each report must start with what is expected; a `…` in it stands for anything.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    check_with(text, &[], expected);
}

#[track_caller]
fn check_with(text: &str, variables: &[(&str, &str)], expected: &[&str]) {
    let reports = reports(text, variables);
    let fits = |report: &String, expected: &&str| {
        let mut rest = report.as_str();
        let mut parts = expected.split('…');
        let start = parts.next().unwrap_or_default();
        rest.strip_prefix(start).is_some_and(|after| {
            rest = after;
            parts.all(|part| match rest.find(part) {
                Some(at) => {
                    rest = &rest[at + part.len()..];
                    true
                }
                None => false,
            })
        })
    };
    let all = reports.len() == expected.len()
        && reports
            .iter()
            .zip(expected)
            .all(|(report, expected)| fits(report, expected));
    assert!(all, "{text}\ngot {reports:#?}\nexpected {expected:#?}");
}

/// A feed with this line in it.
#[track_caller]
fn check_feed(line: &str, expected: &[&str]) {
    check(
        &format!("[[feed]]\nname = 'a'\nurl = 'http://x.example/'\n{line}"),
        expected,
    );
}

#[track_caller]
fn settings(text: &str, variables: &[(&str, &str)]) -> Settings {
    parse("f.toml", text, env(variables)).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn a_report_shows_file_line_text_key_and_reason() {
    let text = "[[feed]]\nname = \"dw\"\nurl = \"https://rss.dw.com/\"\nrefresh = \"30\"\n";
    let problems = parse("config/f.toml", text, env(&[])).expect_err("no unit");
    assert_eq!(
        problems.to_string(),
        r#"error: feed[0].refresh (feed "dw"): `30` has no unit; a duration is a number with a unit: `ms`, `s`, `m`, `h` or `d`, such as `30s` or `1h30m`
 --> config/f.toml:4:11
  |
4 | refresh = "30"
  |           ^^^^"#
    );
    assert!(problems.coloured().contains("\u{1b}["));
}

#[test]
fn everything_is_reported_at_once_and_in_order() {
    check_with(
        "[server]\nlistn = 'x'\nlisten = 'y'\n[[feed]]\nname = 'DW'\nurl = 'ftp://x'\nrefresh = '30'\n[[feed]]\ntitle = 5",
        &[
            ("FEEDWRIGHT_SERVER_INDX", "1"),
            ("FEEDWRIGHT_LOG_FORMAT", "xml"),
        ],
        &[
            "2:1 server.listn: there is no such key [help: did you mean `listen`? known keys here: `listen`, `public_url`, …`index`]",
            "3:10 server.listen: expected an IP address and a port",
            "5:8 feed[0].name (feed \"DW\"): a feed's name has",
            "6:7 feed[0].url (feed \"DW\"): must start with `https://`",
            "7:11 feed[0].refresh (feed \"DW\"): `30` has no unit",
            "8:1 feed[1]: `name` is missing",
            "8:1 feed[1]: `url` is missing",
            "9:9 feed[1].title: expected text in quotes, found a bare number",
            "FEEDWRIGHT_LOG_FORMAT (log.format): expected `text` or `json` [note: FEEDWRIGHT_LOG_FORMAT is \"xml\"]",
            "FEEDWRIGHT_SERVER_INDX: there is no such variable [help: did you mean `FEEDWRIGHT_SERVER_INDEX`?]",
        ],
    );
}

#[test]
fn text_that_is_no_toml() {
    check(
        "a = 1\na = 2\nb = \"x\n[c",
        &[
            "2:1 no valid TOML: duplicate key",
            "3:7 no valid TOML: invalid basic string",
            "4:3 no valid TOML: unclosed table",
        ],
    );
    check("[feed", &["1:6 no valid TOML: unclosed table"]);
    check(
        "\u{feff}[server]\r\nlisten = 5\r\n",
        &["2:10 server.listen: expected text"],
    );
}

#[test]
fn variables_override_the_file() {
    let text = "[server]\nlisten = '127.0.0.1:1'\nindex = true\n[fetch]\nratio_max = 7";
    let settings = settings(
        text,
        &[
            ("FEEDWRIGHT_SERVER_LISTEN", "[::1]:2"),
            ("FEEDWRIGHT_SERVER_INDEX", "false"),
            ("FEEDWRIGHT_SERVER_PUBLIC_URL", "https://x.example/sub/"),
            ("FEEDWRIGHT_LOG_FORMAT", "json"),
            ("FEEDWRIGHT_STORE_MEMORY_BYTES", "2MiB"),
            ("FEEDWRIGHT_FETCH_RATIO_MAX", "8"),
            ("FEEDWRIGHT_CONFIG", "whatever"),
            ("FEEDWRIGHT_PORT", "tcp://10.0.0.1:80"),
            ("HOME", "/"),
        ],
    );
    assert_eq!(settings.server.listen.to_string(), "[::1]:2");
    assert!(!settings.server.index);
    assert_eq!(settings.server.public_url, "https://x.example/sub");
    assert_eq!(settings.log.format, LogFormat::Json);
    assert_eq!(settings.memory_bytes, 2 << 20);
    assert_eq!(settings.fetch.ratio_max, 8);
    check_with(
        "",
        &[("FEEDWRIGHT_FEED_NAME", "a")],
        &["FEEDWRIGHT_FEED_NAME: there is no such variable [help: known"],
    );
    check_with(
        "",
        &[("FEEDWRIGHT_FETCH_RATIO_MAX", "x")],
        &["FEEDWRIGHT_FETCH_RATIO_MAX (fetch.ratio_max): expected a whole"],
    );
}

/// Two feeds: one that says nothing, one that says otherwise.
const INHERITANCE: &str = r#"
        [server]
        listen = "0.0.0.0:81"
        [image_proxy.mine]
        template = "https://p.example/?u={url_enc}"
        [defaults]
        images = "mine"
        header = "<hr>"
        refresh = "1h"
        headers = { X-A = "1", X-B = { env = "SECRET" } }
        cookies = { env = "FEEDWRIGHT_COOKIE" }
        skip_hosts = ["Example.ORG"]
        [[feed]]
        name = "plain"
        url = "https://x.example/feed#top"
        [[feed]]
        name = "own"
        title = "Its own"
        url = "https://y.example/"
        images = "none"
        header = ""
        refresh = "5m"
        headers = {}
        cookies = ""
        skip_hosts = []
        envelope = "keep"
        proxy = "socks5h://u:p@127.0.0.1:9050"
        proxy_resolves = true
        allow_private = ["RSS-Bridge:80", "[::1]:3000"]
    "#;

#[test]
fn a_feed_inherits_what_it_does_not_say() {
    let settings = settings(
        INHERITANCE,
        &[("SECRET", "two\n"), ("FEEDWRIGHT_COOKIE", "sid=3")],
    );
    let [plain, own] = settings.feeds.as_slice() else {
        panic!("two feeds");
    };
    assert_eq!(
        plain.rules.images,
        Some("https://p.example/?u={url_enc}".into())
    );
    assert_eq!(plain.rules.header.as_deref(), Some("<hr>"));
    assert_eq!(plain.rules.self_url, "http://127.0.0.1:81/feeds/plain");
    assert_eq!(plain.rules.skip_hosts, ["example.org"]);
    assert_eq!(plain.upstream.url.as_str(), "https://x.example/feed");
    assert_eq!(plain.refresh.as_secs(), 3_600);
    assert!(
        plain
            .upstream
            .headers
            .iter()
            .all(|(_, value)| value.is_sensitive())
    );
    let names = plain
        .upstream
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()));
    assert!(names.eq([("x-a", &b"1"[..]), ("x-b", &b"two"[..])]));
    assert!(
        plain
            .upstream
            .cookies
            .as_ref()
            .is_some_and(|cookies| cookies == "sid=3")
    );
    assert_eq!(
        (own.title.as_deref(), own.rules.images.as_ref()),
        (Some("Its own"), None)
    );
    assert_eq!(
        (own.rules.header.as_deref(), own.rules.keep_envelope),
        (None, true)
    );
    assert!(own.upstream.headers.is_empty() && own.upstream.cookies.is_none());
    assert_eq!(own.refresh.as_secs(), 300);
    let hosts = own
        .upstream
        .allow_private
        .iter()
        .map(|at| (at.host.as_str(), at.port));
    assert!(hosts.eq([("rss-bridge", 80), ("::1", 3000)]));
    let debug = format!("{settings:?}");
    assert!(!debug.contains("sid=3") && !debug.contains("9050") && !debug.contains("two"));
}

#[test]
fn no_report_shows_a_secret() {
    for text in [
        "[[feed]]\nheaders = { Authorization = 'hunter2', Host = 'hunter2' }",
        "[[feed]]\nheaders = 'hunter2'",
        "[[feed]]\ncookies = \"hunter2\\u0000\"",
        "[[feed]]\ncookies = ['hunter2', { a = 'hunter2' }]",
        "[[feed]]\ncookie = 'hunter2'",
        "[[feed]]\nproxy = 'ftp://u:hunter2@x'",
        "[[feed]]\nurl = 'https://u:hunter2@x'",
        "[server]\npublic_url = 'https://u:hunter2@x'",
        "[feed.headers]\nX = 'hunter2",
        "[[feed]]\nheaders = {\n X = 'hunter2\n}",
        "[[feed]]\nCookie = 'hunter2",
    ] {
        let problems = parse("f.toml", text, env(&[])).expect_err(text).to_string();
        assert!(problems.contains("f.toml:"), "{problems}");
        assert!(!problems.contains("hunter2"), "{problems}");
    }
}
