//! UTF-8: whether bytes are it, and what they say where some of them are broken.

/// With fewer bytes that are not ASCII there is nothing to guess from: it is a Western text.
pub(super) const GUESS_BYTES_MIN: usize = 8;
/// So many sequences of a text in UTF-8 may be broken, in percent.
const BROKEN_PERCENT_MAX: usize = 1;
/// Whole characters for each broken one that only UTF-8 has: other charsets have less than one for
/// two.
const WHOLE_PER_BROKEN_MIN: usize = 4;
/// The bytes of two surrogates in CESU-8.
const PAIR_BYTES: usize = 6;

/// What is said of a document's charset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// It is UTF-8, or nothing is said, which means the same.
    Utf8,
    /// It is UTF-8 and something else, or something that is no charset or can't be true.
    Unclear,
    /// It is something else.
    Other,
}

/// Whether `probe` is UTF-8, as far as it goes. Some broken sequences are no reason to take it for
/// something else, unless that is what the document claims.
pub(super) fn is_utf_8(probe: &[u8], claim: Claim) -> bool {
    let seen = Sequences::count(probe);
    let is_outweighed = seen.whole >= WHOLE_PER_BROKEN_MIN * (seen.cut + seen.foreign).max(1);
    match claim {
        _ if seen.cut + seen.foreign == 0 => true,
        Claim::Other => false,
        Claim::Unclear => is_outweighed,
        Claim::Utf8 => seen.foreign == 0 || is_outweighed || seen.has_few(),
    }
}

/// What is in a text, read as UTF-8.
#[derive(Debug, Default)]
struct Sequences {
    all: usize,
    /// Characters that are not ASCII.
    whole: usize,
    /// Characters without their ends. Other charsets have next to none.
    cut: usize,
    /// Other bytes that are no UTF-8.
    foreign: usize,
}

impl Sequences {
    fn count(probe: &[u8]) -> Self {
        let mut seen = Self::default();
        let mut rest = probe;
        while !rest.is_empty() {
            let error = std::str::from_utf8(rest).err();
            let valid = error.map_or(rest.len(), |error| error.valid_up_to());
            let (text, broken) = rest.split_at(valid);
            // Continuation bytes are no characters of their own.
            let letters = text.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
            seen.all += letters;
            seen.whole += letters - text.iter().filter(|byte| byte.is_ascii()).count();
            let Some(error) = error else { break };
            // The probe may end within a character.
            let Some(length) = error.error_len() else {
                break;
            };
            seen.all += 1;
            rest = match (pair(broken), length) {
                (Some(_), _) => {
                    seen.whole += 1;
                    &broken[PAIR_BYTES..]
                }
                (None, 1) if is_surrogate(broken) => {
                    seen.cut += 1;
                    &broken[PAIR_BYTES / 2..]
                }
                (None, 1) => {
                    seen.foreign += 1;
                    &broken[1..]
                }
                (None, _) => {
                    seen.cut += 1;
                    &broken[length..]
                }
            };
        }
        seen
    }

    /// Whether so little is broken that there is nothing to guess another charset from, or that
    /// UTF-8 is the better guess.
    fn has_few(&self) -> bool {
        let most = (self.all * BROKEN_PERCENT_MAX / 100).max(1);
        self.foreign <= most && (self.foreign < GUESS_BYTES_MIN || self.whole >= self.foreign)
    }
}

/// Whether `bytes` start with half a character as CESU-8 writes it.
fn is_surrogate(bytes: &[u8]) -> bool {
    matches!(bytes, [0xED, 0xA0..=0xBF, 0x80..=0xBF, ..])
}

/// Decodes UTF-8 that comes in chunks. U+FFFD stands for what is broken; two surrogates (CESU-8)
/// are the character that they stand for.
#[derive(Debug, Default)]
pub(super) struct Utf8 {
    /// The start of a character or of two surrogates, whose end has not come yet.
    pending: Vec<u8>,
}

impl Utf8 {
    /// Appends the next bytes to `out`.
    pub(super) fn decode(&mut self, bytes: &[u8], is_last: bool, out: &mut String) {
        let mut rest = bytes;
        if !self.pending.is_empty() {
            let mut joined = std::mem::take(&mut self.pending);
            // What is pending ends within them, or they are all there is.
            let more = rest.len().min(2 * PAIR_BYTES);
            joined.extend_from_slice(&rest[..more]);
            let is_all = more == rest.len();
            let read = decode_some(&joined, is_last && is_all, out);
            if is_all {
                self.pending = joined.split_off(read);
                return;
            }
            rest = &rest[more - (joined.len() - read)..];
        }
        let read = decode_some(rest, is_last, out);
        self.pending.extend_from_slice(&rest[read..]);
    }
}

/// Appends `bytes` but for what is not whole at their end; so many were taken.
fn decode_some(bytes: &[u8], is_last: bool, out: &mut String) -> usize {
    let mut at = 0;
    loop {
        let rest = &bytes[at..];
        let error = match simdutf8::compat::from_utf8(rest) {
            Ok(text) => {
                out.push_str(text);
                return bytes.len();
            }
            Err(error) => error,
        };
        let (valid, broken) = rest.split_at(error.valid_up_to());
        out.push_str(simdutf8::basic::from_utf8(valid).unwrap_or_default());
        at += valid.len();
        let is_open = error.error_len().is_none() || is_open_pair(broken);
        if is_open && !is_last {
            return at;
        }
        let (letter, length) = match pair(broken) {
            Some(letter) => (letter, PAIR_BYTES),
            None => (
                char::REPLACEMENT_CHARACTER,
                error.error_len().unwrap_or(broken.len()),
            ),
        };
        out.push(letter);
        at += length;
    }
}

/// The character whose surrogates `bytes` start with.
fn pair(bytes: &[u8]) -> Option<char> {
    let [
        0xED,
        a @ 0xA0..=0xAF,
        b @ 0x80..=0xBF,
        0xED,
        c @ 0xB0..=0xBF,
        d @ 0x80..=0xBF,
        ..,
    ] = *bytes
    else {
        return None;
    };
    let half = |high: u8, low: u8| u32::from(high & 0x0F) << 6 | u32::from(low & 0x3F);
    char::from_u32(0x1_0000 + (half(a, b) << 10) + half(c & 0x0F, d))
}

/// Whether `bytes` are the start of two surrogates, and nothing else.
fn is_open_pair(bytes: &[u8]) -> bool {
    let ranges = [
        0xED..=0xED,
        0xA0..=0xAF,
        0x80..=0xBF,
        0xED..=0xED,
        0xB0..=0xBF,
        0x80..=0xBF_u8,
    ];
    bytes.len() < PAIR_BYTES
        && bytes
            .iter()
            .zip(ranges)
            .all(|(byte, range)| range.contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &str) {
        for size in [1, 2, 3, 4, 5, 7, 1000] {
            let (mut decoder, mut out) = (Utf8::default(), String::new());
            for chunk in bytes.chunks(size) {
                decoder.decode(chunk, false, &mut out);
            }
            decoder.decode(&[], true, &mut out);
            assert_eq!(out, expected, "in chunks of {size}");
        }
    }

    #[test]
    fn broken_bytes_are_replaced_and_nothing_else() {
        check("é 汉 😀 x".as_bytes(), "é 汉 😀 x");
        check(
            b"a\xE2\x80 b\xE9c\xF0\x9F\x98",
            "a\u{fffd} b\u{fffd}c\u{fffd}",
        );
        check(b"\x80\x80\xC3", "\u{fffd}\u{fffd}\u{fffd}");
    }

    #[test]
    fn surrogates_are_joined() {
        check(b"a\xED\xA0\xBD\xED\xB8\x80b", "a😀b");
        check(
            b"\xED\xA0\xBD\xED\xA0\xBD\xED\xB8\x80\xED\xA0\xBD",
            "\u{fffd}\u{fffd}\u{fffd}😀\u{fffd}\u{fffd}\u{fffd}",
        );
        check(b"\xED\x9F\xBFx\xED", "\u{d7ff}x\u{fffd}");
        check(b"\xED\xB8\x80", "\u{fffd}\u{fffd}\u{fffd}");
    }

    #[test]
    fn one_broken_character_makes_no_other_charset() {
        let long = "x".repeat(400);
        let blog = "it’s fine\u{1} and so on".repeat(20);
        let replace = |text: &str, with: &[u8]| -> Vec<u8> {
            let parts = text.split('\u{1}').map(str::as_bytes);
            parts.collect::<Vec<_>>().join(with)
        };
        for (bytes, claim, expected) in [
            (replace("é cut\u{1}<", b"\xE2\x80"), Claim::Utf8, true),
            (replace("é cut\u{1}<", b"\x92"), Claim::Utf8, true),
            (replace("cut\u{1}<", b"\xE2\x80"), Claim::Utf8, true),
            (replace(&blog, b"\xE2\x80"), Claim::Utf8, true),
            (replace(&format!("\u{1}{long}"), b"\xA0"), Claim::Utf8, true),
            // Other charsets.
            (
                replace("Espa\u{1}a, \u{1} tierra", b"\xF1"),
                Claim::Utf8,
                false,
            ),
            (
                replace(&"\u{1} und so weiter".repeat(9), b"\xFC"),
                Claim::Utf8,
                false,
            ),
            (
                replace(&format!("\u{1}{long}"), b"\xE9"),
                Claim::Unclear,
                false,
            ),
            (
                replace(&format!("汉字汉字{long}\u{1}<"), b"\xE9"),
                Claim::Unclear,
                true,
            ),
            (
                replace(&format!("汉字汉字{long}\u{1}<"), b"\xE9"),
                Claim::Other,
                false,
            ),
        ] {
            assert_eq!(
                is_utf_8(&bytes, claim),
                expected,
                "{}",
                bytes.escape_ascii()
            );
        }
    }

    #[test]
    fn other_charsets_are_not_taken_for_it() {
        use encoding_rs::{BIG5, EUC_JP, EUC_KR, GBK, SHIFT_JIS, WINDOWS_874};
        let japanese = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。";
        let thai = "ประเทศไทยมีเมืองหลวงคือกรุงเทพมหานคร ซึ่งเป็นศูนย์กลางการปกครอง";
        for (encoding, text) in [
            (SHIFT_JIS, japanese),
            (EUC_JP, japanese),
            (
                GBK,
                "汉字汉字，中文网站的新闻频道，提供最新消息。联通公司宣布",
            ),
            (BIG5, "中文網站的新聞頻道，提供最新消息"),
            (
                EUC_KR,
                "대한민국은 동아시아의 한반도 군사 분계선 남부에 위치한 나라이다.",
            ),
            (WINDOWS_874, thai),
        ] {
            let (bytes, ..) = encoding.encode(text);
            assert!(!is_utf_8(&bytes, Claim::Utf8), "{}", encoding.name());
            let sparse = [&b"x".repeat(3000), &*bytes].concat();
            assert!(!is_utf_8(&sparse, Claim::Utf8), "{}", encoding.name());
        }
    }
}
