//! Workers as processes of a running service: killed, orphaned, of a program that was replaced.

use std::path::Path;
use std::time::Duration;

use super::{ENDLESS, flat};
use crate::origin::{Origin, Reply};
use crate::process::{Process, children, until};

/// Bytes of memory that belong to a process alone; none when it has gone.
fn own_kib(id: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("RssAnon"));
    let digits = line.and_then(|line| line.split_whitespace().nth(1));
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Hundredths of a second of a core that a process has used.
fn ticks(id: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let fields = text.rsplit(')').next().unwrap_or_default();
    let user = fields.split_whitespace().nth(11);
    user.and_then(|user| user.parse().ok()).unwrap_or(0)
}

async fn start(folder: &Path, keys: &str, shell: &str) -> (Origin, Process) {
    let good = flat(2_000);
    let origin = Origin::start(move |head| match head.contains("/endless") {
        true => Reply::ok(ENDLESS.as_bytes()),
        false => Reply::ok(&good),
    })
    .await;
    let host = origin.address();
    let toml = format!(
        "[store]\npath = \"\"\n[image]\nopen = true\nallow_private = [\"{host}\"]\nkey = \"a key of enough bytes\"\n{keys}\n"
    );
    let process = Process::start_with(folder, &toml, shell);
    (origin, process)
}

fn path(origin: &Origin, name: &str) -> String {
    format!("/image?url={}/{name}&w=20", origin.address())
}

fn is_alive(id: u32) -> bool {
    Path::new(&format!("/proc/{id}/statm")).exists()
        && std::fs::read_to_string(format!("/proc/{id}/statm"))
            .is_ok_and(|text| !text.starts_with("0 "))
}

#[tokio::test(flavor = "multi_thread")]
async fn r8_a_killed_worker_is_one_failed_job() {
    let folder = tempfile::tempdir().unwrap();
    let (origin, service) = start(folder.path(), "work_timeout = \"5m\"", "").await;
    let endless = path(&origin, "endless");
    let killing = async {
        // One that only starts has not used so much of a core.
        let busy = || {
            children(service.id())
                .into_iter()
                .find(|id| ticks(*id) > 30)
        };
        until("a worker is at it", async || busy().is_some()).await;
        let worker = rustix::process::Pid::from_raw(busy().unwrap().cast_signed()).unwrap();
        rustix::process::kill_process(worker, rustix::process::Signal::KILL).unwrap();
    };
    let (answer, ()) = tokio::join!(service.get(&endless), killing);
    assert_eq!(answer.status, 404, "{}", answer.text());
    until("it is logged", async || {
        let log = service.log();
        log.contains("worker ended") && log.contains("signal 9")
    })
    .await;
    assert_eq!(service.get(&path(&origin, "good")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_end_with_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let (origin, service) = start(folder.path(), "", "").await;
    assert_eq!(service.get(&path(&origin, "good")).await.status, 200);
    let workers = children(service.id());
    assert!(!workers.is_empty());
    service.kill();
    until("the workers have ended", async || {
        !workers.iter().any(|id| is_alive(*id))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_of_the_file_breaks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("feedwright");
    let shell = format!(
        "cp \"$0\" '{0}'\nexec '{0}' \"$@\"",
        program.to_str().unwrap()
    );
    let (origin, service) = start(folder.path(), "", &shell).await;
    std::fs::remove_file(&program).unwrap();
    std::fs::write(&program, "#!/bin/sh\nexit 1\n").unwrap();
    let answer = service.get(&path(&origin, "good")).await;
    assert_eq!(answer.status, 200, "{}", service.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_of_all_workers_stays_within_the_budget() {
    let folder = tempfile::tempdir().unwrap();
    let (origin, service) = start(
        folder.path(),
        "work_bytes = \"96MiB\"\nwork_timeout = \"5m\"",
        "",
    )
    .await;
    let work = async {
        let requests = (0..12).map(|number| {
            let path = path(&origin, &format!("{number}")) + "&output=webp";
            let service = &service;
            async move { service.get(&path).await.status }
        });
        let statuses = futures_util::future::join_all(requests).await;
        assert_eq!(statuses, [200; 12]);
    };
    let mut peak = 0;
    let mut work = std::pin::pin!(work);
    loop {
        let held: u64 = children(service.id()).into_iter().map(own_kib).sum();
        peak = peak.max(held);
        let step = tokio::time::timeout(Duration::from_millis(5), &mut work).await;
        if step.is_ok() {
            break;
        }
    }
    println!("workers held {peak} KiB at most");
    assert!((1 << 10..96 << 10).contains(&peak), "{peak} KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_limits_are_taken_over_at_a_reload() {
    let folder = tempfile::tempdir().unwrap();
    let (origin, service) = start(folder.path(), "", "").await;
    assert_eq!(service.get(&path(&origin, "one")).await.status, 200);
    let file = folder.path().join("feedwright.toml");
    let toml = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, toml + "[workers]\nidle_timeout = \"1s\"\n").unwrap();
    service.signal("HUP");
    until("it has read it", async || {
        service.log().contains("configuration reloaded")
    })
    .await;
    assert_eq!(service.get(&path(&origin, "two")).await.status, 200);
    until("its workers have ended", async || {
        children(service.id()).is_empty()
    })
    .await;
}
