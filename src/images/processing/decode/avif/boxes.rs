//! Boxes of ISO base media files (ISO/IEC 14496-12): a size, four letters, a body.
//!
//! Invariant: places are those of the whole file, and none lies outside it.

use std::ops::Range;

use crate::images::processing::error::ProcessingError;

/// Features of AVIF that are not supported: layers to choose from, derived images, videos.
pub(super) fn unsupported() -> ProcessingError {
    ProcessingError::unsupported("AVIF images of this sort are not supported")
}

/// A box.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) kind: [u8; 4],
    pub(super) body: Range<usize>,
}

/// Reads a part of a file from its start.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], range: Range<usize>) -> Self {
        let end = range.end.min(bytes.len());
        Self {
            bytes,
            at: range.start.min(end),
            end,
        }
    }

    /// What is left.
    pub(super) fn rest(&self) -> Range<usize> {
        self.at..self.end
    }

    /// All of the file.
    pub(super) fn file(&self) -> &'a [u8] {
        self.bytes
    }

    /// The bytes of what is left.
    pub(super) fn bytes(&self) -> &'a [u8] {
        &self.bytes[self.rest()]
    }

    fn skip(&mut self, length: usize) -> Result<&'a [u8], ProcessingError> {
        let taken = self
            .bytes()
            .get(..length)
            .ok_or(ProcessingError::Unreadable)?;
        self.at += length;
        Ok(taken)
    }

    /// A number of `length` bytes, 8 at most; of none it is 0.
    pub(super) fn number(&mut self, length: usize) -> Result<u64, ProcessingError> {
        let digits = self.skip(length)?.iter();
        Ok(digits.fold(0, |number, digit| number << 8 | u64::from(*digit)))
    }

    pub(super) fn u8(&mut self) -> Result<u8, ProcessingError> {
        Ok(self.number(1)? as u8)
    }

    pub(super) fn u16(&mut self) -> Result<u16, ProcessingError> {
        Ok(self.number(2)? as u16)
    }

    pub(super) fn u32(&mut self) -> Result<u32, ProcessingError> {
        Ok(self.number(4)? as u32)
    }

    pub(super) fn letters(&mut self) -> Result<[u8; 4], ProcessingError> {
        Ok(self.u32()?.to_be_bytes())
    }

    /// Version and flags, which begin a full box.
    pub(super) fn version(&mut self) -> Result<(u8, u32), ProcessingError> {
        Ok((self.u8()?, self.number(3)? as u32))
    }

    /// The next box. One that says it is longer than what it lies in ends there: the file was cut
    /// off, or what it lies in was.
    pub(super) fn block(&mut self) -> Result<Option<Block>, ProcessingError> {
        let from = self.at;
        if self.end - from < 8 {
            return Ok(None);
        }
        let (short, kind) = (self.u32()?, self.letters()?);
        let size = match short {
            0 => (self.end - from) as u64,
            1 => self.number(8)?,
            short => u64::from(short),
        };
        if size < (self.at - from) as u64 {
            return Err(ProcessingError::Unreadable);
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let body = self.at..from.saturating_add(size).min(self.end);
        self.at = body.end;
        Ok(Some(Block { kind, body }))
    }
}
