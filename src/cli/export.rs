//! `export`: the items that are kept of a feed, as the service would serve them, to standard output.
//!
//! Invariants: a service that runs is not disturbed; what is held at once is a few items, however many
//! there are.

mod served;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::ConfigFile;
use crate::app::{KeyLife, provide_image_key};
use crate::archive::render::{self, atom};
use crate::config::{FeedSettings, Settings};
use crate::feed::date;
use crate::rewrite::entry::Entry;
use crate::store::{Inspection, ItemWindow, KeptItem};
use served::Served;

/// Items, and bytes of them, that are read at a time.
const COUNT: usize = 50;
const BYTES: usize = 8 << 20;

#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    pub(super) file: ConfigFile,
    /// The feed
    #[arg(long, value_name = "NAME")]
    feed: String,
    /// Only items of that day or later: 2024-01-31, or a moment as feeds write it; those without a
    /// date count from when they were first seen
    #[arg(long, value_name = "DATE", value_parser = since)]
    since: Option<i64>,
    /// How they are written
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    format: Format,
}

/// How items are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Markdown, one item after the other, each below its front matter
    Markdown,
    /// A line of JSON each
    Jsonl,
    /// One Atom feed
    Atom,
}

fn since(text: &str) -> Result<i64, &'static str> {
    let moment = date::parse(text).ok_or("expected a date, such as 2024-01-31")?;
    Ok(moment.as_millisecond())
}

/// Runs the command: the oldest items come first.
pub(super) fn run(mut settings: Settings, export: &Export) -> anyhow::Result<ExitCode> {
    if super::find_feed(&settings, &export.feed).is_none() {
        return Ok(ExitCode::from(2));
    }
    let path = settings.store.as_ref().map(|options| options.path.clone());
    let path = path.context("nothing is stored: `[store] path` is empty")?;
    let inspection = Arc::new(Inspection::open(&path)?);
    if settings.lacks_image_key()
        && let KeyLife::Lost(Some(error)) = provide_image_key(&mut settings)?
    {
        return Err(error.into());
    }
    let Some(feed) = super::find_feed(&settings, &export.feed) else {
        return Ok(ExitCode::from(2));
    };
    let served = Served::new(&inspection, feed, &settings)?;
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&inspection, feed, (&served, export), &mut out) {
        Ok(0) => super::print_error("no items are kept of it, or none of that time"),
        Ok(_) => {}
        // Whoever reads it may have seen enough.
        Err(error) if is_broken_pipe(&error) => {}
        Err(error) => return Err(error),
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the items; how many.
fn write(
    inspection: &Inspection,
    feed: &FeedSettings,
    (served, export): (&Served, &Export),
    out: &mut impl Write,
) -> anyhow::Result<usize> {
    let name = feed.name.as_str();
    if export.format == Format::Atom {
        let newest = inspection.items(name, &ItemWindow::newest(1, BYTES))?;
        let updated_ms = newest.first().map_or(0, seen_ms);
        let title = feed.title.as_deref().unwrap_or(name);
        out.write_all(atom::head(title, &feed.rules.self_url, updated_ms).as_bytes())?;
    }
    let mut window = ItemWindow {
        newest_first: false,
        ..ItemWindow::newest(COUNT, BYTES)
    };
    let mut count = 0;
    loop {
        let items = inspection.items(name, &window)?;
        let Some(last) = items.last() else { break };
        window.from = last.place + 1;
        for kept in &items {
            let Some(entry) = served.entry(kept) else {
                continue;
            };
            if entry.date_ms.unwrap_or_else(|| seen_ms(kept)) >= export.since.unwrap_or(i64::MIN) {
                out.write_all(rendered(&entry, kept, (name, export.format)).as_bytes())?;
                count += 1;
            }
        }
    }
    if export.format == Format::Atom {
        out.write_all(atom::END.as_bytes())?;
    }
    out.flush()?;
    Ok(count)
}

fn rendered(entry: &Entry, kept: &KeptItem, (name, format): (&str, Format)) -> String {
    match format {
        Format::Markdown => render::Format::Markdown.render(entry, name) + "\n",
        Format::Jsonl => render::Format::JsonLines.render(entry, name),
        Format::Atom => atom::render(entry, seen_ms(kept)),
    }
}

/// When an item was first seen, in milliseconds since 1970.
fn seen_ms(kept: &KeptItem) -> i64 {
    let since = kept.first_seen.duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
