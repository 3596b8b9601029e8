//! Writing GIF, each frame with the colours that suit it.

use gif::{Encoder, Frame, Repeat};

use super::{Picture, Trouble};
use crate::image::geometry::Size;
use crate::pixels::{IsLate, check_time};

/// How quickly colours are chosen, 1 (best) to 30.
const SPEED: i32 = 10;
/// The rows of each pass of an interlaced picture (GIF89a, Appendix E): from which, every how many.
const PASSES: [(usize, usize); 4] = [(0, 8), (4, 8), (2, 4), (1, 2)];

pub(super) fn encode(
    picture: Picture,
    interlaced: bool,
    is_late: IsLate<'_>,
) -> Result<Vec<u8>, Trouble> {
    let side = |length: u32| {
        u16::try_from(length)
            .map_err(|_| Trouble::unsupported("a GIF has no more than 65535 pixels on a side"))
    };
    let size = picture.frames[0].size();
    let (width, height) = (side(size.width)?, side(size.height)?);
    let broken = |_| Trouble::Unreadable;
    let mut encoder = Encoder::new(Vec::new(), width, height, &[]).map_err(broken)?;
    if picture.frames.len() > 1 {
        let repeat = if picture.loops == 0 {
            Repeat::Infinite
        } else {
            Repeat::Finite(picture.loops)
        };
        encoder.set_repeat(repeat).map_err(broken)?;
    }
    for (index, canvas) in picture.frames.into_iter().enumerate() {
        check_time(is_late)?;
        let mut pixels = canvas.with_alpha().into_bytes();
        if interlaced {
            pixels = in_passes(&pixels, size);
        }
        let mut frame = Frame::from_rgba_speed(width, height, &mut pixels, SPEED);
        frame.interlaced = interlaced;
        // Each frame is whole: what was there before goes.
        frame.dispose = gif::DisposalMethod::Background;
        let delay_ms = picture.delays_ms.get(index).copied().unwrap_or_default();
        frame.delay = u16::try_from(delay_ms / 10).unwrap_or(u16::MAX);
        encoder.write_frame(&frame).map_err(broken)?;
    }
    encoder.into_inner().map_err(|_| Trouble::Unreadable)
}

/// Rows in the order in which an interlaced picture stores them.
fn in_passes(pixels: &[u8], size: Size) -> Vec<u8> {
    let stride = size.width as usize * 4;
    let rows = PASSES
        .iter()
        .flat_map(|(from, every)| (*from..size.height as usize).step_by(*every));
    rows.flat_map(|row| &pixels[row * stride..(row + 1) * stride])
        .copied()
        .collect()
}
