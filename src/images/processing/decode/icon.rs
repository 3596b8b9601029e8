//! Icon files: several images, of which one is taken.
//!
//! What an image says of itself counts, not what the file's directory says of it. Bitmaps are read
//! here: which of their two masks counts is not in their heads.

use std::io::Cursor;

use image::codecs::ico::IcoDecoder;

use super::{png, raster};
use crate::images::geometry::Size;
use crate::images::processing::canvas::Canvas;
use crate::images::processing::decoded::DecodedImage;
use crate::images::processing::error::ProcessingError;

/// Images in one file.
const ENTRIES_MAX: usize = 256;
const HEAD_BYTES: usize = 6;
const ENTRY_BYTES: usize = 16;
/// The least that the head of a bitmap has.
const BITMAP_HEAD_BYTES: usize = 40;

/// One of the images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) size: Size,
    /// Its line in the file's directory.
    at: usize,
    from: usize,
    to: usize,
}

/// The images in a file; at least one.
pub(super) fn entries(bytes: &[u8]) -> Result<Vec<Entry>, ProcessingError> {
    let count = usize::from(u16::from_le_bytes([
        *bytes.get(4).ok_or(ProcessingError::Unreadable)?,
        *bytes.get(5).ok_or(ProcessingError::Unreadable)?,
    ]));
    let lines = (0..count.min(ENTRIES_MAX)).map(|index| HEAD_BYTES + index * ENTRY_BYTES);
    let entries: Vec<Entry> = lines.filter_map(|at| entry(bytes, at)).collect();
    if entries.is_empty() {
        Err(ProcessingError::Unreadable)
    } else {
        Ok(entries)
    }
}

/// SECURITY: the size of an image is what it says itself, which is what is decoded.
fn entry(bytes: &[u8], at: usize) -> Option<Entry> {
    let line = bytes.get(at..at + ENTRY_BYTES)?;
    let from = number(line, 12)? as usize;
    // One that was cut, or is longer than its line says, ends with the file.
    let data = bytes.get(from..)?;
    let said = number(line, 8)? as usize;
    let is_png = data.starts_with(b"\x89PNG");
    let size = if is_png {
        png::size(data)?
    } else {
        Bitmap::read(data)?.size
    };
    let length = if is_png {
        data.len()
    } else {
        data.len().min(said.max(bitmap_bytes(size)))
    };
    Some(Entry {
        size,
        at,
        from,
        to: from + length,
    })
}

/// No bitmap of this size needs more.
fn bitmap_bytes(size: Size) -> usize {
    let pixels = usize::try_from(size.pixels()).unwrap_or(usize::MAX);
    pixels.saturating_mul(5).saturating_add(4096)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Decodes one.
pub(super) fn decode(bytes: &[u8], entry: &Entry) -> Result<DecodedImage, ProcessingError> {
    let data = &bytes[entry.from..entry.to];
    if data.starts_with(b"\x89PNG") {
        return png::decode(data);
    }
    let bitmap = Bitmap::read(data).ok_or(ProcessingError::Unreadable)?;
    if bitmap.is_plain() {
        return bitmap
            .decode()
            .map(DecodedImage::still)
            .ok_or(ProcessingError::Unreadable);
    }
    // Packed ones are rare: as a file in which it is alone.
    let mut file = vec![0, 0, 1, 0, 1, 0];
    file.extend(&bytes[entry.at..entry.at + ENTRY_BYTES - 4]);
    file.extend(((HEAD_BYTES + ENTRY_BYTES) as u32).to_le_bytes());
    file.extend(data);
    raster::image(IcoDecoder::new(Cursor::new(&file)))
}

/// A bitmap without the head of a file (BITMAPINFOHEADER), with its mask behind it.
struct Bitmap<'a> {
    size: Size,
    is_top_down: bool,
    bits: u16,
    packing: u32,
    /// Blue, green, red and nothing.
    palette: &'a [[u8; 4]],
    /// Rows of pixels, then rows of the mask.
    rows: &'a [u8],
}

impl<'a> Bitmap<'a> {
    fn read(data: &'a [u8]) -> Option<Self> {
        let head_bytes = number(data, 0)? as usize;
        let side = |at: usize| Some(number(data, at)?.cast_signed());
        // The height counts the mask too.
        let (width, height) = (side(4)?, side(8)? / 2);
        if head_bytes < BITMAP_HEAD_BYTES || width <= 0 || height == 0 {
            return None;
        }
        let bits = u16::from_le_bytes([*data.get(14)?, *data.get(15)?]);
        let colours = match (bits, number(data, 32)?) {
            (1 | 4 | 8, 0) => 1 << bits,
            (1 | 4 | 8, said) => said.min(256) as usize,
            _ => 0,
        };
        let behind = data.get(head_bytes..)?;
        let (palette, rows) = behind.split_at_checked(colours * 4)?;
        Some(Self {
            size: Size::new(width.unsigned_abs(), height.unsigned_abs()),
            is_top_down: height < 0,
            bits,
            packing: number(data, 16)?,
            palette: palette.as_chunks().0,
            rows,
        })
    }

    fn is_plain(&self) -> bool {
        self.packing == 0 && matches!(self.bits, 1 | 4 | 8 | 16 | 24 | 32)
    }

    /// As browsers show it: alpha counts where there is any, and else the mask. What is not there of
    /// a bitmap that was cut is transparent.
    fn decode(&self) -> Option<Canvas> {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let stride = (width * usize::from(self.bits)).div_ceil(32) * 4;
        let mask_stride = width.div_ceil(32) * 4;
        let mask = self.rows.get(stride * height..).unwrap_or_default();
        let rows = || self.rows.chunks_exact(stride).take(height);
        let has_alpha = self.bits == 32
            && rows().any(|row| row.as_chunks::<4>().0.iter().any(|pixel| pixel[3] > 0));
        let mut data = vec![0; width * height * 4];
        for (number, row) in rows().enumerate() {
            let masked = mask.get(number * mask_stride..(number + 1) * mask_stride);
            let masked = masked.filter(|_| !has_alpha).unwrap_or_default();
            let y = if self.is_top_down {
                number
            } else {
                height - 1 - number
            };
            let line = data[y * width * 4..(y + 1) * width * 4]
                .as_chunks_mut::<4>()
                .0;
            for (x, pixel) in line.iter_mut().enumerate() {
                let [r, g, b, a] = self.pixel(row, x)?;
                let is_hole = masked
                    .get(x / 8)
                    .is_some_and(|byte| byte << (x % 8) & 0x80 > 0);
                *pixel = [
                    r,
                    g,
                    b,
                    if has_alpha {
                        a
                    } else {
                        u8::MAX * u8::from(!is_hole)
                    },
                ];
            }
        }
        let canvas = Canvas::new(self.size, 4, data)?;
        Some(if canvas.is_opaque() {
            canvas.without_alpha()
        } else {
            canvas
        })
    }

    fn pixel(&self, row: &[u8], x: usize) -> Option<[u8; 4]> {
        let colour = |index: usize| {
            // One that is not in the palette is black.
            let [b, g, r, _] = self.palette.get(index).copied().unwrap_or_default();
            [r, g, b, u8::MAX]
        };
        Some(match self.bits {
            1 => colour(usize::from(row.get(x / 8)? >> (7 - x % 8) & 1)),
            4 => colour(usize::from(row.get(x / 2)? >> (4 - x % 2 * 4) & 15)),
            8 => colour(usize::from(*row.get(x)?)),
            16 => {
                let value = u16::from_le_bytes([*row.get(x * 2)?, *row.get(x * 2 + 1)?]);
                let five = |shift: u16| {
                    let value = value >> shift & 31;
                    (value << 3 | value >> 2) as u8
                };
                [five(10), five(5), five(0), u8::MAX]
            }
            24 => [
                *row.get(x * 3 + 2)?,
                *row.get(x * 3 + 1)?,
                *row.get(x * 3)?,
                u8::MAX,
            ],
            _ => [
                *row.get(x * 4 + 2)?,
                *row.get(x * 4 + 1)?,
                *row.get(x * 4)?,
                *row.get(x * 4 + 3)?,
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two by two, `bits` a pixel: rows of pixels and of the mask, each of four bytes or eight.
    fn icon(bits: u8, palette: &[u8], rows: &[&[u8]], mask: [u8; 2]) -> Vec<u8> {
        let mut bitmap = vec![40, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 1, 0, bits, 0];
        bitmap.extend([0; 16]);
        bitmap.extend([(palette.len() / 4) as u8, 0, 0, 0, 0, 0, 0, 0]);
        bitmap.extend(palette);
        bitmap.extend(rows.concat());
        bitmap.extend([mask[0], 0, 0, 0, mask[1], 0, 0, 0]);
        let mut file = vec![0, 0, 1, 0, 1, 0, 2, 2, 0, 0, 1, 0, bits, 0];
        file.extend((bitmap.len() as u32).to_le_bytes());
        file.extend([22, 0, 0, 0]);
        file.extend(bitmap);
        file
    }

    #[track_caller]
    fn check(file: &[u8], expected: [[u8; 4]; 4]) {
        let entries = entries(file).unwrap();
        let image = decode(file, &entries[0]).unwrap();
        let canvas = image.frames[0].clone().with_alpha();
        assert_eq!(canvas.size(), Size::new(2, 2));
        assert_eq!(canvas.bytes(), expected.concat());
    }

    const RED: [u8; 4] = [255, 0, 0, 255];
    const BLUE: [u8; 4] = [0, 0, 255, 255];

    fn clear(pixel: [u8; 4]) -> [u8; 4] {
        [pixel[0], pixel[1], pixel[2], 0]
    }

    #[test]
    fn alpha_counts_or_the_mask() {
        // Rows go from the bottom; the mask has a hole at the bottom left.
        let below = [255, 0, 0, 0, 255, 0, 0, 0];
        let above = [0, 0, 255, 0, 0, 0, 255, 0];
        let without = icon(32, &[], &[&below, &above], [0x80, 0]);
        check(&without, [RED, RED, clear(BLUE), BLUE]);
        let mut half = below;
        half[3] = 128;
        let with = icon(32, &[], &[&half, &above], [0x80, 0]);
        check(
            &with,
            [clear(RED), clear(RED), [0, 0, 255, 128], clear(BLUE)],
        );
    }

    #[test]
    fn fewer_bits() {
        let palette = [0, 0, 255, 0, 255, 0, 0, 0];
        let one = icon(
            1,
            &palette,
            &[&[0x40, 0, 0, 0], &[0x80, 0, 0, 0]],
            [0, 0x40],
        );
        check(&one, [BLUE, clear(RED), RED, BLUE]);
        let four = icon(4, &palette, &[&[0x01, 0, 0, 0], &[0x1f, 0, 0, 0]], [0, 0]);
        check(&four, [BLUE, [0, 0, 0, 255], RED, BLUE]);
        let eight = icon(8, &palette, &[&[0, 1, 0, 0], &[1, 0, 0, 0]], [0xc0, 0]);
        check(&eight, [BLUE, RED, clear(RED), clear(BLUE)]);
        let sixteen = icon(16, &[], &[&[0, 0x7c, 31, 0], &[31, 0, 0, 0x7c]], [0, 0]);
        check(&sixteen, [BLUE, RED, RED, BLUE]);
        let row = [0, 0, 255, 255, 0, 0, 0, 0];
        check(
            &icon(24, &[], &[&row, &row], [0, 0]),
            [RED, BLUE, RED, BLUE],
        );
    }

    #[test]
    fn directories_that_lie() {
        let palette = [0, 0, 255, 0, 255, 0, 0, 0];
        let rows: [&[u8]; 2] = [&[0, 1, 0, 0], &[1, 0, 0, 0]];
        let right = icon(8, &palette, &rows, [0, 0]);
        for (at, lie) in [
            (6, 0),
            (7, 99),
            (8, 7),
            (12, 32),
            (14, 3),
            (15, 9),
            (4, 200),
        ] {
            let mut file = right.clone();
            file[at] = lie;
            check(&file, [BLUE, RED, RED, BLUE]);
        }
        // The mask was cut off, then a row of pixels too.
        check(&right[..right.len() - 8], [BLUE, RED, RED, BLUE]);
        check(&right[..right.len() - 9], [[0; 4], [0; 4], RED, BLUE]);
        assert!(entries(&right[..50]).is_err());
    }
}
