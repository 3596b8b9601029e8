//! The commands as a shell runs them.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use crate::reader::get;
use crate::service::feed_of;

pub(crate) fn feedwright(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_feedwright"));
    command
        .args(arguments)
        .env_clear()
        .current_dir(std::env::temp_dir());
    command
}

/// Runs a command to its end with `input` on its standard input.
pub(crate) fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = feedwright(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input).ok());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

struct ConfigFile(tempfile::TempDir);

impl ConfigFile {
    fn new(toml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("feedwright.toml"), toml).unwrap();
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("feedwright.toml")
    }
}

const FEED: &str = "[[feed]]\nname = \"news\"\nurl = \"https://news.example.org/feed.xml\"\n";

#[test]
fn rewrite_writes_what_the_service_would_send() {
    let kept = ConfigFile::new(&format!("{FEED}envelope = \"keep\""));
    let feed = feed_of(30, 5_000);
    let kept = kept.path();
    let arguments = [
        "rewrite",
        "--feed",
        "news",
        "--config",
        kept.to_str().unwrap(),
    ];
    let same = run(&arguments, feed.as_bytes());
    assert!(same.status.success(), "{}", text(&same.stderr));
    assert_eq!(text(&same.stdout), feed);

    let proxied = ConfigFile::new(&format!("{FEED}images = \"wsrv\""));
    let path = proxied.path();
    let document = "<rss><channel><item><description>&lt;img src='a.png'&gt;</description></item></channel></rss>";
    let arguments = [
        "rewrite",
        "--feed",
        "news",
        "--config",
        path.to_str().unwrap(),
        "--url",
        "https://x.example/f/",
    ];
    let out = text(&run(&arguments, document.as_bytes()).stdout);
    assert!(
        out.contains("src='https://wsrv.nl/?url=https%3A%2F%2Fx.example%2Ff%2Fa.png'"),
        "{out}"
    );
}

#[test]
fn rewrite_says_what_the_service_would_refuse() {
    let config = ConfigFile::new(FEED);
    let path = config.path();
    let arguments = [
        "rewrite",
        "--feed",
        "news",
        "--config",
        path.to_str().unwrap(),
    ];
    for (input, message) in [
        ("<rss><channel><item>", "ends before its root is closed"),
        ("<html><body>hi</body></html>", "a web page"),
        ("", "empty"),
    ] {
        let output = run(&arguments, input.as_bytes());
        assert_eq!(output.status.code(), Some(1), "{input}");
        assert!(
            text(&output.stderr).contains(message),
            "{}",
            text(&output.stderr)
        );
        assert_eq!(text(&output.stdout), input);
    }
    let unknown = run(
        &[
            "rewrite",
            "--feed",
            "olds",
            "--config",
            path.to_str().unwrap(),
        ],
        b"",
    );
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("there are: news"));
}

#[test]
fn rewrite_explains_which_items_go_and_why() {
    let rules = "repair = false\nlimit = 1\ndrop = [{ field = \"title\", pattern = \"(?i)ads?\" }]\nfooter = \"<p>x</p>\"";
    let config = ConfigFile::new(&format!("{FEED}{rules}"));
    let path = config.path();
    let document = "<rss><channel><item><title>An \u{7}ad</title></item><item><title>a</title></item><item><title>b</title></item></channel></rss>";
    let explain = |form: &str| {
        let arguments = [
            "rewrite",
            "--feed",
            "news",
            "--config",
            path.to_str().unwrap(),
            form,
        ];
        let output = run(&arguments, document.as_bytes());
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout).matches("<item>").count(), 1);
        text(&output.stderr)
    };
    let said = explain("--explain");
    assert!(
        said.starts_with(
            "item 1: dropped by drop: its title matches `(?i)ads?`\n  - An \\u{7}ad\n"
        ),
        "{said}"
    );
    assert!(
        said.contains("item 3: dropped by limit: 1 items were kept before it\n  - b\n"),
        "{said}"
    );
    assert!(
        said.ends_with("1 changed, 0 left, 2 items dropped\n"),
        "{said}"
    );
    let lines = explain("--explain=json");
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["item"], &first["rule"]),
        (&1.into(), &"drop".into())
    );
    assert!(
        lines
            .trim_end()
            .ends_with("\"items_dropped\":2,\"left\":0,\"not_shown\":0}"),
        "{lines}"
    );
}

#[test]
fn check_reports_every_problem_and_where_it_is() {
    let good = ConfigFile::new(FEED);
    let output = run(&["check", "--config", good.path().to_str().unwrap()], b"");
    assert!(output.status.success());
    assert!(text(&output.stdout).contains("1 feed"));
    let bad = ConfigFile::new("[[feed]]\nname = \"a b\"\nrefresh = \"30\"\n");
    let output = run(&["check", "--config", bad.path().to_str().unwrap()], b"");
    assert_eq!(output.status.code(), Some(2));
    let report = text(&output.stderr);
    for part in [
        "feedwright.toml:2:8",
        "name = \"a b\"",
        "feed[0].refresh",
        "`url` is missing",
    ] {
        assert!(report.contains(part), "{part} is not in:\n{report}");
    }
    let schema = run(&["check", "--schema"], b"");
    assert!(schema.status.success());
    let schema: serde_json::Value = serde_json::from_slice(&schema.stdout).unwrap();
    assert_eq!(schema, feedwright::config::schema());
    let missing = run(&["check", "--config", "/nowhere/feedwright.toml"], b"");
    assert_eq!(missing.status.code(), Some(2));
}

/// A child that is ended with the test.
struct Running(Child);

impl Running {
    fn terminate(&mut self) -> Option<i32> {
        let pid = self.0.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::test]
async fn the_demo_serves_its_feeds_and_ends_when_told() {
    let mut command = feedwright(&["demo", "--listen", "127.0.0.1:0"]);
    let mut demo = Running(command.stderr(Stdio::piped()).spawn().unwrap());
    let lines = BufReader::new(demo.0.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let addresses: Vec<String> = lines
        .take_while(|line| !line.contains("Ctrl"))
        .filter_map(|line| {
            line.split("through Feedwright http://")
                .nth(1)
                .map(str::to_owned)
        })
        .collect();
    assert_eq!(addresses.len(), 4);
    for address in addresses {
        let (service, path) = address.split_once('/').unwrap();
        let service: SocketAddr = service.parse().unwrap();
        let mut text = String::new();
        // The article of the feed with full texts comes a moment later.
        for _ in 0..300 {
            let answer = get(service, &format!("/{path}"), &[]).await;
            assert_eq!(answer.status, 200, "{address}");
            text = answer.text().to_owned();
            if text.contains("/image/") {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert!(text.contains("/image/"), "{text}");
        let at = text.find("/image/").expect("an image of ours");
        let rest = &text[at..];
        let end = rest.find(['"', '\'', '<', ' ', '\\', ')']).unwrap();
        let image = get(service, &rest[..end], &[]).await;
        assert_eq!(
            image.status,
            200,
            "{}",
            String::from_utf8_lossy(&image.body)
        );
        assert_eq!(
            image.header("content-type"),
            "image/png",
            "{}",
            &rest[..end]
        );
    }
    assert_eq!(demo.terminate(), Some(0));
}

#[tokio::test]
async fn a_service_without_configuration_runs_and_is_healthy() {
    // A port that is free now; nothing else in this test asks for one.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let listen = format!("127.0.0.1:{port}");
    let probe = |listen: &str| {
        let mut command = feedwright(&["healthcheck"]);
        command
            .env("FEEDWRIGHT_SERVER_LISTEN", listen)
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .code()
    };
    assert_eq!(probe(&listen), Some(1));
    let mut command = feedwright(&["serve"]);
    command
        .env("FEEDWRIGHT_SERVER_LISTEN", &listen)
        .env("FEEDWRIGHT_STORE_PATH", "")
        .stderr(Stdio::null());
    let mut service = Running(command.spawn().unwrap());
    for _ in 0..100 {
        if probe(&listen) == Some(0) {
            break;
        }
    }
    assert_eq!(probe(&listen), Some(0));
    let page = get(listen.parse().unwrap(), "/", &[]).await;
    assert!(page.text().contains("no feed is configured yet"));
    assert_eq!(service.terminate(), Some(0));
}
