//! Where in an image something is to be seen: `a=entropy` and `a=attention`.
//!
//! Both give every cell of a small copy a mark, and look for the window that holds most.

use super::canvas::Canvas;
use super::resize::resize;
use crate::images::geometry::{Area, Size};
use crate::images::transform::Position;

/// The longer side of the copy that is looked at.
const COPY_SIDE: u32 = 128;
/// The side of the squares whose entropy is taken.
const SQUARE: usize = 8;

/// Moves an area of this size to where most is to be seen.
pub(super) fn best(canvas: &Canvas, area: Area, by: Position) -> Area {
    let whole = canvas.size();
    let scale = f64::from(COPY_SIDE) / f64::from(whole.width.max(whole.height));
    let scale = scale.min(1.0);
    let small = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
    let size = Size::new(small(whole.width), small(whole.height));
    let Ok(copy) = resize(canvas.clone(), size) else {
        return area;
    };
    let marks = match by {
        Position::Entropy => entropy(&copy),
        _ => attention(&copy),
    };
    let window = Size::new(
        small(area.width).min(size.width),
        small(area.height).min(size.height),
    );
    let (x, y) = richest(&marks, size, window);
    let back = |at: u32, free: u32, free_small: u32| {
        if free_small == 0 {
            free / 2
        } else {
            (f64::from(at) / f64::from(free_small) * f64::from(free)).round() as u32
        }
    };
    Area {
        left: back(x, whole.width - area.width, size.width - window.width),
        top: back(y, whole.height - area.height, size.height - window.height),
        ..area
    }
}

fn luma(pixel: &[u8]) -> f32 {
    let alpha = pixel.get(3).map_or(1.0, |alpha| f32::from(*alpha) / 255.0);
    (0.2126 * f32::from(pixel[0]) + 0.7152 * f32::from(pixel[1]) + 0.0722 * f32::from(pixel[2]))
        * alpha
}

/// The entropy of the brightness in the square around each cell's own.
fn entropy(copy: &Canvas) -> Vec<f32> {
    let (width, height) = (copy.size().width as usize, copy.size().height as usize);
    let level = |x: usize, y: usize| luma(copy.pixel(x as u32, y as u32)) as usize / 16;
    let mut marks = vec![0.0; width * height];
    for top in (0..height).step_by(SQUARE) {
        for left in (0..width).step_by(SQUARE) {
            let (bottom, right) = ((top + SQUARE).min(height), (left + SQUARE).min(width));
            let mut counts = [0_u32; 16];
            (top..bottom)
                .for_each(|y| (left..right).for_each(|x| counts[level(x, y).min(15)] += 1));
            let total = ((bottom - top) * (right - left)) as f32;
            let shares = counts
                .iter()
                .filter(|count| **count > 0)
                .map(|count| *count as f32 / total);
            let bits: f32 = shares.map(|share| -share * share.log2()).sum();
            for y in top..bottom {
                marks[y * width + left..y * width + right].fill(bits);
            }
        }
    }
    marks
}

/// Edges, strong colours and the colours of skin.
fn attention(copy: &Canvas) -> Vec<f32> {
    let size = copy.size();
    let mut marks = Vec::with_capacity(size.pixels() as usize);
    for y in 0..size.height {
        for x in 0..size.width {
            let here = luma(copy.pixel(x, y));
            let beside =
                |x: u32, y: u32| luma(copy.pixel(x.min(size.width - 1), y.min(size.height - 1)));
            let around = beside(x + 1, y)
                + beside(x, y + 1)
                + beside(x.saturating_sub(1), y)
                + beside(x, y.saturating_sub(1));
            let edge = (4.0 * here - around).abs() / 255.0;
            let pixel = copy.pixel(x, y);
            let [r, g, b] = [0, 1, 2].map(|at| f32::from(pixel[at]));
            let most = r.max(g).max(b);
            let strength = if most > 30.0 {
                (most - r.min(g).min(b)) / most
            } else {
                0.0
            };
            // The direction of skin in RGB, whatever its brightness.
            let length = (r * r + g * g + b * b).sqrt().max(1.0);
            let skin = (0.78 * r + 0.57 * g + 0.44 * b) / length / 1.062;
            let skin = if here > 50.0 && skin > 0.97 {
                (skin - 0.97) / 0.03
            } else {
                0.0
            };
            marks.push(edge * 5.0 + skin * 2.0 + strength * 0.5);
        }
    }
    marks
}

/// The window with the greatest sum; of equals the one nearest the centre.
fn richest(marks: &[f32], size: Size, window: Size) -> (u32, u32) {
    let (width, height) = (size.width as usize, size.height as usize);
    let mut sums = vec![0.0_f64; (width + 1) * (height + 1)];
    for y in 0..height {
        let mut row = 0.0;
        for x in 0..width {
            row += f64::from(marks[y * width + x]);
            sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1] + row;
        }
    }
    let at = |x: u32, y: u32| sums[y as usize * (width + 1) + x as usize];
    let sum = |x: u32, y: u32| {
        at(x + window.width, y + window.height) + at(x, y)
            - at(x, y + window.height)
            - at(x + window.width, y)
    };
    let (free_x, free_y) = (size.width - window.width, size.height - window.height);
    let off_centre = |x: u32, y: u32| (2 * x).abs_diff(free_x) + (2 * y).abs_diff(free_y);
    let mut best = (free_x / 2, free_y / 2);
    let mut most = sum(best.0, best.1);
    for y in 0..=free_y {
        for x in 0..=free_x {
            let found = sum(x, y);
            let is_tie = (found - most).abs() < 1e-6;
            if found > most + 1e-6 || is_tie && off_centre(x, y) < off_centre(best.0, best.1) {
                (best, most) = ((x, y), found);
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::colour::Colour;

    /// A flat image with a busy patch at the given place.
    fn canvas(left: u32, top: u32) -> Canvas {
        let mut patch = Canvas::filled(Size::new(40, 40), 3, Colour::opaque(0, 0, 0));
        let mut state = 7_u32;
        patch.each_pixel(|pixel| {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            pixel.copy_from_slice(&[
                (state >> 16) as u8,
                (state >> 18) as u8,
                (state >> 20) as u8,
            ]);
        });
        patch.embedded(
            Size::new(300, 100),
            (left, top),
            Colour::opaque(120, 120, 120),
        )
    }

    #[test]
    fn windows_go_where_something_is() {
        for by in [Position::Entropy, Position::Attention] {
            for (left, expected) in [(10, 0..=10), (240, 180..=200)] {
                let area = Area {
                    left: 100,
                    top: 0,
                    width: 100,
                    height: 100,
                };
                let found = best(&canvas(left, 30), area, by);
                assert!(expected.contains(&found.left), "{by:?} {left}: {found:?}");
                assert_eq!((found.width, found.height, found.top), (100, 100, 0));
            }
        }
    }

    #[test]
    fn nothing_to_see_stays_in_the_middle() {
        let flat = Canvas::filled(Size::new(300, 100), 3, Colour::opaque(9, 9, 9));
        let area = Area {
            left: 0,
            top: 0,
            width: 100,
            height: 100,
        };
        let found = best(&flat, area, Position::Entropy);
        assert!((98..=102).contains(&found.left), "{found:?}");
    }
}
