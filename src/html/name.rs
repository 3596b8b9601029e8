//! Names of elements and attributes as numbers: to compare two is one comparison.

use std::ops::Range;

/// Names of so many bytes are written out in the number.
const WRITTEN_MAX: usize = 15;
/// What the last byte of the number is for a longer one.
const LONG: u8 = 0xFF;
const EVERY_BYTE: u128 = u128::from_le_bytes([1; 16]);

/// A name without regard to case. Two of more than [`WRITTEN_MAX`] bytes are the same where length
/// and hash are: no rule that keeps harm away may ask for one of those.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Name(u128);

impl Name {
    #[inline]
    pub(crate) const fn of(name: &str) -> Self {
        let bytes = name.as_bytes();
        if bytes.len() > WRITTEN_MAX {
            return Self::long(bytes);
        }
        let mut written = [0; 16];
        let mut at = 0;
        while at < bytes.len() {
            written[at] = bytes[at].to_ascii_lowercase();
            at += 1;
        }
        written[WRITTEN_MAX] = bytes.len() as u8;
        Self(u128::from_le_bytes(written))
    }

    /// The name that is in `text` there.
    #[inline]
    pub(super) fn at(text: &str, range: Range<usize>) -> Self {
        let length = range.len();
        let window = text.as_bytes().get(range.start..range.start + 16);
        let window = window.and_then(|window| window.first_chunk::<16>());
        match window {
            Some(window) if length <= WRITTEN_MAX => {
                let letters = u128::from_le_bytes(*window) & ((1 << (8 * length)) - 1);
                Self(lower(letters) | (length as u128) << (8 * WRITTEN_MAX))
            }
            _ => Self::of(&text[range]),
        }
    }

    const fn long(bytes: &[u8]) -> Self {
        // FNV-1a.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut at = 0;
        while at < bytes.len() {
            hash ^= bytes[at].to_ascii_lowercase() as u64;
            hash = hash.wrapping_mul(0x0100_0000_01b3);
            at += 1;
        }
        let length = (bytes.len() as u32 as u128) << 64;
        Self((LONG as u128) << (8 * WRITTEN_MAX) | length | hash as u128)
    }

    /// Whether both are the same, where constants are made.
    pub(crate) const fn is(self, other: Self) -> bool {
        self.0 == other.0
    }

    /// A number that is another for most other names.
    #[inline]
    const fn hash(self) -> usize {
        let folded = self.0 as u64 ^ (self.0 >> 64) as u64;
        (folded.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as usize
    }

    /// Whether it is one of these.
    #[inline]
    pub(crate) fn is_one_of(self, names: &[Self]) -> bool {
        names.contains(&self)
    }
}

/// What is known of some names, found by a hash; with free slots, so that looking ends.
pub(crate) struct Table<T, const SLOTS: usize>([Option<(Name, T)>; SLOTS]);

impl<T: Copy, const SLOTS: usize> Table<T, SLOTS> {
    pub(crate) const fn new() -> Self {
        Self([None; SLOTS])
    }

    /// Adds a name; the first of two that are the same counts.
    pub(crate) const fn add(&mut self, name: Name, value: T) {
        let mut slot = name.hash() % SLOTS;
        while let Some((known, _)) = &self.0[slot] {
            if known.0 == name.0 {
                return;
            }
            slot = (slot + 1) % SLOTS;
        }
        self.0[slot] = Some((name, value));
    }

    pub(crate) fn get(&self, wanted: Name) -> Option<T> {
        let mut slot = wanted.hash() % SLOTS;
        while let Some((name, value)) = self.0[slot] {
            if name == wanted {
                return Some(value);
            }
            slot = (slot + 1) % SLOTS;
        }
        None
    }
}

/// A list of names.
pub(crate) const fn names<const N: usize>(names: [&str; N]) -> [Name; N] {
    let mut list = [Name(0); N];
    let mut at = 0;
    while at < N {
        list[at] = Name::of(names[at]);
        at += 1;
    }
    list
}

/// Sixteen bytes with their ASCII letters in lower case.
const fn lower(bytes: u128) -> u128 {
    // No sum reaches the next byte: the addends are below 0x80.
    let low = bytes & (0x7F * EVERY_BYTE);
    let from_a = low + (0x80 - b'A' as u128) * EVERY_BYTE;
    let above_z = low + (0x7F - b'Z' as u128) * EVERY_BYTE;
    let is_upper = (from_a & !above_z & !bytes) & (0x80 * EVERY_BYTE);
    bytes | is_upper >> 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_are_the_same_without_regard_to_case(
            before in ".{0,20}",
            one in "[@-\\[a-dZ`{\0\u{80}é]{0,18}",
            other in "[@-\\[a-dZ`{\0\u{80}é]{0,18}",
            after in ".{0,20}",
        ) {
            let read = |name: &str| {
                let text = format!("{before}{name}{after}");
                Name::at(&text, before.len()..before.len() + name.len())
            };
            prop_assert_eq!(read(&one), Name::of(&one));
            prop_assert_eq!(read(&one.to_ascii_uppercase()), Name::of(&one));
            prop_assert_eq!(read(&one) == read(&other), one.eq_ignore_ascii_case(&other));
        }
    }

    #[test]
    fn lists() {
        const LIST: [Name; 2] = names(["img", "data-high-res-src"]);
        assert!(Name::of("IMG").is_one_of(&LIST));
        assert!(Name::of("data-HIGH-res-src").is_one_of(&LIST));
        assert!(!Name::of("data-high-res-sra").is_one_of(&LIST));
        assert!(!Name::of("").is_one_of(&LIST));
    }
}
