//! Decoding: first the header is read and checked against limits, then the pixels are decoded.

#[cfg(feature = "avif")]
mod avif;
mod entities;
mod fax;
mod gif;
mod hdr;
mod head;
mod icon;
mod jpeg;
mod jpeg_head;
mod png;
mod raster;
mod screen;
mod svg;
mod tiff;
mod webp;

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;

use super::decoded::{DecodedImage, FrameRange};
use super::error::ProcessingError;
use super::limits::IsLate;
use crate::images::format::ImageFormat;
use crate::images::transform::ImageTransform;

pub use head::{ImageHead, inspect};

/// Decodes the frames in `range`.
pub(super) fn decode(
    bytes: &[u8],
    head: &ImageHead,
    transform: &ImageTransform,
    range: FrameRange,
    is_late: IsLate<'_>,
) -> Result<DecodedImage, ProcessingError> {
    let broken = ProcessingError::Unreadable;
    match head.kind {
        ImageFormat::Jpeg => {
            let jpeg = head.jpeg.as_ref().ok_or(broken)?;
            jpeg::decode(bytes, jpeg, head.decoder_shrink(transform))
        }
        ImageFormat::Gif => gif::decode(bytes, head.gif.as_ref().ok_or(broken)?, range, is_late),
        ImageFormat::WebP => webp::decode(bytes, head.size, range, is_late),
        ImageFormat::Png => png::decode(bytes),
        ImageFormat::Ico => icon::decode(bytes, &head.icons[range.first as usize]),
        ImageFormat::Svg => svg::decode(bytes, head.size, transform),
        #[cfg(feature = "avif")]
        ImageFormat::Avif => avif::decode(bytes, head.avif.as_ref().ok_or(broken)?, is_late),
        ImageFormat::Tiff => tiff::decode(bytes, head.size),
        ImageFormat::Hdr => hdr::decode(bytes),
        ImageFormat::Bmp => raster::image(BmpDecoder::new(Cursor::new(bytes))),
        _ => Err(ProcessingError::Invalid),
    }
}

/// Decodes what an encoder wrote.
#[cfg(test)]
pub(super) mod again {
    use super::gif;
    use crate::images::processing::decoded::{DecodedImage, FrameRange};

    pub(in crate::images::processing) fn gif(bytes: &[u8]) -> DecodedImage {
        let head = gif::head(bytes).unwrap();
        let range = FrameRange {
            first: 0,
            count: head.frames,
        };
        gif::decode(bytes, &head, range, &|| false).unwrap()
    }

    #[cfg(feature = "webp")]
    pub(in crate::images::processing) fn webp(bytes: &[u8]) -> DecodedImage {
        let (size, count) = super::webp::head(bytes).unwrap();
        super::webp::decode(bytes, size, FrameRange { first: 0, count }, &|| false).unwrap()
    }
}
