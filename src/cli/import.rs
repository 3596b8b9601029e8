//! `import`: archived items back into what is kept of a feed.
//!
//! Invariants: what is kept already stays as it is; older items stand before newer ones; a file that
//! can't be read stops no other.

mod naming;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use super::serve;
use crate::archive::raw;
use crate::archive::render::Format;
use crate::config::Settings;
use crate::feed::Format as FeedFormat;
use crate::feed::raw_item::RawItem;
use crate::rewrite::entry::Entry;
use crate::rewrite::{Origin, reading};
use crate::store::{
    HistoryItem, ITEMS_MAX, ItemWindow, KeptItem, OpenError, Space, Store, StoreOptions,
};

/// Bytes of one file.
const FILE_BYTES_MAX: u64 = 1 << 30;
/// Bytes of what is kept of a feed.
const KEPT_BYTES_MAX: usize = 4 << 30;
/// How deep directories are followed.
const DEPTH_MAX: usize = 32;

/// An archived item, and where it came from.
struct Found {
    entry: Entry,
    /// The version that its file's name says.
    version: u32,
}

/// What came of reading files.
#[derive(Default)]
struct Haul {
    found: Vec<Found>,
    /// Files that could not be read.
    refused: usize,
}

/// Records the items of these files, and of those in these directories, for the feed.
pub(super) fn import(
    settings: &Settings,
    feed: &str,
    format: Option<Format>,
    paths: &[PathBuf],
) -> anyhow::Result<ExitCode> {
    let known = settings
        .feeds
        .iter()
        .find(|known| known.name.as_str() == feed);
    let known = known.with_context(|| format!("there is no feed `{feed}` in the configuration"))?;
    let options = settings
        .store
        .clone()
        .context("nothing is kept: `[store] path` is empty")?;
    let mut haul = Haul::default();
    for path in paths {
        haul.read(path, format, 0);
    }
    let count = haul.found.len();
    let refused = haul.refused;
    let origin = Origin {
        url: known.upstream.url.clone(),
        charset: None,
    };
    let name = feed.to_owned();
    let outcome = serve::run_to_end(async move {
        let store = open(options)?;
        let recorded = record(&store, (&name, origin), haul).await;
        let full = store.status().items_refused;
        store.close().await;
        recorded.map(|count| (count, usize::try_from(full).unwrap_or(count)))
    })?;
    let (outcome, full) = (outcome.0.saturating_sub(outcome.1), outcome.1);
    let keep = known.keep_items;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{feed}: {outcome} of {count} items imported, the others are kept already"
    )?;
    if full > 0 {
        writeln!(
            out,
            "{full} items found no room (`[store] history_bytes_max`, `history_feed_bytes_max`)"
        )?;
    }
    if keep < outcome {
        writeln!(
            out,
            "the feed keeps {keep} items (`keep_items`): older ones go with its next fetch"
        )?;
    }
    Ok(match refused + full {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn open(options: StoreOptions) -> anyhow::Result<Store> {
    Store::open(options).map_err(|error| match error {
        OpenError::InUse { by, .. } => {
            let by = by.map_or_else(String::new, |by| format!(" (process {by})"));
            anyhow::anyhow!("the service{by} has the store: stop it, and import then")
        }
        error => error.into(),
    })
}

impl Haul {
    /// Reads a file, or all files of a directory; links to directories are not followed.
    fn read(&mut self, path: &Path, format: Option<Format>, depth: usize) {
        let outcome = match fs::metadata(path) {
            Ok(found) if found.is_dir() && depth < DEPTH_MAX => {
                self.read_directory(path, format, depth)
            }
            Ok(found) if found.is_dir() => Err("the directory is nested too deep".to_owned()),
            Ok(found) if found.len() > FILE_BYTES_MAX => {
                Err(format!("it has more than {FILE_BYTES_MAX} bytes"))
            }
            Ok(_) => self.read_file(path, format),
            Err(error) => Err(error.to_string()),
        };
        if let Err(reason) = outcome {
            self.refused += 1;
            super::print_error(&format!("{}: {reason}", path.display()));
        }
    }

    fn read_directory(
        &mut self,
        path: &Path,
        format: Option<Format>,
        depth: usize,
    ) -> Result<(), String> {
        let entries = fs::read_dir(path).map_err(|error| error.to_string())?;
        let mut inner: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        inner.sort();
        for path in inner {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let is_link = path.is_symlink() && path.is_dir();
            // Our own files, and images.
            let is_other = name.starts_with('.') || is_link;
            let is_images = name.ends_with(".files") && path.is_dir();
            if !is_other && !is_images {
                self.read(&path, format, depth + 1);
            }
        }
        Ok(())
    }

    fn read_file(&mut self, path: &Path, format: Option<Format>) -> Result<(), String> {
        let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
        let format = format.or_else(|| Format::detect(&text));
        let format = format.ok_or("it is no archived item")?;
        let entries = format.parse(&text).map_err(|error| error.to_string())?;
        let version = version_of(path);
        let found = entries.into_iter().map(|entry| Found { entry, version });
        self.found.extend(found);
        Ok(())
    }
}

/// The version that a file's name says: `a.v3.html`.
fn version_of(path: &Path) -> u32 {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let number = stem.rsplit_once(".v").map(|(_, number)| number);
    number.and_then(|number| number.parse().ok()).unwrap_or(1)
}

/// Records what is not kept yet, in the order of time; how many that were.
async fn record(
    store: &Store,
    (feed, origin): (&str, Origin),
    haul: Haul,
) -> anyhow::Result<usize> {
    let window = ItemWindow {
        newest_first: false,
        ..ItemWindow::newest(usize::MAX, KEPT_BYTES_MAX)
    };
    let kept = store.items(feed, window).await;
    let format = format_of(store, (feed, &origin), &kept).await;
    let here: HashSet<&str> = kept.iter().map(|item| item.guid.as_str()).collect();
    let mut newest: HashMap<String, Found> = HashMap::new();
    let names = naming::names(&haul.found, &kept);
    for (found, id) in haul.found.into_iter().zip(names) {
        let is_older = newest
            .get(&id)
            .is_some_and(|known| known.version > found.version);
        if !here.contains(id.as_str()) && !is_older {
            newest.insert(id, found);
        }
    }
    let mut new: Vec<(String, Entry)> = newest
        .into_iter()
        .map(|(id, found)| (id, found.entry))
        .collect();
    new.sort_by(|(a_id, a), (b_id, b)| (a.date_ms, a_id).cmp(&(b.date_ms, b_id)));
    let count = new.len();
    let items = new.into_iter().map(|(id, entry)| HistoryItem {
        guid: id.clone(),
        bytes: raw::item(&entry, id, format).to_bytes().into(),
    });
    // What is kept came later, or it would be among the files with what came later.
    let items = items.chain(kept.into_iter().map(|item| HistoryItem {
        guid: item.guid,
        bytes: item.bytes.into(),
    }));
    let items: Vec<_> = items.collect();
    for batch in items.chunks(ITEMS_MAX) {
        let is_recorded = store
            .record_items_anew(feed, batch.to_vec(), usize::MAX >> 1)
            .await;
        anyhow::ensure!(is_recorded, "the store can't be written; its log says why");
    }
    Ok(count)
}

/// The format that the feed's items are of.
async fn format_of(
    store: &Store,
    (feed, origin): (&str, &Origin),
    kept: &[KeptItem],
) -> FeedFormat {
    let newest = kept.last();
    let newest = newest.and_then(|item| RawItem::from_bytes(item.guid.clone(), &item.bytes));
    if let Some(item) = newest {
        return item.format;
    }
    let Some(stored) = store.get(Space::Feeds, feed).await else {
        return FeedFormat::Rss;
    };
    let pieces = stored.body.iter().map(|piece| &piece[..]);
    let document = reading::read(pieces, origin, true);
    let first = document.items.first();
    first.map_or(FeedFormat::Rss, |item| item.format)
}
