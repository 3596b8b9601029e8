//! Properties of items: sizes, colours, how to turn it.

use std::ops::Range;

use super::boxes::Reader;
use crate::images::geometry::{Area, Size};
use crate::images::processing::error::ProcessingError;

/// What an auxiliary image is that holds transparency.
const ALPHA: [&[u8]; 2] = [
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha",
    b"urn:mpeg:hevc:2015:auxid:1",
];

/// One property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Property {
    Size(Size),
    Coding(Coding),
    Colours(Colours),
    /// Where an ICC profile lies.
    Profile(Range<usize>),
    /// Quarters, counterclockwise.
    Rotation(u8),
    /// Whether left and right change places, else top and bottom.
    Mirror(bool),
    Aperture(Aperture),
    /// Whether it is transparency.
    Auxiliary(bool),
    /// Nothing that changes what is seen here.
    Harmless,
    /// Of no kind that we know.
    Unknown,
}

/// How AV1 is coded, by `av1C`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Coding {
    /// Of a sample: 8, 10 or 12.
    pub(super) bits: u8,
    pub(super) is_grey: bool,
    /// Whether colours have half of the width, and of the height.
    pub(super) halved: (bool, bool),
}

impl Coding {
    /// Bytes of the decoded planes.
    pub(super) fn planes_bytes(self, size: Size) -> u64 {
        let half =
            |length: u32, is_halved: bool| u64::from(length.div_ceil(1 + u32::from(is_halved)));
        let colours = match self.is_grey {
            true => 0,
            false => 2 * half(size.width, self.halved.0) * half(size.height, self.halved.1),
        };
        (size.pixels() + colours) * if self.bits > 8 { 2 } else { 1 }
    }
}

/// What colours mean, by `nclx` and the code points of ITU-T H.273.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Colours {
    pub(super) primaries: u16,
    pub(super) transfer: u16,
    pub(super) matrix: u16,
    pub(super) is_full: bool,
}

/// A part that is to be seen, as four fractions: width, height, and how far its centre lies from
/// the image's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Aperture([(u32, u32); 4]);

impl Aperture {
    /// The part of an image; `None` when it makes no sense.
    pub(super) fn of(self, size: Size) -> Option<Area> {
        let [width, height, right, down] = self.0;
        let length = |(over, under): (u32, u32), max: u32| {
            let length = (f64::from(over) / f64::from(under)).round();
            (length >= 1.0 && length <= f64::from(max)).then_some(length as u32)
        };
        let from = |(over, under): (u32, u32), length: u32, max: u32| {
            // The offset has a sign.
            let offset = f64::from(over as i32) / f64::from(under);
            let from = (f64::from(max - length) / 2.0 + offset).round();
            (from >= 0.0 && from <= f64::from(max - length)).then_some(from as u32)
        };
        let (width, height) = (length(width, size.width)?, length(height, size.height)?);
        Some(Area {
            left: from(right, width, size.width)?,
            top: from(down, height, size.height)?,
            width,
            height,
        })
    }
}

/// Reads the body of one.
pub(super) fn read(kind: &[u8; 4], mut body: Reader<'_>) -> Result<Property, ProcessingError> {
    Ok(match kind {
        b"ispe" => {
            body.version()?;
            let (width, height) = (body.u32()?, body.u32()?);
            if width == 0 || height == 0 {
                return Err(ProcessingError::Unreadable);
            }
            Property::Size(Size { width, height })
        }
        b"av1C" => {
            body.u16()?;
            let flags = body.u8()?;
            let is = |bit: u8| flags >> bit & 1 == 1;
            Property::Coding(Coding {
                bits: match (is(6), is(5)) {
                    (false, _) => 8,
                    (true, false) => 10,
                    (true, true) => 12,
                },
                is_grey: is(4),
                halved: (is(3), is(2)),
            })
        }
        b"colr" => match &body.letters()? {
            b"nclx" => Property::Colours(Colours {
                primaries: body.u16()?,
                transfer: body.u16()?,
                matrix: body.u16()?,
                is_full: body.u8()? >> 7 == 1,
            }),
            b"prof" | b"rICC" => Property::Profile(body.rest()),
            _ => Property::Harmless,
        },
        b"irot" => Property::Rotation(body.u8()? & 3),
        b"imir" => Property::Mirror(body.u8()? & 1 == 1),
        b"clap" => {
            let mut fractions = [(0, 0); 4];
            for fraction in &mut fractions {
                *fraction = (body.u32()?, body.u32()?);
            }
            Property::Aperture(Aperture(fractions))
        }
        b"auxC" => {
            body.version()?;
            let name = body.bytes().split(|byte| *byte == 0).next();
            Property::Auxiliary(name.is_some_and(|name| ALPHA.contains(&name)))
        }
        // The operating point, where there are several; the first is what is decoded.
        b"a1op" if body.u8()? == 0 => Property::Harmless,
        // The layer to show; all of them.
        b"lsel" if body.u16()? == u16::MAX => Property::Harmless,
        b"pixi" | b"pasp" | b"clli" | b"mdcv" | b"cclv" | b"amve" | b"a1lx" => Property::Harmless,
        _ => Property::Unknown,
    })
}
