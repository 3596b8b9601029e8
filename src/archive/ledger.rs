//! What of a feed's items is kept, and where: a file of lines to which is only ever added.
//!
//! Invariants: a line that was not written to its end is none, and is cut off; a line is written
//! after the file that it names. What a killed process wrote and could not note is found again,
//! since the same item has the same path.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Bytes of a line; a longer one is none of ours.
const LINE_BYTES_MAX: u64 = 8 << 10;

/// A file that was written, or a time that was given to an item that has none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Line {
    /// Of the item's identity.
    pub(super) id: String,
    /// Of what was kept of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) sum: String,
    /// The version: 1 is the first.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) version: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) path: String,
    /// When an item without a date was first seen, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seen_ms: Option<i64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// What is known of an item.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// Of its newest version.
    pub(super) sum: u128,
    pub(super) version: u32,
    /// Where the line of its first version stands.
    first_at: u64,
}

/// What of a feed's items is kept, and where.
#[derive(Debug)]
pub(super) struct Ledger {
    file: File,
    /// Bytes of the file that are lines.
    bytes: u64,
    /// Lines that are to be written.
    next: Vec<u8>,
    known: HashMap<u128, Known>,
    /// Every version of every item: its identity's digest with its own.
    versions: HashSet<(u128, u128)>,
    seen_ms: HashMap<u128, i64>,
}

impl Ledger {
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
        let mut ledger = Self {
            file,
            bytes: 0,
            next: Vec::new(),
            known: HashMap::new(),
            versions: HashSet::new(),
            seen_ms: HashMap::new(),
        };
        let mut bad = 0;
        let mut reader = BufReader::new(ledger.file.try_clone()?);
        let mut text = Vec::new();
        loop {
            text.clear();
            let read = reader
                .by_ref()
                .take(LINE_BYTES_MAX)
                .read_until(b'\n', &mut text)?;
            let is_cut = (read as u64) < LINE_BYTES_MAX && !text.ends_with(b"\n");
            if is_cut {
                break;
            }
            match serde_json::from_slice::<Line>(&text) {
                Ok(line) => ledger.learn(&line, ledger.bytes),
                Err(_) => bad += 1,
            }
            ledger.bytes += read as u64;
        }
        if bad > 0 {
            tracing::warn!(ledger = %path.display(), lines = bad, "lines of the archive's index can't be read");
        }
        ledger.file.set_len(ledger.bytes)?;
        Ok(ledger)
    }

    /// What is known of an item.
    pub(super) fn known(&self, id: u128) -> Option<Known> {
        self.known.get(&id).copied()
    }

    /// Whether this version of an item is kept, be it the newest or not.
    pub(super) fn has_version(&self, id: u128, sum: u128) -> bool {
        self.versions.contains(&(id, sum))
    }

    /// When an item without a date was first seen.
    pub(super) fn seen_ms(&self, id: u128) -> Option<i64> {
        self.seen_ms.get(&id).copied()
    }

    /// Notes a line, to be written by [`flush`](Self::flush).
    pub(super) fn note(&mut self, line: &Line) {
        let at = self.bytes + self.next.len() as u64;
        self.learn(line, at);
        // Texts and numbers are always JSON.
        self.next
            .extend(serde_json::to_vec(line).unwrap_or_default());
        self.next.push(b'\n');
    }

    /// Writes what was noted. What can't be written waits for the next time.
    ///
    /// # Errors
    /// When the disk is full or refuses.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.next.is_empty() {
            return Ok(());
        }
        // What is written to a file that was removed is kept nowhere.
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
    pub(super) fn first_path(&mut self, known: Known) -> io::Result<String> {
        if known.first_at >= self.bytes {
            self.flush()?;
        }
        self.file.seek(SeekFrom::Start(known.first_at))?;
        let mut text = Vec::new();
        BufReader::new((&self.file).take(LINE_BYTES_MAX)).read_until(b'\n', &mut text)?;
        let line: Line = serde_json::from_slice(&text).map_err(io::Error::other)?;
        Ok(line.path)
    }

    fn learn(&mut self, line: &Line, at: u64) {
        let Ok(id) = u128::from_str_radix(&line.id, 16) else {
            return;
        };
        if let Some(seen_ms) = line.seen_ms {
            self.seen_ms.entry(id).or_insert(seen_ms);
        }
        let Ok(sum) = u128::from_str_radix(&line.sum, 16) else {
            return;
        };
        self.versions.insert((id, sum));
        let known = self.known.entry(id).or_insert(Known {
            sum,
            version: line.version,
            first_at: at,
        });
        known.sum = sum;
        known.version = known.version.max(line.version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: u128, sum: u128, version: u32, path: &str) -> Line {
        Line {
            id: format!("{id:x}"),
            sum: format!("{sum:x}"),
            version,
            path: path.to_owned(),
            seen_ms: None,
        }
    }

    #[test]
    fn what_was_noted_is_known_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("news.jsonl");
        let mut ledger = Ledger::open(&path).unwrap();
        ledger.note(&line(1, 10, 1, "a.html"));
        ledger.note(&line(2, 20, 1, "b.html"));
        ledger.note(&line(1, 11, 2, "a.v2.html"));
        ledger.note(&Line {
            id: "3".to_owned(),
            seen_ms: Some(7),
            ..Line::default()
        });
        let known = ledger.known(1).unwrap();
        assert_eq!(ledger.first_path(known).unwrap(), "a.html");
        ledger.flush().unwrap();
        let mut ledger = Ledger::open(&path).unwrap();
        let known = ledger.known(1).unwrap();
        assert_eq!((known.sum, known.version), (11, 2));
        assert_eq!(ledger.first_path(known).unwrap(), "a.html");
        assert!(ledger.has_version(1, 10) && ledger.has_version(1, 11));
        assert!(!ledger.has_version(2, 10));
        assert_eq!(ledger.seen_ms(3), Some(7));
        assert!(ledger.known(3).is_none());
    }

    #[test]
    fn a_torn_line_is_cut_off_and_a_bad_one_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("news.jsonl");
        let whole = "no line\n{\"id\":\"1\",\"sum\":\"a\",\"version\":1,\"path\":\"a.html\"}\n";
        for torn in [
            "{\"id\":\"2\",\"su",
            "{\"id\":\"2\",\"sum\":\"a\",\"version\":1}",
        ] {
            std::fs::write(&path, format!("{whole}{torn}")).unwrap();
            let mut ledger = Ledger::open(&path).unwrap();
            assert!(ledger.known(1).is_some() && ledger.known(2).is_none());
            ledger.note(&line(4, 4, 1, "d.html"));
            ledger.flush().unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(
                text.starts_with(whole) && text.ends_with("d.html\"}\n"),
                "{text}"
            );
            assert_eq!(text.lines().count(), 3);
        }
    }
}
