//! Items kept as files, and read back from them.
//!
//! `render` and `path` are pure: an item as text, read again, and where its file lies. A [`Drawer`]
//! says how one feed's items are kept; the [`Archivist`] keeps them.
//!
//! Invariants: nothing here is on a reader's way; an item that was seen is kept once, and again as it
//! changes; a file is whole or not there; what could not be written is written later.

mod apart;
mod archivist;
mod digest;
mod drawer;
mod folder;
mod health;
mod image_path;
mod images;
mod ledger;
mod oldest;
mod options;
pub mod path;
pub mod raw;
pub mod render;
mod stash;
mod tally;
mod writing;

pub use archivist::{Archivist, Setting, Settled, Shared};
pub use drawer::{Document, Drawer};
pub use health::Status;
pub use images::OwnAddresses;
pub use options::{Limits, Options, Versions};
