//! The items of a HEIF file (ISO/IEC 23008-12): what they are, where they lie, what is said of them.
//!
//! Invariant: every list is bounded, whatever the file says.

use std::ops::Range;

use super::boxes::{Block, Reader, unsupported};
use super::properties::{self, Property};
use crate::images::processing::error::ProcessingError;

/// Entries of each list: items, their places, references and properties. An image of 256 tiles,
/// with transparency, has fewer than 3,000 of any.
const ENTRIES_MAX: usize = 4096;

/// Where a part of an item lies.
#[derive(Debug)]
struct Extent {
    item: u32,
    /// 0: the file; 1: the box `idat`.
    method: u16,
    offset: u64,
    /// 0 is all that follows.
    length: u64,
}

#[derive(Debug)]
struct Reference {
    kind: [u8; 4],
    from: u32,
    to: u32,
}

#[derive(Debug)]
struct Association {
    item: u32,
    /// Counted from 1; 0 is none.
    property: usize,
    is_essential: bool,
}

/// All that `meta` says.
#[derive(Debug, Default)]
pub(super) struct Items {
    pub(super) primary: u32,
    file_length: usize,
    data: Range<usize>,
    kinds: Vec<(u32, [u8; 4])>,
    extents: Vec<Extent>,
    references: Vec<Reference>,
    properties: Vec<Property>,
    associations: Vec<Association>,
}

fn push<T>(list: &mut Vec<T>, entry: T) -> Result<(), ProcessingError> {
    if list.len() >= ENTRIES_MAX {
        return Err(ProcessingError::Unreadable);
    }
    list.push(entry);
    Ok(())
}

impl Items {
    /// Reads the box `meta` of a file.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, ProcessingError> {
        let mut file = Reader::new(bytes, 0..bytes.len());
        let mut nothing = ProcessingError::Unreadable;
        let meta = loop {
            match file.block()? {
                Some(Block { kind, body }) if &kind == b"meta" => break body,
                // A film, in which there may be no still image.
                Some(block) if &block.kind == b"moov" => nothing = unsupported(),
                Some(_) => {}
                None => return Err(nothing),
            }
        };
        let mut meta = Reader::new(bytes, meta);
        meta.version()?;
        let mut items = Self {
            file_length: bytes.len(),
            ..Self::default()
        };
        while let Some(Block { kind, body }) = meta.block()? {
            let body = Reader::new(bytes, body);
            match &kind {
                b"pitm" => items.read_primary(body)?,
                b"iinf" => items.read_kinds(body)?,
                b"iloc" => items.read_extents(body)?,
                b"iref" => items.read_references(body)?,
                b"iprp" => items.read_properties(body)?,
                b"idat" => items.data = body.rest(),
                _ => {}
            }
        }
        Ok(items)
    }

    fn read_primary(&mut self, mut body: Reader<'_>) -> Result<(), ProcessingError> {
        let (version, _) = body.version()?;
        self.primary = body.number(if version == 0 { 2 } else { 4 })? as u32;
        Ok(())
    }

    fn read_kinds(&mut self, mut body: Reader<'_>) -> Result<(), ProcessingError> {
        let (version, _) = body.version()?;
        body.number(if version == 0 { 2 } else { 4 })?;
        while let Some(entry) = body.block()? {
            if &entry.kind != b"infe" {
                continue;
            }
            let mut entry = Reader::new(body.file(), entry.body);
            let id_length = match entry.version()?.0 {
                2 => 2,
                3 => 4,
                _ => continue,
            };
            let item = entry.number(id_length)? as u32;
            // The index of a protection.
            entry.u16()?;
            push(&mut self.kinds, (item, entry.letters()?))?;
        }
        Ok(())
    }

    fn read_extents(&mut self, mut body: Reader<'_>) -> Result<(), ProcessingError> {
        let (version, _) = body.version()?;
        let lengths = body.u16()?;
        let length = |shift: u16| usize::from(lengths >> shift & 15);
        let (offset, size, base) = (length(12), length(8), length(4));
        let index = if version == 0 { 0 } else { length(0) };
        if [offset, size, base, index].iter().any(|length| *length > 8) {
            return Err(ProcessingError::Unreadable);
        }
        let id_length = if version < 2 { 2 } else { 4 };
        for _ in 0..body.number(id_length)? {
            let item = body.number(id_length)? as u32;
            let method = if version == 0 { 0 } else { body.u16()? & 15 };
            let source = body.u16()?;
            let from = body.number(base)?;
            for _ in 0..body.u16()? {
                body.number(index)?;
                let extent = Extent {
                    item,
                    // What lies in another file is not there.
                    method: if source == 0 { method } else { u16::MAX },
                    offset: from.saturating_add(body.number(offset)?),
                    length: body.number(size)?,
                };
                push(&mut self.extents, extent)?;
            }
        }
        Ok(())
    }

    fn read_references(&mut self, mut body: Reader<'_>) -> Result<(), ProcessingError> {
        let id_length = if body.version()?.0 == 0 { 2 } else { 4 };
        while let Some(Block { kind, body: entry }) = body.block()? {
            let mut entry = Reader::new(body.file(), entry);
            let from = entry.number(id_length)? as u32;
            for _ in 0..entry.u16()? {
                let to = entry.number(id_length)? as u32;
                push(&mut self.references, Reference { kind, from, to })?;
            }
        }
        Ok(())
    }

    fn read_properties(&mut self, mut body: Reader<'_>) -> Result<(), ProcessingError> {
        while let Some(block) = body.block()? {
            let mut list = Reader::new(body.file(), block.body);
            match &block.kind {
                b"ipco" => {
                    while let Some(Block { kind, body }) = list.block()? {
                        let property = properties::read(&kind, Reader::new(list.file(), body))?;
                        push(&mut self.properties, property)?;
                    }
                }
                b"ipma" => self.read_associations(list)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn read_associations(&mut self, mut list: Reader<'_>) -> Result<(), ProcessingError> {
        let (version, flags) = list.version()?;
        let id_length = if version == 0 { 2 } else { 4 };
        for _ in 0..list.u32()? {
            let item = list.number(id_length)? as u32;
            for _ in 0..list.u8()? {
                // The highest bit says whether it is essential.
                let (essential, index) = if flags & 1 == 0 {
                    let byte = list.u8()?;
                    (byte >> 7, u16::from(byte & 0x7f))
                } else {
                    let pair = list.u16()?;
                    ((pair >> 15) as u8, pair & 0x7fff)
                };
                let association = Association {
                    item,
                    property: usize::from(index),
                    is_essential: essential == 1,
                };
                push(&mut self.associations, association)?;
            }
        }
        Ok(())
    }

    /// What an item is.
    pub(super) fn kind(&self, item: u32) -> Option<[u8; 4]> {
        let found = self.kinds.iter().find(|(id, _)| *id == item);
        found.map(|(_, kind)| *kind)
    }

    /// The items that this one refers to.
    pub(super) fn references(&self, from: u32, kind: [u8; 4]) -> impl Iterator<Item = u32> {
        let found = self.references.iter();
        let found = found.filter(move |reference| (reference.from, reference.kind) == (from, kind));
        found.map(|reference| reference.to)
    }

    /// The items that refer to this one.
    pub(super) fn referring(&self, to: u32, kind: [u8; 4]) -> impl Iterator<Item = u32> {
        let found = self.references.iter();
        let found = found.filter(move |reference| (reference.to, reference.kind) == (to, kind));
        found.map(|reference| reference.from)
    }

    /// What is said of an item.
    ///
    /// # Errors
    /// When something is that must be understood and is not.
    pub(super) fn properties(&self, item: u32) -> Result<Vec<&Property>, ProcessingError> {
        let theirs = self.associations.iter().filter(|entry| entry.item == item);
        let mut found = Vec::new();
        for entry in theirs {
            let property = entry.property.checked_sub(1);
            match property.and_then(|index| self.properties.get(index)) {
                Some(Property::Unknown) | None if entry.is_essential => return Err(unsupported()),
                Some(property) => found.push(property),
                None => {}
            }
        }
        Ok(found)
    }

    /// Where the bytes of an item are, in the order in which they belong together.
    pub(super) fn places(&self, item: u32) -> Result<Vec<Range<usize>>, ProcessingError> {
        let (mut places, mut sum) = (Vec::new(), 0_usize);
        for extent in self.extents.iter().filter(|extent| extent.item == item) {
            let whole = match extent.method {
                0 => 0..self.file_length,
                1 => self.data.clone(),
                _ => return Err(unsupported()),
            };
            let offset = usize::try_from(extent.offset).map_err(|_| ProcessingError::Unreadable)?;
            let length = usize::try_from(extent.length).map_err(|_| ProcessingError::Unreadable)?;
            let from = whole.start.checked_add(offset);
            let from = from.ok_or(ProcessingError::Unreadable)?;
            let to = match length {
                0 => whole.end,
                length => from
                    .checked_add(length)
                    .ok_or(ProcessingError::Unreadable)?,
            };
            if from >= to || to > whole.end {
                return Err(ProcessingError::Unreadable);
            }
            // SECURITY: parts that lie over each other a thousand times.
            sum = sum.saturating_add(to - from);
            if sum > self.file_length {
                return Err(ProcessingError::Unreadable);
            }
            places.push(from..to);
        }
        if places.is_empty() {
            return Err(ProcessingError::Unreadable);
        }
        Ok(places)
    }
}
