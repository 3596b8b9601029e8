//! What `{placeholders}` of templates stand for.

use std::fmt::Write as _;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

use super::escapes::{COMPONENT, UNSAFE};
use super::sign::{Coding, Hash};
use crate::html::escape::Escapes;
use crate::rewrite::image_url::ImageUrl;

/// What would not survive as part of a query value, but for `/` and `:`, which do.
static QUERY_VALUE: LazyLock<Escapes> = LazyLock::new(|| {
    const SET: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'~')
        .remove(b'/')
        .remove(b':');
    Escapes::percent(SET)
});

/// File name extensions longer than this are no extensions.
const EXTENSION_BYTES_MAX: usize = 5;

pub(super) const PLACEHOLDERS: &[(&str, Placeholder)] = &[
    ("url", Placeholder::Url),
    ("url_enc", Placeholder::UrlEncoded),
    ("url_b64", Placeholder::UrlBase64),
    ("url_hex", Placeholder::UrlHex),
    ("host", Placeholder::Host),
    ("host_path", Placeholder::HostPath),
    ("path", Placeholder::Path),
    ("scheme", Placeholder::Scheme),
    ("query", Placeholder::Query),
    ("ext", Placeholder::Extension),
    ("url_b64_padded", Placeholder::UrlBase64Padded),
    ("hostname", Placeholder::Hostname),
    ("ssl", Placeholder::Ssl),
    ("ssl_more", Placeholder::SslMore),
    ("md5_hex", Placeholder::Signature(Hash::Md5, Coding::Hex)),
    ("md5_b64", Placeholder::Signature(Hash::Md5, Coding::Base64)),
    (
        "hmac_sha1_hex",
        Placeholder::Signature(Hash::Sha1, Coding::Hex),
    ),
    (
        "hmac_sha1_b64",
        Placeholder::Signature(Hash::Sha1, Coding::Base64),
    ),
    (
        "hmac_sha1_b64_padded",
        Placeholder::Signature(Hash::Sha1, Coding::Base64Padded),
    ),
    (
        "hmac_sha256_hex",
        Placeholder::Signature(Hash::Sha256, Coding::Hex),
    ),
    (
        "hmac_sha256_b64",
        Placeholder::Signature(Hash::Sha256, Coding::Base64),
    ),
    (
        "hmac_sha256_b64_padded",
        Placeholder::Signature(Hash::Sha256, Coding::Base64Padded),
    ),
];

#[derive(Debug, Clone, Copy)]
pub(super) enum Placeholder {
    Url,
    UrlEncoded,
    UrlBase64,
    UrlHex,
    Host,
    HostPath,
    Path,
    Scheme,
    Query,
    Extension,
    UrlBase64Padded,
    Hostname,
    /// `?ssl=1` where the image's URL is https.
    Ssl,
    /// The same behind another parameter.
    SslMore,
    Signature(Hash, Coding),
}

impl Placeholder {
    pub(super) fn write(self, image: &ImageUrl<'_>, out: &mut String) {
        let ImageUrl {
            whole,
            scheme,
            host_and_port,
            path,
            query,
            ..
        } = *image;
        match self {
            Self::Url => UNSAFE.push(whole, out),
            Self::UrlEncoded => COMPONENT.push(whole, out),
            Self::UrlBase64 => URL_SAFE_NO_PAD.encode_string(whole, out),
            Self::UrlBase64Padded => URL_SAFE.encode_string(whole, out),
            Self::Hostname => out.push_str(image.host),
            Self::Ssl if scheme == "https" => out.push_str("?ssl=1"),
            Self::SslMore if scheme == "https" => out.push_str("&ssl=1"),
            // Signatures are written by who has the key.
            Self::Ssl | Self::SslMore | Self::Signature(..) => {}
            Self::UrlHex => {
                for byte in whole.bytes() {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "{byte:02x}");
                }
            }
            Self::Host => out.push_str(host_and_port),
            Self::HostPath => {
                out.push_str(host_and_port);
                QUERY_VALUE.push(path, out);
                if let Some(query) = query {
                    out.push_str("%3F");
                    QUERY_VALUE.push(query, out);
                }
            }
            Self::Path => UNSAFE.push(path, out),
            Self::Scheme => out.push_str(scheme),
            Self::Query => UNSAFE.push(query.unwrap_or_default(), out),
            Self::Extension => out.push_str(&extension(path)),
        }
    }
}

fn extension(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or("");
    file.rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase())
        .filter(|extension| extension.len() <= EXTENSION_BYTES_MAX)
        .filter(|extension| extension.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .unwrap_or_default()
}
