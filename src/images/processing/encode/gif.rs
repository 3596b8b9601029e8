//! Writing GIF, each frame with the colours that suit it.

use gif::{Encoder, Frame, Repeat};

use crate::images::geometry::Size;
use crate::images::processing::canvas::Canvas;
use crate::images::processing::decoded::DecodedImage;
use crate::images::processing::error::ProcessingError;
use crate::images::processing::limits::{IsLate, check_time};

/// How quickly colours are chosen, 1 (best) to 30.
const SPEED: i32 = 10;
/// Alpha from which on a pixel is there, as libvips has it.
const HOLE_BELOW: u8 = 128;
/// The rows of each pass of an interlaced image (GIF89a, Appendix E): from which, every how many.
const PASSES: [(usize, usize); 4] = [(0, 8), (4, 8), (2, 4), (1, 2)];

pub(super) fn encode(
    image: DecodedImage,
    interlaced: bool,
    is_late: IsLate<'_>,
) -> Result<Vec<u8>, ProcessingError> {
    let side = |length: u32| {
        u16::try_from(length).map_err(|_| {
            ProcessingError::unsupported("a GIF has no more than 65535 pixels on a side")
        })
    };
    let size = image.frames[0].size();
    let (width, height) = (side(size.width)?, side(size.height)?);
    let broken = |_| ProcessingError::Unreadable;
    let mut encoder = Encoder::new(Vec::new(), width, height, &[]).map_err(broken)?;
    // A file says how often it is played again; one that says nothing plays once.
    let again = match image.loops {
        0 => Some(Repeat::Infinite),
        1 => None,
        plays => Some(Repeat::Finite(plays - 1)),
    };
    if let Some(again) = again.filter(|_| image.frames.len() > 1) {
        encoder.set_repeat(again).map_err(broken)?;
    }
    for (index, canvas) in image.frames.into_iter().enumerate() {
        check_time(is_late)?;
        let mut pixels = with_holes(canvas).into_bytes();
        if interlaced {
            pixels = in_passes(&pixels, size);
        }
        let mut frame = Frame::from_rgba_speed(width, height, &mut pixels, SPEED);
        frame.interlaced = interlaced;
        // Each frame is whole: what was there before goes.
        frame.dispose = gif::DisposalMethod::Background;
        let delay_ms = image.delays_ms.get(index).copied().unwrap_or_default();
        let hundredths = (f64::from(delay_ms) / 10.0).round_ties_even();
        // Floats beyond what fits are clamped.
        frame.delay = hundredths as u16;
        encoder.write_frame(&frame).map_err(broken)?;
    }
    encoder
        .into_inner()
        .map_err(|_| ProcessingError::Unreadable)
}

/// A GIF has holes and no alpha: what is more than half there is there.
fn with_holes(canvas: Canvas) -> Canvas {
    let mut canvas = canvas.with_alpha();
    canvas.each_pixel(|pixel| {
        if pixel[3] < HOLE_BELOW {
            pixel.fill(0);
        } else {
            pixel[3] = u8::MAX;
        }
    });
    canvas
}

/// Rows in the order in which an interlaced image stores them.
fn in_passes(pixels: &[u8], size: Size) -> Vec<u8> {
    let stride = size.width as usize * 4;
    let rows = PASSES
        .iter()
        .flat_map(|(from, every)| (*from..size.height as usize).step_by(*every));
    rows.flat_map(|row| &pixels[row * stride..(row + 1) * stride])
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::processing::decode::again;

    fn image(frames: Vec<Canvas>, delays_ms: Vec<u32>, loops: u16) -> DecodedImage {
        DecodedImage {
            frames,
            delays_ms,
            loops,
            is_grey: false,
            profile: None,
            palette_bits: None,
            subsampling: None,
        }
    }

    fn frame(pixels: &[[u8; 4]]) -> Canvas {
        Canvas::new(Size::new(pixels.len() as u32, 1), 4, pixels.concat()).unwrap()
    }

    #[test]
    fn alpha_is_cut_at_half() {
        let shadow = frame(&[
            [9, 9, 9, 0],
            [9, 9, 9, 127],
            [200, 0, 0, 128],
            [0, 0, 200, 255],
        ]);
        let bytes = encode(image(vec![shadow], vec![], 0), false, &|| false).unwrap();
        let read = again::gif(&bytes);
        let pixels = read.frames[0].bytes().as_chunks::<4>().0;
        assert_eq!(pixels[0][3], 0);
        assert_eq!(pixels[1][3], 0);
        assert_eq!(pixels[2..], [[200, 0, 0, 255], [0, 0, 200, 255]]);
    }

    #[test]
    fn plays_and_delays_come_back() {
        let frames = || vec![frame(&[[255, 0, 0, 255]]), frame(&[[0, 0, 255, 255]])];
        for plays in [0, 1, 2, 7, u16::MAX] {
            let made = image(frames(), vec![100, 3000], plays);
            let read = again::gif(&encode(made, false, &|| false).unwrap());
            assert_eq!((read.loops, read.delays_ms), (plays, vec![100, 3000]));
        }
        let odd = image(frames(), vec![16, 9_999_999], 1);
        let read = again::gif(&encode(odd, false, &|| false).unwrap());
        assert_eq!(read.delays_ms, [20, 655_350]);
    }
}
