//! SVG, drawn: what leaves here are pixels, so that no script, style or URL in it does.
//!
//! Invariant: nothing outside the document is read. SECURITY: a file name in it is not opened, an
//! URL not fetched, an image within it no larger than it may be.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{ImageHrefResolver, ImageKind, Options, Tree};

use super::entities::expand;
use super::{gif, jpeg_head, png, webp};
use crate::images::format::ImageFormat;
use crate::images::geometry::{Size, resized};
use crate::images::processing::canvas::Canvas;
use crate::images::processing::decoded::DecodedImage;
use crate::images::processing::error::ProcessingError;
use crate::images::processing::fonts;
use crate::images::transform::ImageTransform;
use crate::images::xml;

/// Bytes of a document, unpacked, and with what its entities put in.
const DOCUMENT_BYTES_MAX: usize = 8 << 20;
/// Pixels of an image within a document.
const INNER_PIXELS_MAX: u64 = 16_000_000;
/// Pixels that are drawn: filters take their time for each.
const DRAWN_PIXELS_MAX: u64 = 16_000_000;

fn parse(bytes: &[u8]) -> Result<Tree, ProcessingError> {
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(ProcessingError::Unreadable);
    }
    let text = xml::decode(bytes);
    let text = expand(&text, DOCUMENT_BYTES_MAX)?;
    let inner = |data: Arc<Vec<u8>>| {
        let (format, pixels) = inner_pixels(&data)?;
        match format {
            _ if pixels > INNER_PIXELS_MAX => None,
            ImageFormat::Jpeg => Some(ImageKind::JPEG(data)),
            ImageFormat::Png => Some(ImageKind::PNG(data)),
            ImageFormat::Gif => Some(ImageKind::GIF(data)),
            ImageFormat::WebP => Some(ImageKind::WEBP(data)),
            _ => None,
        }
    };
    let options = Options {
        dpi: 72.0,
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(move |_, data, _| inner(data)),
            resolve_string: Box::new(|_, _| None),
        },
        fontdb: fonts::for_drawing(),
        ..Options::default()
    };
    Tree::from_str(&text, &options).map_err(|_| ProcessingError::Unreadable)
}

/// The format of an image within a document, and the pixels of all its frames, by its header.
fn inner_pixels(data: &[u8]) -> Option<(ImageFormat, u64)> {
    let format = ImageFormat::of(data)?;
    let (size, frames) = match format {
        ImageFormat::Jpeg => (jpeg_head::read(data).ok()?.size, 1),
        ImageFormat::Png => (png::size(data)?, 1),
        ImageFormat::Gif => gif::head(data).map(|head| (head.size, head.frames)).ok()?,
        ImageFormat::WebP => webp::head(data).ok()?,
        _ => return None,
    };
    Some((format, size.pixels().saturating_mul(u64::from(frames))))
}

/// The size that a document gives itself.
pub(super) fn size(bytes: &[u8]) -> Result<Size, ProcessingError> {
    let size = parse(bytes)?.size();
    // Floats beyond what fits are clamped.
    Ok(Size::new(
        size.width().round() as u32,
        size.height().round() as u32,
    ))
}

/// Draws a document at the size that it is to have in the end, so that it is sharp.
pub(super) fn decode(
    bytes: &[u8],
    own: Size,
    transform: &ImageTransform,
) -> Result<DecodedImage, ProcessingError> {
    let tree = parse(bytes)?;
    let is_exact = transform.trim.is_some() || transform.precrop && transform.crop.is_some();
    let size = if is_exact {
        own
    } else {
        resized(
            own,
            transform.target(own.width, own.height),
            transform.fit,
            transform.we,
        )
    };
    if size.pixels() > DRAWN_PIXELS_MAX {
        return Err(ProcessingError::OutputPixels(DRAWN_PIXELS_MAX));
    }
    let mut pixmap = Pixmap::new(size.width, size.height).ok_or(ProcessingError::Unreadable)?;
    let scale = Transform::from_scale(
        size.width as f32 / tree.size().width(),
        size.height as f32 / tree.size().height(),
    );
    resvg::render(&tree, scale, &mut pixmap.as_mut());
    let data = pixmap.take_demultiplied();
    let canvas = Canvas::new(size, 4, data).ok_or(ProcessingError::Unreadable)?;
    Ok(DecodedImage::still(canvas))
}

#[cfg(test)]
mod tests {
    use crate::images::processing::decode::inspect;
    use std::io::Write as _;

    use super::*;

    fn red_at(svg: &str, x: u32, y: u32) -> u8 {
        let head = inspect(svg.as_bytes()).unwrap();
        let image = decode(svg.as_bytes(), head.size, &ImageTransform::default()).unwrap();
        let pixel = image.frames[0].pixel(x, y).to_vec();
        if pixel[3] == 0 { 0 } else { pixel[0] }
    }

    #[test]
    fn draws() {
        let svg = "<svg xmlns='http://www.w3.org/2000/svg' width='10' height='2'><rect width='5' height='2' fill='red'/></svg>";
        assert_eq!(size(svg.as_bytes()), Ok(Size::new(10, 2)));
        assert_eq!(red_at(svg, 2, 1), 255);
        assert_eq!(red_at(svg, 8, 1), 0);
    }

    #[test]
    fn draws_what_entities_and_encodings_say() {
        let entities = "<!DOCTYPE svg [<!ENTITY ns 'http://www.w3.org/2000/svg'><!ENTITY r '<rect width=\"5\" height=\"2\" fill=\"red\"/>'>]>\n<svg xmlns='&ns;' width='10' height='2'>&r;</svg>";
        assert_eq!(red_at(entities, 2, 1), 255);
        let latin = b"<?xml version='1.0' encoding='iso-8859-1'?><svg xmlns='http://www.w3.org/2000/svg' width='4' height='2'><title>caf\xe9</title></svg>";
        assert_eq!(size(latin), Ok(Size::new(4, 2)));
        let utf16 = entities.encode_utf16().flat_map(u16::to_be_bytes);
        assert_eq!(size(&utf16.collect::<Vec<u8>>()), Ok(Size::new(10, 2)));
    }

    #[test]
    fn nothing_outside_is_read() {
        let mut file = tempfile::Builder::new().suffix(".svg").tempfile().unwrap();
        let inner = "<svg xmlns='http://www.w3.org/2000/svg' width='4' height='4'><rect width='4' height='4' fill='red'/></svg>";
        file.write_all(inner.as_bytes()).unwrap();
        let file = file.path();
        let outer = |href: &str| {
            format!(
                "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' width='4' height='4'><image width='4' height='4' xlink:href='{href}'/></svg>"
            )
        };
        assert_eq!(red_at(&outer(file.to_str().unwrap()), 1, 1), 0);
        assert_eq!(
            red_at(&outer(&format!("file://{}", file.display())), 1, 1),
            0
        );
        assert_eq!(red_at(&outer("http://127.0.0.1:9/a.png"), 1, 1), 0);
        // The same drawn from within is not even then read: documents in documents are bombs.
        let nested = format!(
            "data:image/svg+xml,{}",
            inner
                .replace('#', "%23")
                .replace('\'', "%27")
                .replace('<', "%3C")
                .replace('>', "%3E")
        );
        assert_eq!(red_at(&outer(&nested), 1, 1), 0);
    }

    #[test]
    fn bombs() {
        for svg in [
            "<!DOCTYPE svg [<!ENTITY a '&b;'><!ENTITY b '&a;'>]><svg xmlns='http://www.w3.org/2000/svg'><text>&b;</text></svg>",
            "<svg xmlns='http://www.w3.org/2000/svg' width='0' height='5'/>",
            "<svg xmlns='http://www.w3.org/2000/svg' width='5' height='5'>",
        ] {
            assert!(size(svg.as_bytes()).is_err(), "{svg}");
        }
        let giant = "<svg xmlns='http://www.w3.org/2000/svg' width='99999999' height='99999999'/>";
        let head = inspect(giant.as_bytes()).unwrap();
        let limits = crate::images::processing::PixelLimits::default();
        assert_eq!(
            head.weight_bytes(&ImageTransform::default(), &limits),
            Err(ProcessingError::InputPixels(71_000_000))
        );
    }
}
