//! Whether the processor time of rewriting grows as the document does: every rule on, each hostile shape from
//! 1 MB to 32 MB, doubled each time.
//!
//! Twice the document should take about twice the time; what takes more than three times as long,
//! twice in a row, is marked.
#![expect(clippy::print_stdout, reason = "figures are what this program is for")]

#[path = "kit/cpu.rs"]
mod cpu;
#[path = "kit/hostile.rs"]
mod hostile;
#[path = "kit/machine.rs"]
mod machine;

use std::hint::black_box;
use std::sync::Arc;

use feedwright::config;
use feedwright::rewrite::{FeedRewriter, Origin, Rules};
use hostile::SHAPES;
use url::Url;

/// Every rule there is; the fuzzer uses the same.
const RULES: &str = include_str!("../fuzz/feedwright.toml");
const MEGABYTES: [usize; 6] = [1, 2, 4, 8, 16, 32];
const CHUNK_BYTES: usize = 64 << 10;
/// A shape that takes longer than this for one size is not doubled again.
const PATIENCE_S: f64 = 60.0;
/// How many times the time of half the size is too much.
const TOO_MUCH: f64 = 3.0;
/// Times below this say little.
const TELLING_S: f64 = 0.02;

fn main() -> anyhow::Result<()> {
    println!("{}", machine::describe());
    let settings = config::parse("fuzz.toml", RULES, std::iter::empty())
        .map_err(|problems| anyhow::anyhow!("{problems}"))?;
    let feed = settings.feeds.first().map(|feed| feed.rules.clone());
    let mut options = feed.unwrap_or_default();
    // Or most of a large document would only be dropped.
    options.selection.limit = None;
    let rules = Arc::new(Rules::new(options)?);
    let heads: Vec<_> = MEGABYTES.iter().map(|size| format!("{size} MB")).collect();
    println!("{:32} {:>9}  seconds", "", heads.join("  "));
    let only = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    for (name, make) in SHAPES {
        if only
            .as_ref()
            .is_none_or(|only| name.contains(only.as_str()))
        {
            measure(name, *make, &rules)?;
        }
    }
    Ok(())
}

fn measure(name: &str, make: hostile::Make, rules: &Arc<Rules>) -> anyhow::Result<()> {
    let mut times: Vec<f64> = Vec::new();
    for size in MEGABYTES {
        if times.last().is_some_and(|time| *time > PATIENCE_S) {
            break;
        }
        times.push(seconds(rules, make(size << 20).as_bytes())?);
    }
    let is_steep = |pair: &[f64]| pair[0] > TELLING_S && pair[1] > TOO_MUCH * pair[0];
    let steep: Vec<_> = times.windows(2).map(is_steep).collect();
    let is_superlinear =
        steep.windows(2).any(|two| two[0] && two[1]) || times.len() < MEGABYTES.len();
    let shown: Vec<_> = times.iter().map(|time| format!("{time:8.3}")).collect();
    let mark = if is_superlinear {
        "  MORE THAN LINEAR"
    } else {
        ""
    };
    println!("{name:32} {}{mark}", shown.join(" "));
    Ok(())
}

fn seconds(rules: &Arc<Rules>, document: &[u8]) -> anyhow::Result<f64> {
    let origin = Origin {
        url: Url::parse("https://news.example.org/feed/")?,
        charset: None,
    };
    let begun = cpu::seconds();
    let mut rewriter = FeedRewriter::new(Arc::clone(rules), origin);
    let mut out = String::new();
    for chunk in document.chunks(CHUNK_BYTES) {
        rewriter.push(chunk, &mut out);
        black_box(&out);
        out.clear();
    }
    rewriter.finish(&mut out);
    Ok(cpu::seconds() - begun)
}
