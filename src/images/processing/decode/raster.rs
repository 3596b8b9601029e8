//! What the decoders of the `image` crate read, as it stands.

use image::{ColorType, DynamicImage, ImageDecoder, ImageResult};

use super::{Canvas, DecodedImage, ProcessingError, decoder_limits};
use crate::images::geometry::Size;

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
