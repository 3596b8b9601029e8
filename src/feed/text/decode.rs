//! Raw bytes to text and runs.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memmem};

use super::carrier::{Carrier, REFERENCE_BYTES_MAX};
use super::{Decoded, Run, Runs};

const CDATA_START: &str = "<![CDATA[";
const CDATA_END: &str = "]]>";
/// What starts and ends sections, and comments and processing instructions, which are no part of a
/// text (XML 1.0 sections 2.5 and 2.6).
const MARKS: [(&str, &str); 3] = [(CDATA_START, CDATA_END), ("<!--", "-->"), ("<?", "?>")];

pub(super) fn content(raw: &str) -> Decoded<'_> {
    if memchr2(b'&', b'<', raw.as_bytes()).is_none() {
        return Decoded::plain(raw, 0..raw.len(), Carrier::Text);
    }
    if let Some(section) = raw.strip_prefix(CDATA_START)
        && memmem::find(section.as_bytes(), CDATA_END.as_bytes())
            == section.len().checked_sub(CDATA_END.len())
        && section.len() >= CDATA_END.len()
    {
        let range = CDATA_START.len()..raw.len() - CDATA_END.len();
        return Decoded::plain(raw, range, Carrier::Cdata);
    }
    let mut builder = Builder::new(raw);
    let mut at = 0;
    let mut from = 0;
    // SECURITY: what has no end is not looked for again, or time would be quadratic.
    let mut is_ended = [true; MARKS.len()];
    while let Some(found) = memchr(b'<', &raw.as_bytes()[from..]) {
        let start = from + found;
        from = start + 1;
        let rest = &raw[start..];
        let mark = MARKS.iter().position(|(open, _)| rest.starts_with(open));
        let Some(mark) = mark.filter(|&mark| is_ended[mark]) else {
            continue;
        };
        let (open, close) = MARKS[mark];
        let inner = start + open.len();
        // Without an end it is text.
        let Some(length) = memmem::find(&raw.as_bytes()[inner..], close.as_bytes()) else {
            is_ended[mark] = false;
            continue;
        };
        builder.references(at, start, Carrier::Text, Carrier::TextReference);
        if open == CDATA_START {
            builder.keep(inner, inner + length, Carrier::Cdata);
        }
        at = inner + length + close.len();
        from = at;
    }
    builder.references(at, raw.len(), Carrier::Text, Carrier::TextReference);
    builder.finish(Carrier::Text)
}

pub(super) fn attribute(raw: &str) -> Decoded<'_> {
    if memchr(b'&', raw.as_bytes()).is_none() {
        return Decoded::plain(raw, 0..raw.len(), Carrier::Attribute);
    }
    let mut builder = Builder::new(raw);
    builder.references(
        0,
        raw.len(),
        Carrier::Attribute,
        Carrier::AttributeReference,
    );
    builder.finish(Carrier::Attribute)
}

pub(super) fn json(raw: &str) -> Decoded<'_> {
    if memchr(b'\\', raw.as_bytes()).is_none() {
        return Decoded::plain(raw, 0..raw.len(), Carrier::Json);
    }
    let mut builder = Builder::new(raw);
    let mut at = 0;
    while let Some(length) = memchr(b'\\', &raw.as_bytes()[at..]) {
        let start = at + length;
        builder.keep(at, start, Carrier::Json);
        let (letter, end) = json_escape(raw, start);
        builder.replace(start, end, letter, Carrier::JsonEscape);
        at = end;
    }
    builder.keep(at, raw.len(), Carrier::Json);
    builder.finish(Carrier::Json)
}

/// The character an escape at `start` stands for, and where the escape ends.
fn json_escape(raw: &str, start: usize) -> (char, usize) {
    let Some(letter) = raw[start + 1..].chars().next() else {
        return ('\\', start + 1);
    };
    let end = start + 1 + letter.len_utf8();
    let plain = match letter {
        'u' => return unicode_escape(raw, end),
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'f' => '\u{c}',
        other => other,
    };
    (plain, end)
}

/// `XXXX` at `at`, behind `\u`, and the low surrogate that may follow (RFC 8259 section 7).
/// A surrogate on its own is U+FFFD.
fn unicode_escape(raw: &str, at: usize) -> (char, usize) {
    let unit = |at: usize| {
        let digits = raw.get(at..at + 4)?;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex
            .then(|| u32::from_str_radix(digits, 16).ok())
            .flatten()
    };
    let Some(first) = unit(at) else {
        return ('u', at);
    };
    let end = at + 4;
    if (0xD800..0xDC00).contains(&first)
        && raw[end..].starts_with("\\u")
        && let Some(second) = unit(end + 2).filter(|unit| (0xDC00..0xE000).contains(unit))
        && let Some(letter) = char::from_u32(0x10000 + ((first - 0xD800) << 10) + second - 0xDC00)
    {
        return (letter, end + 6);
    }
    (
        char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER),
        end,
    )
}

/// The character that the reference at the start of `rest` (`&…;`) stands for, and its length.
fn reference(rest: &str) -> Option<(char, usize)> {
    let window = &rest.as_bytes()[..rest.len().min(REFERENCE_BYTES_MAX)];
    let end = memchr(b';', window)?;
    let name = &rest[1..end];
    let letter = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let (digits, radix) = match number.strip_prefix(['x', 'X']) {
                Some(hex) => (hex, 16),
                None => (number, 10),
            };
            // `from_str_radix` would take a sign.
            if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return None;
            }
            let letter = char::from_u32(u32::from_str_radix(digits, radix).ok()?)?;
            // XML has no other control characters; HTML, below, may make something of them.
            if letter.is_control() && !matches!(letter, '\t' | '\n' | '\r') {
                return None;
            }
            letter
        }
    };
    Some((letter, end + 1))
}

struct Builder<'a> {
    raw: &'a str,
    text: String,
    runs: Vec<Run>,
}

impl<'a> Builder<'a> {
    fn new(raw: &'a str) -> Self {
        Self {
            raw,
            text: String::with_capacity(raw.len()),
            runs: Vec::new(),
        }
    }

    /// Decodes the references in the raw bytes from `at` to `end`.
    fn references(&mut self, at: usize, end: usize, plain: Carrier, reference: Carrier) {
        let mut kept = at;
        let mut at = at;
        while let Some(length) = memchr(b'&', &self.raw.as_bytes()[at..end]) {
            let start = at + length;
            match self::reference(&self.raw[start..end]) {
                Some((letter, length)) => {
                    self.keep(kept, start, plain);
                    self.replace(start, start + length, letter, reference);
                    at = start + length;
                    kept = at;
                }
                None => at = start + 1,
            }
        }
        self.keep(kept, end, plain);
    }

    /// The raw bytes from `at` to `end` stand for themselves.
    fn keep(&mut self, at: usize, end: usize, carrier: Carrier) {
        if at < end || carrier == Carrier::Cdata {
            self.run(at, end, end - at, carrier);
            self.text.push_str(&self.raw[at..end]);
        }
    }

    /// The raw bytes from `at` to `end` stand for `letter`.
    fn replace(&mut self, at: usize, end: usize, letter: char, carrier: Carrier) {
        self.run(at, end, letter.len_utf8(), carrier);
        self.text.push(letter);
    }

    fn run(&mut self, at: usize, end: usize, text_length: usize, carrier: Carrier) {
        self.runs.push(Run {
            raw: at,
            raw_length: end - at,
            text: self.text.len(),
            text_length,
            carrier,
        });
    }

    fn finish(self, empty: Carrier) -> Decoded<'a> {
        if self.runs.is_empty() {
            return Decoded::plain(self.raw, 0..self.raw.len(), empty);
        }
        Decoded {
            raw: self.raw,
            text: Cow::Owned(self.text),
            runs: Runs::Many(self.runs),
        }
    }
}
