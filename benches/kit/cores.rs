//! Which core servers run on, and how much of its time they took.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::child::Server;

/// Linux counts processes' CPU time in hundredths of a second, wherever it tells programs.
const TICKS_PER_SECOND: f64 = 100.0;
/// The core that servers run on; the rest of the benchmark runs on the other one.
const SERVER_CORE: &str = "0";
const OWN_CORE: &str = "1";

/// `program` with one worker thread, on the servers' core.
pub(crate) fn on_the_servers_core(program: &str) -> Command {
    let mut command = if has_two_cores() {
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", SERVER_CORE, program]);
        pinned
    } else {
        Command::new(program)
    };
    command.env("TOKIO_WORKER_THREADS", "1");
    command
}

/// Moves this process to the other core, and says how it went.
pub(crate) fn leave_the_servers_core() -> &'static str {
    let pid = std::process::id().to_string();
    let moved = has_two_cores()
        && Command::new("taskset")
            .args(["-acp", OWN_CORE, &pid])
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
    if moved {
        "servers on core 0, readers and publisher on core 1"
    } else {
        "servers, readers and publisher share the cores: no taskset, or one core only"
    }
}

fn has_two_cores() -> bool {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    cpus.matches("processor\t").count() > 1 && installed("taskset").is_some()
}

/// Where a program is, if it is installed.
pub(crate) fn installed(program: &str) -> Option<String> {
    [
        "/usr/bin",
        "/usr/sbin",
        "/usr/local/bin",
        "/usr/local/sbin",
        "/bin",
        "/sbin",
    ]
    .iter()
    .map(|directory| format!("{directory}/{program}"))
    .find(|path| Path::new(path).exists())
}

/// CPU time that a server and its children used so far, in seconds, to the hundredth.
pub(crate) fn cpu_s(server: &Server) -> f64 {
    let own = server.pid();
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ticks: f64 = all
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| {
            let fields = stat(pid)?;
            // From the state on, which is field 3 of proc(5): parent is 4, utime 14, stime 15.
            let field = |number: usize| fields.get(number - 3)?.parse::<u32>().ok();
            let is_ours = pid == own || field(4)? == own;
            is_ours.then_some(f64::from(field(14)?) + f64::from(field(15)?))
        })
        .sum();
    ticks / TICKS_PER_SECOND
}

/// The fields of `/proc/PID/stat` from the state on: what comes before may hold spaces.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split(' ').map(str::to_owned).collect())
}
