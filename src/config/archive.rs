//! `[archive]`, and what `[defaults]` and every `[[feed]]` may say of their archive.

use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::reader::{Table, Written};
use super::shape::{Choice, ValueSchema, switch_or};
use super::store::{TOTALS, resolve_totals};
use super::texts;
use crate::archive::path::PathTemplate;
use crate::archive::render::Format;
use crate::archive::{ArchiveLimits, ArchiveOptions, Versions};
use crate::store::WhenFull;

const FORM: &str = "`true`, `false` or a table, `{ format = \"markdown\" }`";

/// `[archive]` as written.
#[derive(JsonSchema)]
pub(super) struct LimitKeys {
    /// The directory of the archive's files.
    directory: Option<Written<String>>,
    /// Images of one item that are copied. The others stay links.
    images_max: Option<Written<u32>>,
    /// Size of one image. A larger image stays a link.
    image_bytes_max: Option<Written<u64>>,
    /// Size of the files of all feeds together. `0B` for no limit.
    bytes_max: Option<Written<u64>>,
    /// Size of the files of each feed. `0B` for no limit.
    feed_bytes_max: Option<Written<u64>>,
    /// What becomes of a new item when one of these sizes is reached: it is refused, or the oldest
    /// items go for it.
    when_full: Option<Written<WhenFull>>,
}

/// `archive` of a feed as written.
pub(super) type FeedKey = Option<Written<Option<ArchiveOptions>>>;

/// Reads `[archive]`.
pub(super) fn read_limits(table: &mut Table<'_, '_>) -> LimitKeys {
    LimitKeys {
        directory: table.text("directory", directory),
        images_max: table.count("images_max", 0..=1_000),
        image_bytes_max: table.size("image_bytes_max", 1 << 10..=256 << 20),
        bytes_max: table.size("bytes_max", TOTALS),
        feed_bytes_max: table.size("feed_bytes_max", TOTALS),
        when_full: table.choice("when_full"),
    }
}

/// The limits, with defaults for what isn't written.
pub(super) fn resolve_limits(written: LimitKeys) -> ArchiveLimits {
    let default = ArchiveLimits::default();
    ArchiveLimits {
        directory: written
            .directory
            .map_or(default.directory, |written| PathBuf::from(written.value)),
        images_max: written
            .images_max
            .map_or(default.images_max, |written| written.value as usize),
        image_bytes_max: written
            .image_bytes_max
            .and_then(|written| usize::try_from(written.value).ok())
            .unwrap_or(default.image_bytes_max),
        totals: resolve_totals(
            written.bytes_max.as_ref(),
            written.feed_bytes_max.as_ref(),
            written.when_full.as_ref(),
        ),
    }
}

fn directory(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("it is empty; a feed without `archive` keeps no files".to_owned());
    }
    texts::path(text).map_err(|error| error.to_string())
}

/// Reads a feed's `archive`.
pub(super) fn read(table: &mut Table<'_, '_>) -> FeedKey {
    let usual = ArchiveOptions::usual(Format::default()).ok();
    let found = table.switch_or_table("archive", FORM, usual, read_options)?;
    Some(Written {
        value: found.value.flatten(),
        spot: found.spot,
    })
}

/// The table that `archive` may be.
#[derive(JsonSchema)]
struct ArchiveKeys {
    /// Path of each file below the archive's directory, with placeholders in braces.
    path: Option<Written<PathTemplate>>,
    /// Format of the files.
    format: Option<Written<Format>>,
    /// What becomes of an item that has changed: another file beside the first, or the same file
    /// written anew.
    versions: Option<Written<Versions>>,
    /// Whether images are copied as well.
    images: Option<Written<bool>>,
}

impl ValueSchema for ArchiveOptions {
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        switch_or::<ArchiveKeys>(generator)
    }
}

impl Choice for Format {
    fn choices() -> Vec<(&'static str, Self)> {
        Self::ALL.map(|format| (format.name(), format)).to_vec()
    }
}

impl Choice for Versions {
    fn choices() -> Vec<(&'static str, Self)> {
        vec![("keep", Self::Keep), ("overwrite", Self::Overwrite)]
    }
}

fn read_options(table: &mut Table<'_, '_>) -> Option<ArchiveOptions> {
    let keys = ArchiveKeys {
        path: table.text("path", PathTemplate::parse),
        format: table.choice("format"),
        versions: table.choice("versions"),
        images: table.switch("images"),
    };
    let format = keys.format.map(|format| format.value);
    let usual = ArchiveOptions::usual(format.unwrap_or_default()).ok()?;
    Some(ArchiveOptions {
        path: keys.path.map_or(usual.path, |path| path.value),
        format: usual.format,
        versions: keys
            .versions
            .map_or(usual.versions, |versions| versions.value),
        images: keys.images.map_or(usual.images, |images| images.value),
    })
}
