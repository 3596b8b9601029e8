//! The service as a process of its own, against nginx on the same core in turns: cached feeds,
//! feeds nobody asked for before, and the time to the first byte.
#![expect(clippy::print_stdout, reason = "figures are what this program is for")]

mod cached;
#[path = "../kit/child.rs"]
mod child;
mod cold;
#[path = "../kit/cores.rs"]
mod cores;
#[expect(dead_code, reason = "other benchmarks ask more of a feed")]
#[path = "../kit/feeds.rs"]
mod feeds;
mod first_byte;
#[path = "../kit/machine.rs"]
mod machine;
mod nginx;
#[path = "../kit/origin.rs"]
mod origin;
#[path = "../kit/reader.rs"]
mod reader;
#[path = "../kit/stats.rs"]
mod stats;

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use child::Server;
use feeds::{Carrier, Density, Feed, Language, Shape};
use nginx::Nginx;
use origin::Answer;

/// What a slow publisher sends at once.
const START_BYTES: usize = 16 << 10;
/// How long a slow publisher then pauses.
const PAUSE: Duration = Duration::from_millis(20);

fn main() -> anyhow::Result<()> {
    println!("{}", machine::describe());
    println!("{}", cores::leave_the_servers_core());
    let directory = tempfile::tempdir()?;
    let (small, large) = (body(100_000), body(1_000_000));
    let sizes = [("100k", small.len()), ("1m", large.len())];
    let origin = origin::start("127.0.0.1:0", move |path| match path.split('/').nth(1) {
        Some("1m") => Answer::plain(Arc::clone(&large)),
        Some("slow") => Answer {
            pause: Some((START_BYTES, PAUSE)),
            ..Answer::plain(Arc::clone(&small))
        },
        _ => Answer::plain(Arc::clone(&small)),
    })?;
    let nginx = Nginx::start(directory.path(), origin)?;
    if nginx.is_none() {
        println!("nginx is not installed: what follows has no peer");
    }
    cached::measure(directory.path(), origin, nginx.as_ref())?;
    cold::measure(directory.path(), origin, nginx.as_ref(), sizes)?;
    first_byte::measure(directory.path(), origin)
}

/// Starts the service on the servers' core.
fn start(directory: &Path, log_level: &str, toml: &str) -> anyhow::Result<Server> {
    let command = cores::on_the_servers_core(child::FEEDWRIGHT);
    Server::feedwright(command, directory, log_level, toml)
}

fn body(bytes: usize) -> Arc<[u8]> {
    let shape = Shape {
        bytes,
        carrier: Carrier::Cdata,
        language: Language::English,
        density: Density::Dense,
    };
    Feed::make(1, shape).xml.into_bytes().into()
}

/// The rules that a service has for all its feeds.
#[derive(Clone, Copy)]
struct Rules {
    name: &'static str,
    toml: &'static str,
}

const IMAGES: Rules = Rules {
    name: "images and a footer",
    toml: "images = \"weserv\"\nfooter = \"<p>via feed mirror</p>\"\nrepair = false\nsanitize = \"off\"\ndrop_trackers = false\nabsolute_links = false\npromote_images = false\nmark = false\n",
};

const DEFAULTS: Rules = Rules {
    name: "every default and a footer",
    toml: "images = \"weserv\"\nfooter = \"<p>via feed mirror</p>\"\n",
};

/// So many feeds `f0`, `f1`, … of a size that the publisher knows.
fn configuration(origin: SocketAddr, size: &str, feeds: usize, rules: Rules) -> String {
    let mut toml = format!(
        "[fetch]\nhost_fetches_max = 64\nhost_spacing = \"0s\"\n[defaults]\n{}refresh = \"1d\"\nallow_private = [\"{origin}\"]\n",
        rules.toml
    );
    for feed in 0..feeds {
        // Writing to a string can't fail.
        writeln!(
            toml,
            "[[feed]]\nname = \"f{feed}\"\nurl = \"http://{origin}/{size}/{feed}\""
        )
        .ok();
    }
    toml
}
