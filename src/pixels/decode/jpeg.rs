//! Pixels of a JPEG. libjpeg-turbo's code takes them at a fraction of the size where that is
//! enough; the route in Rust decodes all.

use super::jpeg_head::JpegHead;
use super::{Canvas, Picture, Trouble};
use crate::image::geometry::Size;
use crate::pixels::profile;

/// Decodes, at `1/by` of the size where the decoder can.
pub(super) fn decode(bytes: &[u8], head: &JpegHead, by: u8) -> Result<Picture, Trouble> {
    let (size, data) = pixels(bytes, head, by)?;
    let mut profile = head.profile.clone();
    let data = if head.components == 4 {
        profile::cmyk_to_rgb(&data, profile.take().as_deref(), head.has_adobe)
    } else {
        data
    };
    let canvas = Canvas::new(size, 3, data).ok_or(Trouble::Unreadable)?;
    Ok(Picture {
        is_grey: head.components == 1,
        profile,
        subsampling: Some(match (head.components, head.sampling) {
            (4, (2, 2)) => "4:2:0:4",
            (4, _) => "4:4:4:4",
            (_, (2, 2)) => "4:2:0",
            (_, (2, 1)) => "4:2:2",
            _ => "4:4:4",
        }),
        ..Picture::still(canvas)
    })
}

/// RGB, or CMYK where there are four components.
#[cfg(feature = "mozjpeg")]
fn pixels(bytes: &[u8], head: &JpegHead, by: u8) -> Result<(Size, Vec<u8>), Trouble> {
    use mozjpeg::{ColorSpace, Decompress};
    let read = || {
        let mut decompress = Decompress::new_mem(bytes)?;
        decompress.scale(8 / by);
        let mut started = match head.components {
            4 => decompress.to_colorspace(ColorSpace::JCS_CMYK)?,
            _ => decompress.rgb()?,
        };
        let size = Size::new(started.width() as u32, started.height() as u32);
        let data = started.read_scanlines::<u8>()?;
        Ok::<_, std::io::Error>((size, data))
    };
    // The library reports what it can't read by unwinding.
    match std::panic::catch_unwind(read) {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(_)) | Err(_) => Err(Trouble::Unreadable),
    }
}

#[cfg(not(feature = "mozjpeg"))]
fn pixels(bytes: &[u8], head: &JpegHead, _by: u8) -> Result<(Size, Vec<u8>), Trouble> {
    use zune_jpeg::JpegDecoder;
    use zune_jpeg::zune_core::bytestream::ZCursor;
    use zune_jpeg::zune_core::colorspace::ColorSpace;
    use zune_jpeg::zune_core::options::DecoderOptions;
    let colours = if head.components == 4 {
        ColorSpace::CMYK
    } else {
        ColorSpace::RGB
    };
    let options = DecoderOptions::default()
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .set_strict_mode(false)
        .jpeg_set_out_colorspace(colours);
    let data = JpegDecoder::new_with_options(ZCursor::new(bytes), options).decode();
    Ok((head.size, data.map_err(|_| Trouble::Unreadable)?))
}
