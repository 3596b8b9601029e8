//! Disks that are full, broken, read-only or taken: readers notice nothing, the operator is told, and
//! when the disk is well again things are stored again.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::origin::{Origin, Reply};
use crate::process::{Process, run, until};
use crate::service::feed_of;

const READY: &str = "ready\n";
const DEGRADED: &str = "ready, but nothing is stored at present\n";

/// A publisher of feeds that hardly get smaller by compression: each its own, of some 150 KB.
async fn publisher() -> Origin {
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let origin = Origin::bind(everywhere, |head| {
        let path = head.split(' ').nth(1).unwrap();
        let mut state = path
            .bytes()
            .fold(7_u64, |sum, byte| sum * 31 + u64::from(byte));
        let mut word = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            format!("{:016x} ", state ^ (state >> 29))
        };
        let noise: String = (0..9_000).map(|_| word()).collect();
        let feed = feed_of(1, 10).replace("Sentence", &format!("{path} {noise}"));
        Reply::status(200, &[("etag", &format!("\"{path}\""))], feed)
    });
    origin.await.unwrap()
}

/// A configuration of so many feeds, each of a host of its own, `f0` and so on.
fn feeds(publisher: &Origin, path: &Path, count: usize) -> String {
    let mut toml = format!("[store]\npath = \"{}\"\n", path.display());
    for n in 0..count {
        let host = format!("127.79.0.{}:{}", n + 1, publisher.address().port());
        toml += &format!(
            "[[feed]]\nname = \"f{n}\"\nurl = \"http://{host}/f{n}\"\nallow_private = [\"{host}\"]\n"
        );
    }
    toml
}

/// A file system of a few MB in memory; gone when it is dropped.
struct Disk(PathBuf);

impl Disk {
    /// `None`, said loudly, where this may not be done.
    fn mount(at: &Path, options: &str) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let disk = Self(at.to_owned());
        if disk.call("mount", &["-t", "tmpfs", "-o", options, "tmpfs"]) {
            return Some(disk);
        }
        println!("SKIPPED: only root can mount the disk of this test");
        None
    }

    fn remount(&self, options: &str) {
        assert!(self.call("mount", &["-o", &format!("remount,{options}")]));
    }

    fn call(&self, program: &str, arguments: &[&str]) -> bool {
        let mut command = Command::new(program);
        let done = command.args(arguments).arg(&self.0).output();
        done.is_ok_and(|output| output.status.success())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What makes it read-only may be a second mount above the first.
        for _ in 0..2 {
            self.call("umount", &["-l"]);
        }
    }
}

/// Every feed is served whole.
async fn serves_all(service: &Process, feeds: std::ops::Range<usize>) {
    for n in feeds {
        let answer = service.get(&format!("/feeds/f{n}")).await;
        assert_eq!((answer.status, answer.whole), (200, true), "f{n}");
        assert!(answer.text().contains(&format!("/f{n} ")), "f{n}");
        assert!(!answer.header("cache-status").contains("detail"), "f{n}");
    }
}

/// What the disk refuses is told once, not once for each feed.
fn tells_once(service: &Process) {
    let log = service.log();
    assert_eq!(log.matches("the store is off").count(), 1, "{log}");
}

/// How many of the feeds are stored, as `feedwright cache list` sees it from outside.
fn stored(folder: &Path) -> usize {
    let file = folder.join("feedwright.toml");
    let output = run(&["cache", "list", "--config", file.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("damaged"), "{text}");
    text.lines()
        .filter(|line| line.starts_with("feeds"))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_with_a_full_disk_the_service_runs_from_memory_and_stores_again_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk");
    let Some(_disk) = Disk::mount(&path, "size=4m") else {
        return;
    };
    let publisher = publisher().await;
    let toml = feeds(&publisher, &path.join("data"), 30);
    let service = Process::start(folder.path(), &toml);
    serves_all(&service, 0..5).await;
    until("five are stored", async || stored(folder.path()) == 5).await;
    let fill = path.join("ballast");
    // As much as there is room for.
    std::fs::write(&fill, vec![7; 8 << 20]).unwrap_err();
    serves_all(&service, 0..30).await;
    until("it says so", async || service.readiness().await == DEGRADED).await;
    assert_eq!(service.get("/healthz").await.status, 200);
    serves_all(&service, 0..30).await;
    tells_once(&service);
    assert_eq!(publisher.seen().len(), 30, "each was fetched once");

    std::fs::remove_file(&fill).unwrap();
    until("it is back", async || service.readiness().await == READY).await;
    serves_all(&service, 0..30).await;
    // What comes now is stored: a feed that was purged, and fetched anew.
    let file = folder.path().join("feedwright.toml");
    let purge = [
        "cache",
        "purge",
        "--feed",
        "f20",
        "--config",
        file.to_str().unwrap(),
    ];
    assert!(run(&purge).status.success());
    until("it is fetched anew", async || {
        serves_all(&service, 20..21).await;
        stored(folder.path()) >= 1
    })
    .await;
    service.kill();
    // Nothing that is there is damaged, and the disk, nearly full, is no reason not to start.
    let service = Process::start(folder.path(), &toml);
    serves_all(&service, 0..5).await;
    assert!(!service.log().contains("damaged"), "{}", service.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_a_disk_that_becomes_read_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk");
    let Some(disk) = Disk::mount(&path, "size=64m") else {
        return;
    };
    let publisher = publisher().await;
    let toml = feeds(&publisher, &path.join("data"), 12);
    let service = Process::start(folder.path(), &toml);
    serves_all(&service, 0..4).await;
    until("four are stored", async || stored(folder.path()) == 4).await;
    // Files that are open for writing stand in the way of a polite remount; a broken disk asks nobody.
    assert!(disk.call("mount", &["-o", "remount,ro,force"]) || read_only_by_bind(&disk));
    serves_all(&service, 0..12).await;
    until("it says so", async || service.readiness().await == DEGRADED).await;
    serves_all(&service, 0..12).await;
    tells_once(&service);
    assert_eq!(publisher.seen().len(), 12);
    disk.remount("rw");
    until("it is back", async || service.readiness().await == READY).await;
    assert_eq!(service.terminate().await, Some(0));
}

fn read_only_by_bind(disk: &Disk) -> bool {
    let path = disk.0.to_str().unwrap();
    disk.call("mount", &["--bind", path]) && disk.call("mount", &["-o", "remount,bind,ro"])
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_a_disk_that_takes_no_more_bytes_of_a_file() {
    // EFBIG for whatever grows beyond 512 KB, as EIO comes for whatever is broken; needs no root.
    let folder = tempfile::tempdir().unwrap();
    let publisher = publisher().await;
    let toml = feeds(&publisher, &folder.path().join("data"), 20);
    let limit = "trap '' XFSZ\nulimit -S -f 1024";
    let service = Process::start_with(folder.path(), &toml, limit);
    // Small changes, many: it is the database's log that may not grow.
    serves_all(&service, 0..20).await;
    let file = folder.path().join("feedwright.toml");
    let file = file.to_str().unwrap();
    until("the log has grown to its limit", async || {
        let all = ["cache", "purge", "--all", "--config", file];
        run(&all);
        serves_all(&service, 0..20).await;
        service.readiness().await == DEGRADED
    })
    .await;
    serves_all(&service, 0..20).await;
    let lifted = Command::new("prlimit")
        .args(["--pid", &service.id().to_string(), "--fsize=unlimited:"])
        .status();
    assert!(lifted.unwrap().success());
    until("it is back", async || service.readiness().await == READY).await;
    serves_all(&service, 0..20).await;
    assert_eq!(service.terminate().await, Some(0));
    let service = Process::start(folder.path(), &toml);
    serves_all(&service, 0..20).await;
    assert!(!service.log().contains("damaged"), "{}", service.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_a_directory_that_cannot_be_made_is_no_reason_not_to_serve() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = publisher().await;
    let path = folder.path().join("file");
    std::fs::write(&path, "no directory").unwrap();
    let toml = feeds(&publisher, &path.join("data"), 3) + "images = \"builtin\"\n";
    let service = Process::start(folder.path(), &toml);
    serves_all(&service, 0..3).await;
    assert_eq!(service.readiness().await, DEGRADED);
    let lost = "signed with a key that is lost when the service ends: set `[store] path` or `[image] key` reason=\"a key can't be kept in";
    assert!(service.log().contains(lost), "{}", service.log());
    std::fs::remove_file(&path).unwrap();
    until("it is there", async || service.readiness().await == READY).await;
    assert_eq!(service.terminate().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn d4_a_second_process_says_so_runs_from_memory_and_takes_over() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let publisher = publisher().await;
    let toml = feeds(&publisher, &folders[0].path().join("data"), 3);
    let first = Process::start(folders[0].path(), &toml);
    serves_all(&first, 0..3).await;
    until("all are stored", async || stored(folders[0].path()) == 3).await;
    let second = Process::start(folders[1].path(), &toml);
    assert_eq!(second.readiness().await, DEGRADED);
    let log = second.log();
    let expected = format!("is in use by another process ({})", first.id());
    assert!(
        log.contains("the store is off: running from memory"),
        "{log}"
    );
    assert!(log.contains(&expected), "{log}");
    serves_all(&second, 0..3).await;
    assert_eq!(publisher.seen().len(), 6, "it has a memory of its own");
    assert_eq!(first.readiness().await, READY);
    serves_all(&first, 0..3).await;
    // As after a crash: nobody gave the directory back.
    first.kill();
    until("the second has it", async || {
        second.readiness().await == READY
    })
    .await;
    serves_all(&second, 0..3).await;
    assert_eq!(second.terminate().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn d2_after_kill_9_readers_get_the_same_bytes_and_publishers_no_request() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = publisher().await;
    let toml = feeds(&publisher, &folder.path().join("data"), 40);
    let service = Process::start(folder.path(), &toml);
    let mut before = Vec::new();
    for n in 0..40 {
        let answer = service.get(&format!("/feeds/f{n}")).await;
        assert_eq!(answer.status, 200);
        before.push(answer);
    }
    until("all are stored", async || stored(folder.path()) == 40).await;
    service.kill();
    for round in 0..3 {
        let service = Process::start(folder.path(), &toml);
        for (n, old) in before.iter().enumerate() {
            let new = service.get(&format!("/feeds/f{n}")).await;
            assert_eq!(new.body, old.body, "round {round}: f{n}");
            for name in ["etag", "last-modified", "content-type"] {
                assert_eq!(new.header(name), old.header(name), "round {round}: f{n}");
            }
            let status = new.header("cache-status");
            assert!(status.starts_with("Feedwright; hit; ttl="), "{status}");
        }
        assert_eq!(publisher.seen().len(), 40, "round {round}");
        service.kill();
    }
}
