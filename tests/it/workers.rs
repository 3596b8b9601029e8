//! Worker processes: what untrusted images do to them, and that nothing else notices.

mod images;
mod processes;

use std::path::{Path, PathBuf};
use std::time::Duration;

use feedwright::images::options;
use feedwright::images::processing::job::ProcessingRequest;
use feedwright::images::transform::ImageTransform;
use feedwright::workers::{
    WorkerAnswer, WorkerError, WorkerJob, WorkerKind, WorkerOptions, Workers,
};
use image::{ImageFormat, Rgb, RgbImage};
use tokio::time::Instant;

use crate::process::until;

/// A drawing that takes a core for years.
const ENDLESS: &str = "<svg xmlns='http://www.w3.org/2000/svg' width='900' height='700'><filter id='a'><feTurbulence baseFrequency='0' numOctaves='3000000000' seed='4'/></filter><circle r='300' cx='400' cy='300' filter='url(#a)'/></svg>";
const MIB: u64 = 1 << 20;

/// A pool of its own with this program.
fn pool(program: impl Into<PathBuf>, work_bytes: u64) -> Workers {
    let options = WorkerOptions {
        program: program.into(),
        ..WorkerOptions::default()
    };
    Workers::new(&options, work_bytes, |_| Vec::new())
}

fn own_program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_feedwright"))
}

fn job(kind: WorkerKind, head: &[u8], body: &[u8]) -> WorkerJob {
    WorkerJob {
        kind,
        grant_bytes: 32 * MIB,
        deadline: Instant::now() + Duration::from_secs(60),
        work_max: None,
        head: head.to_vec(),
        body: vec![body.to_vec().into()],
        subject: "http://127.0.0.1/a".into(),
    }
}

/// What is asked of an image.
fn asked(query: &str) -> Vec<u8> {
    let options = options::UrlOptions::parse(query).unwrap();
    let request = ProcessingRequest {
        transform: ImageTransform::of(options.pairs()),
        accepted: Default::default(),
        quality: Default::default(),
        limits: Default::default(),
    };
    request.to_bytes()
}

/// An image of one colour, small as a file.
fn flat(side: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::from_pixel(side, side, Rgb([9, 99, 199]))
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

/// The kernel's own word for each bound, or "done" where there is none.
fn lines(answer: &WorkerAnswer) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(&answer.body);
    let line = |line: &str| {
        let (name, outcome) = line.split_once(": ").unwrap();
        (name.to_owned(), outcome.to_owned())
    };
    text.lines().map(line).collect()
}

#[tokio::test]
async fn a_worker_reaches_no_file_no_network_and_no_process() {
    for kind in [WorkerKind::Image, WorkerKind::Svg, WorkerKind::Page] {
        let pool = pool(own_program(), 192 * MIB);
        let answer = pool.run(job(kind, b"self-test", b"")).await.unwrap();
        let lines = lines(&answer);
        assert_eq!(lines.len(), 7, "{lines:?}");
        for (name, outcome) in lines {
            assert!(outcome.contains("os error"), "{kind:?}: {name}: {outcome}");
        }
        assert_eq!(pool.counters().died, 0);
    }
}

#[tokio::test]
async fn without_a_worker_nothing_is_done_and_it_is_said() {
    let folder = tempfile::tempdir().unwrap();
    // A frame that says it is ready, of another version.
    let other = folder.path().join("other");
    let head = "{\"build\":\"0.0.1 1\",\"idle_bytes\":0,\"missing\":\"\"}";
    let script = format!(
        "#!/bin/sh\nprintf '\\003\\000\\{:03o}\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000%s' '{head}'\nsleep 60\n",
        head.len()
    );
    std::fs::write(&other, script).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&other, executable).unwrap();
    let programs = ["/nowhere/feedwright", "/bin/true", "/bin/yes"];
    for program in programs.map(Path::new).into_iter().chain([&*other]) {
        let pool = pool(program, 192 * MIB);
        let refused = pool.run(job(WorkerKind::Image, b"self-test", b"")).await;
        assert_eq!(
            refused,
            Err(WorkerError::Unavailable),
            "{}",
            program.display()
        );
        assert_eq!((pool.bytes_held(), pool.counters().started), (0, 0));
    }
}

#[tokio::test]
async fn what_is_late_is_killed_and_its_place_is_free() {
    let pool = pool(own_program(), 64 * MIB);
    let late = WorkerJob {
        deadline: Instant::now() + Duration::from_secs(2),
        ..job(WorkerKind::Svg, &asked("w=500"), ENDLESS.as_bytes())
    };
    let waits = WorkerJob {
        deadline: late.deadline,
        ..job(WorkerKind::Image, &asked("w=5"), &flat(9))
    };
    // There is one place: who does not get it in time is told so.
    let (late, waited) = tokio::join!(pool.run(late), pool.run(waits));
    assert_eq!(
        (late, waited),
        (Err(WorkerError::Late), Err(WorkerError::Busy))
    );
    assert_eq!(pool.bytes_held(), 0);
    let answer = pool
        .run(job(WorkerKind::Image, &asked("w=5"), &flat(9)))
        .await;
    assert!(!answer.unwrap().body.is_empty());
    let counters = pool.counters();
    assert_eq!((counters.died, counters.late, counters.failed), (1, 1, 2));
}

#[tokio::test]
async fn work_that_nobody_waits_for_ends() {
    let pool = pool(own_program(), 64 * MIB);
    let endless = pool.run(job(WorkerKind::Svg, &asked("w=500"), ENDLESS.as_bytes()));
    let gone = tokio::time::timeout(Duration::from_secs(1), endless).await;
    assert!(gone.is_err());
    until("its worker has ended", async || pool.bytes_held() == 0).await;
    let answer = pool
        .run(job(WorkerKind::Image, &asked("w=5"), &flat(9)))
        .await;
    assert!(!answer.unwrap().body.is_empty());
}

#[tokio::test]
async fn a_job_has_the_memory_that_it_needs_or_fails() {
    let pool = pool(own_program(), 160 * MIB);
    // 27 MB of pixels: more than it has at first, less than there is.
    let large = pool
        .run(job(WorkerKind::Image, &asked("w=100"), &flat(3000)))
        .await;
    assert!(!large.unwrap().body.is_empty());
    assert_eq!(pool.counters().died, 0);
    // Nobody says beforehand what these take: the kernel does.
    let bomb = images::pattern_bomb();
    let refused = pool.run(job(WorkerKind::Svg, &asked("w=100"), &bomb)).await;
    assert_eq!(refused, Err(WorkerError::Memory));
    let counters = pool.counters();
    assert_eq!((counters.died, counters.memory), (2, 2));
    assert_eq!(pool.bytes_held(), 0);
}

#[tokio::test]
async fn workers_without_work_end() {
    let options = WorkerOptions {
        program: own_program().into(),
        idle_timeout: Duration::from_secs(1),
        ..WorkerOptions::default()
    };
    let pool = Workers::new(&options, 192 * MIB, |_| Vec::new());
    for _ in 0..3 {
        let answer = pool
            .run(job(WorkerKind::Image, &asked("w=5"), &flat(9)))
            .await;
        assert!(answer.is_ok());
    }
    assert_eq!(pool.counters().started, 1);
    let idle = pool.bytes_held();
    assert!((MIB..48 * MIB).contains(&idle), "{idle}");
    println!("an idle worker holds {} KiB", idle / 1024);
    until("the worker has ended", async || pool.bytes_held() == 0).await;
}
