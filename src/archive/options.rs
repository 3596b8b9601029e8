//! Options of an archived feed, and the limits of the archive.

use std::path::PathBuf;

use super::path::{PathError, PathTemplate};
use super::render::Format;
use crate::store::Totals;

/// How one feed is archived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveOptions {
    /// The path of each file, below the archive's directory.
    pub path: PathTemplate,
    /// The format of a file.
    pub format: Format,
    /// What becomes of an item that has changed.
    pub versions: Versions,
    /// Whether images are archived as well.
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

/// The archive's directory, and the limits of all feeds together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// The archive's directory.
    pub directory: PathBuf,
    /// The most images that are saved of one item; the rest stay links.
    pub images_max: usize,
    /// Bytes of one image; a larger one stays a link.
    pub image_bytes_max: usize,
    /// The most bytes of all files and of each feed's. May change while the service runs.
    pub totals: Totals,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("archive"),
            images_max: 50,
            image_bytes_max: 16 << 20,
            totals: Totals::default(),
        }
    }
}

impl ArchiveOptions {
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
