//! What `output=auto` and `output=origin` come to.

use serde::{Deserialize, Serialize};

use super::format::Kind;
use super::transform::Output;

/// What `output=auto` chooses by: what a client accepts, apart from what every client shows. AVIF is
/// no part of it: writing one takes too long for what nobody asked for by name.
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

/// What an image of this kind is written as.
#[must_use]
pub fn choose(
    output: Output,
    kind: Kind,
    accepted: Accepted,
    has_alpha: bool,
    has_frames: bool,
) -> Output {
    match output {
        Output::Auto if accepted.webp => Output::WebP,
        Output::Auto if has_frames => Output::Gif,
        Output::Auto if has_alpha => Output::Png,
        // What was drawn, not photographed, stays sharp.
        Output::Auto if matches!(kind, Kind::Png | Kind::Gif | Kind::Svg | Kind::Ico) => {
            Output::Png
        }
        Output::Auto => Output::Jpeg,
        Output::Origin => match kind {
            Kind::Jpeg if has_alpha => Output::Png,
            Kind::Jpeg => Output::Jpeg,
            Kind::Avif | Kind::Heic if AVIF_IS_WRITTEN => Output::Avif,
            // Who asks for an image that was AVIF shows WebP as well.
            Kind::WebP | Kind::Avif | Kind::Heic if WEBP_IS_LOSSY => Output::WebP,
            Kind::WebP | Kind::Avif | Kind::Heic if has_alpha || has_frames => Output::Png,
            Kind::WebP | Kind::Avif | Kind::Heic => Output::Jpeg,
            Kind::Tiff => Output::Tiff,
            Kind::Gif => Output::Gif,
            Kind::Png | Kind::Bmp | Kind::Ico | Kind::Hdr | Kind::Svg | Kind::Pdf => Output::Png,
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
            let chosen = choose(Output::Origin, kind, Accepted::default(), has_alpha, false);
            assert_eq!(chosen, expected, "{kind:?}");
        };
        check(Kind::Jpeg, false, Output::Jpeg);
        check(Kind::Jpeg, true, Output::Png);
        check(Kind::Gif, true, Output::Gif);
        check(Kind::Bmp, false, Output::Png);
        check(Kind::Svg, true, Output::Png);
        check(Kind::Tiff, false, Output::Tiff);
        if AVIF_IS_WRITTEN {
            check(Kind::Avif, true, Output::Avif);
        } else if !WEBP_IS_LOSSY {
            check(Kind::Avif, true, Output::Png);
            check(Kind::Avif, false, Output::Jpeg);
        }
    }

    #[test]
    fn auto() {
        let (none, webp) = (Accepted::default(), Accepted { webp: true });
        let check = |kind, accepted, has_alpha, has_frames, expected| {
            assert_eq!(
                choose(Output::Auto, kind, accepted, has_alpha, has_frames),
                expected
            );
        };
        check(Kind::Jpeg, none, false, false, Output::Jpeg);
        check(Kind::WebP, none, true, false, Output::Png);
        check(Kind::WebP, none, true, true, Output::Gif);
        check(Kind::Png, none, false, false, Output::Png);
        if WEBP_IS_LOSSY {
            check(Kind::Jpeg, webp, false, false, Output::WebP);
            check(Kind::Gif, webp, true, true, Output::WebP);
        }
    }
}
