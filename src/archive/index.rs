//! The index of a feed's archive: which versions of which items are archived, and where. A file of JSON lines that
//! is only appended to.
//!
//! Invariants: a line without its end is cut off; a line is written after the file that it names. A file that a
//! killed process wrote without its line is found again, since the same item has the same path.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The most bytes of a line; a longer one is not ours.
const LINE_BYTES_MAX: u64 = 8 << 10;
/// The index is compacted when it remembers so many more removed items than it has items.
const GONE_MAX: usize = 1_000;

/// A line of the index: a file that was written, the time given to an item without one, or that an item was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct IndexLine {
    /// The digest of the item's identity.
    pub(super) id: String,
    /// The digest of the content of this version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) sum: String,
    /// The version: 1 is the first.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) version: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) path: String,
    /// The item's time, in milliseconds since 1970: its own, or when it was first seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) date_ms: Option<i64>,
    /// The digest of the identity that it shares with other items of its feed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) of: String,
    /// Whether the item's files were removed to make room for newer items.
    #[serde(rename = "gone", skip_serializing_if = "is_false")]
    pub(super) is_gone: bool,
    /// When an item without a date was first seen, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seen_ms: Option<i64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(is_it: &bool) -> bool {
    !is_it
}

/// The name of a feed's index.
pub(super) fn name(feed: &str) -> String {
    format!("{feed}.jsonl")
}

/// Hands every valid line of the index at `path` to `take`; none where there is no file.
///
/// # Errors
/// When the disk refuses.
pub(super) fn read(path: &Path, mut take: impl FnMut(IndexLine)) -> io::Result<()> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    for_each_line(file, |text| {
        if let Ok(line) = serde_json::from_slice(text) {
            take(line);
        }
        true
    })
}

/// Hands every line of a file to `take`, its end included, until that says false.
fn for_each_line(file: impl Read, mut take: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
    let mut reader = BufReader::new(file);
    let mut text = Vec::new();
    loop {
        text.clear();
        let read = reader
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut text)?;
        if read == 0 || !take(&text) {
            return Ok(());
        }
    }
}

impl IndexLine {
    /// The bytes of the line in the file.
    pub(super) fn bytes(&self) -> u64 {
        let text = serde_json::to_vec(self).unwrap_or_default();
        text.len() as u64 + 1
    }
}

/// An item in the index.
#[derive(Debug, Clone, Copy)]
pub(super) struct IndexedItem {
    /// The digest of its newest version.
    pub(super) sum: u128,
    pub(super) version: u32,
    /// The offset of the line of its first version.
    first_at: u64,
}

/// The index of a feed's archive.
#[derive(Debug)]
pub(super) struct Index {
    file: File,
    /// The length of the file, of whole lines.
    bytes: u64,
    /// Lines to be written by [`flush`](Self::flush).
    next: Vec<u8>,
    known: HashMap<u128, IndexedItem>,
    /// Every version of every item: the digests of its identity and its content.
    versions: HashSet<(u128, u128)>,
    seen_ms: HashMap<u128, i64>,
    /// Items whose files were removed for newer ones.
    gone: HashSet<u128>,
    /// Identities that several items share.
    shared: HashSet<u128>,
}

impl Index {
    /// Opens the file, which is made where there is none, and reads it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        let mut index = Self {
            file,
            bytes: 0,
            next: Vec::new(),
            known: HashMap::new(),
            versions: HashSet::new(),
            seen_ms: HashMap::new(),
            gone: HashSet::new(),
            shared: HashSet::new(),
        };
        let mut bad = 0;
        for_each_line(index.file.try_clone()?, |text| {
            let is_cut = (text.len() as u64) < LINE_BYTES_MAX && !text.ends_with(b"\n");
            if is_cut {
                return false;
            }
            match serde_json::from_slice::<IndexLine>(text) {
                Ok(line) => index.learn(&line, index.bytes),
                Err(_) => bad += 1,
            }
            index.bytes += text.len() as u64;
            true
        })?;
        if bad > 0 {
            tracing::warn!(index = %path.display(), lines = bad, "lines of the archive's index can't be read");
        }
        index.file.set_len(index.bytes)?;
        Ok(index)
    }

    /// An item in the index.
    pub(super) fn known(&self, id: u128) -> Option<IndexedItem> {
        self.known.get(&id).copied()
    }

    /// Whether this version of an item is archived, the newest or not.
    pub(super) fn has_version(&self, id: u128, sum: u128) -> bool {
        self.versions.contains(&(id, sum))
    }

    /// Whether several items share an identity.
    pub(super) fn is_shared(&self, id: u128) -> bool {
        self.shared.contains(&id)
    }

    /// Whether an item's files were removed for newer ones.
    pub(super) fn is_gone(&self, id: u128) -> bool {
        self.gone.contains(&id)
    }

    /// Notes that an item's files were removed.
    pub(super) fn note_gone(&mut self, id: u128) {
        self.note(&IndexLine {
            id: format!("{id:032x}"),
            is_gone: true,
            ..IndexLine::default()
        });
    }

    /// Whether enough of the file is about removed items to be worth compacting.
    pub(super) fn is_worth_compacting(&self) -> bool {
        self.gone.len() > self.known.len() + GONE_MAX
    }

    /// Rewrites the file without the lines of removed items. Those in `still`, which the feed still has, keep
    /// one line that says so. Returns the bytes that were freed. The index has to be opened again.
    ///
    /// # Errors
    /// When the disk is full or refuses; the file is as it was then.
    pub(super) fn compact(mut self, path: &Path, still: &HashSet<u128>) -> io::Result<u64> {
        self.flush()?;
        let mut next = Vec::new();
        let mut marked = HashSet::new();
        read(path, |line| {
            let id = u128::from_str_radix(&line.id, 16).unwrap_or(0);
            let stays = match self.gone.contains(&id) {
                true => line.is_gone && still.contains(&id) && marked.insert(id),
                false => true,
            };
            if stays {
                next.extend(serde_json::to_vec(&line).unwrap_or_default());
                next.push(b'\n');
            }
        })?;
        let beside = path.with_extension("jsonl.tmp");
        let mut file = File::create(&beside)?;
        let written = file.write_all(&next).and_then(|()| file.sync_all());
        let placed = written.and_then(|()| std::fs::rename(&beside, path));
        if placed.is_err() {
            std::fs::remove_file(&beside).ok();
        }
        placed?;
        Ok(self.bytes.saturating_sub(next.len() as u64))
    }

    /// When an item without a date was first seen.
    pub(super) fn seen_ms(&self, id: u128) -> Option<i64> {
        self.seen_ms.get(&id).copied()
    }

    /// Adds a line, to be written by [`flush`](Self::flush).
    pub(super) fn note(&mut self, line: &IndexLine) {
        let at = self.bytes + self.next.len() as u64;
        self.learn(line, at);
        // Texts and numbers are always JSON.
        self.next
            .extend(serde_json::to_vec(line).unwrap_or_default());
        self.next.push(b'\n');
    }

    /// Writes the lines that were added. After an error they stay to be written the next time.
    ///
    /// # Errors
    /// When the disk is full or refuses.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.next.is_empty() {
            return Ok(());
        }
        // Lines written to an unlinked file would be lost.
        if self.file.metadata()?.nlink() == 0 {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "the index was removed",
            ));
        }
        let written = self.file.write_all(&self.next);
        if let Err(error) = written.and_then(|()| self.file.sync_data()) {
            self.file.set_len(self.bytes)?;
            return Err(error);
        }
        self.bytes += self.next.len() as u64;
        self.next.clear();
        Ok(())
    }

    /// The path of an item's first version.
    ///
    /// # Errors
    /// When the disk refuses, or the line is not there any more.
    pub(super) fn first_path(&mut self, known: IndexedItem) -> io::Result<String> {
        if known.first_at >= self.bytes {
            self.flush()?;
        }
        self.file.seek(SeekFrom::Start(known.first_at))?;
        let mut text = Vec::new();
        BufReader::new((&self.file).take(LINE_BYTES_MAX)).read_until(b'\n', &mut text)?;
        let line: IndexLine = serde_json::from_slice(&text).map_err(io::Error::other)?;
        Ok(line.path)
    }

    fn learn(&mut self, line: &IndexLine, at: u64) {
        let Ok(id) = u128::from_str_radix(&line.id, 16) else {
            return;
        };
        if line.is_gone {
            self.known.remove(&id);
            self.gone.insert(id);
            return;
        }
        if let Some(seen_ms) = line.seen_ms {
            self.seen_ms.entry(id).or_insert(seen_ms);
        }
        let Ok(sum) = u128::from_str_radix(&line.sum, 16) else {
            return;
        };
        if let Ok(of) = u128::from_str_radix(&line.of, 16) {
            self.shared.insert(of);
        }
        self.versions.insert((id, sum));
        let known = self.known.entry(id).or_insert(IndexedItem {
            sum,
            version: line.version,
            first_at: at,
        });
        known.sum = sum;
        known.version = known.version.max(line.version);
    }
}

#[cfg(test)]
mod tests;
