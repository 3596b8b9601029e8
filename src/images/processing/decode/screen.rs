//! The screen of an animation: what shows while frame after frame is drawn over it.

use crate::images::geometry::{Area, Size};
use crate::images::processing::canvas::Canvas;
use crate::images::processing::decoded::{DecodedImage, FrameRange};
use crate::images::processing::error::ProcessingError;
use crate::images::processing::limits::IsLate;
use crate::images::processing::limits::check_time;

/// How a frame meets what shows already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blend {
    /// What is transparent in it lets through what is below.
    Over,
    /// It takes the place of what is below, holes and all.
    Replace,
}

/// What becomes of a frame's place once its time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disposal {
    /// It stays.
    Keep,
    /// It is cleared.
    Clear,
    /// What was there before comes back.
    Restore,
}

/// A frame as a file stores it.
#[derive(Debug)]
pub(super) struct Frame {
    /// Where it lies on the screen, and its size; may stick out.
    pub(super) area: Area,
    /// RGBA, as many pixels as its area has.
    pub(super) pixels: Vec<u8>,
    pub(super) blend: Blend,
    pub(super) disposal: Disposal,
    pub(super) delay_ms: u32,
}

/// Draws frames, and takes what shows after each of those that are wanted.
pub(super) fn play(
    size: Size,
    frames: impl Iterator<Item = Frame>,
    range: FrameRange,
    is_late: IsLate<'_>,
) -> Result<DecodedImage, ProcessingError> {
    let mut screen = Screen {
        size,
        data: vec![0; size.pixels() as usize * 4],
    };
    let (mut shown, mut delays_ms) = (Vec::new(), Vec::new());
    let end = range.first + range.count;
    for (frame, number) in frames.zip(0..end) {
        check_time(is_late)?;
        let place = screen.place(frame.area);
        let before = match frame.disposal {
            Disposal::Restore => screen.copy(place),
            Disposal::Keep | Disposal::Clear => Vec::new(),
        };
        screen.draw(&frame, place);
        let Frame {
            disposal, delay_ms, ..
        } = frame;
        if number >= range.first {
            let is_last = number + 1 == end;
            let data = match is_last {
                true => std::mem::take(&mut screen.data),
                false => screen.data.clone(),
            };
            delays_ms.push(delay_ms);
            shown.push(Canvas::new(size, 4, data).ok_or(ProcessingError::Unreadable)?);
            if is_last {
                break;
            }
        }
        match disposal {
            Disposal::Keep => {}
            Disposal::Clear => screen.rows(place).for_each(|row| row.fill(0)),
            Disposal::Restore => {
                let length = place.width as usize * 4;
                for (row, old) in screen.rows(place).zip(before.chunks_exact(length)) {
                    row.copy_from_slice(old);
                }
            }
        }
    }
    // A frame without a hole in it needs no alpha; all of them alike.
    if shown.iter().all(Canvas::is_opaque) {
        shown = shown.into_iter().map(Canvas::without_alpha).collect();
    }
    let first = shown.first().ok_or(ProcessingError::Unreadable)?.clone();
    Ok(DecodedImage {
        frames: shown,
        delays_ms,
        ..DecodedImage::still(first)
    })
}

struct Screen {
    size: Size,
    /// RGBA.
    data: Vec<u8>,
}

impl Screen {
    /// What of an area is on the screen; of no width or height when nothing is.
    fn place(&self, area: Area) -> Area {
        let (left, top) = (
            area.left.min(self.size.width),
            area.top.min(self.size.height),
        );
        let place = Area {
            left,
            top,
            width: area.width.min(self.size.width - left),
            height: area.height.min(self.size.height - top),
        };
        if place.width == 0 {
            return Area { height: 0, ..place };
        }
        place
    }

    fn rows(&mut self, place: Area) -> impl Iterator<Item = &mut [u8]> {
        let (from, length) = (place.left as usize * 4, place.width as usize * 4);
        let stride = self.size.width as usize * 4;
        let rows = self.data.chunks_exact_mut(stride);
        rows.skip(place.top as usize)
            .take(place.height as usize)
            .map(move |row| &mut row[from..from + length])
    }

    fn copy(&mut self, place: Area) -> Vec<u8> {
        self.rows(place)
            .flat_map(|row| row.iter().copied())
            .collect()
    }

    fn draw(&mut self, frame: &Frame, place: Area) {
        let stride = frame.area.width as usize * 4;
        if stride == 0 {
            return;
        }
        let stored = frame.pixels.chunks_exact(stride);
        for (row, stored) in self.rows(place).zip(stored) {
            let stored = &stored[..row.len()];
            match frame.blend {
                Blend::Replace => row.copy_from_slice(stored),
                Blend::Over => {
                    let below = row.as_chunks_mut::<4>().0.iter_mut();
                    below
                        .zip(stored.as_chunks::<4>().0)
                        .for_each(|(below, above)| blend(below, *above));
                }
            }
        }
    }
}

/// Straight alpha over straight alpha.
fn blend(below: &mut [u8; 4], above: [u8; 4]) {
    match (above[3], below[3]) {
        (0, _) => {}
        (u8::MAX, _) | (_, 0) => *below = above,
        (over, under) => {
            let over = u32::from(over);
            let under = u32::from(under) * (255 - over) / 255;
            let alpha = over + under;
            for (below, above) in below.iter_mut().zip(above).take(3) {
                let mixed = u32::from(above) * over + u32::from(*below) * under + alpha / 2;
                *below = mixed.checked_div(alpha).unwrap_or(0).min(255) as u8;
            }
            below[3] = alpha.min(255) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: [u8; 4] = [255, 0, 0, 255];
    const BLUE: [u8; 4] = [0, 0, 255, 255];
    const HOLE: [u8; 4] = [0, 0, 0, 0];

    fn frame(left: u32, pixels: &[[u8; 4]], blend: Blend, disposal: Disposal) -> Frame {
        Frame {
            area: Area {
                left,
                top: 0,
                width: pixels.len() as u32,
                height: 1,
            },
            pixels: pixels.concat(),
            blend,
            disposal,
            delay_ms: 100 * (left + 1),
        }
    }

    /// What shows after each frame on a screen of three pixels in a row.
    fn shown(frames: Vec<Frame>) -> Vec<Vec<u8>> {
        let range = FrameRange {
            first: 0,
            count: frames.len() as u32,
        };
        let image = play(Size::new(3, 1), frames.into_iter(), range, &|| false).unwrap();
        let frames = image.frames.into_iter();
        frames
            .map(|canvas| canvas.with_alpha().into_bytes())
            .collect()
    }

    #[test]
    fn frames_go_as_they_say() {
        use {Blend::*, Disposal::*};
        let second = || frame(1, &[BLUE, HOLE], Over, Keep);
        let check = |disposal, expected: [[u8; 4]; 3]| {
            let first = frame(0, &[RED, RED, RED], Over, Keep);
            let middle = frame(0, &[BLUE, BLUE], Over, disposal);
            let shown = shown(vec![first, middle, second()]);
            assert_eq!(shown[0], [RED, RED, RED].concat());
            assert_eq!(shown[1], [BLUE, BLUE, RED].concat());
            assert_eq!(shown[2], expected.concat(), "{disposal:?}");
        };
        check(Keep, [BLUE, BLUE, RED]);
        check(Clear, [HOLE, BLUE, RED]);
        check(Restore, [RED, BLUE, RED]);
    }

    #[test]
    fn holes_let_through_or_do_not() {
        use {Blend::*, Disposal::Keep};
        let first = || frame(0, &[RED, RED, RED], Over, Keep);
        let over = shown(vec![first(), frame(0, &[HOLE, BLUE], Over, Keep)]);
        assert_eq!(over[1], [RED, BLUE, RED].concat());
        let replaced = shown(vec![first(), frame(0, &[HOLE, BLUE], Replace, Keep)]);
        assert_eq!(replaced[1], [HOLE, BLUE, RED].concat());
        let half = shown(vec![first(), frame(0, &[[0, 0, 255, 128]], Over, Keep)]);
        assert_eq!(half[1][..4], [127, 0, 128, 255]);
        let alone = shown(vec![frame(0, &[[9, 8, 7, 128]], Over, Keep)]);
        assert_eq!(alone[0][..4], [9, 8, 7, 128]);
    }

    #[test]
    fn frames_may_stick_out_or_lie_beside() {
        use {Blend::Over, Disposal::*};
        let shown = shown(vec![
            frame(2, &[RED, BLUE], Over, Restore),
            frame(9, &[RED], Over, Clear),
            frame(0, &[BLUE], Over, Keep),
        ]);
        assert_eq!(shown[0], [HOLE, HOLE, RED].concat());
        assert_eq!(shown[1], [HOLE; 3].concat());
        assert_eq!(shown[2], [BLUE, HOLE, HOLE].concat());
    }

    #[test]
    fn frames_before_those_wanted_count() {
        use {Blend::Over, Disposal::Keep};
        let frames = vec![
            frame(0, &[RED], Over, Keep),
            frame(1, &[BLUE], Over, Keep),
            frame(2, &[RED], Over, Keep),
        ];
        let range = FrameRange { first: 1, count: 1 };
        let image = play(Size::new(3, 1), frames.into_iter(), range, &|| false).unwrap();
        assert_eq!(image.frames.len(), 1);
        assert_eq!(image.frames[0].bytes(), [RED, BLUE, HOLE].concat());
        assert_eq!(image.delays_ms, [200]);
    }
}
