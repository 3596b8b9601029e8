//! Hits while 5,000 feeds are kept fresh in the background, against hits of the same feeds while
//! nothing else happens; and the memory of both.
#![expect(clippy::print_stdout, reason = "figures are what this program is for")]

#[path = "kit/child.rs"]
mod child;
#[path = "kit/cores.rs"]
mod cores;
#[expect(dead_code, reason = "other benchmarks ask more of a feed")]
#[path = "kit/feeds.rs"]
mod feeds;
#[path = "kit/machine.rs"]
mod machine;
#[path = "kit/origin.rs"]
mod origin;
#[expect(dead_code, reason = "other benchmarks ask more of an answer")]
#[path = "kit/reader.rs"]
mod reader;

use std::cell::RefCell;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use child::Server;
use feeds::{Carrier, Density, Feed, Language, Shape};
use futures_util::future::try_join_all;
use origin::Answer;
use reader::Reader;

const FEEDS: usize = 5_000;
const FEED_BYTES: usize = 30_000;
/// Feeds that readers ask for while it is measured.
const HOT: usize = 200;
const READERS: usize = 8;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(4);
/// A copy gets the gzip form that is kept at the first look after it is 5 s old, every 5 s.
const UNTIL_TIDY: Duration = Duration::from_secs(20);

fn main() -> anyhow::Result<()> {
    println!("{}", machine::describe());
    println!("{}", cores::leave_the_servers_core());
    let bodies: Vec<Arc<[u8]>> = (0..50).map(|seed| body(seed).into()).collect();
    let fetches = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&fetches);
    // Each fetch finds another document, so that nothing is saved by "not modified".
    let origin = origin::start("0.0.0.0:0", move |_| {
        let count = counted.fetch_add(1, Ordering::Relaxed);
        let body = &bodies[usize::try_from(count).unwrap_or(0) % bodies.len()];
        Answer::plain(Arc::clone(body))
    })?;
    println!(
        "{FEEDS} feeds of {FEED_BYTES} bytes, on 500 hosts; {READERS} readers ask for {HOT} of them (gzip)"
    );
    let quiet = "refresh = \"1d\"\nrefresh_max = \"1d\"\nactive_for = \"0s\"";
    // Each feed once in 30 to 36 seconds: a hundred times as often as with the defaults.
    let busy = "refresh = \"30s\"\nrefresh_max = \"30s\"\nrefresh_min = \"30s\"\n[fetch]\nbackground_fetches_max = 256";
    for (name, keys) in [
        ("nothing else", quiet),
        ("kept fresh", busy),
        ("nothing else", quiet),
    ] {
        let directory = tempfile::tempdir()?;
        measure(directory.path(), (name, keys), origin, &fetches)?;
    }
    Ok(())
}

fn body(seed: u64) -> Vec<u8> {
    let shape = Shape {
        bytes: FEED_BYTES,
        carrier: Carrier::Cdata,
        language: Language::English,
        density: Density::Prose,
    };
    Feed::make(seed, shape).xml.into_bytes()
}

fn configuration(origin: SocketAddr, keys: &str) -> String {
    let mut toml = format!("[defaults]\nimages = \"weserv\"\n{keys}\n");
    for feed in 0..FEEDS {
        let host = feed % 500;
        let host = format!("127.80.{}.{}:{}", host / 250, host % 250 + 1, origin.port());
        // Writing to a string can't fail.
        writeln!(
            toml,
            "[[feed]]\nname = \"f{feed}\"\nurl = \"http://{host}/{feed}\"\nallow_private = [\"{host}\"]"
        )
        .ok();
    }
    toml
}

fn measure(
    directory: &Path,
    (name, keys): (&str, &str),
    origin: SocketAddr,
    fetches: &AtomicU64,
) -> anyhow::Result<()> {
    let command = cores::on_the_servers_core(child::FEEDWRIGHT);
    let server = Server::feedwright(command, directory, "warn", &configuration(origin, keys))?;
    let begun = Instant::now();
    for start in (0..FEEDS).step_by(500) {
        reader::load(server.addr, 100, "gzip", |next| {
            (next < 500).then(|| format!("/feeds/f{}", start + next))
        })?;
    }
    println!(
        "\n{name}: {FEEDS} feeds read in {:.0} s",
        begun.elapsed().as_secs_f64()
    );
    std::thread::sleep(UNTIL_TIDY);
    for round in 0..ROUNDS {
        let (cpu_s, before) = (cores::cpu_s(&server), fetches.load(Ordering::Relaxed));
        let (mut took_us, seconds) = hits(server.addr)?;
        let cpu_s = cores::cpu_s(&server) - cpu_s;
        let fetched = fetches.load(Ordering::Relaxed) - before;
        took_us.sort_unstable();
        let at = |part: f64| took_us[((took_us.len() - 1) as f64 * part) as usize];
        println!(
            "  round {round}: {:.0} answers/s; µs: median {}, p99 {}, p99.9 {}, most {}; {:.1} fetches/s; {:.0} % of its core; {} MiB",
            took_us.len() as f64 / seconds,
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0),
            fetched as f64 / seconds,
            cpu_s / seconds * 100.0,
            resident_mib(&server)?,
        );
    }
    Ok(())
}

/// How long each answer took, in microseconds, and the round in seconds.
fn hits(addr: SocketAddr) -> anyhow::Result<(Vec<u64>, f64)> {
    let took_us = RefCell::new(Vec::new());
    let begun = Instant::now();
    let read = async |first: usize| -> anyhow::Result<()> {
        let mut reader = Reader::connect(addr).await?;
        let mut next = first;
        while begun.elapsed() < ROUND {
            next += 7;
            let asked = Instant::now();
            let path = format!("/feeds/f{}", next % HOT);
            reader.get(&path, "gzip", |_| {}).await?;
            let took = u64::try_from(asked.elapsed().as_micros())?;
            took_us.borrow_mut().push(took);
        }
        Ok(())
    };
    reader::run(try_join_all((0..READERS).map(read)))?;
    Ok((took_us.take(), begun.elapsed().as_secs_f64()))
}

fn resident_mib(server: &Server) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid()))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kib.context("no VmRSS")?.parse::<u64>()? / 1024)
}
