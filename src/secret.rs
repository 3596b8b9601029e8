//! Keys that nobody gets to see.

use std::fmt;

use xxhash_rust::xxh3::xxh3_128;

/// A key, or another value that is known to few.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// A key as configured: text, or bytes in hexadecimal behind `hex:`.
    ///
    /// # Errors
    /// When what is behind `hex:` is no hexadecimal number of whole bytes.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text.strip_prefix("hex:") {
            None => Ok(Self(text.as_bytes().to_vec())),
            Some(digits) => {
                Self::parse_hex(digits).ok_or("expected pairs of hexadecimal digits behind `hex:`")
            }
        }
    }

    /// A key from its bytes in hexadecimal; `None` when that is not what these digits are.
    #[must_use]
    pub fn parse_hex(digits: &str) -> Option<Self> {
        let pairs = digits.as_bytes().chunks(2).map(|pair| {
            let is_pair = pair.len() == 2 && pair.iter().all(u8::is_ascii_hexdigit);
            let pair = str::from_utf8(pair).ok().filter(|_| is_pair)?;
            u8::from_str_radix(pair, 16).ok()
        });
        let bytes: Option<Vec<u8>> = pairs.collect();
        bytes.filter(|bytes| !bytes.is_empty()).map(Self)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

/// SECURITY: shows a digest, so that rules differ when keys do, never the key.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({:016x})", xxh3_128(&self.0) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_hexadecimal() {
        assert_eq!(Secret::parse("abc").unwrap().bytes(), b"abc");
        assert_eq!(Secret::parse("hex:00fF").unwrap().bytes(), [0, 255]);
        for refused in ["hex:", "hex:abc", "hex:zz", "hex:+1", "hex:é"] {
            assert!(Secret::parse(refused).is_err(), "{refused}");
        }
        let shown = format!("{:?}", Secret::parse("secret").unwrap());
        assert!(
            !shown.contains("secret") && !shown.contains("115"),
            "{shown}"
        );
    }
}
