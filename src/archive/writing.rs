//! Writes the items of one feed: each once, and again as a new version when it has changed.
//!
//! Invariants: whatever is called twice writes once; an item that can't be written stops no other.

mod outcome;

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

pub(super) use outcome::{Outcome, Written};

use super::apart;
use super::digest::{digest, digests, short};
use super::folder::{Folder, Holds};
use super::ledger::{self, Ledger, Line};
use super::options::{Options, Versions};
use super::path::{Facts, with_suffix};
use super::tally::{Tally, Wanted};
use crate::rewrite::entry::Entry;

/// Versions that are kept of one item; one that changes more often has its newest overwritten.
const VERSIONS_MAX: u32 = 50;
/// Files after which the disk is asked to have them.
const BATCH_FILES: usize = 256;
/// Items that fail one after another before the rest is not tried.
const FAILURES_MAX: usize = 8;
/// By so much a name may be longer than the one that was tried first.
const NAME_BYTES: u64 = 32;
/// Names that are tried for one file.
const NAMES_MAX: u32 = 1_000;

/// What writes the items of one feed.
#[derive(Debug)]
pub(super) struct Writer {
    folder: Arc<Folder>,
    feed: String,
    options: Options,
    ledger: Ledger,
    tally: Arc<Tally>,
    /// Files whose names may not be on disk yet; the ledger learns of them when they are.
    unsynced: Vec<Line>,
}

/// Where an item is to be written.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) id: u128,
    sum: u128,
    /// The item's own time, or when it was first seen.
    date_ms: i64,
    version: u32,
    /// When it was first seen, where that is to be noted.
    seen_ms: Option<i64>,
    /// Whether what lies there gives way.
    is_over: bool,
    pub(super) path: String,
}

impl Writer {
    /// Opens what is known of a feed.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn open(
        folder: Arc<Folder>,
        tally: Arc<Tally>,
        feed: &str,
        options: Options,
    ) -> io::Result<Self> {
        folder.prepare()?;
        let ledger = Ledger::open(&folder.own(&ledger::name(feed)))?;
        let mut writer = Self {
            folder,
            feed: feed.to_owned(),
            options,
            ledger,
            tally,
            unsynced: Vec::new(),
        };
        writer.note_gone()?;
        Ok(writer)
    }

    /// Notes which of the feed's items went for newer ones, of this feed or others.
    ///
    /// # Errors
    /// When the disk is full or refuses.
    pub(super) fn note_gone(&mut self) -> io::Result<()> {
        let gone = self.tally.gone(&self.feed);
        if gone.is_empty() {
            return Ok(());
        }
        gone.iter().for_each(|id| self.ledger.note_gone(*id));
        self.ledger.flush()?;
        self.tally.note_gone(&self.feed, &gone);
        Ok(())
    }

    /// Takes what went out of the index, where that has become much of it, but for the items of a
    /// document that the feed has now.
    ///
    /// # Errors
    /// When the disk is full or refuses.
    pub(super) fn compact(mut self, entries: &[Entry]) -> io::Result<Self> {
        if !self.ledger.is_worth_compacting() {
            return Ok(self);
        }
        self.sync()?;
        let path = self.folder.own(&ledger::name(&self.feed));
        let still = entries.iter().map(|entry| digests(entry).0).collect();
        let less = self.ledger.compact(&path, &still)?;
        self.tally.free(&self.feed, less);
        Self::open(self.folder, self.tally, &self.feed, self.options)
    }

    /// The same by other options.
    pub(super) fn with_options(self, options: Options) -> Self {
        Self { options, ..self }
    }

    /// Those of `entries` that are not kept as they are now.
    pub(super) fn fresh(&self, mut entries: Vec<Entry>) -> Vec<Entry> {
        let mut seen = HashSet::new();
        entries.retain_mut(|entry| {
            let (_, sum) = digests(entry);
            apart::recognise(entry, &self.ledger, (sum, self.options.versions));
            let (id, _) = digests(entry);
            if self.ledger.is_gone(id) {
                return false;
            }
            match self.options.versions {
                Versions::Keep => !self.ledger.has_version(id, sum) && seen.insert((id, sum)),
                // Of two items of one name the first counts, or they would take turns for ever.
                Versions::Overwrite => {
                    let is_first = seen.insert((id, 0));
                    is_first && self.ledger.known(id).is_none_or(|known| known.sum != sum)
                }
            }
        });
        entries
    }

    /// Writes items as they are.
    pub(super) fn write_all(&mut self, entries: Vec<Entry>, now_ms: i64) -> Outcome {
        let mut outcome = Outcome::default();
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

    /// Where a fresh item is to be written.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn place(&mut self, entry: &Entry, now_ms: i64) -> io::Result<Place> {
        let (id, sum) = digests(entry);
        let name = format!("{id:032x}");
        if self.unsynced.iter().any(|line| line.id == name) {
            self.sync()?;
        }
        let known_ms = entry.date_ms.or_else(|| self.ledger.seen_ms(id));
        let mut place = Place {
            id,
            sum,
            date_ms: known_ms.unwrap_or(now_ms),
            seen_ms: known_ms.is_none().then_some(now_ms),
            version: 1,
            is_over: false,
            path: String::new(),
        };
        let Some(known) = self.ledger.known(id) else {
            place.path = self.options.path.fill(&Facts {
                feed: &self.feed,
                title: &entry.title,
                date_ms: place.date_ms,
                id: &short(id),
            });
            return Ok(place);
        };
        place.path = self.ledger.first_path(known)?;
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

    /// The same entries, the older ones first where those make room for newer ones: whatever their order
    /// in the feed, the newest of them stay.
    pub(super) fn in_order(&self, mut entries: Vec<Entry>, now_ms: i64) -> Vec<Entry> {
        if self.tally.drops_oldest() {
            entries.sort_by_key(|entry| entry.date_ms.unwrap_or(now_ms));
        }
        entries
    }

    /// Writes an item; `html` stands in for its own.
    ///
    /// # Errors
    /// When the disk is full or refuses.
    pub(super) fn write(
        &mut self,
        place: &Place,
        entry: &Entry,
        html: Option<String>,
    ) -> io::Result<Written> {
        let mut entry = entry.clone();
        entry.date_ms = Some(place.date_ms);
        entry.html = html.unwrap_or(entry.html);
        let text = self.options.format.render(&entry, &self.feed);
        let line = Line {
            id: format!("{:032x}", place.id),
            sum: format!("{:032x}", place.sum),
            version: place.version,
            path: place.path.clone(),
            date_ms: Some(place.date_ms),
            of: match entry.apart.as_str() {
                "" => String::new(),
                _ => format!("{:032x}", digest(&entry.shared_identity())),
            },
            ..Line::default()
        };
        let seen = place.seen_ms.map(|seen_ms| Line {
            id: line.id.clone(),
            seen_ms: Some(seen_ms),
            ..Line::default()
        });
        let of_lines = line.bytes() + seen.as_ref().map_or(0, Line::bytes) + NAME_BYTES;
        let wanted = Wanted {
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
            self.tally.note_refused(&self.feed);
            return Ok(Written::Refused);
        }
        // What an item without a date is called must not change, whatever happens.
        if let Some(seen) = &seen {
            self.ledger.note(seen);
            self.ledger.flush()?;
        }
        let path = self.put(place, text.as_bytes());
        let path = path.inspect_err(|_| self.tally.undo(wanted))?;
        self.unsynced.push(Line { path, ..line });
        if self.unsynced.len() >= BATCH_FILES {
            self.sync()?;
        }
        Ok(match place.version == 1 && !place.is_over {
            true => Written::First,
            false => Written::Further,
        })
    }

    /// Whether there is room; what is not in the index yet can't go, so it is noted first.
    fn admit(&mut self, wanted: Wanted<'_>) -> io::Result<bool> {
        let is_admitted = self.tally.admit(wanted)?;
        let is_admitted = match is_admitted || self.unsynced.is_empty() {
            true => is_admitted,
            false => {
                self.sync()?;
                self.tally.admit(wanted)?
            }
        };
        self.note_gone()?;
        Ok(is_admitted)
    }

    /// Whether an item with images may fit, before they are fetched.
    ///
    /// # Errors
    /// When the archive can't be read or changed.
    pub(super) fn has_room(&mut self, place: &Place, entry: &Entry) -> io::Result<bool> {
        let wanted = Wanted {
            feed: &self.feed.clone(),
            id: place.id,
            bytes: 0,
            replaced: 0,
            reserve: entry.html.len() as u64,
        };
        let has_room = self.admit(wanted)?;
        if !has_room {
            self.tally.note_refused(&self.feed);
        }
        Ok(has_room)
    }

    /// Removes files of an item that is not kept after all.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn drop_files(&self, paths: &[String]) -> io::Result<()> {
        for path in paths {
            self.tally.free(&self.feed, self.folder.remove(path)?);
        }
        Ok(())
    }

    /// Has what was written on disk, and notes it. What can't be noted is found again when it is
    /// written the next time.
    ///
    /// # Errors
    /// When the disk is full or refuses.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        let lines = std::mem::take(&mut self.unsynced);
        self.folder
            .sync(lines.iter().map(|line| line.path.as_str()))?;
        lines.iter().for_each(|line| self.ledger.note(line));
        self.ledger.flush()?;
        if let Some(oldest_ms) = lines.iter().filter_map(|line| line.date_ms).min() {
            self.tally.note_written(&self.feed, oldest_ms);
        }
        Ok(())
    }

    /// Puts a file at its place, or at one beside it where another item lies there.
    fn put(&self, place: &Place, bytes: &[u8]) -> io::Result<String> {
        let _writing = self.folder.lock();
        let id = short(place.id);
        for attempt in 0..NAMES_MAX {
            let path = match attempt {
                0 => place.path.clone(),
                1 => with_suffix(&place.path, &id),
                more => with_suffix(&place.path, &format!("{id}-{more}")),
            };
            let holds = match place.is_over {
                true => Holds::Nothing,
                false => self.folder.holds(&path, bytes)?,
            };
            match holds {
                Holds::Other => continue,
                Holds::Nothing => self.folder.write(&path, bytes)?,
                // By a process that was killed before it could note it.
                Holds::Same => {}
            }
            return Ok(path);
        }
        Err(io::Error::other("there is no name left for it"))
    }
}

#[cfg(test)]
mod tests;
