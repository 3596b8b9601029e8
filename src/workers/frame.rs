//! What goes over the pipes: a header of fixed size, a head and a body.
//!
//! Invariant: who reads says how much it takes; what is longer is refused before it is read.

use std::io::{self, Read, Write};

/// What a worker is given at its start.
pub(super) const START: u8 = 1;
/// A job.
pub(super) const JOB: u8 = 2;
/// The worker has shut itself in: who it is, and what it could not bound.
pub(super) const READY: u8 = 3;
/// The answer to a job.
pub(super) const DONE: u8 = 4;
/// The job needs more memory than it has: how much.
pub(super) const NEEDS: u8 = 5;

/// Bytes of a head.
pub(super) const HEAD_BYTES_MAX: usize = 1 << 20;
/// Bytes of an answer's body.
pub(super) const ANSWER_BYTES_MAX: u64 = 128 << 20;
/// Bytes of what a worker is given at its start.
pub(super) const START_BYTES_MAX: u64 = 8 << 20;

const HEADER_BYTES: usize = 22;

/// What stands before a head and a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) tag: u8,
    /// Of a job: whether it has the largest grant that there is.
    pub(super) is_largest: bool,
    pub(super) head_bytes: u32,
    pub(super) body_bytes: u64,
    /// Of a job: its grant; of [`NEEDS`]: the bytes.
    pub(super) number: u64,
}

impl Header {
    pub(super) fn new(tag: u8, number: u64) -> Self {
        Self {
            tag,
            is_largest: false,
            head_bytes: 0,
            body_bytes: 0,
            number,
        }
    }

    fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0] = self.tag;
        bytes[1] = u8::from(self.is_largest);
        bytes[2..6].copy_from_slice(&self.head_bytes.to_le_bytes());
        bytes[6..14].copy_from_slice(&self.body_bytes.to_le_bytes());
        bytes[14..].copy_from_slice(&self.number.to_le_bytes());
        bytes
    }

    fn of_bytes(bytes: [u8; HEADER_BYTES]) -> Self {
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(word)
        };
        Self {
            tag: bytes[0],
            is_largest: bytes[1] == 1,
            head_bytes: u32::from_le_bytes([bytes[2], bytes[3], bytes[4], bytes[5]]),
            body_bytes: word(6),
            number: word(14),
        }
    }
}

/// Writes one frame; its lengths come from what is written.
pub(super) fn write(
    output: &mut impl Write,
    header: Header,
    head: &[u8],
    body: &[impl AsRef<[u8]>],
) -> io::Result<()> {
    let body_bytes = body.iter().map(|piece| piece.as_ref().len() as u64).sum();
    let header = Header {
        head_bytes: u32::try_from(head.len()).map_err(io::Error::other)?,
        body_bytes,
        ..header
    };
    output.write_all(&[&header.to_bytes()[..], head].concat())?;
    for piece in body {
        output.write_all(piece.as_ref())?;
    }
    output.flush()
}

/// Reads a frame with this tag, or one of them.
pub(super) fn read(
    input: &mut impl Read,
    tags: &[u8],
    body_bytes_max: u64,
) -> io::Result<(Header, Vec<u8>, Vec<u8>)> {
    let mut bytes = [0; HEADER_BYTES];
    input.read_exact(&mut bytes)?;
    let header = Header::of_bytes(bytes);
    let is_fine = tags.contains(&header.tag)
        && header.head_bytes as usize <= HEAD_BYTES_MAX
        && header.body_bytes <= body_bytes_max;
    // SECURITY: a worker that was taken over may say anything.
    if !is_fine {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let head = read_exactly(input, u64::from(header.head_bytes))?;
    let body = read_exactly(input, header.body_bytes)?;
    Ok((header, head, body))
}

fn read_exactly(input: &mut impl Read, count: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let length = usize::try_from(count).map_err(io::Error::other)?;
    bytes
        .try_reserve_exact(length)
        .map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    input.take(count).read_to_end(&mut bytes)?;
    if bytes.len() != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut bytes = Vec::new();
        let header = Header {
            is_largest: true,
            ..Header::new(JOB, 1 << 40)
        };
        write(&mut bytes, header, b"ask", &[b"ab", b"cd"]).unwrap();
        let (read_header, head, body) = read(&mut bytes.as_slice(), &[START, JOB], 4).unwrap();
        assert_eq!(
            (read_header.number, read_header.is_largest),
            (1 << 40, true)
        );
        assert_eq!(
            (head.as_slice(), body.as_slice()),
            (&b"ask"[..], &b"abcd"[..])
        );
    }

    #[test]
    fn lengths_are_not_trusted() {
        let kind = |bytes: &[u8], tags: &[u8], max| {
            read(&mut &*bytes, tags, max)
                .map(drop)
                .map_err(|error| error.kind())
        };
        let header = |head_bytes, body_bytes| {
            Header {
                head_bytes,
                body_bytes,
                ..Header::new(DONE, 0)
            }
            .to_bytes()
        };
        let invalid = Err(io::ErrorKind::InvalidData);
        assert_eq!(
            kind(&header(0, u64::MAX), &[DONE], ANSWER_BYTES_MAX),
            invalid
        );
        assert_eq!(
            kind(&header(u32::MAX, 0), &[DONE], ANSWER_BYTES_MAX),
            invalid
        );
        assert_eq!(kind(&header(0, 0), &[READY], 0), invalid);
        let cut = Err(io::ErrorKind::UnexpectedEof);
        assert_eq!(kind(&header(0, 9), &[DONE], 9), cut);
        assert_eq!(kind(&header(0, 0)[..9], &[DONE], 9), cut);
    }
}
