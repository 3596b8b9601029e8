//! Writing PNG (the PNG specification, third edition): eight bits a channel, grey or colours, by
//! rows or interlaced.

use flate2::Crc;

use super::deflate;
use crate::images::geometry::Size;
use crate::images::processing::canvas::Canvas;
use crate::images::processing::error::ProcessingError;
use crate::images::transform::ImageTransform;

/// The passes of an interlaced image: first column, first row, every how many of each.
const PASSES: [(usize, usize, usize, usize); 7] = [
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
];

/// How a row is told by what is left and above of each byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    None,
    Sub,
    Up,
    Average,
    Paeth,
}

const FILTERS: [Filter; 5] = [
    Filter::None,
    Filter::Sub,
    Filter::Up,
    Filter::Average,
    Filter::Paeth,
];

pub(super) fn encode(
    canvas: &Canvas,
    is_grey: bool,
    transform: &ImageTransform,
) -> Result<Vec<u8>, ProcessingError> {
    let (channels, colour_type) = match (is_grey, canvas.has_alpha()) {
        (true, false) => (1, 0),
        (true, true) => (2, 4),
        (false, false) => (3, 2),
        (false, true) => (4, 6),
    };
    let greys: Vec<u8>;
    let data = if is_grey {
        let pixels = canvas.bytes().chunks_exact(canvas.channels());
        greys = pixels
            .flat_map(|pixel| std::iter::once(&pixel[1]).chain(pixel.get(3)))
            .copied()
            .collect();
        greys.as_slice()
    } else {
        canvas.bytes()
    };
    let size = canvas.size();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut head = Vec::with_capacity(13);
    head.extend(size.width.to_be_bytes());
    head.extend(size.height.to_be_bytes());
    head.extend([8, colour_type, 0, 0, u8::from(transform.il)]);
    chunk(&mut file, b"IHDR", &head);
    let mut rows = Rows {
        // A byte more for each row, and for each of the passes' some more rows.
        filtered: Vec::with_capacity(data.len() + 2 * size.height as usize + 8),
        channels,
        is_adaptive: transform.af,
    };
    if transform.il {
        rows.interlaced(data, size);
    } else {
        rows.plain(data, size.width as usize);
    }
    let packed = deflate::zlib(&rows.filtered, transform.l)?;
    chunk(&mut file, b"IDAT", &packed);
    chunk(&mut file, b"IEND", &[]);
    Ok(file)
}

fn chunk(file: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    let mut checksum = Crc::new();
    checksum.update(name);
    checksum.update(data);
    file.extend((data.len() as u32).to_be_bytes());
    file.extend(name);
    file.extend(data);
    file.extend(checksum.sum().to_be_bytes());
}

/// Rows as they are packed, each behind the number of its filter.
struct Rows {
    filtered: Vec<u8>,
    channels: usize,
    is_adaptive: bool,
}

impl Rows {
    fn plain(&mut self, data: &[u8], width: usize) {
        let stride = width * self.channels;
        let mut above = vec![0; stride];
        for row in data.chunks_exact(stride) {
            self.row(row, &above);
            above.copy_from_slice(row);
        }
    }

    fn interlaced(&mut self, data: &[u8], size: Size) {
        let (width, height, channels) = (size.width as usize, size.height as usize, self.channels);
        for (x, y, every_x, every_y) in PASSES {
            let columns = width.saturating_sub(x).div_ceil(every_x);
            if columns == 0 {
                continue;
            }
            let mut above = vec![0; columns * channels];
            for line in (y..height).step_by(every_y) {
                let line = &data[line * width * channels..][..width * channels];
                let pixels = line.chunks_exact(channels).skip(x).step_by(every_x);
                let row: Vec<u8> = pixels.flatten().copied().collect();
                self.row(&row, &above);
                above = row;
            }
        }
    }

    fn row(&mut self, row: &[u8], above: &[u8]) {
        if !self.is_adaptive {
            self.filtered.push(Filter::None as u8);
            self.filtered.extend_from_slice(row);
            return;
        }
        // The specification's own advice (§12.7): the least sum of differences packs best.
        let cost = |filter: &Filter| {
            let bytes = (0..row.len()).map(|at| filter.apply(row, above, at, self.channels));
            bytes
                .map(|byte| u64::from((byte as i8).unsigned_abs()))
                .sum::<u64>()
        };
        let best = FILTERS.into_iter().min_by_key(cost).unwrap_or(Filter::None);
        self.filtered.push(best as u8);
        self.filtered
            .extend((0..row.len()).map(|at| best.apply(row, above, at, self.channels)));
    }
}

impl Filter {
    fn apply(self, row: &[u8], above: &[u8], at: usize, channels: usize) -> u8 {
        let left = at.checked_sub(channels).map_or(0, |at| row[at]);
        let corner = at.checked_sub(channels).map_or(0, |at| above[at]);
        let over = above[at];
        let told = match self {
            Self::None => 0,
            Self::Sub => left,
            Self::Up => over,
            Self::Average => left.midpoint(over),
            Self::Paeth => {
                let guess = i16::from(left) + i16::from(over) - i16::from(corner);
                let off = |value: u8| guess.abs_diff(i16::from(value));
                if off(left) <= off(over) && off(left) <= off(corner) {
                    left
                } else if off(over) <= off(corner) {
                    over
                } else {
                    corner
                }
            }
        };
        row[at].wrapping_sub(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut state = 3_u32;
        for (width, height, channels) in [(1, 1, 3), (5, 3, 4), (17, 9, 3), (64, 64, 4)] {
            let size = Size::new(width, height);
            let data: Vec<u8> = (0..size.pixels() as usize * channels)
                .map(|_| {
                    state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
                    (state >> 20) as u8 & 0xf0
                })
                .collect();
            let canvas = Canvas::new(size, channels, data).unwrap();
            for query in ["", "af", "il", "il&af&l=9", "l=0"] {
                let transform =
                    ImageTransform::of(query.split('&').map(|pair| match pair.split_once('=') {
                        Some((name, value)) => (name, Some(value.into())),
                        None => (pair, None),
                    }));
                let file = encode(&canvas, false, &transform).unwrap();
                let read = image::load_from_memory(&file).unwrap();
                let bytes = if channels == 4 {
                    read.into_rgba8().into_raw()
                } else {
                    read.into_rgb8().into_raw()
                };
                assert_eq!(bytes, canvas.bytes(), "{width}×{height} {query}");
            }
        }
    }

    #[test]
    fn grey_is_one_channel() {
        let canvas = Canvas::filled(
            Size::new(8, 8),
            3,
            crate::images::colour::Colour::opaque(7, 7, 7),
        );
        let file = encode(&canvas, true, &ImageTransform::default()).unwrap();
        assert_eq!(
            image::load_from_memory(&file).unwrap().color(),
            image::ColorType::L8
        );
    }
}
