//! GIF (GIF89a): its blocks for what is to be judged, and its frames as they show.

use std::io::Cursor;

use gif::{ColorOutput, DecodeOptions, Decoder, DisposalMethod};

use super::screen::{Blend, Disposal, Frame, play};
use crate::images::geometry::{Area, Size};
use crate::images::processing::decoded::{DecodedImage, FrameRange};
use crate::images::processing::error::ProcessingError;
use crate::images::processing::limits::IsLate;

/// Extensions that say how often an animation is played again.
const LOOPS: [&[u8]; 2] = [b"\x0bNETSCAPE2.0", b"\x0bANIMEXTS1.0"];
/// The rows of each pass of an interlaced frame (Appendix E): from which, every how many.
const PASSES: [(usize, usize); 4] = [(0, 8), (4, 8), (2, 4), (1, 2)];

/// What the blocks say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GifHead {
    /// Of the screen: at least what the first frame needs, as browsers have it.
    pub(super) size: Size,
    pub(super) frames: u32,
    /// Pixels of the largest frame: it may be larger than the screen.
    pub(super) frame_pixels: u64,
    /// How often it plays, 0 for ever.
    pub(super) plays: u16,
}

/// Reads the blocks.
pub(super) fn head(bytes: &[u8]) -> Result<GifHead, ProcessingError> {
    let side = |at: usize| {
        let two = bytes.get(at..at + 2)?.try_into().ok()?;
        Some(u32::from(u16::from_le_bytes(two)))
    };
    let flags = *bytes.get(10).ok_or(ProcessingError::Unreadable)?;
    let (Some(mut width), Some(mut height)) = (side(6), side(8)) else {
        return Err(ProcessingError::Unreadable);
    };
    let (mut frames, mut frame_pixels, mut plays) = (0, 0, 1);
    let mut at = 13 + table_bytes(flags);
    while let Some(block) = bytes.get(at) {
        match block {
            b',' => {
                let [left, top, wide, high] =
                    [1, 3, 5, 7].map(|from| side(at + from).unwrap_or_default());
                if frames == 0 {
                    (width, height) = (width.max(left + wide), height.max(top + high));
                }
                frames += 1;
                frame_pixels = frame_pixels.max(u64::from(wide) * u64::from(high));
                let flags = bytes.get(at + 9).copied().unwrap_or_default();
                // The descriptor, a table of colours, the code size.
                at = skip_blocks(bytes, at + 10 + table_bytes(flags) + 1);
            }
            b'!' => {
                plays = plays_of(&bytes[at + 1..]).unwrap_or(plays);
                at = skip_blocks(bytes, at + 2);
            }
            b';' => break,
            _ => at += 1,
        }
    }
    if frames == 0 || width == 0 || height == 0 {
        return Err(ProcessingError::Unreadable);
    }
    Ok(GifHead {
        size: Size { width, height },
        frames,
        frame_pixels,
        plays,
    })
}

/// How often an animation plays, where this extension says. It says how often it is played again.
fn plays_of(extension: &[u8]) -> Option<u16> {
    let named = extension.strip_prefix(b"\xff")?;
    let said = LOOPS.iter().find_map(|name| named.strip_prefix(*name))?;
    match said {
        [3, 1, 0, 0, ..] => Some(0),
        [3, 1, low, high, ..] => Some(u16::from_le_bytes([*low, *high]).saturating_add(1)),
        _ => None,
    }
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

pub(super) fn decode(
    bytes: &[u8],
    head: &GifHead,
    range: FrameRange,
    is_late: IsLate<'_>,
) -> Result<DecodedImage, ProcessingError> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    options.allow_unknown_blocks(true);
    let mut decoder = options
        .read_info(Cursor::new(bytes))
        .map_err(|_| ProcessingError::Unreadable)?;
    let mut is_cut = false;
    let frames = std::iter::from_fn(|| {
        if is_cut {
            return None;
        }
        // What is readable of a file that was cut is shown.
        let (frame, is_end) = frame(&mut decoder, head.size)?;
        is_cut = is_end;
        Some(frame)
    });
    Ok(DecodedImage {
        loops: head.plays,
        ..play(head.size, frames, range, is_late)?
    })
}

/// The next frame, and whether the file was cut within it; `None` when nothing of it is there.
fn frame(decoder: &mut Decoder<Cursor<&[u8]>>, screen: Size) -> Option<(Frame, bool)> {
    let info = decoder.next_frame_info().ok()??;
    let (is_interlaced, dispose, delay) = (info.interlaced, info.dispose, info.delay);
    let area = Area {
        left: u32::from(info.left),
        top: u32::from(info.top),
        width: u32::from(info.width),
        height: u32::from(info.height),
    };
    let (stride, height) = (area.width as usize * 4, area.height as usize);
    // SECURITY: what of a frame is below the screen takes no memory.
    let mut pixels = vec![0; stride * height.min(screen.height as usize)];
    let mut below = vec![0; stride];
    let passes = if is_interlaced {
        &PASSES[..]
    } else {
        &[(0, 1)]
    };
    let rows = passes
        .iter()
        .flat_map(|(from, every)| (*from..height).step_by(*every));
    let (mut is_seen, mut is_cut) = (stride == 0 || height == 0, false);
    for row in rows.filter(|_| stride > 0) {
        let line = pixels.get_mut(row * stride..(row + 1) * stride);
        match decoder.fill_buffer(line.unwrap_or(&mut below)) {
            Ok(true) => is_seen = true,
            // A frame with less in it than its size says.
            Ok(false) => {
                is_seen = true;
                break;
            }
            Err(_) => {
                is_cut = true;
                break;
            }
        }
    }
    let frame = Frame {
        area,
        pixels,
        blend: Blend::Over,
        disposal: match dispose {
            DisposalMethod::Any | DisposalMethod::Keep => Disposal::Keep,
            DisposalMethod::Background => Disposal::Clear,
            DisposalMethod::Previous => Disposal::Restore,
        },
        delay_ms: u32::from(delay) * 10,
    };
    is_seen.then_some((frame, is_cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCREEN: &[u8] = b"GIF89a\x02\0\x03\0\x80\0\0\0\0\0\xff\xff\xff";
    const FOR_EVER: &[u8] = b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0";
    /// Two by three, all of the second colour.
    const FRAME: &[u8] = b"!\xf9\x04\0\x0a\0\0\0,\0\0\0\0\x02\0\x03\0\0\x02\x03\x8c\x8f\x05\0";

    fn gif(parts: &[&[u8]]) -> Vec<u8> {
        [&[SCREEN], parts, &[b";"]].concat().concat()
    }

    fn decoded(bytes: &[u8]) -> DecodedImage {
        let head = head(bytes).unwrap();
        let range = FrameRange {
            first: 0,
            count: head.frames,
        };
        decode(bytes, &head, range, &|| false).unwrap()
    }

    #[test]
    fn heads() {
        let check = |bytes: &[u8]| head(bytes).map(|head| (head.size, head.frames));
        assert_eq!(check(&gif(&[FRAME])), Ok((Size::new(2, 3), 1)));
        let many = vec![FRAME; 1024];
        assert_eq!(check(&gif(&many)), Ok((Size::new(2, 3), 1024)));
        assert_eq!(check(&gif(&[])), Err(ProcessingError::Unreadable));
        assert_eq!(check(b"GIF89a"), Err(ProcessingError::Unreadable));
        // A block that claims more than there is ends the count.
        let cut = gif(&[FOR_EVER, FRAME, FRAME]);
        assert_eq!(check(&cut[..60]), Ok((Size::new(2, 3), 1)));
    }

    #[test]
    fn how_often_it_plays() {
        let plays = |parts: &[&[u8]]| head(&gif(parts)).unwrap().plays;
        let again = |name: &[u8; 11], low: u8, high: u8| {
            [b"!\xff\x0b", &name[..], &[3, 1, low, high, 0]].concat()
        };
        assert_eq!(plays(&[FRAME, FRAME]), 1);
        assert_eq!(plays(&[FOR_EVER, FRAME]), 0);
        assert_eq!(plays(&[&again(b"NETSCAPE2.0", 1, 0), FRAME]), 2);
        assert_eq!(plays(&[&again(b"ANIMEXTS1.0", 4, 1), FRAME]), 261);
        assert_eq!(plays(&[&again(b"NETSCAPE2.0", 255, 255), FRAME]), u16::MAX);
        // Said behind the first frame, and by nobody whom browsers listen to.
        assert_eq!(plays(&[FRAME, FOR_EVER]), 0);
        assert_eq!(plays(&[&again(b"WHOKNOWS1.0", 4, 0), FRAME]), 1);
    }

    #[test]
    fn screens_smaller_than_their_first_frame() {
        for (width, height) in [(0, 0), (1, 9), (2, 0)] {
            let mut bytes = gif(&[FRAME]);
            (bytes[6], bytes[8]) = (width, height);
            let image = decoded(&bytes);
            let expected = Size::new(2.max(width.into()), 3.max(height.into()));
            assert_eq!(image.frames[0].size(), expected);
            assert_eq!(image.frames[0].pixel(1, 2)[..3], [255; 3]);
        }
        // A later one is cut to the screen.
        let mut large = FRAME.to_vec();
        (large[13], large[15]) = (200, 200);
        assert_eq!(
            decoded(&gif(&[FRAME, &large])).frames[1].size(),
            Size::new(2, 3)
        );
    }

    #[test]
    fn cut_files_show_what_is_there() {
        let bytes = gif(&[FRAME, FRAME]);
        let second_at = SCREEN.len() + FRAME.len();
        assert_eq!(decoded(&bytes).frames.len(), 2);
        assert_eq!(decoded(&bytes[..second_at + 12]).frames.len(), 1);
        // One with no pixels at all does not end the animation.
        let mut empty = FRAME.to_vec();
        empty[13] = 0;
        assert_eq!(decoded(&gif(&[FRAME, &empty, FRAME])).frames.len(), 3);
    }
}
