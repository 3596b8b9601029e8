//! How much later a reader has the first byte of a feed that is not cached than one who asks the
//! publisher, who sends the start of the feed and then pauses.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use crate::reader::{self, Reader};
use crate::stats::Series;
use crate::{DEFAULTS, PAUSE, START_BYTES, configuration, start};

const FEEDS: usize = 100;

pub(crate) fn measure(directory: &Path, origin: SocketAddr) -> anyhow::Result<()> {
    println!(
        "\nfirst byte: the publisher sends {} KiB, pauses for {} ms and sends the rest; {FEEDS} feeds, one after the other",
        START_BYTES >> 10,
        PAUSE.as_millis()
    );
    for coding in ["identity", "gzip"] {
        // A new process: nothing is cached.
        let feeds = configuration(origin, "slow", FEEDS, DEFAULTS);
        let toml = format!("[store]\npath = \"\"\n{feeds}");
        let server = start(directory, "warn", &toml)?;
        let (mut ours, mut direct) = (Series::default(), Series::default());
        reader::run(async {
            let mut to_us = Reader::connect(server.addr).await?;
            let mut to_origin = Reader::connect(origin).await?;
            for feed in 0..FEEDS {
                direct.push(first_byte_ms(&mut to_origin, &format!("/slow/{feed}"), coding).await?);
                ours.push(first_byte_ms(&mut to_us, &format!("/feeds/f{feed}"), coding).await?);
            }
            Ok(())
        })?;
        println!(
            "  {coding}: direct {direct:.3} ms, Feedwright {ours:.3} ms: {:.3} ms later, of the least times {:.3}",
            ours.median() - direct.median(),
            ours.least() - direct.least()
        );
    }
    Ok(())
}

async fn first_byte_ms(reader: &mut Reader, path: &str, coding: &str) -> anyhow::Result<f64> {
    let asked_at = Instant::now();
    let answered = reader.get(path, coding, |_| {}).await?;
    Ok((answered.first_byte_at - asked_at).as_secs_f64() * 1e3)
}
