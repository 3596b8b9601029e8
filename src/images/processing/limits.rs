//! Limits on one image: pixels, frames, time.

use serde::{Deserialize, Serialize};

use super::error::ProcessingError;

/// Limits on the pixels and frames of one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PixelLimits {
    /// Pixels to decode, all frames together.
    pub input_pixels_max: u64,
    /// Pixels to encode, all frames together.
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

/// Tells whether the deadline of an image has passed.
pub type IsLate<'a> = &'a (dyn Fn() -> bool + Sync);

/// Fails when the deadline has passed.
pub(super) fn check_time(is_late: IsLate<'_>) -> Result<(), ProcessingError> {
    if is_late() {
        Err(ProcessingError::Late)
    } else {
        Ok(())
    }
}
