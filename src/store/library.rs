//! What is on disk, to be read: by the process that writes it, or by another that only looks.

use std::io;

use bytes::Bytes;

use super::clock::of_ms;
use super::error::Error;
use super::files::Files;
use super::pieces::{Pieces, StoredBytes};
use super::readers::{self, Found, Readers, Shape};
use super::record::Coding;
use super::{Entry, Listed, Space, record};

/// How often a body that was replaced while it was read is looked for again.
const READS_MAX: usize = 4;

/// The database and the files.
#[derive(Debug)]
pub(super) struct Library {
    pub(super) files: Files,
    pub(super) readers: Readers,
}

/// What a look came to.
#[derive(Debug)]
pub(super) enum Look<T> {
    Found(T),
    Absent,
    /// There is a record of this number, and it doesn't verify.
    Bad(i64),
}

/// Something that was read, with its record's time of use.
pub(super) type Used<T> = (T, i64);

impl Library {
    /// A body and its meta.
    pub(super) fn get(&self, space: Space, key: &str) -> Result<Look<Used<Entry>>, Error> {
        let mut last_missing = None;
        for _ in 0..READS_MAX {
            let (found, inline) = match self.find(space, key)? {
                Some(found) => found,
                None => return Ok(Look::Absent),
            };
            let Some(shape) = found.verify(space, key) else {
                return Ok(Look::Bad(found.id));
            };
            let stored = match found.is_file {
                false => inline.map(|bytes| vec![Bytes::from(bytes)]),
                true => match self.files.read(found.id, shape.stored_bytes) {
                    Ok(stored) => stored,
                    // Replaced just now, or lost: the second look tells.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        if last_missing == Some(found.id) {
                            return Ok(Look::Bad(found.id));
                        }
                        last_missing = Some(found.id);
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                },
            };
            return Ok(
                match stored.and_then(|stored| verified(&found, shape, stored)) {
                    Some(body) => Look::Found((entry(&found, shape, body), found.used_at_ms)),
                    None => Look::Bad(found.id),
                },
            );
        }
        Ok(Look::Absent)
    }

    /// The same without the body.
    pub(super) fn get_meta(&self, space: Space, key: &str) -> Result<Look<Used<Entry>>, Error> {
        let found = self.readers.with(|view| readers::find(view, space, key))?;
        Ok(match found {
            None => Look::Absent,
            Some(found) => match found.verify(space, key) {
                Some(shape) => Look::Found((entry(&found, shape, Vec::new()), found.used_at_ms)),
                None => Look::Bad(found.id),
            },
        })
    }

    /// A body that is read in pieces. It is not verified: the digest of what is read will be.
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
    ) -> Result<Vec<(String, Option<Listed>)>, Error> {
        let list = |view: &_| readers::list(view, space, range, count);
        Ok(self.readers.with(list)?)
    }

    /// The row of a key, with its bytes where they are in the database, in one view of it.
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

/// A row, and its bytes where they are in the database.
type Row = (Found, Option<Vec<u8>>);

fn entry(found: &Found, shape: Shape, body: Vec<Bytes>) -> Entry {
    Entry {
        body_bytes: shape.body_bytes as u64,
        reads_in_pieces: shape.coding != Coding::Zstd,
        meta: found.meta.clone(),
        body,
        stored_at: of_ms(found.stored_at_ms),
    }
}

/// The body, when the stored bytes are those that were written.
fn verified(found: &Found, shape: Shape, stored: Vec<Bytes>) -> Option<Vec<Bytes>> {
    let bytes: usize = stored.iter().map(Bytes::len).sum();
    let is_whole = bytes == shape.stored_bytes && record::sum_of(&stored) == found.body_sum;
    is_whole.then(|| record::decode(shape.coding, stored, shape.body_bytes))?
}
