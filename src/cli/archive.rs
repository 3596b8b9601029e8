//! `archive why`: why an item was archived or was not, from the configuration, the store and the archive's index.
//!
//! Nothing is locked or changed, so the service may run meanwhile.

mod evidence;

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::ConfigFile;
use crate::archive::{ArchiveOptions, ArchiveReader, IndexedVersions};
use crate::config::{FeedSettings, Settings};
use crate::fulltext::ArticleStatus;
use crate::rewrite::entry::Entry;
use crate::store::{Inspection, OpenError, WhenFull};
use evidence::Evidence;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Say why an item was archived, or why it was not
    Why(Why),
}

#[derive(Debug, Args)]
pub(super) struct Why {
    #[command(flatten)]
    pub(super) file: ConfigFile,
    /// The feed
    #[arg(long, value_name = "NAME")]
    feed: String,
    /// The item: its guid or id, or its link
    #[arg(long, value_name = "GUID")]
    item: String,
}

/// Runs the command. Exit code 1 where nothing is known of the item, 2 where there is no such feed.
pub(super) fn why(settings: &Settings, why: &Why) -> anyhow::Result<ExitCode> {
    let Some(feed) = super::find_feed(settings, &why.feed) else {
        return Ok(ExitCode::from(2));
    };
    let item = &why.item;
    let Some(options) = &feed.archive else {
        let reason = "the feed has no archive; `archive = true` in its table gives it one";
        return print(&format!("not archived: {reason}"));
    };
    let inspection = open_store(settings)?;
    let evidence = Evidence::collect(inspection.as_ref(), feed, item)?;
    let directory = &settings.archive.directory;
    let reader = ArchiveReader::new(directory.clone());
    let indexed = reader
        .find(feed.name.as_str(), &evidence.identities(item))
        .with_context(|| format!("the index in {} can't be read", directory.display()))?;
    let is_indexed = !indexed.versions.is_empty() || indexed.is_removed;
    if !is_indexed && !evidence.is_known {
        anyhow::bail!("{}", evidence.unknown(item));
    }
    if let Some(entry) = &evidence.waiting {
        let mut text = match indexed.versions.is_empty() {
            true => "not archived yet: ".to_owned(),
            false => format!("{}a newer version waits: ", archived(&indexed, directory)),
        };
        text += &waits(entry, options, directory);
        return print(&text);
    }
    if !indexed.versions.is_empty() {
        return print(&archived(&indexed, directory));
    }
    let reason = if indexed.is_removed {
        "its files were removed to make room for newer items (`[archive] when_full = \"oldest\"`)"
            .to_owned()
    } else {
        reason(&evidence, settings, (feed, options), &reader)?
    };
    print(&format!("not archived: {reason}"))
}

/// The store; `None` where nothing is stored.
fn open_store(settings: &Settings) -> anyhow::Result<Option<Inspection>> {
    let Some(options) = &settings.store else {
        return Ok(None);
    };
    match Inspection::open(&options.path) {
        Ok(inspection) => Ok(Some(inspection)),
        Err(OpenError::Absent(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The versions of an archived item, a line each.
fn archived(indexed: &IndexedVersions, directory: &Path) -> String {
    let mut text = "archived:\n".to_owned();
    for version in &indexed.versions {
        let path = directory.join(&version.path);
        let state = match version.written_at {
            Some(at) => format!("written {}", time(at)),
            None => "removed since; a file that somebody removed is not written again".to_owned(),
        };
        writeln!(
            text,
            "  version {}: {}, {state}",
            version.version,
            path.display()
        )
        .ok();
    }
    text
}

/// Why an item that is to be written was not written yet.
fn waits(entry: &Entry, options: &ArchiveOptions, directory: &Path) -> String {
    let tries = "it is tried every 30 seconds, and the log and /readyz say why a try failed";
    if let Some(problem) = evidence::directory_problem(directory) {
        return format!("it waits to be written, and {problem}; {tries}");
    }
    match options.images && entry.html.contains("<img") {
        true => format!("it waits until its images are fetched and it is written; {tries}"),
        false => format!("it waits to be written; {tries}"),
    }
}

/// Why an item that the feed or the store has is not in the index.
fn reason(
    evidence: &Evidence,
    settings: &Settings,
    (feed, options): (&FeedSettings, &ArchiveOptions),
    reader: &ArchiveReader,
) -> anyhow::Result<String> {
    let Some(entry) = &evidence.served else {
        return Ok(match (evidence.is_in_document, evidence.first_seen) {
            (true, _) => {
                "the feed's rules leave it out (`drop`, `keep` or `limit`); `feedwright rewrite \
                          --explain` says which"
                    .to_owned()
            }
            (false, Some(seen)) => format!(
                "it was first seen {} and is no longer in the feed; it was not archived while it was in it",
                time(seen)
            ),
            (false, None) => "it is no longer in the feed".to_owned(),
        });
    };
    match &evidence.article {
        Some(ArticleStatus::Awaited) => {
            return Ok(
                "its full text is still awaited; it is archived when that is there, or when \
                       the item falls out of the feed"
                    .to_owned(),
            );
        }
        Some(ArticleStatus::Failing { reason, retry_at_s }) => {
            let retry_at = UNIX_EPOCH + std::time::Duration::from_secs(*retry_at_s);
            return Ok(format!(
                "its full text is still awaited: the last try failed ({reason}), the next one is due {}",
                time(retry_at)
            ));
        }
        Some(ArticleStatus::Stored | ArticleStatus::Failed { .. }) | None => {}
    }
    let bytes = options.format.render(entry, feed.name.as_str()).len() as u64;
    if let Some(reason) = beyond_totals(settings, reader, (feed.name.as_str(), bytes))? {
        return Ok(reason);
    }
    if let Some(problem) = evidence::directory_problem(&settings.archive.directory) {
        return Ok(problem);
    }
    Ok(
        "it is in the feed and is archived when the service takes the feed in the next time: \
        after a start, or when the feed changes"
            .to_owned(),
    )
}

/// Why the totals leave no room for an item of so many bytes; `None` where they do.
fn beyond_totals(
    settings: &Settings,
    reader: &ArchiveReader,
    (feed, bytes): (&str, u64),
) -> anyhow::Result<Option<String>> {
    let totals = &settings.archive.totals;
    if totals.is_none() {
        return Ok(None);
    }
    if totals.is_too_large(bytes) {
        return Ok(Some(format!(
            "it has {bytes} bytes, which is more than a total of the archive (`[archive] bytes_max`, \
             `feed_bytes_max`)"
        )));
    }
    let (of_feed, of_all) = reader.bytes(feed).context("the archive can't be read")?;
    let (key, taken, total) = match () {
        () if totals.is_over_feed(of_feed + bytes) => {
            ("feed_bytes_max", of_feed, totals.feed_bytes_max)
        }
        () if totals.is_over_all(of_all + bytes) => ("bytes_max", of_all, totals.bytes_max),
        () => return Ok(None),
    };
    Ok((totals.when_full == WhenFull::Refuse).then(|| {
        format!(
            "it is refused: the archive has {taken} of {total} bytes (`[archive] {key}`), and the item \
             has {bytes}"
        )
    }))
}

fn time(at: SystemTime) -> String {
    Timestamp::try_from(at)
        .map_or_else(|_| "at an unknown time".to_owned(), |at| format!("{at:.0}"))
}

fn print(text: &str) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", text.trim_end())?;
    Ok(ExitCode::SUCCESS)
}
