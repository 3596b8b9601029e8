//! The size of the archive's files, and its oldest items, read from the indexes.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::time::UNIX_EPOCH;

use super::folder::ArchiveFolder;
use super::image_path::{folder_of, stem};
use super::index::{self, IndexLine};

/// Items that one search of the indexes finds.
const FOUND_MAX: usize = 1_000;

/// An archived item that may be removed for newer ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OldItem {
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
pub(super) fn feeds(folder: &ArchiveFolder) -> io::Result<Vec<String>> {
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

/// Bytes of a feed's files: its items in all their versions, their images, and the index. Files that somebody
/// removed don't count.
///
/// # Errors
/// When the disk refuses.
pub(super) fn count(folder: &ArchiveFolder, feed: &str) -> io::Result<u64> {
    let mut bytes = 0;
    let mut seen: HashSet<String> = HashSet::new();
    let index = folder.own(&index::name(feed));
    index::read(&index, |line| {
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
    folder: &ArchiveFolder,
    feeds: &[String],
    gone: &HashSet<(String, u128)>,
) -> io::Result<Vec<OldItem>> {
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

fn of_feed(
    folder: &ArchiveFolder,
    feed: &str,
    gone: &HashSet<(String, u128)>,
) -> io::Result<Vec<OldItem>> {
    let mut items: HashMap<u128, OldItem> = HashMap::new();
    let mut seen_ms: HashMap<u128, i64> = HashMap::new();
    // A path that became free may have been given to another item.
    let mut owners: HashMap<String, u128> = HashMap::new();
    index::read(&folder.own(&index::name(feed)), |line| {
        let Ok(id) = u128::from_str_radix(&line.id, 16) else {
            return;
        };
        if line.is_gone || gone.contains(&(feed.to_owned(), id)) {
            items.remove(&id);
        } else if let Some(ms) = line.seen_ms {
            seen_ms.entry(id).or_insert(ms);
        } else if !line.path.is_empty() {
            let new = || OldItem {
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
    let mut found: Vec<OldItem> = items.into_values().collect();
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
fn date_ms(folder: &ArchiveFolder, line: &IndexLine) -> i64 {
    line.date_ms.unwrap_or_else(|| {
        let written = folder.modified_at(&line.path);
        let since = written.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        since.map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    })
}

impl OldItem {
    /// Removes the item's files, its images, and folders that are empty then. Returns the bytes that were freed.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn remove(&self, folder: &ArchiveFolder) -> io::Result<u64> {
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
