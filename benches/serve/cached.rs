//! Hits of a cached feed of 100 KB, against nginx that serves the same bytes from files.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::child::Server;
use crate::cores;
use crate::nginx::Nginx;
use crate::reader::{self, Reader};
use crate::stats::Series;
use crate::{DEFAULTS, configuration, start};

const READERS: usize = 8;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(800);
/// A copy gets the gzip form that is kept at the first look after it is 5 s old, every 5 s.
const UNTIL_TIDY: Duration = Duration::from_secs(11);
const FEED_PATH: &str = "/feeds/f0";
const FILE_PATH: &str = "/feed.xml";

pub(crate) fn measure(
    directory: &Path,
    origin: SocketAddr,
    nginx: Option<&Nginx>,
) -> anyhow::Result<()> {
    let toml = configuration(origin, "100k", 1, DEFAULTS);
    let quiet = start(directory, "warn", &toml)?;
    // The log of this one is written to a file, like nginx's.
    let logging = start(&make(directory, "logging")?, "info", &toml)?;
    for server in [&quiet, &logging] {
        read(server.addr, FEED_PATH, "identity")?;
        read(server.addr, FEED_PATH, "gzip")?;
    }
    std::thread::sleep(UNTIL_TIDY);
    let plain = read(quiet.addr, FEED_PATH, "identity")?;
    let gzip = read(quiet.addr, FEED_PATH, "gzip")?;
    fs::write(directory.join("feed.xml"), &plain)?;
    fs::write(directory.join("feed.xml.gz"), &gzip)?;
    println!(
        "\ncached: {} bytes, {} as gzip; {READERS} readers with keep-alive, {ROUNDS} rounds of {} ms each",
        plain.len(),
        gzip.len(),
        ROUND.as_millis()
    );
    for (how, server, addr) in [
        ("no log", &quiet, nginx.map(|nginx| nginx.files)),
        (
            "log to a file",
            &logging,
            nginx.map(|nginx| nginx.files_logged),
        ),
        (
            "no log, nginx without open_file_cache",
            &quiet,
            nginx.map(|nginx| nginx.files_uncached),
        ),
    ] {
        for coding in ["gzip", "identity"] {
            println!("  {coding}, {how}");
            compare(server, nginx.zip(addr), coding)?;
        }
    }
    Ok(())
}

fn make(directory: &Path, name: &str) -> std::io::Result<std::path::PathBuf> {
    let path = directory.join(name);
    fs::create_dir(&path)?;
    Ok(path)
}

fn read(addr: SocketAddr, path: &str, coding: &str) -> anyhow::Result<Vec<u8>> {
    reader::run(async {
        let (mut reader, mut body) = (Reader::connect(addr).await?, Vec::new());
        reader
            .get(path, coding, |bytes| body.extend_from_slice(bytes))
            .await?;
        Ok(body)
    })
}

#[derive(Default)]
struct Figures {
    answers_per_s: Series,
    cpu_us: Series,
    /// CPU time by wall time: below 1 the readers were the limit.
    busy: Series,
}

fn compare(
    server: &Server,
    peer: Option<(&Nginx, SocketAddr)>,
    coding: &str,
) -> anyhow::Result<()> {
    let (mut ours, mut theirs) = (Figures::default(), Figures::default());
    for _ in 0..ROUNDS {
        ours.run(server, server.addr, FEED_PATH, coding)?;
        if let Some((nginx, addr)) = peer {
            theirs.run(&nginx.server, addr, FILE_PATH, coding)?;
        }
    }
    ours.print("Feedwright");
    if peer.is_some() {
        theirs.print("nginx");
        println!(
            "    answers/s × nginx {:.2}; answers per CPU second × nginx {:.2}, of the least times {:.2}",
            ours.answers_per_s.by(&theirs.answers_per_s),
            theirs.cpu_us.by(&ours.cpu_us),
            theirs.cpu_us.least() / ours.cpu_us.least()
        );
    }
    Ok(())
}

impl Figures {
    fn run(
        &mut self,
        server: &Server,
        addr: SocketAddr,
        path: &str,
        coding: &str,
    ) -> anyhow::Result<()> {
        let (until, cpu_s) = (Instant::now() + ROUND, cores::cpu_s(server));
        let load = reader::load(addr, READERS, coding, |_| {
            (Instant::now() < until).then(|| path.to_owned())
        })?;
        let cpu_s = cores::cpu_s(server) - cpu_s;
        self.answers_per_s.push(load.answers as f64 / load.seconds);
        self.cpu_us.push(cpu_s * 1e6 / load.answers as f64);
        self.busy.push(cpu_s / load.seconds);
        Ok(())
    }

    fn print(&self, name: &str) {
        println!(
            "    {name:10} {:.0} answers/s, {:.1} µs of CPU each, {:.0} % of its core",
            self.answers_per_s,
            self.cpu_us,
            self.busy.median() * 100.0
        );
    }
}
