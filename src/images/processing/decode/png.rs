//! PNG (the PNG specification, third edition), as far as it is readable: one that was cut, or whose
//! checksums are wrong, shows what is there, as it does in browsers.

use std::io::Cursor;

use image::metadata::Orientation;
use png::{
    BitDepth, ColorType, DecodeOptions, Decoder, InterlaceInfo, Limits, Reader, Transformations,
};

use crate::images::geometry::Size;
use crate::images::processing::canvas::Canvas;
use crate::images::processing::decoded::DecodedImage;
use crate::images::processing::error::ProcessingError;

/// Bytes of a colour profile, unpacked.
const PROFILE_BYTES_MAX: usize = 4 << 20;
/// Bytes of a pixel: four samples of sixteen bits.
const PIXEL_BYTES_MAX: usize = 8;

/// The size, from the first chunk.
pub(super) fn size(bytes: &[u8]) -> Option<Size> {
    let side = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let (width, height) = (side(16)?, side(20)?);
    let is_head = bytes.get(12..16) == Some(b"IHDR") && width > 0 && height > 0;
    is_head.then_some(Size { width, height })
}

/// The orientation that a camera noted; 1 where there is none.
pub(super) fn orientation(bytes: &[u8]) -> u8 {
    let noted = reader(bytes).ok().and_then(|reader| {
        let exif = reader.info().exif_metadata.as_ref()?;
        Orientation::from_exif_chunk(exif)
    });
    noted.map_or(1, Orientation::to_exif)
}

pub(super) fn decode(bytes: &[u8]) -> Result<DecodedImage, ProcessingError> {
    let mut reader = reader(bytes)?;
    let (colours, depth) = reader.output_color_type();
    let info = reader.info();
    let size = Size::new(info.width, info.height);
    let palette_bits = (info.color_type == ColorType::Indexed).then_some(info.bit_depth as u8);
    let profile = info.icc_profile.as_ref().map(|profile| profile.to_vec());
    let samples = colours.samples();
    let data = rows(&mut reader, size, (samples, depth))?;
    let is_grey = samples < 3;
    let data = if is_grey {
        coloured(&data, samples)
    } else {
        data
    };
    let channels = if samples % 2 == 0 { 4 } else { 3 };
    let canvas = Canvas::new(size, channels, data).ok_or(ProcessingError::Unreadable)?;
    Ok(DecodedImage {
        is_grey,
        profile,
        palette_bits,
        ..DecodedImage::still(canvas)
    })
}

/// A profile that is broken or too large is left out.
fn reader(bytes: &[u8]) -> Result<Reader<Cursor<&[u8]>>, ProcessingError> {
    let width = size(bytes).map_or(0, |size| size.width as usize);
    let read = |with_profile: bool| {
        let mut options = DecodeOptions::default();
        options.set_ignore_crc(true);
        options.set_ignore_adler32(true);
        options.set_ignore_text_chunk(true);
        options.set_ignore_iccp_chunk(!with_profile);
        let mut decoder = Decoder::new_with_options(Cursor::new(bytes), options);
        decoder.set_limits(Limits {
            bytes: PROFILE_BYTES_MAX + width * PIXEL_BYTES_MAX,
        });
        decoder.set_transformations(Transformations::EXPAND);
        decoder.read_info()
    };
    let reader = read(true).or_else(|_| read(false));
    reader.map_err(|_| ProcessingError::Unreadable)
}

/// Samples of eight bits, row by row as far as they are readable; the rest is zero.
fn rows(
    reader: &mut Reader<Cursor<&[u8]>>,
    size: Size,
    (samples, depth): (usize, BitDepth),
) -> Result<Vec<u8>, ProcessingError> {
    let stride = size.width as usize * samples;
    let mut data = vec![0; stride * size.height as usize];
    let mut narrow = Vec::with_capacity(stride);
    let mut at = 0;
    while let Ok(Some(row)) = reader.next_interlaced_row() {
        let row_data = match depth {
            BitDepth::Sixteen => {
                narrow.clear();
                narrow.extend(row.data().as_chunks::<2>().0.iter().map(to_eight_bits));
                narrow.as_slice()
            }
            _ => row.data(),
        };
        match row.interlace() {
            // Where it was cut, each pixel stands for its neighbours.
            InterlaceInfo::Adam7(place) => {
                let bits = samples as u8 * 8;
                png::splat_interlaced_row(&mut data, stride, row_data, place, bits);
            }
            InterlaceInfo::Null(_) => {
                let Some(line) = data.get_mut(at..at + stride) else {
                    break;
                };
                line.copy_from_slice(row_data);
            }
        }
        at += stride;
    }
    if at == 0 {
        return Err(ProcessingError::Unreadable);
    }
    Ok(data)
}

fn to_eight_bits(sample: &[u8; 2]) -> u8 {
    ((u32::from(u16::from_be_bytes(*sample)) + 128) / 257) as u8
}

/// Grey, or grey with alpha, as colours.
fn coloured(data: &[u8], samples: usize) -> Vec<u8> {
    match samples {
        2 => {
            let pixels = data.as_chunks::<2>().0.iter();
            pixels
                .flat_map(|[grey, alpha]| [*grey, *grey, *grey, *alpha])
                .collect()
        }
        _ => data.iter().flat_map(|grey| [*grey; 3]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use png::{Encoder, SrgbRenderingIntent};

    use super::*;

    /// A file of these colours, each pixel another one.
    fn file(colours: ColorType, depth: BitDepth) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, 16, 16);
        encoder.set_color(colours);
        encoder.set_depth(depth);
        encoder.set_source_srgb(SrgbRenderingIntent::Perceptual);
        encoder.set_compression(png::Compression::NoCompression);
        let mut writer = encoder.write_header().unwrap();
        let length = 16 * 16 * colours.samples() * (depth as usize) / 8;
        let data: Vec<u8> = (0..length).map(|at| (at * 7) as u8 | 1).collect();
        writer.write_image_data(&data).unwrap();
        writer.finish().unwrap();
        file
    }

    #[test]
    fn all_colours() {
        for (colours, depth, channels, is_grey) in [
            (ColorType::Rgb, BitDepth::Eight, 3, false),
            (ColorType::Rgba, BitDepth::Sixteen, 4, false),
            (ColorType::Grayscale, BitDepth::Two, 3, true),
            (ColorType::Grayscale, BitDepth::Sixteen, 3, true),
            (ColorType::GrayscaleAlpha, BitDepth::Eight, 4, true),
        ] {
            let file = file(colours, depth);
            let image = decode(&file).unwrap();
            let canvas = &image.frames[0];
            assert_eq!((canvas.channels(), image.is_grey), (channels, is_grey));
            let expected = image::load_from_memory(&file).unwrap();
            let expected = match channels {
                4 => expected.into_rgba8().into_raw(),
                _ => expected.into_rgb8().into_raw(),
            };
            assert_eq!(canvas.bytes(), expected, "{colours:?} {depth:?}");
        }
    }

    #[test]
    fn what_was_cut_shows_what_is_there() {
        let whole = file(ColorType::Rgb, BitDepth::Eight);
        let expected = decode(&whole).unwrap().frames[0].clone();
        let cut = decode(&whole[..whole.len() - 12]).unwrap();
        assert_eq!(cut.frames[0], expected);
        // Half of the rows, some bytes for the head.
        let half = decode(&whole[..60 + 16 * 49 / 2]).unwrap();
        let shown = half.frames[0].bytes().iter().take_while(|byte| **byte > 0);
        let shown = shown.count() / 48;
        assert!((6..=8).contains(&shown), "{shown}");
        assert_eq!(
            half.frames[0].bytes()[..shown * 48],
            expected.bytes()[..shown * 48]
        );
        assert_eq!(
            decode(&whole[..60]).unwrap_err(),
            ProcessingError::Unreadable
        );
    }

    #[test]
    fn a_profile_that_is_broken_or_too_large_is_left_out() {
        let whole = file(ColorType::Rgb, BitDepth::Eight);
        let expected = decode(&whole).unwrap().frames[0].clone();
        let packed = packed_of(&vec![0; PROFILE_BYTES_MAX + 1]);
        for data in [packed.as_slice(), b"nonsense"] {
            let chunk = [&b"iCCPa\0\0"[..], data].concat();
            let length = (chunk.len() as u32 - 4).to_be_bytes();
            // Behind the signature and IHDR; checksums are no matter.
            let parts = [&whole[..33], &length, &chunk, &[0; 4], &whole[33..]];
            let image = decode(&parts.concat()).unwrap();
            assert_eq!(image.frames[0], expected);
            assert!(image.profile.is_none());
        }
    }

    fn packed_of(data: &[u8]) -> Vec<u8> {
        use std::io::Write as _;
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(data).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn wrong_checksums_are_no_matter() {
        let whole = file(ColorType::Rgb, BitDepth::Eight);
        let expected = decode(&whole).unwrap().frames[0].clone();
        let data_at = whole.windows(4).position(|name| name == b"IDAT").unwrap();
        // Of the head, of the data, and the one within it.
        for at in [29, whole.len() - 16, whole.len() - 20] {
            let mut wrong = whole.clone();
            wrong[at] ^= 0xff;
            assert!(at < data_at || at > data_at + 700);
            assert_eq!(decode(&wrong).unwrap().frames[0], expected);
        }
    }
}
