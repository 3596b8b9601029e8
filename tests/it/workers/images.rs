//! Hostile images at a running service.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::{ENDLESS, flat};
use crate::origin::{Origin, Reply};
use crate::process::{Process, until};
use crate::reader::get;
use crate::service::{Service, feed_of};

/// A PNG whose colour profile unpacks to so many MiB.
fn profile_bomb(mib: usize) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..mib {
        packed.write_all(&[0; 1 << 20]).unwrap();
    }
    let mut profile = b"a\0\0".to_vec();
    profile.extend(packed.finish().unwrap());
    let png = flat(8);
    // Behind the signature and IHDR.
    let (start, rest) = png.split_at(33);
    let mut chunk = b"iCCP".to_vec();
    chunk.extend(profile);
    let mut crc = flate2::Crc::new();
    crc.update(&chunk);
    let length = (chunk.len() - 4) as u32;
    [
        start,
        &length.to_be_bytes(),
        &chunk,
        &crc.sum().to_be_bytes(),
        rest,
    ]
    .concat()
}

/// A small drawing whose pattern takes gigabytes.
pub(super) fn pattern_bomb() -> Vec<u8> {
    svg(
        "<pattern id='a' width='30000' height='20000' patternUnits='userSpaceOnUse'><rect width='20000' height='20000'/></pattern><rect width='9' height='9' fill='url(#a)'/>",
    )
}

fn svg(inner: &str) -> Vec<u8> {
    format!("<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' width='40' height='30'>{inner}</svg>").into_bytes()
}

/// Images that take a decoder down, and what it does to it.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let mut laughs = String::from("<defs><g id='l0'><rect width='2' height='2'/></g>");
    for level in 1..9 {
        let ten = format!("<use xlink:href='#l{}'/>", level - 1).repeat(10);
        laughs += &format!("<g id='l{level}'>{ten}</g>");
    }
    vec![
        // A path that its own library rejects, within a destructor.
        (
            "panic.svg",
            svg(
                "<pattern id='a' width='2' height='3'><path d='M1 -3e30L4 0A2 2 0 0 1 9 5Z'/></pattern><g><rect width='9' height='7' fill='url(#a)' stroke='url(#b)' stroke-dasharray='2 3'/></g>",
            ),
        ),
        (
            "deep.svg",
            svg(&("<g>".repeat(30_000) + &"</g>".repeat(30_000))),
        ),
        (
            "layers.svg",
            svg(
                "<g opacity='.5' transform='scale(400)'><rect x='-99' y='-99' width='999' height='999'/><g opacity='.4'><rect x='-99' y='-99' width='999' height='999'/></g></g>",
            ),
        ),
        ("pattern.svg", pattern_bomb()),
        (
            "laughs.svg",
            svg(&(laughs + "</defs><use xlink:href='#l8'/>")),
        ),
        ("endless.svg", ENDLESS.as_bytes().to_vec()),
        ("profile.png", profile_bomb(300)),
        ("large.png", flat(8_000)),
    ]
}

fn config(origin: &Origin, keys: &str) -> String {
    let host = origin.address();
    format!(
        "[store]\npath = \"\"\n[image]\nopen = true\nallow_private = [\"{host}\"]\nkey = \"a key of enough bytes\"\n{keys}\n[[feed]]\nname = \"news\"\nurl = \"http://{host}/feed.xml\"\nallow_private = [\"{host}\"]\n"
    )
}

/// Serves those, a feed, and an image that is none of them.
async fn publisher() -> Origin {
    let (hostile, good, feed) = (hostile(), flat(300), feed_of(3, 100));
    Origin::start(move |head| {
        let path = head.split(['/', ' ', '?']).nth(2).unwrap_or_default();
        match hostile.iter().find(|(name, _)| *name == path) {
            Some((_, bytes)) => Reply::ok(bytes),
            None if path == "feed.xml" => Reply::ok(&feed),
            None => Reply::ok(&good),
        }
    })
    .await
}

fn path(origin: &Origin, name: &str) -> String {
    format!("/image?url={}/{name}&w=20", origin.address())
}

#[tokio::test(flavor = "multi_thread")]
async fn r8_hostile_images_cost_a_worker_and_nothing_else() {
    let origin = publisher().await;
    let folder = tempfile::tempdir().unwrap();
    let keys = "work_bytes = \"96MiB\"\nwork_timeout = \"3s\"";
    let service = Process::start(folder.path(), &config(&origin, keys));
    assert_eq!(service.get(&path(&origin, "good.png")).await.status, 200);
    assert_eq!(service.get("/feeds/news").await.status, 200);
    let before = service.status_of("VmHWM");
    for (name, bytes) in hostile() {
        let hostile = path(&origin, name);
        let (hostile, feed) = tokio::join!(service.get(&hostile), service.get("/feeds/news"));
        println!("{name} ({} bytes): {}", bytes.len(), hostile.status);
        // What is drawn within the limits is no harm.
        assert!(
            matches!(hostile.status, 200 | 400 | 404),
            "{name}: {}",
            hostile.status
        );
        assert_eq!(feed.status, 200, "{name}");
        let name = format!("good-{name}.png");
        assert_eq!(
            service.get(&path(&origin, &name)).await.status,
            200,
            "{name}"
        );
    }
    for reason in ["late", "memory", "crashed"] {
        let what = format!("reason=\"{reason}\"");
        until(&what, async || service.log().contains(&what)).await;
    }
    // Kilobytes: what the images took was not here.
    let grown = service.status_of("VmHWM") - before;
    assert!(grown < 32 << 10, "the service grew by {grown} KiB");
}

#[tokio::test]
async fn r9_without_workers_feeds_and_untouched_images_are_served() {
    let origin = publisher().await;
    let toml = config(&origin, "");
    let service = Service::with_program(&toml, origin.address(), "/nowhere/feedwright").await;
    let answer = get(service.addr, &path(&origin, "a.png"), &[]).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.header("cache-status").contains("detail=no-worker"));
    let untouched = format!("/image?url={}/a.png", origin.address());
    assert_eq!(get(service.addr, &untouched, &[]).await.body, flat(300));
    assert_eq!(get(service.addr, "/feeds/news", &[]).await.status, 200);
    assert_eq!(service.app.workers.counters().started, 0);
}

#[tokio::test]
async fn what_needs_no_pixels_starts_no_worker() {
    let origin = publisher().await;
    let service = Service::start(&config(&origin, ""), origin.address()).await;
    let untouched = format!("/image?url={}/a.png", origin.address());
    assert_eq!(get(service.addr, &untouched, &[]).await.status, 200);
    let text = format!("/image?url={}/feed.xml&w=5", origin.address());
    assert_eq!(get(service.addr, &text, &[]).await.status, 404);
    assert_eq!(service.app.workers.counters().jobs, 0);
    // What is asked twice is made once.
    for _ in 0..2 {
        assert_eq!(
            get(service.addr, &path(&origin, "a.png"), &[]).await.status,
            200
        );
    }
    assert_eq!(service.app.workers.counters().jobs, 1);
    tokio::time::timeout(Duration::from_secs(60), service.drain())
        .await
        .unwrap();
}
