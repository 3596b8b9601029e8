//! Pages that are made to take memory or time: what they take is a worker's, and nobody else's.

use std::time::Duration;

use crate::commands::{run, text};
use crate::full_text::{self, feed, own_host, page, path_of};
use crate::origin::{Origin, Reply};
use crate::process::Process;
use crate::reader::get;

/// Makes a page of much markup.
type Make = fn() -> String;

/// Bodies of pages that browsers would take too long for, and what is said of each.
const SHAPES: &[(&str, &str, Make)] = &[
    ("/formatting", "too complex", || {
        let bold: String = (0..400).map(|n| format!("<b a={n}>")).collect();
        format!("<p>{bold}{}", "<p>x".repeat(500_000))
    }),
    ("/adoption", "too complex", || {
        "<a><div><div><div><div><div><div><div></a>".repeat(40_000)
    }),
    ("/comment", "too deep", || {
        format!("<!--x--!>{}", "<div>".repeat(60_000))
    }),
];

fn hostile(path: &str) -> Option<String> {
    let (_, _, make) = SHAPES.iter().find(|(name, _, _)| *name == path)?;
    let sentence = "Some long text of an article, with words and commas, so that it counts. ";
    let body = make();
    Some(format!(
        "<!DOCTYPE html><html><head><title>T</title></head><body><article><p>{sentence}{body}</article></body></html>"
    ))
}

async fn publisher() -> Origin {
    Origin::start(|head| {
        let html = |body: String| Reply::status(200, &[("content-type", "text/html")], body);
        match path_of(head) {
            "/bad.xml" => {
                let paths: Vec<_> = SHAPES.iter().map(|(path, _, _)| *path).collect();
                Reply::ok(feed(own_host(head), &paths))
            }
            "/good.xml" => Reply::ok(feed(own_host(head), &["/good"])),
            path => html(hostile(path).unwrap_or_else(|| page("Good", 4))),
        }
    })
    .await
}

async fn wait_until(
    what: &str,
    told: impl Fn() -> String,
    mut is_there: impl AsyncFnMut() -> bool,
) {
    for _ in 0..1_200 {
        if is_there().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what} never came:\n{}", told());
}

#[tokio::test]
async fn u26_pages_made_to_take_memory_or_time_cost_a_worker() {
    let publisher = publisher().await;
    let own = publisher.address();
    let one = |name: &str| {
        format!(
            "[[feed]]\nname = \"{name}\"\nurl = \"http://{own}/{name}.xml\"\nallow_private = [\"{own}\"]\nfull_text = true\n"
        )
    };
    let toml = format!(
        "[fetch]\nhost_spacing = \"0s\"\n[workers]\npage_timeout = \"3s\"\n{}{}",
        one("bad"),
        one("good")
    );
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start(folder.path(), &toml);
    assert_eq!(service.get("/feeds/bad").await.status, 200);
    wait_until(
        "the other feed's article",
        || service.log(),
        async || {
            let answer = service.get("/feeds/good").await;
            assert_eq!(answer.status, 200);
            answer.text().contains("Good 3: A sentence")
        },
    )
    .await;
    wait_until(
        "what was found of the pages",
        || service.log(),
        async || {
            let log = service.log();
            let is_told = |(path, reason, _): &(&str, &str, Make)| {
                let reason = format!("reason=\"{}\"", reason.replace(' ', "-"));
                log.lines()
                    .any(|line| line.contains(&format!("{path}\"")) && line.contains(&reason))
            };
            SHAPES.iter().all(is_told)
        },
    )
    .await;
    let answer = service.get("/feeds/bad").await;
    assert_eq!(answer.status, 200);
    assert!(!answer.text().contains("content:encoded"));
    // Trees that took hundreds of megabytes were none of the service's.
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak_kib: u64 = peak
        .unwrap()
        .trim()
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!(peak_kib < 200 << 10, "{peak_kib} KiB");
}

#[test]
fn extracting_on_the_command_line_is_bounded_like_the_service() {
    let extract = |page: &str| {
        let arguments = ["extract", "--url", "https://example.org/a"];
        let ended = run(&arguments, page.as_bytes());
        (
            ended.status.code(),
            text(&ended.stdout),
            text(&ended.stderr),
        )
    };
    for (path, reason, _) in SHAPES {
        let (code, _, error) = extract(&hostile(path).unwrap());
        assert_eq!(code, Some(1), "{path}: {error}");
        assert!(error.contains(reason), "{path}: {error}");
    }
    let (code, article, error) = extract(&page("Good", 4));
    assert_eq!(code, Some(0), "{error}");
    assert!(article.contains("Good 3: A sentence"), "{article}");
}

#[tokio::test]
async fn without_workers_feeds_go_on_and_articles_are_read_later_from_what_was_fetched() {
    let publisher = full_text::publisher(&["/a"], |_| {
        Reply::status(200, &[("content-type", "text/html")], page("Later", 4))
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let keys = format!("full_text = true\n[store]\npath = {:?}", folder.path());
    let first = full_text::service(&keys, &publisher).await;
    let mut options = first.app.workers.options();
    options.program = "/nonexistent".into();
    first.app.workers.set_options(&options);
    let answer = get(first.addr, "/feeds/news", &[]).await;
    assert_eq!(answer.status, 200);
    full_text::settled(&publisher, "/a", 1).await;
    let answer = get(first.addr, "/feeds/news", &[]).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.text().contains("content:encoded"));
    full_text::close(first).await;

    let second = full_text::service(&keys, &publisher).await;
    full_text::wait_for(&second, |text| text.contains("Later 3: A sentence")).await;
    assert_eq!(full_text::asked_for(&publisher, "/a"), 1);
    full_text::close(second).await;
}
