//! The steps from an image to what is asked of it, in weserv's order.

use super::adjust::adjust;
use super::canvas::Canvas;
use super::decode::ImageHead;
use super::decode::decode;
use super::decoded::{DecodedImage, FrameRange};
use super::encode::{EncodedImage, Quality, avif_is_written, encode};
use super::error::ProcessingError;
use super::limits::{IsLate, PixelLimits, check_time};
use super::mask::Shape;
use super::profile::to_srgb;
use super::resize::resize;
use super::rotate::rotate;
use super::{salience, trim};
use crate::images::accept::{Accepted, choose};
use crate::images::format::ImageFormat;
use crate::images::geometry::{Area, Size, contained, covered, cut, resized};
use crate::images::transform::{Filter, Fit, ImageTransform, OutputFormat, Position};

/// Makes of an image what is asked.
///
/// # Errors
/// When it can't be read, a limit is passed, or it is asked for what can't be had.
pub fn make(
    bytes: &[u8],
    head: &ImageHead,
    transform: &ImageTransform,
    told: (Accepted, &Quality),
    limits: (&PixelLimits, IsLate<'_>),
) -> Result<EncodedImage, ProcessingError> {
    let (limits, is_late) = limits;
    let range = head.range(transform, limits)?;
    check_time(is_late)?;
    let mut image = decode(bytes, head, transform, range, is_late)?;
    check_time(is_late)?;
    let steps = Steps {
        head,
        transform,
        range,
        limits,
        is_late,
    };
    steps.run(&mut image)?;
    check_time(is_late)?;
    let (has_alpha, has_frames) = (image.frames[0].has_alpha(), image.frames.len() > 1);
    let mut output = choose(transform.output, head.kind, told.0, has_alpha, has_frames);
    let is_asked = transform.output == OutputFormat::Avif;
    if output == OutputFormat::Avif && !is_asked && !avif_is_written(image.frames[0].size()) {
        // One that would take too long becomes what a WebP does.
        output = choose(
            OutputFormat::Origin,
            ImageFormat::WebP,
            told.0,
            has_alpha,
            has_frames,
        );
    }
    encode(image, head, transform, output, (told.1, is_late))
}

struct Steps<'a> {
    head: &'a ImageHead,
    transform: &'a ImageTransform,
    range: FrameRange,
    limits: &'a PixelLimits,
    is_late: IsLate<'a>,
}

impl Steps<'_> {
    fn run(&self, image: &mut DecodedImage) -> Result<(), ProcessingError> {
        let transform = self.transform;
        if !transform.delays.is_empty() && image.frames.len() > 1 {
            let last = transform.delays.len() - 1;
            let delay = |index: usize| transform.delays[index.min(last)].as_millis() as u32;
            image.delays_ms = (0..image.frames.len()).map(delay).collect();
        }
        image.loops = transform.loops.unwrap_or(image.loops);
        self.trim(image);
        let profile = image.profile.take();
        let is_still = image.frames.len() == 1;
        let frames = std::mem::take(&mut image.frames);
        for canvas in frames {
            let mut canvas = self.shape(canvas, is_still)?;
            if let Some(profile) = &profile {
                canvas = to_srgb(canvas, profile, image.is_grey);
            }
            image.frames.push(self.finish(canvas)?);
            check_time(self.is_late)?;
        }
        // Frames of one file are alike.
        if image.frames.iter().any(Canvas::has_alpha) {
            let frames = std::mem::take(&mut image.frames);
            image.frames = frames.into_iter().map(Canvas::with_alpha).collect();
        }
        image.profile = profile;
        // What is put around or behind a grey image has a colour; greyscale comes after that.
        let adjust = &transform.adjust;
        let is_made_grey = adjust.filt == Some(Filter::Greyscale) && adjust.tint.is_none();
        let keeps_grey = transform.fit != Fit::Contain
            && transform.ro % 90 == 0
            && adjust.filt.is_none()
            && adjust.tint.is_none()
            && transform.bg.is_transparent();
        image.is_grey = (is_made_grey || image.is_grey && keeps_grey) && transform.mask.is_none();
        Ok(())
    }

    fn trim(&self, image: &mut DecodedImage) {
        let Some(threshold) = self.transform.trim else {
            return;
        };
        let size = image.frames[0].size();
        let found = image
            .frames
            .iter()
            .filter_map(|canvas| trim::find(canvas, threshold, self.transform.tbg));
        let Some(mut area) = found.reduce(union) else {
            return;
        };
        if image.frames.len() > 1 {
            (area.top, area.height) = (0, size.height);
        }
        let frames = std::mem::take(&mut image.frames);
        image.frames = frames
            .into_iter()
            .map(|canvas| canvas.cropped(area))
            .collect();
    }

    /// Size, orientation, and what is cut off or added around.
    fn shape(&self, canvas: Canvas, is_still: bool) -> Result<Canvas, ProcessingError> {
        let transform = self.transform;
        let base = self.head.size_of(self.range);
        let base = if self.head.orientation > 4 {
            base.turned()
        } else {
            base
        };
        let target = transform.target(base.width, base.height);
        let mut canvas = canvas;
        if transform.precrop {
            canvas = self.oriented(canvas.upright(self.head.orientation));
            if let Some(crop) = &transform.crop {
                let area = cut(crop, canvas.size());
                canvas = canvas.cropped(area);
            }
            let source = canvas.size();
            canvas = self.resized(canvas, source, target)?;
            canvas = self.aligned(canvas, source, target, is_still);
        } else {
            let stored = canvas.size();
            let seen = if self.head.orientation > 4 {
                stored.turned()
            } else {
                stored
            };
            // A size that a decoder already shrank was rounded once; the file's own says more.
            let source = if self.head.decoder_shrink(transform) > 1 {
                base
            } else {
                seen
            };
            canvas = self.resized(canvas, source, target)?;
            canvas = self.oriented(canvas.upright(self.head.orientation));
            canvas = self.aligned(canvas, source, target, is_still);
            if let Some(crop) = &transform.crop {
                let area = cut(crop, canvas.size());
                canvas = canvas.cropped(area);
            }
        }
        if transform.fit == Fit::Contain {
            let (outer, at) = contained(transform, canvas.size(), target);
            if outer != canvas.size() {
                self.check_output(outer)?;
                canvas = canvas.with_alpha().embedded(outer, at, transform.cbg);
                if transform.cbg.is_opaque() && canvas.is_opaque() {
                    canvas = canvas.without_alpha();
                }
            }
        }
        if transform.ro % 90 != 0 && is_still {
            self.check_output(crate::images::geometry::turned(
                canvas.size(),
                f64::from(transform.ro),
            ))?;
            canvas = rotate(canvas, transform.ro, transform.rbg);
        }
        Ok(canvas)
    }

    /// Brings what was `source` upright, and may be stored on its side or shrunk, to the target.
    fn resized(
        &self,
        canvas: Canvas,
        source: Size,
        target: (Option<u32>, Option<u32>),
    ) -> Result<Canvas, ProcessingError> {
        let size = resized(source, target, self.transform.fit, self.transform.we);
        self.check_output(size)?;
        let is_on_its_side = self.head.orientation > 4 && !self.transform.precrop;
        if target == (None, None) && !self.is_drawn() {
            return Ok(canvas);
        }
        resize(canvas, if is_on_its_side { size.turned() } else { size })
    }

    /// Whether the image was drawn at the size that it is to have.
    fn is_drawn(&self) -> bool {
        self.head.kind == ImageFormat::Svg
    }

    fn oriented(&self, canvas: Canvas) -> Canvas {
        let mut canvas = canvas;
        if self.transform.ro % 90 == 0 {
            canvas = canvas.turned((self.transform.ro / 90).rem_euclid(4) as u32);
        }
        if self.transform.flip {
            canvas = canvas.flipped();
        }
        if self.transform.flop {
            canvas = canvas.flopped();
        }
        canvas
    }

    fn aligned(
        &self,
        canvas: Canvas,
        source: Size,
        target: (Option<u32>, Option<u32>),
        is_still: bool,
    ) -> Canvas {
        if self.transform.fit != Fit::Cover {
            return canvas;
        }
        let mut area = covered(self.transform, source, canvas.size(), target);
        let is_smart = matches!(self.transform.a, Position::Entropy | Position::Attention);
        if is_smart && is_still && area != canvas.size().whole() {
            area = salience::best(&canvas, area, self.transform.a);
        }
        canvas.cropped(area)
    }

    /// Colours, ground and mask.
    fn finish(&self, canvas: Canvas) -> Result<Canvas, ProcessingError> {
        let mut canvas = adjust(canvas, &self.transform.adjust, self.is_late)?;
        if canvas.has_alpha() && !self.transform.bg.is_transparent() {
            let is_grey = self.transform.adjust.filt == Some(Filter::Greyscale);
            canvas = canvas.on(if is_grey {
                self.transform.bg.grey()
            } else {
                self.transform.bg
            });
        }
        if let Some(mask) = self.transform.mask {
            let shape = Shape::new(mask, canvas.size());
            canvas = shape.cut(canvas, self.transform.mbg);
            if self.transform.mtrim {
                canvas = canvas.cropped(shape.area);
            }
        }
        Ok(canvas)
    }

    fn check_output(&self, size: Size) -> Result<(), ProcessingError> {
        let pixels = size.pixels().saturating_mul(u64::from(self.range.count));
        if pixels > self.limits.output_pixels_max {
            return Err(ProcessingError::OutputPixels(self.limits.output_pixels_max));
        }
        Ok(())
    }
}

/// The smallest area that holds both.
fn union(a: Area, b: Area) -> Area {
    let (left, top) = (a.left.min(b.left), a.top.min(b.top));
    let right = (a.left + a.width).max(b.left + b.width);
    let bottom = (a.top + a.height).max(b.top + b.height);
    Area {
        left,
        top,
        width: right - left,
        height: bottom - top,
    }
}
