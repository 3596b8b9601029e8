//! What is done to images: decoded, turned, cut, resampled, coloured, encoded.
//!
//! Everything here is plain computation on bytes, to be run off the async threads.
//!
//! Invariants: sizes, frames and bytes are judged from headers before anything is decoded; no
//! input makes it panic; between any two steps, and between any two frames, it looks whether it
//! is late.

mod adjust;
mod blur;
mod canvas;
mod decode;
mod encode;
pub mod fonts;
pub mod job;
mod lab;
mod make;
mod mask;
mod profile;
mod resize;
mod rotate;
mod salience;
mod trim;

use serde::{Deserialize, Serialize};

pub use canvas::Canvas;
pub use decode::{ImageHead, inspect};
pub use encode::Quality;
pub use make::{EncodedImage, make};

/// PixelLimits on what is decoded and made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PixelLimits {
    /// Pixels of an image that comes in, all its frames together.
    pub input_pixels_max: u64,
    /// Pixels of an image that goes out, all its frames together.
    pub output_pixels_max: u64,
    /// Frames or pages.
    pub frames_max: u32,
}

impl Default for PixelLimits {
    fn default() -> Self {
        Self {
            input_pixels_max: 71_000_000,
            output_pixels_max: 71_000_000,
            frames_max: 256,
        }
    }
}

/// Why there is no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum ProcessingError {
    /// The bytes are no image of a kind that we know.
    #[error("Invalid or unsupported image format. Is it a valid image?")]
    Invalid,
    /// They are broken.
    #[error("Image not readable. Is it a valid image?")]
    Unreadable,
    /// There would be too much to decode.
    #[error("Input image exceeds pixel limit. Width x height should be less than {0}")]
    InputPixels(u64),
    /// There would be too much to make.
    #[error("Output image exceeds pixel limit. Width x height should be less than {0}")]
    OutputPixels(u64),
    /// There are too many frames.
    #[error(
        "Input image exceeds the maximum number of pages. Number of pages should be less than {0}"
    )]
    Frames(u32),
    /// Nothing here writes this format.
    #[error("Saving to {0} is disabled. Supported savers: {savers}", savers = encode::savers())]
    Saver(Box<str>),
    /// It can't be done with this image.
    #[error("{0}")]
    Unsupported(Box<str>),
    /// It took too long.
    #[error("Maximum image processing time exceeded")]
    Late,
}

impl ProcessingError {
    /// It can't be done with this image, for this reason.
    fn unsupported(reason: &str) -> Self {
        Self::Unsupported(reason.into())
    }

    /// Nothing here writes this format.
    fn saver(format: &str) -> Self {
        Self::Saver(format.into())
    }
}

/// Tells whether the time for an image is over.
pub type IsLate<'a> = &'a (dyn Fn() -> bool + Sync);

/// An error when it is late.
fn check_time(is_late: IsLate<'_>) -> Result<(), ProcessingError> {
    if is_late() {
        Err(ProcessingError::Late)
    } else {
        Ok(())
    }
}
