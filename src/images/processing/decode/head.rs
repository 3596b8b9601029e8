//! The header of an image file: format, size, frames and orientation, read before anything is decoded.

use std::io::Cursor;

use image::codecs::{bmp::BmpDecoder, webp::WebPDecoder};

#[cfg(feature = "avif")]
use super::avif;
use super::raster::{orientation, size_of};
use super::{gif, hdr, icon, jpeg_head, png, svg, tiff, webp};
use crate::images::format::ImageFormat;
use crate::images::geometry::{Size, decoder_shrink, shrink};
use crate::images::processing::decoded::FrameRange;
use crate::images::processing::error::ProcessingError;
use crate::images::processing::limits::PixelLimits;
use crate::images::transform::{ImageTransform, Page, Pages};

/// Frames from the start up to the first that is wanted.
const AHEAD_FRAMES_MAX: u32 = 256;

/// What the header of an image file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageHead {
    /// The format.
    pub kind: ImageFormat,
    /// As it is stored: before a camera's orientation is applied.
    pub size: Size,
    /// Frames or pages in it.
    pub frames: u32,
    /// The orientation that a camera noted, 1 to 8.
    pub orientation: u8,
    /// Whether decoding needs memory for all of it, however small it becomes: a JPEG that comes
    /// in several scans.
    is_progressive: bool,
    /// Of a JPEG.
    pub(super) jpeg: Option<jpeg_head::JpegHead>,
    /// Of a GIF.
    pub(super) gif: Option<gif::GifHead>,
    /// The entries of an icon file.
    pub(super) icons: Vec<icon::Entry>,
    /// Of an AVIF.
    #[cfg(feature = "avif")]
    pub(super) avif: Option<avif::AvifHead>,
}

/// Reads the header of an image file.
///
/// # Errors
/// When it is no image, is broken, or has a format that is not decoded here.
pub fn inspect(bytes: &[u8]) -> Result<ImageHead, ProcessingError> {
    let kind = ImageFormat::of(bytes).ok_or(ProcessingError::Invalid)?;
    let mut head = ImageHead {
        kind,
        size: Size::new(1, 1),
        frames: 1,
        orientation: 1,
        is_progressive: false,
        jpeg: None,
        gif: None,
        icons: Vec::new(),
        #[cfg(feature = "avif")]
        avif: None,
    };
    match kind {
        ImageFormat::Jpeg => {
            let jpeg = jpeg_head::read(bytes)?;
            head.size = jpeg.size;
            head.orientation = jpeg.orientation;
            head.is_progressive = jpeg.is_progressive;
            head.jpeg = Some(jpeg);
        }
        ImageFormat::Png => {
            head.size = png::size(bytes).ok_or(ProcessingError::Unreadable)?;
            head.orientation = png::orientation(bytes);
        }
        ImageFormat::Gif => {
            let gif = gif::head(bytes)?;
            (head.size, head.frames) = (gif.size, gif.frames);
            head.gif = Some(gif);
        }
        ImageFormat::WebP => {
            (head.size, head.frames) = webp::head(bytes)?;
            head.orientation = orientation(WebPDecoder::new(Cursor::new(bytes)));
        }
        ImageFormat::Ico => {
            head.icons = icon::entries(bytes)?;
            head.frames = head.icons.len() as u32;
            head.size = head.icons[0].size;
        }
        ImageFormat::Bmp => head.size = size_of(&BmpDecoder::new(Cursor::new(bytes)))?,
        ImageFormat::Tiff => (head.size, head.orientation) = tiff::head(bytes)?,
        ImageFormat::Hdr => head.size = hdr::size(bytes)?,
        ImageFormat::Svg => head.size = svg::size(bytes)?,
        #[cfg(feature = "avif")]
        ImageFormat::Avif => {
            let avif = avif::read(bytes)?;
            head.size = avif.size;
            head.orientation = avif.orientation;
            head.avif = Some(avif);
        }
        #[cfg(not(feature = "avif"))]
        ImageFormat::Avif => {
            return Err(ProcessingError::unsupported(
                "Decoding AVIF is not supported; it is passed on where nothing but its size is to be changed",
            ));
        }
        ImageFormat::Heic => {
            return Err(ProcessingError::unsupported(
                "HEIC images are not supported",
            ));
        }
        ImageFormat::Pdf => {
            return Err(ProcessingError::unsupported(
                "PDF documents are not supported",
            ));
        }
    }
    Ok(head)
}

impl ImageHead {
    /// The size as it is seen.
    #[must_use]
    pub fn upright(&self) -> Size {
        if self.orientation > 4 {
            self.size.turned()
        } else {
            self.size
        }
    }

    /// Whether a JPEG comes in several scans, each finer than the last.
    pub(in crate::images::processing) fn is_progressive(&self) -> bool {
        self.is_progressive
    }

    /// Pixels to the inch, where the file says.
    pub(in crate::images::processing) fn density(&self) -> Option<u16> {
        self.jpeg.as_ref().and_then(|jpeg| jpeg.density)
    }

    /// The frames that are wanted.
    pub(in crate::images::processing) fn range(
        &self,
        transform: &ImageTransform,
        limits: &PixelLimits,
    ) -> Result<FrameRange, ProcessingError> {
        let wants_all =
            transform.n == Some(Pages::All) || !matches!(transform.page, Page::Number(_));
        if wants_all && self.frames > limits.frames_max {
            return Err(ProcessingError::Frames(limits.frames_max));
        }
        let by_pixels = |index: &usize| self.icons.get(*index).map_or(0, |icon| icon.size.pixels());
        let first = match transform.page {
            Page::Number(page) => page,
            // The first of equals, as weserv has it.
            Page::Largest => (0..self.icons.len())
                .rev()
                .max_by_key(by_pixels)
                .unwrap_or(0) as u32,
            Page::Smallest => (0..self.icons.len()).min_by_key(by_pixels).unwrap_or(0) as u32,
        };
        if first >= self.frames {
            return Err(ProcessingError::Unreadable);
        }
        if first > AHEAD_FRAMES_MAX {
            return Err(ProcessingError::Frames(limits.frames_max));
        }
        let can_move = matches!(self.kind, ImageFormat::Gif | ImageFormat::WebP);
        let count = match transform.n {
            _ if !can_move => 1,
            None => 1,
            Some(Pages::All) => self.frames - first,
            Some(Pages::Count(count)) => count.min(self.frames - first),
        };
        if count > limits.frames_max {
            return Err(ProcessingError::Frames(limits.frames_max));
        }
        Ok(FrameRange { first, count })
    }

    /// The size of the frame that is wanted, as it is stored.
    pub(in crate::images::processing) fn size_of(&self, range: FrameRange) -> Size {
        self.icons
            .get(range.first as usize)
            .map_or(self.size, |icon| icon.size)
    }

    /// By how much a decoder may shrink it while it decodes.
    pub(in crate::images::processing) fn decoder_shrink(&self, transform: &ImageTransform) -> u8 {
        let is_exact = transform.trim.is_some()
            || transform.adjust.gam.is_some()
            || transform.precrop && transform.crop.is_some();
        if self.kind != ImageFormat::Jpeg || is_exact {
            return 1;
        }
        let upright = self.upright();
        let target = transform.target(upright.width, upright.height);
        decoder_shrink(
            shrink(upright, target, transform.fit, transform.we),
            !transform.fsol,
        )
    }

    /// Pixels to decode of each frame, and bytes that the decoder keeps besides: of an AVIF it is
    /// more than its size says, and an animation has a screen and a frame that is drawn on it.
    pub(in crate::images::processing) fn coded(&self, range: FrameRange) -> (u64, u64) {
        #[cfg(feature = "avif")]
        if let Some(avif) = &self.avif {
            return (avif.pixels(), avif.planes_bytes());
        }
        let pixels = self.size_of(range).pixels();
        let pixels = pixels.max(self.gif.map_or(0, |gif| gif.frame_pixels));
        let besides = match self.kind {
            ImageFormat::Hdr => hdr::PIXEL_BYTES,
            ImageFormat::Gif | ImageFormat::WebP
                if self.kind == ImageFormat::Gif || self.frames > 1 =>
            {
                8
            }
            _ => 0,
        };
        (pixels, pixels.saturating_mul(besides))
    }
}
