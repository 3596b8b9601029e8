//! Decoding by the `image` crate.

use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageResult, Limits};

use crate::images::geometry::Size;
use crate::images::processing::canvas::Canvas;
use crate::images::processing::decoded::DecodedImage;
use crate::images::processing::error::ProcessingError;

/// Bytes that a library may take for itself besides the pixels.
const DECODER_BYTES_MAX: u64 = 64 << 20;

/// Reads all of it as eight bits a channel.
pub(super) fn image(
    decoder: ImageResult<impl ImageDecoder>,
) -> Result<DecodedImage, ProcessingError> {
    let mut decoder = decoder.map_err(|_| ProcessingError::Unreadable)?;
    decoder
        .set_limits(decoder_limits())
        .map_err(|_| ProcessingError::Unreadable)?;
    let profile = decoder.icc_profile().ok().flatten();
    let colour = decoder.color_type();
    let image = DynamicImage::from_decoder(decoder).map_err(|_| ProcessingError::Unreadable)?;
    let size = Size::new(image.width(), image.height());
    let canvas = if colour.has_alpha() {
        Canvas::new(size, 4, image.into_rgba8().into_raw())
    } else {
        Canvas::new(size, 3, image.into_rgb8().into_raw())
    };
    let is_grey = matches!(
        colour,
        ColorType::L8 | ColorType::La8 | ColorType::L16 | ColorType::La16
    );
    let canvas = canvas.ok_or(ProcessingError::Unreadable)?;
    Ok(DecodedImage {
        is_grey,
        profile,
        ..DecodedImage::still(canvas)
    })
}

/// Memory limits of the `image` crate's decoders, by their own count.
pub(super) fn decoder_limits() -> Limits {
    let mut limits = Limits::no_limits();
    // The pixels themselves were checked before.
    limits.max_alloc = Some(71_000_000 * 8 + DECODER_BYTES_MAX);
    limits
}

/// The Exif orientation; 1 where there is none.
pub(super) fn orientation<E>(decoder: Result<impl ImageDecoder, E>) -> u8 {
    let noted = decoder
        .ok()
        .and_then(|mut decoder| decoder.orientation().ok());
    noted.map_or(1, Orientation::to_exif)
}

pub(super) fn size_of<E>(decoder: &Result<impl ImageDecoder, E>) -> Result<Size, ProcessingError> {
    let (width, height) = decoder
        .as_ref()
        .map_err(|_| ProcessingError::Unreadable)?
        .dimensions();
    if width == 0 || height == 0 {
        return Err(ProcessingError::Unreadable);
    }
    Ok(Size { width, height })
}
