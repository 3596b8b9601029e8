//! Still pictures of formats that need no care of their own: PNG, WebP, BMP, TIFF.

use std::io::Cursor;

use image::codecs::{bmp::BmpDecoder, png::PngDecoder, tiff::TiffDecoder, webp::WebPDecoder};
use image::{ColorType, DynamicImage, ImageDecoder, ImageResult};

use super::{Canvas, Picture, Trouble, decoder_limits};
use crate::image::geometry::Size;
use crate::image::kind::Kind;

pub(super) fn decode(bytes: &[u8], kind: Kind) -> Result<Picture, Trouble> {
    let input = Cursor::new(bytes);
    let mut picture = match kind {
        Kind::Png => picture(PngDecoder::with_limits(input, decoder_limits())),
        Kind::WebP => webp(bytes),
        Kind::Bmp => picture(BmpDecoder::new(input)),
        Kind::Tiff => picture(TiffDecoder::new(input)),
        _ => return Err(Trouble::Invalid),
    }?;
    if kind == Kind::Png {
        picture.palette_bits = palette_bits(bytes);
    }
    Ok(picture)
}

/// libwebp reads twice as fast as the route in Rust, which knows about profiles.
#[cfg(feature = "webp")]
fn webp(bytes: &[u8]) -> Result<Picture, Trouble> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(|_| Trouble::Unreadable)?;
    let profile = decoder.icc_profile().ok().flatten();
    let read = webp::Decoder::new(bytes)
        .decode()
        .ok_or(Trouble::Unreadable)?;
    let channels = if read.is_alpha() { 4 } else { 3 };
    let size = Size::new(read.width(), read.height());
    let canvas = Canvas::new(size, channels, read.to_vec()).ok_or(Trouble::Unreadable)?;
    Ok(Picture {
        profile,
        ..Picture::still(canvas)
    })
}

#[cfg(not(feature = "webp"))]
fn webp(bytes: &[u8]) -> Result<Picture, Trouble> {
    picture(WebPDecoder::new(Cursor::new(bytes)))
}

/// Reads all of it as eight bits a channel.
pub(super) fn picture(decoder: ImageResult<impl ImageDecoder>) -> Result<Picture, Trouble> {
    let mut decoder = decoder.map_err(|_| Trouble::Unreadable)?;
    decoder
        .set_limits(decoder_limits())
        .map_err(|_| Trouble::Unreadable)?;
    let profile = decoder.icc_profile().ok().flatten();
    let colour = decoder.color_type();
    let image = DynamicImage::from_decoder(decoder).map_err(|_| Trouble::Unreadable)?;
    let size = Size::new(image.width(), image.height());
    let canvas = if colour.has_alpha() {
        Canvas::new(size, 4, image.into_rgba8().into_raw())
    } else {
        Canvas::new(size, 3, image.into_rgb8().into_raw())
    };
    let is_grey = matches!(
        colour,
        ColorType::L8 | ColorType::La8 | ColorType::L16 | ColorType::La16
    );
    let canvas = canvas.ok_or(Trouble::Unreadable)?;
    Ok(Picture {
        is_grey,
        profile,
        ..Picture::still(canvas)
    })
}

/// The bits of a PNG's palette, if it has one.
fn palette_bits(bytes: &[u8]) -> Option<u8> {
    let (bits, colour) = (*bytes.get(24)?, *bytes.get(25)?);
    (colour == 3).then_some(bits)
}
