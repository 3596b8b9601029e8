//! One coding and how it is undone.

use brotli::enc::StandardAlloc;
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState};
use bytes::{Buf, Bytes};
use flate2::{Decompress, FlushDecompress, Status};
use std::{io, mem};
use zstd::stream::raw::{DParameter, Decoder as ZstdDecoder, Operation};

use super::{Coding, CodingError, STEP_BYTES_MAX};

/// Largest zstd window, as a power of two: 8 MiB, what RFC 9659 allows on the web.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// The window of deflate and gzip, as a power of two.
const DEFLATE_WINDOW_BITS: u8 = 15;

/// How every gzip member with the only method there is begins (RFC 1952 §2.3.1).
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b, 0x08];

/// Undoes one coding.
pub(super) struct Layer {
    state: State,
    /// The first bytes, while they are too few to decide by.
    held: Bytes,
    scratch: Box<[u8]>,
}

enum State {
    /// Nothing read yet.
    Start(Coding),
    Plain,
    Gzip(Box<Decompress>),
    /// A gzip member is complete: another one may follow.
    GzipEnd,
    Deflate(Box<Decompress>),
    Brotli(Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>),
    Zstd {
        decoder: ZstdDecoder<'static>,
        /// Between two frames, where the body may end.
        is_whole: bool,
    },
    /// The coded stream is complete; what follows is ignored.
    Done,
}

/// What the engine did in one call.
struct Progress {
    read: usize,
    written: usize,
    is_end: bool,
}

impl Layer {
    /// For a body with this coding, or with gzip.
    pub(super) fn new(coding: Coding) -> Self {
        Self {
            state: State::Start(coding),
            held: Bytes::new(),
            scratch: Box::default(),
        }
    }

    /// Reads from the front of `input` and yields the next bytes; nothing once `input` is used up
    /// and everything that it held was handed out. Call until it yields nothing.
    pub(super) fn step(&mut self, input: &mut Bytes) -> Result<Bytes, CodingError> {
        loop {
            if matches!(self.state, State::Start(_) | State::GzipEnd) {
                if input.is_empty() {
                    return Ok(Bytes::new());
                }
                if !self.held.is_empty() {
                    *input = [mem::take(&mut self.held), mem::take(input)]
                        .concat()
                        .into();
                }
                if self.is_undecided(input) {
                    self.held = mem::take(input);
                    return Ok(Bytes::new());
                }
                self.settle(input)?;
            }
            match self.state {
                State::Plain => return Ok(input.split_to(input.len().min(STEP_BYTES_MAX))),
                State::Done => input.clear(),
                _ => {}
            }
            let progress = self.run(input)?;
            input.advance(progress.read);
            if progress.is_end {
                self.state = match self.state {
                    State::Gzip(_) => State::GzipEnd,
                    _ => State::Done,
                };
            }
            if progress.written > 0 {
                return Ok(Bytes::copy_from_slice(&self.scratch[..progress.written]));
            }
            if input.is_empty() && !progress.is_end {
                return Ok(Bytes::new());
            }
            if progress.read == 0 && !progress.is_end {
                return Err(CodingError::Broken(io::ErrorKind::InvalidData.into()));
            }
        }
    }

    /// Ends the body: what was held back, or an error when the coded stream is not complete.
    pub(super) fn finish(&mut self) -> Result<Bytes, CodingError> {
        match &self.state {
            State::Start(Coding::Identity) => Ok(mem::take(&mut self.held)),
            // No body at all: some servers name a coding for that too.
            State::Start(_) if self.held.is_empty() => Ok(Bytes::new()),
            State::Plain | State::GzipEnd | State::Done => Ok(Bytes::new()),
            State::Zstd { is_whole: true, .. } => Ok(Bytes::new()),
            _ => Err(CodingError::Truncated),
        }
    }

    /// Whether more bytes must be seen before [`Layer::settle`] can tell.
    fn is_undecided(&self, input: &[u8]) -> bool {
        match self.state {
            State::Start(Coding::Identity | Coding::Gzip) | State::GzipEnd => {
                input.len() < GZIP_MAGIC.len() && GZIP_MAGIC.starts_with(input)
            }
            State::Start(Coding::Deflate) => {
                input.len() < 2 || input.len() < GZIP_MAGIC.len() && GZIP_MAGIC.starts_with(input)
            }
            _ => false,
        }
    }

    /// Chooses the engine by the first bytes.
    fn settle(&mut self, input: &[u8]) -> Result<(), CodingError> {
        let is_gzip = input.starts_with(GZIP_MAGIC);
        self.state = match self.state {
            // Raw deflate never starts like gzip: it would be a block of a type that there is not.
            State::Start(Coding::Identity | Coding::Gzip | Coding::Deflate) | State::GzipEnd
                if is_gzip =>
            {
                gzip()
            }
            // A server that says gzip and sends plain text.
            State::Start(Coding::Identity | Coding::Gzip) => State::Plain,
            // Trailing bytes after the last member, often zeros: gzip(1) ignores them too.
            State::GzipEnd => State::Done,
            State::Start(Coding::Deflate) => {
                State::Deflate(Box::new(Decompress::new(is_zlib(input))))
            }
            State::Start(Coding::Brotli) => State::Brotli(Box::new(
                // SECURITY: strict, or a "large window" stream asks for a gigabyte of memory.
                BrotliState::new_strict(
                    StandardAlloc::default(),
                    StandardAlloc::default(),
                    StandardAlloc::default(),
                ),
            )),
            State::Start(Coding::Zstd) => zstd().map_err(CodingError::Broken)?,
            _ => return Ok(()),
        };
        Ok(())
    }

    fn run(&mut self, input: &[u8]) -> Result<Progress, CodingError> {
        if self.scratch.is_empty() {
            self.scratch = vec![0; STEP_BYTES_MAX].into();
        }
        let output = &mut self.scratch;
        match &mut self.state {
            State::Gzip(engine) | State::Deflate(engine) => inflate(engine, input, output),
            State::Brotli(engine) => unbrotli(engine, input, output),
            State::Zstd { decoder, is_whole } => unzstd(decoder, is_whole, input, output),
            State::Start(_) | State::Plain | State::GzipEnd | State::Done => Ok(Progress {
                read: input.len(),
                written: 0,
                // No coded stream left to read.
                is_end: false,
            }),
        }
    }
}

impl std::fmt::Debug for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layer").finish_non_exhaustive()
    }
}

fn gzip() -> State {
    State::Gzip(Box::new(Decompress::new_gzip(DEFLATE_WINDOW_BITS)))
}

fn zstd() -> io::Result<State> {
    let mut decoder = ZstdDecoder::new()?;
    // SECURITY: a frame header alone could otherwise claim 128 MiB.
    decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))?;
    Ok(State::Zstd {
        decoder,
        is_whole: true,
    })
}

/// `deflate` means zlib (RFC 9110 §8.4.1.2), and raw deflate to some servers.
fn is_zlib(input: &[u8]) -> bool {
    match *input {
        [method, flags, ..] => {
            method & 0x0f == 8 && method >> 4 <= 7 && u16::from_be_bytes([method, flags]) % 31 == 0
        }
        _ => false,
    }
}

fn inflate(
    engine: &mut Decompress,
    input: &[u8],
    output: &mut [u8],
) -> Result<Progress, CodingError> {
    let (read_before, written_before) = (engine.total_in(), engine.total_out());
    let status = engine
        .decompress(input, output, FlushDecompress::None)
        .map_err(|error| CodingError::Broken(error.into()))?;
    Ok(Progress {
        read: (engine.total_in() - read_before) as usize,
        written: (engine.total_out() - written_before) as usize,
        is_end: status == Status::StreamEnd,
    })
}

fn unbrotli(
    engine: &mut BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    input: &[u8],
    output: &mut [u8],
) -> Result<Progress, CodingError> {
    let (mut input_left, mut read) = (input.len(), 0);
    let (mut output_left, mut written, mut total) = (output.len(), 0, 0);
    let result = BrotliDecompressStream(
        &mut input_left,
        &mut read,
        input,
        &mut output_left,
        &mut written,
        output,
        &mut total,
        engine,
    );
    if matches!(result, BrotliResult::ResultFailure) {
        return Err(CodingError::Broken(io::ErrorKind::InvalidData.into()));
    }
    Ok(Progress {
        read,
        written,
        is_end: matches!(result, BrotliResult::ResultSuccess),
    })
}

fn unzstd(
    decoder: &mut ZstdDecoder<'static>,
    is_whole: &mut bool,
    input: &[u8],
    output: &mut [u8],
) -> Result<Progress, CodingError> {
    let mut progress = Progress {
        read: 0,
        written: 0,
        is_end: false,
    };
    // Between frames the decoder would take a call without input for the start of a new one.
    if *is_whole && input.is_empty() {
        return Ok(progress);
    }
    let status = decoder
        .run_on_buffers(input, output)
        .map_err(CodingError::Broken)?;
    *is_whole = status.remaining == 0;
    progress.read = status.bytes_read;
    progress.written = status.bytes_written;
    Ok(progress)
}
