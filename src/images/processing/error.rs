//! The errors of decoding, transforming and encoding.

use serde::{Deserialize, Serialize};

use crate::images::accept::{AVIF_IS_WRITTEN, WEBP_IS_LOSSY};

/// Why an image cannot be processed; its `Display` is what weserv answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum ProcessingError {
    /// The bytes are of no image format that is known here.
    #[error("Invalid or unsupported image format. Is it a valid image?")]
    Invalid,
    /// The image is broken.
    #[error("Image not readable. Is it a valid image?")]
    Unreadable,
    /// More pixels to decode than `input_pixels_max`.
    #[error("Input image exceeds pixel limit. Width x height should be less than {0}")]
    InputPixels(u64),
    /// More pixels to encode than `output_pixels_max`.
    #[error("Output image exceeds pixel limit. Width x height should be less than {0}")]
    OutputPixels(u64),
    /// More frames than `frames_max`.
    #[error(
        "Input image exceeds the maximum number of pages. Number of pages should be less than {0}"
    )]
    Frames(u32),
    /// This build does not encode this format.
    #[error("Saving to {0} is disabled. Supported savers: {savers}", savers = savers())]
    Saver(Box<str>),
    /// This image is of a sort that is not supported.
    #[error("{0}")]
    Unsupported(Box<str>),
    /// The deadline passed.
    #[error("Maximum image processing time exceeded")]
    Late,
}

impl ProcessingError {
    /// An image of a sort that is not supported, with the reason for the client.
    pub(super) fn unsupported(reason: &str) -> Self {
        Self::Unsupported(reason.into())
    }

    /// This build does not encode this format.
    pub(super) fn saver(format: &str) -> Self {
        Self::Saver(format.into())
    }
}

/// The formats that can be written.
fn savers() -> String {
    let webp = if WEBP_IS_LOSSY { "" } else { " (lossless)" };
    let avif = if AVIF_IS_WRITTEN { ", avif" } else { "" };
    format!("jpg, png, webp{webp}, tiff, gif{avif}, json")
}
