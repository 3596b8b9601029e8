//! Feeds nobody asked for before: bytes per CPU second, against nginx with `sub_filter`.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::child::Server;
use crate::cores;
use crate::nginx::Nginx;
use crate::reader;
use crate::stats::Series;
use crate::{DEFAULTS, IMAGES, Rules, configuration, start};

/// As many connections as are kept open to one upstream.
const READERS: usize = 4;
const ROUNDS: usize = 5;
/// Bytes that are asked for in a round.
const ROUND_BYTES: usize = 150_000_000;
/// Longer than it takes until every copy was compressed.
const UNTIL_TIDY: Duration = Duration::from_secs(13);

struct Case {
    size: &'static str,
    feed_bytes: usize,
    feeds: usize,
    rules: Rules,
    is_stored: bool,
}

/// `sizes`: names of sizes as the publisher knows them, and the bytes that they stand for.
pub(crate) fn measure(
    directory: &Path,
    origin: SocketAddr,
    nginx: Option<&Nginx>,
    sizes: [(&'static str, usize); 2],
) -> anyhow::Result<()> {
    println!(
        "\ncold: each dense feed asked for once, by {READERS} readers; bytes as the publisher sends them"
    );
    for (size, feed_bytes) in sizes {
        for (rules, is_stored) in [(IMAGES, false), (DEFAULTS, false), (DEFAULTS, true)] {
            let case = Case {
                size,
                feed_bytes,
                feeds: ROUND_BYTES / feed_bytes,
                rules,
                is_stored,
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
    let feeds = configuration(origin, case.size, case.feeds, case.rules);
    let (mut ours, mut theirs) = (Series::default(), Series::default());
    let mut compressing_s = None;
    for round in 0..ROUNDS {
        // A new process, and a new store: nothing is cached, and no compressing of copies has begun.
        let store = tempfile::tempdir_in(directory)?;
        let path = match case.is_stored {
            true => store.path().display().to_string(),
            false => String::new(),
        };
        let toml = format!("[store]\npath = \"{path}\"\n{feeds}");
        let server = start(directory, "warn", &toml)?;
        ours.push(run(&server, server.addr, "/feeds/f", case)?);
        if let Some(nginx) = nginx {
            let path = format!("/{}/", case.size);
            theirs.push(run(&nginx.server, nginx.proxy, &path, case)?);
        }
        if round == 0 && !case.is_stored {
            let before_s = cores::cpu_s(&server);
            std::thread::sleep(UNTIL_TIDY);
            compressing_s = Some(cores::cpu_s(&server) - before_s);
        }
    }
    let store = if case.is_stored { ", with a store" } else { "" };
    println!(
        "  {}, {}{store}: Feedwright {ours:.0} MB per CPU second",
        case.size, case.rules.name
    );
    if nginx.is_some() {
        println!(
            "    nginx sub_filter {theirs:.0}; Feedwright × nginx {:.2}",
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
    let load = reader::load(addr, READERS, "identity", |next| {
        (next < case.feeds).then(|| format!("{path}{next}"))
    })?;
    let cpu_s = cores::cpu_s(server) - cpu_s;
    let wanted = load.bytes > case.feed_bytes * case.feeds;
    anyhow::ensure!(
        wanted,
        "fewer bytes came than were sent: nothing was rewritten"
    );
    Ok((case.feed_bytes * case.feeds) as f64 / 1e6 / cpu_s)
}
