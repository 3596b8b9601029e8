//! Brightness, contrast, hue and looks, in the order in which weserv applies them.

use super::blur::{blur, sharpen};
use super::canvas::Canvas;
use super::error::ProcessingError;
use super::lab::{Lab, Space};
use super::limits::{IsLate, check_time};
use crate::images::colour::Colour;
use crate::images::transform::{Adjust, Filter};

/// Red, green and blue of the sepia look, each from red, green and blue.
const SEPIA: [[f32; 3]; 3] = [
    [0.3588, 0.7044, 0.1368],
    [0.2990, 0.5870, 0.1140],
    [0.2392, 0.4696, 0.0912],
];

/// Applies all that is asked.
pub(super) fn adjust(
    mut canvas: Canvas,
    transform: &Adjust,
    is_late: IsLate<'_>,
) -> Result<Canvas, ProcessingError> {
    if transform.bri != 0 {
        let add = transform.bri as f32 * 2.55;
        canvas.map_colours(&table(|value| value * 255.0 + add));
    }
    if let Some((light, saturation, hue)) = transform.modulate {
        modulate(&mut canvas, light, saturation, hue);
        check_time(is_late)?;
    }
    if transform.con != 0 {
        canvas.map_colours(&contrast(transform.con as f32 * 0.3));
    }
    if let Some(gamma) = transform.gam {
        // What libvips calls an exponent is the inverse of it.
        canvas.map_colours(&table(|value| value.powf(gamma) * 255.0));
    }
    if let Some(strength) = transform.sharp {
        canvas = sharpen(canvas, strength, transform.slopes, is_late)?;
    }
    if let Some(filter) = transform.filt {
        look(&mut canvas, filter);
        check_time(is_late)?;
    }
    if let Some(strength) = transform.blur {
        canvas = blur(canvas, strength, is_late)?;
    }
    if let Some(tint) = transform.tint {
        take_on(&mut canvas, tint);
    }
    check_time(is_late)?;
    Ok(canvas)
}

/// A table of what each value, from 0 to 1, becomes on the scale to 255.
fn table(of: impl Fn(f32) -> f32) -> [u8; 256] {
    std::array::from_fn(|value| of(value as f32 / 255.0).round().clamp(0.0, 255.0) as u8)
}

/// The sigmoid around the middle, or its inverse where contrast is taken away.
fn contrast(by: f32) -> [u8; 256] {
    let steep = by.abs();
    let sigmoid = |value: f32| 1.0 / (1.0 + (steep * (0.5 - value)).exp());
    let (least, most) = (sigmoid(0.0), sigmoid(1.0));
    table(|value| {
        if by > 0.0 {
            return (sigmoid(value) - least) / (most - least) * 255.0;
        }
        let value = value * (most - least) + least;
        (0.5 - ((1.0 - value) / value).ln() / steep) * 255.0
    })
}

fn modulate(canvas: &mut Canvas, light: f32, saturation: f32, hue: i32) {
    let (sin, cos) = (hue as f32).to_radians().sin_cos();
    let (sin, cos) = (sin * saturation, cos * saturation);
    in_lab(canvas, |[l, a, b]| {
        [(l * light).min(100.0), a * cos - b * sin, a * sin + b * cos]
    });
}

fn take_on(canvas: &mut Canvas, tint: Colour) {
    let [_, a, b] = Space::new().lab([tint.r, tint.g, tint.b]);
    in_lab(canvas, |[l, ..]| [l, a, b]);
}

fn in_lab(canvas: &mut Canvas, change: impl Fn(Lab) -> Lab) {
    let space = Space::new();
    canvas.each_pixel(|pixel| {
        let lab = change(space.lab([pixel[0], pixel[1], pixel[2]]));
        pixel[..3].copy_from_slice(&space.rgb(lab));
    });
}

fn look(canvas: &mut Canvas, filter: Filter) {
    match filter {
        Filter::Negate => canvas.map_colours(&table(|value| 255.0 - value * 255.0)),
        Filter::Sepia => canvas.each_pixel(|pixel| {
            let from = [0, 1, 2].map(|at| f32::from(pixel[at]));
            for (value, row) in pixel.iter_mut().zip(SEPIA) {
                let sum: f32 = row
                    .iter()
                    .zip(from)
                    .map(|(share, value)| share * value)
                    .sum();
                *value = sum.round().min(255.0) as u8;
            }
        }),
        Filter::Greyscale => {
            let space = Space::new();
            canvas.each_pixel(|pixel| {
                let grey = grey(&space, pixel);
                pixel[..3].fill(grey);
            });
        }
        Filter::Duotone(start, stop) => {
            let space = Space::new();
            let [start, stop] = [start, stop].map(|end| space.lab([end.r, end.g, end.b]));
            let between: [[u8; 3]; 256] = std::array::from_fn(|value| {
                let part = value as f32 / 255.0;
                space.rgb([0, 1, 2].map(|at| stop[at] * part + start[at] * (1.0 - part)))
            });
            canvas.each_pixel(|pixel| {
                let grey = grey(&space, pixel);
                pixel[..3].copy_from_slice(&between[usize::from(grey)]);
            });
        }
    }
}

/// A grey of the same lightness.
fn grey(space: &Space, pixel: &[u8]) -> u8 {
    let [l, ..] = space.lab([pixel[0], pixel[1], pixel[2]]);
    space.rgb([l, 0.0, 0.0])[1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::geometry::Size;
    use crate::images::transform::ImageTransform;

    /// What becomes of one colour.
    #[track_caller]
    fn check(query: &str, from: [u8; 3], expected: [u8; 3]) {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let transform = ImageTransform::of(pairs.map(|(name, value)| (name, Some(value.into()))));
        let canvas = Canvas::filled(
            Size::new(4, 4),
            3,
            Colour::opaque(from[0], from[1], from[2]),
        );
        let made = adjust(canvas, &transform.adjust, &|| false).unwrap();
        let pixel = made.pixel(1, 1);
        let is_near = pixel.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 2);
        assert!(is_near, "{query}: {pixel:?}, not {expected:?}");
    }

    #[test]
    fn adjustments() {
        check("bri=20", [100, 0, 240], [151, 51, 255]);
        check("bri=-100", [100, 0, 240], [0, 0, 0]);
        check("con=100", [127, 20, 230], [125, 0, 255]);
        check("con=-30", [127, 255, 0], [127, 255, 0]);
        check("con=-30", [64, 64, 64], [95, 95, 95]);
        check("gam=2", [128, 255, 0], [64, 255, 0]);
        check("mod=1,0", [255, 0, 0], [127, 127, 127]);
        check("mod=0.5", [255, 255, 255], [119, 119, 119]);
        check("hue=180", [128, 128, 128], [128, 128, 128]);
        check("sat=0", [0, 255, 0], [220, 220, 220]);
        check("filt=negate", [10, 20, 30], [245, 235, 225]);
        check("filt=sepia", [255, 255, 255], [255, 255, 204]);
        check("filt=greyscale", [255, 255, 0], [247, 247, 247]);
        check("filt=duotone", [0, 0, 0], [200, 54, 88]);
        check("filt=duotone", [255, 255, 255], [216, 231, 79]);
        check("tint=808080", [255, 0, 0], [127, 127, 127]);
        check("sharp=6", [77, 88, 99], [77, 88, 99]);
        check("blur=5", [77, 88, 99], [77, 88, 99]);
    }
}
