//! Resampling, with Lanczos' filter and SIMD; colours under alpha are weighed by it.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::{Canvas, Trouble};
use crate::image::geometry::Size;

/// Brings pixels to a size.
pub(super) fn resize(canvas: Canvas, size: Size) -> Result<Canvas, Trouble> {
    let from = canvas.size();
    if from == size {
        return Ok(canvas);
    }
    let channels = canvas.channels();
    let pixel_type = if canvas.has_alpha() {
        PixelType::U8x4
    } else {
        PixelType::U8x3
    };
    let source = ImageRef::new(from.width, from.height, canvas.bytes(), pixel_type)
        .map_err(|_| Trouble::Unreadable)?;
    let mut target = Image::new(size.width, size.height, pixel_type);
    // An image that only has an alpha channel needs no weighing, which costs as much again.
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .use_alpha(canvas.has_alpha() && !canvas.is_opaque());
    let resized = Resizer::new().resize(&source, &mut target, &options);
    resized.map_err(|_| Trouble::Unreadable)?;
    Canvas::new(size, channels, target.into_vec()).ok_or(Trouble::Unreadable)
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
        let grey = crate::image::colour::Colour::opaque(90, 120, 200);
        for size in [Size::new(1, 1), Size::new(7, 3), Size::new(200, 100)] {
            let small = resize(Canvas::filled(Size::new(50, 40), 3, grey), size).unwrap();
            assert_eq!(small, Canvas::filled(size, 3, grey));
        }
    }
}
