//! The worker process: limits its resources, enters its sandbox, reports ready, and does one job after
//! the other until its standard input ends.

use std::io;
use std::process::ExitCode;

use super::frame::{self, Header};
use super::handshake::{Ready, build};
use super::job::WorkerKind;
use super::sandbox;

/// Bytes of stack for the work. A drawing nests deep; one that nests deeper ends the worker.
const STACK_BYTES: usize = 2 << 20;
const DRAWING_STACK_BYTES: usize = 8 << 20;
/// What a job's handler is given.
#[derive(Debug)]
pub struct JobRequest {
    /// What the caller asks.
    pub head: Vec<u8>,
    /// The untrusted content.
    pub body: Vec<u8>,
    /// Bytes that the job may take, its head and body included.
    pub room_bytes: u64,
    /// Whether there is no larger grant: what needs more may only try.
    pub is_largest: bool,
}

/// What a job's handler answers.
#[derive(Debug)]
pub enum JobReply {
    /// The work is done.
    Done {
        /// In the form that the caller and its handler share.
        head: Vec<u8>,
        /// The content that was made.
        body: Vec<u8>,
    },
    /// It takes so many bytes of room.
    Needs(u64),
}

/// What a worker does.
#[derive(Debug, Clone, Copy)]
pub struct Handlers {
    /// Prepares it, before it shuts itself in, from what the parent gave it.
    pub start: fn(WorkerKind, &[u8]),
    /// Does a job.
    pub work: fn(WorkerKind, JobRequest) -> JobReply,
}

/// Is a worker until its parent closes the pipe.
#[must_use]
pub fn serve(kind: WorkerKind, bytes_max: u64, handlers: Handlers) -> ExitCode {
    match prepare(kind, bytes_max, handlers) {
        Ok(missing) => in_thread(kind, missing, handlers),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Everything that takes rights which a worker gives up.
fn prepare(kind: WorkerKind, bytes_max: u64, handlers: Handlers) -> io::Result<Vec<&'static str>> {
    let mut missing = sandbox::limit_resources(bytes_max);
    let tags = [frame::START];
    let (_, _, data) = frame::read(&mut io::stdin().lock(), &tags, frame::START_BYTES_MAX)?;
    (handlers.start)(kind, &data);
    drop(data);
    missing.extend(sandbox::close_files());
    Ok(missing)
}

fn in_thread(kind: WorkerKind, missing: Vec<&'static str>, handlers: Handlers) -> ExitCode {
    let work = move || {
        let mut missing = missing;
        missing.extend(sandbox::close_calls());
        work(kind, &missing, handlers)
    };
    let thread = std::thread::Builder::new()
        .name(kind.name().into())
        .stack_size(match kind {
            WorkerKind::Svg => DRAWING_STACK_BYTES,
            WorkerKind::Image | WorkerKind::Page => STACK_BYTES,
        })
        .spawn(work);
    match thread.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn work(kind: WorkerKind, missing: &[&str], handlers: Handlers) -> io::Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let ready = Ready {
        build: build(),
        idle_bytes: 0,
        missing: missing.join(", "),
    };
    let ready = serde_json::to_vec(&ready)?;
    let nothing: [&[u8]; 0] = [];
    frame::write(&mut output, Header::new(frame::READY, 0), &ready, &nothing)?;
    loop {
        let (header, head, body) = match frame::read(&mut input, &[frame::JOB], u64::MAX) {
            Ok(job) => job,
            Err(error) if error.kind() == io::ErrorKind::OutOfMemory => too_large(),
            // The parent has closed the pipe, or has gone.
            Err(_) => return Ok(()),
        };
        let request = JobRequest {
            head,
            body,
            room_bytes: header.number,
            is_largest: header.is_largest,
        };
        match (handlers.work)(kind, request) {
            JobReply::Needs(bytes) => {
                let needs = Header::new(frame::NEEDS, bytes);
                frame::write(&mut output, needs, &[], &nothing)?;
            }
            JobReply::Done { head, body } => {
                if body.len() as u64 > frame::ANSWER_BYTES_MAX {
                    too_large();
                }
                frame::write(&mut output, Header::new(frame::DONE, 0), &head, &[body])?;
            }
        }
    }
}

/// Ends as one does for whom an allocation fails.
fn too_large() -> ! {
    use std::io::Write;
    writeln!(io::stderr(), "memory allocation of a frame failed").ok();
    std::process::abort();
}
