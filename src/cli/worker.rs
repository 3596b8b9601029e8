//! `worker`: the process that the service starts for work on untrusted content. Not for users.

use std::io::Write;
use std::process::{Command, ExitCode};

use crate::fulltext;
use crate::images::processing::fonts;
use crate::images::processing::job::{self, ProcessingReply};
use crate::workers::WorkerKind;
use crate::workers::child::{self, Handlers, JobReply, JobRequest};

/// The head of a job that asks what the worker is still able to do, whatever its kind.
const SELF_TEST: &[u8] = b"self-test";

const HANDLERS: Handlers = Handlers {
    start: |kind, data| {
        if kind == WorkerKind::Svg {
            fonts::open(data);
        }
    },
    work,
};

/// Is a worker of this kind, until its parent closes the pipe.
pub(super) fn worker(kind: &str, bytes_max: u64) -> ExitCode {
    match WorkerKind::of_name(kind) {
        Some(kind) => child::serve(kind, bytes_max, HANDLERS),
        None => ExitCode::from(2),
    }
}

fn work(kind: WorkerKind, request: JobRequest) -> JobReply {
    let JobRequest {
        head,
        body,
        room_bytes,
        is_largest,
    } = request;
    if head == SELF_TEST {
        return self_test();
    }
    match kind {
        WorkerKind::Image | WorkerKind::Svg => {
            match job::work(&head, &body, room_bytes, is_largest) {
                ProcessingReply::Done(head, body) => JobReply::Done { head, body },
                ProcessingReply::Needs(bytes) => JobReply::Needs(bytes),
            }
        }
        WorkerKind::Page => {
            let (head, body) = fulltext::job::work(&head, body);
            JobReply::Done { head, body }
        }
    }
}

/// Tries what a worker must not be able to do; a line for each, with what came of it.
fn self_test() -> JobReply {
    let tries: [(&str, std::io::Result<()>); 7] = [
        ("read", std::fs::File::open("/etc/passwd").map(drop)),
        ("write", std::fs::write("/tmp/feedwright-worker", "")),
        ("list", std::fs::read_dir("/").map(drop)),
        (
            "connect",
            std::net::TcpStream::connect("127.0.0.1:9").map(drop),
        ),
        (
            "listen",
            std::os::unix::net::UnixListener::bind("/tmp/feedwright-worker").map(drop),
        ),
        ("run", Command::new("/bin/true").status().map(drop)),
        ("thread", std::thread::Builder::new().spawn(|| ()).map(drop)),
    ];
    let mut body = Vec::new();
    for (name, outcome) in tries {
        let outcome = outcome.map_or_else(|error| error.to_string(), |()| "done".into());
        writeln!(body, "{name}: {outcome}").ok();
    }
    JobReply::Done {
        head: Vec::new(),
        body,
    }
}
