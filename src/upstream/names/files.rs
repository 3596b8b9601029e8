//! The system's two files, read again when they have changed.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::conf::Conf;
use super::hosts::Hosts;
use super::servers::Servers;

/// How often it is looked whether a file has changed, at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Bytes of a file that are read: the longest public block lists have a third of that.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// This machine's own name.
const HOSTNAME: &str = "/proc/sys/kernel/hostname";

/// What both files say.
#[derive(Debug)]
pub(super) struct Setup {
    /// Tells what was looked up by it from what was before.
    pub(super) generation: u64,
    pub(super) conf: Conf,
    pub(super) hosts: Hosts,
    pub(super) servers: Servers,
}

/// Where they are.
#[derive(Debug)]
pub(super) struct Files {
    conf: PathBuf,
    hosts: PathBuf,
    /// The port that name servers listen on: 53, but in tests.
    port: u16,
    known: Mutex<Option<Known>>,
}

#[derive(Debug)]
struct Known {
    looked_at: Instant,
    stamps: [Option<Stamp>; 2],
    setup: Arc<Setup>,
}

/// What changes when a file does.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
}

impl Files {
    pub(super) fn new(conf: PathBuf, hosts: PathBuf, port: u16) -> Self {
        Self {
            conf,
            hosts,
            port,
            known: Mutex::default(),
        }
    }

    /// What they say now.
    pub(super) fn setup(&self) -> Arc<Setup> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let mut generation = 0;
        if let Some(known) = &mut *known {
            if now.saturating_duration_since(known.looked_at) < LOOK_EVERY {
                return Arc::clone(&known.setup);
            }
            known.looked_at = now;
            if known.stamps == self.stamps() {
                return Arc::clone(&known.setup);
            }
            generation = known.setup.generation + 1;
            tracing::info!(target: "feedwright::names", "reading the system's configuration of names again");
        }
        // The stamps come first: what is written while we read is seen the next time.
        let stamps = self.stamps();
        let setup = Arc::new(self.read(generation));
        *known = Some(Known {
            looked_at: now,
            stamps,
            setup: Arc::clone(&setup),
        });
        setup
    }

    fn stamps(&self) -> [Option<Stamp>; 2] {
        [&self.conf, &self.hosts].map(|path| {
            let about = fs::metadata(path).ok()?;
            Some(Stamp {
                modified: about.modified().ok(),
                bytes: about.len(),
            })
        })
    }

    fn read(&self, generation: u64) -> Setup {
        let hostname = text(Path::new(HOSTNAME));
        let conf = Conf::parse(&text(&self.conf), &hostname);
        for server in &conf.refused {
            tracing::warn!(
                target: "feedwright::names", server,
                "name server left out: an address with a zone is not supported"
            );
        }
        Setup {
            generation,
            hosts: Hosts::parse(&text(&self.hosts)),
            servers: Servers::new(&conf, self.port),
            conf,
        }
    }
}

/// What is in a file; nothing where it can't be read, as for the system.
fn text(path: &Path) -> String {
    let mut bytes = Vec::new();
    let read =
        fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes));
    if let Err(error) = read {
        tracing::debug!(target: "feedwright::names", path = %path.display(), %error, "file not read");
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
