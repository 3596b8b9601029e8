//! A finished body.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

/// Finished bodies up to this many bytes are kept in one piece, so that a hit is one write;
/// larger ones stay in pieces, so that finishing does not double their memory.
const COALESCE_BYTES_MAX: usize = 1 << 20;

/// A finished body, cheap to clone.
#[derive(Debug, Clone)]
pub struct Body {
    pieces: Arc<[Bytes]>,
    bytes: usize,
}

impl Body {
    /// A body of these pieces, in order.
    #[must_use]
    pub fn new(pieces: Vec<Bytes>) -> Self {
        let bytes = pieces.iter().map(Bytes::len).sum();
        if pieces.len() > 1 && bytes <= COALESCE_BYTES_MAX {
            let mut whole = BytesMut::with_capacity(bytes);
            pieces
                .iter()
                .for_each(|piece| whole.extend_from_slice(piece));
            return Self {
                pieces: Arc::new([whole.freeze()]),
                bytes,
            };
        }
        Self {
            pieces: pieces.into(),
            bytes,
        }
    }

    /// The length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes
    }

    /// Whether there is not one byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// The pieces, in order.
    #[must_use]
    pub fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    /// A part of it, sharing its memory. What of `range` lies behind the end is left out.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let mut before = 0;
        let mut pieces = Vec::new();
        for piece in self.pieces.iter() {
            let start = range.start.saturating_sub(before).min(piece.len());
            let end = range.end.saturating_sub(before).min(piece.len());
            if start < end {
                pieces.push(piece.slice(start..end));
            }
            before += piece.len();
        }
        Self {
            bytes: pieces.iter().map(Bytes::len).sum(),
            pieces: pieces.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_body_in_pieces() {
        let body = Body {
            pieces: ["ab", "cde", "f"].map(Bytes::from).into(),
            bytes: 6,
        };
        for (range, expected) in [
            (0..6, "abcdef"),
            (0..1, "a"),
            (1..3, "bc"),
            (2..5, "cde"),
            (5..6, "f"),
            (1..99, "bcdef"),
            (3..3, ""),
            (9..12, ""),
        ] {
            let part = body.slice(range.clone());
            let joined: Vec<u8> = part.pieces().concat();
            assert_eq!(
                (joined.as_slice(), part.len()),
                (expected.as_bytes(), expected.len()),
                "{range:?}"
            );
        }
    }
}
