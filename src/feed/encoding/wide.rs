//! UTF-16 and UTF-32: found by their byte order mark or by their nulls.

use encoding_rs::{UTF_16BE, UTF_16LE};

use super::standard::decode;

/// So many bytes tell these charsets from each other and from the rest.
pub(super) const MARK_BYTES: usize = 4;

/// A decoder of code units wider than a byte.
pub(super) enum Wide {
    Utf16(encoding_rs::Decoder),
    Utf32 {
        is_big_endian: bool,
        /// The start of a unit whose end has not come yet.
        partial: Vec<u8>,
    },
}

impl Wide {
    /// Finds the charset of `head`, its name, and how many bytes its mark takes. A document
    /// starts with a character of ASCII, as markup and JSON do.
    pub(super) fn detect(head: &[u8]) -> Option<(Self, &'static str, usize)> {
        let utf_16 = |encoding: &'static encoding_rs::Encoding, mark| {
            let decoder = encoding.new_decoder_without_bom_handling();
            Some((Self::Utf16(decoder), encoding.name(), mark))
        };
        let utf_32 = |is_big_endian, mark| {
            let partial = Vec::with_capacity(4);
            let name = if is_big_endian {
                "UTF-32BE"
            } else {
                "UTF-32LE"
            };
            let wide = Self::Utf32 {
                is_big_endian,
                partial,
            };
            Some((wide, name, mark))
        };
        match *head {
            [0xFF, 0xFE, 0, 0, ..] => utf_32(false, 4),
            [0, 0, 0xFE, 0xFF, ..] => utf_32(true, 4),
            [0xFF, 0xFE, ..] => utf_16(UTF_16LE, 2),
            [0xFE, 0xFF, ..] => utf_16(UTF_16BE, 2),
            [first, 0, 0, 0, ..] if starts_document(first) => utf_32(false, 0),
            [0, 0, 0, first, ..] if starts_document(first) => utf_32(true, 0),
            [first, 0, ..] if starts_document(first) => utf_16(UTF_16LE, 0),
            [0, first, ..] if starts_document(first) => utf_16(UTF_16BE, 0),
            _ => None,
        }
    }

    pub(super) fn decode(&mut self, bytes: &[u8], is_last: bool, out: &mut String) {
        match self {
            Self::Utf16(decoder) => decode(decoder, bytes, is_last, out),
            Self::Utf32 {
                is_big_endian,
                partial,
            } => {
                for byte in bytes {
                    partial.push(*byte);
                    if let [a, b, c, d] = **partial {
                        let unit = [a, b, c, d];
                        let value = if *is_big_endian {
                            u32::from_be_bytes(unit)
                        } else {
                            u32::from_le_bytes(unit)
                        };
                        out.push(char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER));
                        partial.clear();
                    }
                }
                if is_last && !partial.is_empty() {
                    partial.clear();
                    out.push(char::REPLACEMENT_CHARACTER);
                }
            }
        }
    }
}

fn starts_document(byte: u8) -> bool {
    byte == b'<' || byte == b'{' || byte.is_ascii_whitespace()
}
