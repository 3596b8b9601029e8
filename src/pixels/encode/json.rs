//! What is known of a picture, in the words of weserv's `output=json`.

use serde_json::{Map, Value};

use super::{Head, Picture};

/// Describes a picture as it would be written.
pub(super) fn describe(picture: &Picture, head: &Head) -> Vec<u8> {
    let frame = &picture.frames[0];
    let (size, pages) = (frame.size(), picture.frames.len());
    let channels = match (picture.is_grey, frame.has_alpha()) {
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
    put("space", if picture.is_grey { "b-w" } else { "srgb" }.into());
    put("channels", channels.into());
    put("depth", "uchar".into());
    if let Some(density) = head.density() {
        put("density", density.into());
    }
    if let Some(subsampling) = picture.subsampling {
        put("chromaSubsampling", subsampling.into());
    }
    put("isProgressive", head.is_progressive().into());
    if let Some(bits) = picture.palette_bits {
        put("paletteBitDepth", bits.into());
    }
    if head.frames > 1 {
        put("pages", pages.max(head.frames as usize).into());
    }
    if pages > 1 {
        put("pageHeight", size.height.into());
        put("loop", picture.loops.into());
        put("delay", picture.delays_ms.clone().into());
    }
    put("hasProfile", picture.profile.is_some().into());
    put("hasAlpha", frame.has_alpha().into());
    put("orientation", 0.into());
    Value::Object(fields).to_string().into_bytes()
}
