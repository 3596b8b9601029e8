//! Memory of the service as a process of its own: while a feed of 20 MB passes through, per cached
//! feed of 100 KB, and while images are made smaller.
#![expect(clippy::print_stdout, reason = "figures are what this program is for")]

#[path = "../kit/child.rs"]
mod child;
#[expect(dead_code, reason = "other benchmarks ask more of a feed")]
#[path = "../kit/feeds.rs"]
mod feeds;
mod images;
#[path = "../kit/machine.rs"]
mod machine;
#[path = "../kit/origin.rs"]
mod origin;
#[expect(dead_code, reason = "another benchmark writes files of it")]
#[path = "../image/photo.rs"]
mod photo;
#[expect(dead_code, reason = "other benchmarks ask more of an answer")]
#[path = "../kit/reader.rs"]
mod reader;

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use child::Server;
use feeds::{Carrier, Density, Feed, Language, Shape};
use flate2::Compression;
use flate2::write::GzEncoder;
use origin::Answer;
use reader::Load;

const LARGE_BYTES: usize = 20_000_000;
const SMALL_BYTES: usize = 100_000;
const SMALL_FEEDS: usize = 1000;
const READERS: usize = 20;
/// A copy is compressed 5 to 10 s after its fetch, and its plain form dropped at the first look
/// after nobody asked for it for 60 s.
const UNTIL_TIDY: Duration = Duration::from_secs(75);

fn main() -> anyhow::Result<()> {
    println!("{}", machine::describe());
    let directory = tempfile::tempdir()?;
    let large: Arc<[u8]> = feed(0, LARGE_BYTES).into();
    let large_gzip: Arc<[u8]> = gzip(&large)?.into();
    println!(
        "the large feed: {} bytes, {} as gzip",
        large.len(),
        large_gzip.len()
    );
    let origin = origin::start("127.0.0.1:0", move |path| {
        let mut parts = path.split('/').skip(1);
        match (
            parts.next(),
            parts.next().and_then(|seed| seed.parse().ok()),
        ) {
            (Some("large"), _) => Answer::plain(Arc::clone(&large)),
            (Some("large-gzip"), _) => Answer {
                coding: Some("gzip"),
                ..Answer::plain(Arc::clone(&large_gzip))
            },
            (_, seed) => Answer::plain(feed(seed.unwrap_or(0), SMALL_BYTES).into()),
        }
    })?;
    let many = Many::fill(make(directory.path(), "many")?, origin)?;
    for (sent, coding) in [
        ("large", "identity"),
        ("large", "gzip"),
        ("large-gzip", "identity"),
        ("large-gzip", "gzip"),
    ] {
        pass_large(directory.path(), origin, sent, coding)?;
    }
    many.measure()?;
    images::measure(directory.path())
}

fn feed(seed: u64, bytes: usize) -> Vec<u8> {
    let shape = Shape {
        bytes,
        carrier: Carrier::Cdata,
        language: Language::English,
        density: Density::Prose,
    };
    Feed::make(seed, shape).xml.into_bytes()
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn make(directory: &Path, name: &str) -> std::io::Result<PathBuf> {
    let path = directory.join(name);
    std::fs::create_dir(&path)?;
    Ok(path)
}

fn configuration(origin: SocketAddr, paths: impl Iterator<Item = String>) -> String {
    let mut toml = format!(
        "[fetch]\nbody_bytes_max = \"64MiB\"\ndecoded_bytes_max = \"64MiB\"\nhost_fetches_max = 64\nhost_spacing = \"0s\"\n[defaults]\nimages = \"weserv\"\nrefresh = \"1d\"\nallow_private = [\"{origin}\"]\n"
    );
    for (feed, path) in paths.enumerate() {
        // Writing to a string can't fail.
        writeln!(
            toml,
            "[[feed]]\nname = \"f{feed}\"\nurl = \"http://{origin}/{path}\""
        )
        .ok();
    }
    toml
}

/// With as many worker threads as there are cores, which is the default.
fn start(directory: &Path, toml: &str) -> anyhow::Result<Server> {
    Server::feedwright(Command::new(child::FEEDWRIGHT), directory, "warn", toml)
}

/// A line of `/proc/PID/status`, in MiB: `VmRSS` is what is used now, `VmHWM` the peak so far.
fn memory_mib(server: &Server, field: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid()))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
        .with_context(|| format!("no {field}"))?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}

/// A new process for each number of readers who ask at once; then as many again, of the cached copy.
fn pass_large(
    directory: &Path,
    origin: SocketAddr,
    sent: &str,
    coding: &str,
) -> anyhow::Result<()> {
    for readers in [1, READERS] {
        let toml = configuration(origin, ["small/0".into(), format!("{sent}/0")].into_iter());
        let server = start(directory, &toml)?;
        reader::load(server.addr, 1, coding, |next| {
            (next < 1).then(|| "/feeds/f0".to_owned())
        })?;
        let before_mib = memory_mib(&server, "VmRSS")?;
        let mut peaks_mib = [0.0; 2];
        let mut seconds = 0.0;
        for peak_mib in &mut peaks_mib {
            let load = reader::load(server.addr, readers, coding, |next| {
                (next < readers).then(|| "/feeds/f1".to_owned())
            })?;
            seconds = if seconds == 0.0 {
                load.seconds
            } else {
                seconds
            };
            *peak_mib = memory_mib(&server, "VmHWM")?;
        }
        println!(
            "  sent as {sent}, {readers:2} readers ({coding}): {before_mib:.1} MiB before, peak {:.1} MiB, after {readers} more of the copy {:.1} MiB; {seconds:.2} s",
            peaks_mib[0], peaks_mib[1]
        );
    }
    Ok(())
}

/// Asks for every small feed once, as gzip.
fn read_all(server: &Server) -> anyhow::Result<Load> {
    reader::load(server.addr, 4, "gzip", |next| {
        (next < SMALL_FEEDS).then(|| format!("/feeds/f{next}"))
    })
}

/// A process with many cached feeds.
struct Many {
    server: Server,
    before_mib: f64,
    filled_mib: f64,
    gzip_bytes: usize,
    filled_at: Instant,
}

impl Many {
    /// Fetches every feed once, as gzip.
    fn fill(directory: PathBuf, origin: SocketAddr) -> anyhow::Result<Self> {
        let paths = (0..SMALL_FEEDS).map(|seed| format!("small/{seed}"));
        let server = start(&directory, &configuration(origin, paths))?;
        let before_mib = memory_mib(&server, "VmRSS")?;
        let load = read_all(&server)?;
        Ok(Self {
            filled_mib: memory_mib(&server, "VmRSS")?,
            server,
            before_mib,
            gzip_bytes: load.bytes / SMALL_FEEDS,
            filled_at: Instant::now(),
        })
    }

    fn measure(self) -> anyhow::Result<()> {
        std::thread::sleep(UNTIL_TIDY.saturating_sub(self.filled_at.elapsed()));
        let after_mib = memory_mib(&self.server, "VmRSS")?;
        let per_feed = |mib: f64| (mib - self.before_mib) * 1024.0 / SMALL_FEEDS as f64;
        let kept = read_all(&self.server)?;
        println!(
            "{SMALL_FEEDS} feeds of {} KB: {:.1} MiB before, {:.1} MiB right after ({:.1} KiB each; {} bytes as sent with gzip), {after_mib:.1} MiB {:.0} s later ({:.1} KiB each; {} bytes as kept), peak {:.1} MiB",
            SMALL_BYTES / 1000,
            self.before_mib,
            self.filled_mib,
            per_feed(self.filled_mib),
            self.gzip_bytes,
            self.filled_at.elapsed().as_secs_f64(),
            per_feed(after_mib),
            kept.bytes / SMALL_FEEDS,
            memory_mib(&self.server, "VmHWM")?
        );
        Ok(())
    }
}
