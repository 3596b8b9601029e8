//! `[archive]`, and what `[defaults]` and every `[[feed]]` may say of their archive.

use std::path::PathBuf;

use super::reader::{Table, Written};
use super::store::{self, TotalKeys};
use super::texts;
use crate::archive::path::PathTemplate;
use crate::archive::render::Format;
use crate::archive::{ArchiveLimits, ArchiveOptions, Versions};

const FORM: &str = "`true`, `false` or a table, `{ format = \"markdown\" }`";

/// `[archive]` as written.
pub(super) struct LimitKeys {
    directory: Option<Written<String>>,
    images_max: Option<Written<u32>>,
    image_bytes_max: Option<Written<u64>>,
    totals: TotalKeys,
}

/// `archive` of a feed as written.
pub(super) type FeedKey = Option<Written<Option<ArchiveOptions>>>;

/// Reads `[archive]`.
pub(super) fn read_limits(table: &mut Table<'_, '_>) -> LimitKeys {
    LimitKeys {
        directory: table.text("directory", directory),
        images_max: table.count("images_max", 0..=1_000),
        image_bytes_max: table.size("image_bytes_max", 1 << 10..=256 << 20),
        totals: store::read_totals(table, ["bytes_max", "feed_bytes_max"]),
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
        totals: store::resolve_totals(&written.totals),
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

fn read_options(table: &mut Table<'_, '_>) -> Option<ArchiveOptions> {
    let formats = Format::ALL.map(|format| (format.name(), format));
    let versions = [("keep", Versions::Keep), ("overwrite", Versions::Overwrite)];
    let path = table.text("path", PathTemplate::parse);
    let format = table.choice("format", &formats);
    let usual = ArchiveOptions::usual(format.map_or(Format::default(), |format| format.value));
    let versions = table.choice("versions", &versions);
    let images = table.switch("images");
    let usual = usual.ok()?;
    Some(ArchiveOptions {
        path: path.map_or(usual.path, |path| path.value),
        format: usual.format,
        versions: versions.map_or(usual.versions, |versions| versions.value),
        images: images.map_or(usual.images, |images| images.value),
    })
}
