//! What an image is, judged by its first bytes and by nothing that a server says.

use super::xml::{self, Next};

/// Bytes from the start that decide.
const SNIFF_BYTES: usize = 1 << 10;
/// The same for SVG: comments and a DOCTYPE may come first.
pub const PROLOGUE_BYTES_MAX: usize = 64 << 10;

/// A format of images that is known by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "names of formats")]
pub enum ImageFormat {
    Jpeg,
    Png,
    Gif,
    WebP,
    Avif,
    Heic,
    Tiff,
    Bmp,
    Ico,
    Hdr,
    Svg,
    Pdf,
}

impl ImageFormat {
    /// The format of bytes that start so.
    #[must_use]
    pub fn of(start: &[u8]) -> Option<Self> {
        let brands = |names: &[&[u8; 4]]| {
            let length = start.len().min(64);
            start.get(4..8) == Some(b"ftyp")
                && start[8..length]
                    .chunks(4)
                    .any(|brand| names.iter().any(|name| brand == *name))
        };
        Some(match start {
            [0xff, 0xd8, 0xff, ..] => Self::Jpeg,
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Self::Png,
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Self::Gif,
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Self::WebP,
            _ if brands(&[b"avif", b"avis"]) => Self::Avif,
            _ if brands(&[
                b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1",
            ]) =>
            {
                Self::Heic
            }
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Self::Tiff,
            // Behind the size come two reserved words, then an offset that can't be large.
            [b'B', b'M', _, _, _, _, 0, 0, 0, 0, _, _, 0, 0, ..] => Self::Bmp,
            // The reserved byte of the first line is 255 in files of .NET.
            [0, 0, 1 | 2, 0, 1..=255, 0, _, _, _, 0 | 255, ..] => Self::Ico,
            _ if start.starts_with(b"#?RADIANCE\n") || start.starts_with(b"#?RGBE\n") => Self::Hdr,
            [b'%', b'P', b'D', b'F', b'-', ..] => Self::Pdf,
            _ if leads(start) == Leads::ToSvg => Self::Svg,
            _ => return None,
        })
    }

    /// Whether bytes that start so are of no known format yet, and may be once there are more.
    #[must_use]
    pub fn may_follow(start: &[u8]) -> bool {
        let is_short = start.len() < PROLOGUE_BYTES_MAX;
        is_short && Self::of(start).is_none() && leads(start) == Leads::Further
    }

    /// Its media type; for images that browsers show.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
            Self::Avif => "image/avif",
            Self::Heic => "image/heic",
            Self::Tiff => "image/tiff",
            Self::Bmp => "image/bmp",
            Self::Ico => "image/x-icon",
            Self::Hdr => "image/vnd.radiance",
            Self::Svg => "image/svg+xml",
            Self::Pdf => "application/pdf",
        }
    }

    /// The ending of a file's name.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::WebP => "webp",
            Self::Avif => "avif",
            Self::Heic => "heic",
            Self::Tiff => "tiff",
            Self::Bmp => "bmp",
            Self::Ico => "ico",
            Self::Hdr => "hdr",
            Self::Svg => "svg",
            Self::Pdf => "pdf",
        }
    }

    /// What `output=json` calls it: the loader that weserv would take.
    #[must_use]
    pub fn loader(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Avif | Self::Heic => "heif",
            Self::Bmp | Self::Ico => "magick",
            Self::Hdr => "rad",
            other => other.extension(),
        }
    }

    /// Whether its bytes may be handed on as they are. SECURITY: an SVG is a document that can
    /// run scripts on our origin, and a PDF is another; neither leaves here unchanged.
    #[must_use]
    pub fn is_inert(self) -> bool {
        !matches!(self, Self::Svg | Self::Pdf)
    }
}

/// The start of a file as it comes.
#[derive(Debug, Default)]
pub struct Start {
    bytes: Vec<u8>,
    /// How much of it was looked at.
    seen: usize,
    is_told: bool,
}

impl Start {
    /// What comes next, as long as it matters.
    pub fn extend(&mut self, chunk: &[u8]) {
        if !self.is_told {
            self.bytes.extend_from_slice(chunk);
        }
    }

    /// The format, if it is a known one, once: when it can be told.
    pub fn kind(&mut self, is_all: bool) -> Option<Option<ImageFormat>> {
        let length = self.bytes.len();
        // Each look reads all of it: the next one is at twice as much.
        let is_early = !is_all && length < SNIFF_BYTES.max(self.seen * 2);
        if self.is_told || is_early {
            return None;
        }
        self.seen = length;
        self.is_told = is_all || !ImageFormat::may_follow(&self.bytes);
        self.is_told.then(|| ImageFormat::of(&self.bytes))
    }
}

/// What an XML prologue leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leads {
    ToSvg,
    Elsewhere,
    /// It goes on.
    Further,
}

/// Whether an XML prologue, if any, is followed by an `svg` element. SECURITY: HTML that holds an
/// SVG somewhere is none.
fn leads(start: &[u8]) -> Leads {
    // Nothing else is worth decoding.
    if !matches!(
        start,
        [
            b'<' | b'\t' | b'\n' | b'\r' | b' ' | 0xef | 0xfe | 0xff | 0,
            ..
        ]
    ) {
        return if start.is_empty() {
            Leads::Further
        } else {
            Leads::Elsewhere
        };
    }
    let text = xml::decode(&start[..start.len().min(PROLOGUE_BYTES_MAX)]);
    let is_svg = |name: &str| name == "svg" || name.ends_with(":svg");
    let mut rest = text.as_ref();
    loop {
        let (next, behind) = xml::next(rest);
        match next {
            Next::Nothing => rest = behind,
            Next::Doctype(doctype) if is_svg(doctype.name) => rest = behind,
            Next::Element(name) if is_svg(name) => return Leads::ToSvg,
            Next::Doctype(_) | Next::Element(_) | Next::Other => return Leads::Elsewhere,
            Next::Unfinished => return Leads::Further,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        let check = |start: &[u8], expected: Option<ImageFormat>| {
            assert_eq!(ImageFormat::of(start), expected, "{}", start.escape_ascii());
        };
        check(b"\xff\xd8\xff\xe0\0\x10JFIF", Some(ImageFormat::Jpeg));
        check(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Some(ImageFormat::Png));
        check(b"GIF89a\x01\0", Some(ImageFormat::Gif));
        check(b"GIF88a\x01\0", None);
        check(b"RIFF\x10\0\0\0WEBPVP8 ", Some(ImageFormat::WebP));
        check(b"RIFF\x10\0\0\0WAVEfmt ", None);
        check(
            b"\0\0\0\x20ftypavif\0\0\0\0avifmif1",
            Some(ImageFormat::Avif),
        );
        check(
            b"\0\0\0\x20ftypmif1\0\0\0\0avifmif1",
            Some(ImageFormat::Avif),
        );
        check(
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
            Some(ImageFormat::Heic),
        );
        check(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", None);
        check(b"II*\0\x08\0\0\0", Some(ImageFormat::Tiff));
        check(b"MM\0*\0\0\0\x08", Some(ImageFormat::Tiff));
        check(
            b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0",
            Some(ImageFormat::Bmp),
        );
        check(b"BMW is a car maker", None);
        check(
            b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0",
            Some(ImageFormat::Ico),
        );
        check(b"%PDF-1.7", Some(ImageFormat::Pdf));
        for svg in [
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
            "<svg>",
            "\u{feff}<?xml version='1.0'?>\n<!-- made by hand -->\n<svg:svg xmlns:svg='…'>",
            "<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'http://www.w3.org/svg11.dtd'><svg >",
            "<!DOCTYPE svg [<!ENTITY a 'b'>]><svg>",
            "<!DOCTYPE svg [<!ENTITY a ']>'><!-- it's ] -->]><svg>",
            &format!("<!--{}-->\n<svg>", " a licence".repeat(2000)),
        ] {
            check(svg.as_bytes(), Some(ImageFormat::Svg));
            let utf16: Vec<u8> = svg.encode_utf16().flat_map(u16::to_le_bytes).collect();
            check(&utf16, Some(ImageFormat::Svg));
        }
        check(
            b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n",
            Some(ImageFormat::Hdr),
        );
        for other in [
            "",
            "<",
            "<svg",
            "<svgs>",
            "<!DOCTYPE html><svg>",
            "<html><svg>",
            "<?foo ><script>alert(1)</script>?><svg>",
            "<!-- <svg> ",
            "hello <svg>",
            "{\"a\":\"<svg>\"}",
        ] {
            check(other.as_bytes(), None);
        }
    }
    #[test]
    fn kinds_as_they_come() {
        let told_at = |file: &[u8]| {
            let mut start = Start::default();
            for (index, chunk) in file.chunks(100).enumerate() {
                start.extend(chunk);
                if let Some(kind) = start.kind(false) {
                    return (kind, index + 1);
                }
            }
            (start.kind(true).unwrap(), 0)
        };
        let svg = |bytes: usize| format!("<!--{}--><svg>", "x".repeat(bytes)).into_bytes();
        assert_eq!(told_at(&svg(10)), (Some(ImageFormat::Svg), 0));
        assert_eq!(told_at(&[0; 4000]), (None, 11));
        let mut long = svg(3000);
        long.resize(9000, b' ');
        assert_eq!(told_at(&long), (Some(ImageFormat::Svg), 44));
        assert_eq!(told_at(&svg(PROLOGUE_BYTES_MAX * 2)).0, None);
    }

    #[test]
    fn more_may_tell() {
        for start in [
            "",
            "<",
            "<svg",
            "  \n",
            "<!-- made by hand, ",
            "<?xml version='1.0'?> <!DOC",
            "<!DOCTYPE svg [ <!ENTITY a 'b'>",
        ] {
            assert!(ImageFormat::may_follow(start.as_bytes()), "{start}");
        }
        for start in ["<html", "<svg>", "text", "<!DOCTYPE html>", "{"] {
            let start = format!("{start} ");
            assert!(!ImageFormat::may_follow(start.as_bytes()), "{start}");
        }
        let endless = format!("<!-- {}", "x".repeat(PROLOGUE_BYTES_MAX));
        assert!(!ImageFormat::may_follow(endless.as_bytes()));
    }
}
