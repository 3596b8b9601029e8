//! Resampling, with Lanczos' filter and SIMD; colours under alpha are weighed by it.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8x3, U8x4};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

use super::canvas::Canvas;
use super::error::ProcessingError;
use crate::images::geometry::Size;

/// Brings pixels to a size.
pub(super) fn resize(canvas: Canvas, size: Size) -> Result<Canvas, ProcessingError> {
    let from = canvas.size();
    if from == size {
        return Ok(canvas);
    }
    let pixels = match canvas.has_alpha() {
        true => resized::<U8x4>(&canvas, size),
        false => resized::<U8x3>(&canvas, size),
    };
    let resized = pixels.and_then(|pixels| Canvas::new(size, canvas.channels(), pixels));
    resized.ok_or(ProcessingError::Unreadable)
}

/// The same for one kind of pixel: the library's call for any kind would have all of its kinds compiled
/// here, which takes a quarter of a minute.
fn resized<P: PixelTrait>(canvas: &Canvas, size: Size) -> Option<Vec<u8>> {
    let from = canvas.size();
    let source = TypedImageRef::<P>::from_buffer(from.width, from.height, canvas.bytes()).ok()?;
    let mut pixels = vec![0; usize::try_from(size.pixels()).ok()? * canvas.channels()];
    let mut target = TypedImage::<P>::from_buffer(size.width, size.height, &mut pixels).ok()?;
    // An image that only has an alpha channel needs no weighing, which costs as much again.
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .use_alpha(canvas.has_alpha() && !canvas.is_opaque());
    let resizing = Resizer::new().resize_typed(&source, &mut target, &options);
    resizing.ok()?;
    Some(pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_colours_do_not_bleed() {
        // Opaque white beside transparent black: what is left is white.
        let data = [[255; 4], [0; 4]].concat().repeat(8);
        let canvas = Canvas::new(Size::new(16, 1), 4, data).unwrap();
        let small = resize(canvas, Size::new(2, 1)).unwrap();
        for pixel in small.bytes().as_chunks::<4>().0 {
            assert!(pixel[..3].iter().all(|value| *value > 250), "{pixel:?}");
            assert!((120..=136).contains(&pixel[3]), "{pixel:?}");
        }
    }

    #[test]
    fn one_colour_stays_that_colour() {
        let grey = crate::images::colour::Colour::opaque(90, 120, 200);
        for size in [Size::new(1, 1), Size::new(7, 3), Size::new(200, 100)] {
            let small = resize(Canvas::filled(Size::new(50, 40), 3, grey), size).unwrap();
            assert_eq!(small, Canvas::filled(size, 3, grey));
        }
    }
}
