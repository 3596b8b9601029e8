//! Reads bodies from disk, for the process that writes them or for another one.

use std::io;

use bytes::Bytes;

use super::clock::of_ms;
use super::error::Error;
use super::files::Files;
use super::pieces::{Pieces, StoredBytes};
use super::readers::{self, BodyShape, EntryRow, Readers};
use super::record::Coding;
use super::{ListedEntry, Space, StoredEntry, record};

/// How often a look-up is tried again when the body is replaced meanwhile.
const READS_MAX: usize = 4;

/// The database's readers and the files.
#[derive(Debug)]
pub(super) struct Bodies {
    pub(super) files: Files,
    pub(super) readers: Readers,
}

/// The result of a look-up.
#[derive(Debug)]
pub(super) enum BodyLookup<T> {
    Found(T),
    Absent,
    /// The record of this id doesn't verify.
    Bad(i64),
}

/// A result with its record's time of use in milliseconds.
pub(super) type Used<T> = (T, i64);

impl Bodies {
    /// A body and its metadata.
    pub(super) fn get(
        &self,
        space: Space,
        key: &str,
    ) -> Result<BodyLookup<Used<StoredEntry>>, Error> {
        let mut last_missing = None;
        for _ in 0..READS_MAX {
            let (found, inline) = match self.find(space, key)? {
                Some(found) => found,
                None => return Ok(BodyLookup::Absent),
            };
            let Some(shape) = found.verify(space, key) else {
                return Ok(BodyLookup::Bad(found.id));
            };
            let stored = match found.is_file {
                false => inline.map(|bytes| vec![Bytes::from(bytes)]),
                true => match self.files.read(found.id, shape.stored_bytes) {
                    Ok(stored) => stored,
                    // Replaced just now, or lost: the second try tells.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        if last_missing == Some(found.id) {
                            return Ok(BodyLookup::Bad(found.id));
                        }
                        last_missing = Some(found.id);
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                },
            };
            return Ok(
                match stored.and_then(|stored| verified(&found, shape, stored)) {
                    Some(body) => BodyLookup::Found((entry(&found, shape, body), found.used_at_ms)),
                    None => BodyLookup::Bad(found.id),
                },
            );
        }
        Ok(BodyLookup::Absent)
    }

    /// The metadata of a body; the entry's own body is empty.
    pub(super) fn get_meta(
        &self,
        space: Space,
        key: &str,
    ) -> Result<BodyLookup<Used<StoredEntry>>, Error> {
        let found = self.readers.with(|view| readers::find(view, space, key))?;
        Ok(match found {
            None => BodyLookup::Absent,
            Some(found) => match found.verify(space, key) {
                Some(shape) => {
                    BodyLookup::Found((entry(&found, shape, Vec::new()), found.used_at_ms))
                }
                None => BodyLookup::Bad(found.id),
            },
        })
    }

    /// A body to be read in pieces. Its checksum is not verified; the caller verifies the digest of what it reads.
    pub(super) fn open(&self, space: Space, key: &str) -> Result<Option<Pieces>, Error> {
        let Some((found, inline)) = self.find(space, key)? else {
            return Ok(None);
        };
        let Some(shape) = found.verify(space, key) else {
            return Ok(None);
        };
        let bytes = match found.is_file {
            false => inline.map(|bytes| StoredBytes::Inline(bytes.into())),
            true => match self.files.open_file(found.id, shape.stored_bytes) {
                Ok(file) => file.map(StoredBytes::File),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(error.into()),
            },
        };
        Ok(bytes.map(|bytes| Pieces::new(bytes, shape)))
    }

    /// Up to `count` records whose key starts with `prefix` and comes after `after`, in the order of
    /// their keys; `None` for each that doesn't verify.
    pub(super) fn list(
        &self,
        space: Space,
        range: (&str, Option<&str>),
        count: usize,
    ) -> Result<Vec<(String, Option<ListedEntry>)>, Error> {
        let list = |view: &_| readers::list(view, space, range, count);
        Ok(self.readers.with(list)?)
    }

    /// The row of a key, with its body where that is in the database, in one read transaction.
    fn find(&self, space: Space, key: &str) -> Result<Option<Row>, Error> {
        let found = self.readers.with(|view| {
            let Some(found) = readers::find(view, space, key)? else {
                return Ok(None);
            };
            let inline = match found.is_file {
                false => readers::inline(view, found.id)?,
                true => None,
            };
            Ok(Some((found, inline)))
        });
        Ok(found?)
    }
}

/// A row, and its body where that is in the database.
type Row = (EntryRow, Option<Vec<u8>>);

fn entry(found: &EntryRow, shape: BodyShape, body: Vec<Bytes>) -> StoredEntry {
    StoredEntry {
        body_bytes: shape.body_bytes as u64,
        reads_in_pieces: shape.coding != Coding::Zstd,
        meta: found.meta.clone(),
        body,
        stored_at: of_ms(found.stored_at_ms),
    }
}

/// The body, when the stored bytes are those that were written.
fn verified(found: &EntryRow, shape: BodyShape, stored: Vec<Bytes>) -> Option<Vec<Bytes>> {
    let bytes: usize = stored.iter().map(Bytes::len).sum();
    let is_whole = bytes == shape.stored_bytes && record::sum_of(&stored) == found.body_sum;
    is_whole.then(|| record::decode(shape.coding, stored, shape.body_bytes))?
}
