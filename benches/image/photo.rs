//! The images that are made smaller.

use std::path::{Path, PathBuf};

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, resize};
use image::{Rgb, RgbImage};

/// Qualities that cameras and newsrooms save with.
const JPEG_QUALITY: u8 = 90;

/// `photo` as 1920×1080 JPEG, 4000×3000 JPEG and 1920×1080 PNG, in this order.
pub(crate) fn write(photo: &RgbImage, folder: &Path) -> anyhow::Result<[PathBuf; 3]> {
    let usual = resize(photo, 1920, 1080, FilterType::Lanczos3);
    let large = resize(photo, 4000, 3000, FilterType::Lanczos3);
    let paths = ["usual.jpg", "large.jpg", "usual.png"].map(|name| folder.join(name));
    for (image, path) in [(&usual, &paths[0]), (&large, &paths[1])] {
        let file = std::fs::File::create(path)?;
        image.write_with_encoder(JpegEncoder::new_with_quality(file, JPEG_QUALITY))?;
    }
    usual.save(&paths[2])?;
    Ok(paths)
}

/// A landscape of noise with detail in every size, a sky and some edges; the same every time.
pub(crate) fn made_up(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
        let mut ground = 0.0;
        let (mut size, mut weight) = (4.0, 0.5);
        for octave in 0..9 {
            ground += weight * noise(u * size, v * size, octave);
            size *= 2.0;
            weight *= 0.55;
        }
        let horizon = 0.35 + 0.2 * noise(u * 6.0, 0.0, 99);
        let is_sky = v < horizon;
        let stripe = if (u * 40.0).fract() < 0.04 && !is_sky {
            0.5
        } else {
            1.0
        };
        let tone = if is_sky {
            0.65 + 0.3 * v + 0.05 * ground
        } else {
            ground * stripe
        };
        let shade = |gain: f32, lift: f32| ((tone * gain + lift).clamp(0.0, 1.0) * 255.0) as u8;
        if is_sky {
            Rgb([shade(0.8, 0.0), shade(0.95, 0.0), shade(1.0, 0.15)])
        } else {
            Rgb([shade(1.0, 0.05), shade(0.9, 0.05), shade(0.6, 0.0)])
        }
    })
}

/// Smooth noise from 0 to 1.
fn noise(x: f32, y: f32, seed: u32) -> f32 {
    let (column, row) = (x.floor(), y.floor());
    let smooth = |part: f32| part * part * (3.0 - 2.0 * part);
    let (right, down) = (smooth(x - column), smooth(y - row));
    let at = |dx: f32, dy: f32| dice(column + dx, row + dy, seed);
    let top = at(0.0, 0.0) + (at(1.0, 0.0) - at(0.0, 0.0)) * right;
    let bottom = at(0.0, 1.0) + (at(1.0, 1.0) - at(0.0, 1.0)) * right;
    top + (bottom - top) * down
}

fn dice(x: f32, y: f32, seed: u32) -> f32 {
    let mut mixed = (x as u32)
        .wrapping_mul(0x9e37_79b1)
        .wrapping_add((y as u32).wrapping_mul(0x85eb_ca77))
        .wrapping_add(seed.wrapping_mul(0xc2b2_ae3d));
    mixed ^= mixed >> 15;
    mixed = mixed.wrapping_mul(0x2c1b_3c6d);
    mixed ^= mixed >> 12;
    (mixed & 0xffff) as f32 / 65535.0
}
