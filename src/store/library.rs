//! What is on disk, to be read: by the process that writes it, or by another that only looks.

use std::io;

use bytes::Bytes;

use super::apply::Refused;
use super::clock::of_ms;
use super::files::Files;
use super::readers::{self, Found, Readers, Shape};
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
    pub(super) fn get(&self, space: Space, key: &str) -> Result<Look<Used<Entry>>, Refused> {
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
                false => inline.map(Bytes::from),
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
                    Some(body) => Look::Found((entry(&found, body), found.used_at_ms)),
                    None => Look::Bad(found.id),
                },
            );
        }
        Ok(Look::Absent)
    }

    /// The same without the body.
    pub(super) fn get_meta(&self, space: Space, key: &str) -> Result<Look<Used<Entry>>, Refused> {
        let found = self.readers.with(|view| readers::find(view, space, key))?;
        Ok(match found {
            None => Look::Absent,
            Some(found) if found.verify(space, key).is_none() => Look::Bad(found.id),
            Some(found) => Look::Found((entry(&found, Vec::new()), found.used_at_ms)),
        })
    }

    /// Up to `count` records whose key starts with `prefix` and comes after `after`, in the order of
    /// their keys; `None` for each that doesn't verify.
    pub(super) fn list(
        &self,
        space: Space,
        range: (&str, Option<&str>),
        count: usize,
    ) -> Result<Vec<(String, Option<Listed>)>, Refused> {
        let list = |view: &_| readers::list(view, space, range, count);
        Ok(self.readers.with(list)?)
    }

    /// The row of a key, with its bytes where they are in the database, in one view of it.
    fn find(&self, space: Space, key: &str) -> Result<Option<Row>, Refused> {
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

fn entry(found: &Found, body: Vec<Bytes>) -> Entry {
    Entry {
        meta: found.meta.clone(),
        body,
        stored_at: of_ms(found.stored_at_ms),
    }
}

/// The body, when the stored bytes are those that were written.
fn verified(found: &Found, shape: Shape, stored: Bytes) -> Option<Vec<Bytes>> {
    let is_whole = stored.len() == shape.stored_bytes
        && record::sum_of(std::slice::from_ref(&stored)) == found.body_sum;
    is_whole.then(|| record::decode(shape.coding, stored, shape.body_bytes))?
}
