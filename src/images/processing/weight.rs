//! Memory that processing an image takes, estimated from its header.

use super::decode::ImageHead;
use super::encode::avif_weight_bytes;
use super::error::ProcessingError;
use super::limits::PixelLimits;
use crate::images::format::ImageFormat;
use crate::images::geometry::resized;
use crate::images::transform::{ImageTransform, OutputFormat};

impl ImageHead {
    /// Bytes of memory that the transform takes: pixels in and out, and the buffers of decoder and
    /// encoder. Counted against the budget that all requests share.
    ///
    /// # Errors
    /// When the image passes a limit on pixels or frames.
    pub fn weight_bytes(
        &self,
        transform: &ImageTransform,
        limits: &PixelLimits,
    ) -> Result<u64, ProcessingError> {
        let range = self.range(transform, limits)?;
        let (pixels, planes) = self.coded(range);
        let frames = u64::from(range.count);
        if pixels.saturating_mul(frames) > limits.input_pixels_max {
            return Err(ProcessingError::InputPixels(limits.input_pixels_max));
        }
        let by = u64::from(self.decoder_shrink(transform));
        let decoded = pixels * frames * 4 / (by * by);
        // The coefficients of all components, two bytes each.
        let coefficients = if self.is_progressive() { pixels * 3 } else { 0 };
        let upright = self.upright();
        let target = transform.target(upright.width, upright.height);
        let made = resized(upright, target, transform.fit, transform.we);
        let made = made.pixels().saturating_mul(frames);
        if made > limits.output_pixels_max {
            return Err(ProcessingError::OutputPixels(limits.output_pixels_max));
        }
        let becomes_avif = match transform.output {
            OutputFormat::Avif => true,
            OutputFormat::Origin => self.kind == ImageFormat::Avif,
            _ => false,
        };
        let encoder = if becomes_avif {
            avif_weight_bytes(made)
        } else {
            0
        };
        // A drawing is decoded at the size that it becomes.
        let drawn = if self.kind == ImageFormat::Svg {
            made * 4
        } else {
            0
        };
        // The pixels, the encoder's own copy of them, and what it writes.
        Ok(decoded + coefficients + planes + drawn + made * 12 + encoder)
    }
}
