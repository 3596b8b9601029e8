//! From a file's bytes to pixels: first its head is judged, then it is decoded.

#[cfg(feature = "avif")]
mod avif;
mod entities;
mod fax;
mod gif;
mod hdr;
mod icon;
mod jpeg;
mod jpeg_head;
mod png;
mod raster;
mod screen;
mod svg;
mod tiff;
mod webp;

use image::codecs::{bmp::BmpDecoder, webp::WebPDecoder};
use image::metadata::Orientation;
use image::{ImageDecoder, Limits as DecoderLimits};
use std::io::Cursor;

use super::encode::avif_weight_bytes;
use super::{Canvas, IsLate, PixelLimits, ProcessingError};
use crate::images::format::ImageFormat;
use crate::images::geometry::{Size, decoder_shrink};
use crate::images::transform::{ImageTransform, OutputFormat, Page, Pages};

/// Bytes that a library may take for itself besides the pixels.
const DECODER_BYTES_MAX: u64 = 64 << 20;
/// Frames from the start up to the first that is wanted.
const AHEAD_FRAMES_MAX: u32 = 256;

/// What an image's head says.
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
    jpeg: Option<jpeg_head::JpegHead>,
    /// Of a GIF.
    gif: Option<gif::GifHead>,
    /// The entries of an icon file.
    icons: Vec<icon::Entry>,
    /// Of an AVIF.
    #[cfg(feature = "avif")]
    avif: Option<avif::AvifHead>,
}

/// Which frames are wanted of those that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: u32,
    pub(super) count: u32,
}

/// An image, decoded.
#[derive(Debug)]
pub(super) struct DecodedImage {
    pub(super) frames: Vec<Canvas>,
    /// How long each frame shows, in milliseconds; as many as frames, or none.
    pub(super) delays_ms: Vec<u32>,
    /// How often it plays; 0 is for ever.
    pub(super) loops: u16,
    pub(super) is_grey: bool,
    pub(super) profile: Option<Vec<u8>>,
    pub(super) palette_bits: Option<u8>,
    pub(super) subsampling: Option<&'static str>,
}

impl DecodedImage {
    fn still(canvas: Canvas) -> Self {
        Self {
            frames: vec![canvas],
            delays_ms: Vec::new(),
            loops: 0,
            is_grey: false,
            profile: None,
            palette_bits: None,
            subsampling: None,
        }
    }
}

/// Reads an image's head.
///
/// # Errors
/// When it is no image, broken, or of a kind that can't be decoded here.
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
    pub(super) fn is_progressive(&self) -> bool {
        self.is_progressive
    }

    /// Pixels to the inch, where the file says.
    pub(super) fn density(&self) -> Option<u16> {
        self.jpeg.as_ref().and_then(|jpeg| jpeg.density)
    }

    /// The frames that are wanted.
    pub(super) fn range(
        &self,
        transform: &ImageTransform,
        limits: &PixelLimits,
    ) -> Result<Range, ProcessingError> {
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
        Ok(Range { first, count })
    }

    /// The size of the frame that is wanted, as it is stored.
    pub(super) fn size_of(&self, range: Range) -> Size {
        self.icons
            .get(range.first as usize)
            .map_or(self.size, |icon| icon.size)
    }

    /// By how much a decoder may shrink it while it decodes.
    pub(super) fn decoder_shrink(&self, transform: &ImageTransform) -> u8 {
        let is_exact = transform.trim.is_some()
            || transform.adjust.gam.is_some()
            || transform.precrop && transform.crop.is_some();
        if self.kind != ImageFormat::Jpeg || is_exact {
            return 1;
        }
        let upright = self.upright();
        let target = transform.target(upright.width, upright.height);
        decoder_shrink(
            crate::images::geometry::shrink(upright, target, transform.fit, transform.we),
            !transform.fsol,
        )
    }

    /// Pixels to decode of each frame, and bytes that the decoder keeps besides: of an AVIF it is
    /// more than its size says, and an animation has a screen and a frame that is drawn on it.
    fn coded(&self, range: Range) -> (u64, u64) {
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

    /// Bytes of memory that it takes to make of it what is asked: pixels in and out, and what
    /// decoders and encoders keep. For the budget that all requests share.
    ///
    /// # Errors
    /// When there is more of it than the limits allow.
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
        let coefficients = if self.is_progressive { pixels * 3 } else { 0 };
        let upright = self.upright();
        let target = transform.target(upright.width, upright.height);
        let made = crate::images::geometry::resized(upright, target, transform.fit, transform.we);
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

/// Decodes what is wanted of an image.
pub(super) fn decode(
    bytes: &[u8],
    head: &ImageHead,
    transform: &ImageTransform,
    range: Range,
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
        ImageFormat::Svg => svg::decode(bytes, head, transform),
        #[cfg(feature = "avif")]
        ImageFormat::Avif => avif::decode(bytes, head.avif.as_ref().ok_or(broken)?, is_late),
        ImageFormat::Tiff => tiff::decode(bytes, head.size),
        ImageFormat::Hdr => hdr::decode(bytes),
        ImageFormat::Bmp => raster::image(BmpDecoder::new(Cursor::new(bytes))),
        _ => Err(ProcessingError::Invalid),
    }
}

/// What the libraries may take, by their own count.
fn decoder_limits() -> DecoderLimits {
    let mut limits = DecoderLimits::no_limits();
    // The pixels themselves were judged before.
    limits.max_alloc = Some(71_000_000 * 8 + DECODER_BYTES_MAX);
    limits
}

/// The orientation that a camera noted; 1 where there is none.
fn orientation<E>(decoder: Result<impl ImageDecoder, E>) -> u8 {
    let noted = decoder
        .ok()
        .and_then(|mut decoder| decoder.orientation().ok());
    noted.map_or(1, Orientation::to_exif)
}

fn size_of<E>(decoder: &Result<impl ImageDecoder, E>) -> Result<Size, ProcessingError> {
    let (width, height) = decoder
        .as_ref()
        .map_err(|_| ProcessingError::Unreadable)?
        .dimensions();
    if width == 0 || height == 0 {
        return Err(ProcessingError::Unreadable);
    }
    Ok(Size { width, height })
}

/// What was written, read again.
#[cfg(test)]
pub(super) mod again {
    use super::{DecodedImage, Range, gif};

    pub(in crate::images::processing) fn gif(bytes: &[u8]) -> DecodedImage {
        let head = gif::head(bytes).unwrap();
        let range = Range {
            first: 0,
            count: head.frames,
        };
        gif::decode(bytes, &head, range, &|| false).unwrap()
    }

    #[cfg(feature = "webp")]
    pub(in crate::images::processing) fn webp(bytes: &[u8]) -> DecodedImage {
        let (size, count) = super::webp::head(bytes).unwrap();
        super::webp::decode(bytes, size, Range { first: 0, count }, &|| false).unwrap()
    }
}
