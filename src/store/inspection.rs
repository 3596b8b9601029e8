//! The store of a process that may be running, as another one sees it: read only.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::directory::{self, OpenError};
use super::error::Error;
use super::files::Files;
use super::library::{Library, Look};
use super::purge::Purge;
use super::readers::Readers;
use super::schema::{self, SchemaError};
use super::{Entry, KeptItem, Listed, Space, Window, history, requests};

/// A look into a directory; locks nothing and changes nothing.
#[derive(Debug)]
pub struct Inspection {
    database: PathBuf,
    library: Library,
}

/// What there is under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A body.
    Entry(Entry),
    /// Nothing.
    Nothing,
    /// Something that doesn't verify.
    Damaged,
}

impl Inspection {
    /// Looks into a directory.
    ///
    /// # Errors
    /// When there is no store, or it can't be read.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let database = directory::existing(path)?;
        let refused = |refusal| match refusal {
            SchemaError::Newer(version) => OpenError::Newer {
                path: database.clone(),
                version,
            },
            SchemaError::Damaged => OpenError::Damaged(database.clone()),
            SchemaError::Other(source) => OpenError::Database {
                path: database.clone(),
                source,
            },
        };
        let connection = schema::open_reader(&database).map_err(|error| refused(error.into()))?;
        schema::check(&connection).map_err(refused)?;
        let files = Files::at(database.parent().unwrap_or(path));
        let readers = Readers::new(database.clone());
        Ok(Self {
            library: Library { files, readers },
            database,
        })
    }

    /// Up to `count` bodies of a space whose key starts with `prefix`, in the order of their keys,
    /// from the first one behind `after` on; `None` for one that doesn't verify.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn list(
        &self,
        space: Space,
        range: (&str, Option<&str>),
        count: usize,
    ) -> Result<Vec<(String, Option<Listed>)>, Error> {
        self.library.list(space, range, count)
    }

    /// What there is under a key.
    ///
    /// # Errors
    /// When the database or the file can't be read.
    pub fn get(&self, space: Space, key: &str) -> Result<Seen, Error> {
        Ok(match self.library.get(space, key)? {
            Look::Found((entry, _)) => Seen::Entry(entry),
            Look::Absent => Seen::Nothing,
            Look::Bad(_) => Seen::Damaged,
        })
    }

    /// The items of a feed that a window shows; those that don't verify are left out.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn items(&self, feed: &str, window: &Window) -> Result<Vec<KeptItem>, Error> {
        let select = |view: &_| history::select(view, feed, window);
        Ok(self.library.readers.with(select)?.0)
    }

    /// Asks the process that has the directory to purge; how many bodies it removed, or `None` when
    /// it said nothing for `patience`.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn ask_to_purge(&self, purge: &Purge, patience: Duration) -> Result<Option<u64>, Error> {
        Ok(requests::ask(&self.database, purge, patience)?)
    }
}
