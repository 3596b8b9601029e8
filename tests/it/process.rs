//! The service as a process of its own, so that a test can limit it, kill it, and start another beside
//! it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::origin::{Origin, Reply};
use crate::reader::{Answer, get};

/// How long something that must happen may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// `feedwright serve`, running. Dropped, it is killed.
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    child: Child,
    log: Arc<Mutex<String>>,
}

/// A command that runs `feedwright` behind these shell commands, which may set limits.
pub(crate) fn command(shell: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", &format!("{shell}\nexec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_feedwright"))
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .current_dir(std::env::temp_dir());
    command
}

/// Runs `feedwright` to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    command("", arguments).output().unwrap()
}

impl Process {
    /// Starts it in this folder with a `feedwright.toml` of this text, on a port of its own.
    pub(crate) fn start(folder: &Path, toml: &str) -> Self {
        Self::start_with(folder, toml, "")
    }

    /// The same behind shell commands.
    pub(crate) fn start_with(folder: &Path, toml: &str, shell: &str) -> Self {
        let file = folder.join("feedwright.toml");
        std::fs::write(&file, toml).unwrap();
        let mut child = command(shell, &["serve", "--config", file.to_str().unwrap()])
            .env("FEEDWRIGHT_SERVER_LISTEN", "127.0.0.1:0")
            // Where the store is unless the configuration says otherwise.
            .current_dir(folder)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let (found, address) = mpsc::channel();
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let in_json = line.split("\"serving\",\"listen\":\"").nth(1);
                if let Some(rest) = line.split("serving listen=").nth(1).or(in_json) {
                    let address = rest.split([' ', '"']).next().unwrap();
                    found.send(address.parse().unwrap()).ok();
                }
                *kept.lock().unwrap() += &(line + "\n");
            }
        });
        let address = address.recv_timeout(PATIENCE);
        let address =
            address.unwrap_or_else(|_| panic!("it did not start:\n{}", log.lock().unwrap()));
        Self {
            address,
            child,
            log,
        }
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        get(self.address, path, &[]).await
    }

    /// What `/readyz` says.
    pub(crate) async fn readiness(&self) -> String {
        self.get("/readyz").await.text().to_owned()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status();
        assert!(sent.unwrap().success());
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// How it ended; it has to by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "it runs on:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Tells it to end, and waits until it has.
    pub(crate) async fn terminate(mut self) -> Option<i32> {
        self.signal("TERM");
        self.ended().await.code()
    }

    /// A figure of `/proc/PID/status`, in kB where it is of memory.
    pub(crate) fn status_of(&self, name: &str) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        let digits = line.split_whitespace().nth(1).unwrap();
        digits.parse().unwrap()
    }

    /// Lets it open only files with a lower number from now on.
    pub(crate) fn limit_open_files(&self, limit: usize) {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let process = i32::try_from(self.id()).ok().and_then(Pid::from_raw);
        let limit = Some(limit as u64);
        let limits = Rlimit {
            current: limit,
            maximum: limit,
        };
        prlimit(process, Resource::Nofile, limits).unwrap();
    }

    /// The number that the next file which it opens gets.
    pub(crate) fn lowest_free_file(&self) -> usize {
        let file = |number: &usize| format!("/proc/{}/fd/{number}", self.id());
        (0..)
            .find(|number| std::fs::symlink_metadata(file(number)).is_err())
            .unwrap()
    }

    /// Files and sockets that it has open.
    pub(crate) fn open_files(&self) -> usize {
        let files = std::fs::read_dir(format!("/proc/{}/fd", self.id()));
        files.unwrap().count()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The processes that another has started.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    let mut found = Vec::new();
    let tasks = std::fs::read_dir(format!("/proc/{parent}/task")).unwrap();
    for task in tasks.flatten() {
        let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(
            text.split_whitespace()
                .filter_map(|id| id.parse::<u32>().ok()),
        );
    }
    found
}

/// Waits until something holds that must come to hold.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < PATIENCE, "it never was: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A publisher who holds the second half of `/slow` back until it is told otherwise, and answers
/// `quick` to all else.
pub(crate) async fn half_held_back(feed: &str, quick: Reply) -> (Origin, watch::Sender<bool>) {
    let (start, rest) = feed.split_at(feed.len() / 2);
    let (released, release) = watch::channel(false);
    let length = feed.len().to_string();
    let slow = Reply::head(200, &[], Some(&length))
        .send(start)
        .wait_for(release)
        .send(rest);
    let publisher = Origin::start(move |head| match head.starts_with("GET /slow ") {
        true => slow.clone(),
        false => quick.clone(),
    })
    .await;
    (publisher, released)
}
