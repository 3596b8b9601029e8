//! From light and colour differences to red, green and blue, eight bits each.

use super::frame::Frame;
use super::properties::Colours;
use crate::images::processing::canvas::Canvas;
use crate::images::processing::error::ProcessingError;

/// Fractions of the arithmetic, in bits: with them twelve bits of a sample still fit an `i32`.
const SHIFT: u32 = 16;

/// How samples become colours (ITU-T H.273, section 8.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Matrix {
    /// They are green, blue and red.
    Identity,
    /// The light, and what each of the two others adds to red, green and blue.
    Differences([[i32; 2]; 3]),
}

/// Turns the samples of a frame into colours.
pub(super) struct Palette {
    matrix: Matrix,
    scale: Scale,
    /// The sample of a colour difference that is none.
    middle: i32,
}

/// Brings samples to 0 to 255.
#[derive(Debug, Clone, Copy)]
struct Scale {
    gain: i32,
    /// The sample that is black.
    black: i32,
}

impl Scale {
    fn new(bits: u8, is_full: bool) -> Self {
        let (black, range) = if is_full {
            (0, (1 << bits) - 1)
        } else {
            (16 << (bits - 8), 219 << (bits - 8))
        };
        Self {
            gain: fixed(255.0 / f64::from(range)),
            black,
        }
    }

    /// With the fraction, and a half to round by.
    fn light(self, sample: u16) -> i32 {
        self.gain * (i32::from(sample) - self.black) + (1 << (SHIFT - 1))
    }

    fn of(self, sample: u16) -> u8 {
        whole(self.light(sample))
    }
}

fn fixed(number: f64) -> i32 {
    (number * f64::from(1 << SHIFT)).round() as i32
}

fn whole(number: i32) -> u8 {
    (number >> SHIFT).clamp(0, 255) as u8
}

impl Palette {
    /// What the file says of colours counts for more than what the frame says.
    pub(super) fn new(frame: &Frame, said: Option<Colours>) -> Result<Self, ProcessingError> {
        let bits = frame.coding().bits;
        let is_full = said.map_or_else(|| frame.is_full(), |said| said.is_full);
        // 2 says nothing.
        let point = said.map(|said| said.matrix).filter(|point| *point != 2);
        let point = point.unwrap_or_else(|| frame.matrix());
        let range = if is_full {
            f64::from((1_u32 << bits) - 1)
        } else {
            f64::from(224_u32 << (bits - 8))
        };
        let matrix = matrix(point, 255.0 / range).ok_or_else(|| {
            ProcessingError::unsupported(
                "AVIF images with these matrix coefficients are not supported",
            )
        })?;
        let coding = frame.coding();
        if matrix == Matrix::Identity && !coding.is_grey && coding.halved != (false, false) {
            return Err(ProcessingError::Unreadable);
        }
        Ok(Self {
            matrix,
            scale: Scale::new(bits, is_full),
            middle: 1 << (bits - 1),
        })
    }

    /// Paints a frame whose upper left corner is there; what lies beyond the canvas is left out.
    pub(super) fn paint(
        &self,
        frame: &Frame,
        canvas: &mut Canvas,
        at: (u32, u32),
    ) -> Result<(), ProcessingError> {
        let width = frame.size().width as usize;
        let mut light = vec![0; width];
        let mut colours = [Chroma::new(frame, 1), Chroma::new(frame, 2)];
        each_row(frame, canvas, at, |y, pixels, channels| {
            frame.read_row(0, y, &mut light)?;
            let pixels = pixels.chunks_exact_mut(channels).zip(&light);
            if frame.coding().is_grey {
                pixels.for_each(|(pixel, light)| pixel[..3].fill(self.scale.of(*light)));
                return Ok(());
            }
            let [blue, red] = &mut colours;
            blue.read_row(frame, y)?;
            red.read_row(frame, y)?;
            let pixels = pixels.zip(blue.row.iter().zip(&red.row));
            match self.matrix {
                Matrix::Identity => {
                    for ((pixel, green), (blue, red)) in pixels {
                        let [red, green, blue] = [red, green, blue].map(|it| self.scale.of(*it));
                        (pixel[0], pixel[1], pixel[2]) = (red, green, blue);
                    }
                }
                Matrix::Differences([red, green, blue]) => {
                    for ((pixel, light), (u, v)) in pixels {
                        let light = self.scale.light(*light);
                        let (u, v) = (i32::from(*u) - self.middle, i32::from(*v) - self.middle);
                        pixel[0] = whole(light + red[0] * u + red[1] * v);
                        pixel[1] = whole(light + green[0] * u + green[1] * v);
                        pixel[2] = whole(light + blue[0] * u + blue[1] * v);
                    }
                }
            }
            Ok(())
        })
    }
}

/// The matrix of a code point, for colour differences that are brought to 255 by `gain`.
fn matrix(point: u16, gain: f64) -> Option<Matrix> {
    let (red, blue) = match point {
        0 => return Some(Matrix::Identity),
        1 => (0.2126, 0.0722),
        // What says nothing is what JPEG has.
        2 | 5 | 6 => (0.299, 0.114),
        4 => (0.30, 0.11),
        7 => (0.212, 0.087),
        // YCgCo.
        8 => {
            let one = fixed(gain);
            return Some(Matrix::Differences([[-one, one], [one, 0], [-one, -one]]));
        }
        9 => (0.2627, 0.0593),
        _ => return None,
    };
    let green = 1.0 - red - blue;
    let (of_red, of_blue) = (2.0 * (1.0 - red), 2.0 * (1.0 - blue));
    let term = |factor: f64| fixed(factor * gain);
    Some(Matrix::Differences([
        [0, term(of_red)],
        [term(-of_blue * blue / green), term(-of_red * red / green)],
        [term(of_blue), 0],
    ]))
}

/// Colour differences at the full width, row by row.
struct Chroma {
    plane: usize,
    halved: (bool, bool),
    height: u32,
    near: Vec<u16>,
    far: Vec<u16>,
    /// The row that was read last.
    row: Vec<u16>,
}

impl Chroma {
    fn new(frame: &Frame, plane: usize) -> Self {
        let (size, coding) = (frame.size(), frame.coding());
        let width = if coding.halved.0 {
            size.width.div_ceil(2)
        } else {
            size.width
        };
        let kept = if coding.is_grey { 0 } else { width as usize };
        Self {
            plane,
            halved: coding.halved,
            height: size.height.div_ceil(2),
            near: vec![0; kept],
            far: vec![0; kept],
            row: vec![
                0;
                if coding.is_grey {
                    0
                } else {
                    size.width as usize
                }
            ],
        }
    }

    /// Between samples, three parts are the nearer one's; they lie in the middle of what they
    /// stand for, as in JPEG.
    fn read_row(&mut self, frame: &Frame, y: u32) -> Result<(), ProcessingError> {
        match self.halved {
            (false, _) => frame.read_row(self.plane, y, &mut self.row)?,
            (true, false) => {
                frame.read_row(self.plane, y, &mut self.near)?;
                self.near.iter_mut().for_each(|sample| *sample *= 4);
                widen(&self.near, &mut self.row);
            }
            (true, true) => {
                let nearer = y / 2;
                let farther = if y.is_multiple_of(2) {
                    nearer.saturating_sub(1)
                } else {
                    (nearer + 1).min(self.height - 1)
                };
                frame.read_row(self.plane, nearer, &mut self.near)?;
                frame.read_row(self.plane, farther, &mut self.far)?;
                for (near, far) in self.near.iter_mut().zip(&self.far) {
                    *near = *near * 3 + *far;
                }
                widen(&self.near, &mut self.row);
            }
        }
        Ok(())
    }
}

/// From samples times four, each in the middle of two pixels. Twelve bits, times sixteen, fit.
fn widen(samples: &[u16], row: &mut [u16]) {
    let last = samples.len() - 1;
    let mix = |near: u16, far: u16| (near * 3 + far + 8) >> 4;
    for (index, pair) in row.chunks_mut(2).enumerate() {
        let sample = samples[index];
        pair[0] = mix(sample, samples[index.saturating_sub(1)]);
        if let Some(second) = pair.get_mut(1) {
            *second = mix(sample, samples[(index + 1).min(last)]);
        }
    }
}

/// Sets the transparency of a canvas that has any.
pub(super) fn paint_alpha(
    frame: &Frame,
    canvas: &mut Canvas,
    at: (u32, u32),
) -> Result<(), ProcessingError> {
    let scale = Scale::new(frame.coding().bits, frame.is_full());
    let mut row = vec![0; frame.size().width as usize];
    each_row(frame, canvas, at, |y, pixels, channels| {
        frame.read_row(0, y, &mut row)?;
        for (pixel, sample) in pixels.chunks_exact_mut(channels).zip(&row) {
            pixel[3] = scale.of(*sample);
        }
        Ok(())
    })
}

/// Rows of a frame and the pixels where they go.
fn each_row(
    frame: &Frame,
    canvas: &mut Canvas,
    (left, top): (u32, u32),
    mut paint: impl FnMut(u32, &mut [u8], usize) -> Result<(), ProcessingError>,
) -> Result<(), ProcessingError> {
    let (size, channels) = (canvas.size(), canvas.channels());
    let length = size.width as usize * channels;
    let from = left as usize * channels;
    let to = (from + frame.size().width as usize * channels).min(length);
    let rows = canvas.bytes_mut().chunks_exact_mut(length);
    for (row, y) in rows.skip(top as usize).zip(0..frame.size().height) {
        paint(y, row.get_mut(from..to).unwrap_or_default(), channels)?;
    }
    Ok(())
}

/// Colours that were multiplied by their transparency become what they were.
pub(super) fn divide_by_alpha(canvas: &mut Canvas) {
    canvas.each_pixel(|pixel| {
        let alpha = u32::from(pixel[3]);
        if alpha == 0 || alpha == 255 {
            return;
        }
        for value in &mut pixel[..3] {
            *value = ((u32::from(*value) * 255 + alpha / 2) / alpha).min(255) as u8;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_and_white_of_every_depth() {
        for bits in [8, 10, 12] {
            let (full, limited) = (Scale::new(bits, true), Scale::new(bits, false));
            let up = |sample: u16| sample << (bits - 8);
            assert_eq!((full.of(0), full.of((1 << bits) - 1)), (0, 255), "{bits}");
            assert_eq!(
                (limited.of(up(16)), limited.of(up(235))),
                (0, 255),
                "{bits}"
            );
            assert_eq!((limited.of(0), limited.of(up(255))), (0, 255), "{bits}");
            assert_eq!(full.of(up(128)).abs_diff(128), 0, "{bits}");
        }
    }

    #[test]
    fn differences_between_samples() {
        let check = |samples: &[u16], expected: &[u16]| {
            let samples: Vec<u16> = samples.iter().map(|sample| sample * 4).collect();
            let mut row = vec![0; expected.len()];
            widen(&samples, &mut row);
            assert_eq!(row, expected);
        };
        check(&[100, 200], &[100, 125, 175, 200]);
        check(&[100, 200], &[100, 125, 175]);
        check(&[7], &[7]);
        check(&[4095, 4095], &[4095; 4]);
    }

    #[test]
    fn primary_colours() {
        // Full-range BT.601: red is 76, 85, 255 (JFIF).
        let Some(Matrix::Differences(rows)) = matrix(6, 1.0) else {
            panic!("no matrix");
        };
        let light = Scale::new(8, true).light(76);
        let colour = rows.map(|[u, v]| whole(light + u * (85 - 128) + v * 127));
        assert_eq!(colour, [254, 0, 0]);
        assert_eq!(matrix(0, 1.0), Some(Matrix::Identity));
        assert_eq!(matrix(11, 1.0), None);
    }
}
