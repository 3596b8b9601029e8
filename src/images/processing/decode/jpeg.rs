//! Pixels of a JPEG. libjpeg-turbo's code takes them at a fraction of the size where that is
//! enough; the route in Rust decodes all.

use super::jpeg_head::JpegHead;
use crate::images::geometry::Size;
use crate::images::processing::canvas::Canvas;
use crate::images::processing::decoded::DecodedImage;
use crate::images::processing::error::ProcessingError;
use crate::images::processing::profile;

/// Decodes, at `1/by` of the size where the decoder can.
pub(super) fn decode(
    bytes: &[u8],
    head: &JpegHead,
    by: u8,
) -> Result<DecodedImage, ProcessingError> {
    let (size, data) = pixels(bytes, head, by)?;
    let mut profile = head.profile.clone();
    let data = if head.components == 4 {
        profile::cmyk_to_rgb(&data, profile.take().as_deref())
    } else {
        data
    };
    let canvas = Canvas::new(size, 3, data).ok_or(ProcessingError::Unreadable)?;
    Ok(DecodedImage {
        is_grey: head.components == 1,
        profile,
        subsampling: Some(match (head.components, head.sampling) {
            (4, (2, 2)) => "4:2:0:4",
            (4, _) => "4:4:4:4",
            (_, (2, 2)) => "4:2:0",
            (_, (2, 1)) => "4:2:2",
            _ => "4:4:4",
        }),
        ..DecodedImage::still(canvas)
    })
}

/// RGB, or CMYK where there are four components.
#[cfg(jpeg_in_c)]
fn pixels(bytes: &[u8], head: &JpegHead, by: u8) -> Result<(Size, Vec<u8>), ProcessingError> {
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
        Ok(Err(_)) | Err(_) => Err(ProcessingError::Unreadable),
    }
}

#[cfg(not(jpeg_in_c))]
fn pixels(bytes: &[u8], head: &JpegHead, _by: u8) -> Result<(Size, Vec<u8>), ProcessingError> {
    use zune_jpeg::JpegDecoder;
    use zune_jpeg::zune_core::bytestream::ZCursor;
    use zune_jpeg::zune_core::colorspace::ColorSpace;
    use zune_jpeg::zune_core::options::DecoderOptions;
    let is_ycck = head.components == 4 && head.is_ycck;
    let colours = match head.components {
        4 if is_ycck => ColorSpace::YCCK,
        4 => ColorSpace::CMYK,
        _ => ColorSpace::RGB,
    };
    let options = DecoderOptions::default()
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .set_strict_mode(false)
        .jpeg_set_out_colorspace(colours);
    let data = JpegDecoder::new_with_options(ZCursor::new(bytes), options).decode();
    let mut data = data.map_err(|_| ProcessingError::Unreadable)?;
    if is_ycck {
        data.as_chunks_mut::<4>().0.iter_mut().for_each(to_cmyk);
    }
    Ok((head.size, data))
}

/// Inks of what is told by lightness and colour differences (ITU-T T.871 §7), as libjpeg has them.
#[cfg(not(jpeg_in_c))]
fn to_cmyk(pixel: &mut [u8; 4]) {
    let [y, cb, cr] = [pixel[0], pixel[1], pixel[2]].map(f32::from);
    let (cb, cr) = (cb - 128.0, cr - 128.0);
    let colours = [
        y + 1.402 * cr,
        y - 0.344_136 * cb - 0.714_136 * cr,
        y + 1.772 * cb,
    ];
    for (ink, light) in pixel.iter_mut().zip(colours) {
        // Floats beyond what fits are clamped.
        *ink = u8::MAX - light.round() as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::super::jpeg_head;
    use super::*;
    use jpeg_encoder::{ColorType, Encoder};

    /// Sixteen by sixteen pixels of one ink.
    fn file(inks: [u8; 4], colours: ColorType) -> Vec<u8> {
        let mut file = Vec::new();
        let encoder = Encoder::new(&mut file, 100);
        encoder.encode(&inks.repeat(256), 16, 16, colours).unwrap();
        file
    }

    #[track_caller]
    fn check(file: &[u8], expected: [u8; 3]) {
        let head = jpeg_head::read(file).unwrap();
        let image = decode(file, &head, 1).unwrap();
        let pixel = image.frames[0].pixel(7, 7);
        let is_near = pixel.iter().zip(expected).all(|(a, b)| a.abs_diff(b) < 4);
        assert!(is_near, "{pixel:?} {expected:?}");
    }

    #[test]
    fn inks_are_stored_inverted_with_a_marker_and_without() {
        let red = [0, 255, 255, 0];
        let mut file_of_inks = file(red, ColorType::Cmyk);
        check(&file_of_inks, [255, 0, 0]);
        check(&file(red, ColorType::CmykAsYcck), [255, 0, 0]);
        let marker = file_of_inks.windows(2).position(|two| two == [0xff, 0xee]);
        let marker = marker.unwrap();
        file_of_inks.drain(marker..marker + 16);
        check(&file_of_inks, [255, 0, 0]);
    }
}
