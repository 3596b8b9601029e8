//! Finding the edges of one colour around an image.

use super::canvas::Canvas;
use crate::images::colour::Colour;
use crate::images::geometry::Area;

/// What is left when edges that look like a colour, or the first pixel if it is transparent, are cut
/// off; `None` where nothing would be, or the image is too small to have edges.
pub(super) fn find(canvas: &Canvas, threshold: u8, ground: Colour) -> Option<Area> {
    let size = canvas.size();
    if size.width < 3 || size.height < 3 {
        return None;
    }
    let ground = if ground.is_transparent() {
        flattened(canvas.pixel(0, 0))
    } else {
        flattened(&ground.rgba())
    };
    let lines: Vec<Vec<[i8; 3]>> = (0..size.height)
        .map(|y| signs(canvas, y, ground, threshold))
        .collect();
    let (mut left, mut right) = (size.width, 0);
    let (mut top, mut bottom) = (size.height, 0);
    for y in 0..size.height as usize {
        let around = [
            &lines[y.saturating_sub(1)],
            &lines[y],
            &lines[(y + 1).min(lines.len() - 1)],
        ];
        let differs = |x: &u32| differs(&around, *x as usize);
        let Some(first) = (0..size.width).find(differs) else {
            continue;
        };
        let last = (0..size.width).rev().find(differs).unwrap_or(first);
        left = left.min(first);
        right = right.max(last + 1);
        top = top.min(y as u32);
        bottom = y as u32 + 1;
    }
    (left < right).then(|| Area {
        left,
        top,
        width: right - left,
        height: bottom - top,
    })
}

/// For each pixel and channel whether it is above (1) or below (-1) the ground by more than that.
fn signs(canvas: &Canvas, y: u32, ground: [u8; 3], threshold: u8) -> Vec<[i8; 3]> {
    let sign = |value: u8, ground: u8| match value.abs_diff(ground) > threshold {
        false => 0,
        true if value > ground => 1,
        true => -1,
    };
    let pixels = canvas.row(y).chunks_exact(canvas.channels()).map(flattened);
    pixels
        .map(|pixel| [0, 1, 2].map(|at| sign(pixel[at], ground[at])))
        .collect()
}

/// Whether the median of the nine pixels around differs, in any channel: specks don't count.
fn differs(around: &[&Vec<[i8; 3]>; 3], x: usize) -> bool {
    let last = around[1].len() - 1;
    let (mut above, mut below) = ([0; 3], [0; 3]);
    for line in around {
        for x in [x.saturating_sub(1), x, (x + 1).min(last)] {
            for (at, sign) in line[x].into_iter().enumerate() {
                above[at] += u8::from(sign > 0);
                below[at] += u8::from(sign < 0);
            }
        }
    }
    above.into_iter().chain(below).any(|count| count >= 5)
}

/// A colour on black.
fn flattened(pixel: &[u8]) -> [u8; 3] {
    let alpha = u16::from(pixel.get(3).copied().unwrap_or(u8::MAX));
    [0, 1, 2].map(|at| (u16::from(pixel[at]) * alpha / 255) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::geometry::Size;

    #[test]
    fn edges() {
        let (white, grey) = (Colour::opaque(255, 255, 255), Colour::opaque(200, 200, 200));
        let framed =
            Canvas::filled(Size::new(4, 3), 3, grey).embedded(Size::new(10, 8), (5, 2), white);
        let area = Area {
            left: 5,
            top: 2,
            width: 4,
            height: 3,
        };
        assert_eq!(find(&framed, 10, Colour::TRANSPARENT), Some(area));
        assert_eq!(find(&framed, 60, Colour::TRANSPARENT), None);
        let speck =
            Canvas::filled(Size::new(1, 1), 3, grey).embedded(Size::new(10, 8), (5, 2), white);
        assert_eq!(find(&speck, 10, Colour::TRANSPARENT), None);
        assert_eq!(
            find(
                &Canvas::filled(Size::new(2, 2), 3, white),
                10,
                Colour::TRANSPARENT
            ),
            None
        );
        let clear = Canvas::filled(Size::new(4, 3), 4, grey).embedded(
            Size::new(10, 8),
            (5, 2),
            Colour::TRANSPARENT,
        );
        assert_eq!(find(&clear, 10, Colour::TRANSPARENT), Some(area));
    }

    #[test]
    fn edges_of_a_colour_that_is_named() {
        let (white, grey) = (Colour::opaque(255, 255, 255), Colour::opaque(200, 200, 200));
        let mut framed =
            Canvas::filled(Size::new(4, 4), 3, grey).embedded(Size::new(10, 10), (3, 3), white);
        framed = framed.embedded(Size::new(12, 10), (2, 0), Colour::opaque(0, 0, 0));
        // White on the right goes; what is black on the left stays.
        let without_white = Area {
            left: 0,
            top: 0,
            width: 9,
            height: 10,
        };
        assert_eq!(find(&framed, 10, white), Some(without_white));
        let without_black = Area {
            left: 2,
            width: 10,
            ..without_white
        };
        let found = find(&framed, 10, Colour::TRANSPARENT);
        assert_eq!(found, Some(without_black));
    }
}
