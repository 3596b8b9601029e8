//! Writes the items of one feed: each once, and again as a new version when it has changed.
//!
//! Invariants: whatever is called twice writes once; an item that can't be written stops no other.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_128;

use super::folder::{Folder, Holds};
use super::ledger::{Ledger, Line};
use super::options::{Options, Versions};
use super::path::{Facts, with_suffix};
use super::render::jsonl;
use crate::rewrite::entry::Entry;

/// Versions that are kept of one item; one that changes more often has its newest overwritten.
const VERSIONS_MAX: u32 = 50;
/// Files after which the disk is asked to have them.
const BATCH_FILES: usize = 256;
/// Items that fail one after another before the rest is not tried.
const FAILURES_MAX: usize = 8;
/// Names that are tried for one file.
const NAMES_MAX: u32 = 1_000;

/// What writes the items of one feed.
#[derive(Debug)]
pub(super) struct Writer {
    folder: Arc<Folder>,
    feed: String,
    options: Options,
    ledger: Ledger,
    /// Files whose names may not be on disk yet; the ledger learns of them when they are.
    unsynced: Vec<Line>,
}

/// Where an item is to be written.
#[derive(Debug, Clone)]
pub(super) struct Place {
    id: u128,
    sum: u128,
    /// The item's own time, or when it was first seen.
    date_ms: i64,
    version: u32,
    /// Whether what lies there gives way.
    is_over: bool,
    pub(super) path: String,
}

/// What came of writing some items.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Items that were kept for the first time.
    pub(super) items: u64,
    /// Items of which a further version was kept.
    pub(super) changes: u64,
    /// What could not be written.
    pub(super) failed: Vec<Entry>,
    /// Why.
    pub(super) error: Option<io::Error>,
}

impl Writer {
    /// Opens what is known of a feed.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn open(folder: Arc<Folder>, feed: &str, options: Options) -> io::Result<Self> {
        folder.prepare()?;
        let ledger = Ledger::open(&folder.own(&format!("{feed}.jsonl")))?;
        Ok(Self {
            folder,
            feed: feed.to_owned(),
            options,
            ledger,
            unsynced: Vec::new(),
        })
    }

    /// The same by other options.
    pub(super) fn with_options(self, options: Options) -> Self {
        Self { options, ..self }
    }

    /// Those of `entries` that are not kept as they are now.
    pub(super) fn fresh(&self, mut entries: Vec<Entry>) -> Vec<Entry> {
        let mut seen = HashSet::new();
        entries.retain(|entry| {
            let (id, sum) = digests(entry);
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
        let mut place = Place {
            id,
            sum,
            date_ms: self.date_ms(id, entry, now_ms)?,
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

    /// Writes an item; `html` stands in for its own. Whether it is the first version.
    ///
    /// # Errors
    /// When the disk is full or refuses.
    pub(super) fn write(
        &mut self,
        place: &Place,
        entry: &Entry,
        html: Option<String>,
    ) -> io::Result<bool> {
        let mut entry = entry.clone();
        entry.date_ms = Some(place.date_ms);
        entry.html = html.unwrap_or(entry.html);
        let text = self.options.format.render(&entry, &self.feed);
        let path = self.put(place, text.as_bytes())?;
        self.unsynced.push(Line {
            id: format!("{:032x}", place.id),
            sum: format!("{:032x}", place.sum),
            version: place.version,
            path,
            seen_ms: None,
        });
        if self.unsynced.len() >= BATCH_FILES {
            self.sync()?;
        }
        Ok(place.version == 1 && !place.is_over)
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
        self.ledger.flush()
    }

    /// An item's own time, or the one when it was first seen, which it keeps whatever happens.
    fn date_ms(&mut self, id: u128, entry: &Entry, now_ms: i64) -> io::Result<i64> {
        if let Some(date_ms) = entry.date_ms.or_else(|| self.ledger.seen_ms(id)) {
            return Ok(date_ms);
        }
        self.ledger.note(&Line {
            id: format!("{id:032x}"),
            seen_ms: Some(now_ms),
            ..Line::default()
        });
        self.ledger.flush()?;
        Ok(now_ms)
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

impl Outcome {
    /// Nothing of this was written.
    pub(super) fn of_failed(failed: Vec<Entry>, error: Option<io::Error>) -> Self {
        Self {
            failed,
            error,
            ..Self::default()
        }
    }

    /// Counts one item that was written, or not.
    pub(super) fn count(&mut self, written: io::Result<bool>, entry: Entry) {
        match written {
            Ok(true) => self.items += 1,
            Ok(false) => self.changes += 1,
            Err(error) => {
                self.failed.push(entry);
                self.error = Some(error);
            }
        }
    }
}

/// Of what tells an item from others, and of all that is kept of it.
pub(super) fn digests(entry: &Entry) -> (u128, u128) {
    let whole = jsonl::render(entry, "");
    (
        xxh3_128(entry.identity().as_bytes()),
        xxh3_128(whole.as_bytes()),
    )
}

/// An identity's digest as it stands in names.
fn short(id: u128) -> String {
    format!("{:016x}", (id >> 64) as u64)
}

#[cfg(test)]
mod tests;
