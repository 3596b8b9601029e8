//! Blurring and sharpening.

use super::canvas::Canvas;
use super::error::ProcessingError;
use super::lab::Space;
use super::limits::{IsLate, check_time};
use crate::images::geometry::Size;
use crate::images::transform::Strength;

/// Above this sigma three box blurs approximate a Gaussian, at a cost independent of sigma.
const EXACT_SIGMA_MAX: f32 = 3.0;
/// What sharpening does at most to lightness: libvips' defaults for what is flat (x1), and for how
/// much brighter (y2) or darker (y3) anything may become.
const FLAT_MAX: f32 = 2.0;
const BRIGHTER_MAX: f32 = 10.0;
const DARKER_MAX: f32 = 20.0;

/// Rows of numbers, one or more channels each.
struct Plane {
    size: Size,
    channels: usize,
    values: Vec<f32>,
}

/// Blurs; colours under alpha weigh by it.
pub(super) fn blur(
    canvas: Canvas,
    strength: Strength,
    is_late: IsLate<'_>,
) -> Result<Canvas, ProcessingError> {
    let channels = canvas.channels();
    let mut plane = Plane {
        size: canvas.size(),
        channels,
        values: Vec::with_capacity(canvas.bytes().len()),
    };
    for pixel in canvas.bytes().chunks_exact(channels) {
        let weight = pixel.get(3).map_or(1.0, |alpha| f32::from(*alpha) / 255.0);
        plane
            .values
            .extend(pixel[..3].iter().map(|value| f32::from(*value) * weight));
        plane
            .values
            .extend(pixel.get(3).map(|alpha| f32::from(*alpha)));
    }
    let plane = smooth(plane, strength, is_late)?;
    let mut canvas = canvas;
    for (pixel, values) in canvas
        .bytes_mut()
        .chunks_exact_mut(channels)
        .zip(plane.values.chunks_exact(channels))
    {
        let weight = values.get(3).map_or(1.0, |alpha| alpha / 255.0);
        for (value, smooth) in pixel.iter_mut().zip(&values[..3]) {
            *value = if weight > 0.0 {
                (smooth / weight).round().clamp(0.0, 255.0) as u8
            } else {
                0
            };
        }
        if let Some(alpha) = values.get(3) {
            pixel[3] = alpha.round().clamp(0.0, 255.0) as u8;
        }
    }
    Ok(canvas)
}

/// Sharpens: slightly, or the lightness by how far it is from what is around it.
pub(super) fn sharpen(
    canvas: Canvas,
    strength: Strength,
    (flat, jagged): (f32, f32),
    is_late: IsLate<'_>,
) -> Result<Canvas, ProcessingError> {
    let Strength::Sigma(_) = strength else {
        return mild(canvas, is_late);
    };
    let space = Space::new();
    let lab: Vec<_> = canvas
        .bytes()
        .chunks_exact(canvas.channels())
        .map(|pixel| space.lab([pixel[0], pixel[1], pixel[2]]))
        .collect();
    check_time(is_late)?;
    let plane = Plane {
        size: canvas.size(),
        channels: 1,
        values: lab.iter().map(|lab| lab[0]).collect(),
    };
    let plane = smooth(plane, strength, is_late)?;
    let mut canvas = canvas;
    let mut all = lab.iter().zip(&plane.values);
    canvas.each_pixel(|pixel| {
        let Some(([l, a, b], around)) = all.next() else {
            return;
        };
        let off = l - around;
        let beyond = (off.abs() - FLAT_MAX).max(0.0);
        let gain = flat * off.abs().min(FLAT_MAX) + jagged * beyond;
        let gain = if off < 0.0 {
            -gain.min(DARKER_MAX)
        } else {
            gain.min(BRIGHTER_MAX)
        };
        let sharp = space.rgb([(l + gain).clamp(0.0, 100.0), *a, *b]);
        pixel[..3].copy_from_slice(&sharp);
    });
    Ok(canvas)
}

/// Each pixel by (32 times itself less those around it) / 24.
fn mild(canvas: Canvas, is_late: IsLate<'_>) -> Result<Canvas, ProcessingError> {
    let around = blur(canvas.clone(), Strength::Mild, is_late)?;
    let mut canvas = canvas;
    let mut others = around.bytes().chunks_exact(around.channels());
    canvas.each_pixel(|pixel| {
        for (value, mean) in pixel[..3].iter_mut().zip(others.next().unwrap_or_default()) {
            // The mean of nine holds the pixel itself.
            let sharp = (33.0 * f32::from(*value) - 9.0 * f32::from(*mean)) / 24.0;
            *value = sharp.round().clamp(0.0, 255.0) as u8;
        }
    });
    Ok(canvas)
}

fn smooth(plane: Plane, strength: Strength, is_late: IsLate<'_>) -> Result<Plane, ProcessingError> {
    let sigma = match strength {
        Strength::Mild => return boxed(plane, 1, is_late),
        Strength::Sigma(sigma) => sigma,
    };
    if sigma <= EXACT_SIGMA_MAX {
        let radius = (sigma * 3.0).ceil() as i32;
        let weight = |at: i32| (-((at * at) as f32) / (2.0 * sigma * sigma)).exp();
        let kernel: Vec<f32> = (-radius..=radius).map(weight).collect();
        let sum: f32 = kernel.iter().sum();
        let kernel: Vec<f32> = kernel.iter().map(|weight| weight / sum).collect();
        return both_ways(plane, is_late, |line, out, step, count| {
            convolve(line, out, step, count, &kernel)
        });
    }
    // Three boxes of this width have the variance of the Gaussian.
    let width = (12.0 * sigma * sigma / 3.0 + 1.0).sqrt();
    let radius = ((width - 1.0) / 2.0).round().max(1.0) as usize;
    (0..3).try_fold(plane, |plane, _| boxed(plane, radius, is_late))
}

fn boxed(plane: Plane, radius: usize, is_late: IsLate<'_>) -> Result<Plane, ProcessingError> {
    both_ways(plane, is_late, |line, out, step, count| {
        running_mean(line, out, step, count, radius)
    })
}

/// Works through every row, then through every column.
fn both_ways(
    mut plane: Plane,
    is_late: IsLate<'_>,
    work: impl Fn(&[f32], &mut [f32], usize, usize),
) -> Result<Plane, ProcessingError> {
    let (width, height, channels) = (
        plane.size.width as usize,
        plane.size.height as usize,
        plane.channels,
    );
    let mut out = vec![0.0; plane.values.len()];
    for (row, out) in plane
        .values
        .chunks_exact(width * channels)
        .zip(out.chunks_exact_mut(width * channels))
    {
        (0..channels)
            .for_each(|channel| work(&row[channel..], &mut out[channel..], channels, width));
        check_time(is_late)?;
    }
    // Columns are turned to lines and back: they would miss the cache at each step.
    let mut column = vec![0.0; height];
    let mut done = vec![0.0; height];
    for x in 0..width * channels {
        for (y, value) in column.iter_mut().enumerate() {
            *value = out[y * width * channels + x];
        }
        work(&column, &mut done, 1, height);
        for (y, value) in done.iter().enumerate() {
            plane.values[y * width * channels + x] = *value;
        }
        check_time(is_late)?;
    }
    Ok(plane)
}

fn convolve(line: &[f32], out: &mut [f32], step: usize, count: usize, kernel: &[f32]) {
    let radius = kernel.len() / 2;
    for at in 0..count {
        let sum = kernel.iter().enumerate().map(|(k, weight)| {
            let from = (at + k).saturating_sub(radius).min(count - 1);
            line[from * step] * weight
        });
        out[at * step] = sum.sum();
    }
}

fn running_mean(line: &[f32], out: &mut [f32], step: usize, count: usize, radius: usize) {
    let value = |at: i64| f64::from(line[at.clamp(0, count as i64 - 1) as usize * step]);
    let radius = radius as i64;
    let mut sum: f64 = (-radius..=radius).map(value).sum();
    let width = (2 * radius + 1) as f64;
    for at in 0..count as i64 {
        out[at as usize * step] = (sum / width) as f32;
        sum += value(at + radius + 1) - value(at - radius);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::colour::Colour;

    fn spot() -> Canvas {
        let mut canvas = Canvas::filled(Size::new(41, 41), 3, Colour::opaque(0, 0, 0));
        let middle = (20 * 41 + 20) * 3;
        canvas.bytes_mut()[middle..middle + 3].fill(255);
        canvas
    }

    #[test]
    fn spots_spread_evenly() {
        let made = blur(spot(), Strength::Sigma(2.0), &|| false).unwrap();
        let at = |x, y| made.pixel(x, y)[0];
        // 255 / (2 π σ²) in the middle.
        assert_eq!(at(20, 20), 10);
        assert_eq!((at(18, 20), at(20, 18)), (at(22, 20), at(20, 22)));
        assert_eq!(at(0, 0), 0);
        let flat = Canvas::filled(Size::new(30, 20), 3, Colour::opaque(9, 99, 199));
        for strength in [
            Strength::Mild,
            Strength::Sigma(0.3),
            Strength::Sigma(1000.0),
        ] {
            assert_eq!(
                blur(flat.clone(), strength, &|| false).unwrap(),
                flat,
                "{strength:?}"
            );
        }
    }

    #[test]
    fn hidden_colours_do_not_bleed() {
        let white = Canvas::filled(Size::new(5, 5), 4, Colour::opaque(255, 255, 255));
        let canvas = white.embedded(Size::new(15, 15), (5, 5), Colour::TRANSPARENT);
        let made = blur(canvas, Strength::Sigma(2.0), &|| false).unwrap();
        assert!(made.pixel(4, 7)[3] > 0 && made.pixel(4, 7)[0] == 255);
    }

    #[test]
    fn edges_become_steeper() {
        let dark = Canvas::filled(Size::new(10, 10), 3, Colour::opaque(100, 100, 100));
        let canvas = dark.embedded(Size::new(20, 10), (0, 0), Colour::opaque(150, 150, 150));
        for strength in [Strength::Mild, Strength::Sigma(1.0)] {
            let made = sharpen(canvas.clone(), strength, (1.0, 2.0), &|| false).unwrap();
            assert!(
                made.pixel(9, 5)[0] < 100 && made.pixel(10, 5)[0] > 150,
                "{strength:?}"
            );
            assert!(made.pixel(2, 5)[0].abs_diff(100) <= 1);
        }
    }

    #[test]
    fn late_is_late() {
        assert_eq!(
            blur(spot(), Strength::Sigma(300.0), &|| true),
            Err(ProcessingError::Late)
        );
    }
}
