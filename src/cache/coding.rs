//! Content codings that copies are kept and sent in (RFC 9110 §8.4.1, RFC 8878).

use std::io::{self, Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::body::Body;

/// gzip of what is kept, made once and off the request's path.
const GZIP_KEPT: u32 = 6;
const BROTLI_QUALITY: u32 = 5;
const BROTLI_WINDOW_BITS: u32 = 22;
const BROTLI_BUFFER_BYTES: usize = 16 << 10;
const ZSTD_LEVEL: i32 = 3;
/// How much is decoded at a time.
const DECODE_BYTES: usize = 64 << 10;

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    /// No coding.
    Identity,
    /// `gzip`, the form copies are kept in.
    Gzip,
    /// `br`.
    Brotli,
    /// `zstd`.
    Zstd,
}

impl Coding {
    /// Every coding, in the order of [`Coding::index`].
    pub const ALL: [Self; 4] = [Self::Identity, Self::Gzip, Self::Brotli, Self::Zstd];

    /// The value of `Content-Encoding`; `None` for identity.
    #[must_use]
    pub fn token(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
            Self::Zstd => Some("zstd"),
        }
    }

    /// The place in [`Coding::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

/// Encodes a whole body at the level that kept copies have.
///
/// # Errors
/// When the encoder fails, which writing to memory gives no reason for.
pub(super) fn encode(body: &Body, coding: Coding) -> io::Result<Body> {
    let mut out = Vec::with_capacity(body.len() / 3);
    match coding {
        Coding::Identity => return Ok(body.clone()),
        Coding::Gzip => {
            let mut encoder = GzEncoder::new(&mut out, Compression::new(GZIP_KEPT));
            write_pieces(body, &mut encoder)?;
            encoder.finish()?;
        }
        Coding::Brotli => {
            let mut encoder = brotli::CompressorWriter::new(
                &mut out,
                BROTLI_BUFFER_BYTES,
                BROTLI_QUALITY,
                BROTLI_WINDOW_BITS,
            );
            write_pieces(body, &mut encoder)?;
            encoder.flush()?;
        }
        Coding::Zstd => {
            let mut encoder = zstd::stream::write::Encoder::new(&mut out, ZSTD_LEVEL)?;
            write_pieces(body, &mut encoder)?;
            encoder.finish()?;
        }
    }
    Ok(Body::new(vec![Bytes::from(out.into_boxed_slice())]))
}

/// How long a body is that [`encode`] made a gzip body of, as its last four bytes
/// say (RFC 1952 §2.3.1).
pub(super) fn decoded_bytes(gzip: &Body) -> usize {
    let mut last = gzip
        .pieces()
        .iter()
        .rev()
        .flat_map(|piece| piece.iter().rev());
    let length = last
        .by_ref()
        .take(4)
        .fold(0, |length: u32, byte| length << 8 | u32::from(*byte));
    length as usize
}

/// Decodes a whole gzip body that [`encode`] made.
///
/// # Errors
/// When it is no gzip body of ours.
pub(super) fn decode_gzip(body: &Body) -> io::Result<Body> {
    let mut decoder = GzDecoder::new(PieceReader {
        pieces: body.pieces(),
        at: 0,
    });
    let mut pieces = Vec::new();
    loop {
        let mut piece = Vec::with_capacity(DECODE_BYTES);
        (&mut decoder)
            .take(DECODE_BYTES as u64)
            .read_to_end(&mut piece)?;
        if piece.is_empty() {
            return Ok(Body::new(pieces));
        }
        pieces.push(Bytes::from(piece));
    }
}

/// Reads the pieces of a body one after the other.
struct PieceReader<'a> {
    pieces: &'a [Bytes],
    at: usize,
}

impl Read for PieceReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some((piece, later)) = self.pieces.split_first() {
            if let Some(rest) = piece.get(self.at..).filter(|rest| !rest.is_empty()) {
                let bytes = rest.len().min(out.len());
                out[..bytes].copy_from_slice(&rest[..bytes]);
                self.at += bytes;
                return Ok(bytes);
            }
            (self.pieces, self.at) = (later, 0);
        }
        Ok(0)
    }
}

fn write_pieces(body: &Body, encoder: &mut impl Write) -> io::Result<()> {
    body.pieces()
        .iter()
        .try_for_each(|piece| encoder.write_all(piece))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> Vec<u8> {
        (0..40_000)
            .flat_map(|n: u32| format!("item {n}, ").into_bytes())
            .collect()
    }

    fn join(body: &Body) -> Vec<u8> {
        body.pieces().concat()
    }

    #[test]
    fn each_coding_holds_the_same_text() {
        let body = Body::new(text().chunks(10_000).map(Bytes::copy_from_slice).collect());
        let gzip = encode(&body, Coding::Gzip).unwrap();
        assert_eq!(join(&decode_gzip(&gzip).unwrap()), text());
        assert_eq!(decoded_bytes(&gzip), body.len());
        let brotli = join(&encode(&body, Coding::Brotli).unwrap());
        let mut plain = Vec::new();
        brotli::Decompressor::new(&brotli[..], 4096)
            .read_to_end(&mut plain)
            .unwrap();
        assert_eq!(plain, text());
        let zstd = join(&encode(&body, Coding::Zstd).unwrap());
        assert_eq!(zstd::stream::decode_all(&zstd[..]).unwrap(), text());
    }
}
