//! Writes the items of one feed: each once, and again as a new version when it has changed.
//!
//! Invariants: writing is idempotent; an item that can't be written stops no other.

mod outcome;

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

pub(super) use outcome::{ItemWritten, WriteOutcome};

use super::digest::{digest, digests, short};
use super::duplicates;
use super::folder::{ArchiveFolder, FileMatch};
use super::index::{self, Index, IndexLine};
use super::options::{ArchiveOptions, Versions};
use super::path::{PathFacts, with_suffix};
use super::usage::{Usage, WriteRequest};
use crate::rewrite::entry::Entry;

/// The most versions of one item; after that the newest is overwritten.
const VERSIONS_MAX: u32 = 50;
/// Files that are synced together.
const BATCH_FILES: usize = 256;
/// Consecutive failures after which the rest is not tried.
const FAILURES_MAX: usize = 8;
/// The most bytes by which a name may be longer than the first one that was tried.
const NAME_BYTES: u64 = 32;
/// Names that are tried for one file.
const NAMES_MAX: u32 = 1_000;

/// Writes the items of one feed.
#[derive(Debug)]
pub(super) struct ItemWriter {
    folder: Arc<ArchiveFolder>,
    feed: String,
    options: ArchiveOptions,
    index: Index,
    usage: Arc<Usage>,
    /// Files whose names may not be on disk yet; they get into the index when they are.
    unsynced: Vec<IndexLine>,
}

/// Where an item is to be written.
#[derive(Debug, Clone)]
pub(super) struct FilePlace {
    pub(super) id: u128,
    sum: u128,
    /// The item's own time, or when it was first seen.
    date_ms: i64,
    version: u32,
    /// When it was first seen, where that is to be noted.
    seen_ms: Option<i64>,
    /// Whether a file there is overwritten.
    is_over: bool,
    pub(super) path: String,
}

impl ItemWriter {
    /// Opens the index of a feed.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn open(
        folder: Arc<ArchiveFolder>,
        usage: Arc<Usage>,
        feed: &str,
        options: ArchiveOptions,
    ) -> io::Result<Self> {
        folder.prepare()?;
        let index = Index::open(&folder.own(&index::name(feed)))?;
        let mut writer = Self {
            folder,
            feed: feed.to_owned(),
            options,
            index,
            usage,
            unsynced: Vec::new(),
        };
        writer.note_gone()?;
        Ok(writer)
    }

    /// Writes to the index which of the feed's items were removed for newer ones, of this feed or others.
    ///
    /// # Errors
    /// When the disk is full or refuses.
    pub(super) fn note_gone(&mut self) -> io::Result<()> {
        let gone = self.usage.gone(&self.feed);
        if gone.is_empty() {
            return Ok(());
        }
        gone.iter().for_each(|id| self.index.note_gone(*id));
        self.index.flush()?;
        self.usage.note_gone(&self.feed, &gone);
        Ok(())
    }

    /// Compacts the index where much of it is about removed items; those among `entries`, which the feed has
    /// now, stay marked.
    ///
    /// # Errors
    /// When the disk is full or refuses.
    pub(super) fn compact(mut self, entries: &[Entry]) -> io::Result<Self> {
        if !self.index.is_worth_compacting() {
            return Ok(self);
        }
        self.sync()?;
        let path = self.folder.own(&index::name(&self.feed));
        let still = entries.iter().map(|entry| digests(entry).0).collect();
        let less = self.index.compact(&path, &still)?;
        self.usage.free(&self.feed, less);
        Self::open(self.folder, self.usage, &self.feed, self.options)
    }

    /// The same writer with other options.
    pub(super) fn with_options(self, options: ArchiveOptions) -> Self {
        Self { options, ..self }
    }

    /// The entries that are not archived as they are now.
    pub(super) fn fresh(&self, mut entries: Vec<Entry>) -> Vec<Entry> {
        let mut seen = HashSet::new();
        entries.retain_mut(|entry| {
            let (_, sum) = digests(entry);
            duplicates::recognise(entry, &self.index, (sum, self.options.versions));
            let (id, _) = digests(entry);
            if self.index.is_gone(id) {
                return false;
            }
            match self.options.versions {
                Versions::Keep => !self.index.has_version(id, sum) && seen.insert((id, sum)),
                // Of two items of one name the first counts, or they would take turns for ever.
                Versions::Overwrite => {
                    let is_first = seen.insert((id, 0));
                    is_first && self.index.known(id).is_none_or(|known| known.sum != sum)
                }
            }
        });
        entries
    }

    /// Writes items without images.
    pub(super) fn write_all(&mut self, entries: Vec<Entry>, now_ms: i64) -> WriteOutcome {
        let mut outcome = WriteOutcome::default();
        let mut failures = 0;
        let entries = self.in_order(entries, now_ms);
        for entry in entries {
            if failures >= FAILURES_MAX {
                outcome.failed.push(entry);
                continue;
            }
            let written = self
                .place(&entry, now_ms)
                .and_then(|place| self.write(&place, &entry, None));
            failures = if written.is_err() { failures + 1 } else { 0 };
            outcome.count(written, entry);
        }
        if let Err(error) = self.sync() {
            outcome.error = Some(error);
        }
        outcome
    }

    /// The place of an item that is not archived yet.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn place(&mut self, entry: &Entry, now_ms: i64) -> io::Result<FilePlace> {
        let (id, sum) = digests(entry);
        let name = format!("{id:032x}");
        if self.unsynced.iter().any(|line| line.id == name) {
            self.sync()?;
        }
        let known_ms = entry.date_ms.or_else(|| self.index.seen_ms(id));
        let mut place = FilePlace {
            id,
            sum,
            date_ms: known_ms.unwrap_or(now_ms),
            seen_ms: known_ms.is_none().then_some(now_ms),
            version: 1,
            is_over: false,
            path: String::new(),
        };
        let Some(known) = self.index.known(id) else {
            place.path = self.options.path.fill(&PathFacts {
                feed: &self.feed,
                title: &entry.title,
                date_ms: place.date_ms,
                id: &short(id),
            });
            return Ok(place);
        };
        place.path = self.index.first_path(known)?;
        match self.options.versions {
            Versions::Overwrite => place.is_over = true,
            Versions::Keep => {
                place.is_over = known.version >= VERSIONS_MAX;
                place.version = (known.version + 1).min(VERSIONS_MAX);
                place.path = with_suffix(&place.path, &format!("v{}", place.version));
            }
        }
        Ok(place)
    }

    /// Sorts entries, older ones first, where older items are removed for newer ones: so the newest stay,
    /// whatever the order of the feed.
    pub(super) fn in_order(&self, mut entries: Vec<Entry>, now_ms: i64) -> Vec<Entry> {
        if self.usage.drops_oldest() {
            entries.sort_by_key(|entry| entry.date_ms.unwrap_or(now_ms));
        }
        entries
    }

    /// Writes an item, with `html` in place of its own.
    ///
    /// # Errors
    /// When the disk is full or refuses.
    pub(super) fn write(
        &mut self,
        place: &FilePlace,
        entry: &Entry,
        html: Option<String>,
    ) -> io::Result<ItemWritten> {
        let mut entry = entry.clone();
        entry.date_ms = Some(place.date_ms);
        entry.html = html.unwrap_or(entry.html);
        let text = self.options.format.render(&entry, &self.feed);
        let line = IndexLine {
            id: format!("{:032x}", place.id),
            sum: format!("{:032x}", place.sum),
            version: place.version,
            path: place.path.clone(),
            date_ms: Some(place.date_ms),
            of: match entry.apart.as_str() {
                "" => String::new(),
                _ => format!("{:032x}", digest(&entry.shared_identity())),
            },
            ..IndexLine::default()
        };
        let seen = place.seen_ms.map(|seen_ms| IndexLine {
            id: line.id.clone(),
            seen_ms: Some(seen_ms),
            ..IndexLine::default()
        });
        let of_lines = line.bytes() + seen.as_ref().map_or(0, IndexLine::bytes) + NAME_BYTES;
        let wanted = WriteRequest {
            feed: &self.feed.clone(),
            id: place.id,
            bytes: text.len() as u64 + of_lines,
            replaced: if place.is_over {
                self.folder.bytes_of(&place.path)
            } else {
                0
            },
            reserve: 0,
        };
        if !self.admit(wanted)? {
            self.usage.note_refused(&self.feed);
            return Ok(ItemWritten::Refused);
        }
        // What an item without a date is called must not change, whatever happens.
        if let Some(seen) = &seen {
            self.index.note(seen);
            self.index.flush()?;
        }
        let path = self.put(place, text.as_bytes());
        let path = path.inspect_err(|_| self.usage.undo(wanted))?;
        self.unsynced.push(IndexLine { path, ..line });
        if self.unsynced.len() >= BATCH_FILES {
            self.sync()?;
        }
        Ok(match place.version == 1 && !place.is_over {
            true => ItemWritten::First,
            false => ItemWritten::Further,
        })
    }

    /// Whether there is room. Only what is in the index can be removed for it, so the index is written first.
    fn admit(&mut self, wanted: WriteRequest<'_>) -> io::Result<bool> {
        let is_admitted = self.usage.admit(wanted)?;
        let is_admitted = match is_admitted || self.unsynced.is_empty() {
            true => is_admitted,
            false => {
                self.sync()?;
                self.usage.admit(wanted)?
            }
        };
        self.note_gone()?;
        Ok(is_admitted)
    }

    /// Whether an item with images may fit, before they are fetched.
    ///
    /// # Errors
    /// When the archive can't be read or changed.
    pub(super) fn has_room(&mut self, place: &FilePlace, entry: &Entry) -> io::Result<bool> {
        let wanted = WriteRequest {
            feed: &self.feed.clone(),
            id: place.id,
            bytes: 0,
            replaced: 0,
            reserve: entry.html.len() as u64,
        };
        let has_room = self.admit(wanted)?;
        if !has_room {
            self.usage.note_refused(&self.feed);
        }
        Ok(has_room)
    }

    /// Removes files of an item that was refused.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn drop_files(&self, paths: &[String]) -> io::Result<()> {
        for path in paths {
            self.usage.free(&self.feed, self.folder.remove(path)?);
        }
        Ok(())
    }

    /// Syncs the files that were written, and adds them to the index. A file that can't be added is found again
    /// when its item is written the next time.
    ///
    /// # Errors
    /// When the disk is full or refuses.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        let lines = std::mem::take(&mut self.unsynced);
        self.folder
            .sync(lines.iter().map(|line| line.path.as_str()))?;
        lines.iter().for_each(|line| self.index.note(line));
        self.index.flush()?;
        if let Some(oldest_ms) = lines.iter().filter_map(|line| line.date_ms).min() {
            self.usage.note_written(&self.feed, oldest_ms);
        }
        Ok(())
    }

    /// Writes a file at its place, or at one beside it where another item's file is there.
    fn put(&self, place: &FilePlace, bytes: &[u8]) -> io::Result<String> {
        let _writing = self.folder.lock();
        let id = short(place.id);
        for attempt in 0..NAMES_MAX {
            let path = match attempt {
                0 => place.path.clone(),
                1 => with_suffix(&place.path, &id),
                more => with_suffix(&place.path, &format!("{id}-{more}")),
            };
            let holds = match place.is_over {
                true => FileMatch::Nothing,
                false => self.folder.holds(&path, bytes)?,
            };
            match holds {
                FileMatch::Other => continue,
                FileMatch::Nothing => self.folder.write(&path, bytes)?,
                // Written by a process that was killed before it could write the index.
                FileMatch::Same => {}
            }
            return Ok(path);
        }
        Err(io::Error::other("there is no name left for it"))
    }
}

#[cfg(test)]
mod tests;
