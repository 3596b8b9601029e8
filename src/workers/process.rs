//! One worker process from the side of its parent: start, jobs, memory, end.
//!
//! Invariant: a dropped worker has ended. Everything here blocks and belongs on a blocking thread;
//! [`KillSwitch`] ends the wait from outside.

use std::fmt;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::frame::{self, Header};
use super::handshake::{COMMAND, Ready, build};
use super::job::{WorkerAnswer, WorkerJob, WorkerKind};
use super::kill_switch::{KillSwitch, SharedChild, lock};
use super::memory;
use super::options::WORKER_BYTES;

/// How long a worker may take to start.
pub(super) const START_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes that the kernel may hold in a pipe, so that a job is few changes between processes.
const PIPE_BYTES: usize = 1 << 20;
/// Bytes of a worker's standard error that are kept for the log.
const OUTPUT_BYTES_MAX: usize = 1 << 10;
/// Bytes of it that are read after a job.
const OUTPUT_READ_MAX: u64 = 64 << 10;
/// CPU time beyond the deadline after which the kernel ends a worker whose parent did not.
const CPU_SLACK: Duration = Duration::from_secs(3);
/// How often, and after how long each time, it is looked whether a worker has ended by itself.
const ENDING_LOOKS: u32 = 20;
const ENDING_LOOK_EVERY: Duration = Duration::from_millis(5);
/// What is freed goes back to the kernel, whose limit counts it, but for what the same job is likely to
/// take again: giving all of it back at once costs a tenth of the time. In large pages, since a page fault
/// for each 4 KiB cost up to a tenth as well.
const ALLOCATOR: &str = "retain:false,narenas:1,dirty_decay_ms:10000,muzzy_decay_ms:0,background_thread:false,abort_conf:false,thp:always";
/// What Rust's runtime and jemalloc say when there is no more memory.
const MEMORY_WORDS: [&[u8]; 2] = [b"memory allocation of", b"out of memory"];

/// How a job ended.
#[derive(Debug)]
pub(super) enum JobOutcome {
    Done(WorkerAnswer),
    /// It needs so many bytes beside what an idle worker holds.
    Needs(u64),
    Memory,
    Crashed,
    NotStarted,
}

/// How a worker ended.
#[derive(Debug)]
pub(super) struct Death {
    /// Whether it had taken on the job.
    pub(super) had_job: bool,
    pub(super) is_late: bool,
    pub(super) is_memory: bool,
    pub(super) status: Status,
    /// The last of its standard error.
    pub(super) output: String,
}

impl Death {
    pub(super) fn reason(&self) -> &'static str {
        match (self.is_late, self.is_memory) {
            (true, _) => "late",
            (_, true) => "memory",
            _ => "crashed",
        }
    }
}

/// An exit status for the log.
#[derive(Debug)]
pub(super) struct Status(Option<ExitStatus>);

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.map(|status| (status.signal(), status.code())) {
            Some((Some(signal), _)) => write!(f, "signal {signal}"),
            Some((None, Some(code))) => write!(f, "exit code {code}"),
            _ => f.write_str("unknown"),
        }
    }
}

/// A worker that waits for a job.
#[derive(Debug)]
pub(super) struct Worker {
    kind: WorkerKind,
    child: SharedChild,
    pid: Option<Pid>,
    input: ChildStdin,
    answers: ChildStdout,
    output: ChildStderr,
    started: Instant,
    bytes_max: u64,
    /// What it held when it had started.
    base_bytes: u64,
    /// What it holds now that it is idle.
    idle_bytes: u64,
    missing: String,
    kill_switch: Arc<KillSwitch>,
}

impl Worker {
    /// Starts one and waits until it has shut itself in.
    pub(super) fn start(
        program: &Path,
        kind: WorkerKind,
        (data, bytes_max): (&[u8], u64),
        kill_switch: &Arc<KillSwitch>,
    ) -> io::Result<Self> {
        let mut child = Command::new(program)
            .arg0("feedwright")
            .args([COMMAND, kind.name(), &bytes_max.to_string()])
            // SECURITY: no secret of the service's environment, and nothing that changes a library.
            .env_clear()
            .env("MALLOC_CONF", ALLOCATOR)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let pid = Pid::from_raw(child.id().cast_signed());
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let child = Arc::new(Mutex::new(child));
        kill_switch.hold_child(&child);
        let (Some(input), Some(answers), Some(output)) = pipes else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let mut worker = Self {
            kind,
            child,
            pid,
            input,
            answers,
            output,
            started: Instant::now(),
            bytes_max,
            base_bytes: 0,
            idle_bytes: 0,
            missing: String::new(),
            kill_switch: Arc::clone(kill_switch),
        };
        worker.prepare_pipes();
        match worker.handshake(data) {
            Ok(()) => Ok(worker),
            Err(error) => {
                let death = worker.end();
                let (status, output) = (death.status, death.output);
                Err(io::Error::other(format!("{error} ({status}): {output:?}")))
            }
        }
    }

    fn prepare_pipes(&self) {
        // Where these are refused, it is only slower, or output is lost.
        rustix::pipe::fcntl_setpipe_size(&self.input, PIPE_BYTES).ok();
        rustix::pipe::fcntl_setpipe_size(&self.answers, PIPE_BYTES).ok();
        rustix::io::ioctl_fionbio(&self.output, true).ok();
    }

    fn handshake(&mut self, data: &[u8]) -> io::Result<()> {
        frame::write(&mut self.input, Header::new(frame::START, 0), &[], &[data])?;
        let (_, head, _) = frame::read(&mut self.answers, &[frame::READY], 0)?;
        let ready: Ready = serde_json::from_slice(&head)?;
        if ready.build != build() {
            let text = format!("its build is {:?}, not {:?}", ready.build, build());
            return Err(io::Error::other(text));
        }
        self.missing = ready.missing.chars().take(200).collect();
        self.base_bytes = self
            .data_bytes()
            .unwrap_or(ready.idle_bytes)
            .min(self.bytes_max);
        self.idle_bytes = self.base_bytes;
        Ok(())
    }

    pub(super) fn kind(&self) -> WorkerKind {
        self.kind
    }

    /// What it holds while it is idle.
    pub(super) fn idle_bytes(&self) -> u64 {
        self.idle_bytes
    }

    /// The bounds that it could not put around itself.
    pub(super) fn missing(&self) -> &str {
        &self.missing
    }

    /// What `RLIMIT_DATA` counts of it now.
    fn data_bytes(&self) -> Option<u64> {
        memory::data_bytes(&format!("/proc/{}/statm", self.pid?.as_raw_nonzero()))
    }

    /// Measures what it holds; whether that is no more than its part of the budget.
    pub(super) fn may_stay(&mut self) -> bool {
        self.idle_bytes = self.data_bytes().unwrap_or(self.base_bytes);
        self.idle_bytes <= WORKER_BYTES
    }

    /// Sends a job and waits for the answer.
    pub(super) fn exchange(
        mut self,
        job: &WorkerJob,
        grant: Grant,
        kill_switch: &Arc<KillSwitch>,
    ) -> Result<(Self, JobOutcome), Box<Death>> {
        self.kill_switch = Arc::clone(kill_switch);
        kill_switch.hold_child(&self.child);
        self.limit(job, grant);
        let header = Header {
            is_largest: grant.is_largest,
            ..Header::new(frame::JOB, grant.bytes.saturating_sub(self.base_bytes))
        };
        if frame::write(&mut self.input, header, &job.head, &job.body).is_err() {
            let mut death = self.end();
            // It may have ended long before, unless it says that this was too much for it.
            death.had_job = death.is_memory || death.is_late;
            return Err(Box::new(death));
        }
        let body_bytes_max = frame::ANSWER_BYTES_MAX.min(grant.bytes);
        let tags = [frame::DONE, frame::NEEDS];
        match frame::read(&mut self.answers, &tags, body_bytes_max) {
            Ok((header, head, body)) => {
                self.read_output();
                let outcome = match header.tag {
                    frame::NEEDS => JobOutcome::Needs(header.number),
                    _ => JobOutcome::Done(WorkerAnswer { head, body }),
                };
                Ok((self, outcome))
            }
            Err(_) => Err(Box::new(self.end())),
        }
    }

    /// Puts the kernel's limits around a job.
    fn limit(&self, job: &WorkerJob, grant: Grant) {
        let maximum = Some(self.bytes_max);
        let memory = Rlimit {
            current: Some(grant.bytes.min(self.bytes_max)),
            maximum,
        };
        let left = job
            .deadline
            .saturating_duration_since(tokio::time::Instant::now());
        // It has used no more of a core than the time that it has been there.
        let cpu = self.started.elapsed() + left + CPU_SLACK;
        let cpu = Rlimit {
            current: Some(cpu.as_secs() + 1),
            maximum: None,
        };
        let limits = [(Resource::Data, memory), (Resource::Cpu, cpu)];
        for (resource, limit) in limits {
            if let Err(error) = prlimit(self.pid, resource, limit) {
                // Its own limit, which is the largest grant, stays.
                tracing::debug!(%error, ?resource, "a worker's limit can't be changed");
            }
        }
    }

    /// What it wrote to standard error since last time, its beginning at least.
    fn read_output(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut output = (&mut self.output).take(OUTPUT_READ_MAX);
        // The pipe does not block: that there is no more is an error.
        output.read_to_end(&mut bytes).ok();
        bytes
    }

    /// Kills it and waits for its end.
    fn end(mut self) -> Death {
        let status = self.kill_and_wait();
        let output = self.read_output();
        let has = |words: &&[u8]| memchr::memmem::find(&output, words).is_some();
        Death {
            had_job: true,
            is_late: self.kill_switch.is_late(),
            is_memory: MEMORY_WORDS.iter().any(has),
            status: Status(status),
            output: String::from_utf8_lossy(&output[..output.len().min(OUTPUT_BYTES_MAX)])
                .into_owned(),
        }
    }

    fn kill_and_wait(&self) -> Option<ExitStatus> {
        let mut child = lock(&self.child);
        // One that is ending of itself may still say why.
        let ended = wait_briefly(&mut child);
        if ended.is_some() {
            return ended;
        }
        child.kill().ok();
        child.wait().ok()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let mut child = lock(&self.child);
        child.kill().ok();
        child.wait().ok();
    }
}

/// What a job's worker may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grant {
    /// All of it, what it holds when it is idle included.
    pub(super) bytes: u64,
    /// Whether there is no larger one.
    pub(super) is_largest: bool,
}

/// The status of a process that closed its pipes: it has ended but for its last steps, or goes on
/// after it sent nonsense.
fn wait_briefly(child: &mut Child) -> Option<ExitStatus> {
    for _ in 0..ENDING_LOOKS {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        std::thread::sleep(ENDING_LOOK_EVERY);
    }
    None
}
