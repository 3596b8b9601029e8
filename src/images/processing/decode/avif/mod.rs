//! AVIF: still images coded as frames of AV1 (AV1 Image File Format 1.1).

mod boxes;
mod colour;
mod frame;
mod head;
mod items;
mod properties;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::images::colour::Colour;
use crate::images::processing::canvas::Canvas;
use crate::images::processing::decoded::DecodedImage;
use crate::images::processing::error::ProcessingError;
use crate::images::processing::limits::IsLate;
use crate::images::processing::limits::check_time;
use crate::images::processing::profile;
use colour::Palette;
use frame::Frame;
use head::Coded;
pub(super) use head::{AvifHead, read};

/// Decodes all of it.
pub(super) fn decode(
    bytes: &[u8],
    head: &AvifHead,
    is_late: IsLate<'_>,
) -> Result<DecodedImage, ProcessingError> {
    let read = || canvas(bytes, head, is_late);
    let canvas =
        catch_unwind(AssertUnwindSafe(read)).map_err(|_| ProcessingError::Unreadable)??;
    let profile = match (&head.profile, head.colours) {
        (Some(place), _) => bytes.get(place.clone()).map(<[u8]>::to_vec),
        (None, Some(colours)) => profile::of_code_points(colours.primaries, colours.transfer),
        (None, None) => None,
    };
    Ok(DecodedImage {
        is_grey: head.image.coding.is_grey,
        profile,
        ..DecodedImage::still(canvas)
    })
}

fn canvas(bytes: &[u8], head: &AvifHead, is_late: IsLate<'_>) -> Result<Canvas, ProcessingError> {
    let channels = if head.alpha.is_some() { 4 } else { 3 };
    let ground = Colour::opaque(0, 0, 0);
    let mut canvas = Canvas::filled(head.image.size, channels, ground);
    each_tile(bytes, &head.image, is_late, |frame, at| {
        let palette = Palette::new(frame, head.colours)?;
        palette.paint(frame, &mut canvas, at)
    })?;
    if let Some(alpha) = &head.alpha {
        each_tile(bytes, alpha, is_late, |frame, at| {
            colour::paint_alpha(frame, &mut canvas, at)
        })?;
        if head.is_premultiplied {
            colour::divide_by_alpha(&mut canvas);
        }
    }
    Ok(match head.area {
        Some(area) => canvas.cropped(area),
        None => canvas,
    })
}

/// Decodes tile by tile, and tells where each has its upper left corner.
fn each_tile(
    bytes: &[u8],
    coded: &Coded,
    is_late: IsLate<'_>,
    mut paint: impl FnMut(&Frame, (u32, u32)) -> Result<(), ProcessingError>,
) -> Result<(), ProcessingError> {
    for (tile, index) in coded.tiles.iter().zip(0..) {
        check_time(is_late)?;
        let frame = Frame::decode(joined(bytes, tile), coded.tile)?;
        // SECURITY: a file that promises little and brings more.
        if frame.coding().planes_bytes(coded.tile) > coded.coding.planes_bytes(coded.tile) {
            return Err(ProcessingError::Unreadable);
        }
        let (column, row) = (index % coded.columns, index / coded.columns);
        paint(&frame, (column * coded.tile.width, row * coded.tile.height))?;
    }
    Ok(())
}

fn joined(bytes: &[u8], places: &[Range<usize>]) -> Vec<u8> {
    let parts: Vec<&[u8]> = places.iter().map(|place| &bytes[place.clone()]).collect();
    parts.concat()
}
