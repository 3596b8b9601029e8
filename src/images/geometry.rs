//! How large an image becomes, and what of it stays: weserv's arithmetic, which is libvips'.

use super::transform::{Crop, Fit, ImageTransform, Length, Position};

/// A size in pixels; neither side is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

/// A rectangle within an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the sides of a rectangle")]
pub struct Area {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

impl Size {
    /// A size, each side at least 1.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Self {
        Self {
            width: width.max(1),
            height: height.max(1),
        }
    }

    /// Its pixels.
    #[must_use]
    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// The same, lying on its side.
    #[must_use]
    pub fn turned(self) -> Self {
        Self {
            width: self.height,
            height: self.width,
        }
    }

    /// All of it.
    #[must_use]
    pub fn whole(self) -> Area {
        Area {
            left: 0,
            top: 0,
            width: self.width,
            height: self.height,
        }
    }
}

/// By how much an image of this size is shrunk, in each direction; below 1 it grows.
#[must_use]
pub fn shrink(size: Size, target: (Option<u32>, Option<u32>), fit: Fit, we: bool) -> (f64, f64) {
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    let (h, v) = match target {
        (Some(w), Some(h)) => {
            let (h, v) = (width / f64::from(w), height / f64::from(h));
            match fit {
                Fit::Cover | Fit::Outside => (h.min(v), h.min(v)),
                Fit::Contain | Fit::Inside => (h.max(v), h.max(v)),
                Fit::Fill => (h, v),
            }
        }
        (Some(w), None) => {
            let h = width / f64::from(w);
            (h, if fit == Fit::Fill { 1.0 } else { h })
        }
        (None, Some(h)) => {
            let v = height / f64::from(h);
            (if fit == Fit::Fill { 1.0 } else { v }, v)
        }
        (None, None) => (1.0, 1.0),
    };
    let (h, v) = if we { (h.max(1.0), v.max(1.0)) } else { (h, v) };
    // No side becomes shorter than a pixel.
    (h.min(width), v.min(height))
}

/// The size after that.
#[must_use]
pub fn resized(size: Size, target: (Option<u32>, Option<u32>), fit: Fit, we: bool) -> Size {
    let (h, v) = shrink(size, target, fit, we);
    let side = |length: u32, by: f64| (f64::from(length) / by).round_ties_even() as u32;
    Size::new(side(size.width, h), side(size.height, v))
}

/// How much of the shrinking a decoder may do while it decodes: 1, 2, 4 or 8. It is coarser than
/// resampling, so that with `is_careful` twice as much has to be left to that.
#[must_use]
pub fn decoder_shrink(shrink: (f64, f64), is_careful: bool) -> u8 {
    let most = shrink.0.min(shrink.1) / if is_careful { 2.0 } else { 1.0 };
    [8, 4, 2]
        .into_iter()
        .find(|by| most >= f64::from(*by))
        .unwrap_or(1)
}

/// What `fit=cover` leaves of an image that was brought to `size` from `source`.
#[must_use]
pub fn covered(
    transform: &ImageTransform,
    source: Size,
    size: Size,
    target: (Option<u32>, Option<u32>),
) -> Area {
    let width = target.0.map_or(size.width, |w| w.min(size.width));
    let height = target.1.map_or(size.height, |h| h.min(size.height));
    let kept = Size { width, height };
    let (left, top) = if transform.a == Position::Focal {
        let factor = (f64::from(source.width) / f64::from(width))
            .min(f64::from(source.height) / f64::from(height));
        let along = |part: f32, length: u32, kept: u32, whole: u32| {
            let centre = f64::from(part) * f64::from(length) / factor;
            let start = (centre - f64::from(kept) / 2.0).round();
            start.clamp(0.0, f64::from(whole - kept)) as u32
        };
        (
            along(transform.focus.0, source.width, width, size.width),
            along(transform.focus.1, source.height, height, size.height),
        )
    } else {
        place(transform.a, kept, size)
    };
    Area {
        left,
        top,
        width,
        height,
    }
}

/// Where `fit=contain` puts an image of this size, and in how much space.
#[must_use]
pub fn contained(
    transform: &ImageTransform,
    size: Size,
    target: (Option<u32>, Option<u32>),
) -> (Size, (u32, u32)) {
    let outer = Size::new(
        target.0.unwrap_or(size.width).max(size.width),
        target.1.unwrap_or(size.height).max(size.height),
    );
    let at = if transform.a == Position::Focal {
        let along = |part: f32, inner: u32, outer: u32| {
            let start = f64::from(outer) * f64::from(part) - f64::from(inner) / 2.0;
            start.round().clamp(0.0, f64::from(outer - inner)) as u32
        };
        (
            along(transform.focus.0, size.width, outer.width),
            along(transform.focus.1, size.height, outer.height),
        )
    } else {
        place(transform.a, size, outer)
    };
    (outer, at)
}

/// Where the smaller lies in the larger.
fn place(position: Position, inner: Size, outer: Size) -> (u32, u32) {
    let (right, bottom) = (outer.width - inner.width, outer.height - inner.height);
    let left = match position {
        Position::Left | Position::TopLeft | Position::BottomLeft => 0,
        Position::Right | Position::TopRight | Position::BottomRight => right,
        _ => right / 2,
    };
    let top = match position {
        Position::Top | Position::TopLeft | Position::TopRight => 0,
        Position::Bottom | Position::BottomLeft | Position::BottomRight => bottom,
        _ => bottom / 2,
    };
    (left, top)
}

/// The rectangle that is cut out of an image of this size.
#[must_use]
pub fn cut(crop: &Crop, size: Size) -> Area {
    let pixels = |length: Option<Length>, base: u32| match length {
        Some(Length::Pixels(pixels)) => pixels,
        Some(Length::Part(part)) => (part * f64::from(base)).round() as u32,
        None => 0,
    };
    let start = |length, base| {
        Some(pixels(length, base))
            .filter(|at| *at < base)
            .unwrap_or(0)
    };
    let (left, top) = (start(crop.x, size.width), start(crop.y, size.height));
    let length = |length, base: u32, from: u32| match pixels(length, base) {
        0 => base - from,
        pixels => pixels.min(base - from),
    };
    Area {
        left,
        top,
        width: length(crop.w, size.width, left),
        height: length(crop.h, size.height, top),
    }
}

/// The size of what an image takes up that is turned by this angle.
#[must_use]
pub fn turned(size: Size, degrees: f64) -> Size {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    let (sin, cos) = (sin.abs(), cos.abs());
    Size::new(
        (width * cos + height * sin).round() as u32,
        (width * sin + height * cos).round() as u32,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transform(query: &str) -> ImageTransform {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        ImageTransform::of(pairs.map(|pair| match pair.split_once('=') {
            Some((name, value)) => (name, Some(value.into())),
            None => (pair, None),
        }))
    }

    /// What comes of an image of 2725 by 2225.
    fn check(query: &str, width: u32, height: u32) {
        let (transform, source) = (transform(query), Size::new(2725, 2225));
        let target = transform.target(source.width, source.height);
        let mut size = resized(source, target, transform.fit, transform.we);
        if transform.fit == Fit::Cover {
            let area = covered(&transform, source, size, target);
            size = Size::new(area.width, area.height);
        }
        if let Some(crop) = &transform.crop {
            let area = cut(crop, size);
            size = Size::new(area.width, area.height);
        }
        if transform.fit == Fit::Contain {
            size = contained(&transform, size, target).0;
        }
        assert_eq!((size.width, size.height), (width, height), "{query}");
    }

    #[test]
    fn sizes() {
        for (query, width, height) in [
            ("", 2725, 2225),
            ("w=320&h=240", 294, 240),
            ("w=160&h=120&dpr=2", 294, 240),
            ("w=160&h=120&dpr=9", 147, 120),
            ("w=3000", 3000, 2450),
            ("w=3000&fit=inside&we=false", 3000, 2450),
            ("w=3000&we", 2725, 2225),
            ("w=320", 320, 261),
            ("h=320", 392, 320),
            ("w=50%", 1363, 1113),
            ("w=320&h=320&fit=outside", 392, 320),
            ("w=320&h=240&fit=cover", 320, 240),
            ("w=123&h=100&fit=cover&we", 123, 100),
            ("w=3000&h=3000&fit=cover&we", 2725, 2225),
            ("w=2800&fit=cover&we", 2725, 2225),
            ("w=3000&h=3000&fit=cover", 3000, 3000),
            ("w=320&h=320&fit=fill", 320, 320),
            ("w=320&fit=fill", 320, 2225),
            ("h=320&fit=fill", 2725, 320),
            ("w=3000&h=320&fit=fill", 3000, 320),
            ("fit=fill", 2725, 2225),
            ("w=320&h=261&fit=contain", 320, 261),
            ("w=320&h=320&fit=contain", 320, 320),
            ("w=5000&h=5000&fit=contain&we", 5000, 5000),
            ("cx=2&cy=2&cw=20&ch=20", 20, 20),
            ("crop=20,20,2,2", 20, 20),
            ("cx=2405&cy=1985&cw=30000&ch=30000", 320, 240),
            ("w=320&h=240&fit=cover&cx=10&cy=10&cw=-10&ch=10", 310, 10),
            ("w=320&h=240&fit=cover&cx=10&cy=10&cw=50%&ch=100%", 160, 230),
            (
                "w=320&h=240&fit=cover&cx=10&cy=10&cw=50%25&ch=100%25",
                160,
                230,
            ),
            ("w=320&h=240&fit=cover&cx=10&cy=10&cw=200%&ch=", 310, 230),
            ("w=320&h=240&fit=cover&cx=3000&cy=10&cw=10&ch=10", 10, 10),
            ("w=1", 1, 1),
            ("w=100000000", 2725, 2225),
        ] {
            check(query, width, height);
        }
    }

    #[test]
    fn no_side_vanishes() {
        for (width, height, query, expected) in [
            (10, 2, "w=2", (2, 1)),
            (2, 10, "h=2", (1, 2)),
            (1, 10, "h=5", (1, 5)),
            (9999, 1, "w=1", (1, 1)),
        ] {
            let transform = transform(query);
            let size = resized(
                Size::new(width, height),
                transform.target(width, height),
                transform.fit,
                transform.we,
            );
            assert_eq!((size.width, size.height), expected, "{query}");
        }
    }

    #[test]
    fn places() {
        let size = Size::new(400, 300);
        for (a, left, top) in [
            ("top-left", 0, 0),
            ("top", 150, 0),
            ("t", 150, 0),
            ("top-right", 300, 0),
            ("left", 0, 125),
            ("", 150, 125),
            ("center", 150, 125),
            ("right", 300, 125),
            ("bottom-left", 0, 250),
            ("bottom", 150, 250),
            ("bottom-right", 300, 250),
        ] {
            let transform = transform(&format!("fit=cover&a={a}"));
            let area = covered(&transform, size, size, (Some(100), Some(50)));
            assert_eq!((area.left, area.top), (left, top), "{a}");
        }
    }

    #[test]
    fn focal_points() {
        // 2725 × 2225 covering 320 × 80: 320 × 261 before the cut.
        let source = Size::new(2725, 2225);
        for (query, top) in [
            ("a=focal", 91),
            ("a=focal&fpy=0", 0),
            ("a=focal&fpy=1", 181),
            ("a=focal-50-30", 38),
        ] {
            let transform = transform(&format!("fit=cover&w=320&h=80&{query}"));
            let target = transform.target(source.width, source.height);
            let size = resized(source, target, transform.fit, transform.we);
            assert_eq!(
                covered(&transform, source, size, target).top,
                top,
                "{query}"
            );
        }
    }

    #[test]
    fn angles() {
        for (width, height, degrees, expected) in [
            (320, 261, 30.0, (408, 386)),
            (320, 240, 30.0, (397, 368)),
            (240, 240, 315.0, (339, 339)),
            (320, 240, -30.0, (397, 368)),
        ] {
            let size = turned(Size::new(width, height), degrees);
            assert_eq!((size.width, size.height), expected, "{degrees}");
        }
    }

    #[test]
    fn decoders_shrink_by_powers_of_two() {
        for (by, careful, expected) in [
            (1.0, false, 1),
            (1.99, false, 1),
            (2.0, false, 2),
            (2.4, false, 2),
            (2.4, true, 1),
            (4.0, true, 2),
            (9.0, false, 8),
            (100.0, true, 8),
        ] {
            assert_eq!(decoder_shrink((by, by + 1.0), careful), expected, "{by}");
        }
    }
}
