//! Read-only access to a data directory that another process may have open.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::bodies::{Bodies, BodyLookup};
use super::directory::{self, OpenError};
use super::error::Error;
use super::files::Files;
use super::purge::Purge;
use super::readers::Readers;
use super::schema::{self, SchemaError};
use super::{ItemWindow, KeptItem, ListedEntry, Space, StoredEntry, history, requests, states};

/// A data directory opened for reading; nothing is locked or changed.
#[derive(Debug)]
pub struct Inspection {
    database: PathBuf,
    bodies: Bodies,
}

/// The result of looking up a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inspected {
    /// A body.
    Entry(StoredEntry),
    /// Nothing.
    Nothing,
    /// A record that doesn't verify.
    Damaged,
}

impl Inspection {
    /// Opens a directory.
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
            bodies: Bodies { files, readers },
            database,
        })
    }

    /// Up to `count` bodies of a space whose key starts with `prefix` and sorts after `after`, in the order of
    /// keys; `None` for one that doesn't verify.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn list(
        &self,
        space: Space,
        range: (&str, Option<&str>),
        count: usize,
    ) -> Result<Vec<(String, Option<ListedEntry>)>, Error> {
        self.bodies.list(space, range, count)
    }

    /// What there is under a key.
    ///
    /// # Errors
    /// When the database or the file can't be read.
    pub fn get(&self, space: Space, key: &str) -> Result<Inspected, Error> {
        Ok(match self.bodies.get(space, key)? {
            BodyLookup::Found((entry, _)) => Inspected::Entry(entry),
            BodyLookup::Absent => Inspected::Nothing,
            BodyLookup::Bad(_) => Inspected::Damaged,
        })
    }

    /// A small value; `None` also where it doesn't verify. The process that has the directory may have a newer
    /// one in memory.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn state(&self, space: Space, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let read = self
            .bodies
            .readers
            .with(|view| states::read(view, space, key))?;
        Ok(read.unwrap_or_default())
    }

    /// The items of a feed within a window, without those that don't verify.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn items(&self, feed: &str, window: &ItemWindow) -> Result<Vec<KeptItem>, Error> {
        let select = |view: &_| history::select(view, feed, window);
        Ok(self.bodies.readers.with(select)?.0)
    }

    /// Asks the process that has the directory to purge. Returns the number of bodies that it removed, or `None`
    /// when it did not answer within `patience`.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn ask_to_purge(&self, purge: &Purge, patience: Duration) -> Result<Option<u64>, Error> {
        Ok(requests::ask(&self.database, purge, patience)?)
    }
}
