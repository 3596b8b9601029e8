//! Feeds nobody asked for before: bytes per CPU second, against nginx with `sub_filter`.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::child::Server;
use crate::cores;
use crate::nginx::Nginx;
use crate::reader;
use crate::stats::Series;
use crate::{configuration, start};

/// As many connections as are kept open to one upstream.
const READERS: usize = 4;
/// Longer than it takes until every copy was compressed.
const UNTIL_TIDY: Duration = Duration::from_secs(13);

struct Case {
    size: &'static str,
    feed_bytes: usize,
    feeds: usize,
    coding: &'static str,
    rounds: usize,
}

/// `sizes`: names of sizes as the publisher knows them, and the bytes that they stand for.
pub(crate) fn measure(
    directory: &Path,
    origin: SocketAddr,
    nginx: Option<&Nginx>,
    sizes: [(&'static str, usize); 2],
) -> anyhow::Result<()> {
    println!(
        "\ncold: each feed asked for once, by {READERS} readers; bytes as the publisher sends them"
    );
    for (coding, rounds) in [("identity", 5), ("gzip", 3)] {
        // Compressing while streaming takes several times as long.
        let bytes = if coding == "gzip" { 50 } else { 150 } * 1_000_000;
        for (size, feed_bytes) in sizes {
            let case = Case {
                size,
                feed_bytes,
                feeds: bytes / feed_bytes,
                coding,
                rounds,
            };
            compare(directory, origin, nginx, &case)?;
        }
    }
    Ok(())
}

fn compare(
    directory: &Path,
    origin: SocketAddr,
    nginx: Option<&Nginx>,
    case: &Case,
) -> anyhow::Result<()> {
    let toml = configuration(origin, case.size, case.feeds);
    let (mut ours, mut theirs) = (Series::default(), Series::default());
    let mut compressing_s = None;
    for round in 0..case.rounds {
        // A new process: nothing is cached, and its compressing of copies has not begun.
        let server = start(directory, "warn", &toml)?;
        ours.push(run(&server, server.addr, "/feeds/f", case)?);
        if let Some(nginx) = nginx {
            let path = format!("/{}/", case.size);
            theirs.push(run(&nginx.server, nginx.proxy, &path, case)?);
        }
        if round == 0 && case.coding == "identity" {
            let before_s = cores::cpu_s(&server);
            std::thread::sleep(UNTIL_TIDY);
            compressing_s = Some(cores::cpu_s(&server) - before_s);
        }
    }
    println!(
        "  {}, {}: Feedwright {ours:.0} MB per CPU second",
        case.size, case.coding
    );
    if nginx.is_some() {
        println!(
            "    nginx {theirs:.0}; Feedwright × nginx {:.2}",
            ours.by(&theirs)
        );
    }
    if let Some(seconds) = compressing_s {
        println!(
            "    and later, to compress what is kept: {:.2} ms of CPU per feed",
            seconds * 1e3 / case.feeds as f64
        );
    }
    Ok(())
}

/// Megabytes per CPU second.
fn run(server: &Server, addr: SocketAddr, path: &str, case: &Case) -> anyhow::Result<f64> {
    let cpu_s = cores::cpu_s(server);
    let load = reader::load(addr, READERS, case.coding, |next| {
        (next < case.feeds).then(|| format!("{path}{next}"))
    })?;
    let cpu_s = cores::cpu_s(server) - cpu_s;
    let wanted = case.coding != "identity" || load.bytes > case.feed_bytes * case.feeds;
    anyhow::ensure!(
        wanted,
        "fewer bytes came than were sent: nothing was rewritten"
    );
    Ok((case.feed_bytes * case.feeds) as f64 / 1e6 / cpu_s)
}
