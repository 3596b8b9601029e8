//! Writing AVIF: still images, eight bits, colours at the full resolution.

use crate::images::geometry::Size;
use crate::images::processing::canvas::Canvas;
use crate::images::processing::error::ProcessingError;

/// Where nothing is asked, as in weserv.
pub(super) const QUALITY: u8 = 80;
/// Pixels of an AVIF, as many as a screen of 1920 × 1080 has. The encoder can't be interrupted and
/// takes up to 2 seconds for a million of them.
const PIXELS_MAX: u64 = 2_100_000;
/// Memory that the encoder takes, at its most, beyond what all encoders do.
const PIXEL_BYTES: u64 = 48;

/// Whether AVIF can be written at all.
pub(in crate::images::processing) fn is_written(size: Size) -> bool {
    crate::images::accept::AVIF_IS_WRITTEN && size.pixels() <= PIXELS_MAX
}

/// Memory for writing so many pixels.
pub(in crate::images::processing) fn weight_bytes(pixels: u64) -> u64 {
    pixels.min(PIXELS_MAX) * PIXEL_BYTES
}

#[cfg(feature = "avif-encode")]
pub(super) fn encode(canvas: &Canvas, quality: u8) -> Result<Vec<u8>, ProcessingError> {
    use ravif::{BitDepth, Encoder, Img, RGB8, RGBA8};
    /// The encoder's fastest; a step slower takes 1.7 times as long for a tenth of the bytes.
    const SPEED: u8 = 10;
    let size = canvas.size();
    if !is_written(size) {
        return Err(ProcessingError::unsupported(
            "an AVIF that is made here has no more than 2100000 pixels: more take too long",
        ));
    }
    let quality = f32::from(quality.clamp(1, 100));
    let encoder = Encoder::new()
        .with_quality(quality)
        .with_alpha_quality(quality)
        .with_speed(SPEED)
        .with_bit_depth(BitDepth::Eight)
        .with_num_threads(Some(1));
    let (width, height) = (size.width as usize, size.height as usize);
    let write = || {
        if canvas.has_alpha() {
            let pixels = canvas.bytes().as_chunks::<4>().0.iter();
            let pixels: Vec<_> = pixels
                .map(|[r, g, b, a]| RGBA8::new(*r, *g, *b, *a))
                .collect();
            encoder.encode_rgba(Img::new(&pixels, width, height))
        } else {
            let pixels = canvas.bytes().as_chunks::<3>().0.iter();
            let pixels: Vec<_> = pixels.map(|[r, g, b]| RGB8::new(*r, *g, *b)).collect();
            encoder.encode_rgb(Img::new(&pixels, width, height))
        }
    };
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(write)) {
        Ok(Ok(written)) => Ok(written.avif_file),
        Ok(Err(_)) | Err(_) => Err(ProcessingError::Unreadable),
    }
}

#[cfg(not(feature = "avif-encode"))]
pub(super) fn encode(_: &Canvas, _: u8) -> Result<Vec<u8>, ProcessingError> {
    Err(ProcessingError::saver("avif"))
}
