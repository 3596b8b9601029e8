//! The transform of an image, typed: weserv's parameters with its defaults and its way with invalid
//! values.
//!
//! Invariant: no value is an error; a value out of range counts as not given.

mod read;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::colour::Colour;

/// A width or height after `dpr`.
const SIDE_MAX: f64 = 10_000_000.0;

/// A length: pixels, or a part of the image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Length {
    /// Pixels, at least 1.
    Pixels(u32),
    /// Of the image's own length, 0 to 1.
    Part(f64),
}

/// How an image is fitted to a width and a height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Fit {
    /// As large as fits.
    #[default]
    Inside,
    /// As small as covers.
    Outside,
    /// Covers, what is too much is cut off.
    Cover,
    /// Fits, what is missing is filled.
    Contain,
    /// Exactly, without regard to proportions.
    Fill,
}

/// The position of the image in the area that it is cropped or extended to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "nine places of a grid")]
pub enum Position {
    #[default]
    Center,
    Top,
    Bottom,
    Left,
    Right,
    TopLeft,
    TopRight,
    BottomLeft,
    BottomRight,
    /// Around a point.
    Focal,
    /// Where most is to be seen.
    Entropy,
    /// Where people look.
    Attention,
}

/// The format that an image is encoded in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "names of formats")]
pub enum OutputFormat {
    /// The format of the original.
    #[default]
    Origin,
    /// The best that the client accepts.
    Auto,
    Jpeg,
    Png,
    WebP,
    Gif,
    Tiff,
    Avif,
    Jxl,
    /// Not the image but a description of it.
    Json,
}

/// A colour filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "names of looks")]
pub enum Filter {
    Greyscale,
    Sepia,
    Duotone(Colour, Colour),
    Negate,
}

/// A shape to cut out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "names of shapes")]
pub enum Mask {
    Circle,
    Ellipse,
    Triangle,
    TriangleDown,
    Pentagon,
    PentagonDown,
    Hexagon,
    Square,
    Star,
    Heart,
}

/// Which frame, or page, of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Page {
    /// By number, from 0.
    Number(u32),
    /// The one with the most pixels.
    Largest,
    /// The one with the fewest.
    Smallest,
}

/// How many frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pages {
    /// So many, at least 1.
    Count(u32),
    /// All there are.
    All,
}

/// A sharpening or blurring.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Strength {
    /// Quick and slight.
    Mild,
    /// A Gaussian of this sigma, in pixels.
    Sigma(f32),
}

/// A rectangle to cut out; what is not given goes to the edge.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the sides of a rectangle")]
pub struct Crop {
    pub x: Option<Length>,
    pub y: Option<Length>,
    pub w: Option<Length>,
    pub h: Option<Length>,
}

/// The colours, tones and sharpness.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Adjust {
    /// Added, in hundredths of the range.
    pub bri: i32,
    /// Contrast, -100 to 100.
    pub con: i32,
    /// Gamma, 1 to 3.
    pub gam: Option<f32>,
    /// Lightness, saturation (factors) and hue (degrees).
    pub modulate: Option<(f32, f32, i32)>,
    /// Sharpening.
    pub sharp: Option<Strength>,
    /// Slopes of the sharpening in flat and in jagged areas.
    pub slopes: (f32, f32),
    /// Blurring.
    pub blur: Option<Strength>,
    /// A colour filter.
    pub filt: Option<Filter>,
    /// A colour that the image takes on.
    pub tint: Option<Colour>,
}

/// All that is done to an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "weserv's names; docs/images.md explains each")]
pub struct ImageTransform {
    pub w: Option<Length>,
    pub h: Option<Length>,
    pub dpr: f64,
    pub fit: Fit,
    pub we: bool,
    pub a: Position,
    pub focus: (f32, f32),
    pub crop: Option<Crop>,
    pub precrop: bool,
    pub trim: Option<u8>,
    pub tbg: Colour,
    pub ro: i32,
    pub flip: bool,
    pub flop: bool,
    pub bg: Colour,
    pub cbg: Colour,
    pub rbg: Colour,
    pub mask: Option<Mask>,
    pub mtrim: bool,
    pub mbg: Colour,
    pub adjust: Adjust,
    pub output: OutputFormat,
    pub q: Option<u8>,
    pub l: u8,
    pub il: bool,
    pub ll: bool,
    pub af: bool,
    pub n: Option<Pages>,
    pub page: Page,
    /// Half as much scaling while decoding.
    pub fsol: bool,
    pub loops: Option<u16>,
    pub delays: Vec<Duration>,
}

impl ImageTransform {
    /// Whether nothing is changed, so that the original is served.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the image is only made smaller: then serving the original is better than an error.
    #[must_use]
    pub fn only_shrinks(&self) -> bool {
        let rest = Self {
            w: None,
            h: None,
            dpr: 1.0,
            fit: Fit::Inside,
            we: false,
            q: None,
            output: OutputFormat::Origin,
            ..self.clone()
        };
        matches!(self.fit, Fit::Inside | Fit::Outside)
            && matches!(
                self.output,
                OutputFormat::Origin | OutputFormat::Auto | OutputFormat::Avif
            )
            && rest.is_nothing()
    }

    /// The width and the height to bring an image of this size to, `dpr` applied.
    #[must_use]
    pub fn target(&self, width: u32, height: u32) -> (Option<u32>, Option<u32>) {
        let side = |length: Option<Length>, base: u32| {
            let pixels = match length? {
                Length::Pixels(pixels) => f64::from(pixels),
                Length::Part(part) => (part * f64::from(base)).round(),
            };
            let pixels = (pixels * self.dpr).round().min(SIDE_MAX);
            (pixels >= 1.0).then_some(pixels as u32)
        };
        (side(self.w, width), side(self.h, height))
    }
}

impl Default for ImageTransform {
    fn default() -> Self {
        Self::of(std::iter::empty())
    }
}
