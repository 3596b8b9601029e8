//! Rewriting a feed, against `lol_html` alone over the same HTML, in one process and one thread.
//!
//! What is compared runs in turns; a ratio is the median of the ratios of neighbouring runs.
#![expect(clippy::print_stdout, reason = "figures are what this program is for")]

#[path = "kit/feeds.rs"]
mod feeds;
#[path = "kit/machine.rs"]
mod machine;
#[path = "kit/stats.rs"]
mod stats;

use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use feeds::{Carrier, Density, Feed, Language, Shape};
use feedwright::config;
use feedwright::feed::splitter::Completeness;
use feedwright::rewrite::{FeedRewriter, Origin, RuleOptions, Rules};
use flate2::Compression;
use flate2::write::GzEncoder;
use lol_html::{HtmlRewriter, Settings, element};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use stats::Series;
use url::Url;

const FEED_BYTES: usize = 1_000_000;
/// What arrives at once: small as from TLS records, and large as from a fast network.
const CHUNK_BYTES: [usize; 2] = [16 << 10, 64 << 10];
/// Each feed is measured this long.
const PER_FEED: Duration = Duration::from_secs(12);
const ROUNDS_MAX: usize = 200;
/// Every rule there is; the fuzzer uses the same.
const EVERY_RULE: &str = include_str!("../fuzz/feedwright.toml");
/// What a feed gets that only names its images' proxy.
const USUAL_RULES: &str =
    "[[feed]]\nname = \"news\"\nurl = \"https://news.example.org/feed/\"\nimages = \"weserv\"";
const FOOTER: &str = "footer = '<hr><div><a href=\"{{ item.link }}\">{{ item.title }}</a></div>'";
const WESERV: &str = "https://images.weserv.nl/?url=";

fn main() -> anyhow::Result<()> {
    println!("{}", machine::describe());
    use {Carrier::*, Density::*, Language::*};
    for (name, carrier, language, density) in [
        ("dense, CDATA", Cdata, English, Dense),
        ("dense, escaped", Escaped, English, Dense),
        ("prose, CDATA, English", Cdata, English, Prose),
        ("prose, CDATA, Chinese", Cdata, Chinese, Prose),
        ("prose, escaped, English", Escaped, English, Prose),
        ("prose, escaped, Chinese", Escaped, Chinese, Prose),
    ] {
        let shape = Shape {
            bytes: FEED_BYTES,
            carrier,
            language,
            density,
        };
        measure(name, &Feed::make(1, shape))?;
    }
    Ok(())
}

/// What is measured of one feed; seconds each.
#[derive(Default)]
struct Times {
    images: [Series; CHUNK_BYTES.len()],
    wrapped: Series,
    untouched: Series,
    repaired: Series,
    usual: Series,
    usual_wrapped: Series,
    every: Series,
    gzip: Series,
    copied: Series,
    lol_html: Series,
    lol_html_all: Series,
    lol_html_idle: Series,
    ammonia: Series,
}

/// The rules that are compared.
struct Sets {
    images: Arc<Rules>,
    wrapped: Arc<Rules>,
    untouched: Arc<Rules>,
    repaired: Arc<Rules>,
    usual: Arc<Rules>,
    usual_wrapped: Arc<Rules>,
    every: Arc<Rules>,
}

impl Sets {
    fn make() -> anyhow::Result<Self> {
        let images = rules(RuleOptions {
            images: Some(format!("{WESERV}{{url_enc}}").into()),
            ..options()
        })?;
        let wrapped = rules(RuleOptions {
            images: Some(format!("{WESERV}{{url_enc}}").into()),
            header: Some("<div><i>{{ item.updated | iso_ms }}</i></div>".into()),
            footer: Some("<hr><div><a href=\"{{ item.link }}\">{{ item.title }}</a></div>".into()),
            ..options()
        })?;
        let untouched = rules(RuleOptions {
            keep_envelope: true,
            ..options()
        })?;
        let repaired = rules(RuleOptions {
            keep_envelope: true,
            repair: true,
            ..options()
        })?;
        Ok(Self {
            images,
            wrapped,
            untouched,
            repaired,
            usual: configured(USUAL_RULES)?,
            usual_wrapped: configured(&format!("{USUAL_RULES}\n{FOOTER}"))?,
            every: configured(EVERY_RULE)?,
        })
    }
}

fn measure(name: &str, feed: &Feed) -> anyhow::Result<()> {
    let sets = Sets::make()?;
    let origin = Origin {
        url: Url::parse("https://news.example.org/feed/")?,
        charset: Some("utf-8".into()),
    };
    let fields_bytes: usize = feed.fields.iter().map(String::len).sum();
    let out = rewrite(&sets.images, &origin, &feed.xml, CHUNK_BYTES[0])?;
    println!(
        "\n{name}: {} bytes, {} items, {} images, {fields_bytes} bytes of HTML; {} addresses rewritten, {} bytes out",
        feed.xml.len(),
        feed.items,
        feed.images,
        out.matches(WESERV).count(),
        out.len()
    );

    let mut times = Times::default();
    let begun = Instant::now();
    for _ in 0..ROUNDS_MAX {
        if begun.elapsed() > PER_FEED {
            break;
        }
        let feedwright = |rules, chunk_bytes| {
            seconds(|| rewrite(rules, &origin, &feed.xml, chunk_bytes).map(|out| out.len()))
        };
        times.images[0].push(feedwright(&sets.images, CHUNK_BYTES[0])?);
        times
            .lol_html
            .push(seconds(|| lol_html(&feed.fields, Addresses::Src))?);
        times.images[1].push(feedwright(&sets.images, CHUNK_BYTES[1])?);
        times
            .wrapped
            .push(feedwright(&sets.wrapped, CHUNK_BYTES[1])?);
        times
            .lol_html_all
            .push(seconds(|| lol_html(&feed.fields, Addresses::All))?);
        times
            .lol_html_idle
            .push(seconds(|| lol_html(&feed.fields, Addresses::None))?);
        times.ammonia.push(seconds(|| Ok(ammonia(&feed.fields)))?);
        times
            .untouched
            .push(feedwright(&sets.untouched, CHUNK_BYTES[1])?);
        times
            .repaired
            .push(feedwright(&sets.repaired, CHUNK_BYTES[1])?);
        times.usual.push(feedwright(&sets.usual, CHUNK_BYTES[1])?);
        times
            .usual_wrapped
            .push(feedwright(&sets.usual_wrapped, CHUNK_BYTES[1])?);
        times.gzip.push(seconds(|| gzip(&feed.xml))?);
        times.every.push(feedwright(&sets.every, CHUNK_BYTES[1])?);
        times
            .copied
            .push(seconds(|| Ok(black_box(feed.xml.clone()).len()))?);
    }
    times.print(feed);
    Ok(())
}

impl Times {
    fn print(&self, feed: &Feed) {
        println!(
            "                               median, least ms      MB/s  × gzip -1  × lol_html, img[src]"
        );
        let line = |name: &str, series: &Series| {
            println!(
                "  {name:26} {:8.3} {:8.3}  {:8.0}  {:.2}  {:.2}",
                series.median() * 1e3,
                series.least() * 1e3,
                feed.xml.len() as f64 / series.least() / 1e6,
                series.by(&self.gzip),
                series.by(&self.lol_html)
            );
        };
        line("gzip -1", &self.gzip);
        line("lol_html, img[src]", &self.lol_html);
        line("lol_html, src and srcset", &self.lol_html_all);
        line("lol_html, no handlers", &self.lol_html_idle);
        line("ammonia", &self.ammonia);
        for (series, chunk_bytes) in self.images.iter().zip(CHUNK_BYTES) {
            line(&format!("images, {} KiB a time", chunk_bytes >> 10), series);
        }
        line("images, header, footer", &self.wrapped);
        line("the defaults and images", &self.usual);
        line("the same and a footer", &self.usual_wrapped);
        line("every rule", &self.every);
        line("no rules", &self.untouched);
        line("no rules but repair", &self.repaired);
        line("copied to new memory", &self.copied);
    }
}

fn options() -> RuleOptions {
    RuleOptions {
        feed_name: "news".into(),
        self_url: "http://127.0.0.1:8080/feeds/news".into(),
        public_url: "http://127.0.0.1:8080".into(),
        ..RuleOptions::default()
    }
}

fn rules(options: RuleOptions) -> anyhow::Result<Arc<Rules>> {
    Ok(Arc::new(Rules::new(options)?))
}

/// The rules of the one feed in `text`.
fn configured(text: &str) -> anyhow::Result<Arc<Rules>> {
    let settings = config::parse("bench.toml", text, std::iter::empty())
        .map_err(|problems| anyhow::anyhow!("{problems}"))?;
    let feed = settings.feeds.first().map(|feed| feed.rules.clone());
    let mut options = feed.unwrap_or_default();
    // Or most of the feed would only be dropped.
    options.selection.limit = None;
    rules(options)
}

fn seconds(work: impl FnOnce() -> anyhow::Result<usize>) -> anyhow::Result<f64> {
    let begun = Instant::now();
    black_box(work()?);
    Ok(begun.elapsed().as_secs_f64())
}

/// The feed through the rules, as the service would do it: what a chunk completes is handed on.
fn rewrite(
    rules: &Arc<Rules>,
    origin: &Origin,
    xml: &str,
    chunk_bytes: usize,
) -> anyhow::Result<String> {
    let mut rewriter = FeedRewriter::new(Arc::clone(rules), origin.clone());
    let (mut piece, mut out) = (String::new(), String::new());
    for chunk in xml.as_bytes().chunks(chunk_bytes) {
        rewriter.push(chunk, &mut piece);
        out.push_str(&piece);
        piece.clear();
    }
    let ending = rewriter.finish(&mut piece);
    anyhow::ensure!(
        ending.completeness == Completeness::Complete,
        "the made-up feed is no whole feed"
    );
    out.push_str(&piece);
    Ok(out)
}

/// What compressing the feed takes, as fast as it can be done by zlib's format.
fn gzip(xml: &str) -> anyhow::Result<usize> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(xml.len()), Compression::new(1));
    encoder.write_all(xml.as_bytes())?;
    Ok(encoder.finish()?.len())
}

/// What the peer sends through the image proxy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Addresses {
    /// Nothing: what `lol_html` costs before it does anything.
    None,
    /// The `src` of every `img`.
    Src,
    /// Every candidate of its `srcset`, too, as the rules do.
    All,
}

/// One `HtmlRewriter` per field.
fn lol_html(fields: &[String], addresses: Addresses) -> anyhow::Result<usize> {
    let mut bytes = 0;
    for field in fields {
        let mut out = Vec::with_capacity(field.len() * 2);
        let mut settings = Settings::new();
        if addresses != Addresses::None {
            settings = settings.append_element_content_handler(element!("img[src]", |img| {
                let src = img.get_attribute("src").unwrap_or_default();
                img.set_attribute("src", &proxied(&src))?;
                if let Some(srcset) = img.get_attribute("srcset")
                    && addresses == Addresses::All
                {
                    img.set_attribute("srcset", &proxied_srcset(&srcset))?;
                }
                Ok(())
            }));
        }
        let mut rewriter = HtmlRewriter::new(settings, |chunk: &[u8]| out.extend_from_slice(chunk));
        rewriter.write(field.as_bytes())?;
        rewriter.end()?;
        bytes += black_box(&out).len();
    }
    Ok(bytes)
}

/// What sanitising costs by itself: one DOM per field.
fn ammonia(fields: &[String]) -> usize {
    let clean = |field: &String| black_box(ammonia::clean(field)).len();
    fields.iter().map(clean).sum()
}

fn proxied(address: &str) -> String {
    format!("{WESERV}{}", utf8_percent_encode(address, NON_ALPHANUMERIC))
}

/// Simpler than a `srcset` may be, and enough for the made-up ones.
fn proxied_srcset(srcset: &str) -> String {
    let candidates = srcset.split(", ").map(|candidate| {
        let (address, width) = candidate.split_once(' ').unwrap_or((candidate, ""));
        format!("{} {width}", proxied(address))
    });
    candidates.collect::<Vec<_>>().join(", ")
}
