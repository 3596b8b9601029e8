//! Where the images of an item lie: in a folder beside its file, `NAME.files`. Pure.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Characters that are not percent-encoded in a folder's name within a URL.
const NAME: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The folder of the images of the file at `path`.
pub(super) fn folder_of(path: &str) -> String {
    format!("{}.files", stem(path))
}

/// The URL of an image, relative to the file at `path`.
pub(super) fn relative(path: &str, name: &str) -> String {
    let folder = folder_of(path);
    let folder = folder.rsplit('/').next().unwrap_or_default();
    let folder = utf8_percent_encode(folder, NAME);
    format!("{folder}/{name}")
}

/// The path of a file without its extension.
pub(super) fn stem(path: &str) -> &str {
    let name_at = path.rfind('/').map_or(0, |slash| slash + 1);
    let dot = path[name_at..].rfind('.').filter(|dot| *dot > 0);
    &path[..dot.map_or(path.len(), |dot| name_at + dot)]
}
