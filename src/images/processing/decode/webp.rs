//! WebP (RFC 9649): stills, and the frames of animations as they show.

use std::io::Cursor;

use image::ImageDecoder;
use image::codecs::webp::WebPDecoder;

use super::screen::{Blend, Disposal, Frame, play};
use crate::images::geometry::{Area, Size};
use crate::images::processing::canvas::Canvas;
use crate::images::processing::decoded::{DecodedImage, FrameRange};
use crate::images::processing::error::ProcessingError;
use crate::images::processing::limits::IsLate;

/// The bit of an animation among the flags of `VP8X`.
const MOVES: u8 = 2;
/// Bytes of a frame's own head.
const FRAME_HEAD_BYTES: usize = 16;

/// Size and number of frames, from the chunks alone.
pub(super) fn head(bytes: &[u8]) -> Result<(Size, u32), ProcessingError> {
    // Of one that moves, what was cut off is no matter.
    if let Some(size) = screen(bytes) {
        let frames = chunks(bytes).filter(|(name, _)| name == b"ANMF").count();
        return Ok((size, (frames as u32).max(1)));
    }
    let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(|_| ProcessingError::Unreadable)?;
    Ok((
        super::raster::size_of(&Ok::<_, ProcessingError>(decoder))?,
        1,
    ))
}

/// The size of the screen of one that moves.
fn screen(bytes: &[u8]) -> Option<Size> {
    let (_, head) = chunks(bytes).next().filter(|(name, _)| name == b"VP8X")?;
    let side = |at: usize| Some(number(head, at)? + 1);
    let size = Size::new(side(4)?, side(7)?);
    (head[0] & MOVES > 0).then_some(size)
}

/// A number of three bytes.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let [a, b, c] = bytes.get(at..at + 3)?.try_into().ok()?;
    Some(u32::from_le_bytes([a, b, c, 0]))
}

pub(super) fn decode(
    bytes: &[u8],
    size: Size,
    range: FrameRange,
    is_late: IsLate<'_>,
) -> Result<DecodedImage, ProcessingError> {
    let image = match screen(bytes) {
        Some(_) => animation(bytes, size, range, is_late)?,
        None => DecodedImage::still(pixels(bytes, size)?),
    };
    let profile = profile(bytes);
    Ok(DecodedImage { profile, ..image })
}

fn animation(
    bytes: &[u8],
    size: Size,
    range: FrameRange,
    is_late: IsLate<'_>,
) -> Result<DecodedImage, ProcessingError> {
    let chunks = || chunks(bytes);
    let stored = chunks().filter(|(name, _)| name == b"ANMF");
    // What is readable of a file that was cut is shown.
    let frames = stored.map_while(|(_, data)| frame(data, size));
    let loops = chunks().find(|(name, _)| name == b"ANIM");
    let loops =
        loops.and_then(|(_, data)| Some(u16::from_le_bytes(data.get(4..6)?.try_into().ok()?)));
    Ok(DecodedImage {
        loops: loops.unwrap_or(1),
        ..play(size, frames, range, is_late)?
    })
}

fn profile(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).ok()?;
    decoder.icc_profile().ok().flatten()
}

/// The chunks of a file, by name.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    inner_chunks(bytes.get(12..).unwrap_or_default())
}

/// Chunks in a row. One that was cut ends with the file.
fn inner_chunks(mut rest: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (name, behind) = rest.split_first_chunk::<4>()?;
        let (length, data) = behind.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        let (data, behind) = data.split_at(length.min(data.len()));
        rest = behind.get(length & 1..).unwrap_or_default();
        Some((*name, data))
    })
}

/// A frame; `None` when it is broken.
fn frame(data: &[u8], screen: Size) -> Option<Frame> {
    let number = |at| number(data, at);
    let flags = *data.get(FRAME_HEAD_BYTES - 1)?;
    let area = Area {
        left: number(0)? * 2,
        top: number(3)? * 2,
        width: number(6)? + 1,
        height: number(9)? + 1,
    };
    // What is larger than the screen was not judged.
    if area.width > screen.width || area.height > screen.height {
        return None;
    }
    let image = file(area, data.get(FRAME_HEAD_BYTES..)?);
    let canvas = pixels(&image, Size::new(area.width, area.height)).ok()?;
    Some(Frame {
        area,
        pixels: canvas.with_alpha().into_bytes(),
        blend: if flags & 2 == 0 {
            Blend::Over
        } else {
            Blend::Replace
        },
        disposal: if flags & 1 == 0 {
            Disposal::Keep
        } else {
            Disposal::Clear
        },
        delay_ms: number(12)?,
    })
}

/// The image of a frame as a file in which it is alone.
fn file(area: Area, image: &[u8]) -> Vec<u8> {
    let has_alpha = image.starts_with(b"ALPH");
    let mut file = b"RIFF\0\0\0\0WEBP".to_vec();
    if has_alpha {
        file.extend(b"VP8X\x0a\0\0\0\x10\0\0\0");
        file.extend(&(area.width - 1).to_le_bytes()[..3]);
        file.extend(&(area.height - 1).to_le_bytes()[..3]);
    }
    for (name, data) in
        inner_chunks(image).filter(|(name, _)| matches!(name, b"ALPH" | b"VP8 " | b"VP8L"))
    {
        file.extend(name);
        file.extend((data.len() as u32).to_le_bytes());
        file.extend(data);
        file.extend(&[0][..data.len() & 1]);
    }
    let length = (file.len() - 8) as u32;
    file[4..8].copy_from_slice(&length.to_le_bytes());
    file
}

/// The pixels of a still. libwebp reads twice as fast as the route in Rust. SECURITY: a size that is
/// not the one that was judged is none.
#[cfg(feature = "webp")]
fn pixels(bytes: &[u8], size: Size) -> Result<Canvas, ProcessingError> {
    use webpx::{Decoder, DecoderConfig, Limits};
    let decoder = Decoder::new(bytes).map_err(|_| ProcessingError::Unreadable)?;
    let info = decoder.info();
    if (info.width, info.height) != (size.width, size.height) {
        return Err(ProcessingError::Unreadable);
    }
    let channels = if info.has_alpha { 4 } else { 3 };
    let decoder = decoder.config(DecoderConfig::new().limits(Limits::none()));
    let read = match channels {
        4 => decoder.decode_rgba_raw(),
        _ => decoder.decode_rgb_raw(),
    };
    let (data, _, _) = read.map_err(|_| ProcessingError::Unreadable)?;
    Canvas::new(size, channels, data).ok_or(ProcessingError::Unreadable)
}

#[cfg(not(feature = "webp"))]
fn pixels(bytes: &[u8], size: Size) -> Result<Canvas, ProcessingError> {
    let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(|_| ProcessingError::Unreadable)?;
    if decoder.dimensions() != (size.width, size.height) {
        return Err(ProcessingError::Unreadable);
    }
    let mut image = super::raster::image(Ok(decoder))?;
    Ok(image.frames.swap_remove(0))
}

#[cfg(test)]
mod tests {
    use image::ExtendedColorType;
    use image::codecs::webp::WebPEncoder;

    use super::*;

    const RED: [u8; 4] = [255, 0, 0, 255];
    const BLUE: [u8; 4] = [0, 0, 255, 255];
    const HOLE: [u8; 4] = [0, 0, 0, 0];

    fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let mut chunk = name.to_vec();
        chunk.extend((data.len() as u32).to_le_bytes());
        chunk.extend(data);
        chunk.extend(&[0][..data.len() & 1]);
        chunk
    }

    /// A frame of a row of pixels, `left` columns from the left.
    fn frame(left: u8, pixels: &[[u8; 4]], flags: u8, delay_ms: u8) -> Vec<u8> {
        let mut still = Vec::new();
        let width = pixels.len() as u32;
        WebPEncoder::new_lossless(&mut still)
            .encode(&pixels.concat(), width, 1, ExtendedColorType::Rgba8)
            .unwrap();
        let head = [
            left / 2,
            0,
            0,
            0,
            0,
            0,
            width as u8 - 1,
            0,
            0,
            0,
            0,
            0,
            delay_ms,
            0,
            0,
            flags,
        ];
        chunk(b"ANMF", &[&head[..], &still[12..]].concat())
    }

    /// An animation on a screen of four pixels in a row.
    fn file(plays: u8, frames: &[Vec<u8>]) -> Vec<u8> {
        let chunks = [
            chunk(b"VP8X", &[0x12, 0, 0, 0, 3, 0, 0, 0, 0, 0]),
            chunk(b"ANIM", &[9, 9, 9, 255, plays, 0]),
            frames.concat(),
        ];
        let body = [&b"WEBP"[..], &chunks.concat()].concat();
        chunk(b"RIFF", &body)
    }

    fn shown(file: &[u8]) -> DecodedImage {
        let (size, count) = head(file).unwrap();
        decode(file, size, FrameRange { first: 0, count }, &|| false).unwrap()
    }

    #[test]
    fn frames_are_disposed_of_and_blended_as_they_say() {
        let file = file(
            3,
            &[
                frame(0, &[RED; 4], 0, 10),
                // Cleared once over; then one whose hole lets through, and one whose does not.
                frame(0, &[BLUE, BLUE], 1, 20),
                frame(2, &[HOLE, BLUE], 0, 30),
                frame(2, &[BLUE, HOLE], 2, 40),
            ],
        );
        let image = shown(&file);
        let expected = [
            [RED; 4],
            [BLUE, BLUE, RED, RED],
            [HOLE, HOLE, RED, BLUE],
            [HOLE, HOLE, BLUE, HOLE],
        ];
        for (canvas, expected) in image.frames.iter().zip(expected) {
            assert_eq!(canvas.bytes(), expected.concat());
        }
        assert_eq!(image.delays_ms, [10, 20, 30, 40]);
        assert_eq!(image.loops, 3);
    }

    #[test]
    fn cut_and_broken_files_show_what_is_there() {
        let whole = file(
            0,
            &[frame(0, &[RED; 4], 0, 10), frame(0, &[BLUE; 4], 0, 10)],
        );
        assert_eq!(shown(&whole).loops, 0);
        let second_at = 8 + 4 + 18 + 14 + frame(0, &[RED; 4], 0, 10).len();
        assert_eq!(shown(&whole[..second_at + 30]).frames.len(), 1);
        // One that is larger than the screen is none.
        let large = file(
            0,
            &[frame(0, &[RED; 4], 0, 10), frame(0, &[BLUE; 9], 0, 10)],
        );
        assert_eq!(shown(&large).frames.len(), 1);
    }

    #[cfg(feature = "webp")]
    #[test]
    fn lossy_frames_keep_their_alpha() {
        let pixels = [[200, 40, 40, 255], [200, 40, 40, 90], HOLE, HOLE].concat();
        let still = webpx::Encoder::new_rgba(&pixels, 4, 1).quality(90.0);
        let still = still.encode(webpx::Unstoppable).unwrap();
        let mut frame = vec![0; 16];
        frame[6] = 3;
        let image = still.windows(4).position(|name| name == b"ALPH").unwrap();
        frame.extend(&still[image..]);
        let frames = [chunk(b"ANMF", &frame), chunk(b"ANMF", &frame)];
        let image = shown(&file(0, &frames));
        let alphas = image.frames[0].bytes().iter().skip(3).step_by(4);
        assert_eq!(alphas.copied().collect::<Vec<u8>>(), [255, 90, 0, 0]);
    }
}
