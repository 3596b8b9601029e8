//! Turning by any angle, between four pixels each.

use super::canvas::Canvas;
use crate::images::colour::Colour;
use crate::images::geometry::turned;

/// Turns clockwise; what is not covered takes the colour.
pub(super) fn rotate(canvas: Canvas, degrees: i32, ground: Colour) -> Canvas {
    let canvas = canvas.with_alpha();
    let (from, to) = (canvas.size(), turned(canvas.size(), f64::from(degrees)));
    let (sin, cos) = f64::from(degrees).to_radians().sin_cos();
    let (sin, cos) = (sin as f32, cos as f32);
    let centre = |length: u32| (length as f32 - 1.0) / 2.0;
    let ground = ground.rgba();
    let mut made = Canvas::filled(to, 4, Colour::TRANSPARENT);
    let at = |x: i64, y: i64| -> [u8; 4] {
        let is_inside =
            (0..i64::from(from.width)).contains(&x) && (0..i64::from(from.height)).contains(&y);
        if !is_inside {
            return ground;
        }
        canvas
            .pixel(x as u32, y as u32)
            .try_into()
            .unwrap_or(ground)
    };
    let width = to.width as usize;
    for (index, pixel) in made.bytes_mut().chunks_exact_mut(4).enumerate() {
        let x = (index % width) as f32 - centre(to.width);
        let y = (index / width) as f32 - centre(to.height);
        let (x, y) = (
            cos * x + sin * y + centre(from.width),
            cos * y - sin * x + centre(from.height),
        );
        let (left, top) = (x.floor(), y.floor());
        let (dx, dy) = (x - left, y - top);
        let mut sum = [0.0_f32; 4];
        for (ox, oy, share) in [
            (0, 0, (1.0 - dx) * (1.0 - dy)),
            (1, 0, dx * (1.0 - dy)),
            (0, 1, (1.0 - dx) * dy),
            (1, 1, dx * dy),
        ] {
            let [r, g, b, a] = at(left as i64 + ox, top as i64 + oy).map(f32::from);
            let weight = share * a;
            sum[0] += r * weight;
            sum[1] += g * weight;
            sum[2] += b * weight;
            sum[3] += weight;
        }
        if sum[3] > 0.0 {
            for (value, sum_of) in pixel.iter_mut().zip(&sum[..3]) {
                *value = (sum_of / sum[3]).round() as u8;
            }
            pixel[3] = sum[3].round() as u8;
        }
    }
    if ground[3] == u8::MAX && made.is_opaque() {
        made.without_alpha()
    } else {
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::geometry::Size;

    #[test]
    fn corners_show_the_ground() {
        let red = Colour::opaque(255, 0, 0);
        let blue = Colour::opaque(0, 0, 255);
        let made = rotate(Canvas::filled(Size::new(20, 20), 3, blue), 45, red);
        assert_eq!(made.channels(), 3);
        assert_eq!(
            (made.pixel(0, 0), made.pixel(14, 14)),
            (&[255, 0, 0][..], &[0, 0, 255][..])
        );
        let made = rotate(
            Canvas::filled(Size::new(20, 20), 3, blue),
            45,
            Colour::TRANSPARENT,
        );
        assert_eq!(made.pixel(0, 0)[3], 0);
    }

    #[test]
    fn clockwise() {
        // A mark at the top centre goes to the right.
        let mut canvas = Canvas::filled(Size::new(9, 9), 4, Colour::opaque(0, 0, 0));
        canvas.bytes_mut()[4 * 4] = 255;
        let made = rotate(canvas, 91, Colour::opaque(0, 0, 0));
        let size = made.size();
        assert!(made.pixel(size.width - 1, size.height / 2)[0] > 100);
    }
}
