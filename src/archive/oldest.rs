//! What the archive's files take, and which items are the oldest: read from its indexes.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::time::UNIX_EPOCH;

use super::folder::Folder;
use super::image_path::{folder_of, stem};
use super::ledger::{self, Line};

/// Items that one look at the indexes finds.
const FOUND_MAX: usize = 1_000;

/// An item whose turn it is to go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Old {
    /// The item's own time, or when it was first seen.
    pub(super) date_ms: i64,
    pub(super) feed: String,
    pub(super) id: u128,
    /// Of all its versions.
    paths: Vec<String>,
    /// Folders of its images that no other item has.
    folders: Vec<String>,
}

/// The feeds that have an index, configured or not.
///
/// # Errors
/// When the directory can't be read.
pub(super) fn feeds(folder: &Folder) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder.own("")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut feeds = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let feed = name.to_str().and_then(|name| name.strip_suffix(".jsonl"));
        feeds.extend(feed.map(str::to_owned));
    }
    Ok(feeds)
}

/// Bytes of a feed's files: its items in all their versions, their images, and the index. What
/// somebody removed is not counted.
///
/// # Errors
/// When the disk refuses.
pub(super) fn count(folder: &Folder, feed: &str) -> io::Result<u64> {
    let mut bytes = 0;
    let mut seen: HashSet<String> = HashSet::new();
    let index = folder.own(&ledger::name(feed));
    ledger::read(&index, |line| {
        if line.path.is_empty() || !seen.insert(line.path.clone()) {
            return;
        }
        bytes += folder.bytes_of(&line.path);
        let images = folder_of(&line.path);
        if seen.insert(images.clone()) {
            bytes += folder.bytes_in(&images);
        }
    })?;
    Ok(bytes + fs::metadata(index).map_or(0, |found| found.len()))
}

/// The oldest items of these feeds, the oldest first; without those in `gone`.
///
/// # Errors
/// When the disk refuses.
pub(super) fn find(
    folder: &Folder,
    feeds: &[String],
    gone: &HashSet<(String, u128)>,
) -> io::Result<Vec<Old>> {
    let mut found = Vec::new();
    for feed in feeds {
        found.extend(of_feed(folder, feed, gone)?);
        if found.len() > FOUND_MAX {
            found.sort_unstable();
            found.truncate(FOUND_MAX);
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn of_feed(folder: &Folder, feed: &str, gone: &HashSet<(String, u128)>) -> io::Result<Vec<Old>> {
    let mut items: HashMap<u128, Old> = HashMap::new();
    let mut seen_ms: HashMap<u128, i64> = HashMap::new();
    // A name that somebody freed may have been given to another item.
    let mut owners: HashMap<String, u128> = HashMap::new();
    ledger::read(&folder.own(&ledger::name(feed)), |line| {
        let Ok(id) = u128::from_str_radix(&line.id, 16) else {
            return;
        };
        if line.is_gone || gone.contains(&(feed.to_owned(), id)) {
            items.remove(&id);
        } else if let Some(ms) = line.seen_ms {
            seen_ms.entry(id).or_insert(ms);
        } else if !line.path.is_empty() {
            let new = || Old {
                date_ms: date_ms(folder, &line),
                feed: feed.to_owned(),
                id,
                paths: Vec::new(),
                folders: Vec::new(),
            };
            let old = items.entry(id).or_insert_with(new);
            owners.insert(line.path.clone(), id);
            if !old.paths.contains(&line.path) {
                old.paths.push(line.path);
            }
        }
    })?;
    let mut found: Vec<Old> = items.into_values().collect();
    for old in &mut found {
        old.date_ms = seen_ms.get(&old.id).copied().unwrap_or(old.date_ms);
        old.paths.retain(|path| owners.get(path) == Some(&old.id));
    }
    let stems: Vec<(u128, String)> = found
        .iter()
        .flat_map(|old| old.paths.iter().map(|path| (old.id, stem(path).to_owned())))
        .collect();
    found.sort_unstable();
    found.truncate(FOUND_MAX);
    for old in &mut found {
        // Of two items of one name the second one's file is called otherwise, its images' folder is not.
        let is_shared = |path: &String| {
            let stem = format!("{}.", stem(path));
            stems
                .iter()
                .any(|(id, other)| *id != old.id && other.starts_with(&stem))
        };
        let folders = old.paths.iter().map(|path| (path, folder_of(path)));
        let folders = folders.filter(|(_, images)| folder.is_folder(images));
        let own: Vec<_> = folders
            .filter(|(path, _)| !is_shared(path))
            .map(|(_, images)| images)
            .collect();
        old.folders = own;
    }
    Ok(found)
}

/// The time of an item whose line says none: when its file was written.
fn date_ms(folder: &Folder, line: &Line) -> i64 {
    line.date_ms.unwrap_or_else(|| {
        let written = folder.modified_at(&line.path);
        let since = written.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        since.map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    })
}

impl Old {
    /// Removes the item's files and its images, and folders that are empty then; the bytes that were
    /// there.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn remove(&self, folder: &Folder) -> io::Result<u64> {
        let mut freed = 0;
        for images in &self.folders {
            freed += folder.remove_files_in(images)?;
        }
        for path in &self.paths {
            freed += folder.remove(path)?;
        }
        Ok(freed)
    }
}
