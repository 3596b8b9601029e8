//! Icon files: several pictures, of which one is taken.

use std::io::Cursor;

use image::codecs::ico::IcoDecoder;

use super::{Picture, Trouble, png_size, raster};
use crate::image::geometry::Size;

/// Pictures in one file.
const ENTRIES_MAX: usize = 256;
const HEAD_BYTES: usize = 6;
const ENTRY_BYTES: usize = 16;

/// One of the pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) size: Size,
    /// Its line in the file's directory.
    at: usize,
    from: usize,
    to: usize,
}

/// The pictures in a file; at least one. SECURITY: a PNG inside has a size of its own, which need
/// not be the directory's.
pub(super) fn entries(bytes: &[u8]) -> Result<Vec<Entry>, Trouble> {
    let count = usize::from(u16::from_le_bytes([
        *bytes.get(4).ok_or(Trouble::Unreadable)?,
        *bytes.get(5).ok_or(Trouble::Unreadable)?,
    ]));
    let lines = (0..count.min(ENTRIES_MAX)).map(|index| HEAD_BYTES + index * ENTRY_BYTES);
    let entries: Vec<Entry> = lines.filter_map(|at| entry(bytes, at)).collect();
    if entries.is_empty() {
        Err(Trouble::Unreadable)
    } else {
        Ok(entries)
    }
}

fn entry(bytes: &[u8], at: usize) -> Option<Entry> {
    let line: &[u8; ENTRY_BYTES] = bytes.get(at..at + ENTRY_BYTES)?.try_into().ok()?;
    let number =
        |at: usize| Some(u32::from_le_bytes(line.get(at..at + 4)?.try_into().ok()?) as usize);
    let from = number(12)?;
    let to = from.checked_add(number(8)?)?;
    let data = bytes.get(from..to)?;
    let side = |byte: u8| if byte == 0 { 256 } else { u32::from(byte) };
    let size = if data.starts_with(b"\x89PNG") {
        png_size(data)?
    } else {
        // A bitmap's own height counts its mask too.
        let own = |at: usize| Some(u32::from_le_bytes(data.get(at..at + 4)?.try_into().ok()?));
        let (width, height) = (own(4)?, own(8)? / 2);
        Size::new(width.max(side(line[0])), height.max(side(line[1])))
    };
    Some(Entry { size, at, from, to })
}

/// Decodes one: as a file in which it is the only picture.
pub(super) fn decode(bytes: &[u8], entry: &Entry) -> Result<Picture, Trouble> {
    let mut file = vec![0, 0, 1, 0, 1, 0];
    file.extend(&bytes[entry.at..entry.at + ENTRY_BYTES - 4]);
    file.extend(((HEAD_BYTES + ENTRY_BYTES) as u32).to_le_bytes());
    file.extend(&bytes[entry.from..entry.to]);
    raster::picture(IcoDecoder::new(Cursor::new(&file)))
}
