//! From names and values, as they are written, to what they mean.

use std::borrow::Cow;
use std::time::Duration;

use super::{
    Adjust, Crop, Filter, Fit, ImageTransform, Length, Mask, OutputFormat, Page, Pages, Position,
    Strength,
};
use crate::images::colour::Colour;

/// Numbers above this are as good as none.
const NUMBER_MAX: i64 = 10_000_000;
/// Frame delays that are read.
const DELAYS_MAX: usize = 256;
/// The last page that can be named.
const PAGE_MAX: i64 = 100_000;
/// A duotone's colours, as weserv has them.
const DUOTONE: (Colour, Colour) = (Colour::opaque(200, 54, 88), Colour::opaque(216, 231, 79));

/// A name, and its value where it has one.
type Pair<'a> = (&'a str, Option<Cow<'a, str>>);

/// The values by their canonical names; the first of a name counts.
struct Values<'a>(Vec<Pair<'a>>);

impl<'a> Values<'a> {
    fn text(&self, name: &str) -> Option<&str> {
        let pair = self.0.iter().find(|(given, _)| *given == name)?;
        // A name without a value is `-1` to every reader of numbers.
        Some(pair.1.as_deref().unwrap_or("-1"))
    }

    fn switch(&self, name: &str) -> bool {
        self.text(name)
            .is_some_and(|text| !matches!(text, "false" | "0"))
    }

    fn int(&self, name: &str) -> Option<i64> {
        self.text(name).map(int)
    }

    fn float(&self, name: &str) -> Option<f32> {
        self.text(name).map(float)
    }

    fn length(&self, name: &str) -> Option<Length> {
        let text = self.text(name)?;
        let part = text.strip_suffix("%25").or(text.strip_suffix('%'));
        if let Some(part) = part {
            let part = f64::from(float(part));
            return (0.0..=100.0)
                .contains(&part)
                .then_some(Length::Part(part / 100.0));
        }
        u32::try_from(int(text))
            .ok()
            .filter(|pixels| *pixels > 0)
            .map(Length::Pixels)
    }

    fn colour(&self, name: &str) -> Colour {
        self.text(name).map_or(Colour::TRANSPARENT, Colour::parse)
    }

    fn floats(&self, name: &str, count_max: usize) -> Vec<f32> {
        let text = self.text(name).unwrap_or_default();
        let tokens = text.split(',').filter(|token| !token.is_empty());
        tokens.take(count_max).map(float).collect()
    }
}

/// A number as C reads one: what stands at the start. `None` where there is none, or too much.
fn number(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    let number = digits[..length].parse::<i64>().ok();
    let number = number.filter(|number| *number <= NUMBER_MAX)?;
    Some(if text.starts_with('-') {
        -number
    } else {
        number
    })
}

/// The same; -1 stands for none.
fn int(text: &str) -> i64 {
    number(text).unwrap_or(-1)
}

/// The same for a fraction.
fn float(text: &str) -> f32 {
    let text = text.trim_start();
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+');
    let length = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let number = (0..=length)
        .rev()
        .find_map(|end| text[..end].parse::<f32>().ok());
    number.filter(|number| number.is_finite()).unwrap_or(-1.0)
}

impl ImageTransform {
    /// Reads names and values. Names that mean nothing here are left unread.
    pub fn of<'a>(pairs: impl Iterator<Item = (&'a str, Option<Cow<'a, str>>)>) -> Self {
        let values = Values(pairs.collect());
        let dpr = values.float("dpr").filter(|dpr| (0.0..=8.0).contains(dpr));
        let within = |name: &str, range: std::ops::RangeInclusive<i64>| {
            values.int(name).filter(|number| range.contains(number))
        };
        let fit = values.text("fit").unwrap_or_default();
        let (a, focus) = position(&values);
        Self {
            w: values.length("w"),
            h: values.length("h"),
            dpr: dpr.map_or(1.0, f64::from),
            fit: parse_fit(fit),
            we: match values.text("we") {
                Some(_) => values.switch("we"),
                None => matches!(fit, "fit" | "squaredown"),
            },
            a,
            focus,
            crop: crop(&values),
            precrop: values.switch("precrop"),
            trim: trim(&values),
            tbg: values.colour("tbg"),
            ro: values.int("ro").map_or(0, |ro| {
                if ro == -1 && is_bare(&values, "ro") {
                    0
                } else {
                    ro as i32
                }
            }),
            flip: values.switch("flip"),
            flop: values.switch("flop"),
            bg: values.colour("bg"),
            cbg: values.colour("cbg"),
            rbg: values.colour("rbg"),
            mask: values.text("mask").and_then(mask),
            mtrim: values.switch("mtrim"),
            mbg: values.colour("mbg"),
            adjust: adjust(&values),
            output: values.text("output").map_or(OutputFormat::Origin, output),
            q: within("q", 1..=100).map(|q| q as u8),
            l: within("l", 0..=9).map_or(6, |l| l as u8),
            il: values.switch("il"),
            ll: values.switch("ll"),
            af: values.switch("af"),
            n: match values.int("n") {
                Some(-1) => Some(Pages::All),
                Some(n) if n > 0 => Some(Pages::Count(n as u32)),
                _ => None,
            },
            page: match values.int("page") {
                Some(-1) => Page::Largest,
                Some(-2) => Page::Smallest,
                Some(page) if (0..=PAGE_MAX).contains(&page) => Page::Number(page as u32),
                _ => Page::Number(0),
            },
            fsol: values.text("fsol").is_none() || values.switch("fsol"),
            loops: within("loop", 0..=i64::from(u16::MAX)).map(|loops| loops as u16),
            delays: delays(&values),
        }
    }
}

fn is_bare(values: &Values<'_>, name: &str) -> bool {
    values
        .0
        .iter()
        .find(|(given, _)| *given == name)
        .is_some_and(|(_, value)| value.is_none())
}

fn parse_fit(text: &str) -> Fit {
    match text {
        "outside" => Fit::Outside,
        "contain" | "letterbox" => Fit::Contain,
        "fill" | "absolute" => Fit::Fill,
        "cover" | "square" | "squaredown" => Fit::Cover,
        _ if text.starts_with("crop") => Fit::Cover,
        _ => Fit::Inside,
    }
}

/// `a`, with the point that `focal-25-75` names, or `fpx` and `fpy`.
fn position(values: &Values<'_>) -> (Position, (f32, f32)) {
    let text = values.text("a").unwrap_or_default();
    let place = match text {
        "top" | "t" => Position::Top,
        "bottom" | "b" => Position::Bottom,
        "left" | "l" => Position::Left,
        "right" | "r" => Position::Right,
        "top-left" => Position::TopLeft,
        "top-right" => Position::TopRight,
        "bottom-left" => Position::BottomLeft,
        "bottom-right" => Position::BottomRight,
        "entropy" => Position::Entropy,
        "attention" => Position::Attention,
        _ if text.starts_with("focal") || text.starts_with("crop") => Position::Focal,
        _ => Position::Center,
    };
    let mut focus = [0.5, 0.5];
    for (axis, name) in ["fpx", "fpy"].into_iter().enumerate() {
        if let Some(part) = values.float(name).filter(|part| (0.0..=1.0).contains(part)) {
            focus[axis] = part;
        }
    }
    if let (Position::Focal, Some((_, point))) = (place, text.split_once('-')) {
        let percents = point.split('-').filter(|token| !token.is_empty()).map(int);
        for (axis, percent) in percents.take(2).enumerate() {
            if (0..=100).contains(&percent) {
                focus[axis] = percent as f32 / 100.0;
            }
        }
    }
    (place, (focus[0], focus[1]))
}

fn crop(values: &Values<'_>) -> Option<Crop> {
    let is_given = |name: &&str| values.text(name).is_some();
    if ["cx", "cy", "cw", "ch"].iter().any(is_given) {
        return Some(Crop {
            x: values.length("cx"),
            y: values.length("cy"),
            w: values.length("cw"),
            h: values.length("ch"),
        });
    }
    // The older form: width, height, x, y.
    let text = values.text("crop")?;
    let numbers: Vec<_> = text.split(',').take(4).map(int).collect();
    let pixels = |number: i64| {
        u32::try_from(number)
            .ok()
            .filter(|n| *n > 0)
            .map(Length::Pixels)
    };
    match *numbers {
        [w, h, x, y] => Some(Crop {
            x: pixels(x),
            y: pixels(y),
            w: pixels(w),
            h: pixels(h),
        }),
        _ => None,
    }
}

/// weserv's documentation says that `trim` alone means 10.
fn trim(values: &Values<'_>) -> Option<u8> {
    if is_bare(values, "trim") {
        return Some(10);
    }
    let threshold = values.int("trim")?;
    (1..=254).contains(&threshold).then_some(threshold as u8)
}

fn output(text: &str) -> OutputFormat {
    match text {
        "jpg" | "jpeg" => OutputFormat::Jpeg,
        "png" => OutputFormat::Png,
        "webp" => OutputFormat::WebP,
        "gif" => OutputFormat::Gif,
        "tif" | "tiff" => OutputFormat::Tiff,
        "avif" | "av1" => OutputFormat::Avif,
        "jxl" => OutputFormat::Jxl,
        "json" => OutputFormat::Json,
        "auto" => OutputFormat::Auto,
        _ => OutputFormat::Origin,
    }
}

fn mask(text: &str) -> Option<Mask> {
    Some(match text {
        "circle" => Mask::Circle,
        "ellipse" => Mask::Ellipse,
        "triangle" => Mask::Triangle,
        "triangle-180" => Mask::TriangleDown,
        "pentagon" => Mask::Pentagon,
        "pentagon-180" => Mask::PentagonDown,
        "hexagon" => Mask::Hexagon,
        "square" => Mask::Square,
        "star" => Mask::Star,
        "heart" => Mask::Heart,
        _ => return None,
    })
}

fn adjust(values: &Values<'_>) -> Adjust {
    let percent = |name: &str| {
        let given = values.text(name).filter(|_| !is_bare(values, name));
        let number = given.and_then(number);
        number.filter(|n| (-100..=100).contains(n)).unwrap_or(0) as i32
    };
    let factor = |number: f32| (0.0..=10_000.0).contains(&number).then_some(number);
    let mods = values.floats("mod", 3);
    let nth = |index: usize| mods.get(index).copied();
    let modulate = (
        nth(0).and_then(factor).unwrap_or(1.0),
        values
            .float("sat")
            .or(nth(1))
            .and_then(factor)
            .unwrap_or(1.0),
        values
            .int("hue")
            .or(nth(2).map(|hue| hue as i64))
            .unwrap_or(0)
            .rem_euclid(360) as i32,
    );
    let sharps = values.floats("sharp", 3);
    // One number is the sigma; of three it is the last, behind the slopes.
    let (slopes, sigma) = match *sharps {
        [flat, jagged, sigma] => ([Some(flat), Some(jagged)], sigma),
        [flat, jagged] => ([Some(flat), Some(jagged)], -1.0),
        _ => (
            [values.float("sharpf"), values.float("sharpj")],
            sharps.first().copied().unwrap_or(-1.0),
        ),
    };
    let slope = |index: usize, default| slopes[index].and_then(factor).unwrap_or(default);
    let filt = match values.text("filt") {
        Some("greyscale") => Some(Filter::Greyscale),
        Some("sepia") => Some(Filter::Sepia),
        Some("negate") => Some(Filter::Negate),
        Some("duotone") => {
            let colour = |name, default| values.text(name).map_or(default, Colour::parse);
            Some(Filter::Duotone(
                colour("start", DUOTONE.0),
                colour("stop", DUOTONE.1),
            ))
        }
        _ => None,
    };
    Adjust {
        bri: percent("bri"),
        con: percent("con"),
        gam: values
            .float("gam")
            .filter(|gam| *gam != 0.0)
            .map(|gam| if (1.0..=3.0).contains(&gam) { gam } else { 2.2 }),
        modulate: Some(modulate).filter(|modulate| *modulate != (1.0, 1.0, 0)),
        sharp: values.text("sharp").map(|_| match sigma {
            0.000_001..=10.0 => Strength::Sigma(sigma),
            _ => Strength::Mild,
        }),
        slopes: (slope(0, 1.0), slope(1, 2.0)),
        blur: values
            .float("blur")
            .filter(|blur| *blur != 0.0)
            .map(|blur| match blur {
                0.3..=1000.0 => Strength::Sigma(blur),
                _ => Strength::Mild,
            }),
        filt,
        tint: Some(values.colour("tint")).filter(|tint| !tint.is_transparent()),
    }
}

fn delays(values: &Values<'_>) -> Vec<Duration> {
    let text = values.text("delay").unwrap_or_default();
    let numbers: Vec<_> = text
        .split(',')
        .filter(|token| !token.is_empty())
        .take(DELAYS_MAX)
        .map(int)
        .collect();
    if numbers.iter().any(|number| *number < 0) {
        return Vec::new();
    }
    numbers
        .into_iter()
        .map(|ms| Duration::from_millis(ms as u64))
        .collect()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
