//! Writing WebP: by libwebp; without it what is lossless, and no animations.

use super::{Picture, Trouble};

/// The longest side of a WebP.
const SIDE_MAX: u32 = 16_383;

pub(super) fn encode(
    picture: Picture,
    quality: u8,
    effort: u8,
    lossless: bool,
) -> Result<Vec<u8>, Trouble> {
    let size = picture.frames[0].size();
    if size.width > SIDE_MAX || size.height > SIDE_MAX {
        return Err(Trouble::unsupported(
            "a WebP has no more than 16383 pixels on a side",
        ));
    }
    write(&picture, quality, effort, lossless)
}

#[cfg(feature = "webp")]
fn write(picture: &Picture, quality: u8, effort: u8, lossless: bool) -> Result<Vec<u8>, Trouble> {
    use webp::{AnimEncoder, AnimFrame, Encoder, WebPConfig};
    let mut config = WebPConfig::new().map_err(|()| Trouble::Unreadable)?;
    config.quality = f32::from(quality);
    config.alpha_quality = 100;
    config.method = i32::from(effort);
    config.lossless = i32::from(lossless);
    let [first, rest @ ..] = picture.frames.as_slice() else {
        return Err(Trouble::Unreadable);
    };
    let size = first.size();
    if rest.is_empty() {
        let encoder = if first.has_alpha() {
            Encoder::from_rgba(first.bytes(), size.width, size.height)
        } else {
            Encoder::from_rgb(first.bytes(), size.width, size.height)
        };
        let memory = encoder
            .encode_advanced(&config)
            .map_err(|_| Trouble::Unreadable)?;
        return Ok(memory.to_vec());
    }
    let mut animation = AnimEncoder::new(size.width, size.height, &config);
    animation.set_loop_count(i32::from(picture.loops));
    let mut at_ms: i32 = 0;
    for (frame, delay_ms) in picture.frames.iter().zip(&picture.delays_ms) {
        animation.add_frame(if frame.has_alpha() {
            AnimFrame::from_rgba(frame.bytes(), size.width, size.height, at_ms)
        } else {
            AnimFrame::from_rgb(frame.bytes(), size.width, size.height, at_ms)
        });
        at_ms = at_ms.saturating_add(i32::try_from(*delay_ms).unwrap_or(i32::MAX));
    }
    let memory = animation.try_encode().map_err(|_| Trouble::Unreadable)?;
    Ok(memory.to_vec())
}

#[cfg(not(feature = "webp"))]
fn write(picture: &Picture, _: u8, _: u8, lossless: bool) -> Result<Vec<u8>, Trouble> {
    use image::ExtendedColorType;
    use image::codecs::webp::WebPEncoder;
    let [first] = picture.frames.as_slice() else {
        return Err(Trouble::saver("animated webp"));
    };
    if !lossless {
        return Err(Trouble::saver("webp that is not lossless"));
    }
    let colours = if first.has_alpha() {
        ExtendedColorType::Rgba8
    } else {
        ExtendedColorType::Rgb8
    };
    let (mut bytes, size) = (Vec::new(), first.size());
    let encoder = WebPEncoder::new_lossless(&mut bytes);
    let encoded = encoder.encode(first.bytes(), size.width, size.height, colours);
    encoded.map(|()| bytes).map_err(|_| Trouble::Unreadable)
}
