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

use super::decode::DecodedImage;
use super::{Canvas, Head, IsLate, Made, ProcessingError};
use crate::images::accept::{AVIF_IS_WRITTEN, WEBP_IS_LOSSY};
use crate::images::format::Kind;
use crate::images::transform::{Ask, Output};

pub(super) use avif::{is_written as avif_is_written, weight_bytes as avif_weight_bytes};

/// The formats that can be written.
pub(super) fn savers() -> String {
    let webp = if WEBP_IS_LOSSY { "" } else { " (lossless)" };
    let avif = if AVIF_IS_WRITTEN { ", avif" } else { "" };
    format!("jpg, png, webp{webp}, tiff, gif{avif}, json")
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
    head: &Head,
    ask: &Ask,
    output: Output,
    (quality, is_late): (&Quality, IsLate<'_>),
) -> Result<Made, ProcessingError> {
    let made = |kind: Kind, bytes: Vec<u8>| Made {
        bytes,
        media_type: kind.media_type(),
        extension: kind.extension(),
    };
    match output {
        Output::Jpeg => {
            let q = ask.q.unwrap_or(quality.jpeg);
            let is_grey = image.is_grey;
            jpeg::encode(still(image), is_grey, q, ask.il).map(|bytes| made(Kind::Jpeg, bytes))
        }
        Output::Png => {
            let is_grey = image.is_grey;
            png::encode(&still(image), is_grey, ask).map(|bytes| made(Kind::Png, bytes))
        }
        Output::WebP => {
            let q = ask.q.unwrap_or(quality.webp);
            let bytes = webp::encode(image, q, quality.webp_effort, ask.ll);
            bytes.map(|bytes| made(Kind::WebP, bytes))
        }
        Output::Gif => gif::encode(image, ask.il, is_late).map(|bytes| made(Kind::Gif, bytes)),
        Output::Tiff => tiff::encode(&still(image)).map(|bytes| made(Kind::Tiff, bytes)),
        Output::Json => Ok(Made {
            bytes: json::describe(&image, head),
            media_type: "application/json",
            extension: "json",
        }),
        Output::Avif => {
            let q = ask.q.unwrap_or(avif::QUALITY);
            avif::encode(&still(image), q).map(|bytes| made(Kind::Avif, bytes))
        }
        Output::Jxl => Err(ProcessingError::saver("jxl")),
        Output::Origin | Output::Auto => Err(ProcessingError::saver("this format")),
    }
}

/// The first frame.
fn still(mut image: DecodedImage) -> Canvas {
    image.frames.swap_remove(0)
}
