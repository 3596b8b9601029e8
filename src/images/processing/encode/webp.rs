//! Writing WebP: by libwebp; without it what is lossless, and no animations.

use crate::images::processing::decoded::DecodedImage;
use crate::images::processing::error::ProcessingError;

/// The longest side of a WebP.
const SIDE_MAX: u32 = 16_383;

pub(super) fn encode(
    image: DecodedImage,
    quality: u8,
    effort: u8,
    lossless: bool,
) -> Result<Vec<u8>, ProcessingError> {
    let size = image.frames[0].size();
    if size.width > SIDE_MAX || size.height > SIDE_MAX {
        return Err(ProcessingError::unsupported(
            "a WebP has no more than 16383 pixels on a side",
        ));
    }
    write(&image, quality, effort, lossless)
}

#[cfg(feature = "webp")]
fn write(
    image: &DecodedImage,
    quality: u8,
    effort: u8,
    lossless: bool,
) -> Result<Vec<u8>, ProcessingError> {
    use webpx::{Encoder, EncoderConfig, Unstoppable};
    let [first, rest @ ..] = image.frames.as_slice() else {
        return Err(ProcessingError::Unreadable);
    };
    if !rest.is_empty() {
        return write_frames(image, quality, lossless);
    }
    let (bytes, size) = (first.bytes(), first.size());
    let encoder = if first.has_alpha() {
        Encoder::new_rgba(bytes, size.width, size.height)
    } else {
        Encoder::new_rgb(bytes, size.width, size.height)
    };
    let config = EncoderConfig::new()
        .quality(f32::from(quality))
        .method(effort)
        .alpha_quality(100)
        .lossless(lossless);
    let encoded = encoder.config(config).encode(Unstoppable);
    encoded.map_err(|_| ProcessingError::Unreadable)
}

/// An animation. What libwebp has for frames takes no effort: theirs is 4. A run of frames that are
/// the same becomes one that stays as long.
#[cfg(feature = "webp")]
fn write_frames(
    image: &DecodedImage,
    quality: u8,
    lossless: bool,
) -> Result<Vec<u8>, ProcessingError> {
    use webpx::AnimationEncoder;
    let broken = |_| ProcessingError::Unreadable;
    let size = image.frames[0].size();
    let loops = u32::from(image.loops);
    let mut animation =
        AnimationEncoder::with_options(size.width, size.height, false, loops).map_err(broken)?;
    animation.set_quality(f32::from(quality));
    animation.set_lossless(lossless);
    let mut at_ms: i32 = 0;
    for (index, frame) in image.frames.iter().enumerate() {
        let added = if frame.has_alpha() {
            animation.add_frame_rgba(frame.bytes(), at_ms)
        } else {
            animation.add_frame_rgb(frame.bytes(), at_ms)
        };
        added.map_err(broken)?;
        let delay_ms = image.delays_ms.get(index).copied().unwrap_or_default();
        at_ms = at_ms.saturating_add(i32::try_from(delay_ms).unwrap_or(i32::MAX));
    }
    // How long the last frame stays is known from where the animation ends.
    animation.finish(at_ms).map_err(broken)
}

#[cfg(not(feature = "webp"))]
fn write(image: &DecodedImage, _: u8, _: u8, lossless: bool) -> Result<Vec<u8>, ProcessingError> {
    use image::ExtendedColorType;
    use image::codecs::webp::WebPEncoder;
    let [first] = image.frames.as_slice() else {
        return Err(ProcessingError::saver("animated webp"));
    };
    if !lossless {
        return Err(ProcessingError::saver("webp that is not lossless"));
    }
    let colours = if first.has_alpha() {
        ExtendedColorType::Rgba8
    } else {
        ExtendedColorType::Rgb8
    };
    let (mut bytes, size) = (Vec::new(), first.size());
    let encoder = WebPEncoder::new_lossless(&mut bytes);
    let encoded = encoder.encode(first.bytes(), size.width, size.height, colours);
    encoded
        .map(|()| bytes)
        .map_err(|_| ProcessingError::Unreadable)
}

#[cfg(test)]
#[cfg(feature = "webp")]
mod tests {
    use super::*;
    use crate::images::geometry::Size;
    use crate::images::processing::canvas::Canvas;
    use crate::images::processing::decode::again;

    fn animation(delays_ms: &[u32], loops: u16) -> DecodedImage {
        let frame = |index: usize| {
            let shade = (index * 60) as u8;
            let data = [shade, 255 - shade, 0, 255].repeat(16);
            Canvas::new(Size::new(4, 4), 4, data).unwrap()
        };
        DecodedImage {
            frames: (0..delays_ms.len()).map(frame).collect(),
            delays_ms: delays_ms.to_vec(),
            loops,
            is_grey: false,
            profile: None,
            palette_bits: None,
            subsampling: None,
        }
    }

    #[test]
    fn every_delay_and_the_plays_come_back() {
        for (delays_ms, plays) in [
            (vec![100, 100, 3000], 0),
            (vec![40, 20], 1),
            (vec![7, 0, 9], 300),
        ] {
            let bytes = encode(animation(&delays_ms, plays), 80, 4, true).unwrap();
            let read = again::webp(&bytes);
            assert_eq!((read.loops, read.delays_ms), (plays, delays_ms));
        }
    }

    #[test]
    fn frames_that_are_alike_stay_as_long() {
        let mut image = animation(&[100, 200, 300], 0);
        image.frames[1] = image.frames[0].clone();
        let read = again::webp(&encode(image, 80, 4, false).unwrap());
        assert_eq!(read.delays_ms, [300, 300]);
    }
}
