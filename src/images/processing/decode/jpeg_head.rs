//! The markers of a JPEG (ITU-T T.81, Annex B) up to its pixels: size, colours, profile, EXIF.

use image::metadata::Orientation;

use crate::images::geometry::Size;
use crate::images::processing::error::ProcessingError;

/// Bytes of a colour profile.
const PROFILE_BYTES_MAX: usize = 4 << 20;
/// Scans of one image. SECURITY: each is worked through over the whole image, and one of a few
/// bytes costs as much as any.
const SCANS_MAX: usize = 100;

/// Bytes of Adobe's segment; what is shorter is none to decoders.
const ADOBE_BYTES: usize = 12;

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP14: u8 = 0xee;

/// What a JPEG's markers say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JpegHead {
    pub(super) size: Size,
    pub(super) components: u8,
    pub(super) is_progressive: bool,
    /// The sampling factors of the first component, horizontal and vertical.
    pub(super) sampling: (u8, u8),
    /// The first three of four components are told by lightness and two colour differences.
    pub(super) is_ycck: bool,
    pub(super) profile: Option<Vec<u8>>,
    pub(super) orientation: u8,
    /// Pixels to the inch, where the file says (JFIF, ITU-T T.871 §10.1).
    pub(super) density: Option<u16>,
}

/// Reads them.
pub(super) fn read(bytes: &[u8]) -> Result<JpegHead, ProcessingError> {
    let mut head = JpegHead {
        size: Size::new(1, 1),
        components: 0,
        is_progressive: false,
        sampling: (1, 1),
        is_ycck: false,
        profile: None,
        orientation: 1,
        density: None,
    };
    let mut profile = Profile::default();
    let mut at = 2;
    while let Some((marker, segment, end)) = segment(bytes, at) {
        match marker {
            // Start of frame, but for the tables and extensions among them.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                head.is_progressive = matches!(marker, 0xc2 | 0xc6 | 0xca | 0xce);
                frame(segment, &mut head).ok_or(ProcessingError::Unreadable)?;
            }
            APP0 => head.density = density(segment).or(head.density),
            APP1 => {
                if let Some(exif) = segment.strip_prefix(b"Exif\0\0") {
                    let found = Orientation::from_exif_chunk(exif);
                    head.orientation = found.map_or(head.orientation, Orientation::to_exif);
                }
            }
            APP2 => profile.add(segment),
            APP14 if segment.len() >= ADOBE_BYTES && segment.starts_with(b"Adobe") => {
                head.is_ycck = segment[ADOBE_BYTES - 1] == 2;
            }
            SOS | EOI => break,
            _ => {}
        }
        at = end;
    }
    if head.components == 0 {
        return Err(ProcessingError::Unreadable);
    }
    if head.is_progressive && scans(&bytes[at..]) > SCANS_MAX {
        return Err(ProcessingError::Unreadable);
    }
    head.profile = profile.whole();
    Ok(head)
}

/// The next marker with a segment from `at`, the segment without its length, and where it ends.
/// Fill bytes, rubbish between segments and markers without one are skipped.
fn segment(bytes: &[u8], mut at: usize) -> Option<(u8, &[u8], usize)> {
    loop {
        at += memchr::memchr(0xff, bytes.get(at..)?)?;
        at += bytes[at..].iter().take_while(|byte| **byte == 0xff).count();
        match *bytes.get(at)? {
            0 | 1 | SOI | 0xd0..=0xd7 => at += 1,
            EOI => return Some((EOI, &[], at + 1)),
            marker => {
                let length = u16::from_be_bytes(bytes.get(at + 1..at + 3)?.try_into().ok()?);
                let end = at + 1 + usize::from(length.max(2));
                return Some((marker, bytes.get(at + 3..end)?, end));
            }
        }
    }
}

fn density(segment: &[u8]) -> Option<u16> {
    let [_, _, unit, x1, x2, ..] = segment.strip_prefix(b"JFIF\0")? else {
        return None;
    };
    let density = u16::from_be_bytes([*x1, *x2]);
    match unit {
        1 => Some(density),
        2 => Some((f32::from(density) * 2.54).round() as u16),
        _ => None,
    }
}

fn frame(segment: &[u8], head: &mut JpegHead) -> Option<()> {
    let [_, h1, h2, w1, w2, components, rest @ ..] = segment else {
        return None;
    };
    let height = u32::from(u16::from_be_bytes([*h1, *h2]));
    let width = u32::from(u16::from_be_bytes([*w1, *w2]));
    let sampling = rest.get(1)?;
    if width == 0 || height == 0 || !matches!(components, 1 | 3 | 4) {
        return None;
    }
    head.size = Size { width, height };
    head.components = *components;
    head.sampling = (sampling >> 4, sampling & 15);
    Some(())
}

/// Starts of scans in what follows the first.
fn scans(rest: &[u8]) -> usize {
    let markers = memchr::memchr_iter(0xff, rest);
    1 + markers.filter(|at| rest.get(at + 1) == Some(&SOS)).count()
}

/// A colour profile that comes in numbered parts (ICC.1, Annex B.4).
#[derive(Default)]
struct Profile {
    parts: Vec<(u8, Vec<u8>)>,
    bytes: usize,
}

impl Profile {
    fn add(&mut self, segment: &[u8]) {
        let Some([number, _, part @ ..]) = segment.strip_prefix(b"ICC_PROFILE\0") else {
            return;
        };
        self.bytes += part.len();
        if self.bytes <= PROFILE_BYTES_MAX {
            self.parts.push((*number, part.to_vec()));
        }
    }

    fn whole(mut self) -> Option<Vec<u8>> {
        if self.parts.is_empty() || self.bytes > PROFILE_BYTES_MAX {
            return None;
        }
        self.parts.sort_by_key(|(number, _)| *number);
        Some(self.parts.into_iter().flat_map(|(_, part)| part).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jpeg(segments: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0xff, SOI];
        for (marker, body) in segments {
            bytes.extend([0xff, *marker]);
            bytes.extend((body.len() as u16 + 2).to_be_bytes());
            bytes.extend(*body);
        }
        bytes
    }

    const FRAME: &[u8] = &[8, 0, 200, 1, 44, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1];

    #[test]
    fn sizes_and_colours() {
        let head = read(&jpeg(&[
            (0xe0, b"JFIF"),
            (APP14, b"Adobe\0\x64\0\0\0\0\x02"),
            (0xc2, FRAME),
            (SOS, b""),
        ]))
        .unwrap();
        assert_eq!(head.size, Size::new(300, 200));
        assert_eq!((head.components, head.sampling), (3, (2, 2)));
        assert!(head.is_progressive && head.is_ycck);
    }

    #[test]
    fn profiles_come_in_parts_of_any_order() {
        let head = read(&jpeg(&[
            (APP2, b"ICC_PROFILE\0\x02\x02world"),
            (APP2, b"ICC_PROFILE\0\x01\x02hello "),
            (0xc0, FRAME),
        ]));
        assert_eq!(head.unwrap().profile.unwrap(), b"hello world");
    }

    #[test]
    fn cameras_note_how_they_were_held() {
        let exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        assert_eq!(
            read(&jpeg(&[(APP1, exif), (0xc0, FRAME)]))
                .unwrap()
                .orientation,
            6
        );
    }

    #[test]
    fn broken_heads() {
        let no_size: &[u8] = &[8, 0, 0, 0, 0, 3, 1, 0x22, 0];
        for bytes in [
            vec![0xff, SOI],
            vec![0xff, SOI, 0xff, 0xc0],
            vec![0xff, SOI, 0xff, 0xc0, 0xff, 0xff],
            jpeg(&[(0xc0, b"")]),
            jpeg(&[(0xc0, no_size)]),
            jpeg(&[(0xc0, &FRAME[..6])]),
            [0xff, 0xd0].repeat(100_000),
            [0xff, 0xff, 0xd0].repeat(100_000),
            vec![0xff; 100_000],
        ] {
            assert_eq!(read(&bytes), Err(ProcessingError::Unreadable));
        }
        // An image that would be worked through a thousand times.
        let mut bomb = jpeg(&[(0xc2, FRAME)]);
        bomb.extend([0xff, SOS, 0, 2].repeat(1000));
        assert_eq!(read(&bomb), Err(ProcessingError::Unreadable));
    }
}
