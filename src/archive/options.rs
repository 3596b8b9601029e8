//! What is kept of a feed's items, and where.

use std::path::PathBuf;

use super::path::{PathError, PathTemplate};
use super::render::Format;
use crate::store::Totals;

/// How the items of one feed are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where each file lies, below the archive's directory.
    pub path: PathTemplate,
    /// How an item stands in its file.
    pub format: Format,
    /// What becomes of an item that has changed.
    pub versions: Versions,
    /// Whether images are kept as well.
    pub images: bool,
}

/// What becomes of an item that has changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Versions {
    /// Another file beside the first: `a.html`, `a.v2.html`.
    #[default]
    Keep,
    /// The same file, written anew.
    Overwrite,
}

/// The archive of all feeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The archive's directory.
    pub directory: PathBuf,
    /// Images that one item's copies are made of; the rest stay links.
    pub images_max: usize,
    /// Bytes of one image; a larger one stays a link.
    pub image_bytes_max: usize,
    /// The most that all files take, and those of each feed. May change while the service runs.
    pub totals: Totals,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("archive"),
            images_max: 50,
            image_bytes_max: 16 << 20,
            totals: Totals::default(),
        }
    }
}

impl Options {
    /// Files of this format at the usual place: by feed, year and month, named by date and title.
    ///
    /// # Errors
    /// Never: the usual place is a path.
    pub fn usual(format: Format) -> Result<Self, PathError> {
        let ending = format.ending();
        let path = format!("{{feed}}/{{year}}/{{month}}/{{date}}-{{title}}.{ending}");
        Ok(Self {
            path: PathTemplate::parse(&path)?,
            format,
            versions: Versions::default(),
            images: false,
        })
    }
}
