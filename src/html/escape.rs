//! Text in which some bytes have another spelling: references, escape sequences, percent signs.

use percent_encoding::{AsciiSet, percent_encode, percent_encode_byte};

/// What is written in the place of each byte.
#[derive(Debug)]
pub(crate) struct Escapes {
    /// Empty for what stays.
    written: [&'static str; 256],
    is_escaped: [bool; 256],
}

/// Text and values in any quotes, in HTML and XML.
pub(crate) static ANY_QUOTES: Escapes = Escapes::of(&[
    (b'&', "&amp;"),
    (b'<', "&lt;"),
    (b'>', "&gt;"),
    (b'"', "&quot;"),
    (b'\'', "&#39;"),
]);

/// Values in double quotes.
pub(crate) static DOUBLE_QUOTES: Escapes = Escapes::of(&[
    (b'&', "&amp;"),
    (b'<', "&lt;"),
    (b'>', "&gt;"),
    (b'"', "&quot;"),
]);

/// Text between tags.
pub(crate) static TEXT: Escapes = Escapes::of(&[(b'&', "&amp;"), (b'<', "&lt;"), (b'>', "&gt;")]);

/// Values in any quotes in XML: without references, white space would be read as spaces (XML §3.3.3).
pub(crate) static XML_VALUE: Escapes = Escapes::of(&[
    (b'&', "&amp;"),
    (b'<', "&lt;"),
    (b'>', "&gt;"),
    (b'"', "&quot;"),
    (b'\'', "&#39;"),
    (b'\t', "&#9;"),
    (b'\n', "&#10;"),
    (b'\r', "&#13;"),
]);

/// How many bytes are looked at together.
const CHUNK_BYTES: usize = 16;

const NO_BREAK_SPACE: char = '\u{a0}';

/// Appends a value for double quotes, or for apostrophes; a space that does not break has a name in
/// HTML, and parsers that write HTML anew use it.
pub(crate) fn push_value(value: &str, in_apostrophes: bool, is_xml: bool, out: &mut String) {
    let escapes = match in_apostrophes {
        true => &ANY_QUOTES,
        false => &DOUBLE_QUOTES,
    };
    match is_xml {
        true => escapes.push(value, out),
        false => push_html(value, escapes, out),
    }
}

/// Appends text between tags, as parsers write HTML anew.
pub(crate) fn push_text(text: &str, out: &mut String) {
    push_html(text, &TEXT, out);
}

fn push_html(text: &str, escapes: &Escapes, out: &mut String) {
    // Most values are ASCII.
    if text.is_ascii() {
        return escapes.push(text, out);
    }
    let mut parts = text.split(NO_BREAK_SPACE);
    escapes.push(parts.next().unwrap_or_default(), out);
    for part in parts {
        out.push_str("&nbsp;");
        escapes.push(part, out);
    }
}

impl Escapes {
    /// The bytes that are written in another way, all of them ASCII.
    pub(crate) const fn of(pairs: &[(u8, &'static str)]) -> Self {
        let mut table = [""; 256];
        let mut at = 0;
        while at < pairs.len() {
            table[pairs[at].0 as usize] = pairs[at].1;
            at += 1;
        }
        Self::by(table)
    }

    /// Percent-encoding (RFC 3986 §2.1) of what is in the set, and of all that is not ASCII.
    pub(crate) fn percent(set: &'static AsciiSet) -> Self {
        let mut table = [""; 256];
        for byte in 0..=u8::MAX {
            let is_encoded = percent_encode(&[byte], set).next() == Some(percent_encode_byte(byte));
            if is_encoded {
                table[usize::from(byte)] = percent_encode_byte(byte);
            }
        }
        Self::by(table)
    }

    const fn by(written: [&'static str; 256]) -> Self {
        let mut is_escaped = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            is_escaped[byte] = !written[byte].is_empty();
            byte += 1;
        }
        Self {
            written,
            is_escaped,
        }
    }

    /// Appends `text` with the bytes replaced.
    pub(crate) fn push(&self, text: &str, out: &mut String) {
        let mut done = 0;
        let mut at = 0;
        for chunk in text.as_bytes().chunks(CHUNK_BYTES) {
            // Most chunks hold nothing of the kind, and seeing that needs no branch for each byte.
            let each = chunk.iter().map(|&byte| self.is_escaped[usize::from(byte)]);
            if each.fold(false, |any, is_escaped| any | is_escaped) {
                for (byte, at) in chunk.iter().zip(at..) {
                    let escaped = self.written[usize::from(*byte)];
                    if !escaped.is_empty() {
                        // The bytes of one letter are all replaced or none is.
                        if done < at {
                            out.push_str(&text[done..at]);
                        }
                        out.push_str(escaped);
                        done = at + 1;
                    }
                }
            }
            at += chunk.len();
        }
        out.push_str(&text[done..]);
    }

    /// `text` with the bytes replaced.
    pub(crate) fn write(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + text.len() / 8);
        self.push(text, &mut out);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    #[test]
    fn what_stays_and_what_goes() {
        assert_eq!(
            ANY_QUOTES.write("<a b=\"é\">'&"),
            "&lt;a b=&quot;é&quot;&gt;&#39;&amp;"
        );
        assert_eq!(DOUBLE_QUOTES.write("'\"'"), "'&quot;'");
        assert_eq!(TEXT.write("'\"<"), "'\"&lt;");
    }

    proptest! {
        #[test]
        fn percent_is_as_the_library_writes_it(text in "\\PC{0,20}") {
            const SET: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'/');
            let expected = utf8_percent_encode(&text, SET).to_string();
            prop_assert_eq!(Escapes::percent(SET).write(&text), expected);
        }
    }
}
