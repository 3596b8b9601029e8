//! Reads a stored body piece by piece, at the pace of its reader.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use xxhash_rust::xxh3::Xxh3;
use zstd::zstd_safe;

use super::readers::BodyShape;
use super::record::{Coding, PIECE_BYTES};
use super::{Space, Store, StoredEntry};
use crate::inflight::{Denied, Grant, Holder, Inflight};

/// An open stored body. It stays readable when its file is removed.
#[derive(Debug)]
pub struct StoredBody {
    store: Store,
    pieces: Arc<Pieces>,
    _place: OwnedSemaphorePermit,
}

/// Where the stored bytes are read from.
#[derive(Debug)]
pub(super) enum StoredBytes {
    Inline(Bytes),
    File(File),
}

/// Reads pieces of a body.
#[derive(Debug)]
pub(super) struct Pieces {
    bytes: StoredBytes,
    coding: Coding,
    stored_bytes: usize,
    body_bytes: usize,
    /// Offsets of the frames, once they were found.
    frames: Vec<usize>,
}

impl Store {
    /// A body with its metadata, and the grant for its bytes; waits for room in the budget.
    ///
    /// # Errors
    /// When there is a body and no room for it.
    pub async fn get_within(
        &self,
        (space, key): (Space, &str),
        budget: &Inflight,
        holder: Holder,
    ) -> Result<Option<(StoredEntry, Grant)>, Denied> {
        let Some(known) = self.get_meta(space, key).await else {
            return Ok(None);
        };
        let grant = budget.begin(Some(known.body_bytes), holder).await?;
        let entry = self.get(space, key).await;
        Ok(entry.map(|entry| (entry, grant)))
    }

    /// Opens a body to be read in pieces. `part` is a range of it and that range's XXH3 (128 bits); `None` where the
    /// stored body has another digest, or there is none. A limited number is open at a time; more wait.
    pub async fn open_body(
        &self,
        space: Space,
        key: &str,
        part: (Range<usize>, u128),
    ) -> Option<StoredBody> {
        let place = Arc::clone(&self.0.open).acquire_owned().await.ok()?;
        let key = key.to_owned();
        let pieces = self
            .read(move |core| core.open_body(space, &key, part))
            .await?;
        Some(StoredBody::new(self.clone(), pieces, place))
    }
}

impl StoredBody {
    pub(super) fn new(store: Store, pieces: Pieces, place: OwnedSemaphorePermit) -> Self {
        Self {
            store,
            pieces: Arc::new(pieces),
            _place: place,
        }
    }

    /// A piece from this offset, at most [`PIECE_BYTES`] long and empty at the end; `None` where it can't be read.
    pub async fn read(&self, at: usize) -> Option<Bytes> {
        let pieces = Arc::clone(&self.pieces);
        self.store.read(move |_| pieces.read(at).ok()).await
    }
}

impl Pieces {
    pub(super) fn new(bytes: StoredBytes, shape: BodyShape) -> Self {
        Self {
            bytes,
            coding: shape.coding,
            stored_bytes: shape.stored_bytes,
            body_bytes: shape.body_bytes,
            frames: Vec::new(),
        }
    }

    /// The digest of a range, which can be read afterwards; `None` where it can't be read.
    pub(super) fn digest_of(&mut self, range: Range<usize>) -> Option<u128> {
        if range.end > self.body_bytes || self.coding == Coding::Zstd {
            return None;
        }
        if self.coding == Coding::Frames {
            self.find_frames().ok()?;
        }
        let mut digest = Xxh3::new();
        let mut at = range.start;
        while at < range.end {
            let mut piece = self.read(at).ok()?;
            piece.truncate(range.end - at);
            if piece.is_empty() {
                return None;
            }
            digest.update(&piece);
            at += piece.len();
        }
        Some(digest.digest128())
    }

    /// Finds the offsets of the frames.
    fn find_frames(&mut self) -> io::Result<()> {
        let frame_bytes_max = zstd_safe::compress_bound(PIECE_BYTES);
        let mut at = 0;
        self.frames.clear();
        while at < self.stored_bytes {
            let start = self.stored(at, frame_bytes_max)?;
            let bytes = zstd_safe::find_frame_compressed_size(&start).map_err(|_| bad())?;
            self.frames.push(at);
            at += bytes;
        }
        Ok(())
    }

    fn read(&self, at: usize) -> io::Result<Bytes> {
        if at >= self.body_bytes {
            return Ok(Bytes::new());
        }
        if self.coding == Coding::Plain {
            return self.stored(at, PIECE_BYTES);
        }
        let index = at / PIECE_BYTES;
        let start = *self.frames.get(index).ok_or_else(bad)?;
        let end = self.frames.get(index + 1).unwrap_or(&self.stored_bytes);
        let frame = self.stored(start, end - start)?;
        let frame = Bytes::from(zstd::bulk::decompress(&frame, PIECE_BYTES)?);
        let before = at % PIECE_BYTES;
        if before >= frame.len() {
            return Err(bad());
        }
        Ok(frame.slice(before..))
    }

    /// Up to `bytes_max` stored bytes from an offset.
    fn stored(&self, at: usize, bytes_max: usize) -> io::Result<Bytes> {
        let end = self.stored_bytes.min(at + bytes_max);
        match &self.bytes {
            StoredBytes::Inline(bytes) if end <= bytes.len() => Ok(bytes.slice(at..end)),
            StoredBytes::Inline(_) => Err(bad()),
            StoredBytes::File(file) => {
                let mut piece = vec![0; end - at];
                file.read_exact_at(&mut piece, at as u64)?;
                Ok(piece.into())
            }
        }
    }
}

fn bad() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

#[cfg(test)]
mod tests {
    use super::super::record;
    use super::*;

    fn pieces_of(body: &[u8]) -> (Pieces, Coding) {
        let body: Vec<Bytes> = body.chunks(100_000).map(Bytes::copy_from_slice).collect();
        let coded = record::encode(&body).unwrap();
        let shape = BodyShape {
            coding: coded.coding,
            stored_bytes: coded.stored_bytes,
            body_bytes: coded.body_bytes,
        };
        let bytes = StoredBytes::Inline(coded.pieces.concat().into());
        (Pieces::new(bytes, shape), coded.coding)
    }

    #[test]
    fn every_part_of_a_body_can_be_read_alone() {
        let text: Vec<u8> = (0..400_000_u32)
            .flat_map(|n| format!("item {n}, ").into_bytes())
            .collect();
        let noise: Vec<u8> = (0..1_500_000_u32)
            .map(|n| (n.wrapping_mul(n).wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let mut seen = Vec::new();
        for body in [text, noise] {
            let (mut pieces, coding) = pieces_of(&body);
            seen.push(coding);
            for range in [0..body.len(), 5..6, 130_000..900_001, 0..0] {
                let expected = xxhash_rust::xxh3::xxh3_128(&body[range.clone()]);
                assert_eq!(pieces.digest_of(range.clone()), Some(expected), "{range:?}");
            }
            assert_eq!(pieces.digest_of(0..body.len() + 1), None);
            for at in [0, 1, PIECE_BYTES - 1, PIECE_BYTES, 700_000, body.len() - 1] {
                let piece = pieces.read(at).unwrap();
                assert!(!piece.is_empty() && piece.len() <= PIECE_BYTES);
                assert_eq!(piece, body[at..at + piece.len()], "{at}");
            }
            assert!(pieces.read(body.len()).unwrap().is_empty());
        }
        assert_eq!(seen[0], Coding::Frames);
    }

    #[test]
    fn damage_is_found_before_anything_is_read() {
        let body: Vec<u8> = b"<item>news</item>".repeat(100_000);
        let (mut pieces, _) = pieces_of(&body);
        let StoredBytes::Inline(bytes) = &pieces.bytes else {
            panic!("it is inline");
        };
        let mut damaged = bytes.to_vec();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0x40;
        pieces.bytes = StoredBytes::Inline(damaged.into());
        let good = xxhash_rust::xxh3::xxh3_128(&body);
        assert_ne!(pieces.digest_of(0..body.len()), Some(good));
    }
}
