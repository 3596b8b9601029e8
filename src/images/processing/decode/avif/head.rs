//! What an AVIF's boxes say of the image: all that is judged before anything is decoded.

use std::ops::Range;

use super::boxes::{Reader, unsupported};
use super::items::Items;
use super::properties::{Aperture, Coding, Colours, Property};
use crate::images::geometry::{Area, Size};
use crate::images::processing::error::ProcessingError;

/// Tiles of a grid, as many as its columns and rows can be.
const TILES_MAX: usize = 256;
/// The longest side of a frame of AV1.
const SIDE_MAX: u32 = 1 << 16;

/// An image, or its transparency, as it is coded: in one piece, or in tiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::images::processing::decode) struct Coded {
    /// Of all of it.
    pub(super) size: Size,
    /// Of each tile.
    pub(super) tile: Size,
    pub(super) columns: u32,
    /// Where the bytes of each tile lie, row by row.
    pub(super) tiles: Vec<Vec<Range<usize>>>,
    pub(super) coding: Coding,
}

/// The head of an AVIF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::images::processing::decode) struct AvifHead {
    /// As it is stored, cut to what is to be seen of it.
    pub(in crate::images::processing::decode) size: Size,
    /// 1 to 8, as Exif has it.
    pub(in crate::images::processing::decode) orientation: u8,
    pub(super) image: Coded,
    pub(super) alpha: Option<Coded>,
    pub(super) is_premultiplied: bool,
    pub(super) area: Option<Area>,
    pub(super) colours: Option<Colours>,
    pub(super) profile: Option<Range<usize>>,
}

impl AvifHead {
    /// Pixels to decode: tiles may reach beyond the image's edges.
    pub(in crate::images::processing::decode) fn pixels(&self) -> u64 {
        self.image.tile.pixels() * self.image.tiles.len() as u64
    }

    /// Bytes that the decoder takes besides the pixels that become of it: the planes of one tile,
    /// and as much again for grain and the blocks that it notes.
    pub(in crate::images::processing::decode) fn planes_bytes(&self) -> u64 {
        let bytes = |coded: &Coded| coded.coding.planes_bytes(coded.tile);
        bytes(&self.image).max(self.alpha.as_ref().map_or(0, bytes)) * 2
    }
}

/// Reads it.
///
/// # Errors
/// When it is broken, or of a sort that is not decoded here.
pub(in crate::images::processing::decode) fn read(
    bytes: &[u8],
) -> Result<AvifHead, ProcessingError> {
    let items = Items::read(bytes)?;
    let image = coded(bytes, &items, items.primary)?;
    let mut alpha = None;
    for item in items.referring(items.primary, *b"auxl") {
        // Depths and the like are not looked at, nor whether they could be read.
        let said = items.properties(item).unwrap_or_default();
        if said.contains(&&Property::Auxiliary(true)) {
            alpha = Some(item);
        }
    }
    let is_premultiplied = alpha.is_some_and(|alpha| {
        let found = items.references(items.primary, *b"prem");
        found.into_iter().any(|to| to == alpha)
    });
    let alpha = alpha.map(|item| coded(bytes, &items, item)).transpose()?;
    if alpha.as_ref().is_some_and(|alpha| alpha.size != image.size) {
        return Err(ProcessingError::Unreadable);
    }
    let mut head = AvifHead {
        size: image.size,
        orientation: 1,
        image,
        alpha,
        is_premultiplied,
        area: None,
        colours: None,
        profile: None,
    };
    let said = items.properties(items.primary)?;
    let first_tile = items.references(items.primary, *b"dimg").next();
    let said_of_tile = first_tile.map(|tile| items.properties(tile)).transpose()?;
    for property in said_of_tile.unwrap_or_default().iter().chain(&said) {
        match property {
            Property::Colours(colours) => head.colours = Some(*colours),
            Property::Profile(place) => head.profile = Some(place.clone()),
            _ => {}
        }
    }
    let (mut quarters, mut mirror) = (0, None);
    for property in said {
        match property {
            Property::Aperture(aperture) => head.cut(*aperture),
            Property::Rotation(by) => quarters = *by,
            Property::Mirror(is_sideways) => mirror = Some(*is_sideways),
            _ => {}
        }
    }
    head.orientation = orientation(quarters, mirror);
    Ok(head)
}

impl AvifHead {
    /// An aperture that makes no sense cuts nothing.
    fn cut(&mut self, aperture: Aperture) {
        self.area = aperture.of(self.image.size);
        if let Some(area) = self.area {
            self.size = Size::new(area.width, area.height);
        }
    }
}

/// How an item is coded.
fn coded(bytes: &[u8], items: &Items, item: u32) -> Result<Coded, ProcessingError> {
    match items.kind(item).as_ref() {
        Some(b"av01") => {
            let (size, coding) = tile(items, item)?;
            Ok(Coded {
                size,
                tile: size,
                columns: 1,
                tiles: vec![items.places(item)?],
                coding,
            })
        }
        Some(b"grid") => grid(bytes, items, item),
        Some(_) => Err(unsupported()),
        None => Err(ProcessingError::Unreadable),
    }
}

fn tile(items: &Items, item: u32) -> Result<(Size, Coding), ProcessingError> {
    let (mut size, mut coding) = (None, None);
    for property in items.properties(item)? {
        match property {
            Property::Size(this) => size = Some(*this),
            Property::Coding(this) => coding = Some(*this),
            _ => {}
        }
    }
    let fits = |size: &Size| size.width <= SIDE_MAX && size.height <= SIDE_MAX;
    size.filter(fits)
        .zip(coding)
        .ok_or(ProcessingError::Unreadable)
}

fn grid(bytes: &[u8], items: &Items, item: u32) -> Result<Coded, ProcessingError> {
    let place = items.places(item)?.into_iter().next();
    let mut grid = Reader::new(bytes, place.ok_or(ProcessingError::Unreadable)?);
    if grid.u8()? != 0 {
        return Err(unsupported());
    }
    let length = if grid.u8()? & 1 == 0 { 2 } else { 4 };
    let rows = u32::from(grid.u8()?) + 1;
    let columns = u32::from(grid.u8()?) + 1;
    let (width, height) = (grid.number(length)? as u32, grid.number(length)? as u32);
    let ids: Vec<u32> = items.references(item, *b"dimg").collect();
    if ids.len() as u64 != u64::from(rows) * u64::from(columns) || ids.len() > TILES_MAX {
        return Err(ProcessingError::Unreadable);
    }
    let first = tile(items, ids[0])?;
    let mut tiles = Vec::with_capacity(ids.len());
    for id in ids {
        if items.kind(id) != Some(*b"av01") || tile(items, id)? != first {
            return Err(ProcessingError::Unreadable);
        }
        tiles.push(items.places(id)?);
    }
    let (tile, coding) = first;
    // Each column, and each row, holds some of the image, and all together all of it.
    let fits = |whole: u32, part: u32, count: u32| {
        let (whole, part, count) = (u64::from(whole), u64::from(part), u64::from(count));
        whole > part * (count - 1) && whole <= part * count
    };
    if !fits(width, tile.width, columns) || !fits(height, tile.height, rows) {
        return Err(ProcessingError::Unreadable);
    }
    Ok(Coded {
        size: Size { width, height },
        tile,
        columns,
        tiles,
        coding,
    })
}

/// Exif's number for so many quarters counterclockwise, and then a mirror.
fn orientation(quarters: u8, mirror: Option<bool>) -> u8 {
    let turned = |by: [u8; 4]| by[usize::from(quarters & 3)];
    match mirror {
        None => turned([1, 8, 3, 6]),
        Some(true) => turned([2, 7, 4, 5]),
        Some(false) => turned([4, 5, 2, 7]),
    }
}
