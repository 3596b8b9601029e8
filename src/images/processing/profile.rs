//! Colour profiles: to sRGB, which is what is meant where no profile says otherwise.

use moxcms::{ColorProfile, DataColorSpace, Layout, RenderingIntent, TransformOptions};

use super::canvas::Canvas;

/// What a profile of sRGB itself says somewhere.
const SRGB_NAMES: [&[u8]; 2] = [b"sRGB IEC61966", b"s\0R\0G\0B\0 \0I\0E\0C\0"];

fn options() -> TransformOptions {
    TransformOptions {
        rendering_intent: RenderingIntent::Perceptual,
        ..TransformOptions::default()
    }
}

/// Colours of this profile as sRGB. A profile that can't be read changes nothing.
pub(super) fn to_srgb(canvas: Canvas, profile: &[u8], is_grey: bool) -> Canvas {
    let is_srgb = SRGB_NAMES
        .iter()
        .any(|name| memchr::memmem::find(profile, name).is_some());
    if is_srgb {
        return canvas;
    }
    let Ok(source) = ColorProfile::new_from_slice(profile) else {
        return canvas;
    };
    let (size, channels) = (canvas.size(), canvas.channels());
    let target = ColorProfile::new_srgb();
    let data = match source.color_space {
        DataColorSpace::Rgb => {
            let layout = if channels == 4 {
                Layout::Rgba
            } else {
                Layout::Rgb
            };
            let Ok(transform) = source.create_transform_8bit(layout, &target, layout, options())
            else {
                return canvas;
            };
            let mut data = vec![0; canvas.bytes().len()];
            transform
                .transform(canvas.bytes(), &mut data)
                .map(|()| data)
                .ok()
        }
        DataColorSpace::Gray if is_grey => {
            let Ok(transform) =
                source.create_transform_8bit(Layout::Gray, &target, Layout::Rgb, options())
            else {
                return canvas;
            };
            let pixels = || canvas.bytes().chunks_exact(channels);
            let greys: Vec<u8> = pixels().map(|pixel| pixel[0]).collect();
            let mut colours = vec![0; greys.len() * 3];
            let is_done = transform.transform(&greys, &mut colours).is_ok();
            // Alpha is no colour.
            let both = colours.as_chunks::<3>().0.iter().zip(pixels());
            let pixels = both.flat_map(|(colour, pixel)| colour.iter().chain(&pixel[3..]));
            is_done.then(|| pixels.copied().collect())
        }
        _ => None,
    };
    data.and_then(|data| Canvas::new(size, channels, data))
        .unwrap_or(canvas)
}

/// The profile of code points (ITU-T H.273) for primaries and transfer; none where they are sRGB's
/// or near it. What is meant for brighter screens, PQ and HLG,
/// has none: it stays as flat as it is stored, as in weserv.
#[cfg(feature = "avif")]
pub(super) fn of_code_points(primaries: u16, transfer: u16) -> Option<Vec<u8>> {
    // PQ and HLG.
    if matches!(transfer, 16 | 18) {
        return None;
    }
    let mut profile = match primaries {
        9 => ColorProfile::new_bt2020(),
        12 => ColorProfile::new_display_p3(),
        _ => return None,
    };
    // The curve of sRGB.
    if transfer == 13 {
        let curve = ColorProfile::new_srgb().red_trc;
        profile.red_trc.clone_from(&curve);
        profile.green_trc.clone_from(&curve);
        profile.blue_trc = curve;
    }
    profile.encode().ok()
}

/// CMYK as sRGB, by its profile or, without one, as inks that take away light. They are stored inverted,
/// whether or not a marker says so: so Adobe's programs write them, and everybody else after those.
pub(super) fn cmyk_to_rgb(data: &[u8], profile: Option<&[u8]>) -> Vec<u8> {
    let inks: Vec<u8> = data.iter().map(|light| 255 - light).collect();
    let by_profile = profile.and_then(|profile| {
        let source = ColorProfile::new_from_slice(profile).ok()?;
        if source.color_space != DataColorSpace::Cmyk {
            return None;
        }
        let target = ColorProfile::new_srgb();
        let transform = source
            .create_transform_8bit(Layout::Rgba, &target, Layout::Rgb, options())
            .ok()?;
        let mut rgb = vec![0; inks.len() / 4 * 3];
        transform.transform(&inks, &mut rgb).ok().map(|()| rgb)
    });
    by_profile.unwrap_or_else(|| {
        let light =
            |ink: u8, black: u8| (u16::from(255 - ink) * u16::from(255 - black) / 255) as u8;
        let pixels = inks.as_chunks::<4>().0.iter();
        pixels
            .flat_map(|[c, m, y, k]| [light(*c, *k), light(*m, *k), light(*y, *k)])
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::colour::Colour;
    use crate::images::geometry::Size;

    #[test]
    fn wide_colours_become_ours() {
        let p3 = ColorProfile::new_display_p3().encode().unwrap();
        let red = Canvas::filled(Size::new(2, 2), 3, Colour::opaque(200, 30, 30));
        let converted = to_srgb(red.clone(), &p3, false);
        assert!(converted.bytes()[0] > 210, "{:?}", converted.bytes());
        assert_eq!(to_srgb(red.clone(), b"no profile", false), red);
        let srgb = [b"xx".as_slice(), SRGB_NAMES[0]].concat();
        assert_eq!(to_srgb(red.clone(), &srgb, false), red);
    }

    #[test]
    fn grey_with_alpha_is_grey() {
        let profile = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
        let plain = Canvas::filled(Size::new(2, 1), 3, Colour::opaque(50, 50, 50));
        let light = to_srgb(plain.clone(), &profile, true).bytes()[0];
        assert!(light > 110, "{light}");
        let mut clear = plain.with_alpha();
        clear.bytes_mut()[7] = 9;
        let both = to_srgb(clear, &profile, true);
        assert_eq!(
            both.bytes(),
            [light, light, light, 255, light, light, light, 9]
        );
    }

    #[test]
    fn inks() {
        let stored = [[255; 4], [0, 255, 255, 255], [255, 255, 255, 0]].concat();
        let expected = [[255; 3], [0, 255, 255], [0; 3]].concat();
        assert_eq!(cmyk_to_rgb(&stored, None), expected);
    }
}
