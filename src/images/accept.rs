//! The format that `output=auto` and `output=origin` choose.

use serde::{Deserialize, Serialize};

use super::format::ImageFormat;
use super::transform::OutputFormat;

/// The formats that a client accepts beyond those that every client shows, for `output=auto`. AVIF is
/// not among them: encoding it takes too long unless it is requested by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Accepted {
    /// WebP is named in `Accept`, and can be had.
    pub webp: bool,
}

impl Accepted {
    /// Reads the values of `Accept`. Wildcards count for nothing: clients that send only those
    /// include such as show neither.
    pub fn of<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let mut accepted = Self::default();
        for range in values.flat_map(|value| value.split(',')).take(100) {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let is_refused = parts.any(|part| {
                let part = part.to_ascii_lowercase();
                part.strip_prefix("q=")
                    .is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0))
            });
            if name == "image/webp" {
                accepted.webp = !is_refused && WEBP_IS_LOSSY;
            }
        }
        accepted
    }

    /// A letter for the keys of caches.
    #[must_use]
    pub fn key(self) -> &'static str {
        if self.webp { "w" } else { "" }
    }
}

/// The format to encode an image in.
#[must_use]
pub fn choose(
    output: OutputFormat,
    kind: ImageFormat,
    accepted: Accepted,
    has_alpha: bool,
    has_frames: bool,
) -> OutputFormat {
    match output {
        OutputFormat::Auto if accepted.webp => OutputFormat::WebP,
        OutputFormat::Auto if has_frames => OutputFormat::Gif,
        OutputFormat::Auto if has_alpha => OutputFormat::Png,
        // What was drawn, not photographed, stays sharp.
        OutputFormat::Auto
            if matches!(
                kind,
                ImageFormat::Png | ImageFormat::Gif | ImageFormat::Svg | ImageFormat::Ico
            ) =>
        {
            OutputFormat::Png
        }
        OutputFormat::Auto => OutputFormat::Jpeg,
        OutputFormat::Origin => match kind {
            ImageFormat::Jpeg if has_alpha => OutputFormat::Png,
            ImageFormat::Jpeg => OutputFormat::Jpeg,
            ImageFormat::Avif | ImageFormat::Heic if AVIF_IS_WRITTEN => OutputFormat::Avif,
            // Who asks for an image that was AVIF shows WebP as well.
            ImageFormat::WebP | ImageFormat::Avif | ImageFormat::Heic if WEBP_IS_LOSSY => {
                OutputFormat::WebP
            }
            ImageFormat::WebP | ImageFormat::Avif | ImageFormat::Heic
                if has_alpha || has_frames =>
            {
                OutputFormat::Png
            }
            ImageFormat::WebP | ImageFormat::Avif | ImageFormat::Heic => OutputFormat::Jpeg,
            ImageFormat::Tiff => OutputFormat::Tiff,
            ImageFormat::Gif => OutputFormat::Gif,
            ImageFormat::Png
            | ImageFormat::Bmp
            | ImageFormat::Ico
            | ImageFormat::Hdr
            | ImageFormat::Svg
            | ImageFormat::Pdf => OutputFormat::Png,
        },
        other => other,
    }
}

/// Whether WebP can be had that is smaller than JPEG.
pub const WEBP_IS_LOSSY: bool = cfg!(feature = "webp");
/// Whether JPEG goes through code that is slower than it could be, for want of an assembler while
/// building.
pub const JPEG_LACKS_SIMD: bool = cfg!(all(feature = "mozjpeg", not(jpeg_in_c)));
/// Whether AVIF can be had.
pub const AVIF_IS_WRITTEN: bool = cfg!(feature = "avif-encode");

/// What is said of that.
pub const NO_SIMD: &str =
    "this build has no SIMD for JPEG, since nasm was missing: images of it take longer";

/// What this build lacks that others have, a sentence each.
#[must_use]
pub fn lacks() -> Vec<&'static str> {
    let faults = [
        (JPEG_LACKS_SIMD, NO_SIMD),
        (
            !WEBP_IS_LOSSY,
            "this build writes WebP without loss only: the feature `webp` is off",
        ),
        (
            !AVIF_IS_WRITTEN,
            "this build writes no AVIF, so that `output=avif` is refused: the feature `avif-encode` is off",
        ),
    ];
    let missing = faults.into_iter().filter(|(is_missing, _)| *is_missing);
    missing.map(|(_, sentence)| sentence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_accepts() {
        for (accept, webp) in [
            ("image/avif,image/webp,*/*;q=0.8", true),
            ("image/webp", true),
            ("IMAGE/WEBP;q=0.1", true),
            ("image/webp;q=0, image/avif;q=0.0", false),
            ("image/avif", false),
            ("image/*,*/*", false),
            ("", false),
        ] {
            let webp = webp && WEBP_IS_LOSSY;
            assert_eq!(
                Accepted::of([accept].into_iter()),
                Accepted { webp },
                "{accept}"
            );
        }
    }

    #[test]
    fn origins() {
        let check = |kind, has_alpha, expected| {
            let chosen = choose(
                OutputFormat::Origin,
                kind,
                Accepted::default(),
                has_alpha,
                false,
            );
            assert_eq!(chosen, expected, "{kind:?}");
        };
        check(ImageFormat::Jpeg, false, OutputFormat::Jpeg);
        check(ImageFormat::Jpeg, true, OutputFormat::Png);
        check(ImageFormat::Gif, true, OutputFormat::Gif);
        check(ImageFormat::Bmp, false, OutputFormat::Png);
        check(ImageFormat::Svg, true, OutputFormat::Png);
        check(ImageFormat::Tiff, false, OutputFormat::Tiff);
        if AVIF_IS_WRITTEN {
            check(ImageFormat::Avif, true, OutputFormat::Avif);
        } else if !WEBP_IS_LOSSY {
            check(ImageFormat::Avif, true, OutputFormat::Png);
            check(ImageFormat::Avif, false, OutputFormat::Jpeg);
        }
    }

    #[test]
    fn auto() {
        let (none, webp) = (Accepted::default(), Accepted { webp: true });
        let check = |kind, accepted, has_alpha, has_frames, expected| {
            assert_eq!(
                choose(OutputFormat::Auto, kind, accepted, has_alpha, has_frames),
                expected
            );
        };
        check(ImageFormat::Jpeg, none, false, false, OutputFormat::Jpeg);
        check(ImageFormat::WebP, none, true, false, OutputFormat::Png);
        check(ImageFormat::WebP, none, true, true, OutputFormat::Gif);
        check(ImageFormat::Png, none, false, false, OutputFormat::Png);
        if WEBP_IS_LOSSY {
            check(ImageFormat::Jpeg, webp, false, false, OutputFormat::WebP);
            check(ImageFormat::Gif, webp, true, true, OutputFormat::WebP);
        }
    }
}
