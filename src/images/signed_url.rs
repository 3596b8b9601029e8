//! Signed image URLs of the built-in image proxy: `/image/{signature}/{options}/{URL in base64url}`.
//!
//! The signature is HMAC-SHA256 over `v1`, a zero byte, the options, a zero byte and the URL.
//!
//! Invariants: without a key nobody can make a URL that verifies, nor another text for one
//! that does: base64url is read without padding and with no bit to spare, options in their
//! canonical form only. An image URL needs no escaping in HTML, XML, CSS, srcset and JSON.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use url::Url;

use super::options::UrlOptions;
use crate::secret::Secret;

/// The path of image URLs below our public URL.
pub const PATH: &str = "/image/";

/// Bytes of the URL of an image.
pub const URL_BYTES_MAX: usize = 8 << 10;
/// Keys that verify image URLs, at most.
pub const KEYS_MAX: usize = 8;
/// Bytes that a key must have.
const KEY_BYTES_MIN: usize = 16;
/// What is signed first, so that another form of URL can never be taken for this one.
const VERSION: &[u8] = b"v1\0";
const SIGNATURE_BYTES: usize = 32;

/// The keys of one service: the first signs, all verify, so that keys can be changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SigningKeys(Vec<Secret>);

/// Why keys are refused; its `Display` is a sentence for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeysError {
    /// It could be guessed.
    #[error("a key has at least {KEY_BYTES_MIN} bytes; `openssl rand -hex 32` makes one")]
    TooShort,
    /// Each costs every request that no key fits.
    #[error("there can be no more than {KEYS_MAX} keys")]
    TooMany,
}

/// An image that a signed URL requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedImage {
    /// The options in the URL.
    pub options: UrlOptions,
    /// Where it is, in the normal form of the URL standard.
    pub url: Url,
}

/// Why a signed URL is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignedUrlError {
    /// It has not the form.
    #[error("the image URL is malformed")]
    Malformed,
    /// No key of ours made this signature.
    #[error("the signature is wrong")]
    WrongSignature,
}

/// Why a URL can't be signed; its `Display` is a sentence for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImageUrlError {
    /// It names no image on the web.
    #[error("an image's URL starts with `https://` or `http://` and a host")]
    NotHttp,
    /// No server would take it.
    #[error("an image's URL has no more than {URL_BYTES_MAX} bytes")]
    TooLong,
}

impl SigningKeys {
    /// Keys; the one that signs comes first.
    ///
    /// # Errors
    /// When one is shorter than 16 bytes, or there are more than eight.
    pub fn new(keys: Vec<Secret>) -> Result<Self, SigningKeysError> {
        if keys.iter().any(|key| key.bytes().len() < KEY_BYTES_MIN) {
            return Err(SigningKeysError::TooShort);
        }
        if keys.len() > KEYS_MAX {
            return Err(SigningKeysError::TooMany);
        }
        Ok(Self(keys))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Parses and verifies an image URL: `{signature}/{options}/{URL in base64url}`, the part after
    /// [`PATH`], undecoded.
    ///
    /// # Errors
    /// When it is written otherwise than [`UrlSigner`] writes it, or not signed by one of the keys.
    pub fn verify(&self, signed: &str) -> Result<SignedImage, SignedUrlError> {
        let mut parts = signed.split('/');
        let (Some(signature), Some(options), Some(url), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(SignedUrlError::Malformed);
        };
        let signature = decode(signature, SIGNATURE_BYTES).ok_or(SignedUrlError::Malformed)?;
        let url = decode(url, URL_BYTES_MAX).ok_or(SignedUrlError::Malformed)?;
        // SECURITY: in constant time, and no less of it for an earlier key; parsed when it is ours.
        let verify = |key| {
            let verified = mac(key).map(|mac| feed(mac, options, &url).verify_slice(&signature));
            matches!(verified, Some(Ok(())))
        };
        if !self
            .0
            .iter()
            .fold(false, |is_ours, key| verify(key) | is_ours)
        {
            return Err(SignedUrlError::WrongSignature);
        }
        let options =
            UrlOptions::parse_canonical(options).map_err(|_| SignedUrlError::Malformed)?;
        let url = str::from_utf8(&url).map_err(|_| SignedUrlError::Malformed)?;
        let parsed = normal(url).map_err(|_| SignedUrlError::Malformed)?;
        if parsed.as_str() != url {
            return Err(SignedUrlError::Malformed);
        }
        Ok(SignedImage {
            options,
            url: parsed,
        })
    }
}

/// Signs image URLs with the same options; built once, since preparing a key costs as much as
/// signing with it.
#[derive(Debug, Clone)]
pub struct UrlSigner {
    mac: Hmac<Sha256>,
    start: String,
    options: String,
}

impl UrlSigner {
    /// A signer for URLs below `public_url`, which has no slash at its end; `None` without a key.
    #[must_use]
    pub fn new(keys: &SigningKeys, public_url: &str, options: &UrlOptions) -> Option<Self> {
        Some(Self {
            mac: mac(keys.0.first()?)?,
            start: format!("{public_url}{PATH}"),
            options: options.as_str().to_owned(),
        })
    }

    /// The start of all its URLs.
    #[must_use]
    pub fn start(&self) -> &str {
        &self.start
    }

    /// The signed image URL for the image at `url`, which is in its [`normal`] form.
    #[must_use]
    pub fn sign(&self, url: &str) -> String {
        let mac = feed(self.mac.clone(), &self.options, url.as_bytes());
        let signature = mac.finalize().into_bytes();
        let mut signed = String::with_capacity(self.start.len() + 64 + url.len() * 4 / 3);
        signed.push_str(&self.start);
        URL_SAFE_NO_PAD.encode_string(signature, &mut signed);
        signed.push('/');
        signed.push_str(&self.options);
        signed.push('/');
        URL_SAFE_NO_PAD.encode_string(url, &mut signed);
        signed
    }
}

/// An image URL without its signature: `{options}/{URL in base64url}`.
#[must_use]
pub fn unsigned(options: &UrlOptions, url: &Url) -> String {
    let mut text = format!("{options}/");
    URL_SAFE_NO_PAD.encode_string(url.as_str(), &mut text);
    text
}

/// The URL of an image in the normal form of the URL standard, without a fragment.
///
/// # Errors
/// When it is no http(s) URL with a host, or longer than 8 KiB.
pub fn normal(url: &str) -> Result<Url, ImageUrlError> {
    let mut url = Url::parse(url).map_err(|_| ImageUrlError::NotHttp)?;
    url.set_fragment(None);
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(ImageUrlError::NotHttp);
    }
    if url.as_str().len() > URL_BYTES_MAX {
        return Err(ImageUrlError::TooLong);
    }
    Ok(url)
}

fn mac(key: &Secret) -> Option<Hmac<Sha256>> {
    // HMAC takes keys of any length.
    Hmac::new_from_slice(key.bytes()).ok()
}

fn feed(mut mac: Hmac<Sha256>, options: &str, url: &[u8]) -> Hmac<Sha256> {
    for part in [VERSION, options.as_bytes(), b"\0", url] {
        mac.update(part);
    }
    mac
}

/// base64url as it is written here: no padding, no bit to spare.
fn decode(text: &str, bytes_max: usize) -> Option<Vec<u8>> {
    let is_short = text.len() <= bytes_max.div_ceil(3) * 4;
    is_short
        .then(|| URL_SAFE_NO_PAD.decode(text).ok())
        .flatten()
}

#[cfg(test)]
mod tests;
