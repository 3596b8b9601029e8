//! Items kept as files, and read back from them.
//!
//! `render` and `path` are pure: an item as the text of a file and back, and the path of that file. An
//! [`ArchivedFeed`] says how one feed is archived; the [`Archiver`] writes its items and an index of them.
//!
//! Invariants: no request waits for the archive; each version of an item is written once; a file is whole or
//! not there; what can't be written now waits and is written later.

mod archiver;
mod digest;
mod duplicates;
mod feed;
mod folder;
mod health;
mod image_path;
mod images;
mod index;
mod lookup;
mod oldest;
mod options;
pub mod path;
pub mod raw;
pub mod render;
mod usage;
mod waiting;
mod writing;

pub use archiver::{Archiver, ArchiverSettings, ArchiverShared, Settled};
pub use feed::{ArchivedFeed, FeedSnapshot};
pub use health::ArchiveStatus;
pub use images::OwnImageUrls;
pub use lookup::{ArchiveReader, ArchivedVersion, IndexedVersions};
pub use options::{ArchiveLimits, ArchiveOptions, Versions};
pub use waiting::{waiting_item, waiting_name};
