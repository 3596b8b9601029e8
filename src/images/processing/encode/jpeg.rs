//! Writing JPEG.

use crate::images::colour::Colour;
use crate::images::geometry::Size;
use crate::images::processing::canvas::Canvas;
use crate::images::processing::error::ProcessingError;

/// From this quality on colour is kept at full resolution, as libvips does it.
const FULL_COLOUR_QUALITY: u8 = 90;

/// JPEG has no alpha: what is transparent becomes black, as in weserv.
pub(super) fn encode(
    canvas: Canvas,
    is_grey: bool,
    quality: u8,
    progressive: bool,
) -> Result<Vec<u8>, ProcessingError> {
    let canvas = if canvas.has_alpha() {
        canvas.on(Colour::opaque(0, 0, 0))
    } else {
        canvas
    };
    let side_max = u32::from(u16::MAX);
    if canvas.size().width > side_max || canvas.size().height > side_max {
        return Err(ProcessingError::unsupported(
            "a JPEG has no more than 65535 pixels on a side",
        ));
    }
    let size = canvas.size();
    if is_grey {
        let greys: Vec<u8> = canvas.bytes().iter().skip(1).step_by(3).copied().collect();
        return write(&greys, size, 1, quality, progressive);
    }
    write(canvas.bytes(), size, 3, quality, progressive)
}

#[cfg(jpeg_in_c)]
fn write(
    data: &[u8],
    size: Size,
    channels: u8,
    quality: u8,
    progressive: bool,
) -> Result<Vec<u8>, ProcessingError> {
    use mozjpeg::{ColorSpace, Compress};
    let write = || {
        let is_grey = channels == 1;
        let mut compress = Compress::new(if is_grey {
            ColorSpace::JCS_GRAYSCALE
        } else {
            ColorSpace::JCS_RGB
        });
        // libjpeg-turbo's speed; mozjpeg's own search takes ten times as long.
        compress.set_fastest_defaults();
        compress.set_size(size.width as usize, size.height as usize);
        compress.set_quality(f32::from(quality));
        compress.set_optimize_coding(true);
        let chroma = if quality < FULL_COLOUR_QUALITY {
            (2, 2)
        } else {
            (1, 1)
        };
        if !is_grey {
            compress.set_chroma_sampling_pixel_sizes(chroma, chroma);
        }
        if progressive {
            compress.set_progressive_mode();
        }
        let mut started = compress.start_compress(Vec::new())?;
        started.write_scanlines(data)?;
        started.finish()
    };
    // The library reports errors by unwinding.
    match std::panic::catch_unwind(write) {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) | Err(_) => Err(ProcessingError::Unreadable),
    }
}

#[cfg(not(jpeg_in_c))]
fn write(
    data: &[u8],
    size: Size,
    channels: u8,
    quality: u8,
    progressive: bool,
) -> Result<Vec<u8>, ProcessingError> {
    use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    let is_full = quality >= FULL_COLOUR_QUALITY;
    encoder.set_sampling_factor(if is_full {
        SamplingFactor::F_1_1
    } else {
        SamplingFactor::F_2_2
    });
    encoder.set_optimized_huffman_tables(true);
    encoder.set_progressive(progressive);
    let (width, height) = (size.width as u16, size.height as u16);
    let encoded = encoder.encode(
        data,
        width,
        height,
        if channels == 1 {
            ColorType::Luma
        } else {
            ColorType::Rgb
        },
    );
    encoded
        .map(|()| bytes)
        .map_err(|_| ProcessingError::Unreadable)
}
