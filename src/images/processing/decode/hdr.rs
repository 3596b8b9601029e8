//! Radiance HDR: light without an upper end, of which a screen shows what is no brighter than white.

use std::io::Cursor;

use image::codecs::hdr::HdrDecoder;
use image::{DynamicImage, ImageDecoder};

use super::raster::{decoder_limits, size_of};
use crate::images::geometry::Size;
use crate::images::processing::canvas::Canvas;
use crate::images::processing::decoded::DecodedImage;
use crate::images::processing::error::ProcessingError;
use crate::images::processing::lab::shown;

/// Bytes of a pixel as the decoder has it: three floats.
pub(super) const PIXEL_BYTES: u64 = 12;

pub(super) fn size(bytes: &[u8]) -> Result<Size, ProcessingError> {
    size_of(&HdrDecoder::new_nonstrict(Cursor::new(bytes)))
}

pub(super) fn decode(bytes: &[u8]) -> Result<DecodedImage, ProcessingError> {
    let broken = |_| ProcessingError::Unreadable;
    let mut decoder = HdrDecoder::new_nonstrict(Cursor::new(bytes)).map_err(broken)?;
    decoder.set_limits(decoder_limits()).map_err(broken)?;
    let DynamicImage::ImageRgb32F(image) = DynamicImage::from_decoder(decoder).map_err(broken)?
    else {
        return Err(ProcessingError::Unreadable);
    };
    let size = Size::new(image.width(), image.height());
    let data = image.iter().map(|light| shown(*light)).collect();
    let canvas = Canvas::new(size, 3, data).ok_or(ProcessingError::Unreadable)?;
    Ok(DecodedImage::still(canvas))
}
