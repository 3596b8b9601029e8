//! TIFF (revision 6.0): the tags of its first image, and what the decoder that we use reads not:
//! facsimile coding, and colours as CIE L*a*b*.

use std::io::Cursor;

use image::codecs::tiff::TiffDecoder;
use image::{DynamicImage, ImageDecoder};

use super::fax::{self, Coding};
use super::raster;
use super::raster::decoder_limits;
use crate::images::geometry::Size;
use crate::images::processing::canvas::Canvas;
use crate::images::processing::decoded::DecodedImage;
use crate::images::processing::error::ProcessingError;
use crate::images::processing::lab::Space;

/// Values of one tag, the strips of an image among them.
const VALUES_MAX: u64 = 1 << 20;

const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const COMPRESSION: u16 = 259;
const PHOTOMETRIC: u16 = 262;
const FILL_ORDER: u16 = 266;
const STRIP_OFFSETS: u16 = 273;
const ORIENTATION: u16 = 274;
const ROWS_PER_STRIP: u16 = 278;
const STRIP_BYTES: u16 = 279;
const T4_OPTIONS: u16 = 292;

const RGB: u8 = 2;
const CIE_LAB: u64 = 8;
const ICC_LAB: u64 = 9;

/// Size and orientation of the first image.
pub(super) fn head(bytes: &[u8]) -> Result<(Size, u8), ProcessingError> {
    let tags = Tags::read(bytes).ok_or(ProcessingError::Unreadable)?;
    let size = tags.size().ok_or(ProcessingError::Unreadable)?;
    let orientation = tags
        .one(ORIENTATION)
        .filter(|noted| (1..=8).contains(noted));
    Ok((size, orientation.unwrap_or(1) as u8))
}

pub(super) fn decode(bytes: &[u8], size: Size) -> Result<DecodedImage, ProcessingError> {
    let tags = Tags::read(bytes).ok_or(ProcessingError::Unreadable)?;
    let is_two_dimensional = tags.one(T4_OPTIONS).is_some_and(|options| options & 1 == 1);
    let coding = match tags.one(COMPRESSION) {
        Some(2) => Some(Coding::Huffman),
        Some(3) if is_two_dimensional => Some(Coding::Group3TwoDimensional),
        Some(3) => Some(Coding::Group3),
        Some(4) => Some(Coding::Group4),
        _ => None,
    };
    if let Some(coding) = coding {
        return facsimile(&tags, size, coding);
    }
    match tags.one(PHOTOMETRIC) {
        Some(colours @ (CIE_LAB | ICC_LAB)) => lab(&tags, size, colours == ICC_LAB),
        _ => raster::image(decoder(bytes, size)),
    }
}

/// SECURITY: one that finds another size than was judged finds none.
fn decoder(bytes: &[u8], size: Size) -> image::ImageResult<TiffDecoder<Cursor<&[u8]>>> {
    let decoder = TiffDecoder::new(Cursor::new(bytes))?;
    if decoder.dimensions() == (size.width, size.height) {
        return Ok(decoder);
    }
    Err(std::io::Error::other("another size").into())
}

fn facsimile(tags: &Tags<'_>, size: Size, coding: Coding) -> Result<DecodedImage, ProcessingError> {
    let broken = ProcessingError::Unreadable;
    let offsets = tags.values(STRIP_OFFSETS).ok_or(broken.clone())?;
    let lengths = tags.values(STRIP_BYTES).ok_or(broken.clone())?;
    let per_strip = tags.one(ROWS_PER_STRIP).unwrap_or(u64::MAX);
    let per_strip = per_strip.clamp(1, u64::from(size.height)) as usize;
    // White is zero where nothing else is said.
    let (white, black) = match tags.one(PHOTOMETRIC) {
        Some(1) => (0, u8::MAX),
        _ => (u8::MAX, 0),
    };
    let is_reversed = tags.one(FILL_ORDER) == Some(2);
    let stride = size.width as usize * 3;
    let mut data = vec![white; stride * size.height as usize];
    let strips = data.chunks_mut(stride * per_strip);
    for (strip, (from, length)) in strips.zip(offsets.iter().zip(lengths)) {
        let from = usize::try_from(*from).unwrap_or(usize::MAX);
        let coded = tags.bytes.get(from..).unwrap_or_default();
        let coded = &coded[..coded
            .len()
            .min(usize::try_from(length).unwrap_or(usize::MAX))];
        let coded = coded.iter().map(|byte| match is_reversed {
            true => byte.reverse_bits(),
            false => *byte,
        });
        let mut rows = fax::rows(coded, coding, size.width);
        for line in strip.chunks_exact_mut(stride) {
            // What is missing stays white.
            let Some(blacks) = rows.next() else { break };
            blacks.for_each(|run| line[run.start * 3..run.end * 3].fill(black));
        }
    }
    let canvas = Canvas::new(size, 3, data).ok_or(broken)?;
    Ok(DecodedImage {
        is_grey: true,
        ..DecodedImage::still(canvas)
    })
}

/// Decoded as if its samples were red, green and blue, which are packed alike.
fn lab(tags: &Tags<'_>, size: Size, is_shifted: bool) -> Result<DecodedImage, ProcessingError> {
    let broken = |_| ProcessingError::Unreadable;
    let (at, _, length) = tags.find(PHOTOMETRIC).ok_or(ProcessingError::Unreadable)?;
    let mut file = tags.bytes.to_vec();
    let low = if tags.is_little_endian { 0 } else { length - 1 };
    file[at + low] = RGB;
    let mut decoder = decoder(&file, size).map_err(broken)?;
    decoder.set_limits(decoder_limits()).map_err(broken)?;
    let image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    let channels = usize::from(image.color().channel_count());
    let mut data = match image {
        DynamicImage::ImageRgb8(image) => image.into_raw(),
        DynamicImage::ImageRgba8(image) => image.into_raw(),
        // The upper half of each says enough, and has the sign.
        DynamicImage::ImageRgb16(image) => image.iter().map(|value| (value >> 8) as u8).collect(),
        DynamicImage::ImageRgba16(image) => image.iter().map(|value| (value >> 8) as u8).collect(),
        _ => return Err(ProcessingError::Unreadable),
    };
    let space = Space::new();
    let signed = |value: u8| match is_shifted {
        true => f32::from(value) - 128.0,
        false => f32::from(value.cast_signed()),
    };
    for pixel in data.chunks_exact_mut(channels) {
        let lab = [
            f32::from(pixel[0]) / 2.55,
            signed(pixel[1]),
            signed(pixel[2]),
        ];
        pixel[..3].copy_from_slice(&space.rgb(lab));
    }
    let canvas = Canvas::new(size, channels, data).ok_or(ProcessingError::Unreadable)?;
    Ok(DecodedImage::still(canvas))
}

/// The tags of the first image, in the classic form and in that of large files.
struct Tags<'a> {
    bytes: &'a [u8],
    is_little_endian: bool,
    /// Bytes of a count, and of an offset.
    wide: usize,
    /// Where the tags are, and how many.
    at: usize,
    count: usize,
}

impl<'a> Tags<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut tags = Self {
            bytes,
            is_little_endian: bytes.starts_with(b"II"),
            wide: 4,
            at: 0,
            count: 0,
        };
        let (first_at, count_bytes) = match tags.number(2, 2)? {
            43 => {
                tags.wide = 8;
                (8, 8)
            }
            _ => (4, 2),
        };
        let at = usize::try_from(tags.number(first_at, tags.wide)?).ok()?;
        tags.count = usize::try_from(tags.number(at, count_bytes)?).ok()?;
        tags.at = at.checked_add(count_bytes)?;
        Some(tags)
    }

    fn number(&self, at: usize, length: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(length)?)?.iter();
        let add = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(match self.is_little_endian {
            true => bytes.rev().fold(0, add),
            false => bytes.fold(0, add),
        })
    }

    /// Where the values of a tag are, how many, and of how many bytes each.
    fn find(&self, tag: u16) -> Option<(usize, u64, usize)> {
        let length = 4 + 2 * self.wide;
        let mut lines =
            (0..self.count).map(|index| self.at.checked_add(index.checked_mul(length)?));
        let line = lines.find_map(|at| {
            let found = at.and_then(|at| Some((at, self.number(at, 2)?)));
            match found {
                Some((at, found)) => (found == u64::from(tag)).then_some(Some(at)),
                // The file ends here.
                None => Some(None),
            }
        })??;
        let value_bytes = match self.number(line + 2, 2)? {
            1 => 1,
            3 => 2,
            4 => 4,
            16 => 8,
            _ => return None,
        };
        let count = self.number(line + 4, self.wide)?;
        let here = line + 4 + self.wide;
        if count.checked_mul(value_bytes as u64)? <= self.wide as u64 {
            return Some((here, count, value_bytes));
        }
        let there = usize::try_from(self.number(here, self.wide)?).ok()?;
        Some((there, count, value_bytes))
    }

    fn values(&self, tag: u16) -> Option<Vec<u64>> {
        let (at, count, value_bytes) = self.find(tag)?;
        let places = (0..count.min(VALUES_MAX) as usize).map(|index| at + index * value_bytes);
        Some(
            places
                .map_while(|at| self.number(at, value_bytes))
                .collect(),
        )
    }

    fn one(&self, tag: u16) -> Option<u64> {
        let (at, count, value_bytes) = self.find(tag)?;
        (count > 0).then(|| self.number(at, value_bytes))?
    }

    fn size(&self) -> Option<Size> {
        let side = |tag| u32::try_from(self.one(tag)?).ok().filter(|side| *side > 0);
        let (width, height) = (side(WIDTH)?, side(HEIGHT)?);
        Some(Size { width, height })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of these tags, each a number of four bytes, with its data from byte 16 on.
    fn tiff(is_big_endian: bool, tags: &[(u16, &[u32])], data: &[u8]) -> Vec<u8> {
        let two = |number: u16| match is_big_endian {
            true => number.to_be_bytes(),
            false => number.to_le_bytes(),
        };
        let four = |number: usize| match is_big_endian {
            true => (number as u32).to_be_bytes(),
            false => (number as u32).to_le_bytes(),
        };
        let start: &[u8] = if is_big_endian { b"MM\0*" } else { b"II*\0" };
        let mut file = start.to_vec();
        file.extend(four(16 + data.len()));
        file.extend([0; 8]);
        file.extend(data);
        let mut behind = Vec::new();
        let behind_at = 16 + data.len() + 2 + tags.len() * 12 + 4;
        file.extend(two(tags.len() as u16));
        for (tag, values) in tags {
            file.extend(two(*tag));
            file.extend(two(4));
            file.extend(four(values.len()));
            if let [value] = values {
                file.extend(four(*value as usize));
            } else {
                file.extend(four(behind_at + behind.len()));
                values
                    .iter()
                    .for_each(|value| behind.extend(four(*value as usize)));
            }
        }
        file.extend([0; 4]);
        file.extend(behind);
        file
    }

    fn shown(file: &[u8]) -> Vec<u8> {
        let (size, _) = head(file).unwrap();
        let image = decode(file, size).unwrap();
        image.frames[0]
            .bytes()
            .chunks(3)
            .map(|pixel| pixel[1])
            .collect()
    }

    /// Eight pixels, the first two rows in one strip and the third in another: Group 3, whose rows are
    /// white but for three black in the middle, all black, and as the first.
    fn fax(is_big_endian: bool, photometric: u32, is_reversed: bool) -> Vec<u8> {
        // An end-of-line code, 0111 10 1000; an end-of-line code, 00110101 000101; the first again.
        let mut data: Vec<u8> = vec![0x00, 0x17, 0xa0, 0x00, 0x4d, 0x45, 0x00, 0x17, 0xa0];
        if is_reversed {
            data.iter_mut().for_each(|byte| *byte = byte.reverse_bits());
        }
        let tags: [(u16, &[u32]); 10] = [
            (WIDTH, &[8]),
            (HEIGHT, &[3]),
            (258, &[1]),
            (COMPRESSION, &[3]),
            (PHOTOMETRIC, &[photometric]),
            (FILL_ORDER, &[1 + u32::from(is_reversed)]),
            (STRIP_OFFSETS, &[16, 22]),
            (ORIENTATION, &[3]),
            (ROWS_PER_STRIP, &[2]),
            (STRIP_BYTES, &[6, 3]),
        ];
        tiff(is_big_endian, &tags, &data)
    }

    #[test]
    fn faxes() {
        let row = [255, 255, 0, 0, 0, 255, 255, 255];
        let expected = [row, [0; 8], row].concat();
        let inverted: Vec<u8> = expected.iter().map(|value| 255 - value).collect();
        for (is_big_endian, is_reversed) in [(false, false), (true, true)] {
            let file = fax(is_big_endian, 0, is_reversed);
            assert_eq!(head(&file), Ok((Size::new(8, 3), 3)));
            assert_eq!(shown(&file), expected);
            assert_eq!(shown(&fax(is_big_endian, 1, is_reversed)), inverted);
        }
    }

    #[test]
    fn lightness_and_hue() {
        let check = |photometric: u32, is_big_endian: bool, data: &[u8], expected: [[u8; 3]; 2]| {
            let tags: [(u16, &[u32]); 9] = [
                (WIDTH, &[2]),
                (HEIGHT, &[1]),
                (258, &[8, 8, 8]),
                (COMPRESSION, &[1]),
                (PHOTOMETRIC, &[photometric]),
                (STRIP_OFFSETS, &[16]),
                (277, &[3]),
                (ROWS_PER_STRIP, &[1]),
                (STRIP_BYTES, &[6]),
            ];
            let file = tiff(is_big_endian, &tags, data);
            let image = decode(&file, Size::new(2, 1)).unwrap();
            let bytes = image.frames[0].bytes();
            let expected = expected.concat();
            let is_near = bytes
                .iter()
                .zip(&expected)
                .all(|(a, b)| a.abs_diff(*b) <= 8);
            assert!(is_near, "{bytes:?} {expected:?}");
        };
        // White, and the red of sRGB: L* 53, a* 80, b* 67.
        let colours = [[255, 255, 255], [254, 0, 0]];
        check(8, false, &[255, 0, 0, 136, 80, 67], colours);
        check(9, true, &[255, 128, 128, 136, 208, 195], colours);
        // Its green: a* is negative.
        check(8, true, &[255, 0, 0, 224, 170, 83], [[255; 3], [0, 255, 0]]);
    }

    #[test]
    fn broken_tags() {
        let file = fax(false, 0, false);
        for cut in 0..file.len() {
            if let Ok((size, _)) = head(&file[..cut]) {
                let _ = decode(&file[..cut], size);
            }
        }
        for at in 26..file.len() {
            let mut file = file.clone();
            file[at] ^= 0xff;
            if let Ok((size, _)) = head(&file)
                && size.pixels() < 1_000_000
            {
                let _ = decode(&file, size);
            }
        }
    }
}
