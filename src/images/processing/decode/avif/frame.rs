//! One frame of AV1, decoded.

use av_data::pixel::{MatrixCoefficients, YUVRange};
use re_rav1d::{Decoder, Picture, PixelLayout, PlanarImageComponent, Plane, Settings};

use super::properties::Coding;
use crate::images::geometry::Size;
use crate::images::processing::error::ProcessingError;

/// Frames in one item. A still image has one, one in layers up to four.
const FRAMES_MAX: usize = 8;
/// Pixels of all frames in one item that has several: they may all be kept until the last.
const FRAMES_PIXELS_MAX: u64 = 16_000_000;

/// A frame and its planes.
pub(super) struct Frame {
    image: Picture,
    coding: Coding,
    planes: Vec<Plane>,
}

impl Frame {
    /// Decodes a frame of this size.
    pub(super) fn decode(data: Vec<u8>, size: Size) -> Result<Self, ProcessingError> {
        // SECURITY: a thousand frames that show nothing, each as large as is allowed.
        let frames = frames(&data).ok_or(ProcessingError::Unreadable)?;
        let is_heavy = frames > 1 && frames as u64 * size.pixels() > FRAMES_PIXELS_MAX;
        if frames > FRAMES_MAX || is_heavy {
            return Err(ProcessingError::Unreadable);
        }
        let image = decoded(data, size)?;
        if (image.width(), image.height()) != (size.width, size.height) {
            return Err(ProcessingError::Unreadable);
        }
        let layout = image.pixel_layout();
        let bits = image
            .bits_per_component()
            .ok_or(ProcessingError::Unreadable)?;
        let coding = Coding {
            bits: bits.0 as u8,
            is_grey: layout == PixelLayout::I400,
            halved: match layout {
                PixelLayout::I420 | PixelLayout::I400 => (true, true),
                PixelLayout::I422 => (true, false),
                PixelLayout::I444 => (false, false),
            },
        };
        let components: &[_] = match layout {
            PixelLayout::I400 => &[PlanarImageComponent::Y],
            _ => &[
                PlanarImageComponent::Y,
                PlanarImageComponent::U,
                PlanarImageComponent::V,
            ],
        };
        let planes = components.iter().map(|component| image.plane(*component));
        Ok(Self {
            planes: planes.collect(),
            coding,
            image,
        })
    }

    pub(super) fn size(&self) -> Size {
        Size::new(self.image.width(), self.image.height())
    }

    pub(super) fn coding(&self) -> Coding {
        self.coding
    }

    /// The samples of one row of a plane, which is 0 for light and 1 or 2 for colours.
    pub(super) fn read_row(
        &self,
        plane: usize,
        y: u32,
        row: &mut [u16],
    ) -> Result<(), ProcessingError> {
        let component = PlanarImageComponent::from(plane);
        let stride = self.image.stride(component) as usize;
        let plane = self.planes.get(plane).ok_or(ProcessingError::Unreadable)?;
        let bytes = plane.get(stride * y as usize..).unwrap_or_default();
        if self.coding.bits > 8 {
            let bytes = bytes
                .get(..row.len() * 2)
                .ok_or(ProcessingError::Unreadable)?;
            let pairs = bytes.as_chunks::<2>().0;
            for (sample, pair) in row.iter_mut().zip(pairs) {
                *sample = u16::from_ne_bytes(*pair);
            }
        } else {
            let bytes = bytes.get(..row.len()).ok_or(ProcessingError::Unreadable)?;
            for (sample, byte) in row.iter_mut().zip(bytes) {
                *sample = u16::from(*byte);
            }
        }
        Ok(())
    }

    /// The code point of its matrix by ITU-T H.273, as the frame itself has it.
    pub(super) fn matrix(&self) -> u16 {
        match self.image.matrix_coefficients() {
            MatrixCoefficients::Identity => 0,
            MatrixCoefficients::BT709 => 1,
            MatrixCoefficients::BT470M => 4,
            MatrixCoefficients::BT470BG | MatrixCoefficients::ST170M => 6,
            MatrixCoefficients::ST240M => 7,
            MatrixCoefficients::YCgCo => 8,
            MatrixCoefficients::BT2020NonConstantLuminance => 9,
            MatrixCoefficients::Unspecified => 2,
            _ => u16::MAX,
        }
    }

    /// Whether samples take all values that their bits have.
    pub(super) fn is_full(&self) -> bool {
        self.image.color_range() == YUVRange::Full
    }
}

/// SECURITY: what goes wrong inside the decoder comes back as an error; a panic of its own could
/// not be caught, since it would have to leave functions of C's kind, and ended the process. It
/// stands as it is because millions of broken files caused none, and with no assembly in it there
/// is no memory to be written that isn't its own.
fn decoded(data: Vec<u8>, size: Size) -> Result<Picture, ProcessingError> {
    let mut settings = Settings::new();
    // Images are worked on side by side.
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_all_layers(false);
    settings.set_frame_size_limit(u32::try_from(size.pixels()).unwrap_or(u32::MAX));
    let mut decoder = Decoder::with_settings(&settings).map_err(|_| ProcessingError::Unreadable)?;
    let mut sent = decoder.send_data(data, None, None, None);
    for _ in 0..=FRAMES_MAX {
        match sent {
            Err(error) if !error.is_again() => return Err(ProcessingError::Unreadable),
            _ => {}
        }
        match decoder.get_picture() {
            Ok(image) => return Ok(image),
            Err(error) if error.is_again() => sent = decoder.send_pending_data(),
            Err(_) => return Err(ProcessingError::Unreadable),
        }
    }
    Err(ProcessingError::Unreadable)
}

/// How many frames begin in this data; `None` when it is no AV1 (its specification, section 5.3).
fn frames(data: &[u8]) -> Option<usize> {
    const HEADER: u8 = 3;
    const FRAME: u8 = 6;
    const REDUNDANT_HEADER: u8 = 7;
    let (mut rest, mut count) = (data, 0);
    while let [first, after @ ..] = rest {
        let (has_extension, has_size) = (first & 4 != 0, first & 2 != 0);
        let mut after = after.get(usize::from(has_extension)..)?;
        let length = if has_size {
            let (length, behind) = leb128(after)?;
            after = behind;
            length
        } else {
            after.len()
        };
        if matches!(first >> 3 & 15, HEADER | FRAME | REDUNDANT_HEADER) {
            count += 1;
        }
        rest = after.get(length..)?;
    }
    Some(count)
}

/// A number of seven bits a byte, the lowest first, and what follows it.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().take(8).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let number = u32::try_from(number).ok()?;
            return Some((number as usize, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_before_they_are_decoded() {
        let check = |data: &[u8], expected| assert_eq!(frames(data), expected, "{data:?}");
        let (sequence, frame) = ([0x0a, 2, 9, 9], [0x32, 0x81, 0, 9]);
        check(&[], Some(0));
        check(&sequence, Some(0));
        check(&[&sequence[..], &frame, &frame].concat(), Some(2));
        // The last may go without a size; one of a layer has a byte more.
        check(&[0x30, 1, 2, 3], Some(1));
        check(&[0x36, 0, 1, 9, 0x34, 0, 9, 9], Some(2));
        // Cut off, and lengths that never end.
        check(&[0x32, 5, 1], None);
        check(
            &[0x32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0],
            None,
        );
        check(&[0x36], None);
        let check = |frames: usize, side: u32| {
            let error = Frame::decode(frame.repeat(frames), Size::new(side, side)).err();
            assert_eq!(error, Some(ProcessingError::Unreadable));
        };
        check(FRAMES_MAX + 1, 9);
        check(2, 6000);
    }
}
