//! The encoding of records: bodies are compressed where that helps, and every record has a checksum that covers its
//! key.

use std::io::{self, Read, Write};

use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3;

use super::{BODY_BYTES_MAX, Space};

/// The version of what is checksummed and of how bodies are coded; any other is not read.
pub(super) const VERSION: u8 = 1;

/// Compresses as well as level 3 in three quarters of the time; it runs for each fetch.
const ZSTD_LEVEL: i32 = 2;
/// Bytes of a longer body that are compressed first, to see whether it is worth it.
const TRIAL_BYTES: usize = 16 << 10;
/// Compressing has to save at least one byte in this many.
const GAIN_MIN: usize = 16;
/// A shorter body is stored as it is.
const COMPRESS_BYTES_MIN: usize = 128;
/// A body is read back in pieces of at most this size.
pub const PIECE_BYTES: usize = 128 << 10;
/// A longer body is compressed in frames of [`PIECE_BYTES`] each, so that a part of it can be read
/// without what is before it.
pub(super) const FRAMED_BYTES_MIN: usize = 1 << 20;

/// A 128-bit checksum, against accidents, not forgery: whoever can write to the directory can write anything.
pub(super) type Sum = [u8; 16];

/// A record that doesn't verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bad;

/// The coding of the stored bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// As they are.
    Plain = 0,
    /// zstd (RFC 8878).
    Zstd = 1,
    /// zstd, a frame for each [`PIECE_BYTES`].
    Frames = 2,
}

impl Coding {
    pub(super) fn of_id(id: i64) -> Option<Self> {
        match id {
            0 => Some(Self::Plain),
            1 => Some(Self::Zstd),
            2 => Some(Self::Frames),
            _ => None,
        }
    }
}

/// An encoded body.
#[derive(Debug, Clone)]
pub(super) struct EncodedBody {
    pub(super) coding: Coding,
    pub(super) pieces: Vec<Bytes>,
    /// The length of `pieces`.
    pub(super) stored_bytes: usize,
    /// The length of the body.
    pub(super) body_bytes: usize,
    /// The checksum of `pieces`.
    pub(super) sum: Sum,
}

/// Encodes a body. One that is compressed already, such as images and audio, stays as it is: a trial on its start
/// shows that.
///
/// # Errors
/// When the encoder fails, which it has no reason to when it writes to memory.
pub(super) fn encode(body: &[Bytes]) -> io::Result<EncodedBody> {
    let body_bytes = body.iter().map(Bytes::len).sum();
    let mut coded = EncodedBody {
        coding: Coding::Plain,
        pieces: body.to_vec(),
        stored_bytes: body_bytes,
        body_bytes,
        sum: [0; 16],
    };
    let is_tried = body_bytes > TRIAL_BYTES;
    if body_bytes >= COMPRESS_BYTES_MIN && (!is_tried || is_worth_it(body)?) {
        let (coding, packed) = match body_bytes > FRAMED_BYTES_MIN {
            true => (Coding::Frames, compress_in_frames(body)?),
            false => (Coding::Zstd, vec![compress(body, body_bytes)?.into()]),
        };
        let packed_bytes = packed.iter().map(Bytes::len).sum();
        if packed_bytes < body_bytes - body_bytes / GAIN_MIN {
            coded.coding = coding;
            coded.stored_bytes = packed_bytes;
            coded.pieces = packed;
        }
    }
    coded.sum = sum_of(&coded.pieces);
    Ok(coded)
}

/// Decodes a stored body; `None` when it isn't `body_bytes` long, or can't be decoded.
pub(super) fn decode(coding: Coding, stored: Vec<Bytes>, body_bytes: usize) -> Option<Vec<Bytes>> {
    if body_bytes > BODY_BYTES_MAX {
        return None;
    }
    if coding == Coding::Plain {
        let bytes: usize = stored.iter().map(Bytes::len).sum();
        return (bytes == body_bytes).then_some(stored);
    }
    let stored = match &stored[..] {
        [one] => one.clone(),
        several => several.concat().into(),
    };
    let mut decoder = zstd::stream::read::Decoder::with_buffer(&stored[..]).ok()?;
    let mut pieces = Vec::new();
    let mut left = body_bytes;
    while left > 0 {
        let mut piece = vec![0; left.min(PIECE_BYTES)];
        decoder.read_exact(&mut piece).ok()?;
        left -= piece.len();
        pieces.push(piece.into());
    }
    let is_at_end = matches!(decoder.read(&mut [0]), Ok(0));
    is_at_end.then_some(pieces)
}

pub(super) fn sum_of(pieces: &[Bytes]) -> Sum {
    let mut hash = Xxh3::new();
    pieces.iter().for_each(|piece| hash.update(piece));
    hash.digest128().to_be_bytes()
}

/// What the checksum of an entry covers.
#[derive(Debug, Clone, Copy)]
pub(super) struct EntryHeader<'a> {
    pub(super) space: Space,
    pub(super) key: &'a str,
    pub(super) meta: &'a [u8],
    pub(super) coding: Coding,
    pub(super) stored_bytes: u64,
    pub(super) body_bytes: u64,
    pub(super) body_sum: Sum,
    pub(super) stored_at_ms: i64,
}

impl EntryHeader<'_> {
    pub(super) fn sum(&self) -> Sum {
        let mut hash = Xxh3::new();
        hash.update(&[VERSION, self.space.id(), self.coding as u8]);
        for number in [
            self.stored_bytes,
            self.body_bytes,
            self.stored_at_ms.unsigned_abs(),
            self.key.len() as u64,
        ] {
            hash.update(&number.to_be_bytes());
        }
        for bytes in [&self.body_sum, self.key.as_bytes(), self.meta] {
            hash.update(bytes);
        }
        hash.digest128().to_be_bytes()
    }
}

/// The checksum of a small value with its table and keys.
pub(super) fn bind(table: u8, keys: [&[u8]; 2], value: &[u8]) -> Sum {
    let mut hash = Xxh3::new();
    hash.update(&[VERSION, table]);
    for key in keys {
        hash.update(&(key.len() as u64).to_be_bytes());
        hash.update(key);
    }
    hash.update(value);
    hash.digest128().to_be_bytes()
}

fn is_worth_it(body: &[Bytes]) -> io::Result<bool> {
    let packed = compress(body, TRIAL_BYTES)?;
    Ok(packed.len() < TRIAL_BYTES - TRIAL_BYTES / GAIN_MIN)
}

fn compress_in_frames(body: &[Bytes]) -> io::Result<Vec<Bytes>> {
    let mut compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
    let mut frames = Vec::new();
    let mut frame = Vec::with_capacity(PIECE_BYTES);
    for piece in body {
        let mut rest = &piece[..];
        while !rest.is_empty() {
            let (taken, later) = rest.split_at(rest.len().min(PIECE_BYTES - frame.len()));
            frame.extend_from_slice(taken);
            rest = later;
            if frame.len() == PIECE_BYTES {
                frames.push(compressor.compress(&frame)?.into());
                frame.clear();
            }
        }
    }
    if !frame.is_empty() {
        frames.push(compressor.compress(&frame)?.into());
    }
    Ok(frames)
}

/// Compresses the first `bytes` of a body.
fn compress(body: &[Bytes], mut bytes: usize) -> io::Result<Vec<u8>> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)?;
    // Its tables are as large as the body needs.
    encoder.set_pledged_src_size(Some(bytes as u64))?;
    for piece in body {
        let taken = piece.len().min(bytes);
        encoder.write_all(&piece[..taken])?;
        bytes -= taken;
    }
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(bytes: usize) -> Vec<u8> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut out = Vec::with_capacity(bytes);
        while out.len() < bytes {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            out.extend_from_slice(&state.to_be_bytes());
        }
        out.truncate(bytes);
        out
    }

    #[test]
    fn text_is_compressed_and_media_are_not() {
        let check = |body: Vec<u8>, expected: Coding| {
            let pieces: Vec<Bytes> = body.chunks(10_000).map(Bytes::copy_from_slice).collect();
            let coded = encode(&pieces).unwrap();
            assert_eq!(coded.coding, expected, "{} bytes", body.len());
            assert_eq!(coded.body_bytes, body.len());
            let stored = Bytes::from(coded.pieces.concat());
            assert_eq!(stored.len(), coded.stored_bytes);
            assert_eq!(sum_of(std::slice::from_ref(&stored)), coded.sum);
            let back = decode(coded.coding, vec![stored], body.len()).unwrap();
            assert_eq!(back.concat(), body);
        };
        check(b"<item>news</item>".repeat(50_000), Coding::Zstd);
        check(b"<item>news</item>".repeat(70_000), Coding::Frames);
        check(noise(1_000_000), Coding::Plain);
        check(b"<item>news</item>".repeat(20), Coding::Zstd);
        check(noise(1_000), Coding::Plain);
        check(b"short".to_vec(), Coding::Plain);
        check(Vec::new(), Coding::Plain);
        check(vec![0; 5_000_000], Coding::Frames);
    }

    #[test]
    fn no_length_is_believed() {
        let body = [Bytes::from(b"news ".repeat(1_000))];
        let coded = encode(&body).unwrap();
        let stored = Bytes::from(coded.pieces.concat());
        let true_length = coded.body_bytes;
        for wrong in [
            0,
            1,
            true_length - 1,
            true_length + 1,
            BODY_BYTES_MAX,
            usize::MAX,
        ] {
            assert!(
                decode(Coding::Zstd, vec![stored.clone()], wrong).is_none(),
                "{wrong}"
            );
            assert!(
                decode(Coding::Plain, vec![stored.clone()], wrong).is_none(),
                "{wrong}"
            );
        }
        for cut in 0..stored.len() {
            let cut = stored.slice(..cut);
            assert!(decode(Coding::Zstd, vec![cut], true_length).is_none());
        }
    }

    #[test]
    fn the_checksum_binds_every_field() {
        let bound = EntryHeader {
            space: Space::Feeds,
            key: "news",
            meta: b"meta",
            coding: Coding::Zstd,
            stored_bytes: 7,
            body_bytes: 9,
            body_sum: [1; 16],
            stored_at_ms: 5,
        };
        let others = [
            EntryHeader {
                space: Space::Mirror,
                ..bound
            },
            EntryHeader {
                key: "newsm",
                meta: b"eta",
                ..bound
            },
            EntryHeader {
                meta: b"metb",
                ..bound
            },
            EntryHeader {
                coding: Coding::Plain,
                ..bound
            },
            EntryHeader {
                stored_bytes: 9,
                body_bytes: 7,
                ..bound
            },
            EntryHeader {
                body_sum: [2; 16],
                ..bound
            },
            EntryHeader {
                stored_at_ms: 6,
                ..bound
            },
        ];
        for other in others {
            assert_ne!(other.sum(), bound.sum(), "{other:?}");
        }
        assert_ne!(bind(1, [b"a", b"bc"], b"d"), bind(1, [b"ab", b"c"], b"d"));
    }
}
