//! Undoing a body's content coding: bytes in, bytes out, in steps of bounded size. Pure.
//!
//! What a server says of it is often wrong: gzip is seen by its first bytes, whatever is said, also once
//! more inside another coding; a coding that nobody knows is none.
//!
//! Invariants. One step yields at most [`STEP_BYTES_MAX`], so that the caller judges its limits
//! between two steps and a bomb never unfolds in memory: 16 KiB of zstd may hold 512 MiB. Memory is
//! one step and the coding's window (gzip 32 KiB, zstd 8 MiB, brotli 16 MiB). A stream that ends
//! before its own end mark is an error, never a short success.

mod layer;

use bytes::Bytes;
use http::{HeaderMap, header};
use std::io;

use layer::Layer;

/// Bytes that one call of [`Decoder::step`] yields at most.
pub(super) const STEP_BYTES_MAX: usize = 64 << 10;

/// Bytes of the outer coding that may yield nothing when they are decoded once more.
const SILENT_BYTES_MAX: usize = 4 << 20;

/// Codings that HTTP has and that we never ask for (IANA's registry). Anything else is a charset, a
/// transfer coding or nonsense, over a plain body.
const UNASKED: [&str; 7] = [
    "compress",
    "x-compress",
    "aes128gcm",
    "dcb",
    "dcz",
    "exi",
    "pack200-gzip",
];

/// A content coding that we undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// Why a body cannot be decoded.
#[derive(Debug, thiserror::Error)]
pub enum CodingError {
    /// A coding that there is, and that we never asked for.
    #[error("content coding `{0}`, which was not asked for")]
    Unasked(&'static str),
    /// More than one coding on top of each other.
    #[error("more than one content coding")]
    Layers,
    /// Bytes that the coding does not allow.
    #[error("the coded body is broken")]
    Broken(#[source] io::Error),
    /// The body ended inside the coded stream.
    #[error("the coded body ends early")]
    Truncated,
}

impl Coding {
    /// What `Content-Encoding` says.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, CodingError> {
        let (mut coding, mut layers) = (Self::Identity, 0);
        for value in headers.get_all(header::CONTENT_ENCODING) {
            let text = String::from_utf8_lossy(value.as_bytes());
            for token in text.split(',') {
                let next = Self::parse(token.trim())?;
                if next == Self::Identity {
                    continue;
                }
                layers += 1;
                // gzip inside is seen by its first bytes.
                let is_double = layers == 2 && coding == Self::Gzip && next == Self::Gzip;
                if layers > 1 && !is_double {
                    return Err(CodingError::Layers);
                }
                coding = next;
            }
        }
        Ok(coding)
    }

    fn parse(token: &str) -> Result<Self, CodingError> {
        match token.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "deflate" => Ok(Self::Deflate),
            "br" => Ok(Self::Brotli),
            "zstd" => Ok(Self::Zstd),
            other => match UNASKED.iter().find(|name| **name == other) {
                Some(name) => Err(CodingError::Unasked(name)),
                None => Ok(Self::Identity),
            },
        }
    }
}

/// Undoes a body's coding, and gzip inside it.
#[derive(Debug)]
pub(super) struct Decoder {
    outer: Layer,
    inner: Layer,
    /// What the outer coding yielded and the inner one has not read yet.
    between: Bytes,
    /// What the outer coding yielded.
    between_bytes: u64,
    /// So much of that since the inner one yielded anything.
    silent_bytes: usize,
}

impl Decoder {
    /// A decoder for a body with this coding.
    pub(super) fn new(coding: Coding) -> Self {
        Self {
            outer: Layer::new(coding),
            inner: Layer::new(Coding::Identity),
            between: Bytes::new(),
            between_bytes: 0,
            silent_bytes: 0,
        }
    }

    /// Reads from the front of `input` and yields the next bytes; nothing once `input` is used up
    /// and everything that it held was handed out. Call until it yields nothing.
    pub(super) fn step(&mut self, input: &mut Bytes) -> Result<Bytes, CodingError> {
        loop {
            let piece = self.inner.step(&mut self.between)?;
            if !piece.is_empty() {
                self.silent_bytes = 0;
                return Ok(piece);
            }
            self.between = self.outer.step(input)?;
            if self.between.is_empty() {
                return Ok(Bytes::new());
            }
            self.between_bytes += self.between.len() as u64;
            self.silent_bytes += self.between.len();
            // SECURITY: a kilobyte may unfold to a megabyte that says nothing: the name of a file in
            // gzip's head has no end.
            if self.silent_bytes > SILENT_BYTES_MAX {
                return Err(CodingError::Broken(io::ErrorKind::InvalidData.into()));
            }
        }
    }

    /// Ends the body: what was held back, or an error when the coded stream is not complete.
    pub(super) fn finish(&mut self) -> Result<Bytes, CodingError> {
        self.between = self.outer.finish()?;
        let rest = self.inner.step(&mut self.between)?;
        let held = self.inner.finish()?;
        Ok(match held.is_empty() {
            true => rest,
            false => [rest, held].concat().into(),
        })
    }

    /// Bytes that came out of the outer coding so far: as many as were decoded, or more where they
    /// are coded again.
    pub(super) fn between_bytes(&self) -> u64 {
        self.between_bytes
    }
}

#[cfg(test)]
mod tests;
