//! From pixels to a file's bytes. Nothing of the source but its pixels, frames and timing gets
//! into them: no EXIF, no place where a photo was taken.

mod avif;
mod deflate;
mod gif;
mod jpeg;
mod json;
mod png;
mod tiff;
mod webp;

use serde::{Deserialize, Serialize};

use super::decoded::DecodedImage;
use crate::images::format::ImageFormat;
use crate::images::processing::canvas::Canvas;
use crate::images::processing::decode::ImageHead;
use crate::images::processing::error::ProcessingError;
use crate::images::processing::limits::IsLate;
use crate::images::transform::{ImageTransform, OutputFormat};

pub(super) use avif::{is_written as avif_is_written, weight_bytes as avif_weight_bytes};

/// An encoded image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedImage {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub media_type: &'static str,
    /// The ending of its file's name.
    pub extension: &'static str,
}

/// How well and with how much effort, where nothing is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quality {
    /// Of a JPEG, 1 to 100.
    pub jpeg: u8,
    /// Of a WebP, 1 to 100.
    pub webp: u8,
    /// libwebp's method, 0 to 6: how long it looks for a smaller file.
    pub webp_effort: u8,
}

impl Default for Quality {
    fn default() -> Self {
        Self {
            jpeg: 80,
            webp: 80,
            webp_effort: 4,
        }
    }
}

/// Writes an image as one format.
pub(super) fn encode(
    image: DecodedImage,
    head: &ImageHead,
    transform: &ImageTransform,
    output: OutputFormat,
    (quality, is_late): (&Quality, IsLate<'_>),
) -> Result<EncodedImage, ProcessingError> {
    let made = |kind: ImageFormat, bytes: Vec<u8>| EncodedImage {
        bytes,
        media_type: kind.media_type(),
        extension: kind.extension(),
    };
    match output {
        OutputFormat::Jpeg => {
            let q = transform.q.unwrap_or(quality.jpeg);
            let is_grey = image.is_grey;
            jpeg::encode(still(image), is_grey, q, transform.il)
                .map(|bytes| made(ImageFormat::Jpeg, bytes))
        }
        OutputFormat::Png => {
            let is_grey = image.is_grey;
            png::encode(&still(image), is_grey, transform)
                .map(|bytes| made(ImageFormat::Png, bytes))
        }
        OutputFormat::WebP => {
            let q = transform.q.unwrap_or(quality.webp);
            let bytes = webp::encode(image, q, quality.webp_effort, transform.ll);
            bytes.map(|bytes| made(ImageFormat::WebP, bytes))
        }
        OutputFormat::Gif => {
            gif::encode(image, transform.il, is_late).map(|bytes| made(ImageFormat::Gif, bytes))
        }
        OutputFormat::Tiff => {
            tiff::encode(&still(image)).map(|bytes| made(ImageFormat::Tiff, bytes))
        }
        OutputFormat::Json => Ok(EncodedImage {
            bytes: json::describe(&image, head),
            media_type: "application/json",
            extension: "json",
        }),
        OutputFormat::Avif => {
            let q = transform.q.unwrap_or(avif::QUALITY);
            avif::encode(&still(image), q).map(|bytes| made(ImageFormat::Avif, bytes))
        }
        OutputFormat::Jxl => Err(ProcessingError::saver("jxl")),
        OutputFormat::Origin | OutputFormat::Auto => Err(ProcessingError::saver("this format")),
    }
}

/// The first frame.
fn still(mut image: DecodedImage) -> Canvas {
    image.frames.swap_remove(0)
}
