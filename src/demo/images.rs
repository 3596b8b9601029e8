//! The one image that is no text: a PNG of a week's weather, painted at the start.

use std::io::{self, Write};

use flate2::Compression;
use flate2::Crc;
use flate2::write::ZlibEncoder;

const WIDTH: u16 = 480;
const HEIGHT: u16 = 270;
/// Degrees of the seven days, as bars.
const DEGREES: [u16; 7] = [6, 9, 7, 11, 4, 5, 8];

/// The image as a PNG file (8 bits, RGB, no interlace).
pub(super) fn paint() -> io::Result<Vec<u8>> {
    let mut pixels = ZlibEncoder::new(Vec::new(), Compression::default());
    for y in 0..HEIGHT {
        // Each row begins with its filter: none.
        let mut row = vec![0];
        row.extend((0..WIDTH).flat_map(|x| colour(x, y)));
        pixels.write_all(&row)?;
    }
    let mut header = Vec::new();
    header.extend(u32::from(WIDTH).to_be_bytes());
    header.extend(u32::from(HEIGHT).to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    push_chunk(&mut png, *b"IHDR", &header);
    push_chunk(&mut png, *b"IDAT", &pixels.finish()?);
    push_chunk(&mut png, *b"IEND", &[]);
    Ok(png)
}

/// Length, kind, content and their checksum (PNG §5.3).
fn push_chunk(png: &mut Vec<u8>, kind: [u8; 4], content: &[u8]) {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    let mut checksum = Crc::new();
    checksum.update(&kind);
    checksum.update(content);
    png.extend(length.to_be_bytes());
    png.extend(kind);
    png.extend(content);
    png.extend(checksum.sum().to_be_bytes());
}

/// A sky that gets lighter towards the sea, with a bar for each day.
fn colour(x: u16, y: u16) -> [u8; 3] {
    const DAY_WIDTH: u16 = WIDTH / 7;
    let day = usize::from(x / DAY_WIDTH).min(DEGREES.len() - 1);
    let is_gap = x % DAY_WIDTH < 14;
    let bar_top = HEIGHT - 24 - DEGREES[day] * 16;
    if y >= HEIGHT - 24 {
        [36, 75, 94]
    } else if !is_gap && y >= bar_top {
        [226, 125, 70]
    } else {
        let light = u8::try_from(u32::from(y) * 70 / u32::from(HEIGHT)).unwrap_or(70);
        [140 + light, 175 + light, 185 + light]
    }
}
