//! What is known of an image, in the words of weserv's `output=json`.

use serde_json::{Map, Value};

use crate::images::processing::decode::ImageHead;
use crate::images::processing::decoded::DecodedImage;

/// Describes an image as it would be written.
pub(super) fn describe(image: &DecodedImage, head: &ImageHead) -> Vec<u8> {
    let frame = &image.frames[0];
    let (size, pages) = (frame.size(), image.frames.len());
    let channels = match (image.is_grey, frame.has_alpha()) {
        (true, false) => 1,
        (true, true) => 2,
        (false, false) => 3,
        (false, true) => 4,
    };
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| {
        fields.insert(name.to_owned(), value);
    };
    put("format", head.kind.loader().into());
    put("width", size.width.into());
    put("height", (u64::from(size.height) * pages as u64).into());
    put("space", if image.is_grey { "b-w" } else { "srgb" }.into());
    put("channels", channels.into());
    put("depth", "uchar".into());
    if let Some(density) = head.density() {
        put("density", density.into());
    }
    if let Some(subsampling) = image.subsampling {
        put("chromaSubsampling", subsampling.into());
    }
    put("isProgressive", head.is_progressive().into());
    if let Some(bits) = image.palette_bits {
        put("paletteBitDepth", bits.into());
    }
    if head.frames > 1 {
        put("pages", pages.max(head.frames as usize).into());
    }
    if pages > 1 {
        put("pageHeight", size.height.into());
        put("loop", image.loops.into());
        put("delay", image.delays_ms.clone().into());
    }
    put("hasProfile", image.profile.is_some().into());
    put("hasAlpha", frame.has_alpha().into());
    put("orientation", 0.into());
    Value::Object(fields).to_string().into_bytes()
}
