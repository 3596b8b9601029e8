//! Signatures of image proxies.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use xxhash_rust::xxh3::xxh3_128;

/// What a signature is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
}

/// How a signature is written; base64 is that for URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Hex,
    Base64,
    Base64Padded,
}

/// A key that nobody gets to see.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// A key as configured: text, or bytes in hexadecimal behind `hex:`.
    ///
    /// # Errors
    /// When what is behind `hex:` is no hexadecimal number of whole bytes.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let Some(digits) = text.strip_prefix("hex:") else {
            return Ok(Self(text.as_bytes().to_vec()));
        };
        let pairs = digits.as_bytes().chunks(2).map(|pair| {
            let pair = str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
            u8::from_str_radix(pair, 16).ok()
        });
        let bytes: Option<Vec<u8>> = pairs.collect();
        let bytes = bytes.filter(|bytes| !bytes.is_empty());
        bytes
            .map(Self)
            .ok_or("expected pairs of hexadecimal digits behind `hex:`")
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// SECURITY: shows a digest, so that rules differ when keys do, never the key.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({:016x})", xxh3_128(&self.0) as u64)
    }
}

/// The signature of what the parts are together.
pub(super) fn sign((hash, coding): (Hash, Coding), key: &Secret, parts: [&[u8]; 2]) -> String {
    let bytes = match hash {
        Hash::Sha1 => mac::<Hmac<Sha1>>(key, parts),
        Hash::Sha256 => mac::<Hmac<Sha256>>(key, parts),
    };
    match coding {
        Coding::Hex => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Coding::Base64 => URL_SAFE_NO_PAD.encode(bytes),
        Coding::Base64Padded => URL_SAFE.encode(bytes),
    }
}

fn mac<M: Mac + KeyInit>(key: &Secret, parts: [&[u8]; 2]) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = M::new_from_slice(key.bytes()) else {
        return Vec::new();
    };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}
