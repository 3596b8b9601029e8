//! How much of an image is left: SSIMULACRA2, 100 for nothing lost.

use image::RgbImage;
use image::imageops::{FilterType, resize};
use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};

use crate::WIDTH;

/// The source in the size that is asked for, by neither of those who are compared.
pub(crate) fn reference(source: &[u8]) -> anyhow::Result<RgbImage> {
    let source = image::load_from_memory(source)?.into_rgb8();
    let height =
        (f64::from(source.height()) * f64::from(WIDTH) / f64::from(source.width())).round();
    Ok(resize(&source, WIDTH, height as u32, FilterType::Lanczos3))
}

/// What `made` scores against it.
pub(crate) fn score(reference: &RgbImage, made: &[u8]) -> anyhow::Result<f64> {
    let made = image::load_from_memory(made)?.into_rgb8();
    let frame = |image: &RgbImage| {
        let pixels = image
            .pixels()
            .map(|pixel| pixel.0.map(|value| f32::from(value) / 255.0));
        let (width, height) = (image.width() as usize, image.height() as usize);
        Rgb::new(
            pixels.collect(),
            width,
            height,
            TransferCharacteristic::SRGB,
            ColorPrimaries::BT709,
        )
        .map_err(|error| anyhow::anyhow!("no image: {error}"))
    };
    let score = compute_frame_ssimulacra2(frame(reference)?, frame(&made)?);
    score.map_err(|error| anyhow::anyhow!("no score: {error}"))
}
