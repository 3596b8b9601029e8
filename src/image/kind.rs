//! What a picture is, judged by its first bytes and by nothing that a server says.

/// Bytes from the start that decide; for SVG, where comments may come first, a little more counts.
pub const SNIFF_BYTES: usize = 1 << 10;

/// A format of pictures that is known by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "names of formats")]
pub enum Kind {
    Jpeg,
    Png,
    Gif,
    WebP,
    Avif,
    Heic,
    Tiff,
    Bmp,
    Ico,
    Svg,
    Pdf,
}

impl Kind {
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
            [0, 0, 1 | 2, 0, 1..=255, 0, _, _, _, 0, ..] => Self::Ico,
            [b'%', b'P', b'D', b'F', b'-', ..] => Self::Pdf,
            _ if is_svg(start) => Self::Svg,
            _ => return None,
        })
    }

    /// Its media type; for pictures that browsers show.
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

/// Whether an XML prologue, if any, is followed by an `svg` element. SECURITY: HTML that holds an
/// SVG somewhere is none.
fn is_svg(start: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let text = String::from_utf8_lossy(&start[..start.len().min(SNIFF_BYTES)]);
    let mut rest = text.trim_start();
    loop {
        let end = if rest.starts_with("<?xml") {
            rest.find("?>").map(|at| at + 2)
        } else if rest.starts_with("<!--") {
            rest.find("-->").map(|at| at + 3)
        } else if rest.starts_with("<!DOCTYPE svg") {
            // An internal subset holds declarations that end with `>` themselves.
            let opens = rest
                .find(['[', '>'])
                .filter(|at| rest[*at..].starts_with('['));
            let from = opens.map_or(Some(0), |at| rest[at..].find(']').map(|to| at + to));
            from.and_then(|from| rest[from..].find('>').map(|at| from + at + 1))
        } else {
            break;
        };
        match end {
            Some(end) => rest = rest[end..].trim_start(),
            None => return false,
        }
    }
    let Some(name) = rest.strip_prefix('<') else {
        return false;
    };
    let end = name.find(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/'));
    let name = &name[..end.unwrap_or(0)];
    name == "svg" || name.ends_with(":svg")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        let check = |start: &[u8], expected: Option<Kind>| {
            assert_eq!(Kind::of(start), expected, "{}", start.escape_ascii());
        };
        check(b"\xff\xd8\xff\xe0\0\x10JFIF", Some(Kind::Jpeg));
        check(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Some(Kind::Png));
        check(b"GIF89a\x01\0", Some(Kind::Gif));
        check(b"GIF88a\x01\0", None);
        check(b"RIFF\x10\0\0\0WEBPVP8 ", Some(Kind::WebP));
        check(b"RIFF\x10\0\0\0WAVEfmt ", None);
        check(b"\0\0\0\x20ftypavif\0\0\0\0avifmif1", Some(Kind::Avif));
        check(b"\0\0\0\x20ftypmif1\0\0\0\0avifmif1", Some(Kind::Avif));
        check(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Some(Kind::Heic));
        check(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", None);
        check(b"II*\0\x08\0\0\0", Some(Kind::Tiff));
        check(b"MM\0*\0\0\0\x08", Some(Kind::Tiff));
        check(b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0", Some(Kind::Bmp));
        check(b"BMW is a car maker", None);
        check(b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0", Some(Kind::Ico));
        check(b"%PDF-1.7", Some(Kind::Pdf));
        for svg in [
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
            "<svg>",
            "\u{feff}<?xml version='1.0'?>\n<!-- made by hand -->\n<svg:svg xmlns:svg='…'>",
            "<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'http://www.w3.org/svg11.dtd'><svg >",
            "<!DOCTYPE svg [<!ENTITY a 'b'>]><svg>",
        ] {
            check(svg.as_bytes(), Some(Kind::Svg));
        }
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
}
