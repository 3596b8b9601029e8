//! Escapes untrusted text for a line of the log: nothing in it ends the line, moves the cursor,
//! reverses the direction of writing, or is longer than its limit.

use std::fmt::{self, Write};

/// Marks where text was cut off.
pub(super) const CUT: char = '…';

/// The context of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Alone.
    Bare,
    /// In quotes.
    Quoted,
    /// In a JSON string.
    Json,
}

/// Takes text, and writes at most so many bytes of it, each character as one that shows.
#[derive(Debug)]
pub(super) struct Escaped<'a> {
    out: &'a mut String,
    /// Bytes that may still be written.
    left: usize,
    place: Place,
}

impl<'a> Escaped<'a> {
    pub(super) fn new(out: &'a mut String, bytes_max: usize, place: Place) -> Self {
        Self {
            out,
            left: bytes_max,
            place,
        }
    }

    /// Writes `text` without escaping, if there is room.
    fn push(&mut self, text: &str) -> fmt::Result {
        if text.len() > self.left {
            // Whoever writes stops at an error: what is never shown need not be made.
            self.left = 0;
            self.out.push(CUT);
            return Err(fmt::Error);
        }
        self.left -= text.len();
        self.out.push_str(text);
        Ok(())
    }
}

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let is_mark = |byte: u8| matches!(byte, b'"' | b'\\');
        let is_bare = self.place == Place::Bare;
        let is_odd = |byte: u8| !matches!(byte, b' '..=b'~') || is_mark(byte) && !is_bare;
        let mut rest = text;
        while !rest.is_empty() {
            let plain = rest.bytes().position(is_odd).unwrap_or(rest.len());
            let (plain, odd) = rest.split_at(plain);
            let (fitting, over) = plain.split_at(plain.len().min(self.left));
            self.push(fitting)?;
            self.push(over)?;
            let Some(letter) = odd.chars().next() else {
                break;
            };
            rest = &odd[letter.len_utf8()..];
            self.push(&written(letter, self.place))?;
        }
        Ok(())
    }
}

/// A letter as it shows. What has no shape of its own, or turns the direction of what follows, is
/// written by its number.
fn written(letter: char, place: Place) -> String {
    let shown = letter.escape_debug().to_string();
    if place != Place::Json
        || shown.len() == letter.len_utf8()
        || shown.len() == 2 && letter != '\0'
    {
        return match letter {
            '\'' => "'".to_owned(),
            _ => shown,
        };
    }
    let mut units = [0; 2];
    let units = letter.encode_utf16(&mut units).iter();
    units.map(|unit| format!("\\u{unit:04x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str, bytes_max: usize, place: Place) -> String {
        let mut out = String::new();
        let written = Escaped::new(&mut out, bytes_max, place).write_str(text);
        assert_eq!(written.is_err(), out.ends_with(CUT), "{text:?}");
        out
    }

    #[test]
    fn what_does_not_show_is_written_so_that_it_does() {
        for (text, expected) in [
            ("plain text, ä, 中文, 😀", "plain text, ä, 中文, 😀"),
            ("a\nb\r\n\tc", r"a\nb\r\n\tc"),
            ("\u{1b}[31mred\u{7}\u{8}", r"\u{1b}[31mred\u{7}\u{8}"),
            ("\0\u{7f}\u{85}\u{9b}", r"\0\u{7f}\u{85}\u{9b}"),
            ("\u{2028}\u{2029}", r"\u{2028}\u{2029}"),
            (
                "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}",
                r"\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}",
            ),
            (
                "\u{2066}\u{2067}\u{2068}\u{2069}",
                r"\u{2066}\u{2067}\u{2068}\u{2069}",
            ),
            (
                "\u{200b}\u{200e}\u{200f}\u{61c}\u{feff}",
                r"\u{200b}\u{200e}\u{200f}\u{61c}\u{feff}",
            ),
            ("\u{e0041}\u{fff9}\u{e000}", r"\u{e0041}\u{fff9}\u{e000}"),
            (r#"it's a "b" \n"#, r#"it's a "b" \n"#),
        ] {
            assert_eq!(escaped(text, 1000, Place::Bare), expected, "{text:?}");
        }
        let quoted = r#"it's a \"b\" \\n"#;
        assert_eq!(escaped(r#"it's a "b" \n"#, 99, Place::Quoted), quoted);
    }

    #[test]
    fn json_has_escapes_of_its_own() {
        let all = (0..0x3000)
            .chain(0xe000..0xe100)
            .chain(0xfe00..0x1_0010)
            .chain(0xe_0000..0xe_0080)
            .filter_map(char::from_u32);
        let text: String = all.collect();
        let line = escaped(&text, usize::MAX, Place::Json);
        let read: String = serde_json::from_str(&format!("\"{line}\"")).unwrap();
        assert_eq!(read, text);
        for odd in [
            '\n',
            '\u{1b}',
            '\u{9b}',
            '\u{202e}',
            '\u{2028}',
            '\u{e0041}',
        ] {
            assert!(!line.contains(odd), "{odd:?}");
        }
    }

    #[test]
    fn no_more_is_written_than_may_be() {
        assert_eq!(escaped("abc", 3, Place::Bare), "abc");
        assert_eq!(escaped("abcd", 3, Place::Bare), "abc…");
        assert_eq!(escaped("ab\ncd", 3, Place::Bare), "ab…");
        assert_eq!(escaped("ää", 3, Place::Bare), "ä…");
        let mut out = String::new();
        let mut writer = Escaped::new(&mut out, 3, Place::Bare);
        writer.write_str("ab").unwrap();
        assert!(writer.write_str("cd").is_err());
        assert_eq!(out, "abc…");
    }
}
