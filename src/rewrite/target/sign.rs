//! Signatures of image proxies.

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::Sha256;

use crate::secret::Secret;

/// What a signature is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    /// MD5 of the message and then the key, as nginx has it (`secure_link_md5`); no HMAC.
    Md5,
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

/// The signature of what the parts are together, cut to its first `bytes_max` bytes.
pub(super) fn sign(
    (hash, coding): (Hash, Coding),
    key: &Secret,
    parts: [&[u8]; 2],
    bytes_max: Option<usize>,
) -> String {
    let mut bytes = match hash {
        Hash::Md5 => {
            let [salt, message] = parts;
            let all = [salt, message, key.bytes()];
            let digest = all.iter().fold(Md5::new(), Digest::chain_update);
            digest.finalize().to_vec()
        }
        Hash::Sha1 => mac::<Hmac<Sha1>>(key, parts),
        Hash::Sha256 => mac::<Hmac<Sha256>>(key, parts),
    };
    bytes.truncate(bytes_max.unwrap_or(bytes.len()));
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
