//! Writing TIFF, without loss.

use std::io::Cursor;

use image::codecs::tiff::TiffEncoder;
use image::{ExtendedColorType, ImageEncoder};

use crate::images::processing::canvas::Canvas;
use crate::images::processing::error::ProcessingError;

pub(super) fn encode(canvas: &Canvas) -> Result<Vec<u8>, ProcessingError> {
    let colours = if canvas.has_alpha() {
        ExtendedColorType::Rgba8
    } else {
        ExtendedColorType::Rgb8
    };
    let (mut file, size) = (Cursor::new(Vec::new()), canvas.size());
    let encoded =
        TiffEncoder::new(&mut file).write_image(canvas.bytes(), size.width, size.height, colours);
    encoded
        .map(|()| file.into_inner())
        .map_err(|_| ProcessingError::Unreadable)
}
