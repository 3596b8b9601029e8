//! GIF and WebP: pictures of several frames, each drawn over those before it.

use std::io::Cursor;

use image::codecs::{gif::GifDecoder, webp::WebPDecoder};
use image::metadata::LoopCount;
use image::{AnimationDecoder, ImageDecoder};

use super::{Canvas, IsLate, Picture, Range, Trouble, decoder_limits};
use crate::image::geometry::Size;
use crate::pixels::check_time;

/// Size and number of frames of a GIF (GIF89a), from its blocks alone.
pub(super) fn gif_head(bytes: &[u8]) -> Result<(Size, u32), Trouble> {
    let side = |at: usize| {
        Some(u32::from(u16::from_le_bytes(
            bytes.get(at..at + 2)?.try_into().ok()?,
        )))
    };
    let flags = *bytes.get(10).ok_or(Trouble::Unreadable)?;
    let (Some(width), Some(height)) = (side(6), side(8)) else {
        return Err(Trouble::Unreadable);
    };
    let mut at = 13 + table_bytes(flags);
    let mut frames = 0;
    while let Some(block) = bytes.get(at) {
        match block {
            b',' => {
                frames += 1;
                let flags = bytes.get(at + 9).copied().unwrap_or_default();
                // The descriptor, a table of colours, the code size.
                at = skip_blocks(bytes, at + 10 + table_bytes(flags) + 1);
            }
            b'!' => at = skip_blocks(bytes, at + 2),
            b';' => break,
            _ => at += 1,
        }
    }
    if frames == 0 || width == 0 || height == 0 {
        return Err(Trouble::Unreadable);
    }
    Ok((Size { width, height }, frames))
}

fn table_bytes(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        0
    } else {
        3 << ((flags & 7) + 1)
    }
}

fn skip_blocks(bytes: &[u8], mut at: usize) -> usize {
    while let Some(length) = bytes.get(at) {
        at += usize::from(*length) + 1;
        if *length == 0 {
            break;
        }
    }
    at
}

/// Size and number of frames of a WebP, from its chunks alone.
pub(super) fn webp_head(bytes: &[u8]) -> Result<(Size, u32), Trouble> {
    let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(|_| Trouble::Unreadable)?;
    let size = super::size_of(&Ok::<_, Trouble>(decoder))?;
    let mut frames = 0;
    let mut at = 12;
    while let Some([a, b, c, d, length @ ..]) = bytes.get(at..at + 8) {
        frames += u32::from([*a, *b, *c, *d] == *b"ANMF");
        let length = u32::from_le_bytes(length.try_into().unwrap_or_default()) as usize;
        at = at
            .saturating_add(8)
            .saturating_add(length)
            .saturating_add(length & 1);
    }
    Ok((size, frames.max(1)))
}

pub(super) fn gif(bytes: &[u8], range: Range, is_late: IsLate<'_>) -> Result<Picture, Trouble> {
    let mut decoder = GifDecoder::new(Cursor::new(bytes)).map_err(|_| Trouble::Unreadable)?;
    decoder
        .set_limits(decoder_limits())
        .map_err(|_| Trouble::Unreadable)?;
    frames(decoder, range, is_late)
}

pub(super) fn webp(bytes: &[u8], range: Range, is_late: IsLate<'_>) -> Result<Picture, Trouble> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(|_| Trouble::Unreadable)?;
    let profile = decoder.icc_profile().ok().flatten();
    let picture = frames(decoder, range, is_late)?;
    Ok(Picture { profile, ..picture })
}

fn frames<'a>(
    decoder: impl AnimationDecoder<'a>,
    range: Range,
    is_late: IsLate<'_>,
) -> Result<Picture, Trouble> {
    let loops = match decoder.loop_count() {
        LoopCount::Infinite => 0,
        LoopCount::Finite(count) => u16::try_from(count.get()).unwrap_or(u16::MAX),
    };
    let (mut frames, mut delays_ms) = (Vec::new(), Vec::new());
    for (frame, number) in decoder.into_frames().zip(0..range.first + range.count) {
        check_time(is_late)?;
        // What is readable of a file that was cut is shown.
        let Ok(frame) = frame else { break };
        if number < range.first {
            continue;
        }
        let (numerator, denominator) = frame.delay().numer_denom_ms();
        delays_ms.push(numerator / denominator.max(1));
        let image = frame.into_buffer();
        let size = Size::new(image.width(), image.height());
        frames.push(Canvas::new(size, 4, image.into_raw()).ok_or(Trouble::Unreadable)?);
    }
    // A frame without a hole in it needs no alpha; all of them alike.
    if frames.iter().all(Canvas::is_opaque) {
        frames = frames.into_iter().map(Canvas::without_alpha).collect();
    }
    let first = frames.first().ok_or(Trouble::Unreadable)?.clone();
    Ok(Picture {
        frames,
        delays_ms,
        loops,
        ..Picture::still(first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_gifs() {
        let gif = |frames: usize| {
            let mut bytes = b"GIF89a\x02\0\x03\0\x80\0\0\0\0\0\xff\xff\xff".to_vec();
            bytes.extend(b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0");
            for _ in 0..frames {
                bytes.extend(b"!\xf9\x04\0\x0a\0\0\0,\0\0\0\0\x02\0\x03\0\0\x02\x03\x44\x34\x05\0");
            }
            bytes.push(b';');
            bytes
        };
        assert_eq!(gif_head(&gif(1)), Ok((Size::new(2, 3), 1)));
        assert_eq!(gif_head(&gif(1024)), Ok((Size::new(2, 3), 1024)));
        assert_eq!(gif_head(&gif(0)), Err(Trouble::Unreadable));
        assert_eq!(gif_head(b"GIF89a"), Err(Trouble::Unreadable));
        // A block that claims more than there is ends the count.
        assert_eq!(gif_head(&gif(3)[..60]).map(|(_, frames)| frames), Ok(1));
    }
}
