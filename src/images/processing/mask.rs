//! Shapes that are cut out of an image.

use resvg::tiny_skia::{FillRule, Mask as Coverage, Path, PathBuilder, Rect, Transform};

use super::canvas::Canvas;
use crate::images::colour::Colour;
use crate::images::geometry::{Area, Size};
use crate::images::transform::Mask;

/// How far in the inner corners of a star lie.
const STAR_INNER: f32 = 0.382;
/// Corners of the curve that stands for a heart.
const HEART_CORNERS: u16 = 314;

/// A shape laid over an image of a size: what of it shows, and the area that it takes.
pub(super) struct Shape {
    coverage: Option<Coverage>,
    pub(super) area: Area,
}

impl Shape {
    pub(super) fn new(mask: Mask, size: Size) -> Self {
        let (width, height) = (size.width as f32, size.height as f32);
        let placed = match mask {
            Mask::Ellipse => oval(width, height, width, height),
            Mask::Circle => {
                let side = width.min(height);
                oval(width, height, side, side)
            }
            mask => polygon(&corners(mask), width, height),
        };
        let Some((path, bounds)) = placed else {
            return Self {
                coverage: None,
                area: size.whole(),
            };
        };
        let coverage = Coverage::new(size.width, size.height).map(|mut coverage| {
            coverage.fill_path(&path, FillRule::Winding, true, Transform::identity());
            coverage
        });
        let kept = |length: f32, most: u32| (length.round() as u32).clamp(1, most);
        let (kept_width, kept_height) = (
            kept(bounds.width(), size.width),
            kept(bounds.height(), size.height),
        );
        let area = if mask == Mask::Ellipse {
            size.whole()
        } else {
            Area {
                left: (size.width - kept_width).div_ceil(2),
                top: (size.height - kept_height).div_ceil(2),
                width: kept_width,
                height: kept_height,
            }
        };
        Self { coverage, area }
    }

    /// Cuts it out; around it is the ground.
    pub(super) fn cut(&self, canvas: Canvas, ground: Colour) -> Canvas {
        let mut canvas = canvas.with_alpha();
        let Some(coverage) = &self.coverage else {
            return canvas;
        };
        let mut covers = coverage.data().iter();
        canvas.each_pixel(|pixel| {
            let cover = u16::from(covers.next().copied().unwrap_or_default());
            pixel[3] = (u16::from(pixel[3]) * cover / 255) as u8;
        });
        if ground.is_transparent() {
            return canvas;
        }
        // The ground lies around the shape; where the image itself has holes they stay.
        let mut covers = coverage.data().iter();
        canvas.each_pixel(|pixel| {
            let cover = u32::from(covers.next().copied().unwrap_or_default());
            let over = u32::from(ground.a) * (255 - cover) / 255;
            let under = u32::from(pixel[3]);
            let alpha = (over + under).min(255);
            for (value, colour) in pixel.iter_mut().zip([ground.r, ground.g, ground.b]) {
                let mixed = u32::from(*value) * under + u32::from(colour) * over;
                *value = mixed.checked_div(over + under).unwrap_or(0) as u8;
            }
            pixel[3] = alpha as u8;
        });
        if ground.is_opaque() && canvas.is_opaque() {
            canvas.without_alpha()
        } else {
            canvas
        }
    }
}

fn oval(width: f32, height: f32, across: f32, down: f32) -> Option<(Path, Rect)> {
    let bounds = Rect::from_xywh((width - across) / 2.0, (height - down) / 2.0, across, down)?;
    Some((PathBuilder::from_oval(bounds)?, bounds))
}

/// The corners of a shape around the origin, at most 1 from it.
fn corners(mask: Mask) -> Vec<(f32, f32)> {
    let (count, start, inner) = match mask {
        Mask::Triangle => (3, 0.0, 1.0),
        Mask::TriangleDown => (3, 180.0, 1.0),
        Mask::Pentagon => (5, 0.0, 1.0),
        Mask::PentagonDown => (5, 180.0, 1.0),
        Mask::Hexagon => (6, 0.0, 1.0),
        Mask::Square => (4, 0.0, 1.0),
        Mask::Star => (10, 0.0, STAR_INNER),
        Mask::Heart | Mask::Circle | Mask::Ellipse => return heart(),
    };
    let corner = |index: u16| {
        let angle = (f32::from(index) * 360.0 / f32::from(count) - 90.0 + start).to_radians();
        let radius = if index % 2 == 1 { inner } else { 1.0 };
        (radius * angle.cos(), radius * angle.sin())
    };
    (0..count).map(corner).collect()
}

/// The heart curve (Wolfram MathWorld, "Heart Curve", the sixth).
fn heart() -> Vec<(f32, f32)> {
    let point = |index: u16| {
        let t = f32::from(index) * 0.02 - std::f32::consts::PI;
        let y = 13.0 * t.cos() - 5.0 * (2.0 * t).cos() - 2.0 * (3.0 * t).cos() - (4.0 * t).cos();
        (16.0 * t.sin().powi(3), -y)
    };
    (0..=HEART_CORNERS).map(point).collect()
}

/// A polygon as large as fits, in the middle.
fn polygon(corners: &[(f32, f32)], width: f32, height: f32) -> Option<(Path, Rect)> {
    let range = |values: &mut dyn Iterator<Item = f32>| {
        values.fold((f32::MAX, f32::MIN), |(least, most), value| {
            (least.min(value), most.max(value))
        })
    };
    let (left, right) = range(&mut corners.iter().map(|corner| corner.0));
    let (top, bottom) = range(&mut corners.iter().map(|corner| corner.1));
    let scale = (width / (right - left)).min(height / (bottom - top));
    let across = |x: f32| (x - (left + right) / 2.0) * scale + width / 2.0;
    let down = |y: f32| (y - (top + bottom) / 2.0) * scale + height / 2.0;
    let mut path = PathBuilder::new();
    for (index, (x, y)) in corners.iter().enumerate() {
        if index == 0 {
            path.move_to(across(*x), down(*y));
        } else {
            path.line_to(across(*x), down(*y));
        }
    }
    path.close();
    let bounds = Rect::from_ltrb(across(left), down(top), across(right), down(bottom))?;
    Some((path.finish()?, bounds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(mask: Mask, ground: Colour) -> (Canvas, Area) {
        let size = Size::new(320, 240);
        let shape = Shape::new(mask, size);
        let blue = Canvas::filled(size, 3, Colour::opaque(0, 0, 255));
        (shape.cut(blue, ground), shape.area)
    }

    #[test]
    fn shapes() {
        for (mask, width, height) in [
            (Mask::Circle, 240, 240),
            (Mask::Ellipse, 320, 240),
            (Mask::Triangle, 277, 240),
            (Mask::TriangleDown, 277, 240),
            (Mask::Pentagon, 252, 240),
            (Mask::Hexagon, 208, 240),
            (Mask::Square, 240, 240),
            (Mask::Star, 252, 240),
            (Mask::Heart, 264, 240),
        ] {
            let (made, area) = cut(mask, Colour::TRANSPARENT);
            assert!(area.width.abs_diff(width) <= 4, "{mask:?} {area:?}");
            assert_eq!(area.height, height, "{mask:?}");
            assert_eq!(made.pixel(160, 120)[3], 255, "{mask:?}");
            assert_eq!(made.pixel(1, 1)[3], 0, "{mask:?}");
        }
    }

    #[test]
    fn grounds() {
        let (made, _) = cut(Mask::Circle, Colour::opaque(255, 0, 0));
        assert_eq!(made.channels(), 3);
        assert_eq!(
            (made.pixel(0, 0), made.pixel(160, 120)),
            (&[255, 0, 0][..], &[0, 0, 255][..])
        );
    }
}
