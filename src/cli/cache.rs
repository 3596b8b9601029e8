//! `cache`: what is stored, seen from outside the service, and taken out of it.
//!
//! Looking takes no lock and changes nothing. Purging opens the directory where nobody has it; where
//! the service has it, the service is asked to do it, so that its memory forgets as well.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};

use super::{ConfigFile, serve};
use crate::config::{self, Settings};
use crate::mirror;
use crate::store::{
    Inspected, Inspection, ListedEntry, OpenError, Purge, PurgeKey, Space, Store, StoreOptions,
};

/// How long the service may take to say what it removed.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Bodies that are listed at a time.
const PAGE: usize = 1_000;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the stored bodies
    List {
        #[command(flatten)]
        file: ConfigFile,
        /// Only those of this kind
        #[arg(long, value_name = "KIND")]
        space: Option<Kind>,
        /// Only those whose key starts so
        #[arg(long, value_name = "TEXT", default_value = "")]
        prefix: String,
    },
    /// Show what is known of one, or the body itself
    Show {
        #[command(flatten)]
        file: ConfigFile,
        /// Its key, as `list` shows it: for a feed its name
        key: String,
        /// Its kind
        #[arg(long, value_name = "KIND", default_value = "feeds")]
        space: Kind,
        /// Write the body, and nothing else, to standard output
        #[arg(long)]
        body: bool,
    },
    /// Remove what is stored, also from the memory of a service that runs
    Purge {
        #[command(flatten)]
        file: ConfigFile,
        #[command(flatten)]
        what: What,
        /// Remove the items as well that are kept of feeds; they have no age
        #[arg(long)]
        items: bool,
    },
}

impl Command {
    pub(super) fn file(&self) -> &ConfigFile {
        match self {
            Self::List { file, .. } | Self::Show { file, .. } | Self::Purge { file, .. } => file,
        }
    }
}

/// What is to be purged; everything that all of it holds for.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(super) struct What {
    /// This feed
    #[arg(long, value_name = "NAME", conflicts_with_all = ["mirror", "space", "key", "prefix"])]
    feed: Option<String>,
    /// What this mirror has
    #[arg(long, value_name = "NAME", conflicts_with_all = ["space", "key", "prefix"])]
    mirror: Option<String>,
    /// What is of this kind
    #[arg(long, value_name = "KIND")]
    space: Option<Kind>,
    /// What has this key, as `list` shows it
    #[arg(long, value_name = "KEY", conflicts_with = "prefix")]
    key: Option<String>,
    /// What has a key that starts so
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// What was stored longer ago than this: 12h, 7d
    #[arg(long, value_name = "AGE", value_parser = config::parse_duration)]
    older_than: Option<Duration>,
    /// Everything
    #[arg(long)]
    all: bool,
}

/// What kind of thing is stored.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Kind {
    Feeds,
    Mirror,
    Images,
    Articles,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Feeds, Self::Mirror, Self::Images, Self::Articles];

    fn space(self) -> Space {
        match self {
            Self::Feeds => Space::Feeds,
            Self::Mirror => Space::Mirror,
            Self::Images => Space::Images,
            Self::Articles => Space::Articles,
        }
    }
}

impl What {
    fn purge(self, with_items: bool) -> Purge {
        let (space, key) = match (self.feed, self.mirror) {
            (Some(name), _) => (Some(Space::Feeds), Some(PurgeKey::Is(name))),
            (_, Some(name)) => {
                let start = mirror::key_start(&name);
                (Some(Space::Mirror), Some(PurgeKey::StartsWith(start)))
            }
            _ => {
                let key = self.key.map(PurgeKey::Is);
                let key = key.or(self.prefix.map(PurgeKey::StartsWith));
                (self.space.map(Kind::space), key)
            }
        };
        let before = |age| SystemTime::now().checked_sub(age);
        Purge {
            space,
            key,
            stored_before: self
                .older_than
                .map(|age| before(age).unwrap_or(SystemTime::UNIX_EPOCH)),
            with_items,
        }
    }
}

/// Runs the command.
pub(super) fn run(settings: &Settings, command: Command) -> anyhow::Result<ExitCode> {
    let options = settings
        .store
        .as_ref()
        .context("nothing is stored: `[store] path` is empty")?;
    let inspection = Inspection::open(&options.path)?;
    match command {
        Command::List { space, prefix, .. } => {
            let all = space.map_or(Kind::ALL.to_vec(), |one| vec![one]);
            let mut out = BufWriter::new(io::stdout().lock());
            let listed = list(&inspection, &all, &prefix, &mut out);
            // Whoever reads the list may have seen enough.
            listed
                .or_else(|error| match error.downcast_ref::<io::Error>() {
                    Some(io) if io.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                    _ => Err(error),
                })
                .map(|()| ExitCode::SUCCESS)
        }
        Command::Show {
            key, space, body, ..
        } => show(&inspection, space.space(), &key, body),
        Command::Purge { what, items, .. } => purge(&inspection, options, what.purge(items)),
    }
}

fn list(
    inspection: &Inspection,
    kinds: &[Kind],
    prefix: &str,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let now = SystemTime::now();
    writeln!(
        out,
        "{:<8} {:>10} {:>10} {:>7} {:>7}  KEY",
        "KIND", "BYTES", "ON DISK", "STORED", "USED"
    )?;
    for kind in kinds {
        let space = kind.space();
        let mut after: Option<String> = None;
        loop {
            let page = inspection.list(space, (prefix, after.as_deref()), PAGE)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (key, listed) in &page {
                match listed {
                    Some(listed) => write_line(out, space, listed, now)?,
                    None => writeln!(out, "{:<8} damaged  {}", space.name(), plain(key))?,
                }
            }
        }
    }
    Ok(out.flush()?)
}

fn write_line(
    out: &mut impl Write,
    space: Space,
    listed: &ListedEntry,
    now: SystemTime,
) -> io::Result<()> {
    write!(
        out,
        "{:<8} {:>10} {:>10} {:>7} {:>7}  {}",
        space.name(),
        listed.body_bytes,
        listed.disk_bytes,
        age(listed.stored_at, now),
        age(listed.used_at, now),
        plain(&listed.key)
    )?;
    for name in ["etag", "last_modified"] {
        if let Some(value) = said(&listed.meta, name) {
            write!(out, "  {name}={}", plain(&value))?;
        }
    }
    writeln!(out)
}

fn show(
    inspection: &Inspection,
    space: Space,
    key: &str,
    is_body: bool,
) -> anyhow::Result<ExitCode> {
    let entry = match inspection.get(space, key)? {
        Inspected::Entry(entry) => entry,
        Inspected::Nothing => anyhow::bail!("{} has no `{}`", space.name(), plain(key)),
        Inspected::Damaged => anyhow::bail!(
            "`{}` of {} is damaged; the service removes it when it is asked for",
            plain(key),
            space.name()
        ),
    };
    let mut out = BufWriter::new(io::stdout().lock());
    if is_body {
        for piece in &entry.body {
            out.write_all(piece)?;
        }
    } else {
        let bytes: usize = entry.body.iter().map(bytes::Bytes::len).sum();
        let now = SystemTime::now();
        writeln!(out, "kind: {}\nkey: {}", space.name(), plain(key))?;
        writeln!(out, "bytes: {bytes}\nstored: {}", age(entry.stored_at, now))?;
        writeln!(out, "said: {}", pretty(&entry.meta))?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn purge(
    inspection: &Inspection,
    options: &StoreOptions,
    purge: Purge,
) -> anyhow::Result<ExitCode> {
    let removed = match Store::open(options.clone()) {
        Ok(store) => serve::run_to_end(async move {
            let removed = store.purge(purge).await;
            store.close().await;
            Ok(removed)
        })?,
        Err(OpenError::InUse { by, .. }) => {
            let by = by.map_or_else(String::new, |by| format!(" (process {by})"));
            inspection
                .ask_to_purge(&purge, ANSWER_TIMEOUT)
                .context("the service can't be asked")?
                .with_context(|| {
                    format!(
                        "the service that has the store{by} did not answer in {} s: nothing was removed",
                        ANSWER_TIMEOUT.as_secs()
                    )
                })?
        }
        Err(error) => return Err(error.into()),
    };
    writeln!(io::stdout().lock(), "{removed} removed")?;
    Ok(ExitCode::SUCCESS)
}

/// A text without what a terminal would act upon: keys and values are untrusted.
fn plain(text: &str) -> String {
    let escape = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(escape).collect()
}

/// A text out of what was said about a body.
fn said(meta: &[u8], name: &str) -> Option<String> {
    let said: serde_json::Value = serde_json::from_slice(meta).ok()?;
    Some(said.get(name)?.as_str()?.to_owned())
}

/// What was said about a body, for people.
fn pretty(meta: &[u8]) -> String {
    let said = serde_json::from_slice::<serde_json::Value>(meta);
    let text = said.and_then(|said| serde_json::to_string_pretty(&said));
    let text = text.unwrap_or_else(|_| String::from_utf8_lossy(meta).into_owned());
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// How long ago, in the largest unit.
fn age(then: SystemTime, now: SystemTime) -> String {
    let Ok(age) = now.duration_since(then) else {
        return "ahead".into();
    };
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let seconds = age.as_secs();
    units
        .iter()
        .find(|(unit, _)| seconds >= 2 * unit)
        .map_or_else(
            || format!("{seconds}s"),
            |(unit, name)| format!("{}{name}", seconds / unit),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short_and_texts_harmless() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10_000_000);
        for (seconds, expected) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (7_200, "2h"),
            (172_799, "47h"),
            (1_000_000, "11d"),
        ] {
            assert_eq!(age(now - Duration::from_secs(seconds), now), expected);
        }
        assert_eq!(age(now + Duration::from_secs(1), now), "ahead");
        assert_eq!(plain("a\u{1b}[2Jb\u{9b}ä"), "a\\u{1b}[2Jb\\u{9b}ä");
    }
}
