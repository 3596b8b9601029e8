//! Pixels in memory: eight bits a channel, RGB or RGBA with straight alpha.

use crate::images::colour::Colour;
use crate::images::geometry::{Area, Size};

/// Pixels, row by row from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canvas {
    size: Size,
    /// 3 for RGB, 4 for RGBA.
    channels: usize,
    data: Vec<u8>,
}

impl Canvas {
    /// Pixels that are there; `None` when they are not as many as the size says.
    #[must_use]
    pub fn new(size: Size, channels: usize, data: Vec<u8>) -> Option<Self> {
        let expected = usize::try_from(size.pixels()).ok()?.checked_mul(channels)?;
        let is_whole = matches!(channels, 3 | 4) && data.len() == expected;
        is_whole.then_some(Self {
            size,
            channels,
            data,
        })
    }

    /// One colour, with an alpha channel where `channels` is 4.
    #[must_use]
    pub fn filled(size: Size, channels: usize, colour: Colour) -> Self {
        let count = size.pixels() as usize;
        let data = colour.rgba()[..channels].repeat(count);
        Self {
            size,
            channels,
            data,
        }
    }

    /// Its size.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// Bytes of a pixel: 3 or 4.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Whether it has an alpha channel.
    #[must_use]
    pub fn has_alpha(&self) -> bool {
        self.channels == 4
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.data
    }

    /// The bytes, to be changed in place.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    /// The bytes, without the canvas.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.data
    }

    /// The bytes of one row.
    #[must_use]
    pub fn row(&self, y: u32) -> &[u8] {
        let length = self.size.width as usize * self.channels;
        &self.data[y as usize * length..][..length]
    }

    /// One pixel.
    #[must_use]
    pub fn pixel(&self, x: u32, y: u32) -> &[u8] {
        &self.row(y)[x as usize * self.channels..][..self.channels]
    }

    /// Changes every pixel.
    pub fn each_pixel(&mut self, mut change: impl FnMut(&mut [u8])) {
        self.data
            .chunks_exact_mut(self.channels)
            .for_each(&mut change);
    }

    /// Changes every colour value and leaves alpha alone.
    pub fn map_colours(&mut self, table: &[u8; 256]) {
        self.each_pixel(|pixel| {
            for value in &mut pixel[..3] {
                *value = table[usize::from(*value)];
            }
        });
    }

    /// The same with an alpha channel, opaque where there was none.
    #[must_use]
    pub fn with_alpha(self) -> Self {
        if self.has_alpha() {
            return self;
        }
        let pixels = self.data.as_chunks::<3>().0.iter();
        let data = pixels.flat_map(|[r, g, b]| [*r, *g, *b, u8::MAX]).collect();
        Self {
            channels: 4,
            data,
            ..self
        }
    }

    /// The same without its alpha channel, as if it were opaque.
    #[must_use]
    pub fn without_alpha(self) -> Self {
        if !self.has_alpha() {
            return self;
        }
        let pixels = self.data.as_chunks::<4>().0.iter();
        let data = pixels.flat_map(|[r, g, b, _]| [*r, *g, *b]).collect();
        Self {
            channels: 3,
            data,
            ..self
        }
    }

    /// Whether every pixel is opaque.
    #[must_use]
    pub fn is_opaque(&self) -> bool {
        !self.has_alpha()
            || self
                .data
                .as_chunks::<4>()
                .0
                .iter()
                .all(|pixel| pixel[3] == u8::MAX)
    }

    /// A part.
    #[must_use]
    pub fn cropped(self, area: Area) -> Self {
        if area == self.size.whole() {
            return self;
        }
        let size = Size::new(area.width, area.height);
        let (from, length) = (
            area.left as usize * self.channels,
            area.width as usize * self.channels,
        );
        let rows = (area.top..area.top + area.height).map(|y| &self.row(y)[from..from + length]);
        let mut data = Vec::with_capacity(length * area.height as usize);
        rows.for_each(|row| data.extend_from_slice(row));
        Self {
            size,
            channels: self.channels,
            data,
        }
    }

    /// The same within a larger area of one colour. Both have an alpha channel, or neither.
    #[must_use]
    pub fn embedded(self, outer: Size, at: (u32, u32), colour: Colour) -> Self {
        let mut canvas = Self::filled(outer, self.channels, colour);
        let stride = outer.width as usize * self.channels;
        let length = self.size.width as usize * self.channels;
        for y in 0..self.size.height {
            let start = (at.1 + y) as usize * stride + at.0 as usize * self.channels;
            canvas.data[start..start + length].copy_from_slice(self.row(y));
        }
        canvas
    }

    /// Upside down.
    #[must_use]
    pub fn flipped(self) -> Self {
        let mut data = Vec::with_capacity(self.data.len());
        (0..self.size.height)
            .rev()
            .for_each(|y| data.extend_from_slice(self.row(y)));
        Self { data, ..self }
    }

    /// Left to right.
    #[must_use]
    pub fn flopped(mut self) -> Self {
        let (length, channels) = (self.size.width as usize * self.channels, self.channels);
        for row in self.data.chunks_exact_mut(length) {
            let mut mirrored = Vec::with_capacity(length);
            row.rchunks_exact(channels)
                .for_each(|pixel| mirrored.extend_from_slice(pixel));
            row.copy_from_slice(&mirrored);
        }
        self
    }

    /// Turned clockwise by so many right angles.
    #[must_use]
    pub fn turned(self, quarters: u32) -> Self {
        match quarters % 4 {
            0 => self,
            2 => self.flipped().flopped(),
            quarters => {
                let size = self.size.turned();
                let mut data = Vec::with_capacity(self.data.len());
                for y in 0..size.height {
                    for x in 0..size.width {
                        let (x, y) = match quarters {
                            1 => (y, self.size.height - 1 - x),
                            _ => (self.size.width - 1 - y, x),
                        };
                        data.extend_from_slice(self.pixel(x, y));
                    }
                }
                Self { size, data, ..self }
            }
        }
    }

    /// Upright, by the orientation that a camera noted (EXIF, 1 to 8).
    #[must_use]
    pub fn upright(self, orientation: u8) -> Self {
        match orientation {
            2 => self.flopped(),
            3 => self.turned(2),
            4 => self.flipped(),
            5 => self.turned(1).flopped(),
            6 => self.turned(1),
            7 => self.turned(3).flopped(),
            8 => self.turned(3),
            _ => self,
        }
    }

    /// On a ground of this colour: opaque, where that is, and else with alpha.
    #[must_use]
    pub fn on(mut self, ground: Colour) -> Self {
        let [r, g, b, a] = ground.rgba().map(u32::from);
        self.each_pixel(|pixel| {
            let over = u32::from(pixel[3]);
            // What of the ground shows through.
            let under = a * (255 - over) / 255;
            let alpha = over + under;
            for (value, ground) in pixel.iter_mut().zip([r, g, b]) {
                let mixed = u32::from(*value) * over + ground * under + alpha / 2;
                *value = mixed.checked_div(alpha).unwrap_or(0).min(255) as u8;
            }
            pixel[3] = alpha.min(255) as u8;
        });
        if ground.is_opaque() {
            self.without_alpha()
        } else {
            self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pixels of three by two, told apart by their red: 1 2 3 over 4 5 6.
    fn canvas() -> Canvas {
        let data = (1..=6).flat_map(|red| [red, 0, 0]).collect();
        Canvas::new(Size::new(3, 2), 3, data).unwrap()
    }

    fn reds(canvas: &Canvas) -> Vec<Vec<u8>> {
        let row = |y| {
            (0..canvas.size().width)
                .map(|x| canvas.pixel(x, y)[0])
                .collect()
        };
        (0..canvas.size().height).map(row).collect()
    }

    #[test]
    fn turning_and_mirroring() {
        assert_eq!(reds(&canvas().flipped()), [[4, 5, 6], [1, 2, 3]]);
        assert_eq!(reds(&canvas().flopped()), [[3, 2, 1], [6, 5, 4]]);
        assert_eq!(reds(&canvas().turned(1)), [[4, 1], [5, 2], [6, 3]]);
        assert_eq!(reds(&canvas().turned(2)), [[6, 5, 4], [3, 2, 1]]);
        assert_eq!(reds(&canvas().turned(3)), [[3, 6], [2, 5], [1, 4]]);
        assert_eq!(canvas().turned(1).turned(3), canvas());
    }

    #[test]
    fn what_a_camera_noted_is_undone() {
        // How each orientation stores the image 1 2 3 over 4 5 6 (EXIF 2.3, table 6).
        let upright = canvas();
        for (orientation, stored) in [
            (1, upright.clone()),
            (2, upright.clone().flopped()),
            (3, upright.clone().turned(2)),
            (4, upright.clone().flipped()),
            (5, upright.clone().flopped().turned(3)),
            (6, upright.clone().turned(3)),
            (7, upright.clone().flopped().turned(1)),
            (8, upright.clone().turned(1)),
        ] {
            assert_eq!(stored.upright(orientation), upright, "{orientation}");
        }
    }

    #[test]
    fn parts_and_grounds() {
        let area = Area {
            left: 1,
            top: 0,
            width: 2,
            height: 2,
        };
        assert_eq!(reds(&canvas().cropped(area)), [[2, 3], [5, 6]]);
        let white = Colour::opaque(255, 255, 255);
        let larger = canvas().embedded(Size::new(4, 3), (1, 1), white);
        assert_eq!(
            reds(&larger),
            [[255, 255, 255, 255], [255, 1, 2, 3], [255, 4, 5, 6]]
        );
        let half = Canvas::new(Size::new(1, 1), 4, vec![0, 0, 0, 128]).unwrap();
        assert_eq!(half.clone().on(white).bytes(), [127, 127, 127]);
        let clear = Colour { a: 0, ..white };
        assert_eq!(half.clone().on(clear).bytes(), [0, 0, 0, 128]);
        assert_eq!(half.on(Colour { a: 128, ..white }).bytes()[3], 191);
        assert!(Canvas::new(Size::new(2, 2), 3, vec![0; 11]).is_none());
    }
}
